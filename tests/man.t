#!/bin/bash
# tests/man.t: the manual pages say what the program says: each verb, each option; and groff takes them without a word.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
pages=$(dirname "$vnuma")/man

# plain PAGE : its text without man(7)'s escapes, for grep.
plain() { sed 's/\\f[BIR]//g; s/\\-/-/g; s/\\(aq/'"'"'/g; s/\\&//g' "$1"; }

# ---- as groff and mandoc see them ----

for page in "$pages"/*.[135]; do
	name=${page##*/}
	if command -v groff >/dev/null; then
		same "$name: groff has nothing to say" "$(groff -man -Tutf8 -ww "$page" 2>&1 >/dev/null)" ""
	else
		skip "$name: groff has nothing to say" "no groff"
	fi
	if command -v mandoc >/dev/null; then
		same "$name: nor has mandoc" "$(mandoc -T lint -W warning "$page" 2>&1)" ""
	fi
	unlike "$name: nothing of the template is left" "$(<"$page")" '@[A-Z]+( [a-z]+)?@'
	like "$name: one line of .TH" "$(head -1 "$page")" '^\.TH [^ ]+ [135] "[0-9]{4}-[0-9]{2}-[0-9]{2}" "vnuma [0-9.]+" "vnuma"$'
done

# ---- verbs and options ----

mapfile -t verbs < <("$vnuma" help | sed -n 's/^  \([a-z]*\).*/\1/p' | grep -vxE 'help|version')
same "there are verbs" "$((${#verbs[@]} >= 12))" 1
same "a page for each verb, and none else" "$(cd "$pages" && echo vnuma-*.1 | tr ' ' '\n' | sort | xargs)" \
	"$(printf 'vnuma-%s.1\n' "${verbs[@]}" | sort | xargs)"
for verb in "${verbs[@]}"; do
	page=$(plain "$pages/vnuma-$verb.1")
	same "vnuma-$verb(1) has the options of help" \
		"$(sed -n '/^\.SH OPTIONS/,/^\.SH E/p' <<<"$page" | grep -oE '^(-[a-z], )?--[a-z-]+( [^ ]+)?$' | sort)" \
		"$("$vnuma" help "$verb" | grep -oE '^  (-[a-z], )?--[a-z-]+( [^ ]+)?' | sed 's/^ *//; s/ [^A-Z<a-z-]*$//' |
			sed -E 's/^((-[a-z], )?--[a-z-]+) ([^A-Zk].*)$/\1/' | sort)"
	like "vnuma-$verb(1) names it as help does" "$page" "^vnuma-$verb - $("$vnuma" help "$verb" | sed -n 3p | sed 's/[][().*+?^$|\\]/./g')$"
	for section in SYNOPSIS 'EXIT STATUS' 'SEE ALSO'; do
		like "vnuma-$verb(1) has $section" "$page" "^\.SH $section$"
	done
	like "vnuma(1) lists it" "$(plain "$pages/vnuma.1")" "see vnuma-$verb\(1\)$"
done

# ---- keys of a config: page, reader and README agree ----

documented=$(sed -n '/^\.SH THE GUEST/,/^\.SH EXAMPLES/p' "$pages/vnuma.cfg.5" | grep -A1 '^\.TP' | grep -oE '\\fB[a-z_]+\\fR' |
	sed 's/\\f[BR]//g' | sort -u)
read_keys=$(sed -n '/known_keys\[\] = {/,/};/p' src/guest/guest_cfg.c | grep -v '/\*' | grep -oE '"[a-z_]+"' | tr -d '"' |
	grep -vxE 'vnuma_distance|vcpu_to_vnode' | sort -u)
same "vnuma.cfg(5) has the keys that are read" "$documented" "$read_keys"
of_readme=$(sed -n "/^## A guest's config/,/^## /p" README.md | sed -n 's/^| \(`[^|]*\) |.*/\1/p' | grep -oE '`[a-z_]+`' | tr -d '`' | sort -u)
same "the README has no others" "$(comm -23 <(echo "$of_readme") <(echo "$documented"))" ""
same "and lacks none" "$(comm -13 <(echo "$of_readme") <(echo "$documented"))" ""
finish
