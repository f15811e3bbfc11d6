#!/bin/bash
# tests/lab/move.t: running VMs are moved to other nodes and back; killed, cancelled, refused, and with libvirt's cgroups around them.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

worker=$PWD/$build/worker.cpio.gz # the payload, with the program that checks its data
if ! lab/payload "$worker" "$(lab/meter)/workload" 2>"$tap_work/err"; then
	not_ok "the payload of the worker is built" "$(cat "$tap_work/err")"
fi
# several runs, as each has a time limit
for parts in plain refused 'kinds libvirt' data background killed 'full dies' 'migrated taken'; do
	# shellcheck disable=SC2086 # parts are words
	in_lab "move" --host tests/lab/move.shape -- tests/lab/move-inside "$PWD/$build/vnuma" "$worker" $parts
done
finish
