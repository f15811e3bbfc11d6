#!/bin/bash
# tests/lab/migrate.t: memory of a process that uses it moves between nodes, on the real kernel.
# VNUMA_MIGRATE_LARGE_MIB=4096 tests/lab/migrate.t: that much, from under eight threads, and nothing else; takes 10 GiB of this machine's
# memory and many minutes. migrate-inside tells what else can be set.
# shellcheck disable=SC2016,SC2154 # for the inner bash; $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

large=()
if [ -n "${VNUMA_MIGRATE_LARGE_MIB:-}" ]; then
	large=(--host lab/shapes/two-nodes.txt --cpus 2 --mem $((2 * VNUMA_MIGRATE_LARGE_MIB + 2048))M --timeout 3000)
fi
in_lab "migrate" --mem 6G "${large[@]}" -- bash -c 'tests/lab/migrate-inside "$1/tests/touch_memory" "$1/tests/bench_move"' migrate "$PWD/$build"
finish
