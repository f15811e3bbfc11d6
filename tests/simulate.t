#!/bin/bash
# tests/simulate.t: `vnuma simulate`: its figures, its files, what it refuses. Needs nothing but a built vnuma ($VNUMA).
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
four="synthetic:node:4(memory=64GB) core:16 pu:1"

simulate() { "$vnuma" simulate --host "$four" "$@"; }

# ---- made-up guests ----

expect "made-up guests" 0 simulate --synthetic 1,2000
like "tells the host" "$out" "^host +4 nodes, 64 cores, 238 GiB, as if nothing ran on it; at most 64 vCPUs"
like "and the trace" "$out" "^trace +made up from seed 1, 2000 events"
for policy in ours first-fit fewest-nodes random; do
	like "$policy has its line" "$out" "^$policy +[0-9]+ +[0-9.]+ %"
done
like "planning time is told apart" "$out" "^planning +median"
expect "as JSON" 0 simulate --synthetic 1,2000 --json
json "has a schema" .schema '"vnuma.simulate/1"'
json "each policy" '[.policies[].policy]' '["ours","first-fit","fewest-nodes","random"]'
json "every guest is accepted or rejected" '[.policies[] | .accepted + .rejected == .arrivals] | unique' '[true]'
json "all see the same guests" '[.policies[].arrivals] | unique | length' 1
json "distances are 10 or more" '[.policies[].mean_distance >= 10] | all' true
json "nothing moves" '[.policies[].moves] | unique' '[0]'
json "the trace has so many events" '.trace.events' 2000
first=$(jq -S 'del(.timing)' <<<"$out")
expect "once more" 0 simulate --synthetic 1,2000 --json
same "gives the same but for the times" "$(jq -S 'del(.timing)' <<<"$out")" "$first"
expect "another seed" 0 simulate --synthetic 2,2000 --json
if [ "$(jq -S '.policies' <<<"$out")" != "$(jq -S .policies <<<"$first")" ]; then ok "gives others"; else not_ok "gives others"; fi
expect "one policy" 0 simulate --synthetic 1,2000 --policy first-fit --json
json "is the only one" '[.policies[].policy]' '["first-fit"]'
json "with the figures it has among all" '.policies[0] | [.accepted, .squeeze_mean, .mean_distance]' \
	"$(jq -c '.policies[1] | [.accepted, .squeeze_mean, .mean_distance]' <<<"$first")"
expect "less is asked for" 0 simulate --synthetic 1,2000 --load 20 --policy ours --json
json "and nearly all is accepted" '.policies[0].acceptance > 0.97' true
expect "two vCPUs a core" 0 simulate --synthetic 1,2000 --overcommit 2 --policy ours --json
json "is the limit" '.host.vcpus_at_most' 128
expect "2.25 of them" 0 simulate --synthetic 1,200 --overcommit 2.25 --json
json "as well" '.host.vcpus_at_most' 144
expect "the least" 0 simulate --synthetic 0,1 --json
expect "the largest seed" 0 simulate --synthetic 18446744073709551615,10 --json

# ---- a trace ----

cat >"$work/trace.csv" <<'CSV'
# two guests, one of which finds no room
time,event,name,vcpus,memory_mib,vnodes
0,arrive,db,8,65000,
10,arrive,web,2,4096,1
20,arrive,huge,4,300000,
30,depart,db
30,depart,huge
CSV
expect "a trace of a file" 0 simulate --trace "$work/trace.csv" --json
json "is replayed" '[.policies[] | [.arrivals, .accepted]] | unique' '[[3,2]]'
json "and named" '.trace.source' "\"$work/trace.csv, 5 events\""
printf 'time,event,name,vcpus,memory_mib\nx,arrive,a,1,1\n0,come,b,1,1\n0,arrive,c,0,0\n5,depart,nobody\n4,arrive,\e[31m,1,1\n' >"$work/bad.csv"
expect "a wrong trace" 2 simulate --trace "$work/bad.csv"
same "all that is wrong is told with its line" "$(sed -E "s,^vnuma: $work/bad.csv:([0-9]+): ([a-z_]+): .*,\1 \2," <<<"$err" | tr '\n' ' ')" \
	"2 time 3 event 4 vcpus 4 memory_mib 5 name 6 time 6 name "
unlike "and nothing a terminal would act on" "$err" $'\e'
expect "the same as JSON" 2 simulate --trace "$work/bad.csv" --json
json "lists them" '.errors | length' 7
printf 'time,event,name,vcpus,memory_mib\n0,arrive,a\0b,1,1\n' >"$work/nul.csv"
expect "a NUL byte" 2 simulate --trace "$work/nul.csv"
: >"$work/empty.csv"
expect "an empty file" 2 simulate --trace "$work/empty.csv"
expect "a folder" 2 simulate --trace "$work"
expect "no file" 2 simulate --trace "$work/none.csv"

# ---- files ----

expect "a table and a plot" 0 simulate --synthetic 1,5000 --csv "$work/s.csv" --svg "$work/s.svg"
same "the table's header" "$(head -1 "$work/s.csv")" \
	"event,time,policy,guests,accepted,rejected,mean_distance,squeeze,free_mib,stranded_mib"
rows=$(cut -d, -f3 "$work/s.csv" | sort | uniq -c | awk '$2 != "policy" { print ($1 <= 1000 && $1 > 500) }' | sort -u)
same "at most 1000 rows a policy" "$rows" 1
same "each with all fields" "$(awk -F, '{ print NF }' "$work/s.csv" | sort -u)" 10
same "the last is the last event" "$(tail -1 "$work/s.csv" | cut -d, -f1)" 5000
like "the plot names each policy" "$(grep -oE '>(ours|first-fit|fewest-nodes|random)<' "$work/s.svg" | tr -d '\n')" \
	'^>ours<>first-fit<>fewest-nodes<>random<$'
like "its axis has a unit" "$(<"$work/s.svg")" '>time \((days|hours|minutes|seconds)\)<'
same "and four panels with as many lines" "$(grep -c '<polyline' "$work/s.svg")" 16
if command -v rsvg-convert >/dev/null; then
	expect "it renders" 0 rsvg-convert -o "$work/s.png" "$work/s.svg"
	same "without a word" "$err" ""
else
	skip "it renders" "no rsvg-convert"
fi
expect "a trace of one moment" 0 simulate --trace <(printf 'time,event,name,vcpus,memory_mib\n7,arrive,a,1,1\n') --svg "$work/one.svg"
if command -v xmllint >/dev/null; then
	expect "plots are well-formed" 0 xmllint --noout --nonet "$work/s.svg" "$work/one.svg"
else
	skip "plots are well-formed" "no xmllint"
fi
expect "the table on standard output" 0 simulate --synthetic 1,100 --csv -
like "is nothing else" "$(head -1 <<<"$out")" '^event,time'
unlike "not the text" "$out" "^host "
expect "and JSON too" 2 simulate --synthetic 1,100 --csv - --json
expect "a file in no folder" 3 simulate --synthetic 1,100 --svg "$work/none/s.svg"
like "is told with its option" "$err" "--svg $work/none/s.svg: "

# ---- usage ----

expect "no trace" 2 simulate
like "is told what there is" "$err" "expected --trace FILE or --synthetic SEED,N"
expect "both" 2 simulate --trace x --synthetic 1,1
for word in 1 '1,' ,1 1,0 -1,5 1,-5 1,1,1 1,10000001 18446744073709551616,1 x,1 "" "1, 5" 1.5,5; do
	expect "--synthetic '$word' is refused" 2 simulate --synthetic "$word"
	like "by name" "$err" "^vnuma: --synthetic: "
done
for word in 0 0.00 -1 1.234 101 100.01 1. .5 x "" 1e3; do
	expect "--overcommit '$word' is refused" 2 simulate --synthetic 1,1 --overcommit "$word"
	like "by name" "$err" "^vnuma: --overcommit: "
done
for word in 0 1001 x -1 ""; do expect "--load '$word' is refused" 2 simulate --synthetic 1,1 --load "$word"; done
expect "--load with a file" 2 simulate --trace "$work/trace.csv" --load 50
expect "an unknown policy" 2 simulate --synthetic 1,1 --policy best
like "is told which there are" "$err" "expected ours, first-fit, fewest-nodes, random or all"
expect "several mistakes" 2 simulate --synthetic 1 --policy best --overcommit 0
same "are all told" "$(grep -c ^vnuma: <<<"$err")" 3
expect "a host too small for anybody" 2 "$vnuma" simulate --host "synthetic:node:1(memory=1GB) core:1 pu:1" --synthetic 1,10
like "is told why" "$err" "expected at least 4"
expect "this machine" 0 "$vnuma" simulate --trace "$work/trace.csv"
finish
