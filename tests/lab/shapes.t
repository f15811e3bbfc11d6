#!/bin/bash
# tests/lab/shapes.t: on hosts of three shapes, a guest sees what was foretold, the kernel confirms the plan, and what is put wrong
# by hand is named, exactly that.
#
# usage: tests/lab/shapes.t [NAME]
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

# on NAME LAB-OPTION... : only if it was asked for, where something was
asked=${1:-}
on() {
	[ -z "$asked" ] || [ "$asked" = "$1" ] || return 0
	in_lab "$@" -- tests/lab/shape-inside "$payload" "$build"
}

on "2 nodes" --host lab/shapes/two-nodes.txt --mem 4G
on "4 nodes, 2 sockets" --mem 6G
on "CPU-less and memory-less" --host lab/shapes/odd-nodes.txt --mem 5G
finish
