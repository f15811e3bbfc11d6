/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "../base/parse.h"
#include "../realize/stop.h"
#include "vms.h"

#define TIMEOUT_S 60u
#define TIMEOUT_MAX_S 86400u

static const char *const how_codes[] = {"powered-off", "quit", "killed", "dead"};
static const char *const how_texts[] = {
	[VN_STOPPED_DOWN] = "has powered off",
	[VN_STOPPED_QUIT] = "was ended: QEMU was told to quit",
	[VN_STOPPED_KILLED] = "was ended: QEMU did not answer and was killed",
	[VN_STOPPED_DEAD] = "was dead: no process is touched, its record is removed",
};

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_autostate state = {.fd = -1};
	vn_autovm *vm = NULL;
	const char *timeout = vn_arg(args, "timeout");
	struct vn_where where = {NULL, 0, "--timeout"};
	uint64_t seconds = TIMEOUT_S;
	enum vn_stopped how;

	if (timeout && vn_parse_u64(timeout, TIMEOUT_MAX_S, &seconds) < 0)
		return vn_error_input(
			err, &where, "'%s'; expected seconds, at most %u", timeout, TIMEOUT_MAX_S);
	int r = vn_args_vm(args, &state, &vm, err);
	if (r < 0)
		return r;
	vn_autoclose int signals = vn_signals_open();
	struct vn_stop_options options = {.timeout_ms = (int)(seconds * 1000),
		.force = vn_arg_given(args, "force"),
		.abort_fd = signals < 0 ? -1 : signals};
	r = vn_stop(&state, vm, &options, &how, err);
	if (r < 0)
		return r;
	if (args->json)
		return vn_print_json(json_pack("{s:s, s:s, s:s}", "schema", "vnuma.stop/1", "name", vm->name,
					     "how", how_codes[how]),
			err);
	printf("%s: %s\n", vm->name, how_texts[how]);
	return VN_EXIT_DONE;
}

const struct vn_verb verb_stop = {
	.name = "stop",
	.operands = "VM",
	.min_operands = 1,
	.max_operands = 1,
	.summary = "power a VM off, and forget it",
	.details =
		"The guest is asked to power off, twice; when it has not after the timeout, QEMU is told to quit, and killed\n"
		"when it does not. A process that is not the VM's is never touched, even when it has its pid.",
	.options = {{"timeout", "SECONDS", "how long the guest may take to power off (60)"},
		{"force", NULL, "do not ask the guest: quit at once"}},
	.run = run,
};
