/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: all monitors are asked at once, AT_ONCE of them at a time: one that hangs takes up a place for its time, while the
 * others go past it. So what an audit takes does not grow with the number of those that hang, as far as there are fewer of them than
 * places; more than that are cut off when the time of all is over. A connection is closed as soon as the last answer is there: QEMU
 * serves one client at a time.
 */
#include "monitor_round.h"

#include <poll.h>
#include <string.h>

#include "../base/clock.h"
#include "../base/text.h"
#include "kvm_vcpus.h"
#include "monitor_places.h"
#include "monitor_socket.h"
#include "not_permitted.h"
#include "thread_kind.h"

#define AT_ONCE 64u
#define EACH_MS 300
#define ALL_MS 1000

/* A VM that was asked. */
struct asked {
	struct vn_vm_sample *vm;
	struct vn_monitor_facts *facts;
	struct vn_monitor_talk talk;
	int64_t deadline;
};

struct round {
	const struct vn_survey *survey;
	int64_t end;
	size_t n;
	struct asked v[AT_ONCE];
};

static void round_clear(struct round *round)
{
	for (size_t i = 0; i < round->n; i++)
		vn_monitor_talk_end(&round->v[i].talk);
}

/* ---- gaps ---- */

static int tell_not_asked(struct vn_vm_sample *vm, int status)
{
	if (status == -ENOMEM || status == -ESRCH)
		return status == -ENOMEM ? status : 0;
	if (status == -EACCES || status == -EPERM)
		return vn_tell_not_permitted(vm, "monitor-not-asked", "its QMP socket was not asked",
			"CAP_SYS_PTRACE and CAP_DAC_OVERRIDE");
	return vn_notes_add(&vm->gaps, "monitor-not-asked", "its QMP socket was not asked: %s",
		status == -EBUSY        ? "somebody is connected to it"
		: status == -ENOENT     ? "nobody listens there"
		: status == -EADDRINUSE ? "it is another process that listens there"
		: status == -EINPROGRESS
			? "QEMU may be waiting for its first client there (no wait=off), and would start the VM"
		: status == -ETIMEDOUT
			? "other VMs' monitors hang, and the time for all of them was over; name this VM to ask it alone"
			: strerror(-status));
}

static int tell_no_use(struct vn_vm_sample *vm, const char *why)
{
	return vn_notes_add(&vm->gaps, "monitor-not-asked", "its QMP socket was asked in vain: %s", why);
}

/* ---- the round ---- */

/* A manager wants its monitor for itself, even if it has not come yet, or is one that cannot be seen from here (in a container, say). */
static bool may_ask(const struct vn_survey *survey, const struct vn_vm_sample *vm)
{
	return survey->qmp && survey->root->live && !vm->aside &&
	       ((vm->manager == VN_MANAGER_NONE && !vm->claims_manager) || vm->manager == VN_MANAGER_VNUMA);
}

/* Whether QEMU has made its machine, and so waits for no client any more: there are vCPUs. Not known: no. */
static bool has_machine(const struct vn_root *root, pid_t pid)
{
	vn_cleanup(vn_names_free) char **tasks = NULL;
	vn_autokvm vcpus = {.vm_fd = -1};
	char folder[64];
	bool has = vn_kvm_vcpus_read(root, pid, 0, &vcpus) == 0 && vcpus.n > 0;

	snprintf(folder, sizeof(folder), "proc/%d/task", pid);
	if (has || vn_root_list(root, folder, &tasks) < 0)
		return has;
	for (size_t i = 0; tasks[i] && !has; i++) {
		vn_autofree char *path = vn_format("%s/%s/comm", folder, tasks[i]), *comm = NULL;
		int index;
		if (!path || vn_root_read(root, path, &comm) < 0)
			continue;
		comm[strcspn(comm, "\n")] = '\0';
		has = vn_thread_kind_of(comm, &index) == VN_THREAD_VCPU;
	}
	return has;
}

static int connect_to(
	const struct round *round, const struct vn_vm_sample *vm, const struct vn_monitor_place *place)
{
	if (vn_now_ms() >= round->end)
		return -ETIMEDOUT;
	if (place->may_wait && !has_machine(round->survey->root, vm->process.pid))
		return -EINPROGRESS;
	return vn_monitor_connect(round->survey, vm, place->path);
}

/* To the first of its monitors that is free; else why the first is not. */
static int connect_first(
	const struct round *round, const struct vn_vm_sample *vm, const struct vn_monitor_places *places)
{
	int first = 0;

	for (size_t i = 0; i < places->n; i++) {
		int fd = connect_to(round, vm, &places->v[i]);
		if (fd >= 0 || fd == -ENOMEM)
			return fd;
		first = first ? first : fd;
	}
	return first;
}

static int begin(struct round *round, struct vn_vm_sample *vm, struct vn_monitor_facts *facts)
{
	struct asked *asked = &round->v[round->n];
	vn_autoplaces places = {0};

	if (!may_ask(round->survey, vm))
		return 0;
	int r = vn_monitor_places_read(vm, &places);
	if (r < 0 || places.n == 0)
		return r;
	int fd = connect_first(round, vm, &places);
	if (fd < 0)
		return tell_not_asked(vm, fd);
	*asked = (struct asked){.vm = vm, .facts = facts, .deadline = vn_now_ms() + EACH_MS};
	if (asked->deadline > round->end)
		asked->deadline = round->end;
	r = vn_monitor_talk_begin(&asked->talk, fd);
	if (r == 0) {
		round->n++;
		return 0;
	}
	r = tell_no_use(vm, asked->talk.why);
	vn_monitor_talk_end(&asked->talk);
	return r;
}

static int read_answer(enum vn_question question, const json_t *answer, void *data)
{
	return vn_monitor_facts_read(data, question, answer);
}

/* Reads what one has sent; takes it out of the round when it is done, or late. */
static int go_on(struct round *round, size_t at, bool ready)
{
	struct asked *asked = &round->v[at];
	int r = ready ? vn_monitor_talk_go_on(&asked->talk, read_answer, asked->facts) : 0;
	bool late = r == 0 && vn_now_ms() >= asked->deadline;

	if (r == 0 && !late)
		return 0;
	asked->facts->told = r == 1;
	if (r != 1) {
		vn_monitor_facts_clear(asked->facts);
		if (r != -ENOMEM)
			r = tell_no_use(asked->vm, late ? "it did not answer in time" : asked->talk.why);
	}
	vn_monitor_talk_end(&asked->talk);
	*asked = round->v[--round->n];
	return r < 0 ? r : 0;
}

/* Looks who has sent something or is late, and waits for one that has or is unless there is more to do. 1: the audit is to stop. */
static int turn(struct round *round, bool wait)
{
	struct pollfd fds[AT_ONCE + 1];
	size_t n = round->n;
	int64_t first = round->end;
	int r = 0;

	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = round->v[i].talk.fd, .events = POLLIN};
		first = round->v[i].deadline < first ? round->v[i].deadline : first;
	}
	fds[n] = (struct pollfd){.fd = round->survey->stop_fd, .events = POLLIN};
	if (poll(fds, n + 1, wait ? vn_left_ms(first) : 0) < 0)
		return errno == EINTR ? 0 : vn_errno();
	if (fds[n].revents)
		return 1;
	while (n-- > 0 &&
		r == 0) /* from the end: one that is taken out is replaced by one that was gone on with */
		r = go_on(round, n, fds[n].revents != 0);
	return r;
}

int vn_monitors_ask(
	const struct vn_survey *survey, struct vn_vm_sample *vms, size_t n, struct vn_monitor_facts *facts)
{
	vn_cleanup(round_clear) struct round round = {.survey = survey, .end = vn_now_ms() + ALL_MS};
	size_t next = 0;
	int r = 0;

	while (r == 0 && (next < n || round.n > 0)) {
		if (next < n && round.n < AT_ONCE) {
			r = begin(&round, &vms[next], &facts[next]);
			next++;
		}
		if (r == 0 && round.n > 0)
			r = turn(&round, next == n || round.n == AT_ONCE);
	}
	return r < 0 ? r : 0;
}
