#!/bin/bash
# tests/lab/migrate.t: memory of a process that uses it moves between nodes, on the real kernel.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

in_lab "migrate" --mem 6G -- bash -c 'tests/lab/migrate-inside "$1/tests/touch_memory" "$1/tests/bench_move"' migrate "$PWD/$build"
finish
