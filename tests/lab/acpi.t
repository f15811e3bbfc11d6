#!/bin/bash
# tests/lab/acpi.t: guests that are told of their nodes by our tables alone, without QEMU's -numa: what their kernel's numactl prints is
# the config. Handed over by -acpitable, and in front of the initramfs. Plain emulation, not inside the emulated host: nothing here
# needs a NUMA host, and so a guest boots in 5 s.
#
# One thread of TCG and -cx16 for the reasons that lab/host gives for its odd switches.
# shellcheck disable=SC2154 # $build and $tap_work are lab.sh's, $out and $err tap.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh
kernel=$(lab/kernel) || exit 1
image=$kernel/vmlinux # decompressed, which saves seconds
[ -f "$image" ] || image=$kernel/vmlinuz
work=$tap_work/acpi
mkdir -p "$work"

# cfg NAME LINE... : a config file.
cfg() {
	local file=$work/$1.cfg
	shift
	printf '%s\n' 'name = "guest"' "$@" >"$file"
}

# seen MIB... : what numactl printed on the console, sizes replaced by those of the config where they are at most 128 MiB less: the
# kernel keeps some of each node for itself, and bounce buffers on one.
seen() {
	sed -n '/vnuma-payload: numactl/,/vnuma-payload: end/p' "$work/console" | tr -d '\r' |
		awk -v sizes="$*" '
			BEGIN { n = split(sizes, size, " ") }
			/^node [0-9]+ size:/ { s = size[$2 + 1]; print "node", $2, (s >= $4 && s - $4 <= 128) ? s : $4; next }
			/^node [0-9]+ cpus:/ { sub(/ +$/, ""); print; next }
			/^ +[0-9]+: / { sub(/ +$/, ""); print }'
}

# boots NAME MACHINE MIB SMP OPTION... : a guest without -numa; up to three tries, as under load one now and then stands still.
boots() {
	local name=$1 machine=$2 mib=$3 smp=$4 try
	shift 4
	for try in 1 2 3; do
		rm -f "$work/console"
		timeout 60 qemu-system-x86_64 -machine "$machine" -accel tcg,thread=single -cpu EPYC,-cx16 -m "$mib" -smp "$smp" \
			-nodefaults -no-user-config -display none -no-reboot -serial "file:$work/console" -kernel "$image" "$@" \
			-append "console=ttyS0 panic=-1 tsc=reliable clocksource=tsc lpj=8000000 mitigations=off noreplace-smp \
payload.touch=8 payload.then=poweroff" 2>"$work/qemu.err" </dev/null
		grep -q 'vnuma-payload: end' "$work/console" 2>/dev/null && break
		echo "# $name: no guest, try $try: $(tail -qn 1 "$work/qemu.err" "$work/console" 2>/dev/null | tr '\n' ' ')"
	done
	if ((try <= 3)) && grep -q 'vnuma-payload: ready' "$work/console"; then
		ok "$name: boots"
	else
		not_ok "$name: boots" "$(tail -n 20 "$work/console" 2>/dev/null)"
	fi
	# arch/x86/mm/numa.c, mm/numa_memblks.c, drivers/acpi/numa/srat.c
	same "$name: the kernel finds no fault with the tables" "$(grep -iE 'SRAT:.*(fail|ignored|not used|too )|SLIT.*(invalid|not used)|no nodes coverage|NUMA: (warning|nodes)|Faking a node' "$work/console")" ""
}

# In the config's own order, though vCPU 0 is not on vnode 0; distances differ by direction.
cfg three 'memory = 768' 'vcpus = 6' 'vnodes = 3' 'vnumamem = [256, 320, 192]' \
	'vdistance = [10, 21, 31, 22, 10, 25, 33, 26, 10]' 'vnuma_vcpumap = [1, 1, 0, 0, 2, 2]'
expect "tables of three vnodes" 0 "$VNUMA" acpi "$work/three.cfg" -o "$work/three" --order vnode
boots "three vnodes" q35 768 6,sockets=3,cores=2,threads=1 -initrd "$payload" \
	-acpitable "file=$work/three/SRAT.aml" -acpitable "file=$work/three/SLIT.aml"
same "three vnodes: numactl prints the config" "$(seen 256 320 192)" "node 0 cpus: 2 3
node 0 256
node 1 cpus: 0 1
node 1 320
node 2 cpus: 4 5
node 2 192
  0:  10  21  31
  1:  22  10  25
  2:  33  26  10"

# The same tables in vCPU order, as QEMU would have it, in front of the initramfs: the kernel installs them itself.
mkdir -p "$work/vcpus/kernel/firmware/acpi"
expect "the same in vCPU order" 0 "$VNUMA" acpi "$work/three.cfg" -o "$work/vcpus/kernel/firmware/acpi"
(cd "$work/vcpus" && find kernel | cpio --quiet -o -H newc) >"$work/initrd"
cat "$payload" >>"$work/initrd"
boots "in the initrd" q35 768 6,sockets=3,cores=2,threads=1 -initrd "$work/initrd"
like "in the initrd: the kernel says so" "$(<"$work/console")" "Table Upgrade: install \[SRAT-VNUMA"
same "in the initrd: node 0 is the vnode of vCPU 0" "$(seen 320 256 192)" "node 0 cpus: 0 1
node 0 320
node 1 cpus: 2 3
node 1 256
node 2 cpus: 4 5
node 2 192
  0:  10  22  25
  1:  21  10  31
  2:  26  33  10"

# Memory on both sides of the hole below 4 GiB, a vnode without vCPUs in between, threads, and vCPUs to be plugged in.
cfg hole 'memory = 4096' 'vcpus = 6' 'maxvcpus = 8' 'threads = 2' 'vnodes = 3' 'vnumamem = [2560, 1024, 512]' \
	'vdistance = [10, 40, 20, 40, 10, 50, 20, 50, 10]' 'vnuma_vcpumap = [0, 0, 0, 0, 2, 2, 2, 2]'
expect "tables with a hole" 0 "$VNUMA" acpi "$work/hole.cfg" -o "$work/hole" --machine pc --order vnode
like "a vnode without vCPUs is told to come last" "$err" "vnode 1 will be its node 2 \[acpi-node-order\]"
boots "a hole" pc 4096 cpus=6,maxcpus=8,sockets=2,cores=2,threads=2 -initrd "$payload" \
	-acpitable "file=$work/hole/SRAT.aml" -acpitable "file=$work/hole/SLIT.aml"
same "a hole: numactl prints the config" "$(seen 2560 512 1024)" "node 0 cpus: 0 1 2 3
node 0 2560
node 1 cpus: 4 5
node 1 512
node 2 cpus:
node 2 1024
  0:  10  20  40
  1:  20  10  50
  2:  40  50  10"
finish
