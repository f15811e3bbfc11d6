#!/bin/bash
# tests/lab/io.t: a guest with disk, tap and vhost; two guests; what goes wrong around them.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

in_lab "io" --mem 6G -- bash -c 'tests/lab/io-inside "$1/vnuma" "$1/tests/move_by_hand" "$LAB_KERNEL" "$2"' io "$PWD/$build" "$payload"
finish
