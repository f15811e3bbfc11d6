#!/bin/bash
# tests/formats.t: what `vnuma topology --format xml|numactl` writes, held against other programs: xmllint with our schema, numactl
# itself, and the published texts and trees of real machines where they are at hand. Needs a built vnuma ($VNUMA).
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
shared=${VNUMA_SHARED:-../shared}
schema=schema/topology.rng

two=numactl:lab/shapes/two-nodes.txt

# ---- the option ----

expect "--format text is the default" 0 "$vnuma" topology --host $two --format text
text=$out
expect "no --format" 0 "$vnuma" topology --host $two
same "says the same" "$out" "$text"
expect "--format json" 0 "$vnuma" topology --host $two --format json
same "is --json" "$out" "$("$vnuma" topology --host $two --json)"
expect "--format json --json" 0 "$vnuma" topology --host $two --format json --json
for form in text xml numactl dot; do
	expect "--format $form --json" 2 "$vnuma" topology --host $two --format $form --json
	json "is a contradiction" '.errors|length' 1
done
for form in yaml "" XML 'xml '; do
	expect "--format '$form'" 2 "$vnuma" topology --host $two --format "$form"
	like "names what is expected" "$err" "expected text, json, xml, numactl or dot"
done
for options in "--svg $work/no.svg --json" "--svg $work/no.svg --format dot" "--svg $work/no.svg --format text" \
	"--svg $work/no.svg --all" "--svg $work/no.svg --all --json --format json" "--all --json" "--all --format json" \
	"--all --format xml" "--all --format numactl" "--all --format dot"; do
	# shellcheck disable=SC2086 # several words
	expect "${options//"$work/"/}" 2 "$vnuma" topology --host $two $options
	like "is a contradiction" "$err" "contradicts --"
	same "and one error" "$(wc -l <<<"$err")" 1
done
same "no picture is made" "$(ls "$work")" ""
expect "--all --format text" 0 "$vnuma" topology --host $two --all --format text
expect "two wrong options" 2 "$vnuma" topology --host foo:bar --format yaml
same "are two errors" "$(wc -l <<<"$err")" 2
for form in xml numactl dot; do
	expect "a full disk is an error with --format $form" 3 bash -c "'$vnuma' topology --host $two --format $form >/dev/full"
done

# ---- numactl ----

# texts FILE: without the comments of our fixtures, blanks made equal.
texts() { sed -e '/^#/d' -e 's/[[:space:]]\{1,\}/ /g' -e 's/ $//' "$1"; }

# round NAME FILE: to numactl's form and back it is the same host, apart from where it came from.
round() {
	local first second
	first=$("$vnuma" topology --host "numactl:$2" --json | jq -cS 'del(.source)')
	second=$("$vnuma" topology --host "numactl:$2" --format numactl |
		"$vnuma" topology --host numactl:/dev/stdin --json | jq -cS 'del(.source)')
	if [ -n "$first" ] && [ "$first" = "$second" ]; then ok "$1"; else not_ok "$1" "$first" "$second"; fi
}

for file in lab/shapes/*.txt tests/fixtures/numactl/*.txt; do
	round "$file comes back from numactl's form" "$file"
done
if [ -d "$shared/data/numactl" ]; then
	for file in "$shared"/data/numactl/*.txt; do
		name=$(basename "$file")
		round "$name comes back from numactl's form" "$file"
		same "$name as it was published" "$("$vnuma" topology --host "numactl:$file" --format numactl | texts /dev/stdin)" \
			"$(texts "$file")"
	done
else
	skip "published texts" "no $shared/data/numactl"
fi

# figures: without the free lines, which change while one looks.
figures() { sed '/^node [0-9]* free: [0-9]* MB$/d'; }

if command -v numactl >/dev/null && numactl --hardware >"$work/numactl" 2>&1; then
	expect "this machine, live" 0 "$vnuma" topology --format numactl
	same "is what numactl says, byte for byte" "$(figures <<<"$out" | od -c)" "$(figures <"$work/numactl" | od -c)"
	same "and as many lines tell free memory" "$(grep -c ' free: [0-9]* MB$' <<<"$out")" "$(grep -c ' free: ' "$work/numactl")"
else
	skip "this machine, live" "no numactl, or a kernel without NUMA"
fi

# real NAME TREE: numactl itself, with the tree's devices/system in place of this kernel's (in a mount namespace of its own), prints
# what we print for the tree. A cpumap wider than this kernel's own is beyond libnuma: it warns, and prints no CPUs.
real() {
	local status=0
	# shellcheck disable=SC2016 # the inner shell's $1
	unshare -m bash -c 'mount --bind "$1/sys/devices/system" /sys/devices/system && numactl --hardware' - "$2" \
		>"$work/real" 2>"$work/real.err" </dev/null || status=$?
	if grep -q 'Cannot parse cpumap' "$work/real.err"; then
		skip "$1" "more CPUs than this kernel's masks hold"
	elif [ $status != 0 ]; then
		not_ok "$1" "numactl: exit status $status" "$(<"$work/real.err")"
	else
		same "$1" "$("$vnuma" topology --host "sysfs:$2" --format numactl | od -c)" "$(od -c <"$work/real")"
	fi
}

# A kernel without NUMA: numactl 2.0.16 says "No NUMA available on this system" and ends with 1. Ours tells what there is as node 0.
flat=$work/flat/sys/devices/system/cpu
mkdir -p "$flat/cpu0" "$flat/cpu1" "$flat/cpu2" "$work/flat/proc"
echo 0,2 >"$flat/online"
printf 'MemTotal: 4194304 kB\nMemFree: 1049599 kB\n' >"$work/flat/proc/meminfo"
expect "a kernel without NUMA" 0 "$vnuma" topology --host "sysfs:$work/flat" --format numactl
same "is one node of all CPUs online and all memory" "$out" "available: 1 nodes (0)
node 0 cpus: 0 2
node 0 size: 4096 MB
node 0 free: 1024 MB
node distances:
node   0 
  0:  10 "
expect "the same for people" 0 "$vnuma" topology --host "sysfs:$work/flat"
like "has a note" "$out" "^note: the kernel shows no nodes \(built without NUMA, or hidden by a container\):"
expect "the same as JSON" 0 "$vnuma" topology --host "sysfs:$work/flat" --json
json "has it too" '[.nodes[].id], [.warnings[].code | select(. == "kernel-without-numa")]' $'[0]\n["kernel-without-numa"]'

# A tree with all that is odd: sparse ids, no memory, no CPUs, free memory untold, an offline CPU, distances of three digits.
odd=$work/odd/sys/devices/system
# node ID CPUMAP TOTAL FREE DISTANCES
node() {
	mkdir -p "$odd/node/node$1"
	echo "$2" >"$odd/node/node$1/cpumap"
	echo "$5" >"$odd/node/node$1/distance"
	printf 'Node %s MemTotal: %s kB\n' "$1" "$3" >"$odd/node/node$1/meminfo"
	[ -z "$4" ] || printf 'Node %s MemFree: %s kB\n' "$1" "$4" >>"$odd/node/node$1/meminfo"
}
node 0 00000000,00000003 2097151 1023 '10 100 255 9'
node 1 00000000,00000014 0 0 '100 10 20 20'
node 2 00000000,00000000 1048576 '' '255 20 10 20'
node 10 00000000,00000020 4194304 4194304 '9 20 20 10'
for cpu in 0 1 2 3 4 5; do mkdir -p "$odd/cpu/cpu$cpu"; done
echo 0-2,4-5 >"$odd/cpu/online"
echo 0-5 | tee "$odd/cpu/present" >"$odd/cpu/possible"
echo 0-2,10 >"$odd/node/online"

if ! command -v numactl >/dev/null || ! unshare -m mount --bind "$work" "$work" 2>/dev/null; then
	skip "numactl on other machines' trees" "no numactl, or not allowed to mount"
else
	real "numactl says the same of an odd tree" "$work/odd"
	for file in "$shared"/data/hwloc/*.tar.bz2; do
		[ -e "$file" ] || continue
		tree=$work/$(basename "$file" .tar.bz2)
		mkdir "$tree"
		tar -xjf "$file" -C "$tree" --strip-components=1 2>/dev/null
		real "numactl says the same of $(basename "$file")" "$tree"
	done
fi

expect "a guest's view has distances of three digits" 0 bash -c "printf '%s\n' 'name = \"a\"' 'memory = 512' 'vcpus = 2' \
	'vnodes = 2' 'vdistance = [10, 200]' >$work/far.cfg; '$vnuma' plan $work/far.cfg --host $two --to numactl"
same "as numactl prints them" "$(tail -n 3 <<<"$out")" "node   0   1 
  0:  10  200 
  1:  200  10 "

# ---- xml ----

# valid NAME FILE: the schema takes it, and each num counts what is there.
valid() {
	local seen
	if ! seen=$(xmllint --noout --relaxng $schema "$2" 2>&1); then
		not_ok "$1" "$(tail -n 5 <<<"$seen")"
		return
	fi
	seen=$(xmllint --xpath 'count(//cells[@num!=count(cell|cells)]|//cpus[@num!=count(cpu)]|//devices[@num!=count(device)])' "$2")
	same "$1" "$seen" 0
}

# agrees NAME SOURCE FILE: ids of the cells, number of CPUs, KiB and number of devices are those of the JSON. (xmllint rounds
# sums to six digits: figures are compared cell by cell, in order of their ids.)
agrees() {
	local json xml
	json=$("$vnuma" topology --host "$2" --json |
		jq -r '.nodes[]|"\(.id) \(.cpus|length) \(.memory_total/1024|floor) \(.devices|length)"')
	xml=$(cut -d' ' -f1 <<<"$json" | while read -r id; do
		cell="//cell[@id=$id]"
		xmllint --xpath "concat($cell/@id,' ',count($cell/cpus/cpu),' ',$cell/memory/@size,' ',count($cell/devices/device))" "$3"
	done)
	same "$1" "$xml" "$json"
}

# host NAME SOURCE
host() {
	"$vnuma" topology --host "$2" --format xml >"$work/host.xml" || not_ok "$1 as XML"
	valid "$1 as XML" "$work/host.xml"
	agrees "$1 as XML and JSON" "$2" "$work/host.xml"
}

if ! command -v xmllint >/dev/null; then
	skip "XML" "no xmllint"
	finish
	exit
fi

host "this machine" live
for file in lab/shapes/*.txt tests/fixtures/numactl/*.txt; do
	host "$file" "numactl:$file"
done
for file in tests/fixtures/hosts/*.tar.bz2; do
	host "$(basename "$file")" "tar:$file"
done
for file in fuzz/corpus/hwloc/*.xml; do
	host "hwloc's $(basename "$file")" "hwloc:$file"
done
if [ -d "$shared/data" ]; then
	for file in "$shared"/data/hwloc/*.xml; do
		host "$(basename "$file")" "hwloc:$file"
	done
	for file in "$shared"/data/numactl/*.txt; do
		host "$(basename "$file")" "numactl:$file"
	done
	for file in "$shared"/data/hwloc/*.tar.bz2; do
		tree=$work/$(basename "$file" .tar.bz2)
		[ -d "$tree" ] || { mkdir "$tree" && tar -xjf "$file" -C "$tree" --strip-components=1 2>/dev/null; }
		host "$(basename "$file")" "sysfs:$tree"
	done
else
	skip "published machines" "no $shared/data"
fi

# The form of 2007, from a host of which a numactl text tells more: what a reader of that time looks for.
expect "two nodes" 0 "$vnuma" topology --host $two --format xml
cat >"$work/two.xml" <<<"$out"
same "a flat host has one level" "$(xmllint --xpath 'count(//cells)' "$work/two.xml")" 1
same "cells by id" "$(xmllint --xpath 'concat(/topology/cells/@num," ",/topology/cells/cell[2]/@id)' "$work/two.xml")" "2 1"
same "memory in KiB" "$(xmllint --xpath 'string(//cell[@id=0]/memory/@size)' "$work/two.xml")" 4194304
same "distances by id" "$(xmllint --xpath 'string(//cell[@id=0]/distances/sibling[@id=1]/@value)' "$work/two.xml")" 21
same "what is not known is left out" "$(xmllint --xpath 'count(//@package|//@siblings|//@kind|//pages|//hmat)' "$work/two.xml")" 0

# ---- the schema is no rubber stamp ----

# The thread's own examples pass.
cat >"$work/2007.xml" <<'X'
<topology>
  <cells num='2'>
    <cell id='0'>
      <cpus num='2'><cpu id='0'/><cpu id='1'/></cpus>
      <memory size='2097152'/>
    </cell>
    <cell id='1'>
      <cpus num='2'><cpu id='2'/><cpu id='3'/></cpus>
      <memory size='2097152'/>
    </cell>
  </cells>
</topology>
X
valid "the example of 2007" "$work/2007.xml"

cat >"$work/good.xml" <<'X'
<topology>
  <cells num='2'>
    <cells num='1' level='package' id='0'>
      <cell id='0'>
        <cpus num='1'><cpu id='0' package='0' siblings='0,4-5'/></cpus>
        <memory size='2097152' free='0' kind='dram'/>
        <pages size='2048' unit='KiB' total='1' free='1' surplus='0'/>
        <distances><sibling id='0' value='10'/></distances>
        <devices num='1'>
          <device address='0000:3b:00.0' class='0x020000' vendor='0x8086' device='0x1572' local_cpus=''/>
        </devices>
      </cell>
    </cells>
    <cell id='8'><cpus num='0'/><memory size='0'/></cell>
  </cells>
  <offline cpus='1-3'/>
  <note code='a-note'>text</note>
</topology>
X
valid "a document with a bit of everything" "$work/good.xml"

# refused WHAT SED: the same document, changed in one place, must not pass.
refused() {
	sed -E "$2" "$work/good.xml" >"$work/bad.xml"
	if cmp -s "$work/good.xml" "$work/bad.xml"; then
		not_ok "refused: $1" "the change changes nothing: $2"
	elif ! xmllint --noout "$work/bad.xml" 2>/dev/null; then
		not_ok "refused: $1" "no XML any more: $2"
	elif xmllint --noout --relaxng $schema "$work/bad.xml" 2>/dev/null; then
		not_ok "refused: $1" "the schema takes it"
	else
		ok "refused: $1"
	fi
}

refused "a cell without id" "s/<cell id='8'>/<cell>/"
refused "a cell id that is no number" "s/cell id='8'/cell id='x'/"
refused "a cell id above any of the kernel's" "s/cell id='8'/cell id='1024'/"
refused "an unknown attribute" "s/<cell id='8'>/<cell id='8' colour='red'>/"
refused "an unknown element" "s/<offline cpus='1-3'\/>/<surprise\/>/"
refused "a negative size" "s/size='2097152'/size='-1'/"
refused "a size with a unit" "s/size='2097152'/size='2097152 KiB'/"
refused "a fraction of a KiB" "s/size='2097152'/size='1.5'/"
refused "an empty size" "s/size='2097152'/size=''/"
refused "a size above 64 bits" "s/size='2097152'/size='18446744073709551616'/"
refused "a cell without memory element" "s/<memory size='0'\/>//"
refused "a cell without cpus element" "s/<cpus num='0'\/>//"
refused "cpus without num" "s/<cpus num='0'\/>/<cpus\/>/"
refused "memory ahead of the CPUs" "s/(<cpus num='0'\/>)(<memory size='0'\/>)/\2\1/"
refused "an unknown kind of memory" "s/kind='dram'/kind='ram'/"
refused "a list that runs backwards into nothing" "s/siblings='0,4-5'/siblings='0,4-'/"
refused "a list with a blank" "s/siblings='0,4-5'/siblings='0, 4-5'/"
refused "an empty list of siblings" "s/siblings='0,4-5'/siblings=''/"
refused "a distance of 0" "s/value='10'/value='0'/"
refused "a distance of 256" "s/value='10'/value='256'/"
refused "a level of no known name" "s/level='package'/level='rack'/"
refused "a group without id" "s/level='package' id='0'/level='package'/"
refused "a distance of a package" "s/level='package'/level='package' distance='12'/"
refused "a group of distance without its distance" "s/level='package'/level='distance'/"
refused "huge pages without their size" "s/<pages size='2048'/<pages/"
refused "huge pages in another unit" "s/unit='KiB'/unit='MiB'/"
refused "a PCI address with letters beyond f" "s/0000:3b:00.0/0000:3g:00.0/"
refused "a class of four digits" "s/0x020000/0x0200/"
refused "an offline element that names nothing" "s/<offline cpus='1-3'\/>/<offline\/>/"
refused "a note without code" "s/ code='a-note'//"
refused "text among the cells" "s/<cells num='2'>/<cells num='2'>two:/"
refused "no cells at all" "/<cell id='8'>/d; /<cells num='1'/,/<\/cells>/d"

finish
