# shellcheck shell=bash
# tests/lab/lab.sh: sourced by tests/lab/*.t, which run outside and start the emulated host.

. tests/tap.sh
build=${VNUMA_BUILD:-build-check}
payload=$PWD/$build/payload.cpio.gz # in the checkout, which is visible inside; /tmp is not
export VNUMA=$PWD/$build/vnuma

# in_lab NAME [lab/host OPTION...] -- COMMAND... : runs a TAP script in the emulated host, its lines numbered on with ours and
# named with NAME. The emulation itself now and then stands still or panics under nested KVM (lab/README.md); the lab's own
# exit statuses 124 and 125 say so, and only then it is tried again.
in_lab() {
	local name=$1 try status=0
	shift
	for try in 1 2 3; do
		status=0
		lab/host --timeout 150 "$@" >"$tap_work/lab.out" 2>"$tap_work/lab.err" </dev/null || status=$?
		[ "$status" = 124 ] || [ "$status" = 125 ] || break
		echo "# $name: the emulated host failed (exit status $status), try $try: $(tail -n 1 "$tap_work/lab.err")"
	done
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

if ! lab/payload "$payload" 2>"$tap_work/err"; then
	not_ok "the payload is built" "$(cat "$tap_work/err")"
	finish
	exit
fi
