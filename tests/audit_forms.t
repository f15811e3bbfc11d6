#!/bin/bash
# tests/audit_forms.t: every form an audit is shown in, of VMs that are well, ill, many, unknown and hostile (tests/audit_maker.h):
# what other programs make of it, and that nothing in it acts on a terminal or a browser.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
shown=$(dirname "$vnuma")/tests/audit_shown
mapfile -t cases < <("$shown")
same "there are cases" "${#cases[@]}" 6

# made CASE FORM : into $work/CASE.FORM, and $out.
made() {
	expect "$1: $2" 0 "$shown" "$1" "$2"
	printf '%s\n' "$out" >"$work/$1.$2"
}

for case in "${cases[@]}"; do
	for form in text colour json html prometheus dump dump-json; do made "$case" "$form"; done
done

# ---- text ----

# harmless NAME FILE : no control character but newlines, and UTF-8.
harmless() {
	same "$1: nothing a terminal would act on" "$(LC_ALL=C tr -d '\n\040-\176\200-\377' <"$2" | wc -c)" 0
	expect "$1: is UTF-8" 0 iconv -f UTF-8 -t UTF-8 "$2"
}

# width FILE : the widest line that holds no command.
width() { grep -vE '^ +(fix: )?(vnuma|virsh|taskset) ' "$1" | LC_ALL=C.UTF-8 wc -L; }

for case in "${cases[@]}"; do
	for form in text json html prometheus dump dump-json; do harmless "$case: $form" "$work/$case.$form"; done
	for form in text dump; do
		widest=$(width "$work/$case.$form")
		if [ "$widest" -le 80 ]; then ok "$case: $form: within 80 columns"; else not_ok "$case: $form: within 80 columns" "$widest"; fi
	done
	same "$case: colour changes no letter" "$(sed 's/\x1b\[[0-9;]*m//g' "$work/$case.colour")" "$(<"$work/$case.text")"
done
like "colour is there when asked for" "$(<"$work/three.colour")" $'\x1b\\['
for form in text dump; do
	same "three: $form as it was" "$(<"$work/three.$form")" "$(<tests/fixtures/audit/three.$form)"
done
like "all is well, and said calmly" "$(<"$work/calm.text")" '^Nothing wrong was found with this VM\.$'
unlike "without findings" "$(<"$work/calm.text")" 'fix:|not read'
like "no VM" "$(<"$work/none.text")" '^No VM runs here'
like "what is not known is no 0" "$(<"$work/unknown.text")" '^qemu-4711 +\? +\? +\? +\? +\? +\?'
same "the same gap is told once" "$(grep -c 'where pages are could' "$work/unknown.text")" 1
like "and of how many" "$(<"$work/unknown.text")" '^  2 VMs: where pages are'
like "many VMs: the rest of the findings is counted" "$(<"$work/sixty.text")" '^[0-9]+ more findings of [0-9]+ VMs'

# ---- JSON ----

out=$(<"$work/three.json")
json "schema" .schema '"vnuma.audit/1"'
json "VMs by what they cost" '[.vms[].name]' '["db1","web-frontend","build"]'
json "the keys that others rely on" '.vms[0]|[has("name","pid","hypervisor","locality","mean_distance","memory","vnodes","threads","findings")]|all' true
json "a finding's keys" '.vms[0].findings[0]|[has("code","severity","text","fix")]|all' true
json "memory by node" '.vms[0].memory|keys' '["0","1"]'
json "of the vnodes, it is the sum" '.vms[0]|[.vnodes[].memory."0"]|add' "$(jq -c '.vms[0].memory."0"' <<<"$out")"
json "CPUs as a list" '.vms[0].threads[0].cpus' '[0,1,2,3,4,5,6,7,16,17,18,19,20,21,22,23]'
json "times in seconds" '.vms[0].threads[0].run' 0.82
json "a queue's worker is a thread" '.vms[0]|.threads[.nics[0].queues[0].worker].kind' '"vhost"'
json "an IRQ" '.vms[0].devices[0].irqs[0]|[.number,.effective,.chip]' '[142,[9],"IR-PCI-MSIX"]'
json "how the pages were drawn" '[.samples,.seed,.exact,.interval]' '[4096,7,false,1]'
out=$(<"$work/unknown.json")
json "what is not known is null" '.vms[0]|[.locality,.mean_distance,.memory,.remote,.present,.cpus,.migrations,.size]|unique' '[null]'
json "of the host, too" '.host.settings|[.[]]|unique' '[null]'
json "and its free memory" '[.host.nodes[].memory_free]|unique' '[null]'
json "gaps" '.vms[0].gaps[0].code' '"memory-unread"'
for case in "${cases[@]}"; do
	same "$case: dump as JSON" "$(jq -r .schema "$work/$case.dump-json")" vnuma.dump/1
done
out=$(<"$work/three.dump-json")
json "dump: vCPUs by vnode" '.vms[0].vcpu_vnodes' '[0,0,0,0,1,1,1,1]'
json "dump: ranges" '.vms[0].vnodes[0].ranges[1]' '{"base":1048576,"size":1072693248}'
json "dump: no ranges are none that are empty" '.vms[1].vnodes[0].ranges' null

# ---- HTML ----

for case in "${cases[@]}"; do
	page=$work/$case.html
	if command -v xmllint >/dev/null; then
		expect "$case: the page is well-formed" 0 xmllint --noout --nonet "$page"
	else
		skip "$case: the page is well-formed" "no xmllint"
	fi
	same "$case: one script" "$(grep -c '<script' "$page")" 1
	same "$case: nothing from elsewhere" "$(grep -oE '(src|href|action)="[^"#][^"]{0,10}' "$page" | grep -v 'src="data:image' )" ""
	unlike "$case: no style of an element, no handler" "$(grep -v '^<script>\|^b\.\|^var ' "$page")" ' (style|on[a-z]+)="'
done
hash=$(sed -n '/^<script>/,/<\/script>/p' "$work/three.html" | sed '1s/^<script>//; $s/<\/script>.*//' | head -c -1 |
	openssl dgst -sha256 -binary 2>/dev/null | base64)
if command -v openssl >/dev/null; then
	like "the policy lets that script run: its hash is sha256-$hash" "$(<"$work/three.html")" "script-src 'sha256-$hash'"
else
	skip "the policy lets that script run" "no openssl"
fi
like "a hostile name stays text" "$(<"$work/hostile.html")" '&lt;script&gt;alert'
same "a command is what was given" "$(grep -c 'taskset -pc 0-7,16-23 51234 &amp;&amp; virsh' "$work/three.html")" 1

# What a browser makes of it: the script has run when it has counted the VMs.
if browser=$(command -v chromium || command -v chromium-browser); then
	for case in three sixty hostile; do
		dom=$(timeout 60 "$browser" --headless --no-sandbox --disable-gpu --user-data-dir="$work/browser" --dump-dom \
			"file://$work/$case.html" 2>"$work/browser.log")
		n=$(grep -c '<tr data-vm' "$work/$case.html")
		like "$case: the script ran in a browser" "$dom" ">$n of $n VMs<"
		unlike "$case: its console is silent" "$(<"$work/browser.log")" 'CONSOLE'
	done
else
	skip "the script ran in a browser" "no chromium"
fi

# ---- Prometheus ----

# A parser that takes the format to the letter: HELP, TYPE, then samples of that metric; no series twice.
strict() {
	LC_ALL=C awk '
		function bad(why) { print FILENAME ":" FNR ": " why ": " $0; failed = 1 }
		/^# HELP / { if ($3 in seen) bad("again"); seen[$3] = 1; name = $3; if (NF < 4) bad("no help"); typed = 0; next }
		/^# TYPE / { if ($3 != name || NF != 4 || $4 != "gauge") bad("type"); typed = 1; next }
		{
			if (!match($0, /^[a-zA-Z_:][a-zA-Z0-9_:]*/)) { bad("name"); next }
			if (substr($0, 1, RLENGTH) != name || !typed) bad("not its metric")
			rest = substr($0, RLENGTH + 1)
			if (substr(rest, 1, 1) == "{") {
				rest = substr(rest, 2)
				while (match(rest, /^[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\[\\"n])*"/)) {
					rest = substr(rest, RLENGTH + 1)
					if (substr(rest, 1, 1) != ",") break
					rest = substr(rest, 2)
				}
				if (substr(rest, 1, 1) != "}") { bad("labels"); next }
				rest = substr(rest, 2)
			}
			if (rest !~ /^ -?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?$/) bad("value")
			series = substr($0, 1, length($0) - length(rest))
			if (series in told) bad("series twice")
			told[series] = 1
		}
		END { exit failed }' "$1"
}
for case in "${cases[@]}"; do
	expect "$case: metrics" 0 strict "$work/$case.prometheus"
	if command -v promtool >/dev/null; then
		expect "$case: promtool" 0 bash -c "promtool check metrics <'$work/$case.prometheus'"
	fi
done
printf '# HELP a b\n# TYPE a gauge\na{x="1"} 1\na{x="1"} 2\n' >"$work/twice"
expect "the parser sees a series twice" 1 strict "$work/twice"
printf '# HELP a b\n# TYPE a gauge\na{x="1"2"} 1\n' >"$work/quote"
expect "the parser sees a quote too many" 1 strict "$work/quote"
same "metrics are those documented" "$(sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$work/three.prometheus" | sort)" \
	"$(grep -oE '^\| `vnuma_[a-z_]+' docs/prometheus.md | tr -d '|` ' | sort)"
out=$(<"$work/three.prometheus")
like "memory by node" "$out" '^vnuma_vm_memory_bytes\{vm="db1",node="1"\} [0-9]+$'
like "locality" "$out" '^vnuma_vm_locality_ratio\{vm="db1"\} 0\.6'
unlike "what is not known has no sample" "$(<"$work/unknown.prometheus")" '^vnuma_vm_(locality|memory|vcpu)[a-z_]*\{'
like "VMs of one name are told apart" "$(<"$work/hostile.prometheus")" 'vm="twice \(pid 6\)"'
finish
