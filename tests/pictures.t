#!/bin/bash
# tests/pictures.t: `vnuma topology --svg FILE`: what is written where, and what happens when it cannot be.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
two=numactl:lab/shapes/two-nodes.txt

expect "a picture into a file" 0 "$vnuma" topology --host "$two" --svg "$work/two.svg"
same "prints nothing" "$out$err" ""
same "leaves one file" "$(ls "$work")" two.svg
same "which is an SVG" "$(sed -n '2s/ .*//p' "$work/two.svg")" "<svg"
same "and whole" "$(tail -n 1 "$work/two.svg")" "</svg>"
same "with a new file's usual rights" "$(stat -c %a "$work/two.svg")" "$(printf '%o' $((0666 & ~0$(umask))))"
expect "on standard output" 0 "$vnuma" topology --host "$two" --svg -
same "it is the same" "$out" "$(<"$work/two.svg")"
expect "this machine, live" 0 "$vnuma" topology --svg "$work/live.svg"
if command -v xmllint >/dev/null; then
	expect "both are well-formed" 0 xmllint --noout "$work/two.svg" "$work/live.svg"
else
	skip "both are well-formed" "no xmllint"
fi

echo old >"$work/old.svg"
expect "an old file is replaced" 0 "$vnuma" topology --host "$two" --svg "$work/old.svg"
same "wholly" "$(<"$work/old.svg")" "$(<"$work/two.svg")"
ln -s old.svg "$work/link.svg"
echo old >"$work/old.svg"
expect "a symbolic link is followed" 0 "$vnuma" topology --host "$two" --svg "$work/link.svg"
same "and stays one" "$(readlink "$work/link.svg")" old.svg
same "its file is replaced" "$(<"$work/old.svg")" "$(<"$work/two.svg")"
expect "a device is written to" 0 "$vnuma" topology --host "$two" --svg /dev/null
same "and stays one" "$(stat -c %F /dev/null)" "character special file"

expect "a folder that is not there" 3 "$vnuma" topology --host "$two" --svg "$work/none/x.svg"
like "is told" "$err" "--svg .*none/x.svg: .*No such file or directory"
expect "a folder instead of a file" 3 "$vnuma" topology --host "$two" --svg "$work"
like "is told, too" "$err" "Is a directory"
expect "no name" 2 "$vnuma" topology --host "$two" --svg ""
expect "a full device is an error" 3 "$vnuma" topology --host "$two" --svg /dev/full
expect "so it is on standard output" 3 bash -c "'$vnuma' topology --host $two --svg - >/dev/full"
expect "a host that is none" 2 "$vnuma" topology --host numactl:/dev/null --svg "$work/bad.svg"
same "leaves no file" "$(ls "$work" | tr '\n' ' ')" "link.svg live.svg old.svg two.svg "
expect "a name that would act on the terminal" 3 "$vnuma" topology --host "$two" --svg "$work/none/$(printf '\033')[31m"
unlike "is not echoed" "$err" "$(printf '\033')"
finish
