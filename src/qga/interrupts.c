/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "interrupts.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../base/cleanup.h"
#include "../base/text.h"

/* Digits at *p, up to `max`, without a zero before others; moves *p behind them. */
static bool read_number(const char **p, unsigned max, unsigned *ret)
{
	unsigned long value = 0;

	if (**p < '0' || **p > '9' || (**p == '0' && (*p)[1] >= '0' && (*p)[1] <= '9'))
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++) {
		value = value * 10 + (unsigned long)(**p - '0');
		if (value > max)
			return false;
	}
	*ret = (unsigned)value;
	return true;
}

static bool skip(const char **p, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*p, word, n) != 0)
		return false;
	*p += n;
	return true;
}

/* `virtio1-input.0`, and then the line's end. */
static bool read_name(const char *name, const char *end, struct vn_qga_irq *irq)
{
	if (!skip(&name, "virtio") || !read_number(&name, VN_QGA_NUMBER_MAX, &irq->device))
		return false;
	irq->output = skip(&name, "-output.");
	return (irq->output || skip(&name, "-input.")) &&
	       read_number(&name, VN_QGA_NUMBER_MAX, &irq->queue) && name == end;
}

static bool read_line(const char *line, struct vn_qga_irq *irq)
{
	const char *end = line + strcspn(line, "\n"), *name = end;

	line += strspn(line, " ");
	if (!read_number(&line, INT_MAX, &irq->number) || *line != ':')
		return false;
	while (name > line && name[-1] != ' ')
		name--;
	return read_name(name, end, irq);
}

static int by_number(const void *a, const void *b)
{
	const struct vn_qga_irq *x = a, *y = b;
	return (x->number > y->number) - (x->number < y->number);
}

static int by_queue(const void *a, const void *b)
{
	const struct vn_qga_irq *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->queue != y->queue)
		return x->queue < y->queue ? -1 : 1;
	return (int)x->output - (int)y->output;
}

/* Sorts them by queue. */
static bool has_twins(struct vn_qga_irqs *irqs)
{
	static int (*const orders[])(const void *, const void *) = {by_number, by_queue};

	for (size_t k = 0; k < sizeof(orders) / sizeof(orders[0]) && irqs->n > 1; k++) {
		qsort(irqs->v, irqs->n, sizeof(*irqs->v), orders[k]);
		for (size_t i = 1; i < irqs->n; i++) {
			if (orders[k](&irqs->v[i - 1], &irqs->v[i]) == 0)
				return true;
		}
	}
	return false;
}

int vn_qga_irqs_parse(const char *text, struct vn_qga_irqs *ret)
{
	vn_autoqgairqs irqs = {0};

	for (const char *line = text; *line; line = vn_next_line(line)) {
		struct vn_qga_irq irq;
		if (!read_line(line, &irq))
			continue;
		if (irqs.n == VN_QGA_IRQS_MAX)
			return -EPROTO;
		struct vn_qga_irq *grown = reallocarray(irqs.v, irqs.n + 1, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		irqs.v = grown;
		irqs.v[irqs.n++] = irq;
	}
	if (has_twins(&irqs))
		return -EPROTO;
	*ret = irqs;
	irqs = (struct vn_qga_irqs){0};
	return 0;
}

void vn_qga_irqs_clear(struct vn_qga_irqs *irqs)
{
	free(irqs->v);
	*irqs = (struct vn_qga_irqs){0};
}
