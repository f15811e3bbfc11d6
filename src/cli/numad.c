/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `vnuma numad -w N[:MB]`, and this program called through a link named numad: the question that libvirt asks for
 * placement='auto', answered by the planner.
 *
 * What libvirt does (libvirt 0.9.11 to 11, virNumaGetAutoPlacementAdvice() in src/util/virnuma.c): it runs `numad -w VCPUS:MB`,
 * takes standard output as a list of nodes, and binds the guest's threads and memory to those of them that have CPUs and memory.
 * Any exit status but 0 fails the start. It does not tell its guest's page size, vNUMA or devices, so ordinary pages are meant.
 *
 * The numad of Bill Gray prints something whatever is asked, node 0 for a guest of a hundred terabytes too, and libvirt then
 * starts a guest that is killed when it touches its memory. Here no room is exit status 1 and an empty standard output.
 */
#include <limits.h>
#include <string.h>

#include "../base/parse.h"
#include "../base/text.h"
#include "cli.h"
#include "planning.h"
#include "usage.h"

/* Without a size: so little that it fits anywhere, and enough that near nodes are better than far ones. */
#define NOMINAL_MIB 1u

#define SHOWN_MAX 64

struct request {
	bool help, version, asked; /* asked: -w was there, right or wrong */
	unsigned vcpus;
	uint64_t mib; /* 0: does not matter */
};

/* The options of numad(8) that are for its daemon, and what serves instead. */
static const struct {
	char letter;
	bool has_value;
	const char *text;
} daemons[] = {
	{'C', true, "page cache always counts as free here, as it can be dropped"},
	{'d', false,
		"there is no daemon and no log; 'vnuma plan GUEST --explain' tells why nodes are chosen"},
	{'D', true, "there is no daemon; 'vnuma numad --host SRC' asks for another host"},
	{'H', true, "huge pages are the kernel's; write to /sys/kernel/mm/transparent_hugepage"},
	{'i', true, "there is no daemon, so there is no interval and none to end"},
	{'K', true, "no running process is moved, so interleaved memory stays as it is"},
	{'l', true, "there is no daemon and no log; 'vnuma plan GUEST --explain' tells why nodes are chosen"},
	{'m', true, "no running process is moved"},
	{'p', true, "no running process is managed; 'vnuma run' starts a guest on its nodes"},
	{'r', true, "no running process is managed"},
	{'R', true,
		"CPUs are kept free by the kernel's isolcpus= or this process's cpuset, which are heeded"},
	{'S', true, "no running process is scanned or managed"},
	{'t', true, "threads of a core count as that one core"},
	{'u', true, "nodes are filled up to their free memory and their physical cores"},
	{'v', false,
		"there is no daemon and no log; 'vnuma plan GUEST --explain' tells why nodes are chosen"},
	{'x', true, "no running process is managed, so there is none to leave out"},
};

/* A word of the command line for a message. */
static const char *shown(const char *word)
{
	return vn_text_is_printable(word) && strlen(word) <= SHOWN_MAX ? word
								       : "a word too long or not printable";
}

static int not_a_request(const char *word, struct vn_error *err)
{
	return vn_error_input(err, &(struct vn_where){NULL, 0, "-w"},
		"'%s' seen; expected N or N:MB, whole numbers: vCPUs, and MiB of memory", shown(word));
}

/* One of the two numbers; `what` is its name and `word` all of it, for the message. */
static int read_number(const char *text, uint64_t max, const char *what, const char *word, uint64_t *ret,
	struct vn_error *err)
{
	int r = vn_parse_u64(text, max, ret);

	if (r == -ERANGE)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "-w"},
			"'%s' seen; expected at most %llu %s", shown(word), (unsigned long long)max, what);
	return r < 0 ? not_a_request(word, err) : 0;
}

static int read_request(const char *word, struct request *request, struct vn_error *err)
{
	const char *colon = strchr(word, ':');
	vn_autofree char *cpus = strndup(word, colon ? (size_t)(colon - word) : strlen(word));
	uint64_t vcpus = 0, mib = 0;

	if (!cpus)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = read_number(cpus, VN_MAX_VCPUS, "vCPUs", word, &vcpus, err);
	if (r == 0 && colon)
		r = read_number(colon + 1, VN_MAX_MEMORY / VN_MIB, "MiB", word, &mib, err);
	if (r < 0)
		return r;
	if (vcpus == 0)
		return vn_error_input(err, &(struct vn_where){NULL, 0, "-w"},
			"'%s' seen; expected at least 1 vCPU", shown(word));
	request->vcpus = (unsigned)vcpus;
	request->mib = mib;
	return 0;
}

/* An option that is not ours; returns whether it takes a value. */
static bool refuse(char letter, struct vn_error *err)
{
	const char key[] = {'-', letter >= '!' && letter <= '~' ? letter : '?', '\0'};
	struct vn_where where = {NULL, 0, key};

	for (size_t i = 0; i < sizeof(daemons) / sizeof(daemons[0]); i++) {
		if (daemons[i].letter != letter)
			continue;
		vn_error_input(err, &where, "an option of numad's daemon, not of vnuma's answer to -w: %s",
			daemons[i].text);
		return daemons[i].has_value;
	}
	vn_error_input(err, &where, "no option of numad; expected -w N[:MB], -h or -V");
	return false;
}

/* -w with its value, which is the rest of its word or, `next`, the word behind it. */
static void read_w(const char *value, struct request *request, struct vn_error *err)
{
	struct vn_where where = {NULL, 0, "-w"};

	if (request->asked)
		vn_error_input(err, &where, "given twice; expected once");
	else if (!value)
		vn_error_input(err, &where, "no value; expected N[:MB]");
	else
		read_request(value, request, err);
	request->asked = true;
}

/* A word of short options, as getopt(3) reads them: `-w8:16`, `-w 8:16`, `-dv`. Returns how many words were taken. */
static int read_options(int argc, char **argv, struct request *request, struct vn_error *err)
{
	for (const char *p = argv[0] + 1; *p; p++) {
		const char *rest = p[1] ? p + 1 : NULL, *value = rest ? rest : argc > 1 ? argv[1] : NULL;
		if (*p == 'h')
			request->help = true;
		else if (*p == 'V')
			request->version = true;
		else if (*p == 'w')
			read_w(value, request, err);
		if (*p == 'w' || (*p != 'h' && *p != 'V' && refuse(*p, err)))
			return !rest && argc > 1 ? 2 : 1;
	}
	return 1;
}

static int read_words(const struct vn_args *args, struct request *ret_request, struct vn_error *err)
{
	for (int i = 0; i < args->n_operands;) {
		char **word = args->operands + i;
		if (word[0][0] == '-' && word[0][1]) {
			i += read_options(args->n_operands - i, word, ret_request, err);
			continue;
		}
		vn_error_input(err, NULL, "'%s' seen; expected an option: -w N[:MB], -h or -V", shown(*word));
		i++;
	}
	if (!ret_request->asked && !ret_request->help && !ret_request->version && err->n == 0)
		vn_error_input(
			err, NULL, "there is no daemon to start; expected -w N[:MB], a question, -h or -V");
	return err->n ? -EINVAL : 0;
}

/* A guest of that size, of which nothing else is known. */
static struct vn_guest *guest_of(const struct request *request)
{
	vn_autoguest *guest = vn_guest_new();

	if (!guest)
		return NULL;
	guest->vnodes = calloc(1, sizeof(*guest->vnodes));
	guest->name = vn_copy("numad");
	if (!guest->vnodes || !guest->name)
		return NULL;
	guest->n_vnodes = 1;
	guest->vnodes_open = true;
	guest->vcpus = guest->maxvcpus = request->vcpus;
	guest->memory = (request->mib ? request->mib : NOMINAL_MIB * request->vcpus) * VN_MIB;
	guest->maxmem = guest->memory;
	guest->weight = 256;
	/* The vCPUs of guests that others started are not seen, only their memory: where most of that is free, fewest will be. */
	guest->policy = VN_POLICY_SPREAD;
	/* what libvirt makes of the answer by default (<memory mode='strict'>) */
	guest->memory_policy = VN_MEMORY_STRICT;
	struct vn_vnode *vnode = guest->vnodes;
	vnode->memory = guest->memory;
	vnode->home = -1;
	vnode->vcpus = hwloc_bitmap_alloc();
	vnode->distances = calloc(1, sizeof(*vnode->distances));
	if (!vnode->vcpus || !vnode->distances ||
		hwloc_bitmap_set_range(vnode->vcpus, 0, (int)request->vcpus - 1) < 0)
		return NULL;
	vnode->distances[0] = VN_DISTANCE_LOCAL;
	return vn_steal(guest);
}

/* Every node that a vnode lives on or has memory of. */
static hwloc_bitmap_t nodes_of(const struct vn_plan *plan)
{
	vn_autoset nodes = hwloc_bitmap_alloc();

	for (size_t v = 0; nodes && v < plan->n_vnodes; v++) {
		const struct vn_plan_vnode *vnode = &plan->vnodes[v];
		if (hwloc_bitmap_set(nodes, vnode->home) < 0)
			return NULL;
		for (size_t k = 0; k < vnode->n_shares; k++) {
			if (hwloc_bitmap_set(nodes, vnode->shares[k].pnode) < 0)
				return NULL;
		}
	}
	return vn_steal(nodes);
}

static json_t *answer_to_json(
	const struct request *request, const struct vn_plan *plan, hwloc_const_bitmap_t nodes)
{
	return json_pack("{s:s, s:i, s:I, s:b, s:o, s:o, s:o}", "schema", "vnuma.numad/1", "vcpus",
		(int)request->vcpus, "memory", (json_int_t)request->mib * (json_int_t)VN_MIB, "feasible",
		plan->feasible, "nodes", vn_json_set(nodes), "warnings",
		vn_notes_to_json(&plan->warnings, NULL), "reasons", vn_notes_to_json(&plan->reasons, NULL));
}

static int print_answer(const struct vn_args *args, const struct request *request, const struct vn_plan *plan,
	struct vn_error *err)
{
	vn_autoset nodes = nodes_of(plan);
	vn_autofree char *text = nodes ? vn_set_text(nodes) : NULL;

	if (!text)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	if (args->json) {
		int r = vn_print_json(answer_to_json(request, plan, nodes), err);
		return r < 0 || plan->feasible ? r : VN_EXIT_NO;
	}
	vn_notes_print(&plan->warnings, "warning");
	vn_notes_print(&plan->reasons, "no plan");
	if (!plan->feasible)
		return VN_EXIT_NO;
	puts(text);
	return VN_EXIT_DONE;
}

static int answer(const struct vn_args *args, const struct request *request, struct vn_error *err)
{
	vn_autoguest *guest = guest_of(request);
	vn_autohost *host = NULL;
	vn_autoplan *plan = NULL;
	vn_autotaken taken = {0};
	vn_autostate state = {.fd = -1};
	struct vn_plan_options options = {.deadline_ms = VN_PLAN_DEADLINE_MS};

	if (!guest)
		return vn_error_environment(err, -ENOMEM, "out of memory");
	int r = vn_args_host(args, &host, err);
	/* The limits of our cgroup are not the guest's: libvirt starts it in one of its own, below machine.slice. */
	if (r == 0) {
		host->has_cgroup_memory = false;
		host->cgroup_millicpus = 0;
	}
	/* who cannot see what runs would answer as if nothing did: an error, unlike in `plan`, whose reader sees a warning */
	if (r == 0 && host->live)
		r = vn_state_open(&state, err);
	if (r == 0 && host->live)
		r = vn_taken_running(&state, host, 0, &taken, err);
	options.occupied = taken.occupied;
	if (r == 0)
		r = vn_make_plan(host, &options, &taken.notes, guest, &plan, err);
	return r != 0 ? r : print_answer(args, request, plan, err);
}

static int run(const struct vn_args *args, struct vn_error *err)
{
	struct request request = {0};
	int r = read_words(args, &request, err);

	if (r < 0)
		return r;
	if (request.help)
		vn_usage_verb(args->verb, stdout);
	else if (request.version)
		printf("numad of vnuma %s\n", VN_VERSION);
	return request.help || request.version ? VN_EXIT_DONE : answer(args, &request, err);
}

const struct vn_verb verb_numad = {
	.name = "numad",
	.operands = "-w N[:MB]",
	.min_operands = 0,
	.max_operands = INT_MAX,
	.summary = "the nodes for N vCPUs and MB MiB, as libvirt's placement='auto' asks",
	.details =
		"Prints a list of nodes ('0-1', '0,2') on which so many vCPUs and so much memory are best placed, or nothing\n"
		"with exit status 1 and the reason on standard error when there is no room: libvirt then refuses to start the\n"
		"guest, which is better than one that is killed later. MB left out or 0: memory does not matter. This program,\n"
		"called through a link named numad, takes the same options (docs/numad.md). -h is this text, -V the version;\n"
		"the other options of numad are those of a daemon, which this is not, and are refused.",
	.options = {{"host", "SRC",
		"the host to ask of ('vnuma help topology' lists sources); live is the default"}},
	.run = run,
};
