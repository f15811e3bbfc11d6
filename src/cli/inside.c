/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "inside.h"

#include <fcntl.h>
#include <string.h>

#include "../observe/agent_socket.h"
#include "../observe/guest_inside.h"
#include "../observe/monitor_socket.h"
#include "../plan/plan_make.h"
#include "../rehome/guest_queues.h"
#include "../virt/agent.h"

#define ANSWER_MS 5000 /* a guest whose CPUs are busy answers in tenths of a second */

static int no_memory(int r, struct vn_error *err)
{
	return r == -ENOMEM ? vn_error_environment(err, r, "out of memory") : r;
}

/* 0 or -ENOMEM. */
static int fail(struct vn_inside *inside, const char *code, const char *why)
{
	inside->failed = true;
	return vn_notes_add(&inside->guest.notes, code, "nothing is set inside the guest: %s", why);
}

static const char *code_of(int status)
{
	switch (status) {
	case -ETIMEDOUT:
		return "guest-agent-silent";
	case -EPERM:
		return "guest-agent-forbids";
	default:
		return "guest-agent-failed";
	}
}

/* What went wrong with the agent becomes a note; but for who was interrupted. */
static int agent_failed(struct vn_inside *inside, int status, struct vn_error *problem, struct vn_error *err)
{
	vn_inside_leave(inside);
	if (status == -ECANCELED || status == -ENOMEM) {
		vn_error_move(err, problem);
		return status;
	}
	return no_memory(
		fail(inside, code_of(status), problem->n ? problem->problems[0].text : strerror(-status)),
		err);
}

static int not_connected(struct vn_inside *inside, int status)
{
	if (status == -EBUSY)
		return fail(inside, "guest-agent-silent", "somebody else talks to its agent");
	return fail(inside, "guest-agent-missing",
		status == -ENOENT       ? "QEMU does not listen at the socket for its agent"
		: status == -EADDRINUSE ? "another process listens at the socket for its agent, or owns it"
					: strerror(-status));
}

/* Takes `fd` over. */
static int attach(struct vn_inside *inside, int fd, const char *name, const struct vn_survey *survey,
	struct vn_error *err)
{
	vn_autoerror problem = {0};
	int r = vn_qga_attach(fd, name, ANSWER_MS, survey->stop_fd, &inside->agent, &problem);

	return r < 0 ? agent_failed(inside, r, &problem, err) : 0;
}

static bool is_domain(const struct vn_vm_sample *vm)
{
	return (vm->manager == VN_MANAGER_LIBVIRT || vm->manager == VN_MANAGER_LIBVIRT_SESSION) && *vm->uuid;
}

static int open_through_libvirt(struct vn_inside *inside, const struct vn_survey *survey,
	const struct vn_vm_sample *vm, struct vn_error *err)
{
	bool session = vm->manager == VN_MANAGER_LIBVIRT_SESSION;
	struct vn_virt_domain domain = {
		session ? VN_VIRT_SESSION : VN_VIRT_SYSTEM, NULL, vm->uuid, VN_VIRT_ANSWER_MS};
	vn_autoerror problem = {0};

	if (session && vm->uid != geteuid())
		return no_memory(fail(inside, "guest-agent-missing",
					 "it is a domain of another user's own libvirt, which has its agent"),
			err);
	int r = vn_virt_agent_open(&domain, survey->stop_fd, &inside->libvirt, &problem);
	if (r == -ENOENT || r == -ENOTCONN)
		return no_memory(fail(inside, "guest-agent-missing", problem.problems[0].text), err);
	if (r < 0)
		return agent_failed(inside, r, &problem, err);
	int fd = fcntl(inside->libvirt.fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return vn_error_environment(err, -errno, "%s", strerror(errno));
	return attach(inside, fd, "through libvirt", survey, err);
}

int vn_inside_open(const struct vn_survey *survey, const struct vn_vm_sample *vm, struct vn_inside *inside,
	struct vn_error *err)
{
	vn_autofree char *path = NULL;
	const char *why = "";
	char name[VN_SAMPLE_TEXT];
	int r = vn_agent_path(vm, &path, &why);
	int fd = r == 0 ? vn_monitor_connect(survey, vm, path) : r;

	if (fd >= 0) {
		vn_sample_text(path, strlen(path), name, sizeof(name));
		return attach(inside, fd, name, survey, err);
	}
	if (fd == -ENOMEM)
		return no_memory(fd, err);
	if (is_domain(vm))
		return open_through_libvirt(inside, survey, vm, err);
	return no_memory(
		r == -ENOENT ? fail(inside, "guest-agent-missing", why) : not_connected(inside, fd), err);
}

static bool sets_interrupts(const struct vn_guest_inside *guest)
{
	for (size_t i = 0; i < guest->n_settings; i++) {
		if (!vn_guest_path_is_xps(guest->settings[i].path))
			return true;
	}
	return false;
}

static int reckon(struct vn_inside *inside, struct vn_vm_sample *vm)
{
	vn_cleanup(vn_view_clear) struct vn_view view = {0};
	struct vn_guest_inside *guest = &inside->guest;
	int r = vm->guest ? vn_view_foretell(vm->guest, &view) : 0;

	if (r == 0)
		r = vn_guest_queues_reckon(vm, &view, guest);
	if (r == 0 && sets_interrupts(guest))
		r = vn_notes_add(&guest->notes, "guest-irqbalance-may-undo",
			"irqbalance, where it runs inside the guest, may set the interrupts of its queues anew");
	inside->failed |= vn_guest_queues_left_out(guest);
	return r;
}

int vn_inside_reckon(struct vn_inside *inside, struct vn_vm_sample *vm, struct vn_error *err)
{
	vn_autoerror problem = {0};
	vn_autoinside guest = {0};

	if (!inside->agent)
		return 0;
	int r = vn_guest_inside_read(inside->agent, vm, &guest, &problem);
	if (r < 0)
		return agent_failed(inside, r, &problem, err);
	vn_guest_inside_clear(&inside->guest);
	inside->guest = guest;
	guest = (struct vn_guest_inside){0};
	return no_memory(reckon(inside, vm), err);
}

int vn_inside_give(struct vn_inside *inside, struct vn_move *move, struct vn_error *err)
{
	struct vn_guest_inside *guest = &inside->guest;

	for (size_t i = 0; i < guest->notes.n; i++) {
		if (vn_notes_add(&move->notes, guest->notes.v[i].code, "%s", guest->notes.v[i].text) < 0)
			return no_memory(-ENOMEM, err);
	}
	vn_notes_clear(&guest->notes);
	guest->notes = (struct vn_notes){0};
	if (guest->n_settings == 0)
		return 0;
	move->guest_settings = vn_steal(guest->settings);
	move->n_guest_settings = guest->n_settings;
	guest->n_settings = 0;
	return 0;
}

void vn_inside_leave(struct vn_inside *inside)
{
	vn_qga_free(inside->agent);
	inside->agent = NULL;
	vn_virt_child_end(&inside->libvirt);
}

void vn_inside_close(struct vn_inside *inside)
{
	vn_inside_leave(inside);
	vn_guest_inside_clear(&inside->guest);
}
