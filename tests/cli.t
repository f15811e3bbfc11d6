#!/bin/bash
# tests/cli.t: the program as its users meet it: exit status, messages, JSON keys. Needs nothing but a built vnuma ($VNUMA).
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}
export VNUMA_STATE_DIR=$work/state

two=numactl:lab/shapes/two-nodes.txt

cat >"$work/big.txt" <<'H'
# Two nodes with room for two vnodes of 4 GiB on each
available: 2 nodes (0-1)
node 0 cpus: 0 1 2 3
node 0 size: 10000 MB
node 0 free: 9000 MB
node 1 cpus: 4 5 6 7
node 1 size: 10000 MB
node 1 free: 9000 MB
node distances:
node   0   1
  0:  10  21
  1:  21  10
H

# cfg NAME LINE... : a config file.
cfg() {
	local file=$work/$1
	shift
	printf '%s\n' "$@" >"$file"
}

# ---- usage ----

expect "no verb is a usage error" 2 "$vnuma"
like "and lists the verbs" "$err" "^  plan GUEST"
expect "help" 0 "$vnuma" help
for verb in topology free plan acpi run list show stop verify audit top dump move moves undo io; do
	expect "help $verb" 0 "$vnuma" help "$verb"
	like "help $verb tells its options" "$out" "--json"
done
expect "an unknown verb" 2 "$vnuma" frobnicate
like "is named" "$err" "'frobnicate' is no verb"
expect "an unknown option" 2 "$vnuma" topology --frob
like "is named with its verb" "$err" "--frob: no option of 'vnuma topology'"
expect "an option without its value" 2 "$vnuma" topology --host
expect "an option given twice" 2 "$vnuma" topology --host live --host live
expect "too many operands" 2 "$vnuma" list one two
expect "an operand where none is taken" 2 "$vnuma" topology extra
same "tells the usage, and no blank behind it" "$err" "vnuma: 1 operand; usage: vnuma topology"
expect "version" 0 "$vnuma" version
expect "a closed standard output is an error" 3 bash -c "'$vnuma' topology >/dev/full"
expect "errors as JSON" 2 "$vnuma" plan "$work/none.cfg" --json
json "have a schema" .schema '"vnuma.error/1"'
json "and list each problem" '.errors|length' 1

# ---- topology, free ----

expect "this machine, live" 0 "$vnuma" topology --json
json "schema" .schema '"vnuma.topology/1"'
json "nodes have the promised keys" '.nodes[0]|[has("id","cpus","memory_total","memory_free","hugepages","distances","devices")]|all' true
json "cpus have the promised keys" '.cpus[0]|[has("id","node","core","package","l3","siblings")]|all' true
if [ "$(id -u)" = 0 ]; then
	cp "$vnuma" "$work/vnuma" && chmod 755 "$tap_work" "$work/vnuma"
	expect "unprivileged" 0 setpriv --reuid=65534 --regid=65534 --clear-groups "$work/vnuma" topology
else
	skip "unprivileged" "not root: everything here is unprivileged"
fi
expect "a numactl text" 0 "$vnuma" topology --host $two --json
json "node ids" '[.nodes[].id]' '[0,1]'
json "distances by id" '.nodes[1].distances' '{"0":21,"1":10}'
json "sizes in bytes" '.nodes[0].memory_total' 4294967296
expect "a source that is not there" 2 "$vnuma" topology --host numactl:/nonexistent
like "names the file" "$err" "/nonexistent"
expect "a source of no known form" 2 "$vnuma" topology --host foo:bar
expect "a folder as numactl text" 2 "$vnuma" topology --host "numactl:$work"
"$vnuma" topology --host $two --json >"$work/two.json"
expect "our own JSON" 0 "$vnuma" topology --host "json:$work/two.json" --json
same "is printed again byte for byte" "$out" "$(<"$work/two.json")"
"$vnuma" topology --json >"$work/here.json"
expect "this machine's, too" 0 "$vnuma" topology --host "json:$work/here.json" --json
same "though it is not live any more" "$out" "$(<"$work/here.json")"
echo '{"nodes": [{"id": 0, "cpus": [0], "memory_total": -1, "distances": {"7": 10}}], "live": 1}' >"$work/bad.json"
expect "JSON that is wrong" 2 "$vnuma" topology --host "json:$work/bad.json"
like "tells where" "$err" "bad.json:? *nodes\[0\].memory_total: -1; expected bytes"
like "all of it" "$err" "nodes\[0\].distances.7: "
same "a line each" "$(wc -l <<<"$err")" 3
printf '{\n"nodes": [\n' >"$work/cut.json"
expect "JSON that is cut off" 2 "$vnuma" topology --host "json:$work/cut.json"
like "names the line" "$err" "cut.json:3: "
expect "free of a cell" 0 "$vnuma" free 1 --host $two --json
json "only that cell" '[.nodes[].id]' '[1]'
expect "free of a cell that is not there" 2 "$vnuma" free 7 --host $two
like "names it" "$err" "7"
expect "free of no list" 2 "$vnuma" free 1- --host $two

# ---- plan: the examples of the background thread ----

expect "rc9 on two nodes" 0 "$vnuma" plan examples/rc9.cfg --host $two --json
json "homes are kept" .homes '[1,0]'
json "feasible and proven" '[.feasible,.optimal]' '[true,true]'
json "guest node 0 is vnode 1 with CPUs 0 2" '.guest_view.nodes[0]|[.id,.vnode,.cpus,.distances]' '[0,1,[0,2],[10,40]]'
json "guest node 1 is vnode 0 with CPUs 1 3" '.guest_view.nodes[1]|[.id,.vnode,.cpus,.distances]' '[1,0,[1,3],[40,10]]'
json "schema" .schema '"vnuma.plan/1"'
json "promised keys" '[has("guest","feasible","optimal","homes","cost","vnodes","vcpus","guest_view","warnings")]|all' true
json "cost has its levels" '.cost|[has("spill","squeeze","distance","load","fragmentation")]|all' true
expect "rc9 in words" 0 "$vnuma" plan examples/rc9.cfg --host $two --explain
expect "rc9 as QEMU command" 0 "$vnuma" plan examples/rc9.cfg --host $two --to qemu
like "vnode 0 is bound to node 1" "$out" "id=ram0,size=2048M,host-nodes=1,policy=preferred"
like "vCPU 0 is in vnode 1" "$out" "-numa cpu,node-id=1,socket-id=0,core-id=0,thread-id=0"
like "distances go both ways" "$out" "-numa dist,src=1,dst=0,val=40"
expect "the view as numactl prints it" 0 "$vnuma" plan examples/rc9.cfg --host $two --to numactl
same "line by line" "$out" "available: 2 nodes (0-1)
node 0 cpus: 0 2
node 0 size: 2048 MB
node 1 cpus: 1 3
node 1 size: 2048 MB
node distances:
node   0   1 
  0:  10  40 
  1:  40  10 "

expect "rcbig without --defaults" 2 "$vnuma" plan tests/fixtures/cfg/rcbig.cfg --host "numactl:$work/big.txt"
same "has three errors" "$(wc -l <<<"$err")" 3
for key in vnumamem vnuma_distance vcpu_to_vnode; do
	like "one names $key with its line" "$err" "rcbig.cfg:[5-7]: $key: "
done
expect "rcbig with --defaults" 0 "$vnuma" plan tests/fixtures/cfg/rcbig.cfg --host "numactl:$work/big.txt" --defaults --json
json "homes" .homes '[0,0,1,1]'
json "4 vnodes of 4096 MiB" '[.vnodes[].memory/1048576]' '[4096,4096,4096,4096]'
json "one vCPU each" '[.vnodes[].vcpus]' '[[0],[1],[2],[3]]'
json "distances 10 and 20" '.vnodes[2].distances' '[20,20,10,20]'
json "three options replaced" '[.warnings[]|select(.code=="option-replaced")]|length' 3

cfg smt 'name = "smt"' 'memory = 64' 'vcpus = 4' 'threads = 2' 'vnodes = 2' 'vnumamem = [0, 64]' 'pci = ["3b:00.0,vnode=1"]'
expect "threads, a vnode without memory, a device" 0 "$vnuma" plan "$work/smt" --host $two --to qemu
like "two threads a core" "$out" "-smp cpus=4,maxcpus=4,sockets=2,cores=1,threads=2"
like "each where it belongs" "$out" "-numa cpu,node-id=1,socket-id=1,core-id=0,thread-id=1"
like "no memory for vnode 0" "$out" "-numa node,nodeid=0 "
like "the device" "$out" "-device vfio-pci,host=0000:3b:00.0,id=hostdev0"
expect "the guest's view of it" 0 "$vnuma" plan "$work/smt" --host $two --to numactl
like "has a node without memory" "$out" "^node 0 size: 0 MB"

# ---- plan: what cannot be ----

cfg fat 'name = "fat"' 'memory = 9000' 'vcpus = 2'
expect "more memory than there is" 1 "$vnuma" plan "$work/fat" --host $two --json
json "is infeasible" .feasible false
json "with reasons" '.reasons|length>0' true
expect "the same in words" 1 "$vnuma" plan "$work/fat" --host $two
cfg lost 'name = "a"' 'memory = 64' 'vnodes = 1' 'vnuma_vnodemap = [5]'
expect "a home that does not exist" 2 "$vnuma" plan "$work/lost" --host $two
like "is named with file, line and key" "$err" "lost:4: vnuma_vnodemap: .*5"
cfg cpuless 'name = "a"' 'memory = 64' 'vnodes = 1' 'vnuma_vnodemap = [3]'
expect "a home without CPUs" 2 "$vnuma" plan "$work/cpuless" --host numactl:lab/shapes/odd-nodes.txt
like "is named with file, line and key" "$err" "cpuless:4: vnuma_vnodemap: .*CPU"
expect "odd hosts: neither odd node becomes a home" 0 "$vnuma" plan examples/rc9.cfg --host numactl:lab/shapes/odd-nodes.txt --json
cfg free2 'name = "f"' 'memory = 4096' 'vcpus = 4' 'vnodes = 2'
expect "odd hosts: homes are chosen among nodes 0 and 1" 0 "$vnuma" plan "$work/free2" --host numactl:lab/shapes/odd-nodes.txt --json
json "both" '.homes|sort' '[0,1]'

# ---- plan: bad input ----

expect "no such file" 2 "$vnuma" plan "$work/none.cfg" --host $two
expect "a folder" 2 "$vnuma" plan "$work" --host $two
like "is called a folder" "$err" "director|folder"
head -c 10485760 /dev/zero | tr '\0' '#' >"$work/ten-megabytes"
expect "10 MB" 2 "$vnuma" plan "$work/ten-megabytes" --host $two
like "names the limit" "$err" "8388608"
head -c 2097152 "$work/ten-megabytes" >"$work/two-megabytes"
expect "2 MB of a config" 2 "$vnuma" plan "$work/two-megabytes" --host $two
like "names its limit" "$err" "1048576"
printf 'name = "a"\nmemory = 64\0\n' >"$work/nul"
expect "a NUL byte" 2 "$vnuma" plan "$work/nul" --host $two
like "is named" "$err" "NUL"
: >"$work/empty"
expect "an empty file" 2 "$vnuma" plan "$work/empty" --host $two
like "misses its name" "$err" "name: missing"
cfg umlaut 'name = "gäst"' 'memory = 64'
expect "a name outside ASCII" 2 "$vnuma" plan "$work/umlaut" --host $two
cfg many 'name = "a"' 'memory = 64' 'vnodes = 33' 'policy = "x"' 'vcpus = 0'
expect "several problems" 2 "$vnuma" plan "$work/many" --host $two
same "are all told" "$(wc -l <<<"$err")" 3

cfg split 'name = "a"' 'memory = 64' 'vcpus = 4' 'threads = 2' 'vnodes = 2' 'vnuma_vcpumap = [0,1,1,0]' 'pci = ["3b:00"]'
expect "a core on two vnodes, and half an address" 2 "$vnuma" plan "$work/split" --host $two
like "the core is named" "$err" "split:6: vnuma_vcpumap: .*vCPUs 0 and 1 are threads of one core"
like "the address is named" "$err" "split:7: pci: entry 0: .*expected a PCI function"

# ---- a search cut short ----

# 40 nodes of 8 CPUs and 24 GiB whose distances follow no pattern: nobody proves the best plan of 14 vnodes in a millisecond
awk 'BEGIN { n = 40; x = 7
	for (i = 0; i < n; i++) for (j = 0; j < i; j++) { x = (x * 75 + 74) % 65537; d[i, j] = d[j, i] = 11 + x % 80 }
	print "available: " n " nodes (0-" n - 1 ")"
	for (i = 0; i < n; i++) { d[i, i] = 10; s = ""
		for (c = 0; c < 8; c++) s = s " " i * 8 + c
		print "node " i " cpus:" s; print "node " i " size: 24576 MB"; print "node " i " free: " 12288 + i % 7 * 1024 " MB" }
	s = "node"; for (j = 0; j < n; j++) s = s " " j
	print "node distances:"; print s
	for (i = 0; i < n; i++) { s = i ":"; for (j = 0; j < n; j++) s = s " " d[i, j]; print s } }' >"$work/web"
cfg wide 'name = "wide"' 'memory = 143360' 'vcpus = 56' 'vnodes = 14' \
	"vnumamem = [$(seq -s, 9590 100 10890)]"
expect "a search of a millisecond" 0 "$vnuma" plan "$work/wide" --host numactl:"$work/web" --deadline 1
like "says what is proven" "$out" 'wide: the best plan found in the time given; its distance is proven to be within [0-9.]+% of the best possible'
expect "as JSON" 0 "$vnuma" plan "$work/wide" --host numactl:"$work/web" --deadline 1 --json
json "with its bound" '[.optimal, .bound.level, .bound.value > 0, .bound.value < .cost.distance]' '[false,"distance",true,true]'
expect "with the explanation" 0 "$vnuma" plan "$work/wide" --host numactl:"$work/web" --deadline 1 --explain
like "which claims no more" "$out" 'The time was up before it was proven that no homes are better'
cfg narrow 'name = "narrow"' 'memory = 4096' 'vcpus = 4' 'vnodes = 2'
expect "two such guests" 0 "$vnuma" plan "$work/wide" "$work/narrow" --host numactl:"$work/web" --deadline 1 --json
json "with the bound of both" '[.optimal, .bound.level, .bound.value < .cost.distance]' '[false,"distance",true]'
expect "no deadline" 0 "$vnuma" plan "$work/narrow" --host numactl:"$work/web" --deadline 0
like "is proven" "$out" 'narrow: the best plan there is'
for bad in -1 1.5 3600001 99999999999999999999 '' 10ms; do
	expect "a deadline of '$bad'" 2 "$vnuma" plan "$work/narrow" --host $two --deadline "$bad"
	like "is told" "$err" "--deadline: '$bad' seen; expected milliseconds"
done

# ---- VMs that are not there ----

expect "an empty list" 0 "$vnuma" list --json
json "schema" .schema '"vnuma.list/1"'
json "no VMs" .vms '[]'

# A QEMU that tells its version and its other words, and ends.
cat >"$work/qemu" <<'EOF'
#!/bin/sh
[ "$*" = -version ] && { echo "$QEMU_SAYS"; exit; }
printf '%s\n' "$@" >"$QEMU_WORDS"
exit 9
EOF
chmod +x "$work/qemu"
truncate -s 1M "$work/a.img"
printf 'name="asked"\nmemory=64\nvcpus=2\nvnodes=2\ndisk=["%s,raw,vda"]\n' "$work/a.img" >"$work/asked"
# run_as TEXT: what `run` gives to a QEMU that says so
run_as() {
	expect "run with a QEMU that says '$1'" 3 env VNUMA_QEMU="$work/qemu" VNUMA_STATE_DIR="$work/state" QEMU_SAYS="$1" \
		QEMU_WORDS="$work/words" "$vnuma" run "$work/asked" --accel tcg
}
run_as "QEMU emulator version 9.2.1 (Debian 1:9.2.1+ds-1)"
like "gives it what 9.2 has" "$(<"$work/words")" "iothread-vq-mapping"
run_as "QEMU emulator version 8.2.2 (qemu-kvm-8.2.2-1.el9)"
like "gives it what 8.2 has" "$(<"$work/words")" "virtio-blk-pci,drive=disk0,iothread=io0"
rm "$work/words"
run_as "QEMU emulator version nine"
like "says so" "$err" "expected 'QEMU emulator version' and a number; the command line is one of QEMU 7.2"
like "and gives it what 7.2 has" "$(<"$work/words")" "virtio-blk-pci,drive=disk0,iothread=io0"
for verb in show stop verify; do
	expect "$verb of an unknown VM" 2 "$vnuma" "$verb" nobody
	like "names it" "$err" "nobody"
done
expect "a VM's name is no path" 2 "$vnuma" show ../../etc/passwd
expect "run on a host that is not this one" 2 "$vnuma" run examples/rc9.cfg --host $two
expect "run with an unknown accelerator" 2 "$vnuma" run examples/rc9.cfg --accel xen
cfg tiny 'name = "tiny"' 'memory = 32'
expect "no QEMU" 3 env PATH=/nonexistent VNUMA_QEMU=/nonexistent/qemu "$vnuma" run "$work/tiny" --accel tcg
like "names what was looked for" "$err" "qemu"
expect "leaves nothing" 0 "$vnuma" list --json
json "no VMs" .vms '[]'

finish
