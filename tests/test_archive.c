/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Archives in memory: the tree against the kernel's own walking of paths, hostile and damaged archives made here block by
 * block, and real machines read from their archive and from a disk.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

#include "../src/base/archive.h"
#include "../src/base/rootfs.h"
#include "../src/base/text.h"
#include "../src/discover/discover.h"

#define BLOCK 512
#define CPU "sys/devices/system/cpu/"

/* ---- an archive, made by hand ---- */

struct tar {
	uint8_t *bytes;
	size_t length, room;
};

static void clear_tar(struct tar *tar)
{
	free(tar->bytes);
	tar->bytes = NULL;
}
#define autotar vn_cleanup(clear_tar) struct tar

static uint8_t *extend(struct tar *tar, size_t length)
{
	if (tar->room < tar->length + length) {
		tar->room = 2 * (tar->length + length);
		tar->bytes = realloc(tar->bytes, tar->room);
		assert_non_null(tar->bytes);
	}
	memset(tar->bytes + tar->length, 0, length);
	tar->length += length;
	return tar->bytes + tar->length - length;
}

/* One header (POSIX.1-1988 ustar); `size` is what it promises. */
static void put_header(struct tar *tar, char type, const char *name, const char *target, uint64_t size)
{
	char *header = (char *)extend(tar, BLOCK);
	char number[24];
	unsigned sum = 0;

	memcpy(header, name, strnlen(name, 100));
	memcpy(header + 100, "0000644", 7);
	memcpy(header + 108, "0000000", 7);
	memcpy(header + 116, "0000000", 7);
	snprintf(number, sizeof(number), "%011llo", (unsigned long long)size);
	memcpy(header + 124, number, 11);
	memcpy(header + 136, "00000000000", 11);
	memset(header + 148, ' ', 8);
	header[156] = type;
	memcpy(header + 157, target, strnlen(target, 100));
	memcpy(header + 257, "ustar\00000", 8);
	for (size_t i = 0; i < BLOCK; i++)
		sum += (uint8_t)header[i];
	snprintf(number, sizeof(number), "%06o", sum);
	memcpy(header + 148, number, 7);
}

static void put_file(struct tar *tar, const char *name, const void *bytes, size_t length)
{
	put_header(tar, '0', name, "", length);
	if (length > 0)
		memcpy(extend(tar, (length + BLOCK - 1) / BLOCK * BLOCK), bytes, length);
}

static void put_text(struct tar *tar, const char *name, const char *text)
{
	put_file(tar, name, text, strlen(text));
}

static void end(struct tar *tar)
{
	extend(tar, 2 * BLOCK);
}

static void put_machine(struct tar *tar, const char *lead)
{
	static const char *const files[][2] = {{CPU "online", "0-1\n"}, {CPU "cpu0/topology/core_id", "0\n"},
		{CPU "cpu1/topology/core_id", "1\n"}, {"sys/devices/system/node/online", "0\n"},
		{"sys/devices/system/node/node0/cpulist", "0-1\n"},
		{"sys/devices/system/node/node0/meminfo", "Node 0 MemTotal: 1024 kB\n"},
		{"sys/devices/system/node/node0/distance", "10\n"}};
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		vn_autofree char *name = vn_format("%s%s", lead, files[i][0]);
		put_text(tar, name, files[i][1]);
	}
}

static int read_tar(const struct tar *tar, struct vn_root *root, struct vn_error *err)
{
	*root = (struct vn_root){.fd = -1};
	/* a copy of the exact size: the sanitizer sees each byte read beyond it */
	vn_autofree uint8_t *bytes = malloc(tar->length);
	memcpy(bytes, tar->bytes, tar->length);
	return vn_archive_read_bytes(bytes, tar->length, "test.tar", &root->tree, err);
}

/* ---- the tree ---- */

static void test_tree(void **state)
{
	(void)state;
	vn_autotree *tree = vn_tree_new();
	const unsigned char *bytes;
	const char *target;
	size_t length;
	char **names = NULL;

	assert_int_equal(vn_tree_add_file(tree, "a/b10", "ten", 3), 0);
	assert_int_equal(vn_tree_add_file(tree, "./a//b9", "", 0), 0);
	assert_int_equal(vn_tree_add_folder(tree, "a/"), 0); /* after its content, as tar may */
	assert_int_equal(vn_tree_add_folder(tree, "a"), -EEXIST);
	assert_int_equal(vn_tree_add_file(tree, "a", "", 0), -EEXIST);
	assert_int_equal(vn_tree_add_file(tree, "a/b9", "", 0), -EEXIST);
	assert_int_equal(vn_tree_add_file(tree, "a/b9/c", "", 0), -ENOTDIR);
	assert_int_equal(vn_tree_add_folder(tree, "a/../b"), -EINVAL);
	assert_int_equal(vn_tree_add_folder(tree, ""), -EINVAL);
	assert_int_equal(vn_tree_add_folder(tree, "/"), -EINVAL);
	assert_int_equal(vn_tree_add_file(tree, "large", NULL, 1), 0);
	assert_int_equal(vn_tree_add_link(tree, "a/link", "../a/b10"), 0);
	assert_int_equal(vn_tree_file(tree, "large", &bytes, &length), -EFBIG);
	assert_int_equal(vn_tree_file(tree, "a/link", &bytes, &length), 0);
	assert_int_equal(length, 3);
	assert_string_equal(bytes, "ten");
	assert_int_equal(vn_tree_file(tree, "a/b9", &bytes, &length), 0);
	assert_int_equal(length, 0);
	assert_int_equal(vn_tree_link(tree, "a/link", &target), 0);
	assert_string_equal(target, "../a/b10");
	assert_int_equal(vn_tree_link(tree, "a/b9", &target), -EINVAL);
	assert_int_equal(vn_tree_list(tree, "a", &names), 0);
	assert_string_equal(names[0], "b9"); /* as strverscmp has it */
	assert_string_equal(names[1], "b10");
	assert_string_equal(names[2], "link");
	assert_null(names[3]);
	vn_names_free(&names);
}

static void test_tree_grows(void **state)
{
	(void)state;
	vn_autotree *tree = vn_tree_new();
	const unsigned char *bytes;
	size_t length;
	char path[64];

	for (unsigned i = 0; i < VN_TREE_MAX / 2 - 1; i++) {
		snprintf(path, sizeof(path), "d%u/f", i);
		assert_int_equal(vn_tree_add_file(tree, path, &i, sizeof(i)), 0);
	}
	assert_int_equal(vn_tree_add_file(tree, "x/y", "", 0), -ENOSPC);
	for (unsigned i = 0; i < VN_TREE_MAX / 2 - 1; i += 997) {
		snprintf(path, sizeof(path), "d%u/f", i);
		assert_int_equal(vn_tree_file(tree, path, &bytes, &length), 0);
		assert_memory_equal(bytes, &i, sizeof(i));
	}
}

struct folder {
	char path[32];
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	snprintf(folder->path, sizeof(folder->path), "/tmp/vnuma-test-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(folder);
	return 0;
}

static unsigned next(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33);
}

/* A path of up to five components that mostly exist. */
static void random_path(uint64_t *seed, char *path, size_t size)
{
	static const char *const parts[] = {"a", "b", "c", "..", ".", "a", "b", "n"};
	unsigned n = 1 + next(seed) % 5;
	path[0] = '\0';
	if (next(seed) % 6 == 0)
		strcat(path, "/");
	for (unsigned i = 0; i < n; i++)
		snprintf(path + strlen(path), size - strlen(path), "%s%s", i ? "/" : "",
			parts[next(seed) % 8]);
	if (next(seed) % 8 == 0)
		strcat(path, "/");
}

/* Whether all on the way to the path, behind its first bytes, are folders and no links. */
static bool has_real_folder(const char *path, size_t skip)
{
	for (const char *slash = strchr(path + skip + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		vn_autofree char *parent = strndup(path, (size_t)(slash - path));
		struct stat st;
		if (lstat(parent, &st) < 0 || !S_ISDIR(st.st_mode))
			return false;
	}
	return true;
}

static void make_both(const char *base, struct vn_tree *tree, uint64_t *seed)
{
	static const char *const names[] = {
		"a", "b", "c", "a/a", "a/b", "a/c", "b/a", "b/b", "b/c", "a/a/a", "a/a/b", "a/b/a", "a/b/b"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		vn_autofree char *full = vn_format("%s/%s", base, names[i]);
		char target[64];
		unsigned kind = next(seed) % 4;
		random_path(seed, target, sizeof(target));
		if (!has_real_folder(full, strlen(base)))
			continue;
		if (kind < 2) {
			assert_int_equal(symlink(target, full), 0);
			assert_int_equal(vn_tree_add_link(tree, names[i], target), 0);
		} else if (kind == 2) {
			vn_autofclose FILE *file = fopen(full, "w");
			fputs(names[i], file);
			assert_int_equal(vn_tree_add_file(tree, names[i], names[i], strlen(names[i])), 0);
		} else {
			assert_int_equal(mkdir(full, 0700), 0);
			assert_int_equal(vn_tree_add_folder(tree, names[i]), 0);
		}
	}
}

static void compare_at(const struct vn_root *disk, const struct vn_root *memory, const char *path)
{
	vn_autofree char *text[2] = {NULL, NULL}, *link[2] = {NULL, NULL};
	vn_cleanup(vn_names_free) char **on_disk = NULL;
	vn_cleanup(vn_names_free) char **in_memory = NULL;
	int r = vn_root_read(disk, path, &text[0]), s = vn_root_read(memory, path, &text[1]);

	if (r != s || (r == 0 && strcmp(text[0], text[1]) != 0))
		fail_msg("reading %s: %d '%s' and %d '%s'", path, r, text[0], s, text[1]);
	r = vn_root_link(disk, path, &link[0]);
	s = vn_root_link(memory, path, &link[1]);
	if (r != s || (r == 0 && strcmp(link[0], link[1]) != 0))
		fail_msg("link %s: %d %s and %d %s", path, r, link[0], s, link[1]);
	r = vn_root_list(disk, path, &on_disk);
	s = vn_root_list(memory, path, &in_memory);
	if (r != s)
		fail_msg("listing %s: %d and %d", path, r, s);
	for (size_t i = 0; r == 0 && (on_disk[i] || in_memory[i]); i++)
		assert_string_equal(on_disk[i], in_memory[i]);
	free(text[1]), free(link[1]); /* clean-up frees the first of each only */
}

/* The kernel's openat2 is the oracle: random trees of links, random paths, the same answer to each. */
static void test_walks_as_the_kernel_does(void **state)
{
	const struct folder *folder = *state;
	uint64_t seed = 2007;

	for (unsigned round = 0; round < 200; round++) {
		vn_autofree char *base = vn_format("%s/%u", folder->path, round);
		vn_autoroot disk = {.fd = -1}, memory = {.fd = -1, .tree = vn_tree_new()};
		assert_int_equal(mkdir(base, 0700), 0);
		make_both(base, memory.tree, &seed);
		assert_int_equal(vn_root_open(base, &disk, NULL), 0);
		compare_at(&disk, &memory, "");
		compare_at(&disk, &memory, "/");
		for (unsigned i = 0; i < 60; i++) {
			char path[64];
			random_path(&seed, path, sizeof(path));
			compare_at(&disk, &memory, path);
		}
	}
}

/* 40 links are followed, 41 are not, here as there. */
static void test_chain_of_links(void **state)
{
	const struct folder *folder = *state;
	vn_autoroot disk = {.fd = -1}, memory = {.fd = -1, .tree = vn_tree_new()};
	vn_autofree char *text = NULL;

	assert_int_equal(vn_root_open(folder->path, &disk, NULL), 0);
	for (unsigned i = 0; i < 42; i++) {
		vn_autofree char *name = vn_format("l%u", i), *to = vn_format("l%u", i + 1);
		vn_autofree char *full = vn_format("%s/%s", folder->path, name);
		assert_int_equal(symlink(to, full), 0);
		assert_int_equal(vn_tree_add_link(memory.tree, name, to), 0);
	}
	vn_autofree char *full = vn_format("%s/l42", folder->path);
	vn_autofclose FILE *file = fopen(full, "w");
	assert_int_equal(vn_tree_add_file(memory.tree, "l42", "", 0), 0);
	for (unsigned i = 0; i < 5; i++) {
		vn_autofree char *name = vn_format("l%u", i);
		compare_at(&disk, &memory, name);
	}
	assert_int_equal(vn_root_read(&memory, "l1", &text), -ELOOP);
	assert_int_equal(vn_root_read(&memory, "l2", &text), 0);
}

/* ---- archives ---- */

static void test_members(void **state)
{
	(void)state;
	autotar tar = {0};
	vn_autoroot root = {.fd = -1};
	vn_autoerror err = {0};
	char padded[4096] = "0-3\n";
	vn_autofree char *text = NULL, *driver = NULL, *large = calloc(1, VN_FILE_MAX + 1);
	vn_autofree unsigned char *bytes = NULL;
	size_t length = 0;
	uint64_t number = 0;

	put_header(&tar, '5', "host/", "", 0);
	put_text(&tar, "host/dev/null", "not kept\n");
	put_header(&tar, '5', "host//sys/", "", 0);
	put_file(&tar, "./host/sys/padded", padded, sizeof(padded));
	put_file(&tar, "host/sys/binary", "HMAT\0\0x", 7);
	put_file(&tar, "host/sys/large", large, VN_FILE_MAX + 1);
	put_file(&tar, "host/sys/fits", large, VN_FILE_MAX);
	put_header(&tar, '1', "host/sys/hard", "host/sys/padded", 0);
	put_header(&tar, '2', "host/sys/deep/driver", "../../bus/drivers/vfio-pci", 0);
	put_header(&tar, '2', "host/sys/outside", "../../../../../etc/passwd", 0);
	put_text(&tar, "host/proc/irq/7/node", "3\n");
	end(&tar);
	assert_int_equal(read_tar(&tar, &root, &err), 0);
	assert_int_equal(err.n, 0);
	assert_int_equal(vn_root_read(&root, "sys/padded", &text), 0);
	assert_string_equal(text, "0-3\n");
	assert_int_equal(vn_root_read_bytes(&root, "sys/hard", 4096, &bytes, &length), 0);
	assert_int_equal(length, 4096);
	assert_memory_equal(bytes, padded, 4096);
	unsigned char *untouched = NULL;
	assert_int_equal(vn_root_read_bytes(&root, "sys/hard", 4095, &untouched, &length), -EFBIG);
	assert_null(untouched);
	char *none = NULL;
	assert_int_equal(vn_root_read(&root, "sys/binary", &none), -EINVAL);
	assert_int_equal(vn_root_read(&root, "sys/large", &none), -EFBIG);
	assert_int_equal(vn_root_read(&root, "sys", &none), -EISDIR);
	assert_int_equal(vn_root_read(&root, "dev/null", &none), -ENOENT);
	assert_int_equal(vn_root_read(&root, "host/sys/padded", &none), -ENOENT);
	assert_int_equal(vn_root_read(&root, "sys/outside", &none), -ENOENT);
	assert_null(none);
	assert_int_equal(vn_root_read(&root, "sys/fits", &none), 0);
	free(none);
	assert_int_equal(vn_root_read_u64(&root, "proc/irq/7/node", &number), 0);
	assert_int_equal(number, 3);
	assert_int_equal(vn_root_link_name(&root, "sys/deep/driver", &driver), 0);
	assert_string_equal(driver, "vfio-pci");
}

/* One problem, with this key and this text. */
static void must_refuse(const struct tar *tar, const char *key, const char *text)
{
	vn_autoroot root = {.fd = -1};
	vn_autoerror err = {0};

	assert_true(read_tar(tar, &root, &err) < 0);
	assert_null(root.tree);
	assert_int_equal(err.n, 1);
	assert_true(err.input);
	assert_string_equal(err.problems[0].file, "test.tar");
	if (!strstr(err.problems[0].text, text))
		fail_msg("seen: %s; expected: %s", err.problems[0].text, text);
	if (key)
		assert_string_equal(err.problems[0].key, key);
	else
		assert_null(err.problems[0].key);
}

static void test_hostile_members(void **state)
{
	(void)state;
	static const struct {
		char type;
		const char *name, *target, *key, *problem;
	} cases[] = {
		{'0', "../sys/x", "", "../sys/x", "leads out of the archive by '..'"},
		{'0', "host/sys/../../x", "", "host/sys/../../x", "leads out of the archive by '..'"},
		{'0', "host/dev/..", "", "host/dev/..", "leads out of the archive by '..'"},
		{'0', "/host/sys/x", "", "/host/sys/x", "is an absolute path"},
		{'0', "host/sys/\x1b[2J", "", NULL, "member 8: its name is no plain text"},
		{'0', "host/sys/a\nb", "", NULL, "member 8: its name is no plain text"},
		{'0', "host/sys/\xff", "", NULL, "member 8: its name is no plain text"},
		{'1', "host/sys/x", "/etc/passwd", "host/sys/x",
			"is a hard link to what is not in the archive"},
		{'1', "host/sys/x", "../x", "host/sys/x", "is a hard link to what is not in the archive"},
		{'1', "host/sys/x", "host/sys/later", "host/sys/x", "not in the archive before it"},
		{'1', "host/sys/x", "host/dev/null", "host/sys/x", "not in the archive before it"},
		{'2', "host/sys/x", "\x1b[2J", "host/sys/x", "is a symbolic link to no plain path"},
		{'2', "host/sys/x", "", "host/sys/x", "is a symbolic link to no plain path"},
		{'3', "host/sys/x", "", "host/sys/x", "is a device, a pipe or a socket"},
		{'4', "host/sys/x", "", "host/sys/x", "is a device, a pipe or a socket"},
		{'6', "host/dev/x", "", "host/dev/x", "is a device, a pipe or a socket"},
		{'0', "host/" CPU "online", "", "host/" CPU "online", "is there twice"},
		{'0', "host/" CPU "online/x", "", "host/" CPU "online/x", "below a member that is no folder"},
		{'5', "host/" CPU "online", "", "host/" CPU "online", "is there twice"},
		{'0', "other/sys/x", "", "other/sys/x", "lies below another folder than those before"},
		{'0', "sys/x", "", "sys/x", "lies below another folder than those before"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		autotar tar = {0};
		put_machine(&tar, "host/");
		put_header(&tar, cases[i].type, cases[i].name, cases[i].target, 0);
		put_text(&tar, "host/sys/later", "");
		end(&tar);
		must_refuse(&tar, cases[i].key, cases[i].problem);
	}
}

static void test_limits(void **state)
{
	(void)state;
	autotar many = {0}, large = {0}, sum = {0};

	for (size_t i = 0; i <= VN_ARCHIVE_MEMBERS; i++)
		put_header(&many, '0', "host/dev/x", "", 0);
	end(&many);
	must_refuse(&many, "host/dev/x", "is one member too many; expected at most 200000");
	put_header(&large, '0', "host/sys/x", "", UINT64_C(513) << 20);
	must_refuse(&large, "host/sys/x", "larger than 512 MiB");
	put_machine(&sum, "");
	put_header(&sum, '0', "sys/x", "", (UINT64_C(512) << 20) - 10);
	must_refuse(&sum, "sys/x", "larger than 512 MiB");
}

static void test_no_archives(void **state)
{
	(void)state;
	autotar empty = {0}, blank = {0}, text = {0}, foreign = {0};

	end(&empty);
	must_refuse(&empty, NULL, "is an archive without members");
	extend(&blank, 1);
	blank.length = 0;
	must_refuse(&blank, NULL, "is no tar archive that can be read");
	memset(extend(&text, 5000), 'x', 5000);
	must_refuse(&text, NULL, "is no tar archive that can be read");
	put_text(&foreign, "vnuma/README", "hello\n");
	end(&foreign);
	must_refuse(&foreign, NULL, "holds no sys/ folder");
}

/* Wherever a plain archive is cut off, it is noticed; and so is a header with another checksum. */
static void test_damaged(void **state)
{
	(void)state;
	autotar tar = {0};
	put_machine(&tar, "host/");
	size_t whole = tar.length;

	for (size_t length = whole; length > 0; length -= length < 1024 ? 1 : 97 < length ? 97 : length) {
		vn_autoroot root = {.fd = -1};
		vn_autoerror err = {0};
		tar.length = length;
		if (read_tar(&tar, &root, &err) == 0)
			fail_msg("read when cut off after %zu of %zu bytes", length, whole);
		assert_int_equal(err.n, 1);
	}
	tar.length = whole;
	must_refuse(&tar, NULL, "is cut off after 7 members: it has no end mark");
	end(&tar);
	tar.bytes[2 * BLOCK] ^= 1; /* the second member's name */
	must_refuse(&tar, NULL, "is damaged or cut off after 1 member: ");
}

static void put_on_disk(const struct tar *tar, const char *path)
{
	vn_autofclose FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(tar->bytes, 1, tar->length, file), tar->length);
}

static json_t *read_json(const char *form, const char *path, struct vn_error *err)
{
	vn_autofree char *source = vn_format("%s:%s", form, path);
	vn_autohost *host = NULL;
	if (vn_discover(source, &host, err) < 0)
		return NULL;
	assert_false(host->live);
	assert_string_equal(host->source, source);
	json_t *json = vn_host_to_json(host);
	json_object_del(json, "source");
	return json;
}

static void test_compressions(void **state)
{
	const struct folder *folder = *state;
	static const char *const tools[] = {"cat", "bzip2", "gzip", "xz", "zstd"};
	vn_autofree char *plain = vn_format("%s/plain", folder->path),
			 *packed = vn_format("%s/x", folder->path);
	vn_autofree char *cut = vn_format("truncate -s -40 %s", packed);
	autotar tar = {0};
	vn_autoerror none = {0};

	put_machine(&tar, "");
	end(&tar);
	put_on_disk(&tar, plain);
	json_t *expected = read_json("tar", plain, &none);
	assert_non_null(expected);
	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
		vn_autoerror err = {0}, twice = {0}, short_of = {0};
		vn_autofree char *pack = vn_format(
			"command -v %s >/dev/null && %s <%s >%s", tools[i], tools[i], plain, packed);
		vn_autofree char *again = vn_format("gzip <%s >%s.gz", packed, packed);
		vn_autofree char *packed_twice = vn_format("%s.gz", packed);
		if (system(pack) != 0) {
			print_message("no %s here\n", tools[i]);
			continue;
		}
		json_t *json = read_json("tar", packed, &err);
		if (!json)
			fail_msg("%s: %s", tools[i], err.problems[0].text);
		assert_true(json_equal(json, expected));
		json_decref(json);
		if (i == 0)
			continue;
		assert_int_equal(system(again), 0);
		assert_null(read_json("tar", packed_twice, &twice));
		assert_int_equal(twice.n, 1);
		assert_non_null(strstr(twice.problems[0].text, "is compressed more than once"));
		assert_int_equal(system(cut), 0);
		assert_null(read_json("tar", packed, &short_of));
		assert_int_equal(short_of.n, 1);
	}
	json_decref(expected);
}

static void test_files_that_are_none(void **state)
{
	const struct folder *folder = *state;
	vn_autoerror err = {0}, missing = {0};
	vn_autofree char *nothing = vn_format("%s/nothing", folder->path);

	assert_null(read_json("tar", folder->path, &err));
	assert_int_equal(err.n, 1);
	assert_string_equal(err.problems[0].text, "is a directory; expected a file");
	assert_null(read_json("tar", nothing, &missing));
	assert_int_equal(missing.n, 1);
	assert_true(missing.input);
}

/* Somebody's machine must come out the same whether tar unpacked it or we read it. */
static void test_gathered_machines(void **state)
{
	const struct folder *folder = *state;
	static const char *const machines[] = {"16amd64-8n2c", "16ia64-8n2s", "256ppc-8n8s4t",
		"32em64t-2n8c+dax+nvme+mic+dimms", "40intel64-4n10c+pci-conflicts", "48amd64-4pa2n6c-sparse",
		"4fake-4gr1nu1pu", "64amd64-4s2n4ca2co", "memorysidecaches", "nvidiagpunumanodes"};
	char data[4096]; /* not on the heap: skip() runs no clean-up */
	const char *shared = getenv("VNUMA_SHARED");
	snprintf(data, sizeof(data), "%s%s/data/hwloc", shared ? shared : getenv("SRCDIR"),
		shared ? "" : "/../shared");
	if (access(data, R_OK) < 0) {
		print_message("no gathered machines at %s: set VNUMA_SHARED to read them\n", data);
		skip();
	}
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		vn_autoerror err = {0};
		vn_autofree char *archive = vn_format("%s/%s.tar.bz2", data, machines[i]);
		vn_autofree char *root = vn_format("%s/%zu", folder->path, i);
		vn_autofree char *unpack = vn_format(
			"mkdir %s && tar -C %s --strip-components=1 -xjf '%s' 2>&1", root, root, archive);
		assert_int_equal(system(unpack), 0);
		json_t *unpacked = read_json("sysfs", root, &err), *json = read_json("tar", archive, &err);
		if (!unpacked || !json)
			fail_msg("%s: %s", machines[i], err.problems[0].text);
		/* problems and notes may name the tree; hosts of these machines have none that do */
		if (!json_equal(unpacked, json))
			fail_msg("%s: differs", machines[i]);
		json_decref(unpacked);
		json_decref(json);
	}
}

#define FOLDER_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_grows),
		FOLDER_TEST(test_walks_as_the_kernel_does),
		FOLDER_TEST(test_chain_of_links),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_hostile_members),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_no_archives),
		cmocka_unit_test(test_damaged),
		FOLDER_TEST(test_compressions),
		FOLDER_TEST(test_files_that_are_none),
		FOLDER_TEST(test_gathered_machines),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
