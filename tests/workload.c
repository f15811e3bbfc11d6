/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Work for a guest or a process whose memory is moved meanwhile: it reads and writes memory at a known address, and checks all
 * along that what it reads is what it wrote. Linked statically, so it runs as the only program of a tiny guest, too.
 *
 * usage: workload KIND [--mib N] [--at ADDRESS] [--seconds N] [--threads N] [--hot PERCENT] [--offset PERCENT]
 *                      [--report N] [--small] [--spoil]
 *   KIND            chase     a pointer chase through all cache lines, in an order that looks random; each line has a check word
 *                   stream    a[i] = b[i] + 3 c[i] over three arrays of whole numbers; what they hold in each round is known
 *                   kv        a key-value server: a hash table, and a client that asks over a ring of requests; keys are asked for
 *                             as Zipf's law has it; nine of ten requests read, one writes; each value has a checksum
 *                   hot       lines at random: --hot percent of the memory (10), in one piece, takes nine of ten accesses
 *   --mib N         memory (64)
 *   --at ADDRESS    where it is mapped (0x600000000000): a window for the meter of the lab (lab/meter.c), in a guest, too
 *   --seconds N     how long (10); 0: until SIGTERM
 *   --report N      print what was done every N seconds, too
 *   --small         ask for small pages (madvise)
 *   --spoil         before it begins, change what was written, to see that it is found
 *   --threads N     so many at once, each with its share of the memory (1); kv has one server and one client more
 *   --offset PERCENT    where the hot piece begins (50)
 *
 * Prints "ready ADDRESS BYTES" when all memory was written, and at the end, or when SIGUSR1 comes, "KIND rounds N operations N errors
 * N". Exit status: 0; 1 if there was an error in the data; 2 for wrong usage; 3 if there is no memory.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LINE 64UL
#define MOST_THREADS 64
#define CHUNK 4096 /* operations between two looks at the clock */

struct share {
	unsigned number;
	uint64_t *memory;
	uint64_t bytes;
	_Atomic uint64_t rounds, operations, errors;
};

static struct {
	const char *kind;
	uint64_t at, bytes;
	unsigned long seconds, hot, offset, threads, report;
	bool small, spoil;
} options = {.at = 0x600000000000, .bytes = 64UL << 20, .seconds = 10, .hot = 10, .offset = 50, .threads = 1};

static struct share shares[MOST_THREADS];
static atomic_bool ended;
static volatile sig_atomic_t asked; /* SIGUSR1 came */

/* A word that looks random, of any other: the finalizer of MurmurHash3, which maps no two to one. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdUL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53UL;
	return x ^ x >> 33;
}

static uint64_t next_random(uint64_t *state)
{
	*state += 0x9e3779b97f4a7c15UL;
	return mix(*state);
}

static void count_error(struct share *s)
{
	atomic_fetch_add(&s->errors, 1);
}

static void did(struct share *s, uint64_t operations)
{
	atomic_fetch_add_explicit(&s->operations, operations, memory_order_relaxed);
}

/* ---- chase ---- */

/*
 * Line i: its successor, a word made of i and of the number of visits, that number, and nothing. Sattolo's shuffle makes one
 * cycle of all lines; a visit checks both and writes the next number.
 */
static void chase_fill(struct share *s)
{
	uint64_t n = s->bytes / LINE, state = s->number;

	for (uint64_t i = 0; i < n; i++)
		s->memory[i * 8] = i;
	for (uint64_t i = n - 1; i > 0; i--) {
		uint64_t j = next_random(&state) % i, other = s->memory[j * 8];

		s->memory[j * 8] = s->memory[i * 8];
		s->memory[i * 8] = other;
	}
	for (uint64_t i = 0; i < n; i++) {
		s->memory[i * 8 + 1] = 0;
		s->memory[i * 8 + 2] = mix(i);
	}
}

static void chase(struct share *s)
{
	uint64_t n = s->bytes / LINE, at = 0, visits = 0;

	while (!atomic_load_explicit(&ended, memory_order_relaxed)) {
		for (unsigned k = 0; k < CHUNK; k++) {
			uint64_t *line = s->memory + at * 8;

			if (line[1] != visits || line[2] != mix(at + visits * n)) {
				count_error(s);
				line[1] = visits;
			}
			line[1] = visits + 1;
			line[2] = mix(at + (visits + 1) * n);
			at = line[0] < n ? line[0] : (count_error(s), 0);
			if (at == 0) {
				visits++;
				atomic_fetch_add(&s->rounds, 1);
			}
		}
		did(s, CHUNK);
	}
}

/* ---- stream ---- */

/* Round r: a = b + 3c, then b and c become what round r + 1 wants. All are simple functions of i and r, checked by reading. */
static uint64_t stream_value(uint64_t i, uint64_t round)
{
	return i * 2654435761UL + round;
}

static void stream_fill(struct share *s)
{
	uint64_t n = s->bytes / 24;

	for (uint64_t i = 0; i < n; i++) {
		s->memory[i] = 0;
		s->memory[n + i] = stream_value(i, 0);
		s->memory[2 * n + i] = stream_value(i, 1);
	}
}

/* Elements [from, to): the sum, and what was read is what was to be there. */
static void triad(struct share *s, uint64_t from, uint64_t to, uint64_t round)
{
	uint64_t n = s->bytes / 24, *a = s->memory, *b = a + n, *c = b + n, wrong = 0;

	for (uint64_t i = from; i < to; i++) {
		uint64_t before = round == 0 ? 0 : stream_value(i, round - 1) + 3 * stream_value(i, round);

		wrong += (a[i] != before) + (b[i] != stream_value(i, round)) +
			 (c[i] != stream_value(i, round + 1));
		a[i] = b[i] + 3 * c[i];
		b[i] = stream_value(i, round + 1);
		c[i] = stream_value(i, round + 2);
	}
	if (wrong)
		count_error(s);
}

static void stream(struct share *s)
{
	uint64_t n = s->bytes / 24, at = 0, round = 0;

	while (!atomic_load_explicit(&ended, memory_order_relaxed)) {
		uint64_t to = at + CHUNK < n ? at + CHUNK : n;

		triad(s, at, to, round);
		did(s, to - at);
		at = to;
		if (at == n) {
			at = 0;
			round++;
			atomic_fetch_add(&s->rounds, 1);
		}
	}
}

/* ---- kv ---- */

/*
 * An open hash table of slots of two lines, half full: key, version, checksum, 13 words of value. The client knows what version it
 * wrote last, in an array of its own beside the table, so an old value is an error as much as a torn one.
 */
#define SLOT_WORDS 16
#define VALUE_WORDS 13

struct request {
	uint64_t key, version; /* version 0: read */
	uint64_t expected; /* the version to be read */
	uint64_t answer[VALUE_WORDS + 1];
	bool found;
};

#define RING 1024
struct server {
	struct share *share;
	uint64_t slots, keys;
	uint32_t *versions; /* the client's */
	struct request ring[RING];
	_Atomic uint64_t asked, answered;
};

static uint64_t *find_slot(const struct server *v, uint64_t key)
{
	uint64_t at = mix(key) % v->slots;

	for (uint64_t tries = 0; tries < v->slots; tries++, at = at + 1 == v->slots ? 0 : at + 1) {
		uint64_t *slot = v->share->memory + at * SLOT_WORDS;

		if (slot[0] == key || slot[0] == 0)
			return slot;
	}
	return NULL;
}

static uint64_t checksum(uint64_t key, uint64_t version, const uint64_t *value)
{
	uint64_t sum = mix(key) ^ version;

	for (unsigned i = 0; i < VALUE_WORDS; i++)
		sum = (sum << 7 | sum >> 57) ^ value[i];
	return sum;
}

static void put(const struct server *v, uint64_t key, uint64_t version)
{
	uint64_t *slot = find_slot(v, key);

	if (!slot) {
		count_error(v->share);
		return;
	}
	slot[0] = key;
	slot[1] = version;
	for (unsigned i = 0; i < VALUE_WORDS; i++)
		slot[3 + i] = mix(key * 31 + version + i);
	slot[2] = checksum(key, version, slot + 3);
}

static void serve(struct server *v, struct request *r)
{
	if (r->version) {
		put(v, r->key, r->version);
		return;
	}
	const uint64_t *slot = find_slot(v, r->key);
	r->found = slot && slot[0] == r->key && slot[2] == checksum(slot[0], slot[1], slot + 3);
	if (r->found)
		memcpy(r->answer, slot + 2, sizeof(r->answer));
	if (r->found)
		r->answer[0] = slot[1];
}

/* A table of 4 million slots needs versions of 8 MiB: they lie outside of the memory that is measured. */
static void kv_fill(struct share *s, struct server *v)
{
	v->share = s;
	v->slots = s->bytes / (SLOT_WORDS * 8);
	v->keys = v->slots / 2;
	v->versions = calloc(v->keys + 1, sizeof(*v->versions));
	if (!v->versions || v->keys == 0) {
		fprintf(stderr, "workload: no memory for the client\n");
		exit(3);
	}
	memset(s->memory, 0, s->bytes);
	for (uint64_t key = 1; key <= v->keys; key++) {
		put(v, key, 1);
		v->versions[key] = 1;
	}
}

/*
 * Zipf with exponent 1, near enough: the logarithm of the rank is uniform. Drawn without floating point: an octave of ranks first,
 * then a rank in it. Rank r is key mix(r) % keys, so that popular keys lie anywhere.
 */
static uint64_t zipf(uint64_t *state, uint64_t keys)
{
	unsigned octaves = 64 - (unsigned)__builtin_clzl(keys);
	unsigned octave = (unsigned)(next_random(state) % octaves);
	uint64_t rank = (1UL << octave) + next_random(state) % (1UL << octave);

	return mix(rank % keys) % keys + 1;
}

static void check_answer(struct server *v, const struct request *r)
{
	if (r->version)
		return;
	bool good = r->found && r->answer[0] == r->expected;
	for (unsigned i = 0; good && i < VALUE_WORDS; i++)
		good = r->answer[1 + i] == mix(r->key * 31 + r->expected + i);
	if (!good)
		count_error(v->share);
}

static void draw_request(struct server *v, struct request *r, uint64_t *state)
{
	*r = (struct request){.key = zipf(state, v->keys)};
	if (next_random(state) % 10 == 0)
		r->version = ++v->versions[r->key];
	r->expected = v->versions[r->key];
}

/* Keeps the ring full; the server answers in order. */
static void *client(void *data)
{
	struct server *v = data;
	uint64_t state = 42, sent = 0, checked = 0;

	while (!atomic_load_explicit(&ended, memory_order_relaxed)) {
		uint64_t answered = atomic_load(&v->answered);

		if (checked == answered && sent == checked + RING) {
			sched_yield();
			continue;
		}
		for (; checked < answered; checked++)
			check_answer(v, &v->ring[checked % RING]);
		for (; sent < checked + RING; sent++)
			draw_request(v, &v->ring[sent % RING], &state);
		atomic_store(&v->asked, sent);
	}
	return NULL;
}

static void kv(struct share *s, struct server *v)
{
	pthread_t thread;
	uint64_t done = 0;

	if (pthread_create(&thread, NULL, client, v) != 0) {
		count_error(s);
		return;
	}
	while (!atomic_load_explicit(&ended, memory_order_relaxed)) {
		if (atomic_load(&v->asked) == done) {
			sched_yield();
			continue;
		}
		serve(v, &v->ring[done % RING]);
		atomic_store(&v->answered, ++done);
		did(s, 1);
		if (done % v->keys == 0)
			atomic_fetch_add(&s->rounds, 1);
	}
	pthread_join(thread, NULL);
	free(v->versions);
}

/* ---- hot ---- */

/* Line i: a number, and a word made of i and that number. */
static void hot_fill(struct share *s)
{
	for (uint64_t i = 0; i < s->bytes / LINE; i++) {
		s->memory[i * 8] = 0;
		s->memory[i * 8 + 1] = mix(i);
	}
}

static void hot(struct share *s)
{
	uint64_t n = s->bytes / LINE, warm = n * options.hot / 100, state = s->number;
	uint64_t begin = (n - warm) * options.offset / 100;

	warm = warm ? warm : 1;
	while (!atomic_load_explicit(&ended, memory_order_relaxed)) {
		for (unsigned k = 0; k < CHUNK; k++) {
			uint64_t r = next_random(&state);
			uint64_t at = r % 10 ? begin + (r >> 8) % warm : (r >> 8) % (n - warm);

			if (r % 10 == 0 && at >= begin)
				at += warm;
			at = at < n ? at : n - 1;
			uint64_t *line = s->memory + at * 8;
			if (line[1] != mix(at + line[0] * n))
				count_error(s);
			line[0]++;
			line[1] = mix(at + line[0] * n);
		}
		did(s, CHUNK);
	}
}

/* ---- all of them ---- */

static pthread_barrier_t filled;

static void *work(void *data)
{
	struct share *s = data;
	struct server *server = NULL;

	if (strcmp(options.kind, "chase") == 0) {
		chase_fill(s);
	} else if (strcmp(options.kind, "stream") == 0) {
		stream_fill(s);
	} else if (strcmp(options.kind, "hot") == 0) {
		hot_fill(s);
	} else {
		server = calloc(1, sizeof(*server));
		if (!server)
			exit(3);
		kv_fill(s, server);
	}
	pthread_barrier_wait(&filled);
	pthread_barrier_wait(&filled); /* in between, it may be spoilt */
	if (strcmp(options.kind, "chase") == 0)
		chase(s);
	else if (strcmp(options.kind, "stream") == 0)
		stream(s);
	else if (strcmp(options.kind, "hot") == 0)
		hot(s);
	else
		kv(s, server);
	free(server);
	return NULL;
}

static void on_signal(int number)
{
	if (number == SIGUSR1)
		asked = 1;
	else
		atomic_store(&ended, true);
}

/* Returns the number of errors. */
static uint64_t report(void)
{
	uint64_t rounds = UINT64_MAX, operations = 0, errors = 0;

	for (unsigned i = 0; i < options.threads; i++) {
		uint64_t mine = atomic_load(&shares[i].rounds);

		rounds = mine < rounds ? mine : rounds;
		operations += atomic_load(&shares[i].operations);
		errors += atomic_load(&shares[i].errors);
	}
	printf("%s rounds %lu operations %lu errors %lu\n", options.kind, rounds, operations, errors);
	fflush(stdout);
	return errors;
}

static void wrong_usage(const char *what)
{
	fprintf(stderr,
		"workload: %s\nusage: workload chase|stream|kv|hot [--mib N] [--at ADDRESS] [--seconds N] "
		"[--threads N] [--hot PERCENT] [--offset PERCENT] [--report N] [--small] [--spoil]\n",
		what);
	exit(2);
}

static uint64_t number(const char *text, uint64_t least, uint64_t most)
{
	char *end = NULL;

	errno = 0;
	uint64_t value = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-' || value < least || value > most)
		wrong_usage(text);
	return value;
}

static void parse(int argc, char **argv)
{
	const char *kinds[] = {"chase", "stream", "kv", "hot"};

	for (unsigned i = 0; argc > 1 && i < 4; i++) {
		if (strcmp(argv[1], kinds[i]) == 0)
			options.kind = kinds[i];
	}
	if (!options.kind)
		wrong_usage("no such kind of work");
	for (int i = 2; i < argc; i++) {
		const char *name = argv[i];

		if (strcmp(name, "--small") == 0) {
			options.small = true;
			continue;
		}
		if (strcmp(name, "--spoil") == 0) {
			options.spoil = true;
			continue;
		}
		if (++i == argc)
			wrong_usage(name);
		if (strcmp(name, "--mib") == 0)
			options.bytes = number(argv[i], 1, 1UL << 20) << 20;
		else if (strcmp(name, "--at") == 0)
			options.at = number(argv[i], 65536, 0x7f0000000000) & ~0xfffUL;
		else if (strcmp(name, "--seconds") == 0)
			options.seconds = number(argv[i], 0, 1UL << 20);
		else if (strcmp(name, "--report") == 0)
			options.report = number(argv[i], 1, 1UL << 20);
		else if (strcmp(name, "--threads") == 0)
			options.threads = number(argv[i], 1, MOST_THREADS);
		else if (strcmp(name, "--hot") == 0)
			options.hot = number(argv[i], 1, 99);
		else if (strcmp(name, "--offset") == 0)
			options.offset = number(argv[i], 0, 100);
		else
			wrong_usage(name);
	}
	if (options.bytes / options.threads < 1UL << 20)
		wrong_usage("each thread needs 1 MiB");
}

static void map_memory(void)
{
	uint64_t each = options.bytes / options.threads / 4096 * 4096;
	void *memory = mmap((void *)options.at, options.bytes, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

	if (memory == MAP_FAILED) {
		fprintf(stderr, "workload: %s\n", strerror(errno));
		exit(3);
	}
	if (options.small)
		madvise(memory, options.bytes, MADV_NOHUGEPAGE);
	for (unsigned i = 0; i < options.threads; i++) {
		shares[i].number = i;
		shares[i].memory = (uint64_t *)((char *)memory + i * each);
		shares[i].bytes = each;
	}
}

static void wait_for_end(void)
{
	const struct timespec tick = {.tv_nsec = 100000000};

	for (unsigned long n = 0; !atomic_load(&ended) && (options.seconds == 0 || n < options.seconds * 10);
		n++) {
		nanosleep(&tick, NULL);
		if (asked || (options.report && n % (options.report * 10) == options.report * 10 - 1)) {
			asked = 0;
			report();
		}
	}
	atomic_store(&ended, true);
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST_THREADS];

	parse(argc, argv);
	map_memory();
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	signal(SIGUSR1, on_signal);
	pthread_barrier_init(&filled, NULL, (unsigned)options.threads + 1);
	for (unsigned i = 0; i < options.threads; i++) {
		if (pthread_create(&threads[i], NULL, work, &shares[i]) != 0)
			return 3;
	}
	pthread_barrier_wait(&filled);
	if (options.spoil) {
		for (uint64_t at = 8; at < options.bytes; at += 1024)
			*((unsigned char *)shares[0].memory + at) ^= 4;
	}
	pthread_barrier_wait(&filled);
	printf("ready 0x%lx %lu\n", options.at, options.bytes);
	fflush(stdout);
	wait_for_end();
	for (unsigned i = 0; i < options.threads; i++)
		pthread_join(threads[i], NULL);
	return report() ? 1 : 0;
}
