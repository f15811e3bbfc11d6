/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `resize`: memory of a running VM, vnode by vnode.
 *
 * What is checked and what is done has to be one step beside other starts and resizes, or two would take the same free memory: from the
 * look at the host until the record says what is promised, the state's lock is held. Then it is released, for the guest may take its time.
 * What was read of the record before the lock was had may be old (QEMU's monitor, which has one client at a time, is waited for, and the lock
 * is): it is read again, and what is requested is QEMU's to say.
 *
 * The record says at no time less than what the guest was asked to have, whatever ends us in between: of it is reckoned what the host has
 * left. Signals are kept from the moment we begin to change something; the wait for the guest ends with them, and is told as one that took
 * too long.
 */
#define _GNU_SOURCE
#include "resizing.h"

#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "../discover/discover.h"
#include "occupied.h"
#include "planning.h"
#include "vms.h"

#define TIMEOUT_S 30u
#define TIMEOUT_MAX_S 86400u
#define ANSWER_MS 10000

/* A VM and its monitor. */
struct subject {
	struct vn_state state;
	struct vn_vm *vm;
	struct vn_qmp *qmp;
	size_t n_vnodes;
	int signals; /* see vn_signals_open(); -1 until something is changed */
};

static void subject_clear(struct subject *the)
{
	vn_qmp_free(the->qmp);
	vn_vm_free(the->vm);
	vn_state_close(&the->state);
	vn_closep(&the->signals);
}

/* ---- options ---- */

static void check_together(
	const struct vn_args *args, const struct vn_resize_request *request, struct vn_error *err)
{
	static const char *const of_change[] = {"timeout", "force", "all-or-nothing"};

	if (request->has_wish && !vn_arg_given(args, "vnode"))
		vn_error_input(err, &(struct vn_where){NULL, 0, "--vnode"},
			"missing; expected the vnode whose memory is to change, or no size");
	for (size_t i = 0; i < sizeof(of_change) / sizeof(of_change[0]) && !request->has_wish; i++) {
		char key[32];
		snprintf(key, sizeof(key), "--%s", of_change[i]);
		if (vn_arg_given(args, of_change[i]))
			vn_error_input(err, &(struct vn_where){NULL, 0, key},
				"given without a size; expected one, such as +512M");
	}
}

static int read_request(const struct vn_args *args, struct vn_resize_request *ret, struct vn_error *err)
{
	const char *vnode = vn_arg(args, "vnode"), *timeout = vn_arg(args, "timeout");
	uint64_t number = 0, seconds = TIMEOUT_S;
	char seen[VN_QUOTE_MAX];
	size_t before = err->n;

	if (vnode && vn_parse_u64(vnode, VN_MAX_VNODES - 1, &number) < 0)
		vn_error_input(err, &(struct vn_where){NULL, 0, "--vnode"},
			"'%s'; expected a number, at most %d", vn_quote(vnode, seen), VN_MAX_VNODES - 1);
	if (timeout && vn_parse_u64(timeout, TIMEOUT_MAX_S, &seconds) < 0)
		vn_error_input(err, &(struct vn_where){NULL, 0, "--timeout"},
			"'%s'; expected seconds, at most %u", vn_quote(timeout, seen), TIMEOUT_MAX_S);
	ret->has_wish = args->n_operands > 1;
	if (ret->has_wish)
		vn_resize_parse(args->operands[1], &ret->wish, err);
	check_together(args, ret, err);
	ret->has_vnode = vnode;
	ret->vnode = (unsigned)number;
	ret->timeout_ms = (int)seconds * 1000;
	ret->force = vn_arg_given(args, "force");
	ret->all_or_nothing = vn_arg_given(args, "all-or-nothing");
	return err->n > before ? -EINVAL : 0;
}

/* ---- the VM ---- */

static size_t count_vnodes(const struct vn_vm *vm)
{
	size_t n = json_array_size(json_object_get(vm->plan, "vnodes"));

	for (size_t i = 0; i < vm->n_backends; i++)
		n = vm->backends[i].vnode >= n ? vm->backends[i].vnode + 1 : n;
	return n;
}

static int open_subject(const struct vn_resize_request *request, struct subject *the, struct vn_error *err)
{
	struct vn_qmp_limits limits = VN_QMP_LIMITS(ANSWER_MS);
	int r = vn_vm_check_alive(the->vm, err);

	if (r < 0)
		return r;
	the->n_vnodes = count_vnodes(the->vm);
	if (request->has_vnode && request->vnode >= the->n_vnodes)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--vnode"},
			"%u; expected a vnode of '%s', which has %zu", request->vnode, the->vm->name,
			the->n_vnodes);
	return vn_qmp_connect(the->vm->qmp_path, &limits, &the->qmp, err);
}

/* ---- room ---- */

static uint64_t page_of(const struct vn_vm *vm, unsigned vnode)
{
	const json_t *of = json_array_get(json_object_get(vm->plan, "vnodes"), vnode);
	json_int_t page = json_integer_value(json_object_get(of, "hugepages"));

	return page > 0 ? (uint64_t)page : 0;
}

int vn_resizing_check_room(const struct vn_state *state, hwloc_const_bitmap_t nodes, uint64_t page,
	unsigned vnode, uint64_t more, struct vn_error *err)
{
	vn_autohost *host = NULL;
	vn_autotaken taken = {0};
	vn_autoset those = hwloc_bitmap_alloc();
	uint64_t left = 0;

	int r = vn_discover("live", &host, err);
	if (r == 0)
		r = vn_taken_running(state, host, 0, &taken, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < host->n_nodes && taken.occupied && those; i++) {
		if (nodes && !hwloc_bitmap_isset(nodes, host->nodes[i].id))
			continue;
		left += vn_occupied_left(&host->nodes[i], &taken.occupied->nodes[i], page);
		hwloc_bitmap_set(those, host->nodes[i].id);
	}
	if (more <= left)
		return 0;
	vn_autofree char *list = vn_set_text(those);
	char wanted[VN_SIZE_TEXT], there[VN_SIZE_TEXT], lacking[VN_SIZE_TEXT];
	vn_size_texts_apart(more, left, wanted, there);
	fprintf(stderr,
		"vnuma: not resized: vnode %u is to have %s more, and node%s %s, where its memory comes, %s %s%s free beside what is "
		"promised: %s short; --force asks all the same\n",
		vnode, wanted, vn_set_weight(those) == 1 ? "" : "s", list ? list : "",
		vn_set_weight(those) == 1 ? "has" : "have", there, page ? " of its huge pages" : "",
		vn_size_text(more - left, lacking));
	return VN_EXIT_NO;
}

/* ---- telling ---- */

static int home_of(const struct vn_vm *vm, size_t vnode)
{
	const json_t *home = json_array_get(json_object_get(vm->plan, "homes"), vnode);

	return json_is_integer(home) ? (int)json_integer_value(home) : -1;
}

static int look_at(const struct subject *the, unsigned vnode, struct vn_resize_row *ret, struct vn_error *err)
{
	const struct vn_vm_backend *backend = vn_vm_device_of(the->vm, vnode);
	uint64_t fixed = vn_vm_fixed_memory(the->vm, vnode);
	struct vn_memory_device device = {0};
	int r = backend ? vn_memory_device_ask(the->qmp, backend->device, &device, err) : 0;

	if (r == 0)
		*ret = (struct vn_resize_row){vnode, fixed, fixed + device.size, fixed + device.requested,
			fixed + device.most, home_of(the->vm, vnode), backend ? backend->device : NULL};
	return r;
}

static json_t *row_to_json(const struct vn_resize_row *row)
{
	return json_pack("{s:i, s:I, s:I, s:I, s:I, s:i, s:s?}", "vnode", (int)row->vnode, "min",
		(json_int_t)row->least, "size", (json_int_t)row->size, "requested",
		(json_int_t)row->requested, "max", (json_int_t)row->most, "home", row->home, "device",
		row->device);
}

static void print_row(const struct vn_resize_row *row)
{
	char least[VN_SIZE_TEXT], size[VN_SIZE_TEXT], requested[VN_SIZE_TEXT], most[VN_SIZE_TEXT];

	printf("%5zu %11s %11s %11s %11s %5d  %s\n", row->vnode, vn_size_text(row->least, least),
		vn_size_text(row->size, size), vn_size_text(row->requested, requested),
		vn_size_text(row->most, most), row->home, row->device ? row->device : "-");
}

int vn_resizing_print(const struct vn_args *args, const char *name, const struct vn_resize_row *rows,
	size_t n, struct vn_error *err)
{
	json_auto_t *list = json_array();

	if (!args->json)
		printf("%5s %11s %11s %11s %11s %5s  %s\n", "vnode", "min", "has", "requested", "max", "home",
			"device");
	for (size_t i = 0; i < n; i++) {
		if (args->json)
			json_array_append_new(list, row_to_json(&rows[i]));
		else
			print_row(&rows[i]);
	}
	return args->json ? vn_print_json(json_pack("{s:s, s:s, s:O}", "schema", "vnuma.resize/1", "name",
						  name, "vnodes", list),
				    err)
			  : 0;
}

/* All vnodes, or the one that is asked for. */
static int print_vnodes(const struct vn_args *args, const struct subject *the,
	const struct vn_resize_request *request, struct vn_error *err)
{
	vn_autofree struct vn_resize_row *rows = calloc(the->n_vnodes + 1, sizeof(*rows));
	size_t n = 0;

	if (!rows)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t v = 0; v < the->n_vnodes; v++) {
		if (request->has_vnode && v != request->vnode)
			continue;
		int r = look_at(the, (unsigned)v, &rows[n++], err);
		if (r < 0)
			return r;
	}
	return vn_resizing_print(args, the->vm->name, rows, n, err);
}

static bool is_paused(struct vn_qmp *qmp)
{
	json_auto_t *status = NULL;

	return vn_qmp_execute(qmp, "query-status", NULL, &status, NULL) == 0 &&
	       json_is_false(json_object_get(status, "running"));
}

static void tell_short(const struct vn_resize_request *request, const struct vn_memory_device *device,
	uint64_t before, const char *when, bool paused)
{
	bool grows = device->requested > before;
	uint64_t wanted = grows ? device->requested - before : before - device->requested;
	uint64_t done = grows ? device->size - before : before - device->size;
	const char *then = request->all_or_nothing ? "the request is taken back" : "the request stands";
	char done_text[VN_SIZE_TEXT], wanted_text[VN_SIZE_TEXT];

	if (device->size == before || (device->size > before) != grows)
		fprintf(stderr, "vnuma: vnode %u: %s has not answered %s%s: %s\n", request->vnode,
			paused ? "the VM is paused, so its guest" : "the guest", when,
			paused ? "" : " (does it have virtio_mem?)", then);
	else
		fprintf(stderr, "vnuma: vnode %u: the guest %s %s of %s %s%s: %s\n", request->vnode,
			grows ? "took" : "gave back", vn_size_text_exact(done, done_text),
			vn_size_text_exact(wanted, wanted_text), when,
			grows ? "" : " (Linux keeps blocks in which its kernel has a page)", then);
}

int vn_resizing_fall_short(const struct vn_resize_request *request, const struct vn_memory_device *device,
	uint64_t before, int why, bool paused)
{
	char when[48];

	if (why == -ETIMEDOUT && request->timeout_ms == 0 && !request->all_or_nothing) {
		fprintf(stderr, "vnuma: vnode %u: the guest is asked, and not waited for\n", request->vnode);
		return 0;
	}
	if (why == -ECANCELED)
		snprintf(when, sizeof(when), "before a signal came");
	else
		snprintf(when, sizeof(when), "within %d s", request->timeout_ms / 1000);
	tell_short(request, device, before, when, paused);
	return VN_EXIT_NO;
}

/* ---- the change ---- */

/* Under the lock: the record as it is now, of the same process, and the vnode's device as QEMU has it, which the record then follows. */
static int look_again(
	struct subject *the, unsigned vnode, struct vn_memory_device *ret_device, struct vn_error *err)
{
	vn_autovm *now = NULL;
	struct vn_memory_device device = {0};
	int r = vn_state_read(&the->state, the->vm->name, &now, err);

	if (r < 0)
		return r;
	struct vn_vm_backend *backend = vn_vm_device_of(now, vnode);
	if (!backend || now->process.pid != the->vm->process.pid ||
		now->process.start_time != the->vm->process.start_time)
		return vn_error_environment(
			err, -ESRCH, "'%s' was stopped, and another has its name by now", the->vm->name);
	r = vn_memory_device_ask(the->qmp, backend->device, &device, err);
	if (r == 0 && device.requested > backend->memory)
		r = vn_error_environment(err, -EPROTO,
			"QEMU requests %llu bytes of '%s', which has %llu as the record says",
			(unsigned long long)device.requested, backend->device,
			(unsigned long long)backend->memory);
	if (r == 0 && vn_vm_resized(now, backend, device.requested) < 0)
		r = vn_error_environment(err, -ENOMEM, "out of memory");
	if (r < 0)
		return r;
	vn_vm_free(the->vm);
	the->vm = vn_steal(now);
	*ret_device = device;
	return 0;
}

static int record(
	const struct subject *the, struct vn_vm_backend *backend, uint64_t requested, struct vn_error *err)
{
	if (vn_vm_resized(the->vm, backend, requested) < 0)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return vn_state_write(&the->state, the->vm, err);
}

/*
 * Sets it at QEMU and in the record, which is the first to say more and the last to say less. When the second of the two cannot be done the first
 * is taken back; but where QEMU went silent, and may have done it or not, the record stays at the more that it says.
 */
static int request_and_record(
	const struct subject *the, unsigned vnode, uint64_t before, uint64_t requested, struct vn_error *err)
{
	struct vn_vm_backend *backend = vn_vm_device_of(the->vm, vnode);
	bool grows = requested > before;
	int r = grows ? record(the, backend, requested, err)
		      : vn_resize_request(the->qmp, backend->device, requested, err);

	if (r < 0)
		return r;
	r = grows ? vn_resize_request(the->qmp, backend->device, requested, err)
		  : record(the, backend, requested, err);
	if (grows && (r == -EREMOTEIO || r == -ENOMEM))
		record(the, backend, before, err);
	if (!grows && r < 0)
		vn_resize_request(the->qmp, backend->device, before, err);
	return r;
}

/* Under the lock: 0 once it is requested, *ret_device what the device was before. 1: the answer is no. */
static int begin(struct subject *the, const struct vn_resize_request *request,
	struct vn_memory_device *ret_device, struct vn_error *err)
{
	uint64_t requested = 0;
	vn_autoclose int lock = -1;

	int r = vn_state_lock(&the->state, VN_RESIZE_LOCK_MS, &lock, err);
	if (r == 0)
		r = look_again(the, request->vnode, ret_device, err);
	if (r == 0)
		r = vn_resize_reckon(ret_device, request->vnode, vn_vm_fixed_memory(the->vm, request->vnode),
			&request->wish, &requested, err);
	if (r == 0 && requested > ret_device->requested && !request->force)
		r = vn_resizing_check_room(&the->state,
			vn_vm_device_of(the->vm, request->vnode)->policy_nodes,
			page_of(the->vm, request->vnode), request->vnode, requested - ret_device->requested,
			err);
	if (r)
		return r;
	the->signals = vn_signals_open(); /* without them a signal ends us, as before */
	return request_and_record(the, request->vnode, ret_device->requested, requested, err);
}

static int take_back(struct subject *the, unsigned vnode, uint64_t requested, struct vn_error *err)
{
	struct vn_memory_device device;
	vn_autoclose int lock = -1;

	int r = vn_state_lock(&the->state, VN_RESIZE_LOCK_MS, &lock, err);
	if (r == 0)
		r = look_again(the, vnode, &device, err);
	return r == 0 ? request_and_record(the, vnode, device.requested, requested, err) : r;
}

/* The guest has not all: the request stands, or is taken back. `why` is what the wait ended with. */
static int fall_short(struct subject *the, const struct vn_resize_request *request,
	const struct vn_memory_device *device, const struct vn_memory_device *before, int why,
	struct vn_error *err)
{
	int r = request->all_or_nothing ? take_back(the, request->vnode, before->requested, err) : 0;

	return r < 0 ? r
		     : vn_resizing_fall_short(request, device, before->size, why,
			       device->size != device->requested && is_paused(the->qmp));
}

static int change(struct subject *the, const struct vn_resize_request *request, struct vn_error *err)
{
	struct vn_memory_device before, device;

	if (!vn_vm_device_of(the->vm, request->vnode))
		return vn_error_input(err, &(struct vn_where){NULL, 0, "--vnode"},
			"%u; expected a vnode with a virtio-mem device: 'vnumamem_max' of a config gives it one when the VM is started",
			request->vnode);
	int r = begin(the, request, &before, err);
	if (r != 0)
		return r;
	device = before;
	r = vn_resize_wait(the->qmp, &device, request->timeout_ms, the->signals, err);
	return r == -ETIMEDOUT || r == -ECANCELED ? fall_short(the, request, &device, &before, r, err) : r;
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	vn_cleanup(subject_clear) struct subject the = {.state = {.fd = -1}, .signals = -1};
	struct vn_resize_request request = {0};
	vn_autoerror of_ours = {0}, of_libvirt = {0};

	int r = read_request(args, &request, err);
	if (r < 0)
		return r;
	r = vn_arg(args, "connect") ? -ENOENT : vn_args_vm(args, &the.state, &the.vm, &of_ours);
	if (r == -ENOENT) {
		r = vn_resize_domain(args, &request, &of_libvirt);
		if (r == -ENOENT)
			vn_error_move(err, &of_ours);
		vn_error_move(err, &of_libvirt);
		return r;
	}
	vn_error_move(err, &of_ours);
	if (r == 0)
		r = open_subject(&request, &the, err);
	if (r < 0)
		return r;
	int status = request.has_wish ? change(&the, &request, err) : 0;
	if (status < 0)
		return status;
	r = print_vnodes(args, &the, &request, err);
	return r < 0 ? r : status;
}

const struct vn_verb verb_resize = {
	.name = "resize",
	.operands = "VM [+SIZE|-SIZE|=SIZE]",
	.min_operands = 1,
	.max_operands = 2,
	.summary = "a running VM's memory, vnode by vnode",
	.details =
		"The guest gives memory of that vnode back to the host, or takes more, through the vnode's virtio-mem device: the other\n"
		"vnodes keep what they have. SIZE is a number and K, M, G or T; + and - count from what the vnode is to have now.\n"
		"Without SIZE it is told what each vnode has and can have. A vnode has such a device when its config says vnumamem_min\n"
		"or vnumamem_max. Growing wants memory that is free where the vnode's comes, and promised to nobody. Exit status 1: it is\n"
		"not, or the guest has not done all of it in time, or before a signal came; what it was asked for then stands.\n"
		"VM is one of vnuma's, or else a running domain of libvirt's, whose libvirt then asks the guest.",
	.options = {{"vnode", "V", "whose memory it is"},
		{"timeout", "SECONDS",
			"how long the guest may take (30); 0: it is asked, and not waited for"},
		{"force", NULL, "grow also where memory is short, or on a host that cannot be looked at"},
		{"all-or-nothing", NULL,
			"take the request back when the guest has not done all of it in time"},
		{"connect", "URI", "change a domain of the libvirt there, not one of vnuma's own records"}},
	.run = run,
};
