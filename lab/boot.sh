# shellcheck shell=bash
# lab/boot.sh: sourced by lab/host and lab/xen-host. What an emulated host of either kind needs: options, shape, the run's
# folder, virtiofsd, QEMU and its end. How it all works is told in lab/host.
#
# They set $here and $repo, $default_mem (MiB), $cpu_model, $kernel_kind (options of lab/kernel), and define
#     choose_parts     fills $module_chains, a list of modules each, loaded at once; called with $kernel set
#     boot_arguments   fills $boot, QEMU's arguments for what it boots; called with $run complete
# then call main_with_parent.
# shellcheck disable=SC2154,SC2034 # they set these, and read what is set here

self=lab/${0##*/}
say() { printf '%s: %s\n' "$self" "$*" >&2; }
die() { say "$@"; exit 125; }
usage() { say "$@"; say "usage: $self [--host FILE] [--mem SIZE] [--timeout SECONDS] [--out DIR] -- COMMAND [ARG...]"; exit 2; }

# ---- options ----

shape_file='' mem='' per_cpu=2 near=false timeout=600 out='' keep_log='' append='' show_time='' dry_run='' meter='' vfio=''
command=()

whole() { [[ $2 =~ ^[1-9][0-9]{0,6}$ ]] || usage "$1 wants a whole number above 0, not '$2'"; }

parse_options() {
    while (($#)); do
        case $1 in
            --host|--mem|--cpus|--timeout|--out|--keep-log|--append|--vfio) (($# > 1)) || usage "$1 wants a value" ;;&
            --host) shape_file=$2; shift ;;
            --mem) mem=$(mebibytes "$2") || usage "--mem wants a size like 8G or 4096M, not '$2'"; shift ;;
            --cpus) whole "$1" "$2"; per_cpu=$2; shift ;;
            --near) near=true ;;
            --timeout) whole "$1" "$2"; timeout=$2; shift ;;
            --out) out=$2; shift ;;
            --keep-log) keep_log=$2; shift ;;
            --append) append+=" $2"; shift ;;
            --time) show_time=yes ;;
            --dry-run) dry_run=yes ;;
            --meter) meter=yes ;;
            --vfio) [[ $2 =~ ^[0-9]{1,2}$ ]] || usage "--vfio wants the number of a node, not '$2'"; vfio=$((10#$2)); shift ;;
            -h|--help) sed -n '2,/^# Theory/{/^# Theory/d; s/^# \{0,1\}//p}' "$0"; exit 0 ;;
            --) shift; command=("$@"); return ;;
            -*) usage "no option $1" ;;
            *) command=("$@"); return ;;
        esac
        shift
    done
}

mebibytes() {
    [[ $1 =~ ^([1-9][0-9]{0,8})([MGT])(i?B)?$ ]] || return 1
    case ${BASH_REMATCH[2]} in
        M) echo "${BASH_REMATCH[1]}" ;;
        G) echo $((BASH_REMATCH[1] * 1024)) ;;
        T) echo $((BASH_REMATCH[1] * 1048576)) ;;
    esac
}

# ---- what this machine can do ----

find_virtiofsd() {
    local path=
    for path in /usr/lib/qemu/virtiofsd /usr/libexec/virtiofsd /usr/lib/virtiofsd; do
        [[ -x $path ]] && { echo "$path"; return; }
    done
    return 1
}

check_machine() {
    local tool=
    for tool in qemu-system-x86_64 busybox jq setpriv unshare flock; do
        command -v "$tool" >/dev/null || die "$tool is missing: apt install qemu-system-x86 busybox-static jq util-linux"
    done
    virtiofsd=$(find_virtiofsd) || die "virtiofsd is missing: apt install qemu-system-common (Debian 12) or virtiofsd (13)"
    ((EUID == 0)) || die "needs root: virtiofsd must enter the root file system (chroot). Try: sudo $0"
}

# MiB that a new program could use: what the kernel says, or what is left of our cgroup's limit.
available_mib() {
    local kib=0 limit='' used=''
    kib=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
    if read -r limit < /sys/fs/cgroup/memory.max && read -r used < /sys/fs/cgroup/memory.current; then
        if [[ $limit != max ]] && (((limit - used) / 1024 < kib)); then kib=$(((limit - used) / 1024)); fi
    fi 2>/dev/null
    echo $((kib / 1024))
}

# QEMU wants up to 1 GiB of its own for translated code.
choose_memory() {
    local can=$(($(available_mib) - 1024))
    if [[ -z $mem ]]; then
        mem=$default_mem
        if ((mem > can)); then mem=$((can / 128 * 128)); say "only $can MiB to spare: the host gets $mem MiB"; fi
    fi
    if ((mem > can)); then die "--mem asks for $mem MiB, but this machine can spare only $can MiB"; fi
    if ((mem < 1024)); then die "the host needs at least 1 GiB, $mem MiB is too little"; fi
}

# ---- the shape ----

default_shape() {
    jq -n '{nodes: [range(4) as $i | {id: $i, cpus: [2 * $i, 2 * $i + 1], memory_total: 2147483648,
        distances: ([range(4) as $j | {key: "\($j)", value: (if $i == $j then 10
            elif ($i / 2 | floor) == ($j / 2 | floor) then 16 else 22 end)}] | from_entries)}]}'
}

read_shape() {
    local vnuma=${VNUMA:-$repo/build/vnuma}
    case $shape_file in
        '') default_shape; return ;;
        *.json) [[ -r $shape_file ]] || die "cannot read $shape_file"; cat -- "$shape_file"; return ;;
    esac
    [[ -r $shape_file ]] || die "cannot read $shape_file"
    [[ -x $vnuma ]] || die "reading $shape_file needs the program vnuma at $vnuma: build it, or give a .json file"
    "$vnuma" topology --host "numactl:$shape_file" --json || die "vnuma cannot read $shape_file"
}

# A shape in QEMU's own words: "-" lines are its arguments, the others are told in lab/README.md. Everything is taken as it is,
# nothing is scaled.
machine=pc kvm=on more_modules=() prepare=''
take_words() {
    local number=0 word='' rest='' parts=()
    [[ -r $shape_file ]] || die "cannot read $shape_file"
    while read -r word rest || [[ -n $word ]]; do
        number=$((number + 1))
        case $word in
            ''|'#'*) ;;
            -*) read -ra parts <<<"$rest"; qemu_shape+=("$word" "${parts[@]}") ;;
            machine) machine=$rest ;;
            cpu) cpu_model=$rest ;;
            kvm) [[ $rest = off ]] || die "$shape_file:$number: 'kvm $rest' seen; expected 'kvm off'"; kvm=off ;;
            append) append+=" $rest" ;;
            modules) read -ra parts <<<"$rest"; more_modules+=("${parts[@]}") ;;
            run) prepare+=$rest$'\n' ;;
            *) die "$shape_file:$number: '$word' seen; expected machine, cpu, kvm, append, modules, run, or an option of QEMU" ;;
        esac
    done < "$shape_file"
    shape_text=${shape_file##*/}
    check_words
}

# The last -m counts, as it does for QEMU.
check_words() {
    local i=0 size='' asked=''
    for ((i = 0; i + 1 < ${#qemu_shape[@]}; i++)); do
        if [[ ${qemu_shape[i]} = -m ]]; then size=${qemu_shape[i + 1]%%,*}; fi
    done
    asked=$(mebibytes "$size") || die "$shape_file: no line '-m SIZE' with a size like 2G or 2048M"
    ((asked <= $(available_mib) - 1024)) || die "$shape_file: $asked MiB are needed, this machine cannot spare them"
}

# Fills qemu_shape from the shape; tells what could not be kept.
qemu_shape=()
shape_text=
take_shape() {
    if [[ $shape_file = *.shape ]]; then take_words; return; fi
    local json='' lines='' kind='' text='' needed=0
    json=$(read_shape) || exit 125
    lines=$(jq -r --argjson mem "$mem" --argjson percpu "$per_cpu" --argjson most 16 --argjson near "$near" -f "$here/shape.jq" <<<"$json" 2>&1) ||
        die "${shape_file:-the default shape} is not a topology in JSON: ${lines%%$'\n'*}"
    while read -r kind text; do
        case $kind in
            error) die "$shape_file: $text" ;;
            note) say "$text" ;;
            memory) needed=$text ;;
            shape) shape_text=$text ;;
            arg) qemu_shape+=("$text") ;;
        esac
    done <<<"$lines"
    ((${#qemu_shape[@]})) || die "$shape_file is empty"
    ((needed <= mem)) || ((needed <= $(available_mib) - 1024)) ||
        die "$needed MiB are the least for this shape, this machine cannot spare them"
}

# ---- a device to be passed through ----

# Behind a root port on a host bridge of its own, whose bus 64 is far above all that the firmware numbers from 0 on: the port's own bus is
# 65. The switches are told in lab/host.
readonly vfio_address=0000:41:00.0
take_vfio() {
    local nodes=0 word=''
    for word in "${qemu_shape[@]}"; do if [[ $word = node,* ]]; then nodes=$((nodes + 1)); fi; done
    [[ $self = lab/host ]] || usage "--vfio: under Xen no device is passed through; expected lab/host"
    ((vfio < nodes)) || usage "--vfio: node $vfio seen; expected one of the shape's $nodes, counted from 0"
    if [[ $machine = pc ]]; then machine=q35; fi
    [[ $machine = q35* ]] || die "--vfio: machine $machine seen; expected q35, which has an IOMMU"
    # shellcheck disable=SC2054 # QEMU's commas
    qemu_shape+=(-device intel-iommu -device "pxb-pcie,id=vfio-bridge,bus_nr=64,bus=pcie.0,numa_node=$vfio"
        -device pcie-root-port,id=vfio-port,bus=vfio-bridge,chassis=64
        -drive if=none,id=vfio-disk,format=raw,file=vfio.img -device nvme,bus=vfio-port,drive=vfio-disk,serial=vfio)
    append+=' intel_iommu=on'
    more_modules+=(vfio-pci vfio_iommu_type1)
    # shellcheck disable=SC2016 # expanded inside
    prepare+='cd /sys/bus/pci/devices/'$vfio_address' && echo vfio-pci > driver_override && echo "${PWD##*/}" > driver/unbind && echo "${PWD##*/}" > /sys/bus/pci/drivers_probe && [[ $(readlink driver) = */vfio-pci ]]'$'\n'
}

# ---- the run's folder ----

run=
make_run_folder() {
    local cache=${VNUMA_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vnuma} old=
    mkdir -p "$cache/run"
    cache=$(cd "$cache" && pwd -P)
    exec 8>"$cache/run.lock"
    flock 8
    for old in "$cache"/run/*/; do
        [[ -d $old ]] || continue
        if flock -n "$old/lock" true 2>/dev/null; then rm -rf "$old"; fi
    done
    run=$(mktemp -d "$cache/run/XXXXXX")
    exec 7>"$run/lock"
    flock 7
    exec 8>&-
    mkdir "$run/io"
    if [[ -n $vfio ]]; then truncate -s 64M "$run/vfio.img"; fi
    : > "$run/io/stdout"
    : > "$run/io/stderr"
}

list() { printf '%s\0' "$@"; }

write_inputs() {
    local cache=${run%/run/*} name='' env=()
    for name in "${module_chains[@]}" "${more_modules[*]}"; do
        # shellcheck disable=SC2086 # a list
        "$here/kernel" "${kernel_kind[@]}" --modules $name | paste -sd ' ' || die "$shape_file: no such module"
    done > "$run/io/modules"
    if [[ -n $prepare ]]; then printf %s "$prepare" > "$run/io/prepare"; fi
    env=("PATH=$PATH" HOME=/tmp/home USER=root LOGNAME=root SHELL=/bin/bash TERM=dumb "LANG=${LANG:-C.UTF-8}"
         LAB_HOST=1 "LAB_KERNEL=$kernel/vmlinuz" "LAB_MODULES=$kernel/modules" "LAB_OUT=$out")
    if [[ -n $meter ]]; then env+=("LAB_METER=$meter/meter-ctl"); fi
    if [[ -n $vfio ]]; then env+=("LAB_VFIO=$vfio_address"); fi
    for name in $(compgen -e VNUMA_ || true); do env+=("$name=${!name}"); done
    env+=("VNUMA_CACHE=$cache")
    list "${command[@]}" > "$run/io/argv"
    list "${env[@]}" > "$run/io/env"
    printf '%s\n' "$PWD" "$repo" "$cache" > "$run/io/keep"
    printf '%s\n' "$PWD" > "$run/io/cwd"
    if [[ -n $out ]]; then printf '%s\n' "$out" > "$run/io/out"; fi
    cp "$here/host-init" "$run/init"
}

# ---- processes ----

children=()
start() {       # start LOG COMMAND...: in the background, never to outlive us
    local log=$1
    shift
    setpriv --pdeathsig KILL -- "$@" < /dev/null >> "$log" 2>&1 &
    children+=($!)
}

# The arguments of either virtiofsd: the C one of QEMU 7.2, the Rust one that Debian 13 packages.
virtiofsd_arguments() {     # NAME FOLDER
    if "$virtiofsd" --help 2>&1 | grep -q -- --shared-dir; then
        list "--socket-path=$run/$1.sock" "--shared-dir=$2" --sandbox=chroot --cache=auto
    else
        list "--socket-path=$run/$1.sock" -o "source=$2" -o sandbox=chroot -o cache=auto
    fi
}

# Run by share_root in a mount namespace of its own: make all read-only but the folder $1, then become the rest.
# The C virtiofsd wants to write a lock file to /run/virtiofsd; an empty /run saves this machine from it.
# shellcheck disable=SC2016 # expanded by the inner shell
readonly lock_down='
    keep=$1; shift
    mount --bind "$keep" "$keep" && mount -t tmpfs run /run || exit
    while read -r _ _ _ _ point _; do
        point=$(printf %b "$point")
        [ "$point" = "$keep" ] || [ "$point" = /run ] || mount -o remount,bind,ro "$point" 2>/dev/null
    done < /proc/self/mountinfo
    cd "$keep" && exec "$@"'

# Without mount namespaces (in some containers) only the guest's "ro" protects the machine's files.
share() {       # share NAME FOLDER [root]
    local args=()
    mapfile -d '' -t args < <(virtiofsd_arguments "$1" "$2")
    if [[ ${3:-} = root ]] && unshare --mount --propagation private true 2>/dev/null; then
        start "$run/$1.log" unshare --mount --propagation private -- bash -c "$lock_down" lock "$run" "$virtiofsd" "${args[@]}"
    else
        start "$run/$1.log" "$virtiofsd" "${args[@]}"
    fi
}

wait_for_sockets() {
    local name='' i=0
    for name in "$@"; do
        until [[ -S $run/$name.sock ]]; do
            ((++i < 200)) || die "virtiofsd did not start: $(tail -n 3 "$run/$name.log" | paste -sd ' ')"
            read -r -t 0.05 <> <(:) || true
        done
    done
}

start_qemu() {
    local fs=() plugin=() name='' bus=pci.0
    boot=()
    boot_arguments
    [[ $machine != q35* ]] || bus=pcie.0    # named, for QEMU would take the first that it finds, a shape's own even
    for name in "$@"; do
        fs+=(-chardev "socket,id=$name,path=$name.sock" -device "vhost-user-fs-pci,chardev=$name,tag=lab-$name,bus=$bus")
    done
    if [[ -n $meter ]]; then
        plugin=(-plugin "file=$meter/meter.so,folder=io$meter_ranges")
    fi
    cd "$run" || die "$run is gone"
    start "$run/qemu.log" qemu-system-x86_64 -name lab -nodefaults -no-user-config -display none -no-reboot \
        -machine "$machine" -accel tcg,thread=multi -cpu "$cpu_model" "${qemu_shape[@]}" \
        -serial "file:$run/console.log" "${fs[@]}" "${plugin[@]}" "${boot[@]}"
    qemu=${children[-1]}
    cd "$OLDPWD" || die "$OLDPWD is gone"
}

# tail reads on until QEMU is gone, then once more.
start_readers() {
    setpriv --pdeathsig KILL -- tail -q -s 0.1 --pid="$qemu" -c +1 -f "$run/io/stdout" 2>/dev/null &
    readers+=($!)
    setpriv --pdeathsig KILL -- tail -q -s 0.1 --pid="$qemu" -c +1 -f "$run/io/stderr" >&2 2>/dev/null &
    readers+=($!)
}

# ---- the end ----

# shellcheck disable=SC2317 # called by a trap
cleanup() {
    local code=$?
    trap '' INT TERM HUP
    exec 2>/dev/null        # bash would tell of every child it sees killed
    if ((${#children[@]} + ${#readers[@]})); then kill -9 "${children[@]}" "${readers[@]}" || true; fi
    wait || true
    if [[ -n $run ]]; then
        if [[ -n $keep_log && -f $run/console.log ]]; then cp "$run/console.log" "$keep_log"; fi
        rm -f "/run/virtiofsd/${run//\//.}".*.pid /run/virtiofsd/"${run:1}"* 2>/dev/null || true
        rm -rf "$run"
    fi
    exit "$code"
}

# shellcheck disable=SC2317 # called by a trap
on_signal() {
    say "ended by SIG$1"
    exit "$2"
}

report_failure() {
    say "the lab failed: $1"
    for log in root io qemu console; do
        [[ -s $run/$log.log ]] || continue
        say "end of $log.log:"
        grep -v "TCG doesn't support" "$run/$log.log" | grep -v -e '^virtio_' -e '^fv_' | tail -n 15 | tr -d '\r' >&2 || true
    done
    exit 125
}

report_time() {
    local end=$1
    [[ -n $show_time && -f $run/io/started ]] || return 0
    awk -v a="$began" -v b="$(stat -c %.3Y "$run/io/started")" -v c="$end" -v shape="$shape_text" -v self="$self" \
        'BEGIN { printf "%s: %s; boot %.1f s, command %.1f s\n", self, shape, b - a, c - b > "/dev/stderr" }'
}

wait_for_end() {
    local sleeper=0 ended=0
    setpriv --pdeathsig KILL -- sleep "$timeout" &
    sleeper=$!
    children+=("$sleeper")
    wait -n -p ended "$qemu" "$sleeper" || true
    if [[ $ended = "$sleeper" ]]; then
        say "time is up after $timeout s"
        exit 124
    fi
    wait "${readers[@]}" || true
    readers=()
    [[ -s $run/io/status ]] || report_failure "the host went down without an exit status"
    report_time "$EPOCHREALTIME"
    exit "$(< "$run/io/status")"
}

main() {
    began=$EPOCHREALTIME
    parse_options "$@"
    ((${#command[@]})) || [[ -n $dry_run ]] || usage "no command"
    choose_memory
    [[ -n $dry_run ]] || check_machine
    take_shape
    if [[ -n $vfio ]]; then take_vfio; fi
    if [[ -n $dry_run ]]; then printf '%s\n' "${qemu_shape[@]}"; exit 0; fi
    if [[ -n $out ]]; then
        [[ -d $out && -w $out ]] || die "--out: $out is not a folder that can be written"
        out=$(cd "$out" && pwd -P)
    fi
    kernel=$("$here/kernel" "${kernel_kind[@]}") || die "no kernel"
    if [[ -n $meter ]]; then
        meter=$("$here/meter") || die "no meter"
        meter_ranges=$("$here/meter" --ranges "$machine" "${qemu_shape[@]}" | sed 's/^/,range=/' | tr -d '\n') || die "no meter for this shape"
    fi
    choose_parts
    readers=()
    trap cleanup EXIT
    trap 'on_signal INT 130' INT
    trap 'on_signal TERM 143' TERM
    trap 'on_signal HUP 129' HUP
    make_run_folder
    write_inputs
    share root / root
    share io "$run/io"
    if [[ -n $out ]]; then share out "$out"; fi
    # shellcheck disable=SC2046 # a word or none
    wait_for_sockets root io $([[ -z $out ]] || echo out)
    # shellcheck disable=SC2046
    start_qemu root io $([[ -z $out ]] || echo out)
    start_readers
    wait_for_end
}

# When our parent dies, so do we (and our children with us).
main_with_parent() {
    if [[ ${LAB_REEXEC:-} != "$$" ]] && command -v setpriv >/dev/null; then
        LAB_REEXEC=$$ exec setpriv --pdeathsig TERM -- "$0" "$@"
    fi
    main "$@"
}
