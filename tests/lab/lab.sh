# shellcheck shell=bash
# tests/lab/lab.sh: sourced by tests/lab/*.t, which run outside and start the emulated host.

. tests/tap.sh
build=${VNUMA_BUILD:-build-check}
payload=$PWD/$build/payload.cpio.gz # in the checkout, which is visible inside; /tmp is not
export VNUMA=$PWD/$build/vnuma

. tests/lab/again.sh

if ! lab/payload "$payload" 2>"$tap_work/err"; then
	not_ok "the payload is built" "$(cat "$tap_work/err")"
	finish
	exit
fi
