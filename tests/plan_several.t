#!/bin/bash
# tests/plan_several.t: `vnuma plan` of several guests at once, and --make-room: who has to move. Needs nothing but a built vnuma.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}

# Two packages of 4 cores with 2 threads each, 4 GiB on each node: CPUs 0-7 and 8-15, siblings side by side.
host='synthetic:package:2 [numa(memory=4294967296)] core:4 pu:2'

# cfg NAME LINE... : a config of a guest of that name.
cfg() {
	local name=$1
	shift
	printf '%s\n' "name = \"$name\"" "$@" >"$work/$name"
}

# plan NAME... [-- ARG...]: the configs planned on the host above.
plan() {
	local files=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		files+=("$work/$1")
		shift
	done
	"$vnuma" plan "${files[@]}" --host "$host" "${@:2}"
}

# at NODE NAME MIB VCPUS [LINE...]: a guest's plan on that node, as if the planner had chosen it, on stdout.
at() {
	cfg "$2" "memory = $3" "vcpus = $4" 'vnodes = 1' "vnuma_vnodemap = [$1]" "${@:5}"
	plan "$2" -- --json | jq '.vnodes[].home_wanted = null'
}

# ---- several guests ----

cfg a 'memory = 3072' 'vcpus = 3'
cfg b 'memory = 3072' 'vcpus = 3'
cfg c 'memory = 2048' 'vcpus = 2'
expect "two guests" 0 plan a b
like "the first is told" "$out" '^a: the best plan there is'
like "and the second" "$out" '^b: the best plan there is'
like "then all of it" "$out" '^all 2 together: the best plans there are'
like "what spills" "$out" '^  spill +none'
like "what is squeezed" "$out" '^  squeeze +none'
like "how far it is" "$out" '^  distance +10\.0 '
like "how full" "$out" '^  load +at most 3 vCPUs on 4 cores'
same "and what stays free" "$(grep -A3 '^what stays free' <<<"$out" | tail -2 | tr -s ' ')" ' 0 1 1 GiB
 1 1 1 GiB'
expect "as JSON" 0 plan a b -- --json
json "in a schema of its own" '[.schema,.feasible,.optimal]' '["vnuma.plans/1",true,true]'
json "are plans as ever" '[.plans[].schema]' '["vnuma.plan/1","vnuma.plan/1"]'
json "on a node each" '[.plans[].homes[0]]' '[0,1]'
json "with what they cost together" '[.cost.spill,.cost.squeeze,.cost.distance]' '[0,0,184320]'
printf '%s' "$out" >"$work/ab.json"
cfg own 'memory = 512' 'vcpus = 3' 'exclusive_cores = 1' 'vnodes = 1' 'vnuma_vnodemap = [0]'
cfg pair 'memory = 512' 'vcpus = 2' 'vnodes = 1' 'vnuma_vnodemap = [0]'
expect "cores of one's own, and two vCPUs more on that node" 1 plan own pair -- --json
json "cost nothing, as there is no plan" '[.feasible,.cost.spill,.cost.load]' '[false,0,0]'
json "for a reason that counts both" '.plans[0].reasons[0].text | test("3 cores are wanted by guests for themselves and 2 by the others")' true
cfg one 'memory = 512' 'vcpus = 1' 'vnodes = 1' 'vnuma_vnodemap = [0]'
expect "beside one vCPU" 0 plan own one -- --json
json "QEMU's threads keep off" '.plans[] | select(.guest == "own") | [.emulator_cpus, (.warnings | map(.code) | index("cores-shared"))]' \
	'[[0,1],null]'
plan one -- --json >"$work/one.json"
expect "after it" 0 plan own -- --json --occupied "$work/one.json"
json "the one that was there is told of" '.warnings | map(select(.code == "cores-shared").text)[0] | test("CPUs [-0-9,]+ are for this guest alone")' true
cfg many 'memory = 512' 'vcpus = 4' 'threads = 4'
expect "threads that no core has" 0 plan many -- --json
json "are told of" '.warnings | map(select(.code == "threads-untrue")) | length' 1
echo 'exclusive_cores = 1' >>"$work/many"
expect "and refused with cores of one's own" 2 plan many
like "with what there is" "$err" 'threads: 4 seen, with exclusive_cores; expected at most 2'
cfg apart 'memory = 512' 'policy = "spread"'
expect "guests of two policies" 0 plan a apart -- --json
json "are told whose is taken" '[.plans[].warnings | map(select(.code == "policy-mixed").text)]' \
	'[[],["policy is spread, but guests planned together have one policy: pack, that of '\''a'\''"]]'
cfg small 'memory = 512'
expect "--occupied reads them back" 0 plan small -- --json --occupied "$work/ab.json"
json "and counts both" '.cost.load_vcpus' 4
expect "the same with another order" 0 plan b a -- --json
json "plans in the order given" '[.plans[].guest]' '["b","a"]'
expect "one guest alone" 0 plan a -- --json
json "is one plan, as ever" '[.schema,.guest]' '["vnuma.plan/1","a"]'

# One after the other each would be made for the empty host.
expect "three guests whose vnodes are open" 0 plan c a b -- --json
json "nothing spills: the smallest is split" '[.cost.spill, (.plans[0].homes | length)]' '[0,2]'
json "and the large ones are not" '[.plans[1,2].homes | length]' '[1,1]'

expect "several explained" 0 plan a b -- --explain
same "each has its reasons" "$(grep -c '^What it came to' <<<"$out")" 2
cfg own 'memory = 512' 'vcpus = 4' 'exclusive_cores = 1'
cfg own2 'memory = 512' 'vcpus = 4' 'exclusive_cores = 1'
cfg own3 'memory = 512' 'vcpus = 4' 'exclusive_cores = 1'
expect "guests with cores of their own" 0 plan own own2 -- --json
json "share none" '[.plans[].vcpus[].cpus[]] | length == (unique | length)' true
cfg huge 'memory = 512' 'hugepages = "2M"'
cfg giant 'memory = 6144' 'vnodes = 1'
expect "more than there is" 1 plan giant a -- --json
json "is told in each" '[.feasible, (.plans | map(.feasible))]' '[false,[false,false]]'
json "the same of each" '.plans | map(.reasons) | unique | length' 1
expect "and in words" 1 plan giant a
same "once" "$(grep -c 'no plans:' <<<"$err")" 1
same "with nothing on standard output" "$out" ""
expect "too few cores" 1 plan own own2 own3
like "is told" "$err" 'core'

# ---- what is refused ----

expect "a guest twice" 2 plan a b a
like "is told with both files" "$err" "^vnuma: $work/a: name: 'a' is the name of the guest in $work/a, too"
echo 'memory = 5' >"$work/noname"
cfg bad 'memory = "much"'
expect "two wrong configs and a host that is not there" 2 "$vnuma" plan "$work/noname" "$work/bad" "$work/none" --host hwloc:/none
for what in noname bad none; do
	like "$what is told" "$err" "$work/$what"
done
like "and the host" "$err" "/none"
for form in qemu numactl; do
	expect "--to $form of two guests" 2 plan a b -- --to $form
	like "is of one" "$err" "^vnuma: --to: '$form' and 2 guests; expected one guest"
done
expect "--to qemu of one" 0 plan a -- --to qemu
expect "--explain and --json" 2 plan a b -- --explain --json
many=()
for _ in $(seq 65); do many+=(a); done
expect "65 guests" 2 plan "${many[@]}"
like "are too many" "$err" "65 operands"
cfg home 'memory = 512' 'vnodes = 1' 'vnuma_vnodemap = [7]'
cfg pins 'memory = 512' 'cpus = "99"'
expect "homes and CPUs that the host does not have" 2 plan home a pins
like "the home is told" "$err" "home.*node 7 seen"
like "and the CPU" "$err" "pins.*'99' names no CPU"

# ---- who has to move ----

{ at 0 one 1024 1; at 0 two 2048 1; at 1 three 2048 1; } | jq -s . >"$work/tenants.json"
cfg new 'memory = 3072' 'vcpus = 1' 'vnodes = 1'
expect "a guest that does not fit on one node" 0 plan new -- --json --occupied "$work/tenants.json"
json "spills" '.cost.spill > 0' true
expect "with room made" 0 plan new -- --json --occupied "$work/tenants.json" --make-room
json "one has to move" '[.moves[] | [.guest,.vnode,.from,.to,.bytes]]' '[["two",0,0,1,2147483648]]'
json "the sum" '[.bytes_moved,.bytes_bound,.optimal,.compared,.feasible]' '[2147483648,2147483648,true,true,true]'
json "and the plan" '.plans[0] | [.guest,.homes,.cost.spill]' '["new",[0],0]'
printf '%s' "$out" | jq 'del(.schema)' >"$work/after.json"
expect "which is what there is once it has moved" 0 plan new -- --json \
	--occupied <({ at 0 one 1024 1; at 1 two 2048 1; at 1 three 2048 1; } | jq -s .)
same "to the letter" "$(jq -S '.homes,.cost,.vcpus' <<<"$out")" "$(jq -S '.plans[0] | .homes,.cost,.vcpus' "$work/after.json")"
expect "in words" 0 plan new -- --occupied "$work/tenants.json" --make-room
like "who" "$out" '^two +0 +0 +1 +2 GiB$'
like "how much" "$out" '^in all +2 GiB$'
like "how sure" "$out" '^it is proven that moving fewer bytes does not do'
like "the plan" "$out" '^new: the best plan there is'
expect "explained" 0 plan new -- --occupied "$work/tenants.json" --make-room --explain
like "as ever" "$out" '^What it came to'
expect "a guest that fits" 0 plan small -- --occupied "$work/tenants.json" --make-room
like "moves nobody" "$out" '^nobody has to move$'
expect "as JSON" 0 plan small -- --json --occupied "$work/tenants.json" --make-room
json "nobody either" '[.moves,.bytes_moved,.optimal]' '[[],0,true]'
cfg half 'memory = 1024' 'vcpus = 1' 'vnodes = 1'
cfg other 'memory = 2048' 'vcpus = 1' 'vnodes = 1'
expect "two guests" 0 plan half other -- --json --occupied "$work/tenants.json" --make-room
json "that fit as it is" '[.moves, .cost.spill, [.plans[].guest]]' '[[],0,["half","other","one","two","three"]]'
same "the others are as they were" "$(jq -S '.plans[2:]' <<<"$out")" "$(jq -S . "$work/tenants.json")"

# What is printed is the host's new state: who moved is where he is then, who stays as he was.
expect "with room made" 0 plan new -- --json --occupied "$work/tenants.json" --make-room
printf '%s' "$out" >"$work/state.json"
json "all guests are told" '[.plans[] | [.guest, .homes, .vnodes[0].shares[0].pnode]]' '[["new",[0],0],["one",[0],0],["two",[1],1],["three",[1],1]]'
json "who moved with CPUs of his new home" '.plans[2].vcpus[0].cpus == .plans[3].vcpus[0].cpus' true
json "and no wish for it" '.plans[2].vnodes[0].home_wanted' null
cfg late 'memory = 1024' 'vcpus = 1' 'vnodes = 1'
expect "read back" 1 plan late -- --json --occupied "$work/state.json"
json "nobody's memory is free again" '[.reasons[].code]' '["memory-short"]'
jq 'del(.plans[] | select(.guest == "new"))' "$work/state.json" >"$work/without.json"
expect "without the new guest" 0 plan late -- --json --occupied "$work/without.json"
json "there is his room" '[.homes, .cost.spill]' '[[0],0]'

# Squeeze moves nobody, cores that must be free do.
{ at 0 one 512 3; at 1 two 512 2; } | jq -s . >"$work/busy.json"
cfg many 'memory = 512' 'vcpus = 4' 'vnodes = 1'
expect "vCPUs that share cores" 0 plan many -- --json --occupied "$work/busy.json" --make-room
json "are no reason to move" '[.moves, .plans[0].cost.squeeze > 0]' '[[],true]'
cfg own4 'memory = 512' 'vcpus = 4' 'vnodes = 1' 'exclusive_cores = 1'
expect "cores of its own" 0 plan own4 -- --json --occupied "$work/busy.json" --make-room
json "are" '[.moves[] | [.guest,.to]]' '[["one",1]]'
json "and then nobody else is there" '.plans[0].homes' '[0]'

# ---- no room ----

{ at 0 one 2560 1; at 1 two 2560 1; } | jq -s . >"$work/full.json"
expect "no moves help" 1 plan new -- --occupied "$work/full.json" --make-room
like "which is proven" "$err" 'no room: it is proven .*\[no-room\]'
same "nothing is printed" "$out" ""
expect "as JSON" 1 plan new -- --json --occupied "$work/full.json" --make-room
json "neither" '[.feasible,.optimal,.moves,.plans]' '[false,true,[],[]]'
jq '.[].vnodes[].home_wanted = 0 | .[2].vnodes[].home_wanted = 1' "$work/tenants.json" >"$work/wished.json"
expect "homes that were wished for" 1 plan new -- --occupied "$work/wished.json" --make-room
same "are kept" "$(grep -c 'not moved: .*its config gives its homes \[home-wished\]' <<<"$err")" 3
cfg wide 'memory = 5632' 'vnodes = 1'
expect "a guest with memory on two nodes" 0 plan wide -- --json
printf '%s' "$out" >"$work/wide.json"
expect "is not moved" 1 plan new -- --json --occupied "$work/wide.json" --make-room
json "which is told" '[.not_moved[].code]' '["not-at-home"]'

# ---- options ----

for occupied in '' none; do
	expect "no file of guests (${occupied:-nothing})" 2 plan new -- --make-room ${occupied:+--occupied "$occupied"}
	like "is told" "$err" '^vnuma: --make-room: with.* --occupied '
done
expect "--to qemu" 2 plan new -- --make-room --occupied "$work/full.json" --to qemu
like "does not go with it" "$err" '^vnuma: --make-room: does not go with --to qemu'
echo '{' >"$work/cut.json"
expect "a file that is none" 2 plan new -- --make-room --occupied "$work/cut.json"
expect "help" 0 "$vnuma" help plan
like "tells what fits means" "$out" 'To fit is: the memory of each vnode is all on its home node'

finish
