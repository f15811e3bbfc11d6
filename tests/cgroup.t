#!/bin/bash
# tests/cgroup.t: what the limits of this process's cgroups mean for a plan: memory.max is a reason against it, cpu.max a warning.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}

# Two nodes of 4 GiB with huge pages and 4 cores; the cgroup leaves 3 GiB and the time of two and a half CPUs.
"$vnuma" topology --host 'synthetic:package:2 [numa(memory=4294967296)] core:4 pu:1' --json |
	jq '.cgroup_memory = 3221225472 | .cgroup_millicpus = 2500
		| .nodes[].hugepages = [{size: 2097152, total: 2048, free: 2048, surplus: 0}]' >"$work/host.json"

cfg() {
	local file=$work/$1
	shift
	printf '%s\n' "name = \"${file##*/}\"" "$@" >"$file"
}

plan() { (cd "$work" && "$vnuma" plan "$@" --host json:host.json); }

case $vnuma in /*) ;; *) vnuma=$PWD/$vnuma ;; esac
cfg fits 'memory = 3072' 'vcpus = 2'
cfg over 'memory = 3073' 'vcpus = 2'
cfg half 'memory = 1536' 'vcpus = 2'
cfg more 'memory = 1537' 'vcpus = 2'
cfg huge 'memory = 3584' 'hugepages = "2M"' 'vcpus = 2'
cfg three 'memory = 512' 'vcpus = 3'
cfg grows 'memory = 512' 'vcpus = 2' 'maxvcpus = 4'

expect "a topology as JSON" 0 "$vnuma" topology --host "json:$work/host.json" --json
json "tells the limits" '[.cgroup_memory, .cgroup_millicpus]' '[3221225472,2500]'
expect "in words" 0 "$vnuma" topology --host "json:$work/host.json"
like "of memory" "$out" '^the process that read the host may take, by the memory.max of its cgroups: 3 GiB more$'
like "of time" "$out" '^the process that read the host may use, by the cpu.max of its cgroups, the time of 2.5 CPUs$'

expect "as much as the cgroup leaves" 0 plan fits --json
json "without a warning" '[.warnings[].code | select(startswith("cgroup"))]' '[]'
expect "a MiB more" 1 plan over --json
json "is told" '[.reasons[].code]' '["cgroup-memory"]'
like "what is wanted, what is there, what would help" "$(jq -r '.reasons[].text' <<<"$out")" \
	'^the guest needs 3.* and the memory.max .* leaves 3 GiB: 1 MiB .*short. What would help: raise that limit'
expect "two guests that fit together" 0 plan half three --json
expect "that do not" 1 plan half more --json
json "have one reason" '[.plans[].reasons[].code] | unique' '["cgroup-memory"]'
like "of both" "$(jq -r '.plans[0].reasons[].text' <<<"$out")" '^these guests need 3'
expect "huge pages" 0 plan huge --json
expect "with ordinary memory beside them" 0 plan huge half --json

expect "more vCPUs than the quota" 0 plan three --json
json "are worth a warning" '[.warnings[] | select(.code == "cgroup-cpu").text | test("3 vCPUs.*2.5 CPUs")]' '[true]'
expect "those that are not online at the start" 0 plan grows --json
json "are none" '[.warnings[].code | select(startswith("cgroup"))]' '[]'

jq -s . <(plan half --json) >"$work/tenants.json"
expect "making room" 1 plan over --json --occupied "$work/tenants.json" --make-room
json "cannot help" '[.optimal, .moves, [.reasons[].code]]' '[true,[],["cgroup-memory"]]'
expect "in words" 1 plan over --occupied "$work/tenants.json" --make-room
like "is told why" "$err" 'no room: the guest needs .*\[cgroup-memory\]'
expect "tenants have their memory" 0 plan fits --json --occupied "$work/tenants.json" --make-room
# 3 GiB beside a tenant of 1.5 GiB on each node: one of them has to move, and its memory is not asked of the cgroup.
tenant() { jq --arg name "$1" '.guest = $name' <(plan "$2" --json); }
cfg left 'memory = 1536' 'vnodes = 1' 'vnuma_vnodemap = [0]'
cfg right 'memory = 1536' 'vnodes = 1' 'vnuma_vnodemap = [1]'
jq -s '[.[] | .vnodes[0].home_wanted = null]' <(tenant left left) <(tenant right right) >"$work/both.json"
cfg one 'memory = 3072' 'vnodes = 1'
expect "a guest for which a tenant moves" 0 plan one --json --occupied "$work/both.json" --make-room
json "by its bytes" '[.bytes_moved, (.moves | length)]' '[1610612736,1]'

# libvirt starts its guests in cgroups of their own.
expect "numad" 0 "$vnuma" numad -w 8:6000 --host "json:$work/host.json"
same "does not ask our cgroup" "$out" "0-1"
unlike "nor warn of it" "$err" cgroup

finish
