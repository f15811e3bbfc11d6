/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "guest_inside.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "../base/parse.h"

#define NET "/sys/class/net/"
#define QUEUE "/queues/tx-"
#define XPS "/xps_cpus"
#define IRQ "/proc/irq/"
#define AFFINITY "/smp_affinity"

void vn_guest_setting_clear(struct vn_guest_setting *setting)
{
	hwloc_bitmap_free(setting->before);
	hwloc_bitmap_free(setting->after);
	hwloc_bitmap_free(setting->earlier);
}

/* ---- paths ---- */

void vn_guest_xps_path(const char *interface, unsigned queue, char ret[static VN_GUEST_PATH])
{
	snprintf(ret, VN_GUEST_PATH, NET "%.*s" QUEUE "%u" XPS, (int)VN_INTERFACE_MAX, interface, queue);
}

void vn_guest_irq_path(unsigned number, char ret[static VN_GUEST_PATH])
{
	snprintf(ret, VN_GUEST_PATH, IRQ "%u" AFFINITY, number);
}

/* The number between `begin` and `end` of a text; it fills that wholly, and is written as we write it. */
static bool read_number(const char *begin, const char *end, unsigned max, unsigned *ret)
{
	char digits[16] = "";
	uint64_t number;
	size_t n = (size_t)(end - begin);

	if (n == 0 || n >= sizeof(digits) || (*begin == '0' && n > 1))
		return false;
	memcpy(digits, begin, n);
	if (vn_parse_u64(digits, max, &number) < 0)
		return false;
	*ret = (unsigned)number;
	return true;
}

static bool ends_in(const char *text, const char *tail, const char **ret_at)
{
	size_t n = strlen(text), length = strlen(tail);

	*ret_at = text + (n < length ? 0 : n - length);
	return n >= length && strcmp(*ret_at, tail) == 0;
}

bool vn_guest_path_is_xps(const char *path)
{
	char interface[VN_INTERFACE_MAX + 1] = "";
	const char *end;
	unsigned queue;

	if (strlen(path) >= VN_GUEST_PATH || strncmp(path, NET, strlen(NET)) != 0 ||
		!ends_in(path, XPS, &end))
		return false;
	const char *name = path + strlen(NET), *after = strchr(name, '/');
	if (!after || (size_t)(after - name) > VN_INTERFACE_MAX ||
		strncmp(after, QUEUE, strlen(QUEUE)) != 0 || after + strlen(QUEUE) > end)
		return false;
	memcpy(interface, name, (size_t)(after - name));
	return vn_interface_valid(interface) &&
	       read_number(after + strlen(QUEUE), end, VN_GUEST_QUEUES_MAX - 1, &queue);
}

static bool is_irq(const char *path)
{
	const char *end;
	unsigned number;

	return strncmp(path, IRQ, strlen(IRQ)) == 0 && ends_in(path, AFFINITY, &end) &&
	       end >= path + strlen(IRQ) && read_number(path + strlen(IRQ), end, INT_MAX, &number);
}

bool vn_guest_path_valid(const char *path)
{
	return vn_guest_path_is_xps(path) || is_irq(path);
}

const char *vn_guest_path_short(const char *path, char ret[static VN_GUEST_PATH])
{
	bool xps = vn_guest_path_is_xps(path);
	const char *name = path + strlen(xps ? NET : IRQ),
		   *number = xps ? strchr(name, '/') + strlen(QUEUE) : "";
	int length = (int)strcspn(name, "/"), digits = (int)strcspn(number, "/");

	snprintf(ret, VN_GUEST_PATH, xps ? "%.*s tx-%.*s" : "interrupt %.*s%.*s", length, name, digits,
		number);
	return ret;
}

/* ---- all of it ---- */

void vn_guest_inside_clear(struct vn_guest_inside *inside)
{
	for (size_t i = 0; i < inside->n_nodes; i++)
		hwloc_bitmap_free(inside->nodes[i]);
	for (size_t i = 0; i < inside->n_settings; i++)
		vn_guest_setting_clear(&inside->settings[i]);
	free(inside->nodes);
	free(inside->nics);
	free(inside->settings);
	vn_notes_clear(&inside->notes);
	*inside = (struct vn_guest_inside){0};
}

int vn_guest_inside_add(
	struct vn_guest_inside *inside, const char *path, unsigned nic, unsigned queue, hwloc_bitmap_t before)
{
	struct vn_guest_setting *grown =
		reallocarray(inside->settings, inside->n_settings + 1, sizeof(*grown));

	if (!grown) {
		hwloc_bitmap_free(before);
		return -ENOMEM;
	}
	inside->settings = grown;
	struct vn_guest_setting *to = &grown[inside->n_settings++];
	*to = (struct vn_guest_setting){.nic = nic, .queue = queue, .before = before};
	snprintf(to->path, sizeof(to->path), "%s", path);
	return 0;
}
