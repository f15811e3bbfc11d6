#!/bin/bash
# Runs guests under KVM on an emulated NUMA host and checks them without vnuma's own eyes. In TAP.
#
# usage: lab/host -- tests/lab/verify.sh VNUMA MOVE_BY_HAND KERNEL INITRAMFS
#        (the initramfs is lab/payload's, the kernel lab/kernel's; wants 4 nodes of 2 CPUs and at least 4 GiB)
#
# What the kernel says is read with grep from /proc, not through vnuma: a bug in its reading must not hide one in its doing.
set -uo pipefail

vnuma=$1 move=$2 kernel=$3 initramfs=$4
work=$(mktemp -d)
export VNUMA_STATE_DIR=$work/state
number=0 failed=0

result() {
    number=$((number + 1))
    if (($1 == 0)); then echo "ok $number $2"; return; fi
    failed=$((failed + 1))
    echo "not ok $number $2"
    sed 's/^/# /' "$work/out" "$work/err" 2>/dev/null | tail -n 30
}

is() { if [[ $2 = "$3" ]]; then result 0 "$1"; else result 1 "$1: '$3' seen; expected '$2'"; fi; }
says() { if grep -q -e "$2" "$work/out" "$work/err"; then result 0 "$1"; else result 1 "$1: no '$2'"; fi; }
vn() { status=0; "$vnuma" "$@" > "$work/out" 2> "$work/err" || status=$?; }
field() { jq -r "$1" "$VNUMA_STATE_DIR/$2.json"; }
allowed() { sed -n 's/^Cpus_allowed_list:\t//p' "/proc/$1/task/$2/status"; }

guest() {           # guest NAME [LINE...]: a config on standard output
    printf 'name = "%s"\nkernel = "%s"\nramdisk = "%s"\nextra = "console=ttyS0 quiet payload.touch=128"\n' \
        "$1" "$kernel" "$initramfs"
    shift
    printf '%s\n' "$@"
}

wait_for() {        # wait_for TEXT FILE
    for ((i = 0; i < 300; i++)); do
        if grep -q -e "$1" "$2" 2>/dev/null; then return 0; fi
        sleep 0.2
    done
    return 1
}

test_run() {
    ip link add br0 type bridge
    truncate -s 16M "$work/disk.img"
    guest big 'memory = 768' 'vcpus = 4' 'vnodes = 2' 'vnumamem = [384, 384]' 'vnuma_vcpumap = [0, 0, 1, 1]' \
        'vnuma_vnodemap = [1, 2]' 'memory_policy = "strict"' \
        "disk = ['$work/disk.img,raw,vda,rw']" "vif = ['type=tap,bridge=br0,vifname=tapbig,queues=2,vhost=1']" > "$work/big.cfg"
    vn run "$work/big.cfg" --accel kvm --serial "$work/big.serial"
    is "run exits 0" 0 "$status"
    ((status == 0)) || exit 1 # nothing below has a meaning
    says "run names homes" '^big: runs, process [0-9]*, kvm, vnodes on nodes 1 2$'
    wait_for 'vnuma-payload: ready' "$work/big.serial"
    result $? "the guest boots under KVM"
    grep -A8 'vnuma-payload: numactl' "$work/big.serial" | sed 's/^/# /'
    pid=$(field .process.pid big)
}

# numa_maps lines of the two backends, by their address
test_kernel_agrees() {
    local address
    for vnode in 0 1; do
        address=$(printf '%x' "$(field ".backends[$vnode].address" big)")
        grep "^$address " "/proc/$pid/numa_maps" > "$work/map$vnode"
        sed 's/^/# /' "$work/map$vnode"
        is "vnode $vnode: bound to node $((vnode + 1))" "bind:$((vnode + 1))" "$(cut -d' ' -f2 "$work/map$vnode")"
        is "vnode $vnode: no page elsewhere" "N$((vnode + 1))" "$(grep -o 'N[0-9]*=' "$work/map$vnode" | tr -d '=\n')"
        is "vnode $vnode: over 100 MiB touched" yes "$(grep -o 'N[0-9]*=[0-9]*' "$work/map$vnode" | awk -F= '{print $2 > 25600 ? "yes" : "no"}')"
    done
    grep -l '^CPU ' /proc/"$pid"/task/*/comm | while read -r comm; do
        echo "# $(cat "$comm"): $(allowed "$pid" "$(basename "$(dirname "$comm")")")"
    done
    for ((i = 0; i < 4; i++)); do
        tid=$(dirname "$(grep -l "^CPU $i/KVM" /proc/"$pid"/task/*/comm)"); tid=${tid##*/}
        is "vCPU $i is on the CPUs of its node" "$((i < 2 ? 2 : 4))-$((i < 2 ? 3 : 5))" "$(allowed "$pid" "$tid")"
    done
    tids=$(grep -l "^vhost-" /proc/"$pid"/task/*/comm | sort -t/ -k5n | sed 's:.*/task/::; s:/comm::')
    is "two vhost workers" 2 "$(wc -w <<< "$tids")"
    is "each with the vnode it serves" "2-3 4-5 " "$(for t in $tids; do printf '%s ' "$(allowed "$pid" "$t")"; done)"
    tid=$(dirname "$(grep -l "^IO io0" /proc/"$pid"/task/*/comm)"); tid=${tid##*/}
    is "the iothread is with vnode 0" 2-3 "$(allowed "$pid" "$tid")"
    is "QEMU's main thread is on both homes" 2-5 "$(allowed "$pid" "$pid")"
    is "the tap is on the bridge" br0 "$(basename "$(readlink /sys/class/net/tapbig/master)")"
    is "and up" 1 "$(($(cat /sys/class/net/tapbig/flags) & 1))"
}

test_verify() {
    vn verify big --seed 1
    sed 's/^/# /' "$work/out"
    is "verify exits 0" 0 "$status"
    says "and says that all matches" '^big: matches its plan; [0-9]* threads, 2 vnodes'
    vn verify big --samples all --json
    is "every page looked at: exits 0" 0 "$status"

    tid=$(field '.threads[] | select(.kind == "vcpu" and .index == 2) | .tid' big)
    taskset -p -c 0-7 "$tid" > /dev/null
    moved=$("$move" "$pid" "$(field '.backends[0].address' big)" "$(field '.backends[0].memory' big)" 64 3)
    is "64 MiB moved by hand" 67108864 "$moved"
    vn verify big --seed 1
    sed 's/^/# /' "$work/out"
    is "verify exits 1" 1 "$status"
    is "with exactly two mismatches" 2 "$(grep -c planned: "$work/out")"
    says "the moved pages" '^vnode 0: .*about [0-9.]* MiB, 99% interval .*are on node 3; planned: node 1$'
    says "the vCPU" "^vCPU 2 (tid $tid): may run on CPUs 0-7; planned: 4-5\$"
    vn verify big --samples all
    says "by every page, 64 MiB" '(64 MiB) are on node 3; planned: node 1$'
}

test_two_of_a_name() {
    vn run "$work/big.cfg" --accel kvm
    is "a second of the name is refused" 2 "$status"
    says "with the first's pid" "already (process $pid)"
    guest small 'memory = 256' 'vcpus = 1' > "$work/small.cfg"
    vn run "$work/small.cfg" --accel kvm --serial "$work/small.serial"
    is "a guest of another name runs beside" 0 "$status"
    says "on a node that is free" 'vnodes on nodes [03]$'
    vn list
    sed 's/^/# /' "$work/out"
    is "list shows both running" 2 "$(grep -c ' running ' "$work/out")"
    wait_for 'vnuma-payload: ready' "$work/small.serial"
}

test_stop() {
    vn stop big
    is "stop exits 0" 0 "$status"
    says "the guest powered off" '^big: has powered off$'
    grep -q 'vnuma-payload: powerbutton' "$work/big.serial"
    result $? "because its power button was pressed"
    is "its files are gone" '' "$(ls "$VNUMA_STATE_DIR"/big.* 2>/dev/null)"
    is "its process is gone" no "$([[ -d /proc/$pid ]] && grep -q '^State:.[^Z]' "/proc/$pid/status" && echo yes || echo no)"
}

test_stranger() {
    local old
    old=$(field .process.pid small)
    sleep 1000 & stranger=$!
    jq ".process.pid = $stranger" "$VNUMA_STATE_DIR/small.json" > "$work/forged" && cp "$work/forged" "$VNUMA_STATE_DIR/small.json"
    vn verify small
    is "a stranger's pid: verify refuses" 3 "$status"
    vn stop small
    is "stop exits 0" 0 "$status"
    says "and says it was dead" 'was dead: no process is touched'
    kill -0 "$stranger"
    result $? "the stranger lives"
    kill "$stranger"
    kill -9 "$old"
}

test_environment() {
    mkdir -m 700 "$work/tiny"
    mount -t tmpfs -o size=8k,mode=700 tmpfs "$work/tiny"
    VNUMA_STATE_DIR=$work/tiny vn run "$work/small.cfg" --accel kvm
    is "a full state directory: exit status 3" 3 "$status"
    says "says so" 'no space left'
    is "and nothing is left there" lock "$(ls -A "$work/tiny")"
    umount "$work/tiny"
    PATH='' vn run "$work/small.cfg"
    is "no QEMU: exit status 3" 3 "$status"
    says "names the package" 'qemu-system-x86$'
    is "no QEMU runs" '' "$(pgrep -x qemu-system-x86)"
    is "nothing is left of all this" lock "$(ls -A "$VNUMA_STATE_DIR")"
}

test_run
test_kernel_agrees
test_verify
test_two_of_a_name
test_stop
test_stranger
test_environment
echo "1..$number"
((failed == 0))
