/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Names the VMs of this machine whose memory is far from their vCPUs, and the command that mends the worst of each.
 *
 *     cc remote_vms.c $(pkg-config --cflags --libs vnuma)
 */
#include <stdio.h>
#include <vnuma.h>

static void print_vm(const struct vn_audit *audit, size_t vm)
{
	double share, low, high;
	const char *fix = vn_audit_finding_fix(audit, vm, 0);

	if (vn_audit_vm_locality(audit, vm, &share, &low, &high) < 0)
		printf("%s: not known\n", vn_audit_vm_name(audit, vm));
	else if (high < 0.9)
		printf("%s: %.0f%% to %.0f%% local; %s\n", vn_audit_vm_name(audit, vm), 100 * low, 100 * high,
			fix ? fix : "no command mends it");
}

int main(void)
{
	struct vn_error *err = vn_error_new();
	struct vn_audit *audit = NULL;
	int status = 1;

	if (!err)
		return 1;
	if (vn_audit_run(NULL, &audit, err) < 0) {
		for (size_t i = 0; i < vn_error_count(err); i++)
			fprintf(stderr, "%s\n", vn_error_text(err, i));
	} else {
		printf("%zu VMs\n", vn_audit_vm_count(audit));
		for (size_t vm = 0; vm < vn_audit_vm_count(audit); vm++)
			print_vm(audit, vm);
		status = 0;
	}
	vn_audit_free(audit);
	vn_error_free(err);
	return status;
}
