#!/bin/bash
# tests/completion.t: bash's completion, called as bash calls it; and that the words it offers are those that the program takes.
# shellcheck disable=SC2154 # $tap_work is set in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=$(readlink -f "${VNUMA:-build/vnuma}")
folder=$(dirname "$vnuma")/completions
two=numactl:lab/shapes/two-nodes.txt
# shellcheck source=/dev/null
. "$folder/vnuma"

# A vnuma whose list is known.
mkdir "$tap_work/bin" "$tap_work/files"
cat >"$tap_work/bin/vnuma" <<'SH'
#!/bin/sh
[ "$1" = list ] || exit 2
printf '%-24s %-9s %8s\n' name state pid db1 running 7 db2 running 8 web paused 9
SH
chmod +x "$tap_work/bin/vnuma"
mkdir "$tap_work/files/folder"
touch "$tap_work/files/first.cfg" "$tap_work/files/with blank.cfg"

# completes NAME LINE WORDS : what is offered behind LINE, sorted.
completes() {
	COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDS=("$tap_work/bin/vnuma") COMPREPLY=()
	_vnuma
	same "$1" "$(printf '%s\n' "${COMPREPLY[@]}" | sort | xargs)" "$3"
}

here=$tap_work/files
completes "verbs" "vnuma " "$("$vnuma" help | sed -n 's/^  \([a-z]*\).*/\1/p' | sort | xargs)"
completes "a verb that was begun" "vnuma topo" "topology"
completes "verbs that were begun" "vnuma to" "top topology"
completes "a verb's name for help" "vnuma help pl" "plan"
completes "no second one" "vnuma help plan " ""
completes "no such verb" "vnuma frobnicate -" ""
completes "options that were begun" "vnuma plan guest.cfg --ma" "--make-room"
completes "a letter" "vnuma acpi -" "$("$vnuma" help acpi | grep -oE '(^  -[a-z]|--[a-z-]+ )' | tr -d ' ' | grep -vx -- '--order,' | sort -u | xargs)"
completes "the words of an option" "vnuma plan --to q" "qemu qemu-json"
completes "behind an equals sign, where bash cuts" "vnuma plan --to=q" "qemu qemu-json"
completes "sources" "vnuma topology --host s" "synthetic: sysfs:"
completes "a source's file, where bash cuts" "vnuma topology --host json:$here/fi" "$here/first.cfg"
completes "both cuts" "vnuma topology --host=json:$here/fi" "$here/first.cfg"
completes "a source's folder" "vnuma topology --host sysfs:$here/" "$here/folder"
completes "of those that gather takes" "vnuma gather --host " "live sysfs: tar:"
completes "a file or a word" "vnuma plan --occupied li" "live"
completes "a file in its place" "vnuma plan --occupied $here/fi" "$here/first.cfg"
completes "a folder" "vnuma acpi -o $here/f" "$here/folder"
completes "guests are files" "vnuma plan --explain $here/fi" "$here/first.cfg"
completes "VMs" "vnuma show " "db1 db2 web"
completes "a VM that was begun" "vnuma stop --force d" "db1 db2"
completes "a number is not known" "vnuma plan --deadline " ""
completes "behind a switch comes an operand" "vnuma verify --json w" "web"
COMP_WORDBREAKS=$' \t\n'
completes "where bash does not cut at :" "vnuma topology --host json:$here/fi" "json:$here/first.cfg"
completes "nor at =" "vnuma plan --to=q" "--to=qemu --to=qemu-json"
COMP_LINE="vnuma plan --to qemu" COMP_POINT=8 COMP_WORDS=(vnuma) COMPREPLY=()
_vnuma
same "what is behind the cursor does not count" "${COMPREPLY[*]}" "plan"

# ---- the table is the program's ----

for verb in $(_vnuma_table | awk '$2 == "operand" { print $1 }'); do
	same "$verb: the options of help" "$(_vnuma_table | awk -v v="$verb" '$1 == v && $2 ~ /^--/ { print $2 }' | sort)" \
		"$("$vnuma" help "$verb" | grep -oE '^  (-[a-z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+' | sort)"
done

# words VERB OPTION : what is offered; expected COMMAND... : what the program says it expected of '?'.
words() { _vnuma_table | awk -v v="$1" -v o="$2" '$1 == v && $2 == o { $1 = $2 = $3 = ""; print }' | xargs -n 1 | sort | xargs; }
expected() {
	"$vnuma" "$@" 2>&1 >/dev/null | sed -n 's/.*expected //p' | sed 's/, or / /; s/ or / /; s/,//g' |
		sed -E 's/:[A-Z]+/:/g' | xargs -n 1 | sort | xargs
}
same "words of --to" "$(words plan --to)" "$(expected plan examples/rc9.cfg --host $two --to '?')"
same "words of --format" "$(words topology --format)" "$(expected topology --host $two --format '?')"
same "words of --policy" "$(words simulate --policy)" "$(expected simulate --synthetic 1,10 --host $two --policy '?')"
same "words of --machine" "$(words acpi --machine)" "$(expected acpi examples/rc9.cfg -o "$tap_work/x" --machine '?')"
same "words of --order" "$(words acpi --order)" "$(expected acpi examples/rc9.cfg -o "$tap_work/x" --order '?')"
same "words of --host" "$(words topology --host)" "$(expected topology --host '?')"
printf 'name = "tiny"\nmemory = 64\n' >"$tap_work/tiny.cfg"
export VNUMA_STATE_DIR=$tap_work/state
same "words of --accel" "$(words run --accel)" "$(expected run "$tap_work/tiny.cfg" --occupied none --accel '?' 2>/dev/null | tail -1)"

# ---- zsh ----

if command -v zsh >/dev/null; then
	same "zsh reads its file" "$(zsh -f -n "$folder/_vnuma" 2>&1)" ""
	# _arguments itself is not run: what it would be given is looked at
	specs=$(zsh -f -c 'compdef() { :; }; _describe() { :; }; _arguments() { print -l -- "$@"; }
		words=(vnuma plan x) CURRENT=3; . '"$folder"'/_vnuma' 2>&1)
	like "zsh: an option with words" "$specs" '^--to=\[text \(the default\).*\]:FORM:\(text json numactl qemu qemu-json libvirt xl\)$'
	like "zsh: a switch" "$specs" '^--explain\[what each vnode got'
	like "zsh: sources" "$specs" '^--host=\[.*\]:SRC:_vnuma_sources live sysfs: '
	same "zsh: as many as bash has" "$(grep -c '^--' <<<"$specs")" "$(_vnuma_table | awk '$1 == "plan" && $2 ~ /^--/' | wc -l)"
else
	skip "zsh reads its file" "no zsh"
fi
finish
