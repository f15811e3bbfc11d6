#!/bin/bash
# tests/lab/queues.t: whose vhost worker is whose, found out by sending from one vCPU at a time, and `vnuma io` held against it.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

meter=$(lab/meter)
sender=$PWD/$build/traffic.cpio.gz # the payload, with the program that sends
if ! lab/payload "$sender" "$meter/traffic" 2>"$tap_work/err"; then
	not_ok "the payload that sends is built" "$(cat "$tap_work/err")"
fi
# one run each, as each has a time limit
for guest in even woven shared; do
	in_lab "queues" --host lab/shapes/two-nodes.txt --cpus 4 --mem 4G -- \
		tests/lab/queues-inside "$PWD/$build/vnuma" "$sender" "$meter/traffic" "$guest"
done
finish
