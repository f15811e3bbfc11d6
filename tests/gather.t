#!/bin/bash
# tests/gather.t: `vnuma gather FILE` and what `--host tar:FILE` makes of it: the same host, nothing that tells whose it is.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
vnuma=${VNUMA:-build/vnuma}

# put PATH TEXT : a file of the tree.
put() {
	mkdir -p "$work/r/$(dirname "$1")"
	printf '%s' "$2" >"$work/r/$1"
}

# host SOURCE : its JSON without what must differ.
host() { "$vnuma" topology --json --host "$1" | jq 'del(.source)'; }

# ---- a host with all that a table could miss, and all that it must not take ----

node=sys/devices/system/node cpu=sys/devices/system/cpu
nic=sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0
disk=sys/devices/pci0000:00/0000:00:17.0
put $node/online $'0-1\n'
put $node/possible $'0-3\n'
put $node/has_cpu $'0\n'
put $node/node0/cpulist $'0-1\n'
put $cpu/cpu2/online $'0\n'
ln -s ../../node/node1 "$work/r/$cpu/cpu2/node1"
put $node/node0/distance $'10 21\n'
put $node/node0/meminfo $'Node 0 MemTotal: 4096 kB\nNode 0 MemFree: 1024 kB\n'
put $node/node0/hugepages/hugepages-2048kB/nr_hugepages $'2\n'
put $node/node0/hugepages/hugepages-2048kB/free_hugepages $'1\n'
put $node/node0/hugepages/hugepages-2048kB/surplus_hugepages $'0\n'
put $node/node1/cpulist $'\n'
put $node/node1/distance $'21 10\n'
put $node/node1/meminfo $'Node 1 MemTotal: 8192 kB\nNode 1 MemFree: 8000 kB\n'
put $node/node1/access0/initiators/read_latency $'120\n'
mkdir -p "$work/r/$node/node1/access0/initiators" && ln -s ../../../node0 "$work/r/$node/node1/access0/initiators/node0"
put $node/node1/memory_side_cache/index1/size $'1048576\n'
put $cpu/online $'0-1\n'
put $cpu/isolated $'\n'
for id in 0 1; do
	put $cpu/cpu$id/topology/core_id $id$'\n'
	put $cpu/cpu$id/topology/physical_package_id $'0\n'
	put $cpu/cpu$id/topology/thread_siblings_list $id$'\n'
	put $cpu/cpu$id/topology/ppin SECRET
	put $cpu/cpu$id/cache/index3/level $'3\n'
	put $cpu/cpu$id/cache/index3/shared_cpu_list $'0-1\n'
done
put $nic/class $'0x020000\n'
put $nic/vendor $'0x15b3\n'
put $nic/numa_node $'1\n'
put $nic/irq $'16\n'
put $nic/vpd SECRET
put $nic/msi_irqs/130 $'msix\n'
put $nic/net/eth7/address SECRET
put "$nic/net/grün/address" SECRET
put proc/irq/130/smp_affinity_list $'0-1\n'
put proc/irq/16/effective_affinity_list $'1\n'
put proc/irq/99/smp_affinity_list SECRET
mkdir -p "$work/r/$disk/ata1/host0/target0:0:0/0:0:0:0/block/sda" "$work/r/sys/bus/pci/devices"
put $disk/class $'0x010601\n'
put $disk/ata1/host0/target0:0:0/0:0:0:0/vpd_pg80 SECRET
put $disk/ata1/host0/target0:0:0/0:0:0:0/wwid SECRET
ln -s ../../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0 ../../../devices/pci0000:00/0000:00:17.0 "$work/r/sys/bus/pci/devices/"
ln -s ../../../../bus/pci/drivers/mlx5_core "$work/r/$nic/driver"
ln -s "$work/r" "$work/r/$nic/net/back"
put sys/devices/platform/dax0.0/target_node $'1\n'
mkdir -p "$work/r/sys/bus/dax/devices" && ln -s ../../../devices/platform/dax0.0 "$work/r/sys/bus/dax/devices/dax0.0"
mkdir -p "$work/r/sys/firmware/acpi/tables" && printf 'HMAT\0\1\0\2' >"$work/r/sys/firmware/acpi/tables/HMAT"
put sys/firmware/acpi/tables/DSDT SECRET
put sys/class/dmi/id/product_serial SECRET
put proc/sys/kernel/hostname SECRET
put proc/cmdline SECRET
put proc/meminfo $'MemTotal: 12288 kB\n'
put proc/sys/kernel/numa_balancing $'1\n'
put proc/self/status $'Name:\tSECRET\nCpus_allowed_list:\t0\nMems_allowed:\t1\nMems_allowed_list:\t0-1\n'
put proc/driver/nvidia/gpus/0000:3b:00.0/numa_status $'Node: 1\n'
put proc/driver/nvidia/gpus/0000:3b:00.0/information SECRET

expect "a tree is gathered" 0 "$vnuma" gather "$work/a.tar.bz2" --host "sysfs:$work/r"
like "and counted" "$out" "/a.tar.bz2: [0-9]+ files, [0-9]+ links, [0-9]+ folders; [0-9.]+ (B|KiB)"
same "it reads back to the same host" "$(host "tar:$work/a.tar.bz2")" "$(host "sysfs:$work/r")"
expect "its source is named" 0 "$vnuma" topology --json --host "tar:$work/a.tar.bz2"
json "in full" '[.source,.live]' "[\"tar:$work/a.tar.bz2\",false]"
json "the node of an offline CPU" '.cpus[2] | [.id,.online,.node]' '[2,false,1]'
json "the kernel balances" .numa_balancing 1
json "allowed CPUs are those of the gathering process" '[.allowed_cpus,.allowed_nodes]' '[[0],[0,1]]'
names=$(tar --quoting-style=literal -tjf "$work/a.tar.bz2")
for name in $nic/net/eth7/ $nic/net/grün/ $disk/ata1/host0/target0:0:0/0:0:0:0/block/sda/ sys/bus/pci/devices/0000:3b:00.0 $nic/msi_irqs/130 \
	proc/irq/130/smp_affinity_list proc/irq/16/effective_affinity_list sys/firmware/acpi/tables/HMAT $nic/driver \
	$node/node1/access0/initiators/node0 $node/node1/memory_side_cache/index1/size sys/devices/platform/dax0.0/target_node \
	proc/driver/nvidia/gpus/0000:3b:00.0/numa_status $node/possible; do
	like "it holds $name" "$names" "^host/$name\$"
done
same "a binary table comes out as it was" "$(tar -xjOf "$work/a.tar.bz2" host/sys/firmware/acpi/tables/HMAT | od -An -tx1)" \
	"$(printf 'HMAT\0\1\0\2' | od -An -tx1)"
unlike "no secret is in it" "$(tar -xjOf "$work/a.tar.bz2" | tr -d '\0')" SECRET
unlike "nor a file that could hold one" "$names" 'ppin|vpd|wwid|address|DSDT|dmi|hostname|cmdline|information|irq/99'
same "owner and time tell nothing" "$(tar --numeric-owner --full-time -tvjf "$work/a.tar.bz2" | awk '{print $2, $4, $5}' | TZ=UTC sort -u)" \
	"0/0 $(date -d @0 '+%F %T')"
same "members are sorted" "$(sed 's,/$,,' <<<"$names")" "$(sed 's,/$,,' <<<"$names" | LC_ALL=C sort -u)"
sleep 1 # gzip would write the time
for kind in bz2 gz xz; do
	"$vnuma" gather "$work/1.tar.$kind" --host "sysfs:$work/r" >/dev/null
	"$vnuma" gather "$work/2.tar.$kind" --host "sysfs:$work/r" >/dev/null
	if cmp "$work/1.tar.$kind" "$work/2.tar.$kind"; then ok ".tar.$kind: twice the same bytes"; else not_ok ".tar.$kind"; fi
	same ".tar.$kind is the same host" "$(host "tar:$work/1.tar.$kind")" "$(host "sysfs:$work/r")"
done
sleep 1
expect "a second later" 0 "$vnuma" gather "$work/3.tar.gz" --host "sysfs:$work/r"
if cmp "$work/1.tar.gz" "$work/3.tar.gz"; then ok "the bytes are still the same"; else not_ok "the bytes differ"; fi
expect "plain" 0 "$vnuma" gather "$work/1.tar" --host "sysfs:$work/r"
same "is tar" "$(tar --quoting-style=literal -tf "$work/1.tar")" "$names"
expect "an archive is gathered again" 0 "$vnuma" gather "$work/again.tar.bz2" --host "tar:$work/a.tar.bz2" --json
json "as JSON" '[.schema,.file,.warnings]' "[\"vnuma.gather/1\",\"$work/again.tar.bz2\",[]]"
json "counts" '[.files>20,.links>3,.folders>3,.size>500]' '[true,true,true,true]'
if cmp "$work/a.tar.bz2" "$work/again.tar.bz2"; then ok "to the same bytes"; else not_ok "to other bytes"; fi
same "nothing else is left beside" "$(find "$work" -maxdepth 1 -name '.*tar*')" ""

# ---- what is refused ----

expect "help" 0 "$vnuma" help gather
like "tells what is in the file, and what is not" "$out" "Not in it: serial numbers, MAC addresses"

expect "a file that is there" 2 "$vnuma" gather "$work/a.tar.bz2" --host "sysfs:$work/r"
like "is not touched" "$err" "/a.tar.bz2: exists; expected a name that is free"
if cmp "$work/a.tar.bz2" "$work/1.tar.bz2"; then ok "indeed"; else not_ok "it is"; fi
ln -s nowhere "$work/dangling.tar"
expect "a link that leads nowhere is there, too" 2 "$vnuma" gather "$work/dangling.tar" --host "sysfs:$work/r"
for name in x.zip x.tar.zst x x.bz2 .tar.bz2; do
	expect "$name is no name for it" 2 "$vnuma" gather "$work/$name" --host "sysfs:$work/r"
	like "which is told" "$err" "expected .tar.bz2, .tar.gz, .tar.xz or .tar"
done
expect "a folder that is not there" 2 "$vnuma" gather "$work/none/x.tar" --host "sysfs:$work/r"
like "is told" "$err" "/none/x.tar: cannot be made: No such file or directory"
expect "no operand" 2 "$vnuma" gather
expect "a host that has no files" 2 "$vnuma" gather "$work/n.tar" --host numactl:lab/shapes/two-nodes.txt
like "is told" "$err" "expected live, sysfs:DIR or tar:FILE"
mkdir "$work/empty"
expect "a tree that is no host" 2 "$vnuma" gather "$work/n.tar" --host "sysfs:$work/empty"
like "is told" "$err" "/empty: holds no sys/devices/system/cpu"
same "and leaves nothing" "$(find "$work" -name 'n.tar*' -o -name '.n.tar*')" ""
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	mkdir "$work/full"
	# shellcheck disable=SC2016 # expanded by the inner shell
	expect "a full disk" 3 unshare -m bash -c 'mount -t tmpfs -o size=4k none "$1/full" && "$2" gather "$1/full/x.tar" --host "sysfs:$1/r"
		status=$?; ls -A "$1/full"; exit $status' - "$work" "$(realpath "$vnuma")"
	like "is told" "$err" "/full/x.tar: cannot be written: No space left on device"
	same "and leaves nothing" "$out" ""
else
	skip "a full disk" "needs root and a mount namespace"
fi
"$vnuma" gather "$work/killed.tar.xz" --host "sysfs:$work/r" >/dev/null 2>&1 &
kill -KILL $!
wait $! 2>/dev/null
if [ ! -e "$work/killed.tar.xz" ] || host "tar:$work/killed.tar.xz" >/dev/null; then
	ok "killed: there is no file, or a whole one"
else
	not_ok "killed: there is a broken file"
fi

# ---- hostile trees ----

cp -a "$work/r" "$work/h"
mkdir -p "$work/h/$nic/net/"$'\e[2J' "$work/h/$disk/host1"
ln -s .. "$work/h/$disk/host1/loop"
ln -s $'\e[2J' "$work/h/$disk/driver"
ln -s ../../../../../../../../etc "$work/h/sys/bus/pci/devices/0000:66:00.0"
ln -s 0000:77:00.0 "$work/h/sys/bus/pci/devices/0000:77:00.0"
mkfifo "$work/h/$disk/irq"
expect "a hostile tree" 0 "$vnuma" gather "$work/h.tar.bz2" --host "sysfs:$work/h"
like "is gathered with a note of names" "$out" "2 entries left out whose names no terminal may see"
like "and of what is no file" "$out" "1 file left out that could not be read \($disk/irq\)"
unlike "nothing from outside is in it" "$(tar -tjf "$work/h.tar.bz2")" 'passwd|\.\.'
expect "a device that is a loop of links is in it" 2 "$vnuma" topology --host "tar:$work/h.tar.bz2"
like "and told as on a disk" "$err" "h.tar.bz2/sys/bus/pci/devices/0000:77:00.0/numa_node: cannot be read: Too many levels"
printf 'ustar' >"$work/bad.tar.bz2"
expect "no archive" 2 "$vnuma" topology --host "tar:$work/bad.tar.bz2"
same "is one problem" "$(wc -l <<<"$err")" 1
tar -C "$work/r" -cPf "$work/up.tar" --transform='s,^,../,' sys/devices/system
expect "an archive that leads out" 2 "$vnuma" topology --host "tar:$work/up.tar"
like "is refused by the member" "$err" "/up.tar: ../sys/devices/system/?: leads out of the archive"
expect "no file named" 2 "$vnuma" topology --host tar:
like "the form is told" "$err" "expected tar:FILE"
expect "forms are listed" 2 "$vnuma" topology --host foo:bar
like "with tar" "$err" "tar:FILE"

# ---- real machines ----

expect "this machine" 0 "$vnuma" gather "$work/live.tar.bz2"
volatile='del(.source,.live)|walk(if type=="object" then del(.memory_free,.memory_reclaimable) else . end)'
same "reads back, but for what moves" "$("$vnuma" topology --json --host "tar:$work/live.tar.bz2" | jq -c "$volatile")" \
	"$("$vnuma" topology --json | jq -c "$volatile")"
unlike "without this host's name" "$(tar -xjOf "$work/live.tar.bz2" | tr -d '\0')" "$(uname -n)"
unlike "or a MAC address" "$(tar -xjOf "$work/live.tar.bz2" | tr -d '\0')" '([0-9a-f]{2}:){5}[0-9a-f]{2}'
if [ "$(id -u)" = 0 ]; then
	cp "$vnuma" "$work/vnuma" && mkdir "$work/theirs" && chmod 755 "$tap_work" "$work/vnuma" && chmod 777 "$work/theirs"
	chmod 400 "$work/r/sys/firmware/acpi/tables/HMAT" && chmod -R go+rX "$work/r/proc" "$work/r/sys/devices" "$work/r/sys/bus"
	expect "unprivileged" 0 setpriv --reuid=65534 --regid=65534 --clear-groups "$work/vnuma" gather "$work/theirs/u.tar" --host "sysfs:$work/r"
	like "what only root may read is told" "$out" "1 file left out for lack of permission \(sys/firmware/acpi/tables/HMAT\): gather as root"
	expect "a folder of somebody else" 3 setpriv --reuid=65534 --regid=65534 --clear-groups "$work/vnuma" gather "$work/x.tar" --host "sysfs:$work/r"
else
	skip "unprivileged" "not root: everything here is unprivileged"
fi

# ---- names that tell more than they should ----

mkdir -p "$work/m" && cp -a "$work/r/." "$work/m"
usb=sys/devices/pci0000:00/0000:00:14.0
mkdir -p "$work/m/$usb/usb1/net/enx00a0c914c829" "$work/m/sys/class/net" "$work/m/sys/devices/virtual/net/tapSECRET"
echo 0x0c0330 >"$work/m/$usb/class"
ln -s ../../../devices/pci0000:00/0000:00:14.0 "$work/m/sys/bus/pci/devices/"
ln -s ../../devices/pci0000:00/0000:00:14.0/usb1/net/enx00a0c914c829 ../../devices/virtual/net/tapSECRET "$work/m/sys/class/net/"
ln -sf ../../devices/pci0000:3a/0000:3a:00.0/0000:3b:00.0/net/eth7 "$work/m/sys/class/net/eth7"
expect "an interface is named after its MAC address" 0 "$vnuma" gather "$work/m.tar" --host "sysfs:$work/m"
like "which is told" "$out" "note: 1 network interface left out, whose name is a MAC address"
names=$(tar -tf "$work/m.tar")
unlike "it is not in it, nor one that is no device's" "$names" 'enx00a0|SECRET'
like "others are" "$names" '^host/sys/class/net/eth7'

machines=("${VNUMA_SHARED:-../shared}"/data/hwloc/*.tar.bz2)
if [ -e "${machines[0]}" ]; then
	for archive in "${machines[@]}"; do
		name=$(basename "$archive" .tar.bz2)
		"$vnuma" gather "$work/g-$name.tar.bz2" --host "tar:$archive" >/dev/null
		same "$name, gathered, is the same host" "$(host "tar:$work/g-$name.tar.bz2" | md5sum)" "$(host "tar:$archive" | md5sum)"
	done
else
	skip "gathered machines" "no shared data: set VNUMA_SHARED"
fi

finish
