#!/bin/bash
# tests/lab/shapes.t: on hosts of three shapes, a guest sees what was foretold, the kernel confirms the plan, and what is put wrong
# by hand is named, exactly that.
# shellcheck disable=SC2154 # $build and $payload are lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

in_lab "2 nodes" --host lab/shapes/two-nodes.txt --mem 4G -- tests/lab/shape-inside "$payload" "$build"
in_lab "4 nodes, 2 sockets" --mem 6G -- tests/lab/shape-inside "$payload" "$build"
in_lab "CPU-less and memory-less" --host lab/shapes/odd-nodes.txt --mem 5G -- tests/lab/shape-inside "$payload" "$build"
finish
