#!/bin/bash
# tests/lab/vfio.t: a VM with a device of the host is moved: its memory is pinned and stays, its threads and the device's interrupts follow.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

disk=$PWD/$build/disk.cpio.gz # the payload, with the program that uses the device
if ! lab/payload "$disk" tests/lab/guest_disk 2>"$tap_work/err"; then
	not_ok "the payload that uses its disk is built" "$(cat "$tap_work/err")"
fi
in_lab "vfio" --vfio 1 --mem 4G -- tests/lab/vfio-inside "$PWD/$build/vnuma" "$disk"
finish
