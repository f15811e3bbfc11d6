/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "state.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "../base/clock.h"
#include "../base/process.h"
#include "../base/text.h"
#include "channel_sockets.h"

#define RECORD ".json"
#define RECORD_MAX ((size_t)8 << 20) /* bytes; 1024 vCPUs on 1024 nodes are below 4 MiB */
#define LOCK_RETRY_MS 20

char *vn_state_file(const struct vn_state *state, const char *name, const char *suffix)
{
	return vn_format("%s/%s%s", state->path, name, suffix);
}

static int check_owner(int fd, const char *path, struct vn_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return vn_error_environment(err, -errno, "%s: %s", path, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return vn_error_environment(err, -EPERM,
			"%s: belongs to user %u, mode %04o; expected user %u and no write permission for "
			"others",
			path, st.st_uid, st.st_mode & 07777u, geteuid());
	return 0;
}

/* Without `make`, -ENOENT adds no problem. */
static int open_at(const char *path, bool make, struct vn_state *ret_state, struct vn_error *err)
{
	vn_autoclose int fd = -1;

	if (*path != '/')
		return vn_error_environment(
			err, -EINVAL, "state directory '%s': expected an absolute path", path);
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return vn_error_environment(
			err, -errno, "state directory %s: cannot be made: %s", path, strerror(errno));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && !make && errno == ENOENT)
		return -ENOENT;
	if (fd < 0)
		return vn_error_environment(
			err, -errno, "state directory %s: cannot be opened: %s", path, strerror(errno));
	int r = check_owner(fd, path, err);
	if (r < 0)
		return r;
	char *copy = strdup(path);
	if (!copy)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	*ret_state = (struct vn_state){fd, copy};
	fd = -1;
	return 0; /* cppcheck-suppress memleak ; the state owns it */
}

int vn_state_open_at(const char *path, struct vn_state *ret_state, struct vn_error *err)
{
	return open_at(path, true, ret_state, err);
}

static int open_own(bool make, struct vn_state *ret_state, struct vn_error *err)
{
	const char *given = secure_getenv("VNUMA_STATE_DIR");
	const char *runtime = secure_getenv("XDG_RUNTIME_DIR");

	if (given && *given)
		return open_at(given, make, ret_state, err);
	if (geteuid() == 0)
		return open_at("/run/vnuma", make, ret_state, err);
	if (!runtime || !*runtime) {
		if (!make)
			return -ENOENT;
		return vn_error_environment(err, -ENOENT,
			"XDG_RUNTIME_DIR is not set, so there is no place to keep what is running; expected "
			"a login session "
			"(or VNUMA_STATE_DIR)");
	}
	vn_autofree char *path = vn_format("%s/vnuma", runtime);
	if (!path)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	return open_at(path, make, ret_state, err);
}

int vn_state_open(struct vn_state *ret_state, struct vn_error *err)
{
	return open_own(true, ret_state, err);
}

int vn_state_open_existing(struct vn_state *ret_state, struct vn_error *err)
{
	return open_own(false, ret_state, err);
}

void vn_state_close(struct vn_state *state)
{
	if (!state->path)
		return;
	close(state->fd);
	free(state->path);
	*state = (struct vn_state){.fd = -1};
}

int vn_state_lock(const struct vn_state *state, int timeout_ms, int *ret_fd, struct vn_error *err)
{
	vn_autoclose int fd = openat(state->fd, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int64_t deadline = vn_now_ms() + timeout_ms;

	if (fd < 0)
		return vn_error_environment(err, -errno, "%s/lock: %s", state->path, strerror(errno));
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return vn_error_environment(err, -errno, "%s/lock: %s", state->path, strerror(errno));
		if (vn_left_ms(deadline) == 0)
			return vn_error_environment(err, -ETIMEDOUT,
				"%s/lock: another vnuma has held it for %d s: is a start under way that "
				"hangs?",
				state->path, timeout_ms / 1000);
		usleep(LOCK_RETRY_MS * 1000);
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t n = write(fd, text, length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		text += n;
		length -= (size_t)n;
	}
	return 0;
}

/* A temporary file beside the one it is to become; a name that starts with a dot is no VM's. */
static int write_temporary(
	const struct vn_state *state, const char *name, const void *data, size_t size, bool durable)
{
	vn_autoclose int fd =
		openat(state->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return vn_errno();
	int r = write_all(fd, data, size);
	if (r == 0 && durable && fsync(fd) < 0)
		r = vn_errno();
	return r;
}

int vn_state_put(const struct vn_state *state, const char *name, const void *data, size_t size, bool durable)
{
	vn_autofree char *temporary = vn_format(".%s.%d", name, getpid());

	if (!temporary)
		return -ENOMEM;
	int r = write_temporary(state, temporary, data, size, durable);
	if (r == 0 && renameat(state->fd, temporary, state->fd, name) < 0)
		r = vn_errno();
	if (r < 0)
		unlinkat(state->fd, temporary, 0);
	if (r == 0 && durable && fsync(state->fd) < 0)
		r = vn_errno(); /* the name may be lost, what it names is whole */
	return r;
}

static int read_all(int fd, char *data, size_t size)
{
	while (size > 0) {
		ssize_t n = read(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? vn_errno()
				     : -EIO; /* shorter than it was a moment ago: files are replaced, never cut */
		data += n;
		size -= (size_t)n;
	}
	return 0;
}

int vn_state_get(
	const struct vn_state *state, const char *name, size_t max, char **ret_data, size_t *ret_size)
{
	vn_autoclose int fd = openat(state->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return vn_errno();
	if (!S_ISREG(st.st_mode) || st.st_size < 0 || (size_t)st.st_size > max)
		return -EFBIG;
	vn_autofree char *data = malloc((size_t)st.st_size + 1);
	int r = data ? read_all(fd, data, (size_t)st.st_size) : -ENOMEM;
	if (r < 0)
		return r;
	data[st.st_size] = '\0';
	*ret_data = vn_steal(data);
	*ret_size = (size_t)st.st_size;
	return 0;
}

int vn_state_write(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err)
{
	json_auto_t *json = vn_vm_to_json(vm);
	vn_autofree char *text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	vn_autofree char *name = vn_format("%s" RECORD, vm->name);

	if (!text || !name)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_state_put(state, name, text, strlen(text), true);
	if (r == 0)
		return 0;
	if (r == -ENOSPC)
		return vn_error_environment(err, r, "%s: no space left to record %s", state->path, vm->name);
	return vn_error_environment(err, r, "%s/%s: cannot be written: %s", state->path, name, strerror(-r));
}

/* Reads a record by its file's name. */
static int read_record(
	const struct vn_state *state, const char *file, struct vn_vm **ret_vm, struct vn_error *err)
{
	vn_autofree char *path = vn_format("%s/%s", state->path, file), *text = NULL;
	struct vn_where where = {path, 0, NULL};
	json_error_t wrong;
	size_t size;

	int r = vn_state_get(state, file, RECORD_MAX, &text, &size);
	if (r == -ENOENT)
		return r;
	if (r == -EFBIG)
		return vn_error_input(err, &where, "no file, or too large; expected the record of a VM");
	if (r < 0)
		return vn_error_environment(err, r, "%s/%s: %s", state->path, file, strerror(-r));
	json_auto_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &wrong);
	if (!json) {
		where.line = wrong.line > 0 ? (unsigned)wrong.line : 0;
		return vn_error_input(err, &where, "%s; expected the record of a VM", wrong.text);
	}
	vn_autovm *vm = NULL;
	r = vn_vm_from_json(json, path, &vm, err);
	if (r < 0)
		return r;
	size_t length = strlen(vm->name);
	if (strncmp(file, vm->name, length) != 0 || strcmp(file + length, RECORD) != 0)
		return vn_error_input(
			err, &where, "is the record of '%s'; expected the file's own name", vm->name);
	*ret_vm = vn_steal(vm);
	return 0;
}

int vn_state_read(const struct vn_state *state, const char *name, struct vn_vm **ret_vm, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, NULL};
	vn_autofree char *file = vn_format("%s" RECORD, name);

	if (!file)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (!vn_vm_name_valid(name))
		return vn_error_input(
			err, &where, "'%s'; expected the name of a VM: letters, digits and ._+-", name);
	int r = read_record(state, file, ret_vm, err);
	if (r != -ENOENT)
		return r;
	vn_error_input(err, &where, "no VM is named '%s'; 'vnuma list' shows those there are", name);
	return r;
}

/* ---- all there are ---- */

void vn_state_names_clear(struct vn_state_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	*names = (struct vn_state_names){0};
}

int vn_state_names(const struct vn_state *state, bool (*is_wanted)(const char *name),
	struct vn_state_names *ret_names, struct vn_error *err)
{
	struct vn_state_names names = {0};
	struct dirent **entries;
	int n = scandirat(state->fd, ".", &entries, NULL, versionsort);

	if (n < 0)
		return vn_error_environment(err, -errno, "%s: %s", state->path, strerror(errno));
	names.v = calloc((size_t)n + 1, sizeof(*names.v));
	bool full = !names.v;
	for (int i = 0; i < n; i++) {
		if (!full && is_wanted(entries[i]->d_name))
			full = !(names.v[names.n++] = strdup(entries[i]->d_name));
		free(entries[i]);
	}
	free(entries);
	if (full) {
		vn_state_names_clear(&names);
		return vn_error_environment(err, -ENOMEM, "out of memory");
	}
	*ret_names = names;
	return 0;
}

/* Whether a file is a record: NAME.json with a valid NAME. */
static bool is_record(const char *file)
{
	size_t length = strlen(file), suffix = sizeof(RECORD) - 1;
	vn_autofree char *name = length > suffix ? strndup(file, length - suffix) : NULL;

	return name && strcmp(file + length - suffix, RECORD) == 0 && vn_vm_name_valid(name);
}

void vn_vm_list_clear(struct vn_vm_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		vn_vm_free(list->v[i]);
	free(list->v);
	*list = (struct vn_vm_list){0};
}

int vn_state_list(const struct vn_state *state, struct vn_vm_list *ret_list, struct vn_error *broken,
	struct vn_error *err)
{
	vn_autostatenames names = {0};
	struct vn_vm_list list = {0};
	int r = vn_state_names(state, is_record, &names, err);

	if (r < 0)
		return r;
	list.v = calloc(names.n + 1, sizeof(*list.v));
	if (!list.v)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	for (size_t i = 0; i < names.n; i++) {
		if (read_record(state, names.v[i], &list.v[list.n], broken) == 0)
			list.n++; /* -ENOENT: it ended meanwhile */
	}
	*ret_list = list;
	return 0;
}

/* Whether the record on disk is of the same process as `vm`; one that cannot be read is of nobody. */
static bool still_the_same(const struct vn_state *state, const struct vn_vm *vm)
{
	vn_autovm *now = NULL;

	if (vn_state_read(state, vm->name, &now, NULL) < 0)
		return true;
	return now->process.pid == vm->process.pid && now->process.start_time == vm->process.start_time;
}

int vn_state_sweep(const struct vn_state *state, const struct vn_vm *vm, struct vn_error *err)
{
	static const char *const suffixes[] = {
		".qmp", ".log", RECORD}; /* the record last: until then, the VM is listed */
	int result = 0;

	if (!still_the_same(state, vm))
		return 0;
	vn_channel_sockets_remove(state, vm, false);
	for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		vn_autofree char *name = vn_format("%s%s", vm->name, suffixes[i]);
		if (!name)
			return vn_error_environment(err, -ENOMEM, "out of memory");
		if (unlinkat(state->fd, name, 0) < 0 && errno != ENOENT)
			result = vn_error_environment(err, -errno, "%s/%s: cannot be removed: %s",
				state->path, name, strerror(errno));
	}
	return result;
}
