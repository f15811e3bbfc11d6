#!/bin/bash
# tests/xl.t: configs in, configs for Xen out: what is about NUMA is the plan's, every other byte as it was.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
work=$tap_work/xl
mkdir "$work"
two=numactl:lab/shapes/two-nodes.txt

# written NAME FILE : the config that comes of FILE, in $out; it comes of itself, too.
written() {
	expect "$1" 0 "$vnuma" plan "$2" --host "$two" --to xl
	cp "$tap_work/out" "$work/again.cfg"
	local first=$out notes=$err
	expect "$1: what was written is read" 0 "$vnuma" plan "$work/again.cfg" --host "$two" --to xl
	same "$1: and gives itself" "$out" "$first"
	err=$notes
}

written "rc9" examples/rc9.cfg
same "rc9: lines that are not about vnodes stay" "$(grep -E '^(#|name|memory|vcpus)' <<<"$out")" "$(grep -E '^(#|name|memory|vcpus)' examples/rc9.cfg)"
like "rc9: HVM, which alone has vNUMA" "$out" '^type = "hvm"$'
like "rc9: vnode 0 as the thread has it" "$out" '^vnuma = \[ \["pnode=1", "size=2048", "vcpus=1,3", "vdistances=10,40"\],$'
like "rc9: vnode 1" "$out" '^          \["pnode=0", "size=2048", "vcpus=0,2", "vdistances=40,10"\] \]$'
unlike "rc9: the first dialect is gone" "$out" '^(vnuma_|vnodes|vnumamem|vdistance)'
like "rc9: a note on migration" "$err" 'xl-no-migration'
expect "rc9: its plan" 0 "$vnuma" plan examples/rc9.cfg --host "$two" --json
json "rc9: CPUs by vCPU" '[.vcpus[].cpus | length > 0] | all' true
pins=$(jq -r '[.vcpus[].cpus | "\(.[0])-\(.[-1])"] | map("\"" + . + "\"") | join(", ")' <<<"$out")
like "rc9: are the pins" "$(<"$work/again.cfg")" "^cpus = \[ $pins \]$"

cat >"$work/dressed.cfg" <<'CFG'
# a guest of ours
name = "dressed"; builder = "hvm"   # old style
uuid="c7a5fdb2-cdaf-9455-926a-d65c16db1809"
vnode = 2      # two
vcpu = [0-1:1,
        2-3:0]  # by hand
memory = [128:1, 128:0]
policy = 'spread'

on_crash = "restart"
maxmem = 256
cpus = "all"
CFG
written "second dialect" "$work/dressed.cfg"
same "second dialect: all of it" "$out" '# a guest of ours
name = "dressed"; builder = "hvm"   # old style
uuid="c7a5fdb2-cdaf-9455-926a-d65c16db1809"
      # two
  # by hand
memory = 256
policy = '"'spread'"'

on_crash = "restart"
maxmem = 256
cpus = '"$(sed -n 's/^cpus = //p' "$work/again.cfg")"'
vcpus = 4
vnuma = [ ["pnode=1", "size=128", "vcpus=0-1", "vdistances=10,20"],
          ["pnode=0", "size=128", "vcpus=2-3", "vdistances=20,10"] ]'

printf 'name = "open"\nmemory = 64\nvcpus = 2\n' >"$work/open.cfg"
written "vnodes left open" "$work/open.cfg"
unlike "vnodes left open: one needs no vnuma, which would end its migration" "$out" '^vnuma|^type'
like "vnodes left open: its CPUs bring it home" "$out" '^cpus = '
printf 'name = "old"\r\nmemory = 64\r\nguest_numa = "off"\r\nvcpus = 2' >"$work/old.cfg"
written "an old guest" "$work/old.cfg"
unlike "an old guest: told of no node" "$out" vnuma
like "an old guest: pinned" "$out" '^cpus = '
sed -i 's/^maxmem.*/maxmem = 999/' "$work/dressed.cfg"
expect "more maxmem than memory" 2 "$vnuma" plan "$work/dressed.cfg" --host "$two" --to xl
like "more maxmem than memory: Xen would refuse it" "$err" "maxmem is 999 MiB"
printf 'name = "p"\nmemory = 64\nvcpus = 2\ntype = "pv"\n' >"$work/pv.cfg"
expect "a PV guest of one vnode" 0 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
unlike "a PV guest of one vnode: is told of none" "$out" vnuma
echo "vnodes = 2" >>"$work/pv.cfg"
expect "a PV guest" 2 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
like "a PV guest: Xen would refuse it" "$err" 'pv.cfg:4: type: "pv" seen; expected "hvm"'
sed -i 's/^type.*/builder = "generic"/' "$work/pv.cfg"
expect "a PV guest, old style" 2 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
sed -i '/vnodes/d' "$work/pv.cfg"
echo 'guest_numa = "off"' >>"$work/pv.cfg"
expect "a PV guest that is told of no vnodes" 0 "$vnuma" plan "$work/pv.cfg" --host "$two" --to xl
printf '%s\n' "qemu-system-x86_64 -name q -m 128 -smp 2 -kernel /k -append 'say=\"it'\\''s\" c:\d'" >"$work/q.sh"
written "strings" "$work/q.sh"
like "strings: escaped as xl reads them" "$out" '^extra = "say=\\"it'"'"'s\\" c:\\\\d"$'
printf 'name = "x"\nmemory = 9999999\n' >"$work/large.cfg"
expect "no room" 1 "$vnuma" plan "$work/large.cfg" --host "$two" --to xl
same "no room: no config" "$out" ""
printf 'name = "h"\nmemory = 64\nvcpus = 4\nthreads = 2\nvnuma = [["size=64", "vcpus=0-3"]]\n' >"$work/threads.cfg"
written "threads" "$work/threads.cfg"
like "threads: Xen has no word for them" "$err" 'xl-threads'

fullvirt=${VNUMA_SHARED:-/nowhere}/data/libvirt/test-fullvirt-vnuma.cfg
if [ -f "$fullvirt" ]; then
	expect "libvirt's own config" 0 "$vnuma" plan "$fullvirt" --host "synthetic:node:4(memory=4GiB) core:4 pu:1" --to xl
	same "libvirt's own config: all but vnuma and cpus as it was" "$(grep -vE '^(vnuma|cpus|  )' <<<"$out")" "$(grep -v '^vnuma' "$fullvirt")"
	same "libvirt's own config: its homes are kept" "$(grep -oE 'pnode=[0-9]' <<<"$out" | tr -dc '0-9')" 0123
else
	skip "libvirt's own config" "no shared data"
fi
finish
