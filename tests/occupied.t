#!/bin/bash
# tests/occupied.t: what --occupied counts: plans of a file, VMs on record, nothing; and which files it refuses.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
export VNUMA_STATE_DIR=$work/state

# Two packages of 4 cores with 2 threads each, 4 GiB on each node: CPUs 0-7 and 8-15, siblings side by side.
host='synthetic:package:2 [numa(memory=4294967296)] core:4 pu:2'

# cfg NAME LINE... : a config file.
cfg() {
	local file=$work/$1
	shift
	printf '%s\n' "$@" >"$file"
}

# plan NAME [ARG...]: the plan of a config on the host above, as JSON.
plan() { "$vnuma" plan "$work/$1" --host "$host" --json "${@:2}"; }

cfg a 'name = "a"' 'memory = 3072' 'vcpus = 3'
cfg b 'name = "b"' 'memory = 3072' 'vcpus = 3'
cfg c 'name = "c"' 'memory = 3072' 'vcpus = 3'
cfg small 'name = "small"' 'memory = 512'
cfg own 'name = "own"' 'memory = 512' 'vcpus = 3' 'exclusive_cores = 1'
cfg own2 'name = "own2"' 'memory = 512' 'vcpus = 3' 'exclusive_cores = 1'
cfg own3 'name = "own3"' 'memory = 512' 'vcpus = 3' 'exclusive_cores = 1'

# ---- what a plan tells so that it can be counted ----

cfg all 'name = "all"' 'memory = 512' 'vcpus = 4' 'threads = 2' 'policy = "spread"' 'cpus = "8-15"' 'exclusive_cores = 1' \
	'pci = ["3b:00.0"]' 'vnodes = 1' 'vnuma_vnodemap = [1]'
expect "a plan" 0 plan all
json "tells what the guest wants" '[.exclusive_cores,.threads,.policy,.cpus_allowed,.cpus_excluded,.hostdevs]' \
	'[true,2,"spread",[8,9,10,11,12,13,14,15],[],[{"address":"0000:3b:00.0","vnode":0}]]'
json "and more of it" '[.guest_numa,.memory_policy_wanted,.vnodes[0].home_wanted]' '["auto","preferred",1]'
expect "a plan of a guest that wants nothing" 0 plan a
json "says so" '[.exclusive_cores,.threads,.policy,.cpus_allowed,.cpus_excluded,.hostdevs,.vnodes[0].home_wanted]' \
	'[false,1,"pack",null,[],[],null]'
cfg but 'name = "but"' 'memory = 512' 'cpus = "all,^0"'
expect "all CPUs but one" 0 plan but
json "are told by the one" '[.cpus_allowed,.cpus_excluded]' '[null,[0]]'

# ---- isolated CPUs: only for those who name them ----

"$vnuma" topology --host "$host" --json | jq '.isolated_cpus = [2,3,10]' >"$work/isolated.json"
used() { # NAME CPUS EXPECTED : the CPUs of the vCPUs of a guest
	cfg iso 'name = "iso"' 'memory = 5120' 'vcpus = 4' 'vnodes = 2' "$2"
	expect "$1" 0 "$vnuma" plan "$work/iso" --host "json:$work/isolated.json" --json
	json "may use" '[.vcpus[].cpus[]] | unique' "$3"
}
others='[0,1,4,5,6,7,8,9,11,12,13,14,15]'
used "no cpus at all" '' "$others"
used "all" 'cpus = "all"' "$others"
used "all but one" 'cpus = "all,^0"' '[1,4,5,6,7,8,9,11,12,13,14,15]'
used "what is left of all" 'cpus = "^0-1"' '[4,5,6,7,8,9,11,12,13,14,15]'
used "those that are named" 'cpus = "2-5,10-13"' '[2,3,4,5,10,11,12,13]'
used "but not those taken away" 'cpus = "2-5,10-13,^3"' '[2,4,5,10,11,12,13]'
cfg iso 'name = "iso"' 'memory = 512' 'cpus = "all,^0-1,^4-9,^11-15"'
expect "when all but isolated ones are taken away" 1 "$vnuma" plan "$work/iso" --host "json:$work/isolated.json"
like "it is told" "$err" 'isolated ones only go to guests whose .cpus. name them by number.*\[no-cpu\]'

# ---- a file ----

plan a >"$work/a.json"
expect "a second guest alone" 0 plan b
json "would be on node 0, as the first is" .homes '[0]'
expect "beside the first" 0 plan b --occupied "$work/a.json"
json "it is on node 1" .homes '[1]'
json "and nothing spills" .cost.spill 0
printf '%s' "$out" >"$work/b.json"
jq -s . "$work/a.json" "$work/b.json" >"$work/list.json"
jq -s '{schema: "vnuma.plans/1", plans: ., cost: {}}' "$work/a.json" "$work/b.json" >"$work/plans.json"
for file in list plans; do
	expect "a third one, beside both ($file)" 1 plan c --occupied "$work/$file.json"
	json "has no room" .feasible false
	expect "a small one has" 0 plan small --occupied "$work/$file.json"
	json "and the core that is left" '[.cost.spill, .cost.squeeze, .cost.load_vcpus]' '[0,0,4]'
done
echo '[]' >"$work/empty.json"
expect "an empty list" 0 plan b --occupied "$work/empty.json"
json "takes nothing" .homes '[0]'
expect "none" 0 plan b --occupied none
json "takes nothing" .homes '[0]'

# ---- whole cores ----

plan own >"$work/own.json"
expect "a second guest with cores of its own" 0 plan own2 --occupied "$work/own.json"
json "gets others" '[.vcpus[].cpus]' "$(jq -c --slurpfile o "$work/own.json" '[.vcpus[].cpus]' <<<"$out")"
same "none twice" "$(jq -s '[.[].vcpus[].cpus[]] | length == (unique | length)' "$work/own.json" - <<<"$out")" true
printf '%s' "$out" >"$work/own2.json"
jq -s . "$work/own.json" "$work/own2.json" >"$work/owns.json"
expect "a third one" 1 plan own3 --occupied "$work/owns.json"
like "finds none" "$(jq -r '.reasons[].text' <<<"$out")" "core"

# ---- the guest itself ----

expect "planning a guest of the file again" 0 plan a --occupied "$work/list.json"
json "does not count it against itself" .homes '[0]'
json "and says so" '[.warnings[]|select(.code=="occupied-self")]|length' 1
expect "in words too" 0 "$vnuma" plan "$work/a" --host "$host" --occupied "$work/list.json"
like "on standard error or with the plan" "$out$err" "'a' is in the file of --occupied too.*\[occupied-self\]"

# ---- guests that no longer fit ----

less='synthetic:package:2 [numa(memory=3321225472)] core:4 pu:2'
jq -s '[.[0], (.[0] | .guest = "a2")]' "$work/a.json" >"$work/over.json"
expect "more promised than there is: planning goes on" 0 "$vnuma" plan "$work/own" --host "$less" --json --occupied "$work/over.json"
json "on the other node" .homes '[1]'
json "and the guest, the node and how much are named" '[.warnings[]|select(.code=="occupied-short").text]' \
	"[\"'a2' does not fit any more: node 0 lacks 2.9 GiB of memory for it\"]"

# ---- devices: each is one guest's ----

cfg nic 'name = "nic"' 'memory = 512' 'pci = ["3b:00.0", "3b:00.1,vnode=0"]'
cfg nic2 'name = "nic2"' 'memory = 512' 'pci = ["3b:00.1"]'
cfg nic3 'name = "nic3"' 'memory = 512' 'pci = ["3b:00.2"]'
plan nic >"$work/nic.json"
expect "a device that a guest of the file has" 1 plan nic2 --occupied "$work/nic.json"
json "is a reason" '[.reasons[].code]' '["device-taken"]'
like "with both guests and the device" "$(jq -r '.reasons[].text' <<<"$out")" "device 0000:3b:00.1, which 'nic2' wants, is given to 'nic' already"
expect "another function" 0 plan nic3 --occupied "$work/nic.json"
expect "the guest itself" 0 plan nic --occupied "$work/nic.json"
expect "two guests, one of which wants it" 1 "$vnuma" plan "$work/nic3" "$work/nic2" --host "$host" --json --occupied "$work/nic.json"
json "have no plans" '[.plans[].reasons[].code] | unique' '["device-taken"]'
expect "making room" 1 plan nic2 --occupied "$work/nic.json" --make-room
json "takes no device away" '[.optimal, .moves, [.reasons[].code]]' '[true,[],["device-taken"]]'
expect "two guests of one device" 2 "$vnuma" plan "$work/nic" "$work/nic2" --host "$host"
like "are refused, with both files" "$err" "$work/nic2:3: pci: device 0000:3b:00.1 is that of the guest 'nic' in $work/nic, too"
same "once" "$(wc -l <<<"$err")" 1

# ---- files that are refused ----

refused() { # NAME FILE PATTERN
	expect "$1" 2 plan c --occupied "$work/$2"
	like "is told" "$err$out" "$3"
}
refused "a file that is not there" none.json "none.json"
echo '{' >"$work/cut.json"
refused "no JSON" cut.json "cut.json:2: "
refused "a config" a "a:1: .*expected plans"
echo '{"schema": "vnuma.vm/1"}' >"$work/vm.json"
refused "another schema" vm.json 'schema: .*expected .*vnuma.plan/1'
jq -s '[.[0], .[0]]' "$work/a.json" >"$work/twice.json"
refused "a guest twice" twice.json "plans\[1\].guest: 'a' is there twice"
jq -s '[.[0], (.[0] | .guest = "x")]' "$work/own.json" >"$work/claims.json"
refused "cores claimed twice" claims.json "plans\[1\].exclusive_cores: .*CPUs that an earlier guest"
jq -s '[.[0], (.[0] | .guest = "x")]' "$work/nic.json" >"$work/devices.json"
refused "a device at two guests" devices.json "plans\[1\].hostdevs: device 0000:3b:00.1 is that of 'nic', too"
jq '.vnodes[0].home = 5 | .homes = [5] | .vnodes[0].shares[0].pnode = 5 | .vnodes[0].pnodes = [5]' "$work/a.json" >"$work/node.json"
refused "a node of another host" node.json "the host has no node 5: is it a plan of another host"
jq '.vcpus[].cpus = [99] | .vnodes[0].cpus = [99]' "$work/a.json" >"$work/cpu.json"
refused "a CPU of another host" cpu.json "CPU 99 is not on node 0"
jq '.vnodes[0].memory = 1099511627776 | .vnodes[0].shares[0].memory = 1099511627776' "$work/a.json" >"$work/memory.json"
refused "more memory than the node has" memory.json "1 TiB on node 0, which has 4 GiB in all"
wider='synthetic:package:2 [numa(memory=4294967296)] core:8 pu:2' # the plan's node and CPUs are there, too
expect "a plan whose numbers fit another host by chance" 2 "$vnuma" plan "$work/c" --host "$wider" --json --occupied "$work/plans.json"
like "is told by guest, what is seen and what was expected" "$err" \
	"plans.json: plans\[0\].host: $(jq -r .host "$work/a.json"), so the plan of 'a' is one of another host; expected [0-9a-f]{16}\$"
same "with one problem a plan" "$(grep -c plans.json <<<"$err")" 2
jq 'del(.host)' "$work/a.json" >"$work/silent.json"
expect "one that does not tell its host" 0 "$vnuma" plan "$work/c" --host "$wider" --json --occupied "$work/silent.json"
json "is counted where it fits" .homes '[1]'
for bad in '"8"' '"0000000000000000"' '"000000000000000G"' 1 '{}'; do
	jq --argjson bad "$bad" '.host = $bad' "$work/a.json" >"$work/no-host.json"
	refused "a host that is none ($bad)" no-host.json "no-host.json: host: .*expected 16 digits"
done
plan c --occupied "$work/list.json" >"$work/infeasible.json"
refused "a plan that is none" infeasible.json "feasible: false; expected true"
jq '.vcpus[0].id = 1 | .threads = 0 | .hugepages = -5' "$work/a.json" >"$work/three.json"
expect "three problems" 2 plan c --occupied "$work/three.json"
same "are three" "$(grep -c three.json <<<"$err")" 3
expect "the host's own problems come first" 2 "$vnuma" plan "$work/a" --host hwloc:/nonexistent --occupied "$work/none.json"

# ---- live ----

expect "live, where the host is another one" 2 plan a --occupied live
like "is refused" "$err" "--occupied: 'live' seen, but the host is not this machine"
expect "a state directory that cannot be used" 0 env VNUMA_STATE_DIR=relative "$vnuma" plan "$work/but" --json
json "is worth a warning" '[.warnings[]|select(.code=="state-unreadable")]|length' 1
expect "and none with --occupied none" 0 env VNUMA_STATE_DIR=relative "$vnuma" plan "$work/but" --json --occupied none
json "as nobody asked for it" '[.warnings[]|select(.code=="state-unreadable")]|length' 0

# A VM on record whose process is this shell: it runs, as far as anybody can tell.
cfg vm 'name = "vm"' 'memory = 16' 'vcpus = 1'
home=$("$vnuma" plan "$work/vm" --json --occupied none 2>/dev/null | jq '.homes[0]')
# On one node with the VM, and more vCPUs than the node has cores, so that its load is the highest.
cfg next 'name = "next"' 'memory = 16' 'vcpus = 900' 'vnodes = 1' "vnuma_vnodemap = [$home]"

record() { # PLAN: as the VM 'vm'
	mkdir -p "$VNUMA_STATE_DIR" && chmod 700 "$VNUMA_STATE_DIR"
	jq --argjson pid $$ --argjson start "$(sed 's/.*) //' /proc/$$/stat | cut -d' ' -f20)" '{schema: "vnuma.vm/1", name: "vm",
		phase: "started", process: {pid: $pid, start_time: $start, exe: null}, accel: "tcg", qmp_path: "/none",
		log_path: "/none", started: 0, memory: .vnodes[0].memory, vcpus: (.vcpus | length), backends: [{vnode: 0,
		id: "ram0", memory: .vnodes[0].memory, binding: "preferred", policy_nodes: .homes, nodes: .homes, address: 0}],
		threads: [], plan: .}' "$1" >"$VNUMA_STATE_DIR/vm.json"
}

load() { "$vnuma" plan "$work/next" --json "$@" 2>"$work/err" | jq '.cost.load_vcpus'; }

# What runs here beside this test would count, too.
if [ -n "$home" ] && [ "$(load)" != 900 ]; then
	skip "VMs on record" "guests of somebody else run on this machine"
elif [ -n "$home" ] && [ "$("$vnuma" plan "$work/vm" --json --occupied none | jq .feasible)" = true ]; then
	"$vnuma" plan "$work/vm" --json --occupied none >"$work/vm-plan.json"
	jq -s '[.[0], (.[0] | .guest = "other")]' "$work/vm-plan.json" >"$work/vm-list.json"
	same "nobody runs" "$(load)" 900
	same "the file is counted" "$(load --occupied "$work/vm-list.json")" 902
	record "$work/vm-plan.json"
	same "one runs" "$(load)" 901
	same "live is the default" "$(load --occupied live)" 901
	same "none is none" "$(load --occupied none)" 900
	same "a guest of the file that runs counts once" "$(load --occupied "$work/vm-list.json")" 902
	same "the file is counted beside what runs" "$(load --occupied "$work/empty.json")" 901
	expect "the VM, planned again" 0 "$vnuma" plan "$work/vm" --json
	json "is not in its own way" .cost.load_vcpus 1
	json "and that is said" '[.warnings[]|select(.code=="occupied-self")]|length' 1
	jq 'del(.exclusive_cores, .threads, .policy, .cpus_allowed, .hostdevs, .guest_view)' "$work/vm-plan.json" >"$work/early.json"
	record "$work/early.json"
	same "a record of an earlier version" "$(load)" 901
	jq '.vcpus[0].vnode = 7' "$work/vm-plan.json" >"$work/torn.json"
	record "$work/torn.json"
	same "a record whose plan does not hang together still counts by its CPUs" "$(load)" 901

	jq '.hostdevs = [{address: "0000:3b:00.1", vnode: 0}]' "$work/vm-plan.json" >"$work/vm-nic.json"
	record "$work/vm-nic.json"
	cfg small2 'name = "small2"' 'memory = 16' 'pci = ["3b:00.1"]'
	expect "a device of a VM that runs" 1 "$vnuma" plan "$work/small2" --json
	json "is taken" '[.reasons[].code]' '["device-taken"]'

	# A core of its own is taken for good
	cfg vm 'name = "vm"' 'memory = 16' 'vcpus = 1' 'exclusive_cores = 1' 'vnodes = 1' "vnuma_vnodemap = [$home]"
	"$vnuma" plan "$work/vm" --json --occupied none >"$work/vm-plan.json"
	record "$work/vm-plan.json"
	most=0
	for n in $(seq 1 64); do
		cfg many 'name = "many"' 'memory = 16' "vcpus = $n" 'exclusive_cores = 1' 'vnodes = 1' "vnuma_vnodemap = [$home]"
		[ "$("$vnuma" plan "$work/many" --json --occupied none 2>/dev/null | jq .feasible)" = true ] || break
		most=$n
	done
	if [ "$most" -ge 1 ] && [ "$most" -lt 64 ]; then
		cfg many 'name = "many"' 'memory = 16' "vcpus = $most" 'exclusive_cores = 1' 'vnodes = 1' "vnuma_vnodemap = [$home]"
		expect "all $most cores of the node, one of which is the VM's" 1 "$vnuma" plan "$work/many" --json
	else
		skip "all cores of the node" "more than 63, or none"
	fi
	if [ "$most" -ge 2 ] && [ "$most" -lt 64 ]; then
		cfg many 'name = "many"' 'memory = 16' "vcpus = $((most - 1))" 'exclusive_cores = 1' 'vnodes = 1' "vnuma_vnodemap = [$home]"
		expect "the other cores" 0 "$vnuma" plan "$work/many" --json
		same "are not the VM's" "$(jq -s '[.[].vcpus[].cpus[]] | length == (unique | length)' "$work/vm-plan.json" - <<<"$out")" true
	else
		skip "the other cores" "there are none"
	fi
else
	skip "VMs on record" "this machine has no room for 16 MiB"
fi
rm -f "$VNUMA_STATE_DIR/vm.json"

# ---- guests of other launchers ----

# MiB that stay free on the home when `next` is there
stays() { "$vnuma" plan "$work/next" --json "$@" 2>"$work/err" | jq '.cost.fragmentation | sqrt | floor'; }

qemu=$(command -v qemu-system-x86_64 || true)
if [ -z "$qemu" ] || [ -z "$home" ] || [ "$(load)" != 900 ]; then
	skip "a QEMU of somebody else" "there is no qemu-system-x86_64, or others run already"
else
	others=$(($(stays --occupied none) - $(stays))) # QEMUs without a vCPU, which run here by chance
	# paused before its first instruction: nearly all of its memory is still to come
	"$qemu" -accel tcg -name guest=stranger,debug-threads=on -m 256 -smp 3 -nodefaults -no-user-config -display none -S \
		>"$work/qemu.log" 2>&1 &
	stranger=$!
	for _ in $(seq 100); do
		threads=$(cat "/proc/$stranger/task/"*/comm 2>/dev/null | grep -c '^CPU .*/TCG$')
		[ "$threads" = 3 ] && break
		sleep 0.1
	done
	seen=$(load --occupied none)
	if [ "$("$vnuma" topology --json | jq '.nodes | length')" = 1 ]; then
		same "its vCPUs are load" "$(load)" 903
		coming=$(($(stays --occupied none) - $(stays) - others))
		same "its memory that is still to come is not free ($coming MiB)" "$((coming > 150 && coming < 400))" 1
	else # its threads float over all nodes, and its memory has no policy
		same "its vCPUs are load" "$((900 < $(load) && $(load) <= 903))" 1
		expect "its memory has no policy" 0 "$vnuma" plan "$work/next" --json
		json "which is told" '[.warnings[]|select(.code=="others-unplaced")]|length' 1
	fi
	same "not with --occupied none" "$seen" 900
	kill "$stranger"
	wait "$stranger" 2>/dev/null
	same "and not when it is gone" "$(load)" 900
fi

finish
