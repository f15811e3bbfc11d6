/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "move_irqs.h"

#include <string.h>

#include "../base/process.h"
#include "../base/text.h"
#include "sys.h"

static int read_affinity(unsigned irq, hwloc_bitmap_t *ret)
{
	vn_autofree char *text = NULL;
	char path[64];

	snprintf(path, sizeof(path), "/proc/irq/%u/smp_affinity_list", irq);
	int r = vn_proc_read(path, &text);
	return r < 0 ? r : vn_set_parse(text, ret);
}

static hwloc_const_bitmap_t was(const struct vn_move *first, const struct vn_move_irq *irq)
{
	for (size_t i = 0; first && i < first->n_irqs; i++) {
		if (first->irqs[i].number == irq->number && strcmp(first->irqs[i].name, irq->name) == 0)
			return first->irqs[i].before;
	}
	return NULL;
}

static struct vn_move_irq *find(const struct vn_move *move, unsigned number)
{
	for (size_t i = 0; i < move->n_irqs; i++) {
		if (move->irqs[i].number == number)
			return &move->irqs[i];
	}
	return NULL;
}

static int add_copy(struct vn_move *move, const struct vn_move_irq *from)
{
	struct vn_move_irq *grown = reallocarray(move->irqs, move->n_irqs + 1, sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	move->irqs = grown;
	struct vn_move_irq *irq = &grown[move->n_irqs++];
	*irq = *from;
	irq->before = hwloc_bitmap_dup(from->before);
	irq->after = hwloc_bitmap_dup(from->after);
	return irq->before && irq->after ? 0 : -ENOMEM;
}

/* What an earlier move sent elsewhere, and this one leaves alone: undo has to know it still. */
static int keep_earlier(struct vn_move *move, const struct vn_move *first)
{
	int r = 0;

	for (size_t i = 0; first && i < first->n_irqs && r == 0; i++) {
		if (!find(move, first->irqs[i].number))
			r = add_copy(move, &first->irqs[i]);
	}
	return r;
}

int vn_move_irqs_join(struct vn_move *first, const struct vn_move *move)
{
	int r = 0;

	for (size_t i = 0; i < move->n_irqs && r == 0; i++) {
		const struct vn_move_irq *irq = &move->irqs[i];
		struct vn_move_irq *known = find(first, irq->number);
		if (!known)
			r = add_copy(first, irq);
		else if (hwloc_bitmap_copy(known->after, irq->after) < 0 ||
			 (strcmp(known->name, irq->name) != 0 &&
				 hwloc_bitmap_copy(known->before, irq->before) < 0))
			r = -ENOMEM;
		else
			memcpy(known->name, irq->name, sizeof(known->name));
	}
	return r;
}

int vn_move_irqs_read(struct vn_move *move, const struct vn_move *first, struct vn_error *err)
{
	size_t kept = 0;

	for (size_t i = 0; i < move->n_irqs; i++) {
		struct vn_move_irq irq = move->irqs[i];
		hwloc_const_bitmap_t before = was(first, &irq);
		vn_autoset now = NULL;
		int r = read_affinity(irq.number, &now);
		move->irqs[i] = (struct vn_move_irq){0};
		if (r == 0 && hwloc_bitmap_copy(irq.before, before ? before : now) < 0)
			r = -ENOMEM;
		if (r == 0) {
			move->irqs[kept++] = irq;
			continue;
		}
		vn_move_irq_clear(&irq);
		if (r != -ESRCH)
			return vn_error_environment(err, r, "interrupt %u: its affinity cannot be read: %s",
				irq.number, strerror(-r));
	}
	move->n_irqs = kept;
	return keep_earlier(move, first) < 0 ? vn_error_environment(err, -ENOMEM, "out of memory") : 0;
}

int vn_move_irqs_set(const struct vn_move *move, bool back, struct vn_notes *notes, struct vn_error *err)
{
	for (size_t i = 0; i < move->n_irqs; i++) {
		const struct vn_move_irq *irq = &move->irqs[i];
		int r = vn_sys_set_irq_affinity(irq->number, back ? irq->before : irq->after);
		if (r == -EIO && vn_notes_add(notes, "irq-managed",
					 "interrupt %u (%s) is the kernel's to place: it refuses to be moved",
					 irq->number, irq->name) < 0)
			return vn_error_environment(err, -ENOMEM, "out of memory");
		if (r < 0 && r != -EIO && r != -ENOENT)
			return vn_error_environment(err, r,
				"interrupt %u (%s): its affinity cannot be set: %s", irq->number, irq->name,
				strerror(-r));
	}
	return 0;
}
