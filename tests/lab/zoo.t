#!/bin/bash
# tests/lab/zoo.t: VMs that vnuma did not start, and what an audit finds.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

in_lab "zoo" --mem 6G -- bash -c 'tests/lab/zoo-inside "$1/vnuma" "$1/tests/map_shared"' zoo "$PWD/$build"
finish
