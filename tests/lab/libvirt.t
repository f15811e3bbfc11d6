#!/bin/bash
# tests/lab/libvirt.t: domains without pins, planned with --to libvirt, are defined and started by Debian's libvirt, and are where the plan
# said; and their guests see what it foretold.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

if [ -x /usr/sbin/libvirtd ]; then
	in_lab "libvirt" --timeout 600 --mem 6G -- tests/lab/libvirt-inside "$PWD/$build/vnuma" "$payload"
else
	skip "domains through libvirt" "no libvirtd (Debian's libvirt-daemon)"
fi
finish
