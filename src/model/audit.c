/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "audit.h"

struct vn_audit *vn_audit_new(void)
{
	return calloc(1, sizeof(struct vn_audit));
}

void vn_findings_clear(struct vn_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++) {
		free(findings->v[i].text);
		free(findings->v[i].fix);
	}
	free(findings->v);
	*findings = (struct vn_findings){0};
}

void vn_vm_audit_clear(struct vn_vm_audit *vm)
{
	for (size_t k = 0; k < vm->n_vnodes; k++)
		free(vm->vnodes[k].memory);
	free(vm->vnodes);
	free(vm->memory);
	vn_notes_clear(&vm->unjudged);
	vn_findings_clear(&vm->findings);
	*vm = (struct vn_vm_audit){0};
}

void vn_audit_free(struct vn_audit *audit)
{
	if (!audit)
		return;
	for (size_t i = 0; i < audit->n_vms; i++)
		vn_vm_audit_clear(&audit->vms[i]);
	free(audit->vms);
	vn_sample_free(audit->owned);
	vn_findings_clear(&audit->host);
	free(audit);
}

const char *vn_severity_name(enum vn_severity severity)
{
	static const char *const names[] = {"notice", "low", "medium", "high"};

	return names[severity];
}

const char *vn_home_by_name(enum vn_home_by by)
{
	static const char *const names[] = {NULL, "plan", "affinity", "policy", "memory", "time"};

	return names[by];
}
