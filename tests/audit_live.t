#!/bin/bash
# tests/audit_live.t: vnuma audit among real processes that make it hard: monitors that hang, VMs in containers, a /proc that hides, VMs that
# end while they are looked at or give their pid to another, programs that are called QEMU, names that would act on a terminal.
# Only VMs of its own are started, named and ended.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
chmod 755 "$tap_work" # for other users
export VNUMA_STATE_DIR=$work/state
qemu=$(command -v qemu-system-x86_64)
if [ -z "$qemu" ]; then
	skip "audits of real VMs" "no qemu-system-x86_64"
	finish
	exit
fi
if [ ! -x "$vnuma" ]; then
	not_ok "there is a vnuma" "$vnuma"
	finish
	exit 1
fi
tag=live$$
tiny=(-S -accel tcg -m 32 -nodefaults -display none)

# shows NAME FILTER EXPECTED COMMAND... : until what the command prints as JSON does; its status is 0, 1 or 3.
shows() {
	local name=$1 filter=$2 want=$3 end=$((SECONDS + 20)) seen=
	shift 3
	while [ "$SECONDS" -lt "$end" ]; do
		"$@" >"$tap_work/out" 2>"$tap_work/err" </dev/null
		seen=$(jq -c "$filter" "$tap_work/out" 2>&1)
		[ "$seen" != "$want" ] || break
		sleep 0.1
	done
	out=$(<"$tap_work/out")
	same "$name" "$seen" "$want"
}

# started COMMAND... : in the background, nothing printed. Its pid is in $!.
started() {
	"$@" >/dev/null 2>&1 </dev/null &
	own_pids+=($!)
	disown $! # nobody is to be told that it was killed
}

# listens SOCKET : until it is there.
listens() {
	local end=$((SECONDS + 20))
	until [ -S "$1" ] || [ "$SECONDS" -ge "$end" ]; do sleep 0.05; done
}

# ---- monitors ----

hung=()
for i in 1 2 3 4; do
	started "$qemu" "${tiny[@]}" -name "$tag-m$i,debug-threads=on" -qmp "unix:$work/m$i,server=on,wait=off"
	hung+=($!)
	listens "$work/m$i"
done
names=("$tag-m1" "$tag-m2" "$tag-m3" "$tag-m4")
shows "each of several monitors is asked" '[.vms[].threads[]|select(.kind=="vcpu").known_by]' '["qmp","qmp","qmp","qmp"]' \
	"$vnuma" audit --interval 0 --json "${names[@]}"
# QEMU must have seen that its last client went: one that is stopped before looks taken.
for ((i = 0; i < 200; i++)); do
	awk -v "path=$work/m" 'index($8, path) == 1 && $6 != "01" { found = 1 } END { exit !found }' /proc/net/unix || break
	sleep 0.05
done
kill -STOP "${hung[0]}" "${hung[1]}" "${hung[2]}"
shows "of those that hang, too, something is known" '[.vms[].blocks[].size]' '[33554432,33554432,33554432,33554432]' \
	"$vnuma" audit --interval 0 --json "${names[@]}"
json "who hangs is told" '[.vms[]|select(any(.gaps[];.text|test("did not answer in time"))).name]|sort|join(" ")' "\"$tag-m1 $tag-m2 $tag-m3\""
json "the other is heard" ".vms[]|select(.name==\"$tag-m4\").threads[]|select(.kind==\"vcpu\").known_by" '"qmp"'
kill -CONT "${hung[0]}" "${hung[1]}" "${hung[2]}"
shows "one that goes on is asked again" '[.vms[].threads[]|select(.kind=="vcpu").known_by]' '["qmp","qmp","qmp","qmp"]' \
	"$vnuma" audit --interval 0 --json "${names[@]}"
"$vnuma" audit --interval 0 --samples 1 "$tag-m4" >"$work/one" 2>&1 </dev/null
like "one page is one" "$(<"$work/one")" '1 page a block'
expect "--no-qmp asks none" 0 "$vnuma" audit --interval 0 --json --no-qmp "$tag-m4"
json "and knows less" '[.vms[].threads[]|select(.known_by=="qmp")]|length' 0

# (python3 is there: meson needs it.) A QEMU that waits for its first client has no machine yet, and we must not be that client.
started "$qemu" "${tiny[@]}" -name "$tag-waits,debug-threads=on" -qmp "unix:$work/waits,server=on"
waits=$!
listens "$work/waits"
expect "a VM that waits for its manager is looked at" 3 "$vnuma" audit --interval 0 --json "$tag-waits"
like "whoever it waits for, it is not we" "$(jq -r '.vms[0].gaps[].text' <<<"$out")" 'may be waiting for its first client'
sleep 0.5 # it would be enough for a machine
same "it goes on waiting" "$(cat "/proc/$waits/task/"*/comm | grep -c '^CPU ')" 0
python3 - "$work/waits" <<'END'
import socket, sys
with socket.socket(socket.AF_UNIX) as s:
    s.connect(sys.argv[1])
    s.recv(1)
END
shows "once its machine is there, it is asked" '[.vms[].threads[]|select(.kind=="vcpu").known_by]' '["qmp"]' \
	"$vnuma" audit --interval 0 --json "$tag-waits"

# ---- without privilege ----

nobody=(env VNUMA_STATE_DIR="$work/none" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps -all --bounding-set -all)
install -d -m 700 "$work/none"
[ "$(id -u)" != 0 ] || chown 65534:65534 "$work/none"
copy=$work/vnuma # where nobody may run it
cp "$vnuma" "$copy"
if [ "$(id -u)" = 0 ] && "${nobody[@]}" "$copy" --version >/dev/null 2>&1; then
	shows "others' VMs are seen" '.vms[0].name' "\"$tag-m1\"" "${nobody[@]}" "$copy" audit --interval 0 --json "$tag-m1"
	json "where their memory is, is not" '[.vms[0].memory]' '[null]'
	like "and what grants it is told" "$(jq -r '.vms[0].gaps[].text' <<<"$out")" 'not permitted; as user 0, or with CAP_SYS_PTRACE, it can'
	granted=(env VNUMA_STATE_DIR="$work/none" setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps "-all,+sys_ptrace" --ambient-caps "-all,+sys_ptrace")
	expect "with that" 0 "${granted[@]}" "$copy" audit --interval 0 --json "$tag-m1"
	json "it is" '[.vms[0].blocks[0].residency.asked>0,(.vms[0].gaps|length)]' '[true,1]'
	like "but for the socket" "$(jq -r '.vms[0].gaps[].text' <<<"$out")" '^its QMP socket was not asked: not permitted; .*CAP_DAC_OVERRIDE'
	shows "root without it" '[.vms[0].memory]' '[null]' \
		setpriv --bounding-set -sys_ptrace --inh-caps -all "$copy" audit --interval 0 --json "$tag-m1"
	unlike "is not sent to be root" "$(jq -r '.vms[0].gaps[].text' <<<"$out")" 'as user 0'
	for hidepid in 0 1 2; do
		# shellcheck disable=SC2016 # for the inner shell
		unshare -m sh -c 'mount -t proc -o hidepid=$0 proc /proc && exec "$@"' "$hidepid" \
			"${nobody[@]}" "$copy" audit --interval 0 --json >"$tap_work/out" 2>"$tap_work/err"
		status=$?
		[ $hidepid = 0 ] || same "hidepid=$hidepid: nothing seen is not nothing wrong" $status 3
		out=$(<"$tap_work/out")
		json "hidepid=$hidepid: told, when so" '[.gaps[].code]' "$([ $hidepid = 0 ] && echo '[]' || echo '["proc-hidden"]')"
		json "hidepid=$hidepid: which VMs" "[.vms[]|select(.name|startswith(\"$tag-\"))]|length" "$([ $hidepid = 0 ] && echo 5 || echo 0)"
		same "hidepid=$hidepid: nothing else is said" "$(<"$tap_work/err")" ""
	done
else
	skip "as an ordinary user" "not root, or no setpriv that may"
fi

# ---- containers ----

if unshare -pfm --mount-proc true 2>/dev/null; then
	mkdir "$work/inside"
	# shellcheck disable=SC2016 # for the inner shell
	started unshare -pfmn --mount-proc --kill-child sh -c 'dir=$0 && mount -t tmpfs none "$dir" && mkdir "$dir/state" && exec "$@"' \
		"$work/inside" "$qemu" "${tiny[@]}" -m 64 -smp 2 -object iothread,id=io7 -name "$tag-boxed" \
		-object "memory-backend-file,id=a,mem-path=$work/inside/a,size=24M,share=on,prealloc=on" \
		-object memory-backend-ram,id=b,size=40M,prealloc=on -numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b \
		-qmp "unix:$work/inside/qmp,server=on,wait=off"
	boxed=
	inner() { boxed=$(cat "/proc/${own_pids[-1]}/task/${own_pids[-1]}/children" 2>/dev/null | xargs); }
	for ((i = 0; i < 200; i++)); do
		inner
		[ -z "$boxed" ] || [ ! -S "/proc/$boxed/root$work/inside/qmp" ] || break
		sleep 0.05
	done
	own_pids+=("$boxed")
	shows "a VM in other namespaces: asked through them" '[.vms[0].threads[]|select(.kind=="vcpu" or .kind=="iothread")|.known_by]|unique' '["qmp"]' \
		"$vnuma" audit --interval 0 --json "$tag-boxed"
	json "which it is told to be in" '.vms[0]|[.other_mounts,.other_pids]' '[true,true]'
	json "its pid is ours" '.vms[0].pid' "$boxed"
	same "its threads' numbers, too" "$(jq '.vms[0].threads[].tid' <<<"$out" | sort)" "$(ls "/proc/$boxed/task" | sort)"
	json "vCPUs and threads of I/O" '[.vms[0].threads[]|select(.kind=="vcpu" or .kind=="iothread").kind]' '["vcpu","vcpu","iothread"]'
	json "its memory, a file of its own, too" '[.vms[0].blocks[]|[.id,.vnode,.size,.shared]]|sort' '[["a",0,25165824,true],["b",1,41943040,false]]'
	json "is all there" '[.vms[0].blocks[].residency|.absent+.unknown]' '[0,0]'
	json "nothing is missing" '.vms[0].gaps' '[]'
	json "nor of the host" '.gaps' '[]'
	expect "seen from inside" 0 nsenter -t "$boxed" -p -m env VNUMA_STATE_DIR="$work/inside/state" "$vnuma" audit --interval 0 --json
	json "there is itself alone" '[.vms[]|[.name,.pid]]' "[[\"$tag-boxed\",1]]"
	json "which is told" '[.gaps[].code]' '["in-a-container"]'
	json "all of it is seen" '[.vms[0].gaps,[.vms[0].threads[]|select(.kind=="vcpu").known_by]]' '[[],["qmp","qmp"]]'

	# The kernel gives the number behind ns_last_pid, in a namespace of ours.
	# shellcheck disable=SC2016 # for the inner shell
	expect "a pid that is given to another VM meanwhile" 0 unshare -pfm --mount-proc --kill-child bash -c '
		vnuma=$0 qemu=$1 out=$2
		shift 2
		"$qemu" "$@" -name first >/dev/null 2>&1 &
		pid=$!
		for ((i = 0; i < 100; i++)); do
			[ -z "$("$vnuma" audit --interval 0 --json first 2>/dev/null | jq ".vms[0].blocks[0].address // empty")" ] || break
			sleep 0.1
		done
		"$vnuma" audit --interval 3000 --json >"$out" 2>"$out.err" &
		audit=$!
		sleep 1
		kill -KILL $pid
		wait $pid 2>/dev/null
		echo $((pid - 1)) >/proc/sys/kernel/ns_last_pid
		"$qemu" "$@" -name second >/dev/null 2>&1 &
		[ $! = $pid ] || exit 77
		wait $audit
		status=$?
		kill -KILL $pid
		exit $status' "$vnuma" "$qemu" "$work/reused" "${tiny[@]}"
	same "is neither of them" "$(jq -c '[.vms[].name]' "$work/reused")" "[]"
	same "and no error" "$(<"$work/reused.err")" ""
else
	skip "VMs in other namespaces" "unshare is not permitted"
fi

# ---- VMs that end ----

failed=0 rounds=${VNUMA_ROUNDS:-15}
for ((i = 0; i < rounds; i++)); do
	started "$qemu" "${tiny[@]}" -name "$tag-brief" -qmp "unix:$work/brief$i,server=on,wait=off"
	brief=$!
	(
		sleep "0.$((i % 10))$((i * 7 % 10))"
		kill -KILL $brief
	) &
	killer=$!
	"$vnuma" audit --interval 40 --json >"$work/brief.out" 2>"$work/brief.err" </dev/null
	status=$?
	if [ $status -gt 1 ] && [ $status != 3 ] || [ -s "$work/brief.err" ] || ! jq -e .vms "$work/brief.out" >/dev/null; then
		failed=$((failed + 1))
		sed "s/^/# status $status: /" "$work/brief.err"
	fi
	wait $killer
done
same "VMs that end while they are looked at: of $rounds audits, those with an error" $failed 0

expect "an empty name is nobody's" 2 "$vnuma" audit --interval 0 ""
like "which is said" "$err" "'' is no VM"

started "$qemu" "${tiny[@]}" -name "$tag-watched,debug-threads=on"
watched=$!
shows "a VM that is watched" '.vms|length' 1 "$vnuma" audit --interval 0 --json "$tag-watched"
"$vnuma" audit --watch --every 1 --interval 0 --json "$tag-watched" >"$work/watch" 2>"$work/watch.err" </dev/null &
watcher=$!
own_pids+=("$watcher")
for ((i = 0; i < 200; i++)); do
	[ ! -s "$work/watch" ] || break
	sleep 0.05
done
kill -KILL $watched
for ((i = 0; i < 200; i++)); do
	! grep -q 'has ended' "$work/watch" || break
	sleep 0.05
done
kill -TERM $watcher
wait $watcher
same "and ends, is no error of who watches" "$(<"$work/watch.err")" ""
same "but told" "$(tail -n 1 "$work/watch" | jq -c '[.gaps[].text,(.vms|length)]')" "[\"VM $tag-watched has ended\",0]"

# ---- programs that are called QEMU ----

cp "$(command -v sleep)" "$work/qemu-system-x86_64"
started "$work/qemu-system-x86_64" 1000
none=$!
printf '#!/bin/bash\nsleep 1000 &\nwait\n' >"$work/kvm"
chmod +x "$work/kvm"
started "$work/kvm"
script=$!
started bash -c 'exec -a qemu-system-x86_64 sleep 1000'
forged=$!
started bash -c 'exec -a "$0" "$@"' $'\e[31mnot qemu\n' "$qemu" "${tiny[@]}" -name "$tag-hidden"
shows "QEMU under another name is found" '.vms[0].pid' "$!" "$vnuma" audit --interval 0 --json "$tag-hidden"
expect "another program under QEMU's is none" 2 "$vnuma" audit --interval 0 --json "$none"
"$vnuma" audit --interval 0 --json >"$work/all" 2>"$work/all.err" </dev/null
same "which is said" "$(jq '.gaps|any(.code=="not-qemu")' "$work/all")" true
expect "a script of that name is none" 2 "$vnuma" audit --interval 0 "$script"
expect "nor who only says so" 2 "$vnuma" audit --interval 0 "$forged"
kill "$(cat "/proc/$script/task/$script/children" | xargs)"

# ---- names ----

long=$(head -c 65000 /dev/zero | tr '\0' N)
hostile=($'\e[2J\e]0;own\a\nnew\tline' $'\xff\xfe\xc3(' "$long" $'"><script>alert(1)</script>{}\\"' $'\xc2\x9b31m\xe2\x80\xae%s%n' '-z $(reboot) `reboot`')
hostiles=()
for name in "${hostile[@]}"; do
	started "$qemu" "${tiny[@]}" -name "guest=${name//,/,,}" # a name that QEMU refuses ends it; the next one stays
	hostiles+=($!)
done
sleep 0.5
shown=()
for pid in "${hostiles[@]}"; do
	kill -0 "$pid" 2>/dev/null && shown+=("$pid")
done
same "VMs of any name run" "${#shown[@]}" "${#hostile[@]}"
shows "and are found" '.vms|length' "${#shown[@]}" "$vnuma" audit --interval 0 --json "${shown[@]}"
json "their names are short" '[.vms[].name|select(length>127)]|length' 0

# harmless NAME FILE : no control character but newlines, and UTF-8; nothing that turns the direction of text.
harmless() {
	same "$1: nothing a terminal would act on" "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$2" | wc -c)" 0
	expect "$1: is UTF-8" 0 iconv -f UTF-8 -t UTF-8 "$2"
	same "$1: without C1 controls or overrides" "$(LC_ALL=C grep -cP '\xc2[\x80-\x9f]|\xe2\x80[\xaa-\xae]' "$2")" 0
}
# form NAME OPTION... : printed and looked at; in $work/NAME.
form() {
	local name=$1
	shift
	"$vnuma" "$@" --interval 0 "${shown[@]}" >"$work/$name" 2>"$work/$name.err" </dev/null
	same "$name: without a problem" "$(<"$work/$name.err")" ""
	harmless "$name" "$work/$name"
}
form text audit
form json audit --json
form html audit --html -
form prometheus audit --prometheus
form dump dump
form dump-json dump --json
for name in json dump-json; do expect "$name: is JSON" 0 jq -e .schema "$work/$name"; done
unlike "html: no element of theirs" "$(<"$work/html")" '<script>alert'
unlike "prometheus: each line is a metric" "$(grep -vE '^# |^vnuma_[a-z_]+(\{([a-z_]+="([^"\\]|\\[\\n"])*",?)*\})? (NaN|[0-9.e+-]+)$' "$work/prometheus")" .
if command -v tmux >/dev/null; then
	tmux -S "$work/tmux" -f /dev/null new-session -d -x 80 -y 24 "'$vnuma' top --interval 100 ${shown[*]}; cat"
	own_pids+=("$(tmux -S "$work/tmux" display-message -p '#{pid}')")
	for ((i = 0; i < 150; i++)); do
		screen=$(tmux -S "$work/tmux" capture-pane -ep)
		[[ ! $screen =~ x1b ]] || break
		sleep 0.1
	done
	like "top: as text" "$screen" '\\x1b\[2J'
	tmux -S "$work/tmux" capture-pane -p >"$work/screen"
	harmless "top" "$work/screen"
	same "top: the window's title is not theirs" "$(tmux -S "$work/tmux" display-message -p '#{pane_title}' | grep -c own)" 0
	tmux -S "$work/tmux" kill-server
else
	skip "top of them" "no tmux"
fi
finish
