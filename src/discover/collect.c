/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE
#include "collect.h"

#include <fnmatch.h>
#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"

#define MAX_DEPTH 8 /* folders that a `**` goes down */
#define MAX_LINKS 40 /* followed on the way, as the kernel does */

/* One expansion of a pattern. */
struct search {
	struct vn_collection *collection;
	const char *leaves;
	enum vn_collect_how how;
	unsigned links, depth;
};

void vn_collection_clear(struct vn_collection *collection)
{
	for (size_t i = 0; i < collection->n; i++) {
		free(collection->members[i].path);
		free(collection->members[i].bytes);
	}
	free(collection->members);
	free(collection->first_denied);
	free(collection->first_unreadable);
	*collection = (struct vn_collection){0};
}

/* Takes over `bytes`, even on failure. */
static int add(struct vn_collection *collection, enum vn_member_kind kind, const char *path, char *bytes,
	size_t length)
{
	vn_autofree char *owned = bytes;

	if (collection->n == collection->room) {
		size_t room = collection->room ? collection->room * 2 : 1024;
		struct vn_member *grown = reallocarray(collection->members, room, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		collection->members = grown;
		collection->room = room;
	}
	char *copy = strdup(path);
	if (!copy)
		return -ENOMEM;
	collection->members[collection->n++] =
		(struct vn_member){.kind = kind, .path = copy, .bytes = vn_steal(owned), .length = length};
	return 0;
}

int vn_collect_text(struct vn_collection *collection, const char *path, const char *text)
{
	char *copy = strdup(text);
	return copy ? add(collection, VN_MEMBER_FILE, path, copy, strlen(text)) : -ENOMEM;
}

/* Counts what could not be read; a file that is not there is no loss. */
static int count_loss(struct vn_collection *collection, const char *path, int status)
{
	if (status == -ENOMEM)
		return status;
	if (status == -ENOENT || status == -ENOTDIR || status == -EISDIR)
		return 0;
	bool denied = status == -EACCES || status == -EPERM;
	char **first = denied ? &collection->first_denied : &collection->first_unreadable;
	++*(denied ? &collection->denied : &collection->unreadable);
	if (!*first)
		*first = strdup(path);
	return 0;
}

/* The link's target as the path of what it points to, `..` taken out; NULL when it leads out of the root, which a link of
 * sysfs never does. The folders on the way are no links: `folder` is a real path. */
static char *real_path(const char *folder, const char *target)
{
	char path[PATH_MAX];
	int n = snprintf(path, sizeof(path), "%s/%s", *target == '/' ? "" : folder, target);
	char *kept = path; /* the end of what is kept */

	if (n < 0 || (size_t)n >= sizeof(path))
		return NULL;
	for (char *part = path + strspn(path, "/"); *part;) {
		size_t length = strcspn(part, "/");
		char *next = part + length + strspn(part + length, "/");
		if (length == 2 && memcmp(part, "..", 2) == 0) {
			if (kept == path)
				return NULL;
			do
				kept--;
			while (kept > path && *kept != '/');
		} else if (length != 1 || *part != '.') {
			if (kept != path)
				*kept++ = '/';
			memmove(kept, part, length);
			kept += length;
		}
		part = next;
	}
	return strndup(path, (size_t)(kept - path));
}

/* Collects the path if it is a link: 1, and its target as a real path in *ret_real (NULL: leads nowhere); 0 if it is none. */
static int take_link(struct vn_collection *collection, const char *folder, const char *path, char **ret_real)
{
	vn_autofree char *target = NULL;
	int r = vn_root_link(collection->root, path, &target);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!vn_text_is_printable(target)) {
		collection->unprintable++;
		*ret_real = NULL;
		return 1;
	}
	*ret_real = real_path(folder, target);
	size_t length = strlen(target);
	r = add(collection, VN_MEMBER_LINK, path, vn_steal(target), length);
	return r < 0 ? r : 1;
}

static int take_leaf(struct search *search, const char *folder, const char *name)
{
	struct vn_collection *collection = search->collection;
	vn_autofree char *path = vn_format("%s/%s", folder, name), *real = NULL;
	vn_cleanup(vn_names_free) char **names = NULL;
	unsigned char *bytes = NULL;
	size_t length = 0;

	int r = path ? take_link(collection, folder, path, &real) : -ENOMEM;
	if (r != 0)
		return r < 0 ? r : 0;
	if (search->how == VN_COLLECT_NAME) {
		r = vn_root_list(collection->root, path, &names);
		return r < 0 ? count_loss(collection, path, r)
			     : add(collection, VN_MEMBER_FOLDER, path, NULL, 0);
	}
	r = vn_root_read_bytes(collection->root, path, VN_FILE_MAX, &bytes, &length);
	return r < 0 ? count_loss(collection, path, r)
		     : add(collection, VN_MEMBER_FILE, path, (char *)bytes, length);
}

static bool is_pattern(const char *text)
{
	return strpbrk(text, "*?[") != NULL;
}

/* Calls for each entry of the folder that matches and may be printed. */
static int for_each(struct search *search, const char *folder, const char *pattern,
	int (*call)(struct search *, const char *folder, const char *name, const char *rest),
	const char *rest)
{
	vn_cleanup(vn_names_free) char **names = NULL;
	int r = vn_root_list(search->collection->root, folder, &names);

	if (r < 0)
		return count_loss(search->collection, folder, r);
	for (char **name = names; *name && r == 0; name++) {
		if (fnmatch(pattern, *name, FNM_PERIOD) != 0)
			continue;
		if (vn_text_is_printable(*name))
			r = call(search, folder, *name, rest);
		else
			search->collection->unprintable++;
	}
	return r;
}

static int call_leaf(struct search *search, const char *folder, const char *name, const char *unused)
{
	(void)unused;
	return take_leaf(search, folder, name);
}

static int take_leaves(struct search *search, const char *folder)
{
	int r = 0;

	for (const char *at = search->leaves; *at && r == 0; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		vn_autofree char *leaf = strndup(at, length);
		if (!leaf)
			return -ENOMEM;
		r = is_pattern(leaf) ? for_each(search, folder, leaf, call_leaf, NULL)
				     : take_leaf(search, folder, leaf);
		at += length;
	}
	return r;
}

static int expand(struct search *search, const char *folder, const char *rest);

/* Goes on from an entry of a folder, behind its links. */
static int enter(struct search *search, const char *folder, const char *name, const char *rest)
{
	vn_autofree char *path = vn_format("%s%s%s", folder, *folder ? "/" : "", name), *real = NULL;
	int r = path ? take_link(search->collection, folder, path, &real) : -ENOMEM;

	if (r < 0)
		return r;
	if (r == 0)
		return expand(search, path, rest);
	if (!real || search->links >= MAX_LINKS)
		return 0;
	const char *slash = strrchr(real, '/');
	vn_autofree char *parent = strndup(real, slash ? (size_t)(slash - real) : 0);
	if (!parent)
		return -ENOMEM;
	search->links++;
	r = enter(search, parent, slash ? slash + 1 : real, rest); /* which may be a link again */
	search->links--;
	return r;
}

/* `**` below this folder; `rest` begins with it. */
static int descend(struct search *search, const char *folder, const char *name, const char *rest)
{
	vn_autofree char *path = vn_format("%s/%s", folder, name), *target = NULL;

	if (!path)
		return -ENOMEM;
	if (vn_root_link(search->collection->root, path, &target) == 0 || search->depth >= MAX_DEPTH)
		return 0;
	search->depth++;
	int r = expand(search, path, rest);
	search->depth--;
	return r;
}

static int expand(struct search *search, const char *folder, const char *rest)
{
	if (!*rest)
		return take_leaves(search, folder);
	size_t length = strcspn(rest, "/");
	const char *behind = rest + length + (rest[length] == '/');
	vn_autofree char *part = strndup(rest, length);
	if (!part)
		return -ENOMEM;
	if (strcmp(part, "**") == 0) {
		int r = expand(search, folder, behind);
		return r < 0 ? r : for_each(search, folder, "*", descend, rest);
	}
	if (is_pattern(part))
		return for_each(search, folder, part, enter, behind);
	return enter(search, folder, part, behind);
}

int vn_collect(
	struct vn_collection *collection, const char *folder, const char *leaves, enum vn_collect_how how)
{
	struct search search = {.collection = collection, .leaves = leaves, .how = how};
	return expand(&search, "", folder);
}

static int compare_members(const void *a, const void *b)
{
	return strcmp(((const struct vn_member *)a)->path, ((const struct vn_member *)b)->path);
}

void vn_collection_sort(struct vn_collection *collection)
{
	size_t kept = 0;

	if (collection->n > 0)
		qsort(collection->members, collection->n, sizeof(*collection->members), compare_members);
	for (size_t i = 0; i < collection->n; i++) {
		struct vn_member *member = &collection->members[i];
		if (kept > 0 && strcmp(collection->members[kept - 1].path, member->path) == 0) {
			free(member->path);
			free(member->bytes);
		} else {
			collection->members[kept++] = *member;
		}
	}
	collection->n = kept;
}
