#!/bin/bash
# tests/lab/move.t [PART...]: running VMs are moved to other nodes and back; killed, cancelled, refused, and with libvirt's cgroups around them.
# VNUMA_KILL_ROUNDS=50 tests/lab/move.t killed: so many moves are killed, at any time; 5 without it.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

worker=$PWD/$build/worker.cpio.gz # the payload, with the program that checks its data
if ! lab/payload "$worker" "$(lab/meter)/workload" 2>"$tap_work/err"; then
	not_ok "the payload of the worker is built" "$(cat "$tap_work/err")"
fi
# AddressSanitizer's functions of XDR keep libvirt's library from talking to its daemon (libvirt.t)
plain=$PWD/build/vnuma
[ -x "$plain" ] || plain=$PWD/$build/vnuma
# several runs, as each has a time limit
(($#)) || set -- plain refused kinds libvirt data background killed 'full dies' 'migrated taken'
for parts in "$@"; do
	# shellcheck disable=SC2086 # parts are words
	in_lab "move" --timeout $((400 + 40 * (${VNUMA_KILL_ROUNDS:-5} - 5))) --host tests/lab/move.shape -- \
		tests/lab/move-inside "$PWD/$build/vnuma" "$worker" "$plain" $parts
done
finish
