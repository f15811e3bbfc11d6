/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Guests that between them have every part of the recipe: test_recipe looks at the words, qemu_accepts.t gives them to QEMU. */

#include "emit_maker.h"

struct recipe {
	const char *name, *cfg; /* `%s` in the config: where disks are */
	void (*adorn)(struct vn_guest *guest); /* what no config says; or NULL */
	enum vn_binding binding;
	unsigned version; /* of QEMU */
};

#define RECIPE_HMAT_DOMAINS 3u

static inline void add_matrix(struct vn_hmat *hmat, enum vn_hmat_type type, uint64_t near, uint64_t far)
{
	struct vn_hmat_matrix *matrix = &hmat->matrices[hmat->n_matrices++];

	*matrix = (struct vn_hmat_matrix){.type = type, .n_initiators = 2, .n_targets = RECIPE_HMAT_DOMAINS};
	matrix->initiators = calloc(2, sizeof(*matrix->initiators));
	matrix->targets = calloc(RECIPE_HMAT_DOMAINS, sizeof(*matrix->targets));
	matrix->values = calloc(2 * RECIPE_HMAT_DOMAINS, sizeof(*matrix->values));
	for (uint32_t i = 0; i < 2; i++) {
		matrix->initiators[i] = i;
		for (uint32_t t = 0; t < RECIPE_HMAT_DOMAINS; t++) {
			matrix->targets[t] = t;
			/* memory of vnode 2 is nearer to vnode 1 */
			matrix->values[i * RECIPE_HMAT_DOMAINS + t] = i == t             ? near
								      : t == 2 && i == 1 ? (near + far) / 2
											 : far;
		}
	}
}

static inline void adorn_hmat(struct vn_guest *guest)
{
	struct vn_hmat *hmat = guest->hmat = calloc(1, sizeof(*hmat));

	hmat->revision = 2;
	hmat->matrices = calloc(2, sizeof(*hmat->matrices));
	add_matrix(hmat, VN_HMAT_ACCESS_LATENCY, 10000, 20500);
	add_matrix(hmat, VN_HMAT_ACCESS_BANDWIDTH, 10240, 5120);
	hmat->n_caches = 2;
	hmat->caches = calloc(2, sizeof(*hmat->caches));
	hmat->caches[0] = (struct vn_hmat_cache){2, 20 << 20, 2, 2, 1, 1, 64};
	hmat->caches[1] = (struct vn_hmat_cache){2, 10 << 20, 2, 1, 2, 2, 64};
	hmat->n_domains = RECIPE_HMAT_DOMAINS;
	hmat->domains = calloc(RECIPE_HMAT_DOMAINS, sizeof(*hmat->domains));
	for (uint32_t i = 0; i < RECIPE_HMAT_DOMAINS; i++)
		hmat->domains[i] = (struct vn_hmat_domain){i, (int)i};
}

static inline void adorn_plugged(struct vn_guest *guest)
{
	guest->vnodes[0].plugged = guest->vnodes[1].plugged = 32 * VN_MIB;
}

static inline void adorn_dies(struct vn_guest *guest)
{
	guest->topology = (struct vn_guest_topology){.sockets = 1, .dies = 2, .cores = 2};
}

static inline void adorn_wishes(struct vn_guest *guest)
{
	guest->disks[0].vnode = 1;
	guest->vifs[0].vnode = 1;
	guest->iothreads = 4;
	guest->vnodes[1].has_binding = true;
	guest->vnodes[1].binding = VN_BINDING_INTERLEAVE;
	guest->vnodes[1].nodes = hwloc_bitmap_alloc();
	hwloc_bitmap_set(guest->vnodes[1].nodes, 0);
}

static inline void adorn_iothreads(struct vn_guest *guest)
{
	guest->iothreads = 5;
}

static inline void adorn_one_iothread(struct vn_guest *guest)
{
	guest->iothreads = 1;
}

#define RECIPE_TWO "name='g'\nmemory=128\nvcpus=4\nvnodes=2\n"
#define RECIPE_IO                                                                                            \
	"disk=['%s/a.img,raw,vda','%s/b.img,raw,vdb']\nvif=['type=tap,queues=2,vhost=0','type=tap,queues=2,vhost=0']\n"
#define RECIPE_DISK "'%s/a.img,raw,vda,ro',"
#define RECIPE_FOUR_DISKS "disk=[" RECIPE_DISK RECIPE_DISK RECIPE_DISK RECIPE_DISK "]\n"
#define RECIPE_DISK_ONE "disk=[" RECIPE_DISK "]\n"
#define RECIPE_CHANNELS                                                                                      \
	"channel=['connection=socket,path=%s/agent.sock,name=org.qemu.guest_agent.0','connection=socket,path=%s/b.sock,name=b']\n"
#define RECIPE_DISKS                                                                                         \
	RECIPE_DISK RECIPE_DISK RECIPE_DISK RECIPE_DISK RECIPE_DISK RECIPE_DISK RECIPE_DISK RECIPE_DISK

static const struct recipe recipes[] = {
	{"two", RECIPE_TWO RECIPE_IO, NULL, VN_BINDING_STRICT, 0},
	{"wishes", RECIPE_TWO RECIPE_IO, adorn_wishes, VN_BINDING_PREFERRED, 0},
	{"growth", RECIPE_TWO RECIPE_IO "maxmem=512\nmaxvcpus=8\n", adorn_plugged, VN_BINDING_STRICT, 0},
	{"resizable",
		"name='g'\nmemory=256\nvcpus=4\nvnodes=2\nvnumamem_min=[128,64]\nvnumamem_max=[256,192]\n" RECIPE_IO,
		NULL, VN_BINDING_STRICT, 0},
	{"resizable-huge",
		"name='g'\nmemory=256\nvcpus=4\nvnodes=2\nhugepages='2M'\nvnumamem_max=[256,128]\n", NULL,
		VN_BINDING_STRICT, 0},
	{"hmat", "name='g'\nmemory=192\nvcpus=4\nvnodes=3\nvnuma_vcpumap=[0,0,1,1]\n" RECIPE_IO, adorn_hmat,
		VN_BINDING_STRICT, 0},
	{"dies", "name='g'\nmemory=128\nvcpus=8\nthreads=2\nvnodes=2\n" RECIPE_IO, adorn_dies,
		VN_BINDING_STRICT, 0},
	{"no-memory", RECIPE_TWO "vnumamem=[0,128]\n" RECIPE_IO, NULL, VN_BINDING_STRICT, 0},
	{"huge", RECIPE_TWO "hugepages='2M'\n", NULL, VN_BINDING_STRICT, 0},
	{"off", "name='g'\nmemory=128\nvcpus=4\nguest_numa='off'\n" RECIPE_IO, NULL, VN_BINDING_INTERLEAVE,
		0},
	{"many",
		RECIPE_TWO "vnuma_vcpumap=[1,1,1,1]\ndisk=[" RECIPE_DISKS RECIPE_DISKS RECIPE_DISKS
			RECIPE_DISKS RECIPE_DISKS "]\n",
		NULL, VN_BINDING_STRICT, 0},
	{"threads", RECIPE_TWO RECIPE_FOUR_DISKS, adorn_iothreads, VN_BINDING_STRICT, 0},
	{"thread-queues", RECIPE_TWO RECIPE_FOUR_DISKS, adorn_iothreads, VN_BINDING_STRICT,
		VN_TARGET_VERSION(9, 0, 0)},
	{"one-thread", RECIPE_TWO RECIPE_IO, adorn_one_iothread, VN_BINDING_STRICT,
		VN_TARGET_VERSION(9, 0, 0)},
	{"channels",
		"name='g'\nmemory=256\nvcpus=4\nvnodes=2\nvnumamem_max=[128,192]\n" RECIPE_DISK_ONE
			RECIPE_CHANNELS,
		NULL, VN_BINDING_STRICT, 0},
	{"channels-off", "name='g'\nmemory=128\nvcpus=4\nguest_numa='off'\n" RECIPE_CHANNELS, NULL,
		VN_BINDING_PREFERRED, 0},
	{"queues", RECIPE_TWO RECIPE_IO, NULL, VN_BINDING_STRICT, VN_TARGET_VERSION(9, 0, 0)},
};
#define N_RECIPES (sizeof(recipes) / sizeof(recipes[0]))

/* The guest of a recipe, its disks in `folder`. */
static inline struct vn_guest *recipe_guest(const struct recipe *recipe, const char *folder)
{
	vn_autofree char *cfg = vn_copy("");

	for (const char *p = recipe->cfg; *p; p++) {
		bool here = p[0] == '%' && p[1] == 's';
		char *longer = here ? vn_format("%s%s", cfg, folder) : vn_format("%s%c", cfg, *p);
		free(cfg);
		cfg = longer;
		p += here;
	}
	struct vn_guest *guest = guest_of(cfg);
	if (recipe->adorn)
		recipe->adorn(guest);
	return guest;
}

/* Its command line. All on pnode 0. */
static inline void recipe_argv(const struct recipe *recipe, const struct vn_guest *guest,
	struct vn_notes *notes, struct vn_argv *argv)
{
	const unsigned homes[VN_MAX_VNODES] = {0};
	vn_autoplan *plan = plan_of(guest, homes, recipe->binding, 0);
	struct vn_qemu_options options = {
		.accel = "tcg", .paused = true, .version = recipe->version, .notes = notes};
	vn_autoerror err = {0};

	assert_int_equal(vn_emit_qemu(plan, guest, &options, argv, &err), 0);
}
