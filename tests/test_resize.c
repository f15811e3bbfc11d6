/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes that are asked for, what QEMU tells of a virtio-mem device, what may be requested of it, and the wait for a guest that does all, some or
 * nothing of it. */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../src/base/text.h"
#include "../src/realize/resize.h"

#define MIB (UINT64_C(1) << 20)
#define READY "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\n{\"return\": {}, \"id\": 1}\n"
/* What QEMU 7.2 answers, beside a DIMM. */
#define DEVICES(requested, size)                                                                                                               \
	"[{\"type\": \"dimm\", \"data\": {\"id\": \"vmem1\", \"memdev\": \"/objects/d\", \"node\": 0, \"size\": 8, \"addr\": 1, \"slot\": 0, " \
	"\"hotplugged\": false, \"hotpluggable\": true}}, "                                                                                    \
	"{\"type\": \"virtio-mem\", \"data\": {\"id\": \"vmem1\", \"memaddr\": 4294967296, \"node\": 1, \"memdev\": \"/objects/plug1\", "      \
	"\"block-size\": 2097152, \"max-size\": 536870912, \"requested-size\": " #requested                                                    \
	", \"size\": " #size "}}]"

static void assert_wish(const char *text, char sign, uint64_t bytes)
{
	struct vn_resize_wish wish = {0};
	vn_autoerror err = {0};
	assert_int_equal(vn_resize_parse(text, &wish, &err), 0);
	assert_int_equal(wish.sign, sign);
	assert_true(wish.bytes == bytes);
}

static void test_sizes(void **state)
{
	(void)state;
	assert_wish("+512M", '+', 512 * MIB);
	assert_wish("-2G", '-', 2048 * MIB);
	assert_wish("=1T", '=', MIB * MIB);
	assert_wish("+3K", '+', 3072);
	assert_wish("=0M", '=', 0);
	assert_wish("+16777215T", '+', UINT64_C(16777215) << 40);
	static const char *const wrong[] = {"", "+", "512M", "+512", "+M", "+5m", "+ 5M", "+-5M", "++5M",
		"*5M", "+5MM", "+5.5G", "+0x5M", "+0M", "-0G", "+16777216T", "+99999999999999999999999M",
		"+5M ", " +5M", "+5B",
		"\xff"
		"5M"};
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct vn_resize_wish wish = {'x', 1};
		vn_autoerror err = {0};
		assert_int_equal(vn_resize_parse(wrong[i], &wish, &err), -EINVAL);
		assert_true(err.input);
		assert_int_equal(err.n, 1);
		assert_int_equal(wish.sign, 'x');
	}
}

static int read_device(const char *text, const char *id, struct vn_memory_device *ret)
{
	json_auto_t *answer = json_loads(text, JSON_DECODE_ANY, NULL);
	assert_non_null(answer);
	return vn_memory_device_read(answer, id, ret);
}

static void test_devices(void **state)
{
	(void)state;
	struct vn_memory_device device = {.block = 7};
	assert_int_equal(read_device(DEVICES(134217728, 4194304), "vmem1", &device), 0);
	assert_string_equal(device.id, "vmem1");
	assert_true(device.block == 2 * MIB && device.most == 512 * MIB);
	assert_true(device.requested == 128 * MIB && device.size == 4 * MIB);
	device.block = 7;
	assert_int_equal(read_device(DEVICES(0, 0), "vmem0", &device), -ENOENT);
	assert_int_equal(read_device("[]", "vmem1", &device), -ENOENT);
	assert_int_equal(read_device("[5, null, {}, {\"type\": \"virtio-mem\"}]", "vmem1", &device), -ENOENT);
	assert_int_equal(read_device("{}", "vmem1", &device), -EPROTO);
	assert_int_equal(
		read_device(DEVICES(536870913, 0), "vmem1", &device), -EPROTO); /* more than there can be */
	assert_int_equal(read_device(DEVICES(0, 536870913), "vmem1", &device), -EPROTO);
	assert_int_equal(read_device(DEVICES(-1, 0), "vmem1", &device), -EPROTO);
	assert_int_equal(read_device(DEVICES(1.5, 0), "vmem1", &device), -EPROTO);
	assert_int_equal(device.block, 7);
}

/* A vnode with 256 MiB beside a device of 512, of which 128 are requested. */
static int reckon(char sign, uint64_t bytes, uint64_t *requested, struct vn_error *err)
{
	struct vn_memory_device device = {.id = "vmem1",
		.block = 2 * MIB,
		.most = 512 * MIB,
		.requested = 128 * MIB,
		.size = 128 * MIB};
	struct vn_resize_wish wish = {sign, bytes};
	return vn_resize_reckon(&device, 1, 256 * MIB, &wish, requested, err);
}

static void assert_refused(char sign, uint64_t bytes, const char *text)
{
	vn_autoerror err = {0};
	uint64_t requested = 99;
	assert_int_equal(reckon(sign, bytes, &requested, &err), -EINVAL);
	assert_true(err.input);
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text, text);
	assert_int_equal(requested, 99);
}

static void test_what_is_requested(void **state)
{
	(void)state;
	static const struct {
		char sign;
		uint64_t mib, requested;
	} good[] = {{'+', 2, 130}, {'+', 384, 512}, {'-', 128, 0}, {'-', 2, 126}, {'=', 256, 0},
		{'=', 768, 512}, {'=', 384, 128}};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		vn_autoerror err = {0};
		uint64_t requested = 99;
		assert_int_equal(reckon(good[i].sign, good[i].mib * MIB, &requested, &err), 0);
		assert_true(requested == good[i].requested * MIB);
	}
	assert_refused('-', 130 * MIB,
		"vnode 1: -130 MiB seen; it is to have 384 MiB now and can have 256 MiB at least");
	assert_refused('-', UINT64_C(1) << 60,
		"vnode 1: -1 EiB seen; it is to have 384 MiB now and can have 256 MiB at least");
	assert_refused('+', 386 * MIB,
		"vnode 1: +386 MiB seen; it is to have 384 MiB now and can have 768 MiB at most");
	assert_refused('+', UINT64_MAX - 2 * MIB + 1,
		"vnode 1: +17592186044414 MiB seen; it is to have 384 MiB now and can have 768 MiB at most");
	assert_refused('=', 254 * MIB,
		"vnode 1: =254 MiB seen; it is to have 384 MiB now and can have 256 MiB at least");
	assert_refused('+', MIB, "vnode 1: +1 MiB seen; expected a multiple of 2 MiB, the device's blocks");
	assert_refused('=', 385 * MIB,
		"vnode 1: =385 MiB seen; expected a size that differs from what it is to have now by a multiple of 2 MiB, the device's "
		"blocks");
	vn_autoerror err = {0};
	uint64_t requested;
	assert_int_equal(reckon('+', 999 * MIB, &requested, &err), -EINVAL);
	assert_int_equal(err.n, 2); /* too many, and no multiple */
}

/* The fake says all at once, as in test_qmp.c; what it was told is read from `server`. */
static struct vn_qmp *attach(const char *script, int *server)
{
	struct vn_qmp_limits limits = VN_QMP_LIMITS(2000);
	struct vn_qmp *qmp = NULL;
	vn_autofree char *all = vn_format("%s%s", READY, script);
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(write(fds[1], all, strlen(all)), (ssize_t)strlen(all));
	*server = fds[1];
	assert_int_equal(vn_qmp_attach(fds[0], "fake", &limits, &qmp, NULL), 0);
	return qmp;
}

#define CHANGED                                                                                              \
	"{\"event\": \"MEMORY_DEVICE_SIZE_CHANGE\", \"data\": {\"id\": \"vmem1\", \"size\": 4194304, \"qom-path\": \"/machine/x\"}}\n"

static void test_a_request(void **state)
{
	(void)state;
	vn_autoclose int server = -1;
	vn_autoqmp *qmp = attach(
		"{\"return\": {}, \"id\": 2}\n{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}, \"id\": 3}\n",
		&server);
	vn_autoerror err = {0};
	char said[512] = "";
	assert_int_equal(vn_resize_request(qmp, "vmem1", 4 * MIB, &err), 0);
	assert_true(read(server, said, sizeof(said) - 1) > 0);
	json_auto_t *told =
		json_loads(strstr(said, "{\"execute\":\"qom-set\""), JSON_DISABLE_EOF_CHECK, NULL);
	const json_t *arguments = json_object_get(told, "arguments");
	assert_string_equal(
		json_string_value(json_object_get(arguments, "path")), "/machine/peripheral/vmem1");
	assert_string_equal(json_string_value(json_object_get(arguments, "property")), "requested-size");
	assert_int_equal(json_integer_value(json_object_get(arguments, "value")), 4 * MIB);
	assert_int_equal(vn_resize_request(qmp, "vmem1", 4 * MIB, &err), -EREMOTEIO);
	assert_false(err.input);
}

/* A guest that has `sizes[0]` when first asked, then `sizes[1]` and so on, with an event before each; the last one for ever. A child answers, for
 * what is said before it is asked for is dropped. */
static struct vn_qmp *attach_guest(const uint64_t *sizes, size_t n)
{
	struct vn_qmp_limits limits = VN_QMP_LIMITS(5000);
	struct vn_qmp *qmp = NULL;
	int fds[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	if (fork() == 0) {
		char line[512];
		close(fds[0]);
		FILE *in = fdopen(dup(fds[1]), "r"), *out = fdopen(fds[1], "w");
		fputs(READY, out);
		fflush(out);
		size_t at = 0;
		for (int id = 1; fgets(line, sizeof(line), in); id++) {
			if (id == 1)
				continue;
			fprintf(out,
				"{\"return\": [{\"type\": \"virtio-mem\", \"data\": {\"id\": \"vmem1\", \"block-size\": 2097152, \"max-size\": 536870912, "
				"\"requested-size\": 8388608, \"size\": %llu}}], \"id\": %d}\n%s",
				(unsigned long long)sizes[at], id, at + 1 < n ? CHANGED : "");
			at += at + 1 < n;
			fflush(out);
		}
		_exit(0);
	}
	close(fds[1]);
	assert_int_equal(vn_qmp_attach(fds[0], "fake", &limits, &qmp, NULL), 0);
	return qmp;
}

static void test_waiting(void **state)
{
	(void)state;
	static const uint64_t all[] = {0, 4 * MIB, 8 * MIB}, some[] = {0, 4 * MIB}, none[] = {0};
	struct vn_memory_device device = {.id = "vmem1"};
	vn_autoerror err = {0};
	vn_autoqmp *does_all = attach_guest(all, 3);
	assert_int_equal(vn_resize_wait(does_all, &device, 5000, -1, &err), 0);
	assert_true(device.size == 8 * MIB);
	vn_autoqmp *does_some = attach_guest(some, 2);
	assert_int_equal(vn_resize_wait(does_some, &device, 200, -1, &err), -ETIMEDOUT);
	assert_true(device.size == 4 * MIB && device.requested == 8 * MIB);
	vn_autoqmp *is_asked_only = attach_guest(none, 1);
	assert_int_equal(vn_resize_wait(is_asked_only, &device, 0, -1, &err), -ETIMEDOUT);
	assert_int_equal(device.size, 0);
	int stop[2];
	assert_int_equal(pipe(stop), 0);
	assert_int_equal(vn_resize_wait(is_asked_only, &device, 300, stop[0], &err), -ETIMEDOUT);
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(vn_resize_wait(is_asked_only, &device, 60000, stop[0], &err), -ECANCELED);
	assert_int_equal(vn_memory_device_ask(is_asked_only, "vmem1", &device, &err), 0); /* it goes on */
	assert_int_equal(close(stop[0]) + close(stop[1]), 0);
	assert_int_equal(err.n, 0);
	vn_autoclose int gone = -1;
	vn_autoqmp *unplugged = attach("{\"return\": [], \"id\": 2}\n", &gone);
	assert_int_equal(vn_resize_wait(unplugged, &device, 1000, -1, &err), -ENOENT);
	assert_int_equal(err.n, 1);
	assert_false(err.input);
	vn_qmp_free(vn_steal(does_all)); /* their other ends end with them */
	vn_qmp_free(vn_steal(does_some));
	vn_qmp_free(vn_steal(is_asked_only));
	while (waitpid(-1, NULL, 0) > 0)
		;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_what_is_requested),
		cmocka_unit_test(test_a_request),
		cmocka_unit_test(test_waiting),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
