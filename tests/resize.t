#!/bin/bash
# tests/resize.t: vnuma resize as its users meet it: what is refused, what is told, that the record follows. The guests have no system in them, so
# none ever answers: what a real one does is the lab's to test (tests/lab/resize.t).
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
export VNUMA_STATE_DIR=$work/state
trap '"$vnuma" stop grows --force >/dev/null 2>&1; "$vnuma" stop fixed --force >/dev/null 2>&1; ended' EXIT

# ---- options, before anything is looked at ----

expect "all that is wrong" 2 "$vnuma" resize vm 512M --vnode x --timeout -1
same "is told, a line each" "$(sort <<<"$err")" "vnuma: '512M' seen; expected a sign and a size, such as +512M, -2G or =3G
vnuma: --timeout: '-1'; expected seconds, at most 86400
vnuma: --vnode: 'x'; expected a number, at most 31"
expect "a size without a vnode" 2 "$vnuma" resize vm +512M
like "is told" "$err" "^vnuma: --vnode: missing; expected the vnode whose memory is to change, or no size"
for option in "--timeout 5" --force --all-or-nothing; do
	# shellcheck disable=SC2086 # an option and its value
	expect "$option without a size" 2 "$vnuma" resize vm $option
	like "is told" "$err" "^vnuma: ${option%% *}: given without a size"
done
for size in +0M -0G +5 M '' '+ 5M' +1.5G +16777216T '+5M
'; do expect "'$size' is no size" 2 "$vnuma" resize vm --vnode 0 "$size"; done
expect "no VM" 2 "$vnuma" resize
expect "two sizes" 2 "$vnuma" resize vm +5M +6M
expect "a VM that is none" 2 "$vnuma" resize no-such-vm-of-ours --vnode 0 +2M
like "is named" "$err" "no VM is named 'no-such-vm-of-ours'"
expect "as JSON" 2 "$vnuma" resize no-such-vm-of-ours --json
json "an error" '.schema' '"vnuma.error/1"'

# ---- plans ----

node=$(jq -r '[.nodes[] | select(.cpus != [] and .memory_total > 0)][0].id' < <("$vnuma" topology --json))
config() { printf '%s\n' "name = \"$1\"" "memory = 256" "vcpus = 1" "vnodes = 2" "vnuma_vcpumap = [0]" "vnuma_vnodemap = [$node, $node]" "${@:2}"; }
config grows "vnumamem_min = [128, 64]" "vnumamem_max = [524288, 192]" >"$work/grows"
config fixed >"$work/fixed"
expect "a plan of one that may grow beyond its home" 0 "$vnuma" plan "$work/grows" --occupied none --json
json "has the bounds" '[.vnodes[] | [.memory, .memory_min, .memory_max]]' \
	"[[$((128 << 20)),$((128 << 20)),$((1 << 39))],[$((128 << 20)),$((64 << 20)),$((192 << 20))]]"
json "warns" '[.warnings[].code] | index("growth-not-reserved") != null' true
expect "a plan of one that may not" 0 "$vnuma" plan "$work/fixed" --occupied none --json
json "has none" '[.vnodes[] | has("memory_min") or has("memory_max")]' '[false,false]'
expect "as a domain" 0 "$vnuma" plan "$work/grows" --occupied none --to libvirt
like "with what is requested" "$out" "<memory model='virtio-mem'>"
printf '%s\n' "$out" >"$work/domain.xml"
expect "which is read again" 0 "$vnuma" plan "$work/domain.xml" --occupied none --to qemu
like "as what it was" "$out" '-device virtio-mem-pci,id=vmem1,memdev=plug1,node=1,block-size=2M,requested-size=64M'
unlike "and nothing of it is said to be left out" "$err" 'virtio-mem.*conversion-leaves-out'
printf '%s\n' "$("$vnuma" plan "$work/grows" --occupied none --to qemu 2>/dev/null)" >"$work/line.args"
expect "a command line of it as a domain" 0 "$vnuma" plan "$work/line.args" --occupied none --to libvirt
like "has the device" "$out" "<memory model='virtio-mem'>"
unlike "and leaves none of it out" "$(grep conversion-leaves-out <<<"$err")" 'virtio-mem|requested-size|reserve='
expect "as a config of Xen's" 0 "$vnuma" plan "$work/grows" --occupied none --to xl
like "tells what is left out" "$err" 'vnumamem_min and vnumamem_max are left out.*\[xl-growth\]'
unlike "and has none of it" "$out" 'vnumamem'

# ---- libvirt's, of a library that plays it (tests/fake/fake_libvirt.h) ----

export VNUMA_FAKE_LIBVIRT=$work/libvirt
unset LIBVIRT_DEFAULT_URI
mkdir -p "$work/libvirt"
of_libvirt() { LD_LIBRARY_PATH=${vnuma%/*}/tests/fake "$vnuma" resize shop "$@"; }
# device CELL REQUESTED CURRENT : KiB
device() {
	echo "<memory model='virtio-mem'><target><size unit='KiB'>524288</size><node>$1</node><block unit='KiB'>2048</block>" \
		"<requested unit='KiB'>$2</requested><current unit='KiB'>$3</current></target><alias name='virtiomem$1'/></memory>"
}
domain() { # DEVICES
	cat <<XML
<domain type='kvm' id='1'>
  <name>shop</name>
  <maxMemory slots='4' unit='KiB'>4194304</maxMemory><memory unit='KiB'>1572864</memory>
  <vcpu>2</vcpu>
  <numatune><memory mode='strict' nodeset='$node'/><memnode cellid='0' mode='strict' nodeset='$node'/></numatune>
  <cpu><numa><cell id='0' cpus='0' memory='262144' unit='KiB'/><cell id='1' cpus='1' memory='262144' unit='KiB'/></numa></cpu>
  <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>
  <devices>$1</devices>
</domain>
XML
}
domain "$(device 0 131072 131072)" >"$work/libvirt/xml"
expect "what a domain has" 0 of_libvirt --json
json "is told in the same form" '[.schema, .name, (.vnodes[] | [.vnode, .min, .size, .requested, .max, .home, .device])]' \
	"[\"vnuma.resize/1\",\"shop\",[0,$((256 << 20)),$((384 << 20)),$((384 << 20)),$((768 << 20)),$node,\"virtiomem0\"],[1,$((256 << 20)),$((256 << 20)),$((256 << 20)),$((256 << 20)),-1,null]]"
expect "a vnode that it does not have" 2 of_libvirt --vnode 2 +2M
like "is told" "$err" "^vnuma: --vnode: 2; expected a vnode of 'shop', which has 2$"
expect "one without a device" 2 of_libvirt --vnode 1 +2M
like "is told" "$err" "--vnode: 1; expected a vnode with one virtio-mem device .*: it has 0$"
expect "no whole blocks" 2 of_libvirt --vnode 0 +1M
expect "more than it can have" 2 of_libvirt --vnode 0 +1G
same "nothing of that is asked for" "$(find "$work/libvirt" -name log)" ''
domain "$(device 0 196608 196608)" >"$work/libvirt/xml-then"
expect "64 MiB more" 0 of_libvirt --vnode 0 +64M --force --json
json "are there" '.vnodes[0] | [.size, .requested]' "[$((448 << 20)),$((448 << 20))]"
same "its device is given to libvirt as it was, but for that" "$(<"$work/libvirt/device")" "$(device 0 196608 131072)"
domain "$(device 0 65536 196608)" >"$work/libvirt/xml-then"
expect "a guest that does not answer" 1 of_libvirt --vnode 0 -128M --timeout 1
like "is told" "$err" '^vnuma: vnode 0: the guest has not answered within 1 s .*: the request stands$'
domain "$(device 0 65536 131072)" >"$work/libvirt/xml"
domain "$(device 0 0 131072)" >"$work/libvirt/xml-then"
expect "with all or nothing" 1 of_libvirt --vnode 0 -64M --timeout 1 --all-or-nothing
like "it is taken back" "$err" ': the request is taken back$'
like "which is the last that libvirt hears" "$(<"$work/libvirt/device")" "<requested unit='KiB'>65536</requested>"
same "after the request itself" "$(tail -n 2 "$work/libvirt/log" | sort -u)" 'device '

# ---- libvirt's, which goes away meanwhile, or is another host's ----

# A libvirt that hangs once it was told holds up a look for 10 s: that is waited for at the end.
mkdir "$work/hangs"
domain "$(device 0 131072 131072)" >"$work/hangs/xml"
domain "$(device 0 65536 131072)" >"$work/hangs/xml-then"
echo hang >"$work/hangs/then"
VNUMA_FAKE_LIBVIRT=$work/hangs of_libvirt --vnode 0 -64M --timeout 1 >"$work/hangs/out" 2>"$work/hangs/err" &
hangs=$!
# begun [THEN] : 128 MiB, of which 64 are asked back, and then
begun() {
	domain "$(device 0 131072 131072)" >"$work/libvirt/xml"
	domain "$(device 0 65536 131072)" >"$work/libvirt/xml-then"
	rm -f "$work/libvirt/log" "$work/libvirt/crash" "$work/libvirt/then"
	if (($# > 0)); then echo "$1" >"$work/libvirt/then"; fi
}
begun crash
expect "a libvirt that cannot be asked any more" 3 of_libvirt --vnode 0 -64M --timeout 1
same "is told, and what stands" "$err" "vnuma: libvirt cannot be asked: its library ended the process that used it
vnuma: vnode 0: what the guest has done is not known: the request stands"
begun crash
expect "with all or nothing" 3 of_libvirt --vnode 0 -64M --timeout 1 --all-or-nothing
same "it cannot be taken back, which is told, too" "$err" "vnuma: libvirt cannot be asked: its library ended the process that used it
vnuma: vnode 0: what was requested cannot be taken back: the request stands"
same "after one request" "$(<"$work/libvirt/log")" 'device '
# back : half a second and more after it crashed
back() {
	for ((i = 0; i < 100; i++)); do if [[ -e $work/libvirt/crash ]]; then break; else sleep 0.1; fi; done
	sleep 0.7
	rm "$work/libvirt/crash"
}
begun crash
back &
back=$!
expect "one that is back in time" 1 of_libvirt --vnode 0 -64M --timeout 4 --all-or-nothing
wait "$back"
like "has the guest waited for" "$err" '^vnuma: vnode 0: the guest has not answered within 4 s .*: the request is taken back$'
same "and takes back what was requested" "$(wc -l <"$work/libvirt/log")" 2
like "to what it was" "$(<"$work/libvirt/device")" "<requested unit='KiB'>131072</requested>"
begun ends
expect "a domain that ends while it is waited for" 3 of_libvirt --vnode 0 -64M --timeout 60 --all-or-nothing
same "is told" "$err" "vnuma: 'shop' ended meanwhile: libvirt has no running domain 'shop' to tell of: Domain not found"
for far in qemu+ssh://far/system qemu+tls://me@far:16514/system; do
	begun
	expect "more, of a domain at $far" 3 of_libvirt --connect "$far" --vnode 0 +64M
	like "is not asked for, without a look at its host" "$err" "^vnuma: not resized: libvirt is asked at '${far/+/.}', .*cannot be looked at"
	expect "nor where the environment names it" 3 env LIBVIRT_DEFAULT_URI="$far" LD_LIBRARY_PATH="${vnuma%/*}/tests/fake" "$vnuma" resize shop --vnode 0 +64M
	same "nothing is asked for" "$(find "$work/libvirt" -name log)" ''
	expect "less is" 1 of_libvirt --connect "$far" --vnode 0 -64M --timeout 1
	domain "$(device 0 196608 196608)" >"$work/libvirt/xml-then"
	expect "and more, with --force" 0 of_libvirt --connect "$far" --vnode 0 +64M --force
done
domain "$(device 0 131072 131072)" >"$work/libvirt/xml"
domain "$(device 0 133120 133120)" >"$work/libvirt/xml-then"
expect "more, of this host's" 0 of_libvirt --connect qemu:///system --vnode 0 +2M
wait "$hangs"
same "one that hangs" $? 3
same "is told, and not taken for a guest that does not answer" "$(<"$work/hangs/err")" "vnuma: libvirt does not answer within 10 s
vnuma: vnode 0: what the guest has done is not known: the request stands"

echo "it is too hot" >"$work/libvirt/refuse"
expect "what libvirt refuses" 3 of_libvirt --vnode 0 +64M --force
like "is told in its words" "$err" "^vnuma: libvirt does not change 'virtiomem0': it is too hot$"
domain "$(device 0 0 0)$(device 0 0 0)" >"$work/libvirt/xml"
expect "two devices" 2 of_libvirt --vnode 0 +64M
like "are one too many" "$err" ': it has 2$'
domain "<memory model='virtio-mem'><target><size unit='KiB'>524288</size><node>0</node><block unit='KiB'>2048</block></target></memory>" >"$work/libvirt/xml"
expect "one that libvirt would not tell so" 2 of_libvirt
like "is named" "$err" 'devices/memory: expected an <alias> with a name, as libvirt tells'
rm "$work/libvirt/xml"
expect "no such domain either" 2 of_libvirt
like "is told of both" "$err" "no VM is named 'shop'"
like "in libvirt's words" "$err" 'Domain not found'

# ---- running ones ----

if ! command -v "${VNUMA_QEMU:-qemu-system-x86_64}" >/dev/null; then
	skip "running VMs" "no qemu-system-x86_64"
	finish
	exit
fi
expect "a guest is started" 0 "$vnuma" run "$work/grows" --accel tcg --occupied none
expect "what it has" 0 "$vnuma" resize grows --json
json "is told of each vnode" '[.schema, .name, (.vnodes[] | [.vnode, .min, .size, .requested, .max, .home, .device])]' \
	"[\"vnuma.resize/1\",\"grows\",[0,$((128 << 20)),$((128 << 20)),$((128 << 20)),$((1 << 39)),$node,\"vmem0\"],[1,$((64 << 20)),$((64 << 20)),$((128 << 20)),$((192 << 20)),$node,\"vmem1\"]]"
expect "in text" 0 "$vnuma" resize grows --vnode 1
like "of one" "$out" "^    1 +64 MiB +64 MiB +128 MiB +192 MiB +$node  vmem1$"
same "and no other" "$(wc -l <<<"$out")" 2
expect "a vnode that it does not have" 2 "$vnuma" resize grows --vnode 2 +2M
like "is told" "$err" "^vnuma: --vnode: 2; expected a vnode of 'grows', which has 2$"
expect "below the least" 2 "$vnuma" resize grows --vnode 1 -66M
like "is told" "$err" 'vnode 1: -66 MiB seen; it is to have 128 MiB now and can have 64 MiB at least'
expect "above the most" 2 "$vnuma" resize grows --vnode 1 =194M
like "is told" "$err" 'vnode 1: =194 MiB seen; it is to have 128 MiB now and can have 192 MiB at most'
expect "half a block" 2 "$vnuma" resize grows --vnode 1 -1M
like "is told" "$err" "vnode 1: -1 MiB seen; expected a multiple of 2 MiB, the device's blocks"
expect "more than the host has" 1 "$vnuma" resize grows --vnode 0 =512G
like "is refused with what is missing" "$err" "not resized: vnode 0 is to have 51[12].* GiB more, and node $node, where its memory comes, has .* short"
expect "and nothing" 0 "$vnuma" resize grows --vnode 0 --json
json "is asked for" '.vnodes[0].requested' $((128 << 20))
expect "a guest that does not answer" 1 "$vnuma" resize grows --vnode 1 -32M --timeout 1
like "is asked whether it can" "$err" '^vnuma: vnode 1: the guest has not answered within 1 s \(does it have virtio_mem\?\): the request stands$'
like "what it was asked for stands" "$out" '^    1 +64 MiB +64 MiB +96 MiB '
json_of() { "$vnuma" show grows --json | jq -c "$1"; }
same "and is on record" "$(json_of '[.memory, (.backends[] | select(.id == "plug1") | .requested), .plan.vnodes[1].memory]')" \
	"[$((224 << 20)),$((32 << 20)),$((96 << 20))]"
expect "or is taken back" 1 "$vnuma" resize grows --vnode 1 =128M --timeout 0 --all-or-nothing --force --json
json "to what it was" '.vnodes[0] | [.size, .requested]' "[$((64 << 20)),$((96 << 20))]"
same "on record, too" "$(json_of '[.memory, (.backends[] | select(.id == "plug1") | .requested)]')" "[$((224 << 20)),$((32 << 20))]"
like "which is told" "$err" '^vnuma: vnode 1: the guest has not answered within 0 s .*: the request is taken back$'
expect "without it, a guest that is not waited for" 0 "$vnuma" resize grows --vnode 1 +2M --timeout 0 --force
same "is asked" "$err" "vnuma: vnode 1: the guest is asked, and not waited for"
same "and that is on record" "$(json_of '.backends[] | select(.id == "plug1") | .requested')" $((34 << 20))
expect "as is the way back" 0 "$vnuma" resize grows --vnode 1 -2M --timeout 0

# ---- what comes in between ----

requested() { "$vnuma" resize grows --json | jq -c '[.vnodes[].requested]'; }
on_record() { json_of '[.backends[] | select(.device) | .requested]'; }
until_record() { for ((i = 0; i < 100; i++)); do if [[ $(on_record) == "$1" ]]; then return; else sleep 0.1; fi; done; }
mib() { printf '[%s]' "$(($1 << 20)),$(($2 << 20))"; }
"$vnuma" resize grows --vnode 1 =192M --timeout 3 --all-or-nothing --force >"$work/first.out" 2>"$work/first.err" &
first=$!
until_record "$(mib 0 128)"
expect "a resize while another waits" 0 "$vnuma" resize grows --vnode 0 +2M --timeout 0 --force
wait "$first"
same "whose request is taken back" $? 1
same "is what QEMU has" "$(requested)" "$(mib 130 96)"
same "and neither undoes what the other wrote" "$(on_record)" "$(mib 2 32)"
expect "its own way back" 0 "$vnuma" resize grows --vnode 0 -2M --timeout 0
for signal in TERM HUP; do
	"$vnuma" resize grows --vnode 1 =192M --timeout 60 --all-or-nothing --force >"$work/first.out" 2>"$work/first.err" &
	first=$!
	until_record "$(mib 0 128)"
	sleep 0.5
	kill -s "$signal" "$first"
	wait "$first"
	same "one that is ended by SIG$signal" $? 1
	same "takes its request back" "$(<"$work/first.err")" \
		"vnuma: vnode 1: the guest has not answered before a signal came (does it have virtio_mem?): the request is taken back"
	same "at QEMU" "$(requested)" "$(mib 128 96)"
	same "and on record" "$(on_record)" "$(mib 0 32)"
done
# The record's temporary file cannot be written where a directory is.
# shellcheck disable=SC2016 # for the other shell
without_record=(bash -c 'mkdir "$VNUMA_STATE_DIR/.grows.json.$$" && exec "$@"' - "$vnuma" resize grows --vnode 1 --timeout 0 --force)
for size in +32M -32M; do
	expect "$size, which cannot be recorded" 3 "${without_record[@]}" "$size"
	like "is told" "$err" "^vnuma: .*/grows.json: cannot be written: "
	same "is not asked of QEMU, or no more" "$(requested)" "$(mib 128 96)"
	same "and the record is what it was" "$(on_record)" "$(mib 0 32)"
done
# A QEMU that says no: one between us and it answers each qom-set with an error. (python3 is there: meson needs it.)
socket=$("$vnuma" show grows --json | jq -r .qmp_path)
mv "$socket" "$work/qemu.qmp"
python3 -c '
import json, socket, sys, threading
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1])
server.listen()
client = server.accept()[0]
qemu = socket.socket(socket.AF_UNIX)
qemu.connect(sys.argv[2])
def back():
    for line in qemu.makefile("rb"):
        client.sendall(line)
threading.Thread(target=back, daemon=True).start()
for line in client.makefile("rb"):
    said = json.loads(line)
    if said["execute"] == "qom-set":
        client.sendall(json.dumps({"error": {"class": "GenericError", "desc": "not now"}, "id": said["id"]}).encode() + b"\n")
    else:
        qemu.sendall(line)
' "$socket" "$work/qemu.qmp" &
relay=$!
expect "more, which QEMU refuses" 3 "$vnuma" resize grows --vnode 1 +32M --timeout 0 --force
like "is told" "$err" '^vnuma: QMP .*: qom-set: GenericError: not now$'
same "and not left on record" "$(on_record)" "$(mib 0 32)"
kill "$relay" 2>/dev/null
wait "$relay" 2>/dev/null
mv -f "$work/qemu.qmp" "$socket"
expect "what is not loaded cannot be told from the plan" 0 "$vnuma" verify grows
expect "an audit" 0 "$vnuma" audit grows --json
json "counts what is requested" '[.vms[0].vnodes[].size]' "[$((128 << 20)),$((96 << 20))]"
expect "the end" 0 "$vnuma" stop grows --force
expect "one without devices" 0 "$vnuma" run "$work/fixed" --accel tcg --occupied none
expect "cannot be resized" 2 "$vnuma" resize fixed --vnode 1 +2M
like "and it is told how one can" "$err" "expected a vnode with a virtio-mem device: 'vnumamem_max' of a config gives it one"
expect "but looked at" 0 "$vnuma" resize fixed
like "it is fixed" "$out" '^    1 +128 MiB +128 MiB +128 MiB +128 MiB .* -$'
kill -KILL "$("$vnuma" show fixed --json | jq .process.pid)"
expect "a dead one" 3 "$vnuma" resize fixed --vnode 1 +2M
like "is told" "$err" "'fixed' is dead"
finish
