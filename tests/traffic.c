/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Network traffic of a guest whose I/O threads are looked at meanwhile: a thread on each CPU sends frames that nobody answers, so that each
 * queue of the interface has something to carry, and each what its own CPUs send. Linked statically: it runs as the only program of
 * a tiny guest, too, and sets up the interface itself.
 *
 * usage: traffic INTERFACE [--size BYTES] [--seconds N] [--report N] [--turn WHO]
 *        traffic INTERFACE --tell WHO
 *   --size BYTES    of a frame, header included (1400; 64 to 9000)
 *   --seconds N     how long (0: for ever)
 *   --report N      print the frames a second of each CPU every N seconds (0: never)
 *   --turn WHO      who sends at first: the number of a CPU, all or none (all)
 *   --tell WHO      on the other end of the wire, on the host's tap: tell the one in the guest who sends from now on, and end. It may be
 *                   lost: ask again until the guest says "turn WHO"
 *
 * Prints "queue N xps MASK", the CPUs that the driver gave each queue to send from; "turn WHO sent N N ..." when it begins and when it is
 * told who is to send, with the frames sent by each CPU until then; "rate N N ..." for --report. Exit status: 0; 2 for wrong usage; 3 if
 * there is no such interface, or it cannot send.
 *
 * The frames are of an EtherType for experiments, to a made-up address. They go through a packet socket: no address, no neighbour
 * and no route are needed, and the kernel chooses the queue as for any other (packet_pick_tx_queue(), net/packet/af_packet.c). A
 * socket blocks while too many of its frames wait, so the guest sends as fast as the host takes them.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_CPUS 64 /* below ALL */
#define MOST_BYTES 9000
/* IEEE Std 802, local experimental EtherTypes 1 and 2: what is sent, and who is to send. */
#define LOAD 0x88b5
#define TURN 0x88b6

/* Who sends: a CPU, or one of these. A frame tells it in its first byte. */
enum { ALL = 254, NONE = 255, NOBODY };

static struct {
	const char *interface;
	unsigned long size, seconds, report;
	int turn, tell; /* NOBODY: not asked to tell */
} options = {.size = 1400, .turn = ALL, .tell = NOBODY};

static struct sender {
	int cpu, socket;
	_Atomic uint64_t sent;
	pthread_t thread;
} senders[MOST_CPUS];
static int n_senders;
static struct ether_header header;
static atomic_int turn = NONE;

static void fail(const char *what)
{
	fprintf(stderr, "traffic: %s: %s: %s\n", options.interface, what, strerror(errno));
	exit(3);
}

static void wrong_usage(const char *what)
{
	fprintf(stderr,
		"traffic: %s\nusage: traffic INTERFACE [--size BYTES] [--seconds N] [--report N] [--turn WHO] | --tell WHO\n",
		what);
	exit(2);
}

static unsigned long parse_number(const char *text, unsigned long least, unsigned long most)
{
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	if (end == text || *end || number < least || number > most)
		wrong_usage("a number is missing, or out of its range");
	return number;
}

static int parse_turn(const char *text)
{
	if (strcmp(text, "all") == 0)
		return ALL;
	return strcmp(text, "none") == 0 ? NONE : (int)parse_number(text, 0, MOST_CPUS - 1);
}

static void parse(int argc, char **argv)
{
	if (argc < 2 || argc % 2 != 0)
		wrong_usage("no interface, or an option without its value");
	options.interface = argv[1];
	for (int i = 2; i < argc; i += 2) {
		if (strcmp(argv[i], "--size") == 0)
			options.size = parse_number(argv[i + 1], 64, MOST_BYTES);
		else if (strcmp(argv[i], "--seconds") == 0)
			options.seconds = parse_number(argv[i + 1], 0, 1000000);
		else if (strcmp(argv[i], "--report") == 0)
			options.report = parse_number(argv[i + 1], 0, 1000000);
		else if (strcmp(argv[i], "--turn") == 0)
			options.turn = parse_turn(argv[i + 1]);
		else if (strcmp(argv[i], "--tell") == 0)
			options.tell = parse_turn(argv[i + 1]);
		else
			wrong_usage("unknown option");
	}
}

/* ---- the interface ---- */

static void interface_up(void)
{
	int control = socket(AF_INET, SOCK_DGRAM, 0);
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", options.interface);
	if (control < 0 || ioctl(control, SIOCGIFHWADDR, &request) < 0)
		fail("its address");
	memcpy(header.ether_shost, request.ifr_hwaddr.sa_data, ETH_ALEN);
	memcpy(header.ether_dhost, "\x02\x00\x00\x00\x00\x01", ETH_ALEN);
	header.ether_type = htons(LOAD);
	if (ioctl(control, SIOCGIFFLAGS, &request) < 0)
		fail("its flags");
	request.ifr_flags |= IFF_UP;
	if (ioctl(control, SIOCSIFFLAGS, &request) < 0)
		fail("to set it up");
	close(control);
}

static void print_queues(void)
{
	for (unsigned queue = 0;; queue++) {
		char path[128], mask[128] = "";
		snprintf(path, sizeof(path), "/sys/class/net/%s/queues/tx-%u/xps_cpus", options.interface,
			queue);
		FILE *file = fopen(path, "re");

		if (!file)
			return;
		if (fscanf(file, "%127s", mask) == 1)
			printf("queue %u xps %s\n", queue, mask);
		fclose(file);
	}
}

/* Receives frames of `protocol`; 0: none. */
static int open_socket(uint16_t protocol)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = (int)if_nametoindex(options.interface)};
	int s = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (s < 0 || bind(s, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail("a packet socket");
	return s;
}

/* ---- sending ---- */

/* The frame is built on the thread's own CPU, so what the kernel copies it to is of that CPU's node as well. */
static void *send_frames(void *data)
{
	struct sender *sender = data;
	unsigned char frame[MOST_BYTES];
	const struct timespec pause = {.tv_nsec = 20000000};
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sender->cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		fail("a thread on its CPU");
	memset(frame, sender->cpu, sizeof(frame));
	memcpy(frame, &header, sizeof(header));
	for (;;) {
		int now = atomic_load_explicit(&turn, memory_order_relaxed);

		if (now != ALL && now != sender->cpu)
			nanosleep(&pause, NULL);
		else if (send(sender->socket, frame, options.size, 0) > 0)
			atomic_fetch_add_explicit(&sender->sent, 1, memory_order_relaxed);
		else if (errno != ENOBUFS &&
			 errno != ENETDOWN) /* the queue is full; the interface has no carrier yet */
			fail("to send");
	}
	return NULL;
}

static void start_senders(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		fail("the CPUs");
	for (int cpu = 0; cpu < CPU_SETSIZE && n_senders < MOST_CPUS; cpu++) {
		if (!CPU_ISSET(cpu, &set))
			continue;
		struct sender *sender = &senders[n_senders++];

		sender->cpu = cpu;
		sender->socket = open_socket(0);
		if (pthread_create(&sender->thread, NULL, send_frames, sender) != 0)
			fail("a thread");
	}
}

/* ---- who sends, and how much ---- */

static void say_turn(int who)
{
	if (who == ALL || who == NONE)
		printf("turn %s sent", who == ALL ? "all" : "none");
	else
		printf("turn %d sent", who);
	for (int i = 0; i < n_senders; i++)
		printf(" %lu", (unsigned long)atomic_load(&senders[i].sent));
	printf("\n");
}

static void take_turn(int who)
{
	atomic_store(&turn, who);
	say_turn(who);
}

static void tell(int who)
{
	unsigned char frame[64];
	int s = open_socket(0);

	memset(frame, who, sizeof(frame));
	header.ether_type = htons(TURN);
	memcpy(frame, &header, sizeof(header));
	if (send(s, frame, sizeof(frame), 0) < 0)
		fail("to tell");
	close(s);
}

static void *listen_for_turns(void *data)
{
	int s = open_socket(TURN);
	unsigned char frame[MOST_BYTES];

	(void)data;
	for (;;) {
		ssize_t length = recv(s, frame, sizeof(frame), 0);

		if (length < 0 && errno != ENETDOWN && errno != EINTR)
			fail("to listen");
		if (length > (ssize_t)sizeof(header) && frame[sizeof(header)] != atomic_load(&turn))
			take_turn(frame[sizeof(header)]);
	}
	return NULL;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void report(uint64_t *before, double seconds)
{
	printf("rate");
	for (int i = 0; i < n_senders; i++) {
		uint64_t sent = atomic_load(&senders[i].sent);

		printf(" %.0f", (double)(sent - before[i]) / seconds);
		before[i] = sent;
	}
	printf(" frames/s\n");
}

static void wait_for_end(void)
{
	uint64_t before[MOST_CPUS] = {0};
	double begun = now(), last = begun;

	while (options.seconds == 0 || last - begun < (double)options.seconds) {
		const struct timespec time = {.tv_sec = options.report ? (time_t)options.report : 1};

		nanosleep(&time, NULL);
		double then = now();

		if (options.report)
			report(before, then - last);
		last = then;
	}
}

int main(int argc, char **argv)
{
	pthread_t listener;

	parse(argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	interface_up();
	if (options.tell != NOBODY) {
		tell(options.tell);
		return 0;
	}
	print_queues();
	start_senders();
	take_turn(options.turn);
	if (pthread_create(&listener, NULL, listen_for_turns, NULL) != 0)
		fail("a thread");
	wait_for_end();
	take_turn(NONE);
	return 0;
}
