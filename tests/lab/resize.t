#!/bin/bash
# tests/lab/resize.t [emulated|kvm|domain]...: a real guest gives memory back, from the one vnode that is asked, and takes more. On this machine, emulated, where it is seen
# in whose memory; and in the emulated host, where it is seen on which node; and one of libvirt's.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

emulated() {
	local status=0
	tests/lab/resize-inside "$PWD/$build/vnuma" "$payload" "$(lab/kernel)/vmlinuz" tcg >"$tap_work/lab.out" 2>"$tap_work/lab.err" </dev/null || status=$?
	take_over "emulated" "$status"
}

kvm() {
	# shellcheck disable=SC2016 # $LAB_KERNEL is known inside
	in_lab "resize" -- bash -c 'tests/lab/resize-inside "$0" "$1" "$LAB_KERNEL" kvm' "$PWD/$build/vnuma" "$payload"
}

domain() {
	local plain=$PWD/build/vnuma # a sanitized one cannot talk to libvirtd, see libvirt.t
	[ -x "$plain" ] || plain=$PWD/$build/vnuma
	in_lab "resize of a domain" --mem 4G -- tests/lab/resize_domain-inside "$plain" "$payload"
}

(($#)) || set -- emulated kvm domain
for part in "$@"; do "$part"; done
finish
