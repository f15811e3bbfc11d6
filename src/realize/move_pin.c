/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: what is written down is the journal of the earlier move with these threads joined in, or else the move itself. It
 * is written before anything is set. Killed in between, the phase tells of an earlier move what it told before, and undo leads back all
 * the same, as a thread that was not set yet is where its `before` says. The one of no earlier move is VN_MOVE_PLANNED until all is set.
 */
#include "move_pin.h"

#include <string.h>
#include <time.h>

#include "../base/process.h"
#include "journal.h"
#include "move_guest.h"
#include "move_irqs.h"
#include "move_threads.h"

struct pin {
	const struct vn_state *state;
	struct vn_move *move;
	const struct vn_move_watcher *watcher;
	struct vn_move *earlier,
		*joined; /* on record already, and with these threads; owned; NULL: nothing is */
	struct vn_error *err;
};

static void pin_clear(struct pin *pin)
{
	vn_move_free(pin->earlier);
	vn_move_free(pin->joined);
}

static int set_all(const struct pin *pin)
{
	struct vn_move *move = pin->move;
	int r = pin->watcher->agent ? vn_move_guest_set(pin->watcher->agent, move, pin->err) : 0;

	if (r == 0)
		r = vn_move_threads_set(move, false, pin->err);
	return r < 0 ? r : vn_move_irqs_set(move, false, &move->notes, pin->err);
}

static int read_earlier(struct pin *pin)
{
	const struct vn_process *process = &pin->move->process;
	int r = vn_journal_read(pin->state, process, &pin->earlier, pin->err);

	if (r == -ENOENT && !pin->earlier)
		return 0;
	if (r < 0)
		return r;
	if (pin->earlier->phase == VN_MOVE_PLANNED)
		return vn_error_input(pin->err, NULL,
			"'%s': a move of it was begun and not ended; expected 'vnuma move --resume' or 'vnuma undo' first",
			pin->move->name);
	if (pin->earlier->phase == VN_MOVE_UNDOING)
		return vn_error_input(pin->err, NULL,
			"'%s': an undo was begun and not ended; expected 'vnuma undo' first",
			pin->move->name);
	return vn_journal_read(pin->state, process, &pin->joined, pin->err);
}

/* What each may use now, into the move, and what is to be written down of that. */
static int write_down(struct pin *pin)
{
	struct vn_move *move = pin->move;
	int r = vn_move_threads_read(move, NULL, pin->err);

	if (r == 0)
		r = vn_move_irqs_read(move, NULL, pin->err);
	if (r == 0)
		r = vn_move_guest_keep(move, NULL, pin->err);
	if (r < 0)
		return r;
	move->begun = time(NULL);
	if (!pin->joined)
		return vn_journal_write(pin->state, move, pin->err);
	pin->joined->threads = true;
	if (vn_move_threads_join(pin->joined, move) < 0 || vn_move_irqs_join(pin->joined, move) < 0 ||
		vn_move_guest_join(pin->joined, move) < 0)
		return vn_error_environment(pin->err, -ENOMEM, "out of memory");
	return vn_journal_write(pin->state, pin->joined, pin->err);
}

static void take_back(const struct pin *pin)
{
	vn_autoerror ignored = {0};
	struct vn_move *move = pin->move;

	if (pin->watcher->agent)
		vn_move_guest_take_back(pin->watcher->agent, pin->watcher, move);
	if (vn_move_threads_set(move, true, &ignored) == 0)
		vn_move_irqs_set(move, true, &move->notes, &ignored);
	vn_move_guest_end_record(pin->state, move, pin->earlier, pin->err);
}

static int carry_out(struct pin *pin)
{
	struct vn_move *move = pin->move;
	int r = write_down(pin);

	if (r < 0)
		return r;
	if (pin->watcher->told)
		r = pin->watcher->told(pin->watcher->context, move, "threads");
	if (r >= 0)
		r = set_all(pin);
	if (r < 0) {
		take_back(pin);
		return r;
	}
	move->phase = VN_MOVE_DONE;
	return pin->joined ? 0 : vn_journal_write(pin->state, move, pin->err);
}

int vn_move_pin(const struct vn_state *state, const struct vn_host *host, struct vn_move *move,
	const struct vn_move_watcher *watcher, struct vn_error *err)
{
	const struct vn_process *process = &move->process;
	vn_cleanup(pin_clear) struct pin pin = {state, move, watcher, NULL, NULL, err};
	vn_autoclose int lock = -1;

	if (!host->live)
		return vn_error_input(
			err, NULL, "the host is a snapshot; only this machine's VMs can be changed");
	vn_autoclose int pidfd = vn_process_open(process->pid, process->start_time, process->exe);
	if (pidfd < 0)
		return vn_error_environment(err, pidfd, "'%s': process %d %s", move->name, process->pid,
			pidfd == -ESRCH ? "is gone, or is another one by now: nothing is done to it"
					: strerror(-pidfd));
	int r = vn_journal_lock(state, process, &lock, err);
	if (r == 0)
		r = read_earlier(&pin);
	return r < 0 ? r : carry_out(&pin);
}
