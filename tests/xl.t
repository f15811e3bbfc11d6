#!/bin/bash
# tests/xl.t: configs in, configs for Xen out: what is about NUMA is the plan's, every other byte as it was.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
work=$tap_work/xl
mkdir "$work"
two=numactl:lab/shapes/two-nodes.txt

# written NAME FILE : the config that comes of FILE, in $out; it comes of itself, too.
written() {
	expect "$1" 0 "$vnuma" plan "$2" --host "$two" --to xl
	cp "$tap_work/out" "$work/again.cfg"
	local first=$out notes=$err
	expect "$1: what was written is read" 0 "$vnuma" plan "$work/again.cfg" --host "$two" --to xl
	same "$1: and gives itself" "$out" "$first"
	err=$notes
}

written "rc9" examples/rc9.cfg
same "rc9: lines that are not about vnodes stay" "$(grep -E '^(#|name|memory|vcpus)' <<<"$out")" "$(grep -E '^(#|name|memory|vcpus)' examples/rc9.cfg)"
like "rc9: HVM, which alone has vNUMA" "$out" '^type = "hvm"$'
like "rc9: vnode 0 as the thread has it" "$out" '^vnuma = \[ \["pnode=1", "size=2048", "vcpus=1,3", "vdistances=10,40"\],$'
like "rc9: vnode 1" "$out" '^          \["pnode=0", "size=2048", "vcpus=0,2", "vdistances=40,10"\] \]$'
unlike "rc9: the first dialect is gone" "$out" '^(vnuma_|vnodes|vnumamem|vdistance)'
like "rc9: a note on migration" "$err" 'xl-no-migration'
expect "rc9: its plan" 0 "$vnuma" plan examples/rc9.cfg --host "$two" --json
json "rc9: CPUs by vCPU" '[.vcpus[].cpus | length > 0] | all' true
pins=$(jq -r '[.vcpus[].cpus | "\(.[0])-\(.[-1])"] | map("\"" + . + "\"") | join(", ")' <<<"$out")
like "rc9: are the pins" "$(<"$work/again.cfg")" "^cpus = \[ $pins \]$"

cat >"$work/dressed.cfg" <<'CFG'
# a guest of ours
name = "dressed"; builder = "hvm"   # old style
uuid="c7a5fdb2-cdaf-9455-926a-d65c16db1809"
vnode = 2      # two
vcpu = [0-1:1,
        2-3:0]  # by hand
memory = [128:1, 128:0]
policy = 'spread'

on_crash = "restart"
maxmem = 256
cpus = "all"
CFG
written "second dialect" "$work/dressed.cfg"
same "second dialect: all of it" "$out" '# a guest of ours
name = "dressed"; builder = "hvm"   # old style
uuid="c7a5fdb2-cdaf-9455-926a-d65c16db1809"
      # two
  # by hand
memory = 256
policy = '"'spread'"'

on_crash = "restart"
maxmem = 256
cpus = '"$(sed -n 's/^cpus = //p' "$work/again.cfg")"'
vcpus = 4
vnuma = [ ["pnode=1", "size=128", "vcpus=0-1", "vdistances=10,20"],
          ["pnode=0", "size=128", "vcpus=2-3", "vdistances=20,10"] ]'

printf 'name = "open"\nmemory = 64\nvcpus = 2\n' >"$work/open.cfg"
written "vnodes left open" "$work/open.cfg"
unlike "vnodes left open: one needs no vnuma, which would end its migration" "$out" '^vnuma|^type'
like "vnodes left open: its CPUs bring it home" "$out" '^cpus = '
printf 'name = "old"\r\nmemory = 64\r\nguest_numa = "off"\r\nvcpus = 2' >"$work/old.cfg"
written "an old guest" "$work/old.cfg"
unlike "an old guest: told of no node" "$out" vnuma
like "an old guest: pinned" "$out" '^cpus = '
sed -i 's/^maxmem.*/maxmem = 999/' "$work/dressed.cfg"
expect "more maxmem than memory" 2 "$vnuma" plan "$work/dressed.cfg" --host "$two" --to xl
like "more maxmem than memory: Xen would refuse it" "$err" "maxmem is 999 MiB"
printf 'name = "p"\nmemory = 64\nvcpus = 2\ntype = "pv"\n' >"$work/pv.cfg"
expect "a PV guest of one vnode" 0 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
unlike "a PV guest of one vnode: is told of none" "$out" vnuma
echo "vnodes = 2" >>"$work/pv.cfg"
expect "a PV guest" 2 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
like "a PV guest: Xen would refuse it" "$err" 'pv.cfg:4: type: "pv" seen; expected "hvm"'
sed -i 's/^type.*/builder = "generic"/' "$work/pv.cfg"
expect "a PV guest, old style" 2 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
sed -i '/vnodes/d' "$work/pv.cfg"
echo 'guest_numa = "off"' >>"$work/pv.cfg"
expect "a PV guest that is told of no vnodes" 0 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
printf '%s\n' "qemu-system-x86_64 -name q -m 128 -smp 2 -kernel /k -append 'say=\"it'\\''s\" c:\d'" >"$work/q.sh"
written "strings" "$work/q.sh"
like "strings: escaped as xl reads them" "$out" '^extra = "say=\\"it'"'"'s\\" c:\\\\d"$'
printf 'name = "x"\nmemory = 9999999\n' >"$work/large.cfg"
expect "no room" 1 "$vnuma" plan "$work/large.cfg" --host "$two" --to xl
same "no room: no config" "$out" ""
printf 'name = "h"\nmemory = 64\nvcpus = 4\nthreads = 2\nvnuma = [["size=64", "vcpus=0-3"]]\n' >"$work/threads.cfg"
written "threads" "$work/threads.cfg"
like "threads: Xen has no word for them" "$err" 'xl-threads'

printf '%s\n' "qemu-system-x86_64 -name q -m 128 -kernel /k -append 'a" "b'" >"$work/n.sh"
expect "a line's end in a string" 2 "$vnuma" plan "$work/n.sh" --host "$two" --to xl
like "a line's end in a string: no config takes it" "$err" "n.sh: the guest's kernel command line holds control characters"

cat >"$work/devices.cfg" <<'CFG'
name = "devices"
memory = 256
vcpus = 4
weight = 300
vif = [ "mac=52:54:00:12:34:56,queues=2, vhost=1 ,type=tap,bridge=br0",  # one
        'queues=2,  bridge=br1,script=vif-x', "type=user",
        "bridge=br3" ]
pci = ["0000:00:05.0, vnode=0", "00:06.0,vnode=0,permissive=1"]
vga = "none"
CFG
written "devices" "$work/devices.cfg"
same "devices: what xl does not know is gone, the rest as it was" "$(sed '/^cpus/d' <<<"$out")" 'name = "devices"
memory = 256
vcpus = 4
weight = 300
vif = [ "mac=52:54:00:12:34:56,bridge=br0",  # one
        '"'bridge=br1,script=vif-x'"', "",
        "bridge=br3" ]
pci = ["0000:00:05.0", "00:06.0,permissive=1"]
vga = "none"
cpu_weight = 300'
like "devices: a note of what" "$err" 'line 5: vif: entry 0: xl does not know queues=2, vhost=1, type=tap: left out; .* \[xl-vif\]$'
like "devices: in which line" "$err" 'line 6: vif: entry 2: xl does not know type=user: left out \[xl-vif\]$'
like "devices: user networking" "$err" 'interface 2: Xen has no user networking.* \[xl-vif-user\]$'
like "devices: of PCI functions, which xl would refuse" "$err" 'line 8: pci: entry 1: xl does not know vnode=0: left out \[xl-pci\]$'
unlike "devices: no note on others" "$err" 'entry 3:'
printf '%s\n' 'qemu-system-x86_64 -name q -m 128 -smp 2 -netdev tap,id=n,queues=2,br=br0 -device virtio-net-pci,netdev=n,mq=on' >"$work/nic.sh"
written "an interface of QEMU's" "$work/nic.sh"
like "an interface of QEMU's: its queues" "$err" 'interface 0: xl has no key for its 2 queue pairs'

sed 's/$/\r/' "$work/devices.cfg" >"$work/returns.cfg"
written "carriage returns" "$work/returns.cfg"
same "carriage returns: none is left" "$(tr -dc '\r' <"$work/again.cfg")" ""
same "carriage returns: all else is the same" "$("$vnuma" plan "$work/devices.cfg" --host "$two" --to xl 2>"$work/err")" "$out"
like "carriage returns: a note" "$err" 'xl-line-ends'
unlike "carriage returns: no note without" "$(<"$work/err")" 'xl-line-ends'
printf 'name = "w"\nmemory = 64\non_crash = restart\nusbdev = ["a", [b]]\n' >"$work/word.cfg"
expect "bare words" 2 "$vnuma" plan "$work/word.cfg" --host "$two" --to xl
like "bare words: of a key that we make no use of" "$err" 'word.cfg:3: on_crash: restart seen; expected quotes'
like "bare words: in a list" "$err" 'word.cfg:4: usbdev: '

# graphics FILE LINE... : a guest with vnodes of 12 and 52 MiB and these lines.
graphics() {
	printf '%s\n' 'name = "g"' 'memory = 64' 'vcpus = 2' 'vnodes = 2' 'vnumamem = [12, 52]' "${@:2}" >"$1"
}
graphics "$work/g.cfg"
written "graphics" "$work/g.cfg"
like "graphics: 8 MiB by default" "$err" 'takes 8 MiB of vnode 0 for video memory, which leaves it 4 MiB'
for lines in 'vga = "stdvga"' 'stdvga = 1' 'videoram = "16"' 'vga = "qxl"'; do
	graphics "$work/g.cfg" "$lines"
	expect "graphics: vnode 0 too small for $lines" 2 "$vnuma" plan "$work/g.cfg" --host "$two" --to xl
	like "graphics: vnode 0 too small for $lines: says so" "$err" "vnode 0 has 12 MiB; expected at least the 1(6|28) of the video memory"
done
graphics "$work/g.cfg" 'videoram = 7'
expect "graphics: libxl wants more" 2 "$vnuma" plan "$work/g.cfg" --host "$two" --to xl
like "graphics: libxl wants more: how much" "$err" 'g.cfg:6: videoram: 7 MiB seen; expected at least 8'
graphics "$work/g.cfg" 'stdvga = 1' 'device_model_version = "qemu-xen-traditional"'
written "graphics of old" "$work/g.cfg"
like "graphics of old: half as much" "$err" 'takes 8 MiB'
graphics "$work/g.cfg" 'vga = "none"'
written "no graphics" "$work/g.cfg"
unlike "no graphics: no note" "$err" 'xl-video'

printf 'name = "s"\nmemory = 4600\nvcpus = 2\nvnodes = 2\nvnumamem = [4500, 100]\n' >"$work/spill.cfg"
expect "a vnode larger than its node" 2 "$vnuma" plan "$work/spill.cfg" --host "$two" --to xl
like "a vnode larger than its node: Xen would not start it" "$err" 'vnode 0 has 500 MiB for which node 0, its home, has no room'
printf 'name = "s"\nmemory = 4600\nvcpus = 2\nvnodes = 1\n' >"$work/spill.cfg"
written "a guest larger than a node" "$work/spill.cfg"
like "a guest larger than a node: is to have one vnode" "$out" '^vnodes = 1$'
like "a guest larger than a node: a note" "$err" 'xl-spill'
bind='-object memory-backend-ram,size=64M,host-nodes=0-1,policy'
printf '%s\n' "qemu-system-x86_64 -name q -m 128 -smp 2 $bind=bind,id=a $bind=bind,id=b -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b" >"$work/nodes.sh"
written "memory of several nodes" "$work/nodes.sh"
for v in 0 1; do
	like "memory of several nodes: a note on vnode $v" "$err" "vnode $v: its memory is wanted on nodes 0-1; a vnode of Xen's has one, and all of it is on node [01] \[xl-nodes\]"
done

sed 's/policy=bind/policy=interleave/' "$work/nodes.sh" >"$work/dealt.sh"
expect "interleaved memory" 2 "$vnuma" plan "$work/dealt.sh" --host "$two" --to xl
like "interleaved memory: Xen has no such" "$err" 'vnode 0: its memory is wanted on nodes 0-1; expected it on its home, node [01], alone'
expect "interleaved memory: left to the plan" 0 "$vnuma" plan "$work/dealt.sh" --host "$two" --to xl --rehome

sed -n '/^`xen.cfg`:/,/^On a host/s/^    //p' docs/xen.md >"$work/doc.cfg"
expect "docs/xen.md" 0 "$vnuma" plan "$work/doc.cfg" --host "synthetic:node:4(memory=4GiB) core:4 pu:1" --to xl
same "docs/xen.md: is what is printed" "$out" "$(sed -n '/^On a host/,/^## What is read/s/^    //p' docs/xen.md)"

sed 's/size=64M/size=4500M/; s/-m 128/-m 4564/' "$work/nodes.sh" >"$work/large.sh"
expect "memory of several nodes: too much for one" 2 "$vnuma" plan "$work/large.sh" --host "$two" --to xl
like "memory of several nodes: too much for one: which" "$err" 'vnode 0 has 500 MiB for which node 0, its home, has no room'

# old VERSION FILE : that is written for Xen VERSION.
old() {
	expect "for Xen $1" 0 "$vnuma" plan "$2" --host "$two" --to xl --target-version "$1"
}
for version in 4.6 4.9.4; do
	old $version examples/rc9.cfg
	like "for Xen $version: HVM as xl had it then" "$out" '^builder = "hvm"$'
	unlike "for Xen $version: which knows no type" "$out" '^type'
done
sed 's/^vga.*/type = "hvm"/' "$work/g.cfg" >"$work/type.cfg"
old 4.9 "$work/type.cfg"
like "for Xen 4.9: a type of the config's own does not do" "$out" '^builder = "hvm"$'
for version in 4.10 4.17 4.20; do
	old $version examples/rc9.cfg
	like "for Xen $version: HVM by its type" "$out" '^type = "hvm"$'
	unlike "for Xen $version: not by the key that it had before" "$out" '^builder'
done
printf 'name = "b"\nmemory = 64\nvcpus = 2\nvnodes = 2\ntype = "hvm"\nbuilder = "generic"\n' >"$work/both.cfg"
expect "two types" 2 "$vnuma" plan "$work/both.cfg" --host "$two" --to xl
like "two types: the wrong one is named" "$err" 'both.cfg:6: builder: "generic" seen; expected "hvm"'
expect "for Xen 4.5" 2 "$vnuma" plan examples/rc9.cfg --host "$two" --to xl --target-version 4.5
like "for Xen 4.5: it has no vnuma" "$err" 'Xen 4.5 does not know that; expected 4.6 or later'

fullvirt=${VNUMA_SHARED:-/nowhere}/data/libvirt/test-fullvirt-vnuma.cfg
if [ -f "$fullvirt" ]; then
	expect "libvirt's own config" 0 "$vnuma" plan "$fullvirt" --host "synthetic:node:4(memory=4GiB) core:4 pu:1" --to xl
	same "libvirt's own config: all but vnuma and cpus as it was" "$(grep -vE '^(vnuma|cpus|  )' <<<"$out")" "$(grep -v '^vnuma' "$fullvirt")"
	same "libvirt's own config: its homes are kept" "$(grep -oE 'pnode=[0-9]' <<<"$out" | tr -dc '0-9')" 0123
else
	skip "libvirt's own config" "no shared data"
fi
finish
