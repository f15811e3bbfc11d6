#!/bin/bash
# tests/audit_verbs.t: vnuma audit, top and dump as their users meet them: what contradicts, what is refused, what is written whole, and
# that top gives the terminal back. Whichever VMs run on this machine, if any.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
trap 'for s in "$work"/tmux*; do [ ! -S "$s" ] || tmux -S "$s" kill-server 2>/dev/null; done; ended' EXIT
export VNUMA_STATE_DIR=$work/state

# ---- what is refused, before anything is looked at ----

expect "several forms at once" 2 "$vnuma" audit --prometheus --html - --json
like "are told with the first" "$err" "--html: contradicts --json"
like "each of them" "$err" "--prometheus: contradicts --json"
expect "all that is wrong" 2 "$vnuma" audit --samples 0 --threshold 101 --interval x --every 0 --seed -1
same "is told, one line each" "$(wc -l <<<"$err")" 6
like "with what was seen and expected" "$err" "--threshold: '101'; expected a number from 0 to 100"
expect "rounds without --watch" 2 "$vnuma" audit --every 3
expect "metrics again and again" 2 "$vnuma" audit --watch --prometheus
expect "pages one behind the other" 2 "$vnuma" audit --watch --html -
expect "a sample of all" 2 "$vnuma" audit --exact --samples 10
expect "a screen for programs" 2 "$vnuma" top --json
like "names what is for them" "$err" "audit --watch --json"
expect "dump takes no threshold" 2 "$vnuma" dump --threshold 50
expect "a VM that is none" 2 "$vnuma" audit no-such-vm-of-ours --interval 0
like "is named" "$err" "no-such-vm-of-ours"

# ---- what is printed here, whatever runs ----

# looked NAME COMMAND... : 0, 1 or 3 without a problem told.
looked() {
	local name=$1 status=0
	shift
	"$@" >"$tap_work/out" 2>"$tap_work/err" </dev/null || status=$?
	out=$(<"$tap_work/out") err=$(<"$tap_work/err")
	case $status in
		0 | 1 | 3) same "$name" "$err" "" ;;
		*) not_ok "$name" "exit status $status" "$err" ;;
	esac
}
looked "an audit" "$vnuma" audit --interval 0
unlike "nothing is coloured where no terminal is" "$out" $'\x1b'
looked "as JSON" "$vnuma" audit --interval 0 --json --seed 5
json "has a schema" .schema '"vnuma.audit/1"'
json "and its seed" .seed 5
looked "as metrics" "$vnuma" audit --interval 0 --prometheus
like "has metrics" "$out" '^vnuma_audit_vms [0-9]+$'
looked "as a page" "$vnuma" audit --interval 0 --html "$work/page.html"
same "prints nothing else" "$out" ""
like "and is whole" "$(tail -1 "$work/page.html")" '^</html>$'
looked "a dump" "$vnuma" dump --interval 0
like "has the host's settings" "$out" "transparent huge pages "
like "and the CPUs that are isolated" "$out" "isolated CPUs "
like "of the nodes" "$out" '^node [0-9]+: size [0-9]+ pages'
looked "as JSON" "$vnuma" dump --interval 0 --json
json "has a schema" .schema '"vnuma.dump/1"'

echo old >"$work/kept.html"
expect "no room for the page" 3 bash -c "trap '' XFSZ; ulimit -f 1; '$vnuma' audit --interval 0 --html '$work/kept.html'"
same "leaves the old one" "$(<"$work/kept.html")" old
same "and no other file" "$(cd "$work" && find . -name '*html*' | sort | xargs)" "./kept.html ./page.html"

timeout --foreground -s INT 1 "$vnuma" audit --interval 30000 >"$work/cut" 2>"$work/told"
same "an audit that is interrupted says so once" "$(<"$work/told")" "vnuma: interrupted"
looked "without a state directory" env VNUMA_STATE_DIR="$work/none" "$vnuma" audit --interval 0 --json
json "there is simply no record" '[.gaps[]|select(.code=="state-unreadable")]|length' 0
if [ -e "$work/none" ]; then not_ok "and who only looks makes none"; else ok "and who only looks makes none"; fi

# ---- watch ----

# --foreground: else the signal would go to a group of processes that is not ours
timeout --foreground -s INT 2.5 "$vnuma" audit --watch --every 1 --interval 0 --json >"$work/rounds" 2>"$work/told"
same "a watch that is interrupted has nothing to say" "$(<"$work/told")" ""
rounds=$(wc -l <"$work/rounds")
if [ "$rounds" -ge 2 ]; then ok "and printed rounds"; else not_ok "and printed rounds" "$rounds"; fi
same "a line of JSON each" "$(jq -r .schema "$work/rounds" | sort | uniq -c | xargs)" "$rounds vnuma.audit/1"
expect "a reader that goes away ends it" 0 timeout 20 bash -c \
	"'$vnuma' audit --watch --every 1 --interval 0 --json 2>/dev/null | head -1 | jq -e .schema"

# ---- top ----

expect "no terminal" 3 "$vnuma" top
like "is told, with what needs none" "$err" "needs a terminal; 'vnuma audit --watch'"
if command -v tmux >/dev/null; then
	socket=$work/tmux
	tmux_here() { tmux -S "$socket" "$@"; }
	# waits NAME PATTERN : until the screen shows it
	waits() {
		local end=$((SECONDS + 15))
		while [ "$SECONDS" -lt "$end" ]; do
			screen=$(tmux_here capture-pane -p 2>&1)
			if grep -qE -- "$2" <<<"$screen"; then
				ok "$1"
				return
			fi
			sleep 0.1
		done
		not_ok "$1" "no match for: $2" "$screen"
	}
	tmux_here -f /dev/null new-session -d -x 80 -y 24 \
		"stty -g >$work/before; '$vnuma' top --interval 100; echo left \$?; stty -g >$work/after; cat"
	waits "top has its columns within 80" '^VM +NHN +N%L +NRMEM +MEM +NMIG +CPU +WAIT FINDING'
	tmux_here send-keys '?'
	waits "help" '^vnuma top: what the columns mean'
	tmux_here send-keys x
	waits "and back" 'q: leave'
	tmux_here resize-window -x 60 -y 10
	tmux_here send-keys v r
	waits "a small screen" '^VM +NHN'
	tmux_here send-keys q
	waits "q leaves" '^left 0'
	same "the terminal is as it was" "$(<"$work/after")" "$(<"$work/before")"
	tmux_here kill-server
	socket=$work/tmux-again # the first one may still be leaving
	tmux_here -f /dev/null new-session -d -x 80 -y 24 \
		"'$vnuma' top --interval 100; echo left \$?; stty -g >$work/after; cat"
	waits "another top" '^VM +NHN'
	tmux_here send-keys C-c
	waits "an interrupt leaves, too" '^left 0'
	same "and gives the terminal back" "$(<"$work/after")" "$(<"$work/before")"
	tmux_here kill-server
else
	skip "top on a terminal" "no tmux"
fi
finish
