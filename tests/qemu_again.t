#!/bin/bash
# tests/qemu_again.t: a guest read from a QEMU command line is given back as that command line, with the plan in it: nothing else is
# touched, what is given back reads as planned, and QEMU takes it.
# shellcheck disable=SC2154,SC2016 # $out and $err are tap.sh's; what is quoted is a command line
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh

vnuma=${VNUMA:-build-check/vnuma}
qemu=${VNUMA_QEMU:-qemu-system-x86_64}
host='synthetic:node:2(memory=4294967296) core:4 pu:2'

# given NAME LINE: plans the command line, gives it back in $tap_work/NAME.out, and reads that again: the same plan comes of it.
given() {
	local before
	printf '%s\n' "$2" >"$tap_work/$1.args"
	expect "$1: is planned" 0 "$vnuma" plan --host "$host" "$tap_work/$1.args" --json
	before=$(jq -c '[.homes, [.vnodes[] | {memory, vcpus, distances, pnodes}]]' <<<"$out")
	expect "$1: is given back" 0 "$vnuma" plan --host "$host" "$tap_work/$1.args" --to qemu
	cp "$tap_work/out" "$tap_work/$1.out"
	expect "$1: reads back" 0 "$vnuma" plan --host "$host" "$tap_work/$1.out" --json
	same "$1: as it was planned" "$(jq -c '[.homes, [.vnodes[] | {memory, vcpus, distances, pnodes}]]' <<<"$out")" "$before"
	expect "$1: is given back again" 0 "$vnuma" plan --host "$host" "$tap_work/$1.out" --to qemu
	same "$1: as it is, for all is said now" "$out" "$(cat "$tap_work/$1.out")"
	out=$(cat "$tap_work/$1.out")
}

# Its words, one a line.
words() { "$vnuma" plan --host "$host" "$tap_work/$1.args" --to qemu-json 2>/dev/null | jq -r '.[]'; }

# QEMU takes what was given back. This machine may have one node only.
taken() {
	local words=()
	if ! command -v "$qemu" >/dev/null; then
		skip "$1: QEMU takes it" "no qemu-system-x86_64"
		return
	fi
	mapfile -t words < <(words "$1" | sed -E 's/host-nodes=[0-9-]+/host-nodes=0/; s/"host-nodes":\[[0-9]+\]/"host-nodes":[0]/
		s/cpu-affinity=[0-9-]+/cpu-affinity=0/' | grep -vxF -e -kernel -e /k -e -append -e '-m 3')
	printf '{"execute": "qmp_capabilities"}\n{"execute": "quit"}\n' >"$tap_work/in"
	if timeout 120 "$qemu" "${words[@]:1}" -accel tcg -S -qmp stdio <"$tap_work/in" >"$tap_work/qemu" 2>&1; then
		ok "$1: QEMU takes it"
	else
		not_ok "$1: QEMU takes it" "$(cat "$tap_work/qemu")" "${words[@]}"
	fi
}

# Without nodes: it gets them; the backend that it had is the model of theirs.
given whole 'LC_ALL=C qemu-system-x86_64 -name guest=web,debug-threads=on -machine pc-q35-7.2,memory-backend=pc.ram -m size=131072k \
	-smp 12,sockets=1,cores=6,threads=2 -object '\''{"qom-type":"memory-backend-memfd","id":"pc.ram","share":true,"size":134217728}'\'' \
	-append "-m 3" -kernel /k -netdev user,id=n0 -device virtio-net-pci,netdev=n0,id=nic,addr=7 -nodefaults -display none'
like "whole: assignments stay" "$out" '^LC_ALL=C qemu-system-x86_64 '
like "whole: a node each" "$out" '-numa node,nodeid=1,cpus=[0-9-]*,memdev=ram1'
like "whole: the backend is like the old one" "$out" '"id":"ram1","share":true'
unlike "whole: which is gone" "$out" 'pc.ram'
same "whole: other words are in their order" "$(words whole | grep -vE '^(-numa|-object|node,|dist,|\{)' | xargs -d '\n' printf '[%s]')" \
	"[qemu-system-x86_64][-name][guest=web,debug-threads=on][-machine][pc-q35-7.2][-m][size=131072k][-smp][12,sockets=1,cores=6,threads=2][-append][-m 3][-kernel][/k][-netdev][user,id=n0][-device][virtio-net-pci,netdev=n0,id=nic,addr=7][-nodefaults][-display][none]"
taken whole

# With nodes: they stay to the letter, and only their backends are bound.
given nodes 'qemu-system-x86_64 -machine q35 -m 128 -smp 4 -object thread-context,id=old,node-affinity=0 \
	-object memory-backend-memfd,id=a,size=64M,share=on,prealloc=on,prealloc-context=old \
	-object memory-backend-ram,id=b,size=64M -numa node,memdev=a,cpus=0,cpus=2 -numa node,memdev=b,cpus=1,cpus=3 \
	-numa dist,src=0,dst=1,val=33 -nodefaults -display none'
like "nodes: are as they were" "$out" '-numa node,memdev=a,cpus=0,cpus=2 '
like "nodes: so are distances" "$out" '-numa dist,src=0,dst=1,val=33'
like "nodes: a backend is bound, and keeps the rest" "$out" 'id=a,size=64M,share=on,prealloc=on,prealloc-threads=2,prealloc-context=tc0,policy=preferred,host-nodes=[01]'
like "nodes: its pages are taken from near" "$out" 'thread-context,id=tc0,cpu-affinity=(0-7|8-15)'
unlike "nodes: the context of old is gone" "$out" 'id=old'
expect "nodes: again" 0 "$vnuma" plan --host "$host" "$tap_work/nodes.args" --to qemu
like "nodes: which is told" "$err" "thread context 'old' is left out: .*thread-context-replaced"
taken nodes

# Numbers in any base, and a context that is for something else.
given bases 'qemu-system-x86_64 -machine q35 -m 0x80 -smp 0x4 -object thread-context,id=spare,cpu-affinity=0 \
	-object memory-backend-ram,id=a,size=0x4000000 -object memory-backend-ram,id=b,size=0x40M -numa node,nodeid=0x1,memdev=a,cpus=0x0-01 \
	-numa node,nodeid=00,memdev=b,cpus=0x2-0x3 -nodefaults -display none'
like "bases: the first is bound" "$out" 'id=a,size=0x4000000,policy=preferred,host-nodes=[01] '
like "bases: the second, too" "$out" 'id=b,size=0x40M,policy=preferred,host-nodes=[01] '
like "bases: a context that nobody had stays" "$out" 'thread-context,id=spare,cpu-affinity=0 '
taken bases

# What it binds itself is left alone, and then nothing at all is to be done.
given bound 'qemu-system-x86_64 -machine q35 -m 128 -smp 4 -object memory-backend-ram,id=a,size=64M,host-nodes=1,policy=bind \
	-object memory-backend-ram,id=b,size=64M,host-nodes=0-1,policy=interleave -numa node,memdev=a,cpus=0-1 \
	-numa node,memdev=b,cpus=2-3 -nodefaults -display none'
same "bound: word for word" "$(words bound | xargs)" "$(tr -d '\\\n' <"$tap_work/bound.args" | xargs)"
taken bound

# Older ways: mem= of nodes, no backend and no node, the board's memory in a folder.
given mem 'qemu-system-x86_64 -machine pc -m 128 -smp 4 -numa node,mem=64,cpus=0-1 -numa node,mem=64,cpus=2-3 -nodefaults -display none'
like "mem: becomes a backend" "$out" '-numa node,cpus=2-3,memdev=ram1'
taken mem
given small 'qemu-system-x86_64 -smp 1 -nodefaults -display none'
like "small: QEMU's own 128 MiB are bound" "$out" 'id=ram0,size=128M,host-nodes=[01],policy=preferred'
like "small: as the machine's" "$out" '-machine memory-backend=ram0'
unlike "small: without -m, as before" "$out" ' -m '
taken small
given path 'qemu-system-x86_64 -machine q35 -m 256 -smp 8 -mem-path /dev/shm -nodefaults -display none'
like "path: each node's memory is there" "$out" 'memory-backend-file,id=ram1,size=128M,mem-path=/dev/shm'
unlike "path: and no longer all of it" "$out" '-mem-path'
taken path

# Memory devices are bound as their node is.
given dimm 'qemu-system-x86_64 -machine q35 -m 128,slots=2,maxmem=1G -smp 2 -object memory-backend-ram,id=a,size=128M \
	-object memory-backend-ram,id=d,size=64M -numa node,memdev=a -device pc-dimm,memdev=d,node=0 -nodefaults -display none'
like "dimm: bound" "$out" 'id=d,size=64M,policy=preferred,host-nodes=[01]'
taken dimm

# Options nobody knows.
printf '%s\n' 'qemu-system-x86_64 -m 128 -newfangled a,b=1 -smp 1 -frob -nodefaults' >"$tap_work/odd.args"
expect "unknown options are kept" 0 "$vnuma" plan --host "$host" "$tap_work/odd.args" --to qemu
like "with their values" "$out" '-newfangled a,b=1 '
like "or without" "$out" '-frob '
like "and noted" "$err" 'qemu-option-unknown'

# JSON holds UTF-8 only.
printf 'qemu-system-x86_64 -m 128 -kernel /k\xff -nodefaults\n' >"$tap_work/bytes.args"
expect "any bytes go through a shell" 0 "$vnuma" plan --host "$host" "$tap_work/bytes.args" --to qemu
expect "but not through JSON" 2 "$vnuma" plan --host "$host" "$tap_work/bytes.args" --to qemu-json
like "which is said" "$err" "is not UTF-8"
same "and nothing is printed" "$out" ""

# Versions of the target.
cfg="$tap_work/two.cfg"
printf '%s\n' "name='two'" 'memory=256' 'vcpus=4' 'vnodes=2' "disk=['/d,raw,vda']" >"$cfg"
expect "for QEMU 9.0" 0 "$vnuma" plan --host "$host" "$cfg" --to qemu --target-version 9.0
like "queues are dealt out" "$out" 'iothread-vq-mapping'
expect "for 7.2 by itself" 0 "$vnuma" plan --host "$host" "$cfg" --to qemu
unlike "they are not" "$out" 'iothread-vq-mapping'
like "pins are noted to be missing" "$err" 'pins-left-out'
expect "what a version does not know is refused" 2 "$vnuma" plan --host "$host" "$cfg" --to qemu --target-version 2.9
like "with the version that does" "$err" 'QEMU 2\.9 does not know that; expected 2\.10 or later'
same "and nothing is printed" "$out" ""
expect "no version" 2 "$vnuma" plan --host "$host" "$cfg" --to qemu --target-version nine
like "what one looks like" "$err" "'nine' seen; expected the version of QEMU"
expect "a version of nothing" 2 "$vnuma" plan --host "$host" "$cfg" --target-version 9.0
# ---- homes forgotten ----

echo 'qemu-system-x86_64 -name t -m 2G -smp 2 -object memory-backend-ram,id=a,size=2G,host-nodes=2-3,policy=bind -numa node,memdev=a' \
	>"$tap_work/tied.args"
tied='synthetic:NUMANode:4(memory=4GB) Core:4 PU:1'
expect "memory that is tied" 0 "$vnuma" plan "$tap_work/tied.args" --host "$tied" --to qemu
like "stays where it is tied to" "$out" 'host-nodes=2-3,policy=bind'
expect "told to forget" 0 "$vnuma" plan "$tap_work/tied.args" --host "$tied" --rehome --to qemu
like "goes where the plan says" "$out" 'memory-backend-ram,id=a,size=2G,.*host-nodes=0'
unlike "and nowhere else" "$out" 'host-nodes=[23]|policy=bind'
finish
