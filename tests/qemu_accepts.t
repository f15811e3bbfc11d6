#!/bin/bash
# tests/qemu_accepts.t: QEMU itself takes every recipe that test_recipe looks at, and has understood it. It is started paused and asked
# over QMP, with TCG and small memory that nothing touches.
#
# Three things are swapped, as not every machine has them: taps for the user network, huge pages for ordinary ones (taken at start all
# the same), and CPUs that may be missing for CPU 0.
# shellcheck disable=SC2154 # $out and $err are tap.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh

qemu=${VNUMA_QEMU:-qemu-system-x86_64}
recipes=$(dirname "${VNUMA:-build-check/vnuma}")/tests/recipes
if ! version=$("$qemu" --version 2>/dev/null | sed -n 's/.*version \([0-9]*\)\.\([0-9]*\).*/\1 \2/p') || [ -z "$version" ]; then
	skip "QEMU takes the recipes" "no qemu-system-x86_64"
	finish
	exit
fi
if [ ! -x "$recipes" ]; then
	not_ok "the recipes are built" "$recipes is missing"
	finish
	exit
fi
read -r major minor <<<"$version"
truncate -s 1M "$tap_work/a.img" "$tap_work/b.img"

# The words of a recipe in $words.
read_recipe() {
	local word
	words=()
	while IFS= read -r -d '' word; do
		word=$(sed -E 's/^tap,id=(net[0-9]+),.*/user,id=\1/; s/hugetlb=on,hugetlbsize=[0-9]+K,//
			s/^(thread-context,.*cpu-affinity)=.*/\1=0/' <<<"$word")
		words+=("$word")
	done < <("$recipes" "$1" "$tap_work")
	words[0]=$qemu
}

# ask NAME COMMAND... : starts QEMU with $words; what it answers, one JSON value a line, is $out.
ask() {
	local name=$1 command
	shift
	{
		for command in qmp_capabilities "$@" quit; do
			case $command in
				info*) printf '{"execute": "human-monitor-command", "arguments": {"command-line": "%s"}}\n' "$command" ;;
				*) printf '{"execute": "%s"}\n' "$command" ;;
			esac
		done
	} >"$tap_work/in"
	expect_from "$tap_work/in" "$name" timeout 120 "${words[@]}" -qmp stdio
	# TCG's `max` is an AMD CPU; under KVM the recipe turns topoext on
	same "$name: without a word" "$(grep -v -e hyperthreading -e 'enabling topoext' <<<"$err")" ""
	out=$(jq -c 'select(has("return")) | .return' <<<"$out" | sed '1d;$d')
}

# As expect of tap.sh, with an input.
expect_from() {
	local input=$1 name=$2 status=0
	shift 2
	"$@" >"$tap_work/out" 2>"$tap_work/err" <"$input" || status=$?
	out=$(<"$tap_work/out") err=$(<"$tap_work/err")
	if [ "$status" = 0 ]; then ok "$name: taken"; else not_ok "$name: taken" "exit status $status" "stderr: $err" "${words[@]}"; fi
}

line() { sed -n "${1}p" <<<"$out"; }

# What of the words stands behind the option $1 and begins with $2, as the value of key $3: one a line.
given() {
	local i
	for ((i = 0; i + 1 < ${#words[@]}; i++)); do
		[ "${words[i]}" = "$1" ] && [[ ${words[i + 1]} = "$2"* ]] && sed -nE "s/^(.*,)?$3=([^,]*)(,.*)?\$/\2/p" <<<"${words[i + 1]}"
	done
}

for name in $("$recipes"); do
	read_recipe "$name"
	if [[ ${words[*]} = *iothread-vq-mapping* ]] && [ "$major" -lt 9 ]; then
		skip "$name: taken" "iothread-vq-mapping came with QEMU 9.0, this is $major.$minor"
		continue
	fi
	ask "$name" query-memdev query-iothreads query-memory-devices query-hotpluggable-cpus "info numa" "info qtree"
	same "$name: backends are bound" "$(line 1 | jq -r '.[] | "\(.id) \(.policy) \(."host-nodes" | join(","))"' | sort)" \
		"$(paste -d' ' <(given -object memory-backend id) <(given -object memory-backend policy) \
			<(given -object memory-backend host-nodes) | sort)"
	same "$name: I/O threads" "$(line 2 | jq -r '.[].id' | sort)" "$(given -object iothread id | sort)"
	same "$name: memory devices have a node" "$(line 3 | jq -r '.[].data | "\(.id) \(.node)"' | sort)" \
		"$({ paste -d' ' <(given -device pc-dimm id) <(given -device pc-dimm node)
			paste -d' ' <(given -device virtio-mem-pci id) <(given -device virtio-mem-pci node)
		} | sed '/^ *$/d' | sort)"
	same "$name: what is requested of them" \
		"$(line 3 | jq -r '.[] | select(.type == "virtio-mem").data | "\(.id) \(."requested-size" / 1048576)M \(."block-size" / 1048576)M"' | sort)" \
		"$(paste -d' ' <(given -device virtio-mem-pci id) <(given -device virtio-mem-pci requested-size) \
			<(given -device virtio-mem-pci block-size) | sed '/^ *$/d' | sort)"
	same "$name: nodes" "$(line 5 | jq -r . | sed -nE 's/^([0-9]+) nodes.*/\1/p' | tr -d '\r')" "$(given -numa node, nodeid | grep -c .)"
	[ "$(given -numa node, nodeid | grep -c .)" = 0 ] ||
		same "$name: vCPUs have a node" "$(line 4 | jq -r '.[].props | "\(."node-id") \(."socket-id") \(."core-id") \(."thread-id")"' | sort)" \
			"$(paste -d' ' <(given -numa cpu, node-id) <(given -numa cpu, socket-id) <(given -numa cpu, core-id) \
				<(given -numa cpu, thread-id) | sort)"
	same "$name: ports of channels" "$(line 6 | jq -r . | sed -nE 's/^ +name = "(.*)".*/\1/p' | tr -d '\r' | sort)" \
		"$(given -device virtserialport name | sort)"
	same "$name: bridges" "$(line 6 | jq -r . | grep -c 'dev: pxb-pcie,')" "$(given -device pxb-pcie id | grep -c .)"
	same "$name: ports" "$(line 6 | jq -r . | grep -c 'dev: pcie-root-port,')" "$(given -device pcie-root-port id | grep -c .)"
done
finish
