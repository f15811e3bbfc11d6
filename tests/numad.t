#!/bin/bash
# tests/numad.t: `vnuma numad -w N[:MB]` and the link named numad: what libvirt asks, what people mistype, and what is not ours.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(realpath "${VNUMA:-build/vnuma}")
export VNUMA_STATE_DIR=$work/state
numad=$work/numad
ln -s "$vnuma" "$numad"

# host NAME FREE... : nodes of 4 CPUs with so many MB free; pairs of nodes are near (12), others far (21).
host() {
	local file=$work/$1
	shift
	awk -v free="$*" 'BEGIN {
		n = split(free, mb, " ")
		printf "available: %d nodes (0-%d)\n", n, n - 1
		for (i = 0; i < n; i++) {
			printf "node %d cpus:", i
			for (j = 0; j < 4; j++) printf " %d", i * 4 + j
			printf "\nnode %d size: 10000 MB\nnode %d free: %d MB\n", i, i, mb[i + 1]
		}
		printf "node distances:\nnode"
		for (j = 0; j < n; j++) printf " %d", j
		print ""
		for (i = 0; i < n; i++) {
			printf "%d:", i
			for (j = 0; j < n; j++) printf " %d", i == j ? 10 : int(i / 2) == int(j / 2) ? 12 : 21
			print ""
		}
	}' >"$file"
}
host even 9000 9000 9000 9000
host steps 6000 7000 9000 8000
host uneven 500 9000 900 9000
host far 5000 2000 6000 6000

# ---- answers ----

expect "a node that holds it" 0 "$vnuma" numad -w 4:8000 --host "numactl:$work/uneven"
same "is the answer" "$out" 1
unlike "with no reason against it" "$err" "no plan"
expect "what no node holds alone" 0 "$vnuma" numad -w 4:8000 --host "numactl:$work/far"
same "goes to near nodes" "$out" 2-3
expect "options first, in one word" 0 "$vnuma" numad --host "numactl:$work/uneven" -w4:8000
same "are read as getopt does" "$out" 1
expect "several nodes that hold it" 0 "$vnuma" numad -w 2:500 --host "numactl:$work/steps"
same "the one with the most memory left is the answer" "$out" 2
expect "the link" 0 "$numad" -w 4:8000 --host "numactl:$work/uneven"
same "answers alike" "$out" 1
expect "through the path" 0 env PATH="$work:$PATH" bash -c "numad -w 4:8000 --host numactl:$work/uneven"
same "too" "$out" 1
expect "a list with a gap" 0 "$numad" -w 4:900 --host "numactl:$work/even"
like "is in libvirt's syntax" "$out" '^[0-9]+([-,][0-9]+)*$'
expect "no memory named" 0 "$numad" -w 4 --host "numactl:$work/uneven"
like "is answered by cores" "$out" '^[0-9]+$'
expect "memory 0" 0 "$numad" -w 4:0 --host "numactl:$work/uneven"
like "is the same" "$out" '^[0-9]+$'
expect "this machine, as libvirt asks" 0 "$numad" -w 1:16
like "has a node for a little guest" "$out" '^[0-9]+$'
same "one line" "$(wc -l <"$tap_work/out")" 1
expect "as JSON" 0 "$vnuma" numad -w 4:8000 --host "numactl:$work/uneven" --json
json "has a schema" .schema '"vnuma.numad/1"'
json "and the nodes" .nodes '[1]'
json "and what was asked" '[.vcpus, .memory, .feasible]' '[4,8388608000,true]'

# ---- no ----

expect "no room" 1 "$numad" -w 4:40000 --host "numactl:$work/even"
same "prints no nodes, as libvirt would take them" "$out" ""
like "but why" "$err" "memory-short"
expect "no room, as JSON" 1 "$vnuma" numad -w 4:40000 --host "numactl:$work/even" --json
json "says so" '[.feasible, .nodes, .reasons[0].code]' '[false,[],"memory-short"]'

# ---- mistyped ----

for word in 8: :8 8:16:3 8:-1 -8 +8 0 0:16 "" " 8" "8 " 8:1.5 8,16 eight 0x8 8:16M 8: $'8\n' $'\e[31m8' 1025 99999999999999999999 \
	8:67108865 8:9223372036854775808 8:99999999999999999999999 "$(printf '8%.0s' {1..5000})"; do
	expect "-w '$(head -c 24 <<<"${word//[^[:print:]]/?}" | head -1)' is refused" 2 "$numad" -w "$word"
	same "with nothing on standard output" "$out" ""
	like "and the option named" "$err" '^vnuma: -w: '
	unlike "nothing a terminal would act on" "$err" $'\e'
	same "in few words" "$([ ${#err} -lt 300 ] && echo yes)" yes
done
expect "-w without a value" 2 "$numad" -w
expect "-w twice" 2 "$numad" -w 2 -w 3
like "is told" "$err" "-w: given twice"
expect "nothing" 2 "$numad"
like "starts no daemon" "$err" "no daemon"
expect "a word" 2 "$numad" start
like "is named" "$err" "'start' seen"
expect "another option of vnuma's" 2 "$numad" -w 2 --frob
expect "a host that is not there" 2 "$numad" -w 2 --host numactl:/nonexistent

# ---- numad's other options ----

for letter in C d D H i K l m p r R S t u v x; do
	expect "-$letter is refused" 2 "$numad" "-$letter" 1 -w 2
	like "-$letter: by name, with what to do instead" "$err" "^vnuma: -$letter: an option of numad's daemon, not of vnuma's answer to -w: .{10}"
done
expect "an unknown one" 2 "$numad" -q -w 2
like "is unknown" "$err" "^vnuma: -q: no option of numad"
expect "an unprintable one" 2 "$numad" $'-\e'
like "is not echoed" "$err" "^vnuma: -\\?: "
expect "several at once" 2 "$numad" -dv -p 12 -q
same "are all told" "$(grep -c '^vnuma: -[dvpq]: ' <<<"$err")" 4
expect "-h" 0 "$numad" -h
like "is the help" "$out" "^usage: vnuma numad -w N"
like "and says what no room looks like" "$out" "exit status 1"
expect "-V" 0 "$numad" -V
like "is the version" "$out" "^numad of vnuma [0-9]"
expect "the verb's help" 0 "$vnuma" help numad
finish
