#!/bin/bash
# tests/qemu_line.t: command lines read as QEMU itself reads them: the nodes that its monitor tells, and what it refuses.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
export VNUMA_STATE_DIR=$work/state
host='synthetic:package:4 [numa(memory=68719476736)] core:8 pu:2'

# ---- forms ----

printf '%s\n' "LC_ALL=C \\" "qemu-system-x86_64 -name guest=web \\" " -m 1G -smp 2 -frob x" >"$work/web.args"
expect "text for a shell" 0 "$vnuma" plan "$work/web.args" --host "$host" --json
json "is a guest" '[.guest,(.vnodes|map(.memory)|add),(.vcpus|length)]' '["web",1073741824,2]'
json "with a note of what is not known" '[.warnings[]|select(.code=="qemu-option-unknown")|.text]' \
	"[\"line 3: -frob: no option of QEMU's that is known here; it is kept with its value, 'x'\"]"
(exec -a qemu-system-x86_64 sleep 60) &
pid=$!
for _ in $(seq 500); do
	grep -q qemu "/proc/$pid/cmdline" && break
	sleep 0.01
done
expect "a process" 0 "$vnuma" plan "/proc/$pid/cmdline" --host "$host" --json
json "is called after its number" .guest "\"qemu-$pid\""
kill "$pid"
printf 'kvm -m 1G -smp 4,sockets=3 \\\n -numa node,mem=1 -readconfig f; ls\n' >"$work/wrong"
expect "a pipeline" 2 "$vnuma" plan "$work/wrong" --host "$host"
like "is refused, with its line" "$err" "wrong:2: ';' without quotes: the shell would end the command there"
printf 'kvm -m 1G -smp 4,sockets=3 \\\n -numa node,mem=1 -readconfig f\n' >"$work/wrong"
expect "several problems" 2 "$vnuma" plan "$work/wrong" --host "$host"
like "are told" "$err" "wrong:1: -smp: .* make 3 vCPUs; expected 4"
like "all of them" "$err" "wrong:1: -m: the memory of the nodes sums to 1 MiB; expected 1 GiB"
like "with their lines" "$err" "wrong:2: -readconfig: "

# ---- the same as QEMU ----

qemu=$(command -v qemu-system-x86_64 || true)
if [ -z "$qemu" ]; then
	skip "as QEMU reads it" "there is no qemu-system-x86_64"
	finish
	exit
fi

# ask OPTION... : QEMU's nodes in $out, its complaint in $err.
ask() {
	printf 'info numa\nquit\n' | timeout 60 "$qemu" -accel tcg -nodefaults -no-user-config -display none -S -monitor stdio "$@" \
		>"$work/qemu.out" 2>"$work/qemu.err" || return 1
	tr -d '\r' <"$work/qemu.out" | sed -n 's/^\(node [0-9]* [a-z]*: *.*\)/\1/p'
}

# ours ONLINE OPTION... : the same of our reading, of the vCPUs below ONLINE, and of memory that no device plugs.
ours() {
	local online=$1
	shift
	printf '%s\0' qemu-system-x86_64 "$@" >"$work/line"
	"$vnuma" plan "$work/line" --host "$host" --json 2>"$work/err" >"$work/out" || return 1
	jq -r --argjson online "$online" '.vnodes[] | ([.vcpus[]|select(. < $online)|" \(.)"]|add // "") as $cpus |
		"node \(.id) cpus:\($cpus)", "node \(.id) size: \(.memory / 1048576) MB"' "$work/out"
}

# agrees NAME ONLINE OPTION...
agrees() {
	local name=$1 online=$2
	shift 2
	same "$name" "$(ours "$online" "$@")" "$(ask "$@" | grep -v plugged | sed 's/ *$//')"
	[ -s "$work/qemu.out" ] && grep -q '^node 0' "$work/qemu.out" || not_ok "$name: QEMU tells its nodes" "$(cat "$work/qemu.err")"
}

# refused NAME PATTERN OPTION... : by both; PATTERN is in what we say.
refused() {
	local name=$1 pattern=$2
	shift 2
	printf '%s\0' qemu-system-x86_64 "$@" >"$work/line"
	expect "$name: refused" 2 "$vnuma" plan "$work/line" --host "$host"
	like "$name: says why" "$err" "$pattern"
	if ask "$@" >/dev/null; then not_ok "$name: QEMU refuses it, too" "it does not"; else ok "$name: QEMU refuses it, too"; fi
}

a='memory-backend-ram,id=a,size=128M' b='memory-backend-ram,id=b,size=128M'
ab=(-m 256 -object "$a" -object "$b")
nodes=("${ab[@]}" -numa "node,memdev=a" -numa "node,memdev=b")

agrees "vCPUs told" 4 "${ab[@]}" -smp 4 -numa node,memdev=a,cpus=0,cpus=3 -numa node,memdev=b,cpus=1-2
agrees "vCPUs left to sockets" 8 "${nodes[@]}" -smp 8,sockets=4
agrees "vCPUs left to one socket" 6 "${nodes[@]}" -smp 6
agrees "sockets from cores" 8 "${nodes[@]}" -smp 8,cores=2
agrees "cores from sockets" 6 "${nodes[@]}" -smp 6,sockets=2
agrees "vCPUs half told" 4 "${ab[@]}" -smp 4 -numa node,memdev=a -numa node,memdev=b,cpus=1-2
agrees "vCPUs to come" 3 "${ab[@]}" -smp 3,maxcpus=6 -numa node,memdev=a,cpus=0-1,cpus=4 -numa node,memdev=b,cpus=2-3,cpus=5
agrees "by their topology" 16 "${nodes[@]}" -smp 16,sockets=2,dies=2,cores=2,threads=2 \
	-numa cpu,node-id=1,socket-id=0,die-id=1 -numa cpu,node-id=0,socket-id=0,die-id=0 -numa cpu,node-id=0,socket-id=1,core-id=1 \
	-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=0 -numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=1
agrees "nodes in any order" 2 "${ab[@]}" -smp 2 -numa node,nodeid=1,memdev=a,cpus=0 -numa node,nodeid=0,memdev=b,cpus=1
agrees "a DIMM" 2 "${ab[@]}" -m 256,slots=2,maxmem=1G -smp 2 -numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1 \
	-object memory-backend-ram,id=d,size=64M -device pc-dimm,memdev=d,node=1
agrees "an old machine" 2 -machine pc-i440fx-5.0 -m 1.5G -smp 2 -numa node,mem=1G,cpus=1 -numa node,mem=512,cpus=0
agrees "options that add up" 4 -m 100 -smp 2 "${nodes[@]}" -smp maxcpus=4 -smp 4,sockets=2
agrees "a DIMM of a guest without nodes" 1 -m 128,slots=1,maxmem=1G -object "$a" -device pc-dimm,memdev=a

agrees "maxmem without slots" 1 -m 128,maxmem=1G -object "$a" -numa node,memdev=a
agrees "hexadecimal and octal numbers" 16 -m 0x100 -object memory-backend-ram,id=a,size=0x8000000 -object "$b" -smp 020,sockets=0x2 \
	-numa node,nodeid=0x0,memdev=a,cpus=0x0-7 -numa node,nodeid=01,memdev=b,cpus=010-0xf
agrees "hexadecimal bytes" 1 -m 0x7fffffa -numa node,memdev=a -object "$a"
agrees "a point and nothing behind it" 1 -m 128.0 -numa node,memdev=a -object "$a"
agrees "clusters of one" 4 "${nodes[@]}" -smp 4,clusters=1
agrees "a PC with all its vCPUs" 255 "${nodes[@]}" -smp 255
if [[ $("$qemu" -version) = *"version "[78].* ]]; then # later ones refuse it
	agrees "zero for what is not told" 6 "${nodes[@]}" -smp 0,sockets=2,cores=3,threads=0
fi

refused "vCPUs that are not there" 'cpus=0-4 seen; expected vCPUs from 0 to 3' "${ab[@]}" -smp 4 -numa node,memdev=a,cpus=0-4 \
	-numa node,memdev=b
refused "a vCPU twice" 'vCPU 1 is in node 0 already' "${ab[@]}" -smp 4 -numa node,memdev=a,cpus=0-3 -numa node,memdev=b,cpus=1
refused "memory twice" 'memdev=a seen, which -numa has, too' "${ab[@]}" -numa node,memdev=a -numa node,memdev=a
refused "memory that is not there" 'no -object memory-backend' "${ab[@]}" -numa node,memdev=x -numa node,memdev=b
refused "mem beside memdev" 'expected one of them for all nodes' "${ab[@]}" -numa node,memdev=a -numa node,mem=128
refused "a wrong sum" 'sums to 128 MiB; expected 256 MiB' "${ab[@]}" -numa node,memdev=a -numa node,cpus=0
refused "no memory" 'no node has memory' -m 256 -numa node
refused "a gap" 'node 0 is missing' -m 128 -object "$a" -numa node,memdev=a,nodeid=1
refused "another size of all memory" '128 MiB of memory, but -m says 256 MiB' -m 256 -object "$a" -machine memory-backend=a
refused "memory of all beside that of nodes" 'memory-backend seen, but -numa memdev' "${nodes[@]}" \
	-object memory-backend-ram,id=m,size=256M -machine memory-backend=m
refused "a distance left out" 'no distance between nodes 0 and 1' "${nodes[@]}" -numa dist,src=0,dst=0,val=10
refused "a distance to nowhere" 'dst=2 seen; expected one of the nodes, 0 to 1' "${nodes[@]}" -numa dist,src=0,dst=2,val=20
refused "nodes without a policy" 'host-nodes without a policy' -object "$a",host-nodes=0
refused "a policy without nodes" 'policy=bind without host-nodes' -object "$a",policy=bind
refused "a topology that is none" 'make 3 vCPUs; expected 4' -smp 4,sockets=3
refused "a core that is not there" 'core-id=7 seen' "${nodes[@]}" -smp 2 -numa cpu,node-id=0,core-id=7
refused "a DIMM on no node" 'node=2 seen; expected one of the nodes' "${nodes[@]}" -m 256,slots=1,maxmem=1G \
	-object memory-backend-ram,id=d,size=64M -device pc-dimm,memdev=d,node=2
refused "slots without maxmem" 'slots without maxmem' -m 128,slots=2
refused "slots without room" 'maxmem is the memory at start' -m 128,slots=2,maxmem=128M
refused "too many slots" 'slots=257 seen' -m 128,slots=257,maxmem=1G
refused "a DIMM without a slot" 'more memory devices than -m has slots, 0' -m 128 -object "$a" -device pc-dimm,memdev=a
refused "a second DIMM" 'more memory devices than -m has slots, 1' -m 128,slots=1,maxmem=1G -object "$a" -device pc-dimm,memdev=a \
	-object "$b" -device pc-dimm,memdev=b
refused "virtio-mem without maxmem" 'no maxmem' -m 128 -object "$a" -device virtio-mem-pci,memdev=a
refused "a vCPU's node that comes later" 'node-id=1 seen before' "${ab[@]}" -smp 2,sockets=2 -numa node,memdev=a \
	-numa cpu,node-id=1,socket-id=0 -numa node,memdev=b
refused "a distance's node that comes later" 'dst=1 seen before' "${ab[@]}" -numa node,memdev=a -numa dist,src=0,dst=1,val=20 \
	-numa node,memdev=b
refused "mem= of a newer machine" 'expected memdev=ID' -machine pc-q35-7.2 -m 64 -numa node,mem=64
refused "clusters of a PC" 'clusters=2 seen; expected none' -smp 4,clusters=2
refused "too many vCPUs of a PC" 'expected at most 255' -smp 256
refused "too many vCPUs of a q35" 'expected at most 288' -machine pc-q35-7.2 -smp 289
refused "half a byte" 'size=128.5 seen' -m 128.5
refused "a number that is none" 'cpus=08 seen' -smp 08
refused "a sign" 'cpus=-1 seen' -smp -1
refused "a range backwards" 'cpus=1-0 seen' "${ab[@]}" -smp 2 -numa node,memdev=a,cpus=1-0 -numa node,memdev=b
refused "an HMAT that is off" 'expected -machine hmat=on' "${nodes[@]}" -numa hmat-cache,node-id=0,size=10K,level=1
refused "too little maxmem" 'maxmem=2 KiB seen' -m 1G,maxmem=2048
refused "a kernel line without a kernel" 'given without -kernel' -append x
refused "an option without its value" 'no value behind it' -m 128 -smp
finish
