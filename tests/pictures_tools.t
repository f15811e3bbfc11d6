#!/bin/bash
# tests/pictures_tools.t: what other programs (xmllint, rsvg-convert, graphviz) make of `vnuma topology --svg FILE` and
# `--format dot`, of odd, wide and real hosts; and that an old picture outlives a failure. Needs a built vnuma ($VNUMA).
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
two=numactl:lab/shapes/two-nodes.txt
shared=${VNUMA_SHARED:-../shared}

# numactl_text NODES CPUS PER_PACKAGE : what `numactl --hardware` would print of such a host.
numactl_text() {
	awk -v n="$1" -v c="$2" -v p="$3" 'BEGIN {
		printf "available: %d nodes (0-%d)\n", n, n - 1
		for (i = 0; i < n; i++) {
			printf "node %d cpus:", i
			for (j = 0; j < c; j++) printf " %d", i * c + j
			printf "\nnode %d size: %d MB\nnode %d free: %d MB\n", i, 32000 + i % 5 * 3000, i, 20000 - i * 250
		}
		printf "node distances:\nnode "
		for (j = 0; j < n; j++) printf "%4d", j
		print ""
		for (i = 0; i < n; i++) {
			printf "%3d:", i
			for (j = 0; j < n; j++)
				printf "%4d", i == j ? 10 : int(i / p) == int(j / p) ? 12 : int(i / p / 2) == int(j / p / 2) ? 16 : 32
			print ""
		}
	}'
}

# judged NAME SOURCE : the picture is well-formed, renders at a width for a wall, and graphviz takes the graph in silence.
judged() {
	local name=$1 png=$work/picture.png
	expect "$name: a picture" 0 "$vnuma" topology --host "$2" --svg "$work/picture.svg"
	same "$name: and nothing else is printed" "$out$err" ""
	if command -v xmllint >/dev/null; then
		expect "$name: is well-formed" 0 xmllint --noout --nonet "$work/picture.svg"
		same "$name: without a word" "$err" ""
	else
		skip "$name: is well-formed" "no xmllint"
	fi
	if command -v rsvg-convert >/dev/null; then
		expect "$name: renders" 0 rsvg-convert -o "$png" "$work/picture.svg"
		same "$name: without a word" "$err" ""
		# a PNG has its width in bytes 17 to 20, big end first
		local width
		width=$(od -An -tu1 -j16 -N4 "$png" | awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }')
		if [ "$width" -ge 1000 ] && [ "$width" -le 2000 ]; then
			ok "$name: is 1000 to 2000 pixels wide"
		else
			not_ok "$name: is 1000 to 2000 pixels wide" "seen: $width"
		fi
	else
		skip "$name: renders" "no rsvg-convert"
	fi
	expect "$name: a graph" 0 "$vnuma" topology --host "$2" --format dot
	like "$name: is a graph" "$(head -1 <<<"$out")" '^digraph ' # graphviz takes an empty text in silence too
	printf '%s\n' "$out" >"$work/graph.dot"
	if command -v dot >/dev/null; then
		expect "$name: graphviz takes it" 0 dot -Tsvg -o "$work/graph.svg" "$work/graph.dot"
		same "$name: without a word" "$err" ""
	else
		skip "$name: graphviz takes it" "no dot"
	fi
}

# ---- an old picture (the rest of --svg is in tests/pictures.t) ----

echo old >"$work/kept.svg"
expect "a host that is not there" 2 "$vnuma" topology --host numactl:/nonexistent --svg "$work/kept.svg"
same "leaves an old picture alone" "$(<"$work/kept.svg")" "old"
# No room for the picture (a limit of 1 KiB on files; without its signal, so that the write fails): the old one stays.
expect "no room" 3 bash -c "trap '' XFSZ; ulimit -f 1; '$vnuma' topology --host $two --svg '$work/kept.svg'"
same "leaves the old picture" "$(<"$work/kept.svg")" "old"
same "and no other file is left" "$(cd "$work" && echo *)" "kept.svg"

# ---- dot ----

expect "dot and --json contradict each other" 2 "$vnuma" topology --host $two --format dot --json
like "and are told with the option" "$err" "--format: 'dot' contradicts --json"
expect "a graph of two nodes" 0 "$vnuma" topology --host $two --format dot
like "is one" "$out" "^(di)?graph "
for node in 0 1; do like "node $node is in it" "$out" "node $node"; done

# ---- what others make of it ----

judged "this machine" live
judged "two nodes" $two
judged "odd nodes" numactl:lab/shapes/odd-nodes.txt
numactl_text 13 4 1 >"$work/13.txt"
judged "13 nodes" "numactl:$work/13.txt"
numactl_text 64 16 8 >"$work/64.txt"
judged "64 nodes" "numactl:$work/64.txt"
like "tells that not all edges are there" "$(<"$work/graph.dot")" "only to the nearest"
same "64 nodes are named in the picture" "$(grep -cE '>node [0-9]+</text>' "$work/picture.svg")" 64
numactl_text 1 2048 1 >"$work/wide.txt"
judged "2048 CPUs in a node" "numactl:$work/wide.txt"
if [ -d "$shared/data/numactl" ]; then
	for file in "$shared"/data/numactl/*.txt; do judged "$(basename "$file" .txt)" "numactl:$file"; done
else
	skip "published machines" "no $shared/data/numactl: set VNUMA_SHARED"
fi
for name in 16amd64-8n2c 256ppc-8n8s4t 48amd64-4pa2n6c-sparse nvidiagpunumanodes; do
	archive=$shared/data/hwloc/$name.tar.bz2
	if [ -f "$archive" ] && mkdir "$work/$name" && tar xf "$archive" -C "$work/$name" 2>/dev/null; then
		judged "$name" "sysfs:$(echo "$work/$name"/*)"
	else
		skip "$name" "not in $shared"
	fi
done

finish
