# shellcheck shell=bash
# tests/tap.sh: sourced by the shell tests. `expect NAME STATUS COMMAND...` runs a command and keeps what it printed in $out and
# $err; `like`/`unlike` look into it. One TAP line each.

tests=0 failures=0
tap_work=$(mktemp -d)
work=$tap_work/work # the test's own
mkdir "$work"
own_pids=() # of what the test started: they end with it

ended() {
	local pid
	for pid in "${own_pids[@]}"; do kill -KILL "$pid" 2>/dev/null; done
	rm -rf "$tap_work"
}
trap ended EXIT

ok() {
	tests=$((tests + 1))
	echo "ok $tests - $1"
}

not_ok() {
	tests=$((tests + 1)) failures=$((failures + 1))
	echo "not ok $tests - $1"
	shift
	printf '%s\n' "$@" | sed 's/^/# /'
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# expect NAME STATUS COMMAND... : the command must end with this status.
expect() {
	local name=$1 want=$2 status=0
	shift 2
	"$@" >"$tap_work/out" 2>"$tap_work/err" </dev/null || status=$?
	out=$(<"$tap_work/out") err=$(<"$tap_work/err")
	if [ "$status" = "$want" ]; then
		ok "$name"
	else
		not_ok "$name" "exit status $status; expected $want" "command: $*" "stdout: $out" "stderr: $err"
	fi
}

# like NAME TEXT PATTERN : TEXT must match the extended regular expression.
like() {
	if grep -qE -- "$3" <<<"$2"; then ok "$1"; else not_ok "$1" "no match for: $3" "in: $2"; fi
}

unlike() {
	if grep -qE -- "$3" <<<"$2"; then not_ok "$1" "a match for: $3" "in: $2"; else ok "$1"; fi
}

# same NAME SEEN EXPECTED
same() {
	if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "seen:     $2" "expected: $3"; fi
}

# json NAME FILTER EXPECTED : jq on $out, compact.
json() {
	same "$1" "$(jq -c "$2" <<<"$out" 2>&1)" "$3"
}

finish() {
	echo "1..$tests"
	[ "$failures" = 0 ]
}
