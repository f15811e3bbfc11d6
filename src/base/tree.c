/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Theory of operation: all entries lie in one array, found through one hash table by (folder, name); a path is walked
 * component by component, as a kernel does. The hash is a polynomial over the name modulo 2^61 - 1, at a point that an
 * archive's author cannot know (the kernel's random bytes for this process): names made to collide do not, so a hostile
 * archive cannot make the table slow. Children are a linked list, sorted only when listed, for few folders ever are.
 * Names, targets and contents lie in blocks that are freed together.
 */
#define _GNU_SOURCE
#include "tree.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>

#include "rootfs.h"

#define BLOCK_SIZE (64u << 10)
#define FIRST_SLOTS 1024u
#define PRIME ((UINT64_C(1) << 61) - 1)

enum kind { FOLDER, FILE_, LINK };

struct entry {
	const char *name;
	uint64_t hash; /* of name and folder */
	uint32_t parent, first_child, next; /* indices; 0, the root, is nobody's child and ends a list */
	enum kind kind;
	bool told; /* by a member of its own, not only made on the way to another */
	const unsigned char *bytes; /* content, or the link's target; NULL: too large to be kept */
	size_t length;
};

struct block {
	struct block *next;
	size_t used, size;
	unsigned char bytes[];
};

struct vn_tree {
	uint64_t point, spread; /* of the hash */
	size_t n, room;
	struct entry *entries; /* [0] is the root */
	size_t n_slots; /* a power of two, more than twice n */
	uint32_t *slots; /* index of an entry, or 0 */
	struct block *blocks; /* the newest first */
};

static uint64_t multiply(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);
	return sum >= PRIME ? sum - PRIME : sum;
}

static uint64_t hash_name(const struct vn_tree *tree, uint32_t parent, const char *name, size_t length)
{
	uint64_t hash = multiply((uint64_t)parent << 16 | length, tree->point);

	while (length > 0) {
		size_t n = length < 7 ? length : 7;
		uint64_t word = 0;
		memcpy(&word, name, n); /* 7 bytes are below the prime */
		hash = multiply((hash + word) % PRIME, tree->point);
		name += n;
		length -= n;
	}
	return hash;
}

static size_t first_slot(const struct vn_tree *tree, uint64_t hash)
{
	return (size_t)((hash * tree->spread) >> 32) & (tree->n_slots - 1);
}

static void *take(struct vn_tree *tree, size_t size)
{
	struct block *block = tree->blocks;

	if (!block || block->size - block->used < size) {
		size_t room = size > BLOCK_SIZE ? size : BLOCK_SIZE;
		block = malloc(sizeof(*block) + room);
		if (!block)
			return NULL;
		*block = (struct block){.next = tree->blocks, .size = room};
		tree->blocks = block;
	}
	void *bytes = block->bytes + block->used;
	block->used += size;
	return bytes;
}

/* A copy with a NUL behind it. */
static void *take_copy(struct vn_tree *tree, const void *bytes, size_t length)
{
	unsigned char *copy = take(tree, length + 1);
	if (!copy)
		return NULL;
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

struct vn_tree *vn_tree_new(void)
{
	struct vn_tree *tree = calloc(1, sizeof(*tree));
	uint64_t seed[2] = {0x9e3779b97f4a7c15, 0xbf58476d1ce4e5b9};
	const void *random = (const void *)getauxval(AT_RANDOM);

	if (!tree)
		return NULL;
	if (random)
		memcpy(seed, random, sizeof(seed));
	tree->point = seed[0] % (PRIME - 2) + 2;
	tree->spread = seed[1] | 1;
	tree->n_slots = FIRST_SLOTS;
	tree->room = FIRST_SLOTS / 2;
	tree->slots = calloc(tree->n_slots, sizeof(*tree->slots));
	tree->entries = calloc(tree->room, sizeof(*tree->entries));
	if (!tree->slots || !tree->entries) {
		vn_tree_free(tree);
		return NULL;
	}
	tree->entries[tree->n++] = (struct entry){.name = "", .kind = FOLDER, .told = true};
	return tree;
}

void vn_tree_free(struct vn_tree *tree)
{
	if (!tree)
		return;
	for (struct block *block = tree->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(tree->slots);
	free(tree->entries);
	free(tree);
}

/* Index of the entry, or 0. */
static uint32_t find(
	const struct vn_tree *tree, uint32_t parent, const char *name, size_t length, uint64_t hash)
{
	for (size_t at = first_slot(tree, hash);; at = (at + 1) & (tree->n_slots - 1)) {
		uint32_t i = tree->slots[at];
		const struct entry *entry = &tree->entries[i];
		if (i == 0)
			return 0;
		if (entry->hash == hash && entry->parent == parent &&
			strncmp(entry->name, name, length) == 0 && !entry->name[length])
			return i;
	}
}

static void put_in_slot(struct vn_tree *tree, uint32_t i)
{
	size_t at = first_slot(tree, tree->entries[i].hash);
	while (tree->slots[at] != 0)
		at = (at + 1) & (tree->n_slots - 1);
	tree->slots[at] = i;
}

static int grow(struct vn_tree *tree)
{
	struct entry *entries = reallocarray(tree->entries, tree->room * 2, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	tree->entries = entries;
	uint32_t *slots = calloc(tree->n_slots * 2, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(tree->slots);
	tree->slots = slots;
	tree->room *= 2;
	tree->n_slots *= 2;
	for (uint32_t i = 1; i < tree->n; i++)
		put_in_slot(tree, i);
	return 0;
}

static int add_child(struct vn_tree *tree, uint32_t parent, const char *name, size_t length, uint64_t hash,
	uint32_t *ret_child)
{
	if (tree->n >= VN_TREE_MAX)
		return -ENOSPC;
	if (tree->n == tree->room && grow(tree) < 0)
		return -ENOMEM;
	char *copy = take_copy(tree, name, length);
	if (!copy)
		return -ENOMEM;
	uint32_t i = (uint32_t)tree->n++;
	tree->entries[i] = (struct entry){.name = copy,
		.hash = hash,
		.parent = parent,
		.next = tree->entries[parent].first_child,
		.kind = FOLDER};
	tree->entries[parent].first_child = i;
	put_in_slot(tree, i);
	*ret_child = i;
	return 0;
}

/* Finds the entry of a path without following links, making what is not there as folders not told yet. */
static int make(struct vn_tree *tree, const char *path, struct entry **ret_entry)
{
	uint32_t at = 0;

	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");
		if (length == 2 && memcmp(path, "..", 2) == 0)
			return -EINVAL;
		if (length > NAME_MAX)
			return -ENAMETOOLONG;
		if (length != 1 || *path != '.') {
			uint64_t hash = hash_name(tree, at, path, length);
			uint32_t child = find(tree, at, path, length, hash);
			int r = tree->entries[at].kind != FOLDER ? -ENOTDIR
				: child                          ? 0
					: add_child(tree, at, path, length, hash, &child);
			if (r < 0)
				return r;
			at = child;
		}
		path += length;
	}
	if (at == 0)
		return -EINVAL;
	*ret_entry = &tree->entries[at];
	return 0;
}

static int make_new(struct vn_tree *tree, const char *path, enum kind kind, struct entry **ret_entry)
{
	struct entry *entry;
	int r = make(tree, path, &entry);

	if (r < 0)
		return r;
	if (entry->told || (entry->first_child != 0 && kind != FOLDER))
		return -EEXIST;
	entry->told = true;
	entry->kind = kind;
	*ret_entry = entry;
	return 0;
}

int vn_tree_add_folder(struct vn_tree *tree, const char *path)
{
	struct entry *entry;
	return make_new(tree, path, FOLDER, &entry);
}

int vn_tree_add_file(struct vn_tree *tree, const char *path, const void *bytes, size_t length)
{
	struct entry *entry;
	const unsigned char *copy = NULL;

	if (bytes || length == 0) {
		copy = take_copy(tree, bytes, length);
		if (!copy)
			return -ENOMEM;
	}
	int r = make_new(tree, path, FILE_, &entry);
	if (r < 0)
		return r;
	entry->bytes = copy;
	entry->length = length;
	return 0;
}

int vn_tree_add_link(struct vn_tree *tree, const char *path, const char *target)
{
	struct entry *entry;
	size_t length = strlen(target);
	const unsigned char *copy = take_copy(tree, target, length);

	if (!copy)
		return -ENOMEM;
	int r = make_new(tree, path, LINK, &entry);
	if (r < 0)
		return r;
	entry->bytes = copy;
	entry->length = length;
	return 0;
}

struct walk {
	const struct vn_tree *tree;
	unsigned links; /* followed so far */
};

static int resolve(struct walk *walk, uint32_t at, const char *path, bool follow_last, uint32_t *ret);

/* One component from the folder `at`; it is the last unless `more`. */
static int step(
	struct walk *walk, uint32_t at, const char *name, size_t length, bool follow, uint32_t *ret_next)
{
	const struct vn_tree *tree = walk->tree;

	if (tree->entries[at].kind != FOLDER)
		return -ENOTDIR;
	if (length > NAME_MAX)
		return -ENAMETOOLONG;
	if (length == 1 && name[0] == '.') {
		*ret_next = at;
		return 0;
	}
	if (length == 2 && memcmp(name, "..", 2) == 0) {
		*ret_next = tree->entries[at].parent; /* the root is its own */
		return 0;
	}
	uint32_t child = find(tree, at, name, length, hash_name(tree, at, name, length));
	if (child == 0)
		return -ENOENT;
	if (tree->entries[child].kind == LINK && follow) {
		const char *target = (const char *)tree->entries[child].bytes;
		if (++walk->links > VN_TREE_LINKS)
			return -ELOOP;
		return resolve(walk, *target == '/' ? 0 : at, target, true, ret_next);
	}
	*ret_next = child;
	return 0;
}

/* Recursion is bounded: each level follows one more link. */
static int resolve(struct walk *walk, uint32_t at, const char *path, bool follow_last, uint32_t *ret)
{
	if (!*path)
		return -ENOENT;
	for (path += strspn(path, "/"); *path; path += strspn(path, "/")) {
		size_t length = strcspn(path, "/");
		bool more = path[length] != '\0';
		int r = step(walk, at, path, length, more || follow_last, &at);
		if (r < 0)
			return r;
		path += length;
		if (more && walk->tree->entries[at].kind != FOLDER)
			return -ENOTDIR;
	}
	*ret = at;
	return 0;
}

static int look_up(const struct vn_tree *tree, const char *path, bool follow, const struct entry **ret_entry)
{
	struct walk walk = {.tree = tree};
	uint32_t at;
	int r = resolve(&walk, 0, path, follow, &at);

	if (r == 0)
		*ret_entry = &tree->entries[at];
	return r;
}

int vn_tree_file(
	const struct vn_tree *tree, const char *path, const unsigned char **ret_bytes, size_t *ret_length)
{
	const struct entry *entry = NULL;
	int r = look_up(tree, path, true, &entry);

	if (r != 0)
		return r;
	if (entry->kind != FILE_)
		return -EISDIR;
	if (!entry->bytes)
		return -EFBIG;
	*ret_bytes = entry->bytes;
	*ret_length = entry->length;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

int vn_tree_list(const struct vn_tree *tree, const char *path, char ***ret_names)
{
	const struct entry *entry = NULL;
	size_t n = 0;
	int r = look_up(tree, path, true, &entry);

	if (r != 0)
		return r;
	if (entry->kind != FOLDER)
		return -ENOTDIR;
	for (uint32_t i = entry->first_child; i; i = tree->entries[i].next)
		n++;
	vn_cleanup(vn_names_free) char **names = calloc(n + 1, sizeof(*names));
	if (!names)
		return -ENOMEM;
	n = 0;
	for (uint32_t i = entry->first_child; i; i = tree->entries[i].next) {
		names[n] = strdup(tree->entries[i].name);
		if (!names[n++])
			return -ENOMEM;
	}
	qsort(names, n, sizeof(*names), compare_names);
	*ret_names = vn_steal(names);
	return 0;
}

int vn_tree_link(const struct vn_tree *tree, const char *path, const char **ret_target)
{
	const struct entry *entry = NULL;
	int r = look_up(tree, path, false, &entry);

	if (r < 0)
		return r;
	if (entry->kind != LINK)
		return -EINVAL;
	*ret_target = (const char *)entry->bytes;
	return 0;
}
