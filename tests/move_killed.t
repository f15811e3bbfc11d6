#!/bin/bash
# tests/move_killed.t: vnuma killed in the middle of a move of a real VM; then undo, or --resume, succeeds, and the kernel says so. Half of the rounds
# end at any time from its start on, half within what follows the journal, which is short here. VNUMA_KILL_ROUNDS=50 for more of them;
# tests/test_move.c ends it at each of its system calls. Memory that moves is the lab's to test: tests/lab/move-inside.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
rounds=${VNUMA_KILL_ROUNDS:-4}
export VNUMA_STATE_DIR=$work/state

qemu=$(command -v qemu-system-x86_64)
node=$(awk '{ print int($1) }' FS='[-,]' /sys/devices/system/node/has_memory)
cpus=$(taskset -pc $$ | sed 's/.*: //')
if [ -z "$qemu" ] || [ "$(</sys/devices/system/node/has_memory)" != "$node" ] || [ "${cpus%%[-,]*}" = "$cpus" ]; then
	skip "a move that is killed" "no qemu-system-x86_64; or a host of several nodes, or of one CPU"
	finish
	exit
fi

name=killed$$
taskset -c "${cpus%%[-,]*}" "$qemu" -accel tcg,thread=multi -nodefaults -display none -name "$name,debug-threads=on" -object iothread,id=io \
	-m 64 -smp 2 -object memory-backend-ram,id=a,size=32M,prealloc=on -object memory-backend-ram,id=b,size=32M,prealloc=on \
	-numa node,nodeid=0,cpus=0,memdev=a -numa node,nodeid=1,cpus=1,memdev=b >/dev/null 2>&1 </dev/null &
vm=$!
own_pids+=("$vm")
disown "$vm" # nobody is to be told that it was killed
move=("$vnuma" move "$name" --vnode "0=$node,1=$node")

# The CPUs of each of its threads, as the kernel has them, those of the main thread first.
allowed() { for task in "/proc/$vm/task"/*; do sed -n 's/Cpus_allowed_list:\t//p' "$task/status"; done | xargs; }
journals() { find "$work/state" -name '*.move' -o -name '*.pages'; }
is_written() { compgen -G "$work/state/$vm-*.move" >/dev/null; }
phase() { "$vnuma" moves --json | jq -r '.moves[].phase'; }
now() { echo "${EPOCHREALTIME/[.,]/}"; }
sleep_us() { sleep "$(($1 / 1000000)).$(printf %06d $(($1 % 1000000)))"; }

until "${move[@]}" --dry-run >/dev/null 2>"$work/err" </dev/null; do
	[ "$SECONDS" -lt 30 ] || break
	sleep 0.2
done
before=$(allowed)
begin=$(now)
expect "a move" 0 "${move[@]}"
whole=$(($(now) - begin))
after=$(allowed)
unlike "changes the CPUs of its threads" " $after " " ${cpus%%[-,]*} "
expect "which undo" 0 "$vnuma" undo "$name"
same "takes back" "$(allowed)" "$before"

RANDOM=${VNUMA_KILL_SEED:-$$}
for ((round = 1; round <= rounds; round++)); do
	# The shell's own job, so that it is waited for.
	"${move[@]}" >/dev/null 2>&1 </dev/null &
	mover=$!
	if ((round % 2)); then
		us=$((whole * (RANDOM % 1000) / 1000))
		sleep_us "$us"
	else
		us=$((RANDOM * 4 % 60000))
		until is_written || [ ! -d "/proc/$mover" ]; do :; done
		sleep_us "$us"
	fi
	kill -KILL "$mover" 2>/dev/null
	wait "$mover" 2>/dev/null
	if ! is_written; then
		same "$round: killed after $us us, before it wrote anything down: nothing has changed" "$(allowed)" "$before"
		continue
	fi
	found=$(phase)
	if ((round / 2 % 2)); then
		expect "$round: killed after $us us, $found: goes on" 0 "$vnuma" move "$name" --resume
		same "$round: to where it should be" "$(allowed)" "$after"
	fi
	expect "$round: killed after $us us, $found: is undone" 0 "$vnuma" undo "$name"
	same "$round: all the way" "$(allowed)" "$before"
	same "$round: and nothing is left of it" "$(journals)" ""
done
expect "the VM still runs" 0 test -d "/proc/$vm"
finish
