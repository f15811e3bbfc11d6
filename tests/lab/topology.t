#!/bin/bash
# tests/lab/topology.t: on each odd host of tests/fixtures/hosts, booted, vnuma says what the kernel's files, numactl and libvirt say,
# and what QEMU was told. What the others print is brought into one form by awk here, what vnuma prints by jq: "node 0 memory 5".
# shellcheck disable=SC2154 # $build and $tap_work are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh
seen=$tap_work/seen # --out of each host in turn

# alike NAME EXPECTED SEEN : two files with the same lines, in any order; and not empty.
alike() {
	local difference
	if [ -s "$2" ] && difference=$(diff <(sort "$2") <(sort "$3")); then
		ok "$name: $1, $(wc -l <"$2") facts"
	else
		not_ok "$name: $1" "< expected, > vnuma" "${difference:-there are no facts}"
	fi
}

readonly expand='function expand(list,    part, range, n, i, j, text) {
	n = split(list, part, ",")
	for (i = 1; i <= n; i++) {
		if (split(part[i], range, "-") == 1) range[2] = range[1]
		for (j = range[1] + 0; j <= range[2] + 0; j++) text = text (text == "" ? "" : ",") j
	}
	return text
}'

# The kernel's files. A row of distances has a column for each node that is online, in order.
kernel_facts() {
	awk "$expand"'
	{ colon = index($0, ":"); if (/^\/sys\/bus\/pci/) colon = index($0, "/numa_node:") + index($0, "/class:") + (/\/class:/ ? 6 : 10)
	  path = substr($0, 1, colon - 1); value = substr($0, colon + 1); n = split(path, at, "/"); leaf = at[n]; node = cpu = at[2]
	  sub(/^node/, "", node); sub(/^cpu/, "", cpu) }
	path == "node/online" { nodes = split(expand(value), id, ","); print "nodes", expand(value) }
	path == "cpu/online" { print "cpus", expand(value) }
	path == "cpu/present" { print "present", expand(value) }
	path == "cpu/isolated" { print "isolated", expand(value) }
	path == "cpu/nohz_full" && value !~ /null/ { print "nohz_full", expand(value) }
	leaf == "cpulist" { print "node", node, "cpus", expand(value) }
	leaf == "meminfo" && / MemTotal:/ { split(value, word, " "); printf "node %s memory %.0f\n", node, word[4] * 1024 }
	leaf == "distance" { split(value, to, " "); for (i = 1; i <= nodes; i++) print "node", node, "distance", id[i], to[i] }
	/hugepages-[0-9]*kB\// { split(at[4], size, "-"); what = leaf; sub(/_hugepages/, "", what); sub(/nr/, "total", what)
		printf "node %s hugepages %.0f %s %s\n", node, size[2] * 1024, what, value }
	/access1/ { print "node", node, leaf, value }
	/memory_side_cache/ { sub(/index/, "", at[4]); print "node", node, "cache", at[4], leaf, value }
	leaf == "nodelist" { tier = at[n - 1]; sub(/memory_tier/, "", tier); m = split(expand(value), of, ",")
		for (i = 1; i <= m; i++) print "node", of[i], "tier", tier }
	/weighted_interleave/ { sub(/node/, "", leaf); if ((leaf in known) || !nodes) next; weight[leaf] = value }
	leaf == "physical_package_id" { print "cpu", cpu, "package", value }
	leaf == "die_id" { print "cpu", cpu, "die", value }
	leaf == "core_id" { print "cpu", cpu, "core", value }
	leaf == "thread_siblings_list" { print "cpu", cpu, "siblings", expand(value) }
	leaf == "shared_cpu_list" { split(expand(value), share, ","); print "cpu", cpu, "l3", share[1] }
	leaf == "numa_node" { print "device", at[6], "node", value }
	leaf == "class" { print "device", at[6], "class", value }
	END { for (i = 1; i <= nodes; i++) if (id[i] in weight) print "node", id[i], "weight", weight[id[i]] }' "$seen/raw"
}

our_kernel_facts() {
	jq -r 'def list: map(tostring) | join(",");
	"nodes \([.nodes[].id] | list)", "cpus \([.cpus[] | select(.online) | .id] | list)", "present \([.cpus[].id] | list)",
	"isolated \(.isolated_cpus | list)", (.nohz_full_cpus | select(.) | "nohz_full \(list)"),
	(.nodes[] | "node \(.id) " + (
		"cpus \(.cpus | list)", "memory \(.memory_total)", (.distances | to_entries[] | "distance \(.key) \(.value)"),
		(.hugepages[] | "hugepages \(.size) " + ("total \(.total)", "free \(.free)", "surplus \(.surplus)")),
		(.memory_access[] | select(.class == 1) | to_entries[] | select(.key | test("_")) | "\(.key) \(.value)"),
		(.memory_side_caches[] | "cache \(.level) " + (to_entries[] | select(.key != "level") | "\(.key) \(.value)")),
		(.memory_tier | select(.) | "tier \(.)"), (.interleave_weight | select(.) | "weight \(.)"))),
	(.cpus[] | select(.online) | "cpu \(.id) " + (
		"package \(.package)", "die \(.die)", "core \(.core)", "siblings \(.siblings | list)", "l3 \(.l3)")),
	((.nodes[] | .id as $node | .devices[] | . + {$node}), (.devices_without_node[] | . + {node: -1})
		| "device \(.address) " + ("node \(.node)", "class \(.class)"))' "$seen/json"
}

# libvirt prints an element a line, and no <memory> for a node without any. Its 4 KiB pages are the memory that is not in pools of huge pages.
libvirt_facts() {
	awk "$expand"'
	function value(key) { return match($0, " " key "=\047[^\047]*\047") ? substr($0, RSTART + length(key) + 3, RLENGTH - length(key) - 4) : "" }
	/<topology>/ { on = 1 }
	/<\/topology>/ { on = 0 }
	!on { next }
	/<cell / { cell = value("id"); print "cell", cell }
	/<memory / { gsub(/[^0-9]*>|<.*/, "", $0); sub(/^.*>/, "", $0); print "cell", cell, "memory", $0 }
	/<pages / { size = value("size"); sub(/<\/pages>.*/, ""); sub(/.*>/, ""); print "cell", cell, "pages", size, $0 }
	/<sibling / { print "cell", cell, "distance", value("id"), value("value") }
	/<cpu / { print "cell", cell, "cpu", value("id"), value("socket_id"), value("die_id"), value("core_id"), expand(value("siblings")) }
	/<cache / { level = value("level") }
	/<size / { print "cell", cell, "cache", level, "size", value("value") }
	/<line / { print "cell", cell, "cache", level, "line", value("value") }
	/<(latency|bandwidth) / { gsub(/.*</, "<"); kind = /<latency/ ? "latency" : "bandwidth"
		print kind, value("initiator"), value("target"), value("type"), value("value") }' "$seen/libvirt"
}

our_libvirt_facts() {
	jq -r '.cpus as $cpus | .nodes[] | .id as $id | "cell \(.id)", ("cell \(.id) " + (
		(.memory_total | select(. > 0) | "memory \(. / 1024)"), (.distances | to_entries[] | "distance \(.key) \(.value)"),
		"pages 4 \((.memory_total - ([.hugepages[] | .size * .total] | add)) / 4096)", (.hugepages[] | "pages \(.size / 1024) \(.total)"),
		(.cpus[] as $c | $cpus[] | select(.id == $c) | "cpu \(.id) \(.package) \(.die) \(.core) \(.siblings | map(tostring) | join(","))"),
		(.memory_side_caches[] | "cache \(.level) size \(.size / 1024)", "cache \(.level) line \(.line_size)"))),
	(.memory_access[] | select(.class == 0) | .initiators[0] as $from
		| "latency \($from) \($id) " + ("read \(.read_latency)", "write \(.write_latency)"),
		  "bandwidth \($from) \($id) " + ("read \(.read_bandwidth * 1024)", "write \(.write_bandwidth * 1024)"))' "$seen/json"
}

# QEMU's arguments: -numa hmat-lb,initiator=0,target=1,hierarchy=memory,data-type=access-latency,latency=140 (or bandwidth=40G),
# in nanoseconds and GiB/s; ours in picoseconds and MiB/s.
given_hmat() {
	sed -n 's/^-numa hmat-lb,initiator=\(.*\),target=\(.*\),hierarchy=memory,data-type=\(.*\),\(latency\|bandwidth\)=\([0-9]*\)G\{0,1\}$/\3 \1 \2 \5/p' "$shape" |
		awk '{ print $1, $2, $3, $4 * ($1 ~ /latency/ ? 1000 : 1024) }'
}

our_hmat() {
	jq -r '.hmat.matrices[] | . as $m | range(.initiators | length) as $i | range(.targets | length) as $j
		| "\(.type) \(.initiators[$i]) \(.targets[$j]) \(.values[$i][$j])"' "$seen/json"
}

without_free() { grep -v ' free: ' "$1"; }

# What was gathered, less what is free, which changed meanwhile.
settled() { jq -S 'del(.source, .live, .nodes[].memory_free, .nodes[].memory_reclaimable)' "$1"; }

compare() {
	kernel_facts >"$tap_work/kernel"
	our_kernel_facts >"$tap_work/ours"
	alike "as sysfs says" "$tap_work/kernel" "$tap_work/ours"
	without_free "$seen/numactl" >"$tap_work/numactl"
	without_free "$seen/ours" >"$tap_work/ours"
	same "$name: as numactl --hardware prints" "$(<"$tap_work/ours")" "$(<"$tap_work/numactl")"
	if [ -f "$seen/libvirt" ]; then
		libvirt_facts >"$tap_work/libvirt"
		our_libvirt_facts >"$tap_work/ours"
		alike "as libvirt says" "$tap_work/libvirt" "$tap_work/ours"
	else
		not_ok "$name: as libvirt says" "no answer of libvirt's was kept"
	fi
	given_hmat >"$tap_work/given"
	if [ -s "$tap_work/given" ]; then
		our_hmat >"$tap_work/ours"
		alike "the HMAT that QEMU was given" "$tap_work/given" "$tap_work/ours"
	fi
	expect "$name: what was gathered can be read" 0 "$VNUMA" topology --host "tar:$seen/gathered.tar.bz2" --json
	same "$name: and is this host" "$(settled "$tap_work/out")" "$(settled "$seen/json")"
}

if [ $# = 0 ]; then set -- tests/fixtures/hosts/*.shape; fi
for shape in "$@"; do
	name=${shape##*/} name=${name%.shape}
	rm -rf "$seen"
	mkdir "$seen"
	in_lab "$name" --host "$shape" --out "$seen" -- tests/lab/topology-inside "$VNUMA" libvirt
	if [ -f "$seen/json" ]; then compare; fi
done
finish
