# shellcheck shell=bash
# tests/lab/lab.sh: sourced by tests/lab/*.t, which run outside and start the emulated host.

. tests/tap.sh
build=${VNUMA_BUILD:-build-check}
payload=$PWD/$build/payload.cpio.gz # in the checkout, which is visible inside; /tmp is not
export VNUMA=$PWD/$build/vnuma

# take_over NAME STATUS : the lines of a TAP script that ended so, in $tap_work/lab.out and lab.err, as ours.
take_over() {
	local name=$1 status=$2 line
	while IFS= read -r line; do
		case $line in
			"ok "*) ok "$name: $(sed -E 's/^ok [0-9]+ (- )?//' <<<"$line")" ;;
			"not ok "*) not_ok "$name: $(sed -E 's/^not ok [0-9]+ (- )?//' <<<"$line")" ;;
			1..*) ;;
			*) printf '%s\n' "$line" ;;
		esac
	done <"$tap_work/lab.out"
	if [ "$status" -gt 1 ] || ! grep -q '^1\.\.' "$tap_work/lab.out"; then
		not_ok "$name: runs to its end" "exit status $status" "$(cat "$tap_work/lab.err")"
	fi
}

# in_lab NAME [lab/host OPTION...] -- COMMAND... : runs a TAP script in the emulated host, its lines numbered on with ours and
# named with NAME. Under load QEMU's emulation of nested KVM now and then panics the host or lets a guest stand still
# (lab/README.md). The lab's own exit statuses 124 and 125 say so, and 75 of a script whose guest never came up; only then it
# is tried again, and after three times it counts as failed.
in_lab() {
	local name=$1 try status=0
	shift
	for try in 1 2 3; do
		status=0
		lab/host --timeout 400 "$@" >"$tap_work/lab.out" 2>"$tap_work/lab.err" </dev/null || status=$?
		case $status in 75 | 124 | 125) ;; *) break ;; esac
		echo "# $name: the emulated host failed (exit status $status), try $try: $(tail -qn 1 "$tap_work/lab.out" "$tap_work/lab.err" | tr '\n' ' ')"
	done
	take_over "$name" "$status"
}

if ! lab/payload "$payload" 2>"$tap_work/err"; then
	not_ok "the payload is built" "$(cat "$tap_work/err")"
	finish
	exit
fi
