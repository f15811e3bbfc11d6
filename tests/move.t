#!/bin/bash
# tests/move.t: vnuma move, undo and moves as their users meet them, on a host of whatever nodes: what is refused, and that nothing is half-done then;
# what is told; that what was comes back. Only VMs of its own are started, named and ended. Memory that moves between nodes is the lab's to test.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
chmod 755 "$tap_work" # for other users
export VNUMA_STATE_DIR=$work/state

# ---- options, before anything is looked at ----

expect "contradictions" 2 "$vnuma" move vm --to 0 --plan x --best --vcpus-now --memory-only --dry-run --background
same "each is told" "$(sort <<<"$err")" "vnuma: --background: contradicts --dry-run; expected one of them
vnuma: --background: contradicts --vcpus-now; expected one of them
vnuma: --best: contradicts --to; expected one of them
vnuma: --memory-only: contradicts --vcpus-now; expected one of them
vnuma: --plan: contradicts --to; expected one of them"
for option in "--to 0" "--vnode 0=0" "--plan x" --best --dry-run --vcpus-now --memory-only --irqs --guest; do
	# shellcheck disable=SC2086 # an option and its value
	expect "--resume $option" 2 "$vnuma" move vm --resume $option
	like "is told" "$err" "^vnuma: ${option%% *}: contradicts --resume"
done
for option in "--to 0" --irqs --guest --resume --background "--rate 5" "--stall-ms 5" "--reserve 5" "--order hot"; do
	# shellcheck disable=SC2086
	expect "--cancel $option" 2 "$vnuma" move vm --cancel $option
	like "is told" "$err" "^vnuma: ${option%% *}: contradicts --cancel"
done
expect "interrupts go with threads" 2 "$vnuma" move vm --memory-only --irqs
expect "so does what is inside the guest" 2 "$vnuma" move vm --memory-only --guest
like "which is told" "$err" "^vnuma: --guest: contradicts --memory-only; expected one of them$"
expect "all that is wrong" 2 "$vnuma" move vm --rate 0 --stall-ms 10001 --reserve -1 --order '
'
same "is told, a line each" "$(wc -l <<<"$err")" 4
like "with what was seen and expected" "$err" "^vnuma: --stall-ms: '10001'; expected a number from 1 to 10000$"
like "control characters are not printed" "$err" "^vnuma: --order: '\?'; expected hot or address$"
for value in 1000001 x 1.5 1e3 0x10 '' ' 5'; do expect "--rate '$value'" 2 "$vnuma" move vm --rate "$value"; done
expect "no VM" 2 "$vnuma" move
expect "two VMs" 2 "$vnuma" move a b
expect "moves takes none" 2 "$vnuma" moves vm
expect "undo has no --to" 2 "$vnuma" undo vm --to 0
expect "a VM that is none" 2 "$vnuma" move no-such-vm-of-ours
like "is named" "$err" "no VM runs here that is called 'no-such-vm-of-ours'"
expect "nor to undo" 2 "$vnuma" undo no-such-vm-of-ours
expect "as JSON" 2 "$vnuma" move no-such-vm-of-ours --json
json "an error" '.schema' '"vnuma.error/1"'
expect "no moves" 0 "$vnuma" moves
same "are no lines" "$out" ""
expect "as JSON" 0 "$vnuma" moves --json
json "are an empty list" . '{"schema":"vnuma.moves/1","moves":[]}'
expect "no place for journals" 3 env VNUMA_STATE_DIR=relative "$vnuma" moves

# ---- what an audit tells to run ----

commands=$(sed -n 's/.*\(vnuma move [^"&\\]*\).*/\1/p' tests/test_judge_findings.c tests/fixtures/audit/three.text | sort -u)
same "findings tell to move" "$(($(wc -l <<<"$commands") >= 10))" 1
like "with several vnodes, too" "$commands" '--vnode [0-9]+=[0-9]+,[0-9]+=[0-9]+'
while read -r _ _ _ options; do
	# shellcheck disable=SC2086 # several words
	expect "'$options' are options" 2 "$vnuma" move no-such-vm-of-ours $options
	like "and only the VM is missing" "$err" "^vnuma: no VM runs here that is called"
	same "nothing else" "$(wc -l <<<"$err")" 1
done < <(awk '{ $3 = "vm"; print }' <<<"$commands" | sort -u)

# ---- VMs ----

qemu=$(command -v qemu-system-x86_64)
if [ -z "$qemu" ]; then
	skip "moves of real VMs" "no qemu-system-x86_64"
	finish
	exit
fi
tag=move$$
node=$(awk '{ print int($1) }' FS='[-,]' /sys/devices/system/node/has_memory)
[ "$(</sys/devices/system/node/has_memory)" = "$node" ] && one=yes || one=no
cpus=$(taskset -pc $$ | sed 's/.*: //')
first=${cpus%%[-,]*}

# started NAME WORDS... : a VM that does not run, kept on one CPU. Its pid is in $pid.
started() {
	local name=$1
	shift
	taskset -c "$first" "$qemu" -S -accel tcg -nodefaults -display none -name "$name,debug-threads=on" "$@" >/dev/null 2>&1 </dev/null &
	pid=$!
	own_pids+=("$pid")
	disown "$pid" # nobody is to be told that it was killed
}

# knows VM : until all that a move needs can be seen of it.
knows() {
	local end=$((SECONDS + 30))
	until "$vnuma" move "$1" --dry-run >"$tap_work/out" 2>"$tap_work/err" </dev/null; do
		[ "$SECONDS" -lt "$end" ] || break
		sleep 0.2
	done
}

# allowed PID : CPUs of each of its threads, those of the main thread first.
allowed() { for task in "/proc/$1/task"/*; do sed -n 's/Cpus_allowed_list:\t//p' "$task/status"; done | xargs; }

# left : the files of the state directory.
left() { (cd "$work/state" 2>/dev/null && find . -type f | sort | xargs); }

# fits NAME TEXT : no line is longer than 80 columns.
fits() { same "$1" "$(awk 'length > 80' <<<"$2")" ""; }

pair=(-m 64 -smp 2 -object "memory-backend-ram,id=a,size=32M,prealloc=on" -object "memory-backend-ram,id=b,size=32M,prealloc=on"
	-numa "node,nodeid=0,cpus=0,memdev=a" -numa "node,nodeid=1,cpus=1,memdev=b")
started "$tag-two" "${pair[@]}"
two=$pid
started "$tag-one" -m 32
started "$tag-twin" -m 32
twin=$pid
started "$tag-twin" -m 32
knows "$tag-two"
knows "$tag-one"
knows "$twin"
knows "$pid"
before=$(allowed "$two")

expect "two VMs of one name" 2 "$vnuma" move "$tag-twin" --dry-run
like "are told apart by other names" "$err" "'$tag-twin' names 2 VMs; expected one: name it by its uuid or pid"
expect "as the pid" 0 "$vnuma" move "$twin" --dry-run
like "does" "$out" "^$tag-twin \(process $twin\): vnode 0 to node $node$"
expect "which is as wrong for undo" 2 "$vnuma" undo "$tag-twin"
expect "a guest without vnodes has one" 0 "$vnuma" move "$tag-one" --vnode "0=$node" --dry-run

# ---- targets ----

for nodes in '' x 0- 99999999999; do
	expect "--to '$nodes'" 2 "$vnuma" move "$tag-two" --to "$nodes"
	like "is no set of nodes" "$err" "^vnuma: --to: '$nodes' seen; expected nodes of the host"
done
expect "nodes that are not" 2 "$vnuma" move "$tag-two" --to 1021,1023
same "are told, each" "$err" "vnuma: --to: node 1021 seen, which this host has not
vnuma: --to: node 1023 seen, which this host has not"
for home in 0 0= =0 0=-1 0==0; do
	expect "--vnode $home" 2 "$vnuma" move "$tag-two" --vnode "$home"
	like "is no home" "$err" "^vnuma: --vnode: '$home' seen; expected the number of a vnode"
done
expect "so does what is inside the guest" 2 "$vnuma" move vm --memory-only --guest
like "which is told" "$err" "^vnuma: --guest: contradicts --memory-only; expected one of them$"
expect "all that is wrong" 2 "$vnuma" move "$tag-two" --vnode "0=1023,1=x,2=$node,0=$node,"
same "is told" "$err" "vnuma: --vnode: node 1023 seen, which this host has not
vnuma: --vnode: '1=x' seen; expected the number of a vnode, =, and that of a node
vnuma: --vnode: vnode 2 seen; expected one of the VM's 2, from 0
vnuma: --vnode: vnode 0 seen twice; expected one home for each
vnuma: --vnode: '' seen; expected the number of a vnode, =, and that of a node"

expect "a plan that is not there" 2 "$vnuma" move "$tag-two" --plan "$work/none"
like "is named" "$err" "^vnuma: $work/none: cannot be read"
echo 'name = "x"' >"$work/cfg"
expect "a file that is no plan" 2 "$vnuma" move "$tag-two" --plan "$work/cfg"
like "is told, with what makes one" "$err" "^vnuma: $work/cfg:1: .*expected what 'vnuma plan --json' printed"
"$vnuma" topology --json >"$work/host.json"
expect "some other JSON" 2 "$vnuma" move "$tag-two" --plan "$work/host.json"
like "is named" "$err" "^vnuma: $work/host.json: "
printf '%s\n' 'name = "one"' memory=64 vcpus=2 vnodes=1 >"$work/one.cfg"
printf '%s\n' 'name = "two"' memory=64 vcpus=2 vnodes=2 "vnuma_vnodemap=[$node,$node]" >"$work/two.cfg"
printf '%s\n' 'name = "more"' memory=64 vcpus=3 vnodes=2 "vnuma_vcpumap=[0,0,1]" >"$work/more.cfg"
for plan in one two more; do "$vnuma" plan "$work/$plan.cfg" --json >"$work/$plan.json" 2>/dev/null; done
expect "a plan of another guest" 2 "$vnuma" move "$tag-two" --plan "$work/one.json"
like "is told" "$err" "^vnuma: the plan has 1 vnode; the VM has 2$"
expect "one of more vCPUs" 2 "$vnuma" move "$tag-two" --plan "$work/more.json"
like "too" "$err" "^vnuma: the plan has 3 vCPUs; the VM has 2$"
expect "a plan of this one" 0 "$vnuma" move "$tag-two" --plan "$work/two.json" --dry-run
like "is what would be done" "$out" "vnode 0 to node $node, vnode 1 to node $node"

expect "what was not moved is not resumed" 2 "$vnuma" move "$tag-two" --resume
like "says so" "$err" "'$tag-two' was not moved by vnuma: there is nothing to resume"
expect "nor undone" 2 "$vnuma" undo "$tag-two"
like "says so" "$err" "'$tag-two' was not moved by vnuma: there is nothing to undo"
expect "nor cancelled" 3 "$vnuma" move "$tag-two" --cancel
like "says so" "$err" "process $two: nobody is at work on it"

# ---- looking ----

homes="0=$node,1=$node"
expect "a dry run" 0 "$vnuma" move "$tag-two" --vnode "$homes" --dry-run --rate 100
fits "fits a terminal" "$out"
same "tells memory by vnode" "$(grep -o 'memory of vnode [0-9]*' <<<"$out" | xargs)" "memory of vnode 0 memory of vnode 1"
expect "as JSON" 0 "$vnuma" move "$tag-two" --vnode "$homes" --dry-run --json
json "is a move" '[.schema,.phase,.homes,(.threads[:2]|map(.kind))]' "[\"vnuma.move/1\",\"planned\",[$node,$node],[\"vcpu\",\"vcpu\"]]"
same "changes nothing" "$(allowed "$two")" "$before"
same "and writes nothing down" "$(left)" ""

# ---- what fails leaves all as it was ----

# shellcheck disable=SC2016 # for the inner shell
full=(bash -c 'trap "" XFSZ; (ulimit -f 0; exec "$@") 2>&1 | cat; exit "${PIPESTATUS[0]}"' -)
expect "no room for a journal" 3 "${full[@]}" "$vnuma" move "$tag-two" --vnode "$homes"
same "leaves the VM alone" "$(allowed "$two")" "$before"
expect "in the background" 3 "${full[@]}" "$vnuma" move "$tag-two" --vnode "$homes" --background
same "too" "$(allowed "$two")" "$before"
like "and is told" "$out" "^vnuma: .*(File too large|cannot be written)"
same "no journal is there" "$(left | tr ' ' '\n' | grep -c 'move$')" 0
expect "nor is one listed" 0 "$vnuma" moves
same "at all" "$out" ""

nobody=(env VNUMA_STATE_DIR="$work/none" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all --bounding-set -all)
install -d -m 700 "$work/none"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/none"
copy=$work/vnuma # where nobody may run it
cp "$vnuma" "$copy"
if [ "$(id -u)" = 0 ] && "${nobody[@]}" "$copy" --version >/dev/null 2>&1; then
	for options in "" --vcpus-now --memory-only; do
		# shellcheck disable=SC2086 # none or one
		expect "another's VM, $options" 3 "${nobody[@]}" "$copy" move "$tag-two" --vnode "$homes" $options
		like "is told" "$err" '([Nn]ot permitted|Permission denied|Operation not permitted)'
	done
	same "and left alone" "$(allowed "$two")" "$before"
	same "with nothing written down" "$(cd "$work/none" && find . -name '*.move' -o -name '*.pages')" ""
	expect "nor undone" 2 "${nobody[@]}" "$copy" undo "$tag-two"
else
	skip "as an ordinary user" "not root, or no setpriv that may"
fi

# ---- moving ----

if [ "$one" = no ]; then
	skip "a move to where all is" "a host of several nodes: the lab's"
	finish
	exit
fi
expect "to where all is" 0 "$vnuma" move "$tag-two" --vnode "$homes"
like "says so" "$out" "^$tag-two: no memory moved$"
like "and why" "$out" "^  64(\.0)? MiB were there already, 0 B not touched yet$"
fits "fits a terminal" "$out"
after=$(allowed "$two")
if [ "$cpus" != "$first" ]; then
	like "threads have all CPUs of the node" "$out" "^$tag-two: [0-9]+ threads on their new CPUs$"
	unlike "as the kernel says" " $after " " $first "
fi
like "is written down" "$(left)" "^\./$two-[0-9]+\.lock \./$two-[0-9]+\.move \./$two-[0-9]+\.pages"
expect "and listed" 0 "$vnuma" moves
like "as done" "$out" "^$tag-two +$two  [0-9: -]+ done +0 B moved$"
fits "on a terminal" "$out"
expect "as JSON" 0 "$vnuma" moves --json
json "too" '.moves|map([.name,.phase,.progress.there])' "[[\"$tag-two\",\"done\",67108864]]"
expect "an audit" 0 "$vnuma" audit "$tag-two" --interval 0
like "tells that it was moved" "$out" "^$tag-two: moved by vnuma on [0-9-]+ [0-9:]+ \(done\)$"
like "and how it comes back" "$out" "^    back: vnuma undo $tag-two$"
expect "as JSON" 0 "$vnuma" audit "$tag-two" "$tag-one" --interval 0 --json
json "too, and of which VM" '.vms | sort_by(.name) | map([.moved.phase, (.moved.begun > 0)])' '[[null,false],["done",true]]'
expect "as a metric" 0 "$vnuma" audit "$tag-two" --interval 0 --prometheus
like "too" "$out" "^vnuma_vm_moved\{vm=\"$tag-two\"\} 1$"
expect "resuming it" 0 "$vnuma" move "$tag-two" --resume
same "tells no note twice" "$(grep -o '\[[a-z-]*\]$' <<<"$out" | sort | uniq -d)" ""
expect "another move" 0 "$vnuma" move "$tag-two" --vnode "$homes" --memory-only --json
json "of memory alone" '[.moves_threads,.moves_memory,.local_after]' '[false,true,1]'
json "so little is not looked at" '[.order, (.notes | map(.code) | contains(["look-left-out"]))]' '["address",true]'
expect "but where that is asked for" 0 "$vnuma" move "$tag-two" --vnode "$homes" --memory-only --json --order hot
json "it is" '.notes | map(.code) | contains(["look-left-out"])' 'false'
expect "and one of threads" 0 "$vnuma" move "$tag-two" --vnode "$homes" --vcpus-now
same "are no way back" "$(allowed "$two")" "$after"
expect "undo" 0 "$vnuma" undo "$tag-two" --json
json "leads" '[.schema,.phase]' '["vnuma.move/1","undoing"]'
same "to what was before the first" "$(allowed "$two")" "$before"
expect "twice there is nothing" 2 "$vnuma" undo "$tag-two"
expect "nor is it moved any more" 0 "$vnuma" audit "$tag-two" --interval 0
unlike "as an audit tells" "$out" 'moved by vnuma'
expect "threads alone" 0 "$vnuma" move "$tag-two" --vnode "$homes" --vcpus-now
unlike "tell nothing of memory" "$out" memory
expect "and memory behind them" 0 "$vnuma" move "$tag-two" --resume
expect "only threads back" 0 "$vnuma" undo "$tag-two" --no-memory
same "are back" "$(allowed "$two")" "$before"

expect "a guest without an agent" 1 "$vnuma" move "$tag-two" --vnode "$homes" --vcpus-now --guest
like "is told" "$(tr -s ' \n' ' ' <<<"$out")" "note: nothing is set inside the guest: .* \[guest-agent-missing\]"
like "and moved" "$out" "^$tag-two: [0-9]+ threads"
expect "and back" 0 "$vnuma" undo "$tag-two"
same "all of it" "$(allowed "$two")" "$before"

expect "in the background" 0 "$vnuma" move "$tag-two" --vnode "$homes" --background --json --order address
json "who does it is told" '[.schema,.name,(.pid>0)]' "[\"vnuma.move-background/1\",\"$tag-two\",true]"
end=$((SECONDS + 20)) seen=
until [ "$seen" = '"done"' ] || [ "$SECONDS" -ge "$end" ]; do seen=$("$vnuma" moves --json | jq -c '.moves[0].phase'); done
same "it gets there" "$seen" '"done"'

# ---- a journal that is not whole ----

journal=$(echo "$work/state/$two"-*.move)
cp "$journal" "$work/whole"
for damage in 's/"before": *\[[0-9]*/"before":[0/' 's/"done"/"doing"/' '$d' '1s/^/x/'; do
	sed "$damage" "$work/whole" >"$journal"
	cmp -s "$work/whole" "$journal" && sed 's/"before"/"befose"/' "$work/whole" >"$journal"
	after=$(allowed "$two")
	expect "damaged by $damage" 2 "$vnuma" undo "$tag-two"
	like "is told" "$err" "^vnuma: .*$two-[0-9]+\.move"
	same "and nothing of it done" "$(allowed "$two")" "$after"
done
expect "listing" 2 "$vnuma" moves
like "names it" "$err" "$two-[0-9]+\.move"
expect "an audit" 0 "$vnuma" audit "$tag-two" --interval 0 --json
json "has a gap there" '.vms[0] | [.moved, ([.gaps[] | select(.code == "move-unreadable")] | length)]' '[null,1]'
like "which names the file" "$out" "whether vnuma moved it: [^ ]*$two-[0-9]+\.move"
cp "$work/whole" "$journal"
expect "whole it leads back" 0 "$vnuma" undo "$tag-two"
same "all the way" "$(allowed "$two")" "$before"

expect "a move again" 0 "$vnuma" move "$tag-two" --vnode "$homes" --vcpus-now
kill -KILL "$two"
end=$((SECONDS + 20))
while [ -d "/proc/$two" ] && [ "$SECONDS" -lt "$end" ]; do sleep 0.05; done
expect "of a VM that has ended" 0 "$vnuma" moves
same "is not told" "$out" ""
same "and its files are gone" "$(left)" ""

# ---- a VM of vnuma's own ----

export VNUMA_STATE_DIR=$work/own
agent="channel = [ \"connection=socket,name=org.qemu.guest_agent.0,path=$work/own/$tag-own.qga\" ]"
printf '%s\n' "name = \"$tag-own\"" memory=32 vcpus=1 vnodes=1 "$agent" >"$work/own.cfg"
mkdir -m 0700 "$work/own"
echo mine >"$work/own/$tag-own.qga"
expect "a file where its agent's socket is to be" 3 "$vnuma" run "$work/own.cfg" --accel tcg
like "is told" "$err" "$tag-own.qga is there and no socket, and QEMU would delete it"
same "and is still there" "$(cat "$work/own/$tag-own.qga")" mine
rm "$work/own/$tag-own.qga"
expect "a VM that vnuma starts" 0 "$vnuma" run "$work/own.cfg" --accel tcg
own=$("$vnuma" list --json | jq -r '.vms[].pid')
own_pids+=("$own")
same "has a socket for its agent that nobody else may write to" "$(stat -c '%F %A' "$work/own/$tag-own.qga")" "socket srwxr-xr-x"
expect "which is shown" 0 "$vnuma" show "$tag-own"
like "with its name" "$out" "^  channel org.qemu.guest_agent.0 at $work/own/$tag-own.qga\$"
expect "in JSON" 0 "$vnuma" show "$tag-own" --json
json "too" '.channels' "[{\"name\":\"org.qemu.guest_agent.0\",\"path\":\"$work/own/$tag-own.qga\"}]"
sed "s/$tag-own\"/$tag-thief\"/" "$work/own.cfg" >"$work/thief.cfg"
expect "another VM does not get it" 3 "$vnuma" run "$work/thief.cfg" --accel tcg
like "as is told" "$err" "$tag-own.qga is that of the VM '$tag-own'; expected a path that is free"
same "and nothing of it is left" "$(find "$work/own" -name "$tag-thief*" | wc -l)" 0
expect "inside it nobody answers" 0 "$vnuma" move "$tag-own" --vnode "0=$node" --vcpus-now --guest --dry-run
like "as is told" "$(tr -s ' \n' ' ' <<<"$out")" "\[guest-agent-silent\]"
expect "is listed" 0 "$vnuma" list
unlike "as it was started" "$out" "moved since"
expect "it is moved" 0 "$vnuma" move "$tag-own" --vnode "0=$node" --vcpus-now
expect "and listed" 0 "$vnuma" list
like "as such" "$out" "^$tag-own .*, moved since$"
expect "in JSON" 0 "$vnuma" list --json
json "too" '.vms[].moved.phase' '"done"'
expect "it is shown" 0 "$vnuma" show "$tag-own"
like "with what brings it back" "$out" "^  moved by vnuma on .* \(done\); 'vnuma undo $tag-own' brings it back$"
expect "in JSON" 0 "$vnuma" show "$tag-own" --json
json "too" '.moved.phase' '"done"'
cp "$work/whole" "$(echo "$work/own/$own"-*.move)"
expect "a journal that is another's" 3 "$vnuma" list
like "is told" "$err" "$own-[0-9]+\.move"
like "beside the VM" "$out" "^$tag-own "
rm "$work/own/$own"-*.move
expect "it is ended" 0 "$vnuma" stop "$tag-own" --force
same "and its socket is gone" "$(find "$work/own" -name "$tag-own*")" ""
finish
