/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `resize` of a domain of libvirt's. libvirt keeps what is requested, tells QEMU, and hears from it what the guest has: so its live XML is the
 * record, and a change is that of a device of it. The state's lock is held while it is looked whether there is room and the request is made, as
 * for a VM of ours; of what libvirt itself does beside, nobody is kept.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/parse.h"
#include "../base/text.h"
#include "../guest/guest_libvirt.h"
#include "../observe/domain_memory.h"
#include "../virt/virt.h"
#include "resizing.h"
#include "vms.h"

#define LOOK_MS 500 /* between two looks at what the guest has; QEMU tells of it once a second at most */

struct subject {
	struct vn_virt_domain domain;
	struct vn_state state;
	struct vn_guest *guest; /* as the XML has it; owned */
	struct vn_domain_memories memories; /* likewise */
	int signals; /* see vn_signals_open(); -1 until something is changed */
};

static void subject_clear(struct subject *the)
{
	vn_guest_free(the->guest);
	vn_domain_memories_clear(&the->memories);
	vn_state_close(&the->state);
	vn_closep(&the->signals);
}

/* The domain as it is now. */
static int look(struct subject *the, struct vn_error *err)
{
	vn_autofree char *xml = NULL;
	vn_autoguest *guest = NULL;
	vn_automemories memories = {0};
	int r = vn_virt_xml(&the->domain, &xml, err);

	if (r == 0)
		r = vn_guest_from_libvirt(xml, "its domain", &guest, err);
	if (r == 0)
		r = vn_domain_memories_read(xml, &memories, err);
	if (r < 0)
		return r;
	vn_guest_free(the->guest);
	the->guest = vn_steal(guest);
	vn_domain_memories_clear(&the->memories);
	the->memories = memories;
	memories = (struct vn_domain_memories){0};
	return 0;
}

/* What it means when libvirt had it a moment ago: -ENOENT becomes -ESRCH. `problem` is what came with r. */
static int later(const struct subject *the, int r, struct vn_error *problem, struct vn_error *err)
{
	if (r == -ENOENT && problem->n > 0)
		return vn_error_environment(
			err, -ESRCH, "'%s' ended meanwhile: %s", the->domain.name, problem->problems[0].text);
	vn_error_move(err, problem);
	return r;
}

static int look_again(struct subject *the, struct vn_error *err)
{
	vn_autoerror problem = {0};

	return later(the, look(the, &problem), &problem, err);
}

/* What its devices have together; `device` NULL where there is none. The rest of the vnode's memory is there always. */
static struct vn_resize_row row_of(const struct subject *the, size_t vnode)
{
	const struct vn_vnode *of = &the->guest->vnodes[vnode];
	struct vn_resize_row row = {.vnode = vnode, .home = of->home};
	uint64_t requested = 0;

	for (size_t i = 0; i < the->memories.n; i++) {
		const struct vn_domain_memory *memory = &the->memories.v[i];
		if (memory->cell != vnode)
			continue;
		requested += memory->requested;
		row.size += memory->current;
		row.most += memory->most;
		row.device = row.device ? "several" : memory->alias;
	}
	row.least = of->memory - (requested < of->memory ? requested : of->memory);
	row.size += row.least;
	row.most += row.least;
	row.requested = row.least + requested;
	return row;
}

static int print_vnodes(const struct vn_args *args, const struct subject *the,
	const struct vn_resize_request *request, struct vn_error *err)
{
	vn_autofree struct vn_resize_row *rows = calloc(the->guest->n_vnodes + 1, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t v = 0; v < the->guest->n_vnodes; v++) {
		if (!request->has_vnode || v == request->vnode)
			rows[n++] = row_of(the, v);
	}
	return vn_resizing_print(args, args->operands[0], rows, n, err);
}

/* ---- the change ---- */

static int find_device(const struct subject *the, unsigned vnode, const struct vn_domain_memory **ret_memory,
	struct vn_memory_device *ret_device, struct vn_error *err)
{
	size_t n;
	const struct vn_domain_memory *memory = vn_domain_memory_of(&the->memories, vnode, &n);

	if (!memory)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--vnode"},
			"%u; expected a vnode with one virtio-mem device (<memory model='virtio-mem'> with <node>%u</node>): it has %zu",
			vnode, vnode, n);
	*ret_memory = memory;
	*ret_device = (struct vn_memory_device){.block = memory->block,
		.most = memory->most,
		.requested = memory->requested,
		.size = memory->current};
	return 0;
}

static int request_of(const struct subject *the, const struct vn_domain_memory *memory, uint64_t requested,
	struct vn_error *err)
{
	vn_autofree char *xml = vn_domain_memory_xml(memory, requested);
	vn_autoerror refused = {0};

	if (!xml)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_virt_update_device(&the->domain, xml, &refused);
	if (r == -EREMOTEIO)
		return vn_error_environment(
			err, r, "libvirt does not change '%s': %s", memory->alias, refused.problems[0].text);
	return later(the, r, &refused, err);
}

/* Of another host's memory we know nothing, and ours says nothing about it. */
static int check_is_here(const struct subject *the, struct vn_error *err)
{
	vn_autofree char *uri = NULL;
	vn_autoerror problem = {0};
	char seen[VN_QUOTE_MAX];
	int r = vn_virt_uri(&the->domain, &uri, &problem);

	if (r < 0)
		return later(the, r, &problem, err);
	if (!vn_virt_uri_has_host(uri))
		return 0;
	return vn_error_environment(err, -EREMOTE,
		"not resized: libvirt is asked at '%s', so '%s' may run on another host, and its host cannot be looked at for free memory; "
		"--force asks all the same",
		vn_quote(uri, seen), the->domain.name);
}

static int check_room(
	const struct subject *the, const struct vn_domain_memory *memory, uint64_t more, struct vn_error *err)
{
	const struct vn_vnode *vnode = &the->guest->vnodes[memory->cell];
	vn_autoset home = hwloc_bitmap_alloc();
	hwloc_const_bitmap_t nodes = memory->nodes      ? memory->nodes
				     : vnode->nodes     ? vnode->nodes
				     : vnode->home >= 0 ? home
							: the->guest->nodes;

	if (!home || (vnode->home >= 0 && hwloc_bitmap_set(home, (unsigned)vnode->home) < 0))
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = check_is_here(the, err);
	if (r < 0)
		return r;
	return vn_resizing_check_room(
		&the->state, nodes, vn_vnode_page(the->guest, memory->cell), memory->cell, more, err);
}

/* Under the lock: 0 once it is requested, *ret_device what the device was before. 1: the answer is no. */
static int begin(struct subject *the, const struct vn_resize_request *request,
	struct vn_memory_device *ret_device, struct vn_error *err)
{
	const struct vn_domain_memory *memory = NULL;
	uint64_t requested = 0;
	vn_autoclose int lock = -1;

	int r = vn_state_lock(&the->state, VN_RESIZE_LOCK_MS, &lock, err);
	if (r == 0)
		r = look_again(the, err); /* while the lock was waited for it may have changed */
	if (r == 0)
		r = find_device(the, request->vnode, &memory, ret_device, err);
	if (r == 0)
		r = vn_resize_reckon(ret_device, request->vnode, row_of(the, request->vnode).least,
			&request->wish, &requested, err);
	if (r == 0 && requested > ret_device->requested && !request->force)
		r = check_room(the, memory, requested - ret_device->requested, err);
	if (r)
		return r;
	the->signals = vn_signals_open(); /* without them a signal ends us */
	return request_of(the, memory, requested, err);
}

/* What the guest has by now. Of a device that libvirt had, and has no more, the user's words are not to blame. */
static int look_at_device(struct subject *the, unsigned vnode, const struct vn_domain_memory **ret_memory,
	struct vn_memory_device *ret_device, struct vn_error *err)
{
	int r = look_again(the, err);

	if (r < 0)
		return r;
	if (find_device(the, vnode, ret_memory, ret_device, NULL) < 0)
		return vn_error_environment(err, -ENODEV, "vnode %u of '%s' has lost its virtio-mem device",
			vnode, the->domain.name);
	return 0;
}

/* How a wait ended. */
struct ending {
	int why; /* 0: the guest has it, or the domain has ended; -ETIMEDOUT: the user's time is over; -ECANCELED: a signal came */
	int look; /* what came of the last look: 0 or a negative errno */
	struct vn_error problem; /* of that look */
};

static void ending_clear(struct ending *ending)
{
	vn_error_clear(&ending->problem);
}

/*
 * Waits until the guest has what is requested. *device is what it was when last seen. A look that fails does not end the wait, as libvirt may be back
 * in time; a domain that has ended (-ESRCH) is not waited for.
 */
static void wait_for_it(struct subject *the, const struct vn_resize_request *request,
	struct vn_memory_device *device, struct ending *ending)
{
	int64_t deadline = vn_now_ms() + request->timeout_ms;

	for (;;) {
		const struct vn_domain_memory *memory;
		vn_error_clear(&ending->problem);
		ending->look = look_at_device(the, request->vnode, &memory, device, &ending->problem);
		if (ending->look == -ESRCH || (ending->look == 0 && device->size == device->requested))
			return;
		int left = vn_left_ms(deadline);
		struct pollfd stop = {the->signals, POLLIN, 0};
		if (poll(&stop, 1, left < LOOK_MS ? left : LOOK_MS) > 0)
			ending->why = -ECANCELED;
		else if (left == 0)
			ending->why = -ETIMEDOUT;
		if (ending->why < 0)
			return;
	}
}

static int take_back(struct subject *the, unsigned vnode, uint64_t requested, struct vn_error *err)
{
	const struct vn_domain_memory *memory;
	struct vn_memory_device device;
	vn_autoclose int lock = -1;

	int r = vn_state_lock(&the->state, VN_RESIZE_LOCK_MS, &lock, err);
	if (r == 0)
		r = look_at_device(the, vnode, &memory, &device, err);
	return r == 0 ? request_of(the, memory, requested, err) : r;
}

/*
 * The guest has not all, or the last look failed, and nobody knows: the request stands, or is taken back, and which of the two is told. The
 * exit status, or a negative errno.
 */
static int fall_short(struct subject *the, const struct vn_resize_request *request,
	const struct vn_memory_device *device, const struct vn_memory_device *before, struct ending *ending,
	struct vn_error *err)
{
	int back = request->all_or_nothing ? take_back(the, request->vnode, before->requested, err) : 0;

	if (back == -ESRCH)
		return back; /* nothing stands */
	if (back < 0)
		return vn_error_environment(err, back,
			"vnode %u: what was requested cannot be taken back: the request stands",
			request->vnode);
	if (ending->look == 0)
		return vn_resizing_fall_short(request, device, before->size, ending->why, false);
	vn_error_move(err, &ending->problem);
	return vn_error_environment(err, ending->look,
		"vnode %u: what the guest has done is not known: the request %s", request->vnode,
		request->all_or_nothing ? "is taken back" : "stands");
}

static int change(struct subject *the, const struct vn_resize_request *request, struct vn_error *err)
{
	struct vn_memory_device before, device;
	vn_cleanup(ending_clear) struct ending ending = {0};
	int r = begin(the, request, &before, err);

	if (r != 0)
		return r;
	device = before;
	wait_for_it(the, request, &device, &ending);
	if (ending.why == 0) {
		vn_error_move(err, &ending.problem);
		return ending.look;
	}
	int status = fall_short(the, request, &device, &before, &ending, err);
	if (status < 0)
		return status;
	r = look_again(the, err);
	return r < 0 ? r : status;
}

int vn_resize_domain(
	const struct vn_args *args, const struct vn_resize_request *request, struct vn_error *err)
{
	vn_cleanup(subject_clear) struct subject the = {
		.domain = {vn_arg(args, "connect"), args->operands[0], NULL, VN_VIRT_ANSWER_MS},
		.state = {.fd = -1},
		.signals = -1};
	int r = look(&the, err), status = 0;

	if (r == -ENOTCONN)
		return -ENOENT; /* from now on it is there, and nobody takes it for one that never was */
	if (r == 0 && request->has_vnode && request->vnode >= the.guest->n_vnodes)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--vnode"},
			"%u; expected a vnode of '%s', which has %zu", request->vnode, args->operands[0],
			the.guest->n_vnodes);
	if (r == 0 && request->has_wish) {
		r = vn_state_open(&the.state, err);
		status = r == 0 ? change(&the, request, err) : r;
	}
	if (r == 0 && status >= 0)
		r = print_vnodes(args, &the, request, err);
	return r < 0 ? r : status;
}
