#!/bin/bash
# tests/lab/zoo.t: VMs that vnuma did not start, and what an audit finds; numastat, libvirt and numad beside it.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

numad=$(lab/numad 2>"$tap_work/err") || sed 's/^/# /' "$tap_work/err"
in_lab "zoo" --mem 6G -- tests/lab/zoo-inside "$PWD/$build/vnuma" "$PWD/$build/tests/map_shared" "$numad"
finish
