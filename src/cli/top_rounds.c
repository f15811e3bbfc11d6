/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "top_rounds.h"

#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "../base/clock.h"

struct vn_rounds {
	struct vn_look *look;
	unsigned every_ms;
	pthread_t thread;
	int stop_fd, ready_fd; /* eventfd */
	pthread_mutex_t lock; /* of what follows */
	struct vn_audit *latest; /* or NULL */
	int status; /* negative: the thread has ended */
	struct vn_error err;
};

static void signal_fd(int fd)
{
	uint64_t one = 1;
	ssize_t ignored = write(fd, &one, sizeof(one));
	(void)ignored;
}

static void hand_over(struct vn_rounds *rounds, struct vn_audit *round, int status, struct vn_error *err)
{
	pthread_mutex_lock(&rounds->lock);
	if (status == 0) {
		vn_audit_free(rounds->latest);
		rounds->latest = round;
	} else {
		rounds->status = status;
		vn_error_move(&rounds->err, err);
	}
	pthread_mutex_unlock(&rounds->lock);
	signal_fd(rounds->ready_fd);
}

static void *work(void *argument)
{
	struct vn_rounds *rounds = argument;
	struct pollfd stop = {.fd = rounds->stop_fd, .events = POLLIN};

	for (int ready = 0; ready == 0;) {
		int64_t next = vn_now_ms() + rounds->every_ms;
		struct vn_audit *round = NULL;
		vn_autoerror err = {0};
		int r = vn_look_take(rounds->look, &round, &err);
		if (r == -ECANCELED)
			return NULL;
		hand_over(rounds, round, r, &err);
		if (r < 0)
			return NULL;
		while ((ready = poll(&stop, 1, vn_left_ms(next))) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

int vn_rounds_start(
	struct vn_look *look, unsigned every_ms, struct vn_rounds **ret_rounds, struct vn_error *err)
{
	struct vn_rounds *rounds = calloc(1, sizeof(*rounds));

	if (!rounds)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	rounds->look = look;
	rounds->every_ms = every_ms;
	rounds->stop_fd = eventfd(0, EFD_CLOEXEC);
	rounds->ready_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	look->survey.stop_fd = rounds->stop_fd;
	pthread_mutex_init(&rounds->lock, NULL);
	int r = rounds->stop_fd < 0 || rounds->ready_fd < 0
			? errno
			: pthread_create(&rounds->thread, NULL, work, rounds);
	if (r == 0) {
		*ret_rounds = rounds;
		return 0;
	}
	vn_closep(&rounds->stop_fd);
	vn_closep(&rounds->ready_fd);
	free(rounds);
	return vn_error_environment(err, -r, "cannot start a thread: %s", strerrordesc_np(r));
}

void vn_rounds_stop(struct vn_rounds *rounds)
{
	if (!rounds)
		return;
	signal_fd(rounds->stop_fd);
	pthread_join(rounds->thread, NULL);
	vn_audit_free(rounds->latest);
	vn_error_clear(&rounds->err);
	pthread_mutex_destroy(&rounds->lock);
	close(rounds->stop_fd);
	close(rounds->ready_fd);
	free(rounds);
}

int vn_rounds_fd(const struct vn_rounds *rounds)
{
	return rounds->ready_fd;
}

int vn_rounds_fetch(struct vn_rounds *rounds, struct vn_audit **ret_round, struct vn_error *err)
{
	uint64_t count;
	ssize_t ignored = read(rounds->ready_fd, &count, sizeof(count));
	(void)ignored;

	pthread_mutex_lock(&rounds->lock);
	int r = rounds->latest ? 1 : rounds->status;
	if (r == 1) {
		*ret_round = vn_steal(rounds->latest);
	} else if (r < 0) {
		vn_error_move(err, &rounds->err);
	}
	pthread_mutex_unlock(&rounds->lock);
	return r;
}
