#!/bin/bash
# tests/libvirt.t: domains on the command line, and docs/libvirt.md's example, which is what the program does.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
host='synthetic:NUMANode:4(memory=4GB) Core:4 PU:1'
# block LANGUAGE : the first such block of the document
block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/{//d;p}" docs/libvirt.md; }

block xml >"$tap_work/shop.xml"
expect "the document's domain is planned" 0 "$vnuma" plan "$tap_work/shop.xml" --host "$host" --to libvirt
printf '%s\n' "$out" >"$tap_work/planned.xml"
same "and changes as the document says" "$(diff -u "$tap_work/shop.xml" "$tap_work/planned.xml" | tail -n +3)" "$(block diff)"
like "that numad is not asked any more is told" "$err" '\[placement-replaced\]'
expect "planned again" 0 "$vnuma" plan "$tap_work/planned.xml" --host "$host" --to libvirt
same "it is the same" "$out" "$(<"$tap_work/planned.xml")"
like "its pins are told to be replaced" "$err" 'cputune: 9 pins, which'
expect "as text" 0 "$vnuma" plan "$tap_work/planned.xml" --host "$host"
like "with its vnodes" "$out" '^ +1 +3 GiB +3-5 +1 +4-7$'

sed 's/<domain/<!DOCTYPE d [<!ENTITY a "b">]>&/' "$tap_work/shop.xml" >"$tap_work/bad.xml"
expect "a document type is refused" 2 "$vnuma" plan "$tap_work/bad.xml" --host "$host"
like "at its line" "$err" 'bad.xml:1: a document type declaration'
sed "s/<vcpu.*/<vcpu>0<\/vcpu><numatune><memory nodeset='9,^9'\/><\/numatune>/" "$tap_work/shop.xml" >"$tap_work/bad.xml"
expect "wrong values are refused" 2 "$vnuma" plan "$tap_work/bad.xml" --host "$host"
same "all of them" "$(grep -c '^vnuma: .*/bad.xml:5: ' <<<"$err")" 2
sed "s/<vcpu.*/<vcpu>1<\/vcpu><numatune><memory nodeset='999'\/><\/numatune>/" "$tap_work/shop.xml" >"$tap_work/bad.xml"
expect "a node that the host has not" 2 "$vnuma" plan "$tap_work/bad.xml" --host "$host"
like "is named" "$err" 'bad.xml:5: numatune/memory: .*999'
expect "--json contradicts a domain" 2 "$vnuma" plan "$tap_work/shop.xml" --host "$host" --to libvirt --json
expect "one domain is of one guest" 2 "$vnuma" plan "$tap_work/shop.xml" examples/rc9.cfg --host "$host" --to libvirt
expect "a config becomes a domain" 0 "$vnuma" plan examples/rc9.cfg --host "$host" --to libvirt
like "with its cells where they were told to be" "$out" "<memnode cellid='0' mode='preferred' nodeset='1'/>"

# What another form has no words for is told, with its lines; the own form loses nothing.
expect "the domain as a command line" 0 "$vnuma" plan "$tap_work/shop.xml" --host "$host" --to qemu
like "tells what it leaves out" "$err" 'not carried over into the command line: .*interface.*line [0-9]+.*\[conversion-leaves-out\]'
expect "for a libvirt that maps queues" 0 "$vnuma" plan "$tap_work/shop.xml" --host "$host" --to libvirt --target-version 10.0
like "queues are dealt out" "$out" "<queue id='0'/>"
same "and nothing is left out" "$(grep -c 'conversion-leaves-out' <<<"$err")" 0

# What a domain says of nodes is kept, unless it is told to be forgotten.
cat >"$tap_work/tied.xml" <<'XML'
<domain type='kvm'>
  <name>tied</name>
  <memory unit='GiB'>6</memory>
  <vcpu>6</vcpu>
  <numatune>
    <memory mode='strict' nodeset='2-3'/>
    <memnode cellid='0' mode='strict' nodeset='3'/>
  </numatune>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <cpu><numa><cell cpus='0-2' memory='3' unit='GiB'/><cell cpus='3-5' memory='3' unit='GiB'/></numa></cpu>
  <devices><controller type='scsi' index='0' model='virtio-scsi'/></devices>
</domain>
XML
expect "a domain that is tied" 0 "$vnuma" plan "$tap_work/tied.xml" --host "$host" --to libvirt
like "keeps its node" "$out" "<memnode cellid='0' mode='strict' nodeset='3'/>"
like "and its vCPUs are there" "$out" "<vcpupin vcpu='0' cpuset='12-15'/>"
# an iothread and an address both go into the controller, which had nothing in it
printf '%s\n' "$out" >"$tap_work/tied.planned.xml"
expect "what is written is a domain" 0 "$vnuma" plan "$tap_work/tied.planned.xml" --host "$host" --to libvirt
same "and the same" "$out" "$(<"$tap_work/tied.planned.xml")"
expect "told to forget" 0 "$vnuma" plan "$tap_work/tied.xml" --host "$host" --rehome --to libvirt
like "its memory goes with its vCPUs" "$out" "<memnode cellid='0' mode='strict' nodeset='0'/>"
like "and all of it" "$out" "<memory mode='strict' nodeset='0-1'/>"
like "vCPUs are there" "$out" "<vcpupin vcpu='0' cpuset='0-3'/>"

# ---- a node without memory ----

odd=numactl:lab/shapes/odd-nodes.txt
printf '%s\n' 'name = "odd"' 'memory = 4096' 'vcpus = 6' >"$tap_work/odd.cfg"
expect "a config may have a vnode without memory" 0 "$vnuma" plan "$tap_work/odd.cfg" --host "$odd" --json
json "and has" '[.vnodes[] | select(.memory == 0)] | length' 1
expect "but none as a domain" 0 "$vnuma" plan "$tap_work/odd.cfg" --host "$odd" --to libvirt
same "cells have memory" "$(grep -c '<cell ' <<<"$out") $(grep -c "memory='0'" <<<"$out")" "2 0"
finish
