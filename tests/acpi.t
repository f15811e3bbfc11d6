#!/bin/bash
# tests/acpi.t: vnuma acpi: which files it writes and when it writes none, its messages and its JSON. What is in the tables is for
# test_acpi.c, test_acpi_oracle.c and tests/lab/acpi.t.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
export VNUMA_STATE_DIR=$work/state
two=numactl:lab/shapes/two-nodes.txt
dir=$work/tables

# cfg NAME LINE... : a config file.
cfg() {
	local file=$work/$1.cfg
	shift
	printf '%s\n' 'name = "guest"' "$@" >"$file"
}

# files : what is in the folder, hidden ones too.
files() { find "$dir" -mindepth 1 -printf '%P\n' | sort | tr '\n' ' '; }

cfg one 'memory = 512' 'vcpus = 4' 'vnodes = 2' 'vnuma_vcpumap = [1, 1, 0, 0]' 'maxmem = 1024'
cfg open 'memory = 64' 'vcpus = 2'
cfg large 'memory = 4000000' 'vcpus = 2'
cfg off 'memory = 64' 'vcpus = 2' 'guest_numa = "off"'

# ---- what is written ----

expect "a guest with vnodes" 0 "$vnuma" acpi "$work/one.cfg" -o "$dir"
same "has an SRAT and a SLIT" "$(files)" "SLIT.aml SRAT.aml "
same "of 48 + 4 * 16 + 4 * 40 and 44 + 4 bytes" "$(stat -c %s "$dir/SRAT.aml" "$dir/SLIT.aml" | tr '\n' ' ')" "272 48 "
same "whose bytes sum to 0" "$(for f in "$dir"/*; do od -An -tu1 -v -w1 "$f" | awk '{ s += $1 } END { print s % 256 }'; done | tr '\n' ' ')" "0 0 "
same "readable as the umask has it" "$(stat -c %a "$dir/SRAT.aml")" "$(printf '%o' $((0666 & ~$(umask))))"
like "vnodes are told with their nodes" "$out" '^ +0 +1 +256 MiB +2-3$'
like "and ranges of memory" "$out" '^0x000010000000 - 0x000020000000 +256 MiB +1$'
like "and where it is plugged in" "$out" '^0x000100000000 - 0x000520000000 .* 1  to plug in$'
unlike "no host is asked" "$err" .
expect "in the config's order" 0 "$vnuma" acpi "$work/one.cfg" --output="$dir" --order vnode --json
json "node 0 is vnode 0" '[.vnodes[] | [.id, .node, .vcpus]]' '[[0,0,[2,3]],[1,1,[0,1]]]'
json "with a schema" '[.schema, .guest]' '["vnuma.acpi/1","guest"]'
json "files" '[.files[] | [.signature, (.file | split("/")[-2:]), .size]]' \
	'[["SRAT",["tables","SRAT.aml"],272],["SLIT",["tables","SLIT.aml"],48]]'
json "ranges in bytes" '.ranges[1]' '{"base":1048576,"size":267386880,"vnode":0,"pluggable":false}'
json "and warnings" '.warnings' '[]'
expect "as pc has it" 0 "$vnuma" acpi "$work/one.cfg" -o "$dir" --machine pc
expect "on a machine of one's own" 0 "$vnuma" acpi "$work/one.cfg" -o "$dir" --low-end 256 --high-start 512 --json
json "the second vnode is where that says" '.ranges[2].base' 536870912
if command -v iasl >/dev/null; then
	expect "iasl takes the SRAT" 0 bash -c "cd '$dir' && iasl -d SRAT.aml"
	unlike "without a warning" "$out$err" 'Warning|Error'
	rm -f "$dir"/*.dsl
else
	skip "iasl takes the SRAT" "no iasl"
fi

# ---- vnodes left open ----

expect "are made for a host" 0 "$vnuma" acpi "$work/open.cfg" -o "$dir" --host "$two" --json
json "as plan makes them" '.vnodes | length' "$("$vnuma" plan "$work/open.cfg" --host "$two" --json | jq '.vnodes | length')"
cp "$dir/SRAT.aml" "$work/before"
expect "which has no room" 1 "$vnuma" acpi "$work/large.cfg" -o "$dir" --host "$two"
like "and it says why" "$err" '^vnuma: no plan: '
same "then nothing is written" "$(cmp "$dir/SRAT.aml" "$work/before" && files)" "SLIT.aml SRAT.aml "

# ---- refused ----

expect "all that is wrong at once" 2 "$vnuma" acpi "$work/one.cfg" --machine microvm --order cpu --low-end 1
like "no folder" "$err" '^vnuma: -o: no folder'
like "the machine" "$err" "^vnuma: --machine: 'microvm' seen; expected q35 or pc"
like "the order" "$err" "^vnuma: --order: 'cpu' seen; expected vcpu or vnode"
like "half a layout" "$err" '^vnuma: --low-end: given alone'
expect "a machine with figures" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir" --machine pc --low-end 1x --high-start 4097
like "contradicts them" "$err" '^vnuma: --machine: contradicts'
like "figures are numbers" "$err" "^vnuma: --low-end: '1x' seen; expected MiB"
expect "an AMD CPU is QEMU's affair" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir" --amd --low-end 1 --high-start 4096
like "and contradicts figures, too" "$err" '^vnuma: --amd: contradicts'
expect "memory that overlaps" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir" --low-end 2048 --high-start 1024
like "is told" "$err" 'high_start: 0x40000000 is below low_end, 0x80000000'
expect "a guest that is told of no nodes" 2 "$vnuma" acpi "$work/off.cfg" -o "$dir"
like "has no tables" "$err" "guest_numa: 'off'"
expect "-o without a folder" 2 "$vnuma" acpi "$work/one.cfg" -o
expect "-o twice" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir" --output "$dir"
expect "-o is of this verb" 2 "$vnuma" plan "$work/one.cfg" -o "$dir"
expect "a folder in a folder that is not there" 3 "$vnuma" acpi "$work/one.cfg" -o "$work/none/here"
expect "a file for a folder" 3 "$vnuma" acpi "$work/one.cfg" -o "$work/one.cfg"
same "in all this nothing was written" "$(cmp "$dir/SRAT.aml" "$work/before" && files)" "SLIT.aml SRAT.aml "

# ---- the guest's own machine ----

# domain MACHINE : a domain of 4 GiB that has it
domain() {
	printf "<domain type='kvm'><name>d</name><memory unit='GiB'>4</memory><vcpu>2</vcpu><os><type arch='x86_64'%s>hvm</type></os>" "${1:+ machine='$1'}"
	printf "<cpu><numa><cell id='0' cpus='0-1' memory='4' unit='GiB'/></numa></cpu></domain>"
}
above='[.ranges[] | select(.base == 4294967296 and (.pluggable | not)).size]'
for machine in pc pc-i440fx-6.1 pc-i440fx-rhel7.6.0; do
	domain "$machine" >"$work/own.xml"
	expect "a domain with $machine" 0 "$vnuma" acpi "$work/own.xml" -o "$work/own" --json
	json "has its memory as pc has it" "$above" '[1073741824]'
done
expect "and contradicted" 2 "$vnuma" acpi "$work/own.xml" -o "$work/own" --machine q35
like "refuses that" "$err" "machine: q35 seen, but the guest's own is 'pc', .*expected pc, or none"
domain pc-q35-7.2 >"$work/own.xml"
expect "a domain with q35" 0 "$vnuma" acpi "$work/own.xml" -o "$work/own" --json
json "has it as q35 has it" "$above" '[2147483648]'
expect "and contradicted" 2 "$vnuma" acpi "$work/own.xml" -o "$work/own" --machine pc
expect "but not by figures" 0 "$vnuma" acpi "$work/own.xml" -o "$work/own" --low-end 1024 --high-start 4096
domain microvm >"$work/own.xml"
expect "a machine of another family" 2 "$vnuma" acpi "$work/own.xml" -o "$work/own"
like "is not known" "$err" "own.xml: machine: neither pc's nor q35's"
expect "unless one is named" 0 "$vnuma" acpi "$work/own.xml" -o "$work/own" --machine pc
domain >"$work/own.xml"
expect "a domain without a machine" 0 "$vnuma" acpi "$work/own.xml" -o "$work/own" --json
json "has libvirt's default" "$above" '[1073741824]'
json "and is told so" '[.warnings[].code]' '["acpi-machine"]'
echo 'qemu-system-x86_64 -M pc-i440fx-6.1 -smp 2 -m 4G -object memory-backend-ram,id=m,size=4G -numa node,cpus=0-1,memdev=m' >"$work/own.args"
expect "a command line" 0 "$vnuma" acpi "$work/own.args" -o "$work/own" --json
json "has its own, too" "$above" '[1073741824]'
echo 'qemu-system-x86_64 -M microvm -smp 2 -m 4G -object memory-backend-ram,id=m,size=4G -numa node,cpus=0-1,memdev=m' >"$work/own.args"
expect "or one that is not known" 2 "$vnuma" acpi "$work/own.args" -o "$work/own"

# ---- nothing half done ----

# the limit is for files, so what it says goes through a pipe
expect "a write that fails" 3 bash -c "(trap '' XFSZ; ulimit -f 0; exec '$vnuma' acpi '$work/one.cfg' -o '$dir') 2>&1 | cat; exit \${PIPESTATUS[0]}"
like "is told with its file" "$out" 'SRAT.aml.*: cannot write it: File too large'
same "leaves what was there" "$(cmp "$dir/SRAT.aml" "$work/before" && files)" "SLIT.aml SRAT.aml "
echo "not a table" >"$dir/HMAT.aml"
expect "what is not ours is in the way" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir"
like "and named" "$err" "^vnuma: -o: HMAT.aml is there and no HMAT of vnuma's"
same "and left" "$(<"$dir/HMAT.aml") $(cmp "$dir/SRAT.aml" "$work/before" && files)" "not a table HMAT.aml SLIT.aml SRAT.aml "
{ printf HMAT && tail -c +5 "$dir/SLIT.aml"; } >"$dir/HMAT.new" && mv "$dir/HMAT.new" "$dir/HMAT.aml"
expect "an HMAT of ours from an earlier time" 0 "$vnuma" acpi "$work/one.cfg" -o "$dir"
same "goes when there is none any more" "$(files)" "SLIT.aml SRAT.aml "
rm "$dir/SLIT.aml" && mkdir "$dir/SLIT.aml"
expect "a folder in the way" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir"
rmdir "$dir/SLIT.aml" && ln -s "$work/one.cfg" "$dir/SLIT.aml"
expect "a link in the way" 2 "$vnuma" acpi "$work/one.cfg" -o "$dir"
like "is not followed" "$(head -n 1 "$work/one.cfg")" '^name'

# ---- what the host tells of latencies ----

told=tar:tests/fixtures/hosts/hmat.tar.bz2
# hmat_lines KEYS...: the HMAT of a guest with those keys, as QEMU is told it; the vnodes' homes are nodes 0, 1 and 2, which has no CPUs
hmat_lines() {
	printf '%s\n' 'name="h"' 'memory=192' 'vcpus=2' 'vnodes=3' 'vnuma_vcpumap=[0,1]' 'vnuma_vnodemap=[0,1,2]' "$@" >"$work/h.cfg"
	expect "a guest with ${*:-no wish}" 0 "$vnuma" plan "$work/h.cfg" --host "$told" --to qemu
	lines=$(grep -o 'hmat-lb.*' <<<"$out" | sed 's/ .$//')
}
hmat_lines
same "is told of no latencies" "$lines" ""
hmat_lines 'vnuma_hmat="none"'
same "is told of none" "$lines" ""
hmat_lines 'vnuma_hmat="host"'
same "is told each kind, from each vnode with vCPUs to each" "$(wc -l <<<"$lines")" 24
# what the fixture's HMAT says, see tests/fixtures/hosts/hmat.shape
same "latencies" "$(sed -n 's/.*initiator=\(.\),target=\(.\),.*read-latency,latency=/\1 \2 /p' <<<"$lines" | paste -sd,)" \
	"0 0 80,0 1 140,0 2 350,1 0 145,1 1 85,1 2 250"
same "bandwidths" "$(sed -n 's/.*initiator=\(.\),target=\(.\),.*write-bandwidth,bandwidth=/\1 \2 /p' <<<"$lines" | paste -sd,)" \
	"0 0 81920M,0 1 30720M,0 2 5120M,1 0 30720M,1 1 81920M,1 2 8192M"
expect "a table of it" 0 "$vnuma" acpi "$work/h.cfg" --host "$told" -o "$work/told" --json
json "is made" '[.files[].signature]' '["SRAT","SLIT","HMAT"]'
sed -i 's/^vnuma_vnodemap.*/vnuma_vnodemap=[1,0,2]/' "$work/h.cfg"
expect "other homes" 0 "$vnuma" plan "$work/h.cfg" --host "$told" --to qemu
like "have other latencies" "$out" "hmat-lb,initiator=0,target=2,.*read-latency,latency=250 "
expect "a host without any" 0 "$vnuma" plan "$work/h.cfg" --host "synthetic:numa:3(memory=1073741824) core:2 pu:1" --json
json "is a note" '[.warnings[]|select(.code=="hmat-unknown")]|length' 1
echo 'guest_numa="off"' >>"$work/h.cfg"
sed -i '/^vn.*[[]\|^vnodes/d' "$work/h.cfg"
expect "a guest that is told of no nodes" 0 "$vnuma" plan "$work/h.cfg" --host "$told" --json
json "neither" '[.warnings[]|select(.code=="hmat-unknown")]|length' 1
expect "another wish" 2 "$vnuma" plan <(sed 's/"host"/"guest"/' "$work/h.cfg") --host "$told"
like "is refused" "$err" 'vnuma_hmat: "guest" seen; expected "none" or "host"'
finish
