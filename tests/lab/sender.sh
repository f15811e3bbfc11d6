# shellcheck shell=bash
# tests/lab/sender.sh: sourced by what runs in the emulated host and wants a guest that sends frames (tests/traffic.c): two vnodes of 256 MiB,
# vnode v on node v, four vCPUs, a tap of several queues, each with a vhost worker. Wants $vnuma, $initramfs (lab/payload's, with traffic)
# and $traffic. Sets $pid and $workers, the workers' thread ids in the order of their making.
# shellcheck disable=SC2154 # those

work=$(mktemp -d)

# Emulation breaks a guest now and then (lab/README.md): 75 makes who started the host try again.
give_up() {
	echo "sender: $1" >&2
	tail -n 5 "$work/serial" "$work/run" >&2
	exit 75
}

# start_sender GUEST VNODES-OF-VCPUS QUEUES : runs it; it may not be up yet when this returns. norandmaps: what its programs have above
# 0x7ffff0000000 is nowhere else then, for the window of the meter.
start_sender() {
	: >"$work/serial"
	ip link show br0 >/dev/null 2>&1 || ip link add br0 type bridge
	ip link set br0 up
	cat >"$work/$1.cfg" <<-END
		name = "$1"
		kernel = "$LAB_KERNEL"
		ramdisk = "$initramfs"
		extra = "console=ttyS0 quiet panic=-1 tsc=reliable lpj=8000000 mitigations=off ipv6.disable=1 norandmaps payload.touch=1 payload.run=traffic,eth0,--turn,none"
		memory = 512
		vcpus = 4
		vnodes = 2
		vnumamem = [256, 256]
		vnuma_vcpumap = [$2]
		vnuma_vnodemap = [0, 1]
		memory_policy = "strict"
		vif = ['type=tap,bridge=br0,vifname=tap$1,queues=$3,vhost=1']
	END
	"$vnuma" run "$work/$1.cfg" --accel kvm --serial "$work/serial" >"$work/run" 2>&1 || give_up "$1 does not run"
	pid=$(jq .process.pid "/run/vnuma/$1.json") || give_up "$1 is not on record"
	mapfile -t workers < <(grep -l '^vhost-' /proc/"$pid"/task/*/comm | sed 's,.*/task/,,; s,/comm,,' | sort -n)
}

# wait_to_say TENTHS TEXT : whether the guest does, within so many tenths of a second.
wait_to_say() {
	local i
	for ((i = 0; i < $1; i++)); do
		if [[ $(<"$work/serial") == *"$2"* ]]; then return; fi
		sleep 0.1
	done
	return 1
}

# let_send GUEST WHO : a CPU of the guest, all or none. When this returns it does.
let_send() {
	local seen
	for _ in 1 2 3 4 5 6; do
		"$traffic" "tap$1" --tell "$2"
		for _ in {1..50}; do
			seen=$(grep ': turn ' "$work/serial" | tail -n 1)
			if [[ $seen == *"turn $2 sent"* ]]; then return; fi
			sleep 0.1
		done
	done
	give_up "the guest does not hear that $2 is to send"
}

# A list of CPUs for each worker.
workers_allowed() {
	local tid
	for tid in "${workers[@]}"; do sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$pid/task/$tid/status"; done | xargs
}
