#!/bin/bash
# tests/install.t: what is installed, as a packager and as those who link the library meet it: the examples are compiled by nothing but
# pkg-config's words. Of build/, which is not sanitized; ./dev build makes it.
# shellcheck disable=SC2154 # $out and $err are set by expect in tap.sh
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
. tests/tap.sh
build=${VNUMA_BUILD:-build}
root=$tap_work/root
two=numactl:lab/shapes/two-nodes.txt

expect "meson install into a folder of its own" 0 meson install -C "$build" --destdir "$root"
if [ "$failures" != 0 ]; then
	finish
	exit 1
fi

# ---- where things are ----

pc=$(find "$root" -name vnuma.pc)
prefix=$(sed -n 's/^prefix=//p' "$pc")
libdir=${pc%/pkgconfig/vnuma.pc}
cd "$root$prefix" || exit 1
for file in bin/vnuma include/vnuma.h share/vnuma/topology.rng share/doc/vnuma/README.md share/doc/vnuma/docs/abi.md \
	share/doc/vnuma/examples/plan_guest.c share/man/man1/vnuma.1 share/man/man1/vnuma-plan.1 \
	share/man/man5/vnuma.cfg.5 share/man/man3/libvnuma.3 share/bash-completion/completions/vnuma; do
	if [ -s "$file" ]; then ok "there is $file"; else not_ok "there is $file"; fi
done
same "one completion for zsh" "$(find . -name _vnuma | wc -l)" 1
same "nothing of the build is there" "$(find . -name 'meson.build' -o -name '*.in' -o -name manual -o -name completion)" ""
same "nothing outside of the prefix" "$(find "$root" \( -type f -o -type l \) ! -path "$root$prefix/*")" ""
same "no file names the build" "$(grep -rlF "$root" . ; grep -rlF "$OLDPWD" --include='*.pc' --include='*.h' --include='*.[135]' .)" ""
same "libvnuma.so is a link to the soname's file" "$(readlink -f "$libdir/libvnuma.so")" "$(readlink -f "$libdir/libvnuma.so.0")"
cd "$OLDPWD" || exit 1

# ---- the shared library ----

library=$libdir/libvnuma.so.0
dynamic=$(readelf -d "$library")
like "its soname" "$dynamic" 'SONAME.*\[libvnuma\.so\.0\]'
same "links hwloc, jansson and the C library alone" \
	"$(sed -n 's/.*NEEDED.*\[\(lib[a-z]*\)\..*/\1/p' <<<"$dynamic" | grep -vE '^(libc|libm|libdl|ld)$' | sort | xargs)" "libhwloc libjansson"
for file in "$library" "$root$prefix/bin/vnuma"; do
	unlike "${file##*/} has no rpath" "$(readelf -d "$file")" 'RPATH|RUNPATH'
done
cc -E -P include/vnuma.h | grep -oE '\bvn_[a-z0-9_]+ ?\(' | tr -d '( ' | sort -u >"$tap_work/declared"
nm -D --defined-only "$library" | sed -n 's/.* [A-Za-z] \([^@]*\)@@VNUMA_[0-9.]*$/\1/p' | sort >"$tap_work/exported"
same "exports every function of vnuma.h" "$(comm -23 "$tap_work/declared" "$tap_work/exported")" ""
same "and none else, each with a version" \
	"$(nm -D --defined-only "$library" | grep -vE ' A VNUMA_' | awk '{ print $3 }' | sed 's/@@VNUMA_[0-9.]*$//' | sort | comm -23 - "$tap_work/declared")" ""
same "those are many" "$(($(wc -l <"$tap_work/exported") > 150))" 1
same "the map names each once" "$(grep -oE '^\s+vn_[a-z0-9_]+;' src/api/libvnuma.map | tr -d '\t ;' | sort | diff - "$tap_work/declared")" ""
man=$(<"$root$prefix/share/man/man3/libvnuma.3")
same "libvnuma(3) names each" "$(while read -r name; do grep -qE "^\.BR $name \(\)" <<<"$man" || echo "$name"; done <"$tap_work/declared")" ""
same "the header's version is that of vnuma.pc" "$(sed -n 's/^#define VNUMA_VERSION "\(.*\)"/\1/p' include/vnuma.h)" "$(sed -n 's/^Version: //p' "$pc")"

# ---- the examples, by pkg-config alone ----

export PKG_CONFIG_PATH=${pc%/vnuma.pc} PKG_CONFIG_SYSROOT_DIR=$root
installed=$root$prefix/share/doc/vnuma/examples
work=$tap_work/shared
mkdir "$work"

# compile NAME OPTION... : the example as a user would; $out is the command line.
compile() {
	local name=$1 flags
	shift
	flags=$(pkg-config "$@" --cflags --libs vnuma) || return 1
	# shellcheck disable=SC2086 # as in cc $(pkg-config …)
	cc -Wall -Wextra -Werror -o "$work/$name" "$installed/$name.c" $flags
}

# run_examples WHAT : those in $work say what they should.
run_examples() {
	expect "$1: free_memory" 0 "$work/free_memory" "$two"
	same "$1: prints each node's memory" "$(grep -cE '^node [01]: [0-9]+ of [0-9]+ MiB free$' <<<"$out")" 2
	expect "$1: plan_guest" 0 "$work/plan_guest" "$two" 256 2
	like "$1: prints a home" "$out" '^vnode 0: node [01], 256 of 256 MiB there, 2 vCPUs on CPUs [0-9,]+$'
	expect "$1: plan_guest without room" 1 "$work/plan_guest" "$two" 8388608 2
	like "$1: says why" "$err" '^no plan: '
	(cd "$work" && exec ./acpi_tables "$installed/rc9.cfg") >"$work/out" 2>"$work/err"
	same "$1: acpi_tables" "$?" 0
	like "$1: prints each table" "$(<"$work/out")" '^SRAT\.aml: [0-9]+ bytes$'
	same "$1: writes an SRAT" "$(head -c 4 "$work/SRAT.aml")" SRAT
	expect "$1: remote_vms" 0 "$work/remote_vms"
	like "$1: counts VMs" "$out" '^[0-9]+ VMs$'
	expect "$1: a source that is none" 2 "$work/free_memory" nowhere:
}

same "cflags and libs name nothing of hwloc" "$(pkg-config --cflags --libs vnuma | grep -oE 'hwloc|jansson')" ""
for name in free_memory plan_guest acpi_tables remote_vms; do
	expect "shared: $name compiles" 0 compile $name
done
like "shared: linked to the library" "$(readelf -d "$work/plan_guest")" 'NEEDED.*libvnuma\.so\.0'
unlike "shared: and to it alone" "$(readelf -d "$work/plan_guest")" 'NEEDED.*(hwloc|jansson)'
export LD_LIBRARY_PATH=$libdir
run_examples shared
unset LD_LIBRARY_PATH

# ---- the archive, where that is all there is ----

# Whether what hwloc.pc itself wants for --static is there: Debian's names libudev, on which libhwloc-dev does not depend.
links_hwloc() {
	# shellcheck disable=SC2046 # as in cc $(pkg-config …)
	cc -x c -o "$tap_work/empty" - $(pkg-config --static --libs hwloc) <<<'int main(void) { return 0; }' 2>/dev/null
}

if [ ! -f "$libdir/libvnuma.a" ]; then
	skip "the archive" "$build has default_library=shared; meson configure $build -Ddefault_library=both"
elif ! links_hwloc; then
	skip "the archive" "pkg-config --static --libs hwloc names libraries that are not installed (libudev-dev)"
else
	rm -f "$libdir"/libvnuma.so*
	work=$tap_work/static
	mkdir "$work"
	for name in free_memory plan_guest acpi_tables remote_vms; do
		expect "static: $name compiles" 0 compile $name --static
	done
	unlike "static: not linked to the library" "$(readelf -d "$work/plan_guest")" 'libvnuma'
	run_examples static
fi
finish
