#!/bin/bash
# tests/io.t: vnuma io as its users meet it, on a host of whatever nodes: what is refused, what is told, what --set does and undo takes back, also
# behind a move. vhost needs a device of the kernel's, and workers on other nodes a host of several: those are the lab's.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
export VNUMA_STATE_DIR=$work/state

# ---- options, before anything is looked at ----

expect "no VM" 2 "$vnuma" io
expect "two VMs" 2 "$vnuma" io a b
expect "a VM that is none" 2 "$vnuma" io no-such-vm-of-ours
like "is named" "$err" "no VM runs here that is called 'no-such-vm-of-ours'"
expect "as JSON" 2 "$vnuma" io no-such-vm-of-ours --json
json "an error" '.schema' '"vnuma.error/1"'
expect "options of --set alone" 2 "$vnuma" io vm --irqs --guest --dry-run
same "are told, each" "$err" "vnuma: --irqs: expected --set with it
vnuma: --guest: expected --set with it
vnuma: --dry-run: expected --set or --queue with it"
for value in '' tap0 tap0: tap0:0 tap0:0= tap0:x=0 :0=0 tap0:-1=0 tap0:0=a tap0:0=1- 'tap0:0 =1'; do
	expect "--queue '$value'" 2 "$vnuma" io vm --queue "$value"
	like "is no queue's place" "$err" "^vnuma: --queue: '.*' seen; expected an interface, :, a queue, = and nodes, as tap0:1=0"
done
expect "all that is wrong" 2 "$vnuma" io vm --queue "tap0:0=1,tap0:0=0,x,tap0:1=0"
same "is told" "$err" "vnuma: --queue: 'tap0:0=0' seen; expected each queue once
vnuma: --queue: 'x' seen; expected an interface, :, a queue, = and nodes, as tap0:1=0 or tap0:1=0-1"

# ---- VMs ----

qemu=$(command -v qemu-system-x86_64)
if [ -z "$qemu" ]; then
	skip "I/O threads of real VMs" "no qemu-system-x86_64"
	finish
	exit
fi
name=io$$
node=$(awk '{ print int($1) }' FS='[-,]' /sys/devices/system/node/has_memory)
cpus=$(taskset -pc $$ | sed 's/.*: //')
first=${cpus%%[-,]*}
truncate -s 1M "$work/disk"
taskset -c "$first" "$qemu" -S -accel tcg -nodefaults -display none -name "$name,debug-threads=on" -m 64 -smp 2 \
	-object "memory-backend-ram,id=a,size=32M,prealloc=on" -object "memory-backend-ram,id=b,size=32M,prealloc=on" \
	-numa "node,nodeid=0,cpus=0,memdev=a" -numa "node,nodeid=1,cpus=1,memdev=b" -object iothread,id=fast \
	-drive "file=$work/disk,if=none,id=d,format=raw" -device virtio-blk-pci,drive=d,iothread=fast \
	-netdev user,id=n -device virtio-net-pci,netdev=n,romfile= >"$work/qemu" 2>&1 </dev/null &
vm=$!
own_pids+=("$vm")
disown "$vm" # nobody is to be told that it was killed

# thread COMM : its tid.
thread() { grep -lx "$1" /proc/"$vm"/task/*/comm 2>/dev/null | sed 's:/comm$::; s:.*/::'; }
allowed() { sed -n 's/Cpus_allowed_list:\t//p' "/proc/$vm/task/$1/status"; }
# others : what the main thread and the vCPUs may use; threads for files come and go.
others() { for tid in "$vm" "$(thread 'CPU 0/TCG')" "$(thread 'CPU 1/TCG')"; do allowed "$tid"; done | xargs; }
# listed 0-2,4 : 0 1 2 4
listed() { tr ',' '\n' <<<"$1" | while IFS=- read -r a b; do seq "$a" "${b:-$a}"; done | xargs; }
left() { (cd "$work/state" 2>/dev/null && find . -name '*.move' | sort | xargs); }

end=$((SECONDS + 30)) io=
until [ -n "$io" ] && [ -n "$(thread 'CPU 1/TCG')" ]; do
	[ "$SECONDS" -lt "$end" ] || break
	sleep 0.1
	io=$(thread 'IO fast')
done
if [ -z "$io" ]; then
	expect "the VM starts" 0 cat "$work/qemu" /proc/"$vm"/comm
	finish
	exit
fi
before=$(others)

expect "an iothread on the one CPU of its vCPUs" 1 "$vnuma" io "$name"
like "is told" "$out" "^  (IO )?fast +$io +- +[0-9]+ +$first +[0-9]+ +[0-9]+ +on its vCPU$"
like "with its disks" "$out" "^  (IO )?fast: $work/disk$"
like "and what mends it" "$out" "^'vnuma io $name --set' brings 1 thread home\.$"
same "with nothing written down" "$(left)" ""
expect "as JSON" 1 "$vnuma" io "$name" --json
json "is one" '[.schema,.name,.process.pid,.nics[0].vhost,(.iothreads|length)]' "[\"vnuma.io/1\",\"$name\",$vm,false,1]"
json "of that thread" '.iothreads[0]|[.tid,.index,.vnode,.home,.cpus,.nodes,.verdict]' "[$io,0,null,$node,[$first],[$node],\"on-vcpu\"]"
json "and that queue" '.nics[0].queues|map([.queue,.vcpus,.worker,.verdict])' '[[0,[0,1],null,"unknown"]]'

expect "an interface that is not" 2 "$vnuma" io "$name" --queue "tap7:0=$node"
like "is told" "$err" "^vnuma: --queue: interface 'tap7' seen; expected one of the VM's: \(none is known\)$"
expect "one whose name a terminal would act on" 2 "$vnuma" io "$name" --queue $'\e[31m\xff:0='"$node" --json
like "is told in letters" "$err" "^vnuma: --queue: interface '[?]\[31m[?]' seen; expected one of the VM's"
json "and in JSON" '.errors|length' 1
expect "bytes that are no text" 2 "$vnuma" audit $'\xff' --json
json "are told in JSON, too" '.errors|length' 1
expect "a dry run" 0 "$vnuma" io "$name" --set --dry-run
same "changes nothing" "$(allowed "$io") $(others)" "$first $before"
same "and writes nothing down" "$(left)" ""

if [ "$cpus" = "$first" ]; then
	skip "setting" "one CPU: there is no other"
	finish
	exit
fi
like "but tells what would be done" "$out" "^  iothread( 0)? +CPUs $first -> "
expect "as JSON" 0 "$vnuma" io "$name" --set --dry-run --json
json "is a move" '[.schema,.phase,.homes,.ranges,(.threads|map([.tid,.before]))]' "[\"vnuma.move/1\",\"planned\",[],[],[[$io,[$first]]]]"

# ---- setting ----

expect "setting it" 0 "$vnuma" io "$name" --set
like "brings it home" "$out" "^1 of 1 at home"
after=$(allowed "$io")
unlike "off its vCPUs' CPU" "$after" "^$first([-,]|$)"
same "and no other thread" "$(others)" "$before"
expect "it is listed" 0 "$vnuma" moves
like "as threads" "$out" "^$name +$vm .* done +threads only$"
expect "again" 0 "$vnuma" io "$name" --set
like "there is nothing to set" "$out" "^$name: nothing to set$"
expect "again, and inside the guest, which has no agent" 1 "$vnuma" io "$name" --set --guest --json
json "says why that is not done" '[.notes[].code]|index("guest-agent-missing")!=null' true
expect "resuming it" 0 "$vnuma" move "$name" --resume
same "finds nothing to move" "$(allowed "$io") $(others)" "$after $before"
expect "undo" 0 "$vnuma" undo "$name"
same "leads back" "$(allowed "$io") $(others)" "$first $before"
same "and leaves nothing" "$(left)" ""

# ---- behind a move ----

if [ "$(</sys/devices/system/node/has_memory)" != "$node" ]; then
	skip "behind a move" "a host of several nodes: the lab's"
	finish
	exit
fi
homes="0=$node,1=$node"
expect "a move" 0 "$vnuma" move "$name" --vnode "$homes" --order address
moved=$(others)
expect "as the journal has it" 0 "$vnuma" moves --json
was=$(jq -c '.moves[0]|[.homes,.blocks,.ranges,.progress,.phase,.moves_memory,(.threads|map([.tid,.before]))]' <<<"$out")
for comm in 'IO fast' 'CPU 1/TCG'; do taskset -pc "$first" "$(thread "$comm")" >/dev/null; done
now=$(others)
unlike "vCPU 1 is elsewhere than the move put it" "$now" "^$moved$"
expect "setting its iothread" 0 "$vnuma" io "$name" --set
unlike "does" "$(allowed "$io")" "^$first([-,]|$)"
same "and leaves vCPUs where they are now" "$(others)" "$now"
expect "the journal" 0 "$vnuma" moves --json
same "has all that it had" "$(jq -c '.moves[0]|[.homes,.blocks,.ranges,.progress,.phase,.moves_memory,(.threads|map([.tid,.before]))]' <<<"$out")" "$was"
same "and the new target" "$(jq -r ".moves[0].threads[]|select(.tid==$io).after[]" <<<"$out" | xargs)" "$(listed "$(allowed "$io")")"
expect "undo" 0 "$vnuma" undo "$name"
same "leads to what was before the move" "$(allowed "$io") $(others)" "$first $before"

expect "threads alone" 0 "$vnuma" move "$name" --vnode "$homes" --vcpus-now
for comm in 'IO fast' 'CPU 1/TCG'; do taskset -pc "$first" "$(thread "$comm")" >/dev/null; done
expect "then the iothread" 0 "$vnuma" io "$name" --set
expect "and memory behind them" 0 "$vnuma" move "$name" --resume
like "moves what the move was to move" "$out" "^  64(\.0)? MiB were there already"
expect "an undo of that" 0 "$vnuma" undo "$name"
same "leads back as well" "$(allowed "$io") $(others)" "$first $before"

# a move that came first and one behind
expect "the iothread alone" 0 "$vnuma" io "$name" --set
expect "then all" 0 "$vnuma" move "$name" --vnode "$homes" --order address
expect "and back" 0 "$vnuma" undo "$name"
same "to what was before both" "$(allowed "$io") $(others)" "$first $before"
finish
