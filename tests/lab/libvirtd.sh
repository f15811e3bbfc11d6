# shellcheck shell=bash
# tests/lab/libvirtd.sh: sourced by tests that run in the emulated host and want Debian's libvirt there.
# $libvirtd_log: more lines of its configuration.

start_libvirtd() {
	getent passwd libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:64055::/:/bin/false' >>/etc/passwd
	getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group
	getent group libvirt >/dev/null || echo 'libvirt:x:64056:' >>/etc/group
	mkdir -p /etc/libvirt /var/lib/libvirt/qemu /var/log/libvirt/qemu /var/cache/libvirt /run/libvirt
	# no virtlogd, no other user than root; the rest as it is
	printf '%s\n' 'user = "root"' 'group = "root"' 'security_driver = "none"' 'stdio_handler = "file"' \
		'namespaces = []' >/etc/libvirt/qemu.conf
	printf '%s\n' 'auth_unix_rw = "none"' "${libvirtd_log:-}" >/etc/libvirt/libvirtd.conf
	libvirtd --daemon --timeout 0 >/tmp/libvirtd.out 2>&1
}
