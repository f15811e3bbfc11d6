#!/bin/bash
# tests/lab/numad.t: Debian's libvirt starts guests with placement='auto', and they are where our numad said.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

if [ -x /usr/sbin/libvirtd ]; then
	in_lab "numad" --timeout 400 --mem 6G -- tests/lab/numad-inside "$PWD/$build/vnuma"
else
	skip "libvirt's placement='auto'" "no libvirtd (Debian's libvirt-daemon)"
fi
finish
