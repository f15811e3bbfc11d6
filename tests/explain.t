#!/bin/bash
# tests/explain.t: docs/explain.md is what the program prints. Its configs are written out, its commands run, and what they print
# must be what stands there. `tests/explain.t --update` writes it anew: read the difference before you commit it.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(realpath "${VNUMA:-build/vnuma}")
export VNUMA_STATE_DIR=$work/state
ln -s "$PWD/tests" "$work/tests"
mkdir "$work/bin"
ln -s "$vnuma" "$work/bin/vnuma"

# run_line COMMAND: as someone types it in a folder that holds the configs and the repository's tests/.
run_line() { (cd "$work" && PATH="$work/bin:$PATH" bash -c "$1" 2>&1 </dev/null); }

# render FILE: the document, with what its commands print now. A block ```ini is the config whose name `NAME` the line before
# it ends with; a block ```console has lines `$ COMMAND` and what they print.
render() {
	local line block='' name='' before=''
	while IFS= read -r line; do
		case $block:$line in
			:\`\`\`ini)
				block=ini name=${before%\`*} name=${name##*\`}
				: >"$work/$name"
				echo "$line"
				;;
			:\`\`\`console) block=console; echo "$line" ;;
			*:\`\`\`) block=; echo "$line" ;;
			ini:*) echo "$line" | tee -a "$work/$name" ;;
			console:'$ '*)
				echo "$line"
				run_line "${line#'$ '}"
				;;
			console:*) ;;
			*) echo "$line" ;;
		esac
		[ -z "$line" ] || before=$line
	done <"$1"
}

render docs/explain.md >"$work/rendered"
if [ "${1:-}" = --update ]; then
	cp "$work/rendered" docs/explain.md
	exit
fi
expect "docs/explain.md is what is printed" 0 diff -u docs/explain.md "$work/rendered"
same "it shows five situations" "$(grep -c '^## [1-5]\. ' docs/explain.md)" 5
same "each with a plan explained" "$(grep -c -- '^\$ vnuma plan .*--explain' docs/explain.md)" 6
long=$(sed -n '/^What each virtual node/,/^```$/p' docs/explain.md | awk 'length > 100')
same "no line of an explanation is longer than 100" "$long" ""

# What there is no plan for is explained on standard output, and the reasons stay on standard error.
expect "no plan" 1 "$vnuma" plan "$work/large.cfg" --host synthetic:'node:2(memory=4GB) core:4 pu:1' --explain
like "says what is short" "$out" 'ordinary memory .* short by|ordinary memory +[0-9.]+ GiB +[0-9.]+ GiB +[0-9.]+ [GM]iB'
like "and what would help" "$out" 'What would make room for it'
like "the reason is on standard error" "$err" 'no plan: .*memory-short'
expect "as JSON" 2 "$vnuma" plan "$work/large.cfg" --host synthetic:'node:2(memory=4GB) core:4 pu:1' --explain --json

# Guests planned together have no runner-up, and it is not said that this is because all homes are alike.
printf 'name = "%s"\nmemory = 1024\nvcpus = 2\nvnodes = 1\n' one >"$work/one.cfg"
printf 'name = "%s"\nmemory = 1024\nvcpus = 2\nvnodes = 1\n' two >"$work/two.cfg"
expect "two at once" 0 "$vnuma" plan "$work/one.cfg" "$work/two.cfg" --host synthetic:'node:2(memory=4GB) core:4 pu:1' --explain
like "no next best was looked for" "$out" 'The next best was not looked for: guests that are planned together'
same "nor is it said that nothing costs more" "$(grep -c 'costs more' <<<"$out")" 0

finish
