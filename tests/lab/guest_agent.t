#!/bin/bash
# tests/lab/guest_agent.t [socket|libvirt]: the queues of a guest follow its vnodes, set by the guest agent of the distribution inside it, which
# is talked to at QEMU's socket, or through libvirt.
# shellcheck disable=SC2154 # $build is lab.sh's
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
. tests/lab/lab.sh

agent=$PWD/$build/agent.cpio.gz # the payload, with the agent and a program that tells what is set
if ! lab/payload "$agent" "$(PATH=$PATH:/usr/sbin command -v qemu-ga)" tests/lab/guest_queues 2>"$tap_work/err"; then
	not_ok "the payload with the agent is built" "$(cat "$tap_work/err")"
fi
(($#)) || set -- socket libvirt
plain=$PWD/build/vnuma # a sanitized one cannot talk to libvirtd, see libvirt.t
[ -x "$plain" ] || plain=$PWD/$build/vnuma
for way in "$@"; do
	[ "$way" = socket ] && vnuma=$PWD/$build/vnuma || vnuma=$plain
	in_lab "guest agent, $way" --host lab/shapes/two-nodes.txt --cpus 4 --mem 4G -- tests/lab/guest_agent-inside "$vnuma" "$agent" "$way"
done
finish
