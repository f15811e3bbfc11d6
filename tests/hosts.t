#!/bin/bash
# tests/hosts.t: the hosts of tests/fixtures/hosts, each asked for what it is there for. What is expected comes from its .shape, the
# arguments that made it, never from our own output. Needs nothing but a built vnuma ($VNUMA).
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}

# host NAME: reads it, into $out; from the archive, from its unpacked tree and from our own JSON, which must agree.
host() {
	local tree=$work/$1
	name=$1
	mkdir "$tree"
	tar -xjf "tests/fixtures/hosts/$1.tar.bz2" -C "$tree" --strip-components=1
	expect "$1: as a tree" 0 "$vnuma" topology --host "sysfs:$tree" --json
	jq -S 'del(.source)' <<<"$out" >"$work/$1.tree"
	expect "$1: as an archive" 0 "$vnuma" topology --host "tar:tests/fixtures/hosts/$1.tar.bz2" --json
	cp "$tap_work/out" "$work/$1.json"
	same "$1: the same as its tree" "$(jq -S 'del(.source)' <<<"$out")" "$(<"$work/$1.tree")"
	expect "$1: as our own JSON" 0 "$vnuma" topology --host "json:$work/$1.json" --json
	same "$1: byte for byte the same" "$out" "$(<"$work/$1.json")"
}

fact() { json "$name: $1" "$2" "$3"; }

# memory MIB... : what each node was given; firmware and kernel keep up to 64 MiB of it.
memory() {
	fact "memory of $* MiB, less what firmware and kernel keep" \
		"[[.nodes[].memory_total / 1048576], [$(IFS=,; echo "$*")]] | transpose | map(.[0] <= .[1] and .[0] >= .[1] - 64) | all" true
}

distances() { fact "distances" '[.nodes as $n | $n[] | .distances as $d | [$n[] | $d["\(.id)"]]]' "$1"; }
kinds() { fact "kinds of memory" '[.nodes[].memory_kind]' "$1"; }
noted() { fact "a note $1" "[.warnings[].code] | index(\"$1\") != null" true; }

asymmetric() {
	host asymmetric
	distances '[[10,15,25,255],[16,10,26,36],[27,28,10,17],[37,38,18,10]]'
	noted distances-asymmetric
	memory 512 256 256 256
}

# What QEMU was given; sysfs shows of it what the best initiators get.
hmat() {
	host hmat
	fact "nodes and CPUs" '[.nodes[] | [.id, .cpus]]' '[[0,[0,1]],[1,[2,3]],[2,[]]]'
	memory 512 512 256
	kinds '["dram","dram","slow"]'
	fact "reading, from the best CPUs" '[.nodes[].memory_access[] | select(.class == 1) | [.initiators[0], .read_latency, .read_bandwidth]]' \
		'[[0,80,102400],[1,85,102400],[1,250,20480]]'
	fact "writing" '[.nodes[].memory_access[] | select(.class == 1) | [.write_latency, .write_bandwidth]]' '[[90,81920],[95,81920],[300,8192]]'
	fact "the cache in front of node 2" '[.nodes[].memory_side_caches | map([.level, .size, .line_size, .indexing, .write_policy])]' \
		'[[],[],[[1,67108864,64,0,0]]]'
	fact "the table's read latency (ps)" '.hmat.matrices[] | select(.type == "read-latency") | .values' '[[80000,140000,350000],[145000,85000,250000]]'
	fact "its write latency" '.hmat.matrices[] | select(.type == "write-latency") | .values' '[[90000,150000,450000],[155000,95000,300000]]'
	fact "its read bandwidth (MB/s)" '.hmat.matrices[] | select(.type == "read-bandwidth") | .values' '[[102400,40960,10240],[40960,102400,20480]]'
	fact "its write bandwidth" '.hmat.matrices[] | select(.type == "write-bandwidth") | .values' '[[81920,30720,5120],[30720,81920,8192]]'
	fact "its cache" '[.hmat.caches[] | [.domain, .size, .level, .levels, .line_size]]' '[[2,67108864,1,1,64]]'
	fact "slow memory in a tier below" '[.nodes[].memory_tier] | .[0] == .[1] and .[2] > .[0]' true
}

hbm() {
	host hbm
	kinds '["dram","dram","hbm","slow"]'
	fact "node 2 has all its 256 MiB: nothing was kept of it" '.nodes[2].memory_total' 268435456
	fact "tiers: HBM before DRAM before the slow" '[.nodes[].memory_tier] | .[2] < .[0] and .[0] == .[1] and .[1] < .[3]' true
	fact "HBM as read from node 0" '.nodes[2].memory_access[] | select(.class == 1) | [.initiators, .read_latency, .read_bandwidth]' '[[0],90,409600]'
	distances '[[10,21,13,38],[21,10,31,28],[13,31,10,48],[38,28,48,10]]'
}

gap() {
	host gap
	fact "node 2 is not there" '[.nodes[].id]' '[0,1,3]'
	distances '[[10,21,38],[21,10,28],[38,28,10]]'
	fact "node 2 is named by the firmware, with neither CPUs nor memory" '.offline_nodes' '[2]'
	fact "by id, not by index" '.nodes[2].distances | [.["0"], .["1"], .["3"], has("2")]' '[38,28,10,false]'
	memory 512 512 256
}

empty_nodes() {
	host empty-nodes
	fact "CPUs" '[.nodes[] | [.id, .cpus]]' '[[0,[0]],[1,[1]],[3,[]]]'
	fact "no memory on node 1, not a little" '.nodes[1].memory_total' 0
	memory 512 0 512
	kinds '["dram",null,null]'
	noted node-without-cpus
	noted node-without-memory
	fact "node 2 is named by the firmware, and empty" '.offline_nodes' '[2]'
	fact "a cpuset never lists a node without memory" '.allowed_nodes' '[0,3]'
	distances '[[10,20,17],[20,10,28],[17,28,10]]'
	expect "$name: as text" 0 "$vnuma" topology --host "tar:tests/fixtures/hosts/$name.tar.bz2"
	unlike "$name: which is no restriction" "$out" "may use memory only"
}

offline() {
	host offline
	fact "12 CPUs are there, 14 could be" '[.cpus[].id]' '[0,1,2,3,4,5,6,7,8,9,10,11]'
	fact "online ones" '[.cpus[] | select(.online) | .id]' '[0,1,3,6,7]'
	fact "per node" '[.nodes[].cpus]' '[[0,1,3],[6,7],[]]'
	fact "CPU 3 lost its sibling" '[.cpus[] | select(.online) | .siblings]' '[[0,1],[0,1],[3],[6,7],[6,7]]'
	fact "cores" '[.nodes[].cores]' '[2,1,0]'
	fact "an offline CPU keeps its node" '[.cpus[] | select(.online | not) | .node]' '[0,1,1,2,2,2,2]'
	fact "whose CPUs are all offline is told" '[.warnings[].code] | index("node-cpus-offline") != null' true
	fact "but no core is guessed of one" '[.cpus[] | select(.online | not) | .core, .package, .siblings] | unique' '[null]'
	memory 512 256 256
}

dies() {
	host dies
	fact "one package" '[.cpus[].package] | unique' '[0]'
	fact "dies" '[.cpus[].die]' '[0,0,0,0,1,1,1,1]'
	fact "an L3 cache a die" '[.cpus[].l3]' '[0,0,0,0,4,4,4,4]'
	fact "siblings" '[.cpus[].siblings] | unique' '[[0,1],[2,3],[4,5],[6,7]]'
	fact "a core of each two" '[.nodes[].cores]' '[2,2]'
	fact "isolated" '.isolated_cpus' '[2,3,6,7]'
	fact "without tick" '.nohz_full_cpus' '[6,7]'
	fact "the rest is what a process may use" '.allowed_cpus' '[0,1,4,5]'
	distances '[[10,12],[12,10]]'
}

hugepages() {
	host hugepages
	fact "small ones on node 0, one large on node 1" '[.nodes[].hugepages | map([.size, .total])]' '[[[2097152,16],[1073741824,0]],[[2097152,0],[1073741824,1]]]'
	fact "all free" '[.nodes[].hugepages[] | .free == .total and .surplus == 0] | all' true
	fact "weights" '[.nodes[].interleave_weight]' '[5,2]'
	text=$("$vnuma" topology --host "tar:tests/fixtures/hosts/$name.tar.bz2")
	like "$name: the weight of node 0 in the text" "$text" "^   0  .* 5  -$"
	like "$name: and of node 1" "$text" "^   1  .* 2  -$"
	distances '[[10,31],[31,10]]'
	memory 512 2048
}

devices() {
	host devices
	fact "network cards" '[.nodes[] | [.devices[] | select(.class == "0x020000") | [.address, .root, .driver, .local_cpus]]]' \
		'[[["0000:41:00.0","pci0000:40","virtio-pci",[0,1]]],[["0000:81:00.0","pci0000:80","virtio-pci",[2,3]]]]'
	fact "an interface each" '[.nodes[].devices[] | select(.class == "0x020000") | .names[]] | sort' '["eth0","eth1"]'
	fact "the disk of node 0" '[.nodes[0].devices[] | select(.class == "0x010000") | [.address, .names]]' '[["0000:42:00.0",["vda"]]]'
	fact "the NVMe disk and its virtual functions" '[.nodes[1].devices[] | select(.class == "0x010802") | [.address, .physical_function]]' \
		'[["0000:82:00.0",null],["0000:82:00.1","0000:82:00.0"],["0000:82:00.2","0000:82:00.0"]]'
	fact "the NVMe disk by its block device" '[.nodes[1].devices[] | select(.class == "0x010802") | .names]' '[["nvme0n1"],[],[]]'
	fact "its interrupts go to CPUs that exist" '[.nodes[1].devices[] | select(.address == "0000:82:00.0") | .irqs[] | .cpus | length > 0 and max < 4] | length > 2 and all' true
	fact "the board's own belong to no node" '[.devices_without_node[].root] | unique' '["pci0000:00"]'
}

persistent() {
	host persistent
	kinds '["dram","dram","persistent"]'
	fact "three blocks of 128 MiB" '.nodes[2].memory_total' 402653184
	fact "in a tier of its own" '[.nodes[].memory_tier] | .[0] == .[1] and .[2] > .[0]' true
	distances '[[10,21,17],[21,10,28],[17,28,10]]'
}

asymmetric
hmat
hbm
gap
empty_nodes
offline
dies
hugepages
devices
persistent
# ---- what a real host may show, and is no reason to refuse it ----

host=$work/devices
irq=$(cd "$host" && find proc/irq -name smp_affinity_list | head -n 1)
rm "$host/$irq" && mkdir "$host/$irq"
echo 1 >"$host/sys/devices/system/cpu/cpu0/topology/core_cpus_list"
name=devices
expect "an affinity that cannot be read, a sibling list that is wrong" 0 "$vnuma" topology --host "sysfs:$host" --json
json "are told" '[.warnings[].code] | contains(["affinity-unreadable", "siblings-contradict"])' true
json "and the rest is there" '[.nodes[].cpus], [.nodes[].cores]' $'[[0,1],[2,3]]\n[2,2]'

same "no host without a test" "$(cd tests/fixtures/hosts && ls -- *.tar.bz2 | sed 's/\.tar\.bz2//' | tr - _)" "$(declare -F | awk '{ print $3 }' | while read -r f; do [ ! -e "tests/fixtures/hosts/${f//_/-}.shape" ] || echo "$f"; done)"
finish
