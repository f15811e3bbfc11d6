#!/bin/bash
# tests/lab/resize.t: a real guest gives memory back, from the one vnode that is asked, and takes more.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

in_lab "resize" -- tests/lab/resize-inside "$PWD/$build/vnuma" "$payload"
finish
