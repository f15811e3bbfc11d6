#!/bin/bash
# tests/lab/hot.t: which memory of a process is used most, told by DAMON; and DAMON switched off whatever happens.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

in_lab "hot" --mem 2G -- tests/lab/hot-inside "$PWD/$build/tests/hot_watch"
finish
