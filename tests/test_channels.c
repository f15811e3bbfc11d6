/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Channels of guests: read from each form, written as each, refused with which words; and what may be where QEMU is to listen. */
#define _GNU_SOURCE
#include "guest_asserts.h"

#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "../src/realize/channel_sockets.h"
#include "convert_maker.h"

#define BASE "name = \"g\"\nmemory = 512\nvcpus = 2\n" /* lines 1 to 3 */
#define AGENT "connection=socket,path=/run/g.qga,name=org.qemu.guest_agent.0"
#define TEN "0123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* ---- configs ---- */

static void test_of_a_config(void **state)
{
	(void)state;
	vn_autoguest *g = read_good(BASE
		"channel = [ \" name = org.qemu.guest_agent.0 , path=/run/a b.sock,connection = socket\",\n"
		"\"connection=socket,path=/" HUNDRED "123456,name=x\" ]\n",
		false);
	assert_int_equal(g->n_channels, 2);
	assert_string_equal(g->channels[0].name, VN_AGENT_CHANNEL);
	assert_string_equal(g->channels[0].path, "/run/a b.sock");
	assert_int_equal(g->channels[0].where.line, 4);
	assert_true(vn_channel_is_agent(&g->channels[0]));
	assert_int_equal(strlen(g->channels[1].path), VN_CHANNEL_PATH_MAX);
	assert_int_equal(g->channels[1].where.line, 5);
	assert_int_equal(g->notes.n, 0);
	vn_autoguest *copy = vn_guest_copy(g);
	assert_int_equal(copy->n_channels, 2);
	assert_string_equal(copy->channels[1].path, g->channels[1].path);
	assert_ptr_equal(copy->channels[1].where.file, copy->file);
	vn_autoguest *none = read_good(BASE "channel = []\n", false);
	assert_int_equal(none->n_channels, 0);
}

static void test_of_a_config_that_only_xen_makes(void **state)
{
	(void)state;
	vn_autoguest *g =
		read_good(BASE "channel = [ \"connection=pty,name=a\", \"" AGENT ",backend=dom\" ]\n", false);
	assert_int_equal(g->n_channels, 1);
	assert_int_equal(g->notes.n, 2);
	assert_string_equal(g->notes.v[0].code, "option-ignored");
	assert_string_equal(g->notes.v[0].text,
		"line 4: channel: entry 0: connection=pty: only Xen makes such a channel; with connection=socket QEMU has it, too: "
		"vnuma does not use it");
	assert_string_equal(g->notes.v[1].text, "line 4: channel: entry 1: backend: vnuma does not use it");
}

static void test_wrong_in_a_config(void **state)
{
	(void)state;
	assert_problems(BASE "channel = \"" AGENT "\"\n",
		"4 channel: \"connection=socket,path=/run/g.qga,name=org.qemu.guest_agent.0\" seen; expected a list of at most 30 "
		"strings\n");
	assert_problems(BASE "channel = [ \"connection=socket\" ]\n",
		"4 channel: entry 0: no name=; expected the name by which a program in the guest knows it, such as "
		"org.qemu.guest_agent.0\n"
		"4 channel: entry 0: no path=; expected the absolute path of the socket, at which QEMU will listen\n");
	assert_problems(BASE
		"channel = [ \"name=a,path=/a\",\n\"connection=tcp,name=a,path=/b\",\n\"connection=pty\" ]\n",
		"4 channel: entry 0: no connection=; expected connection=socket\n"
		"5 channel: entry 1: \"tcp\" seen; expected connection=socket or connection=pty\n"
		"6 channel: entry 2: no name=; expected the name by which a program in the guest knows it, such as "
		"org.qemu.guest_agent.0\n");
	assert_problems(BASE
		"channel = [ \"connection=socket,name=a,path=run/a\",\n"
		"\"connection=socket,name=b,path=/" HUNDRED "1234567\",\n"
		"\"connection=socket,name=c,path=/a/\",\n\"connection=socket,name=d,path=/\xc3\xa9\",\n"
		"\"connection=socket,name=\xc3\xa9,path=/e\",\n\"connection=socket,name=,path=\" ]\n",
		"4 channel: entry 0: \"run/a\" seen; expected an absolute path of at most 107 bytes of printable ASCII\n"
		"5 channel: entry 1: \"/0123456789012345678901234567890123456789012...\", a path of 108 bytes, seen; expected at most "
		"107, which is what a socket's can have\n"
		"6 channel: entry 2: \"/a/\" seen; expected an absolute path of at most 107 bytes of printable ASCII\n"
		"7 channel: entry 3: \"/??\" seen; expected an absolute path of at most 107 bytes of printable ASCII\n"
		"8 channel: entry 4: \"??\" seen; expected a name of 1 to 127 ASCII letters, digits, '.', '_', '+', ':', '@' or "
		"'-'\n"
		"9 channel: entry 5: \"\" seen; expected a name of 1 to 127 ASCII letters, digits, '.', '_', '+', ':', '@' or '-'\n"
		"9 channel: entry 5: \"\" seen; expected an absolute path of at most 107 bytes of printable ASCII\n");
	assert_problems(BASE
		"channel = [ \"" AGENT "\",\n\"connection=socket,name=org.qemu.guest_agent.0,path=/b\",\n"
		"\"connection=socket,name=c,path=/run/g.qga\",\n\"" AGENT ",name=x,mode=bind,alone\" ]\n",
		"5 channel: entry 1: \"org.qemu.guest_agent.0\" seen; expected each name once, and line 4 has it\n"
		"6 channel: entry 2: \"/run/g.qga\" seen; expected each path once, and line 4 has it\n"
		"7 channel: entry 3: \"name\" seen; expected each setting once\n"
		"7 channel: entry 3: \"mode\" seen; expected connection=, name=, path= or backend=\n"
		"7 channel: entry 3: \"alone\" seen; expected connection=, name=, path= or backend=\n");
}

static void test_beside_another_guest(void **state)
{
	(void)state;
	vn_autoguest *a = read_good(BASE "channel=[\"" AGENT "\"]\n", false);
	vn_autoguest *b = read_good("name='b'\nmemory=512\nchannel=[\"" AGENT "\"]\n", false);
	vn_autoguest *c = read_good(
		"name='c'\nmemory=512\nchannel=['connection=socket,name=org.qemu.guest_agent.0,path=/c']\n",
		false);
	const struct vn_guest *others[] = {a};
	vn_autoerror err = {0};

	assert_int_equal(vn_guest_check_beside(others, 1, c, &err), 0);
	assert_int_equal(vn_guest_check_beside(others, 1, b, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_int_equal(err.problems[0].line, 3);
	assert_string_equal(err.problems[0].text,
		"path=/run/g.qga is that of a channel of the guest 'g' in g.cfg, too; expected each path at one guest");
}

/* ---- domains and command lines ---- */

#define DOMAIN(channels)                                                                                         \
	"<domain type='kvm'>\n<name>g</name><memory unit='MiB'>512</memory><vcpu>2</vcpu>\n<devices>\n" channels \
	"</devices></domain>\n" /* channels from line 4 on */
#define CHANNEL(source, target)                                                                              \
	"<channel type='unix'>" source "<target type='virtio' " target "/></channel>\n"
#define OF_AGENT "name='org.qemu.guest_agent.0'"

static struct vn_guest *read_any(const char *text)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};

	if (vn_guest_read(text, strlen(text), "g", false, &guest, &err) < 0)
		fail_msg("%u %s: %s", err.problems[0].line, err.problems[0].key, err.problems[0].text);
	return guest;
}

static void assert_refused(const char *text, unsigned line, const char *key, const char *expected)
{
	struct vn_guest *guest = NULL;
	vn_autoerror err = {0};

	assert_int_equal(vn_guest_read(text, strlen(text), "g", false, &guest, &err), -EINVAL);
	assert_int_equal(err.n, 1);
	assert_int_equal(err.problems[0].line, line);
	assert_string_equal(err.problems[0].key, key);
	assert_string_equal(err.problems[0].text, expected);
}

static void test_of_a_domain(void **state)
{
	(void)state;
	vn_autoguest *g = read_any(DOMAIN(CHANNEL("<source mode='bind' path='/run/g.qga'/>",
		OF_AGENT) CHANNEL("", "name='a'") CHANNEL("<source mode='connect' path='/x'/>", "name='b'")
			CHANNEL("", "") CHANNEL("", "name='a b'") CHANNEL("<source path='/\xc3\xa9'/>",
				"name='e'") "<channel type='spicevmc'><target type='virtio' "
					    "name='com.redhat.spice.0'/></channel>"));
	assert_int_equal(g->n_channels, 2);
	assert_string_equal(g->channels[0].path, "/run/g.qga");
	assert_string_equal(g->channels[1].name, "a");
	assert_null(g->channels[1].path);
	vn_autofree char *own = vn_channel_path(&g->channels[1], 1, "g", "/tmp");
	assert_string_equal(own, "/tmp/g.1.sock");
	assert_int_equal(g->notes.n, 0);
}

static void test_wrong_in_a_domain(void **state)
{
	(void)state;
	assert_refused(DOMAIN(CHANNEL("<source path='run'/>", OF_AGENT)), 4, "devices/channel/source/@path",
		"'run' seen; expected an absolute path");
	assert_refused(DOMAIN(CHANNEL("<source path='/" HUNDRED "1234567'/>", OF_AGENT)), 4,
		"devices/channel/source/@path",
		"'/0123456789012345678901234567890123456789012...', a path of 108 bytes, seen; expected at most 107, which is what a "
		"socket's can have");
	assert_refused(DOMAIN(CHANNEL("", OF_AGENT) CHANNEL("", OF_AGENT)), 5,
		"devices/channel[2]/target/@name",
		"'org.qemu.guest_agent.0' seen again; expected each name once, and line 4 has it");
	assert_refused(
		DOMAIN(CHANNEL("<source path='/a'/>", OF_AGENT) CHANNEL("<source path='/a'/>", "name='b'")),
		5, "devices/channel[2]/source/@path",
		"'/a' seen again; expected each path once, and line 4 has it");
}

#define QEMU "qemu-system-x86_64 -name g -m 512 -smp 2 -device virtio-serial "
#define PORT(id, name) "-device virtserialport,chardev=" id ",name=" name " "

static void test_of_a_command_line(void **state)
{
	(void)state;
	vn_autoguest *g = read_any(QEMU PORT("a", VN_AGENT_CHANNEL) PORT("b", "b") PORT("c", "c") PORT(
		"d", "d") PORT("e", "e") PORT("none", "f") PORT("old", "old") PORT("old",
		"again") "-chardev socket,id=a,path=/run/a,,b,server=on,wait=off "
			 "-chardev socket,id=b,path=/b -chardev socket,id=c,server=on,fd=3 -chardev pty,id=d "
			 "-chardev socket,id=e,path=e,server=on -chardev socket,id=old,path=/old,server,nowait");
	assert_int_equal(g->n_channels, 2);
	assert_string_equal(g->channels[0].name, VN_AGENT_CHANNEL);
	assert_string_equal(g->channels[0].path, "/run/a,b");
	assert_string_equal(g->channels[1].path, "/old");
}

/* ---- as other forms ---- */

/* The notes are in *ret_notes, a line each. */
static char *converted(const char *text, enum vn_emit_form form, char **ret_notes)
{
	vn_autoerror err = {0};
	struct vn_notes notes = {0};
	char *out = NULL;

	assert_int_equal(convert_on(1, text, form, NULL, &notes, &out, &err), 0);
	*ret_notes = vn_copy("");
	for (size_t i = 0; i < notes.n; i++) {
		char *more = vn_format("%s%s\n", *ret_notes, notes.v[i].text);
		free(*ret_notes);
		*ret_notes = more;
	}
	vn_notes_clear(&notes);
	return out;
}

static void assert_same_channels(const struct vn_guest *a, const struct vn_guest *b)
{
	assert_int_equal(a->n_channels, b->n_channels);
	for (size_t i = 0; i < a->n_channels; i++) {
		assert_string_equal(a->channels[i].name, b->channels[i].name);
		assert_string_equal(a->channels[i].path, b->channels[i].path);
	}
}

static void test_each_form_as_each(void **state)
{
	(void)state;
	static const char *const texts[] = {BASE "channel = [ \"" AGENT
						 "\", \"connection=socket,name=b,path=/b \\\\c&d\" ]\n",
		DOMAIN(CHANNEL("<source mode='bind' path='/run/g.qga'/>", OF_AGENT)
				CHANNEL("<source path='/b \\c&amp;d'/>", "name='b'")),
		QEMU "-enable-kvm " PORT("a",
			VN_AGENT_CHANNEL) "-chardev socket,id=a,path=/run/g.qga,server=on,wait=off " PORT("b",
			"b") "-chardev 'socket,id=b,path=/b \\c&d,server,nowait'"};
	static const enum vn_emit_form forms[] = {VN_EMIT_XL, VN_EMIT_LIBVIRT, VN_EMIT_QEMU};

	for (size_t i = 0; i < 3; i++) {
		vn_autoguest *guest = read_any(texts[i]);
		assert_int_equal(guest->n_channels, 2);
		for (size_t k = 0; k < 3; k++) {
			vn_autofree char *notes = NULL, *text = converted(texts[i], forms[k], &notes);
			vn_autoguest *back = read_any(text);
			assert_same_channels(guest, back);
			assert_has_not(notes, "hannel");
			assert_has_not(notes, "hardev");
			assert_has_not(notes, "serial");
			vn_autofree char *again_notes = NULL,
					 *again = converted(text, forms[k], &again_notes);
			assert_string_equal(again, text);
		}
	}
}

static void test_the_words(void **state)
{
	(void)state;
	static const char text[] =
		BASE "vnodes = 2\nchannel = [ \"connection=socket,path=/run/a,b,name=x\" ]\n";
	vn_autofree char *notes = NULL, *line = converted(BASE "vnodes = 1\nchannel = [ \"" AGENT "\" ]\n",
						VN_EMIT_QEMU, &notes);
	assert_has(line, "-device virtio-serial-pci,id=vserial0 \\\n");
	assert_has(line, "-chardev socket,id=channel0,server=on,wait=off,path=/run/g.qga ");
	assert_has(
		line, "-device virtserialport,bus=vserial0.0,chardev=channel0,name=org.qemu.guest_agent.0 ");
	free(notes);
	vn_autoguest *guest = NULL;
	vn_autoerror err = {0};
	assert_int_equal(vn_guest_read(text, strlen(text), "g", false, &guest, &err),
		-EINVAL); /* a comma is no part of a path here */
	vn_autofree char *domain = converted(BASE "channel = [ \"" AGENT "\" ]\n", VN_EMIT_LIBVIRT, &notes);
	assert_has(domain, "<channel type='unix'>\n      <source mode='bind' path='/run/g.qga'/>\n"
			   "      <target type='virtio' name='org.qemu.guest_agent.0'/>\n    </channel>");
}

/* On two nodes and with a bridge, where a device without bus= is refused. */
static void test_with_bridges(void **state)
{
	(void)state;
	vn_autoerror err = {0};
	struct vn_notes notes = {0};
	vn_autofree char *out = NULL;
	static const char text[] = BASE "vnodes = 2\ndisk = ['/d,raw,vda']\nchannel = [ \"" AGENT "\" ]\n";

	assert_int_equal(convert_on(2, text, VN_EMIT_QEMU, NULL, &notes, &out, &err), 0);
	vn_notes_clear(&notes);
	assert_has(out, "-device virtio-serial-pci,id=vserial0,bus=pcie.0 ");
}

static void test_a_path_is_chosen(void **state)
{
	(void)state;
	static const char text[] = DOMAIN(CHANNEL("", OF_AGENT) CHANNEL("<source mode='bind'/>", "name='b'"));
	vn_autofree char *notes = NULL, *line = converted(text, VN_EMIT_QEMU, &notes);
	assert_has(line, ",path=/run/vnuma/g.qga ");
	assert_has(line, ",path=/run/vnuma/g.1.sock ");
	assert_has(notes,
		"channel org.qemu.guest_agent.0: no path is told; chosen: /run/vnuma/g.qga. Its folder has to be there when QEMU starts\n"
		"channel b: no path is told; chosen: /run/vnuma/g.1.sock. Its folder has to be there when QEMU starts\n");
	free(notes);
	vn_autofree char *cfg = converted(text, VN_EMIT_XL, &notes);
	assert_has(cfg,
		"channel = [ \"connection=socket,name=org.qemu.guest_agent.0,path=/run/vnuma/g.qga\",\n"
		"            \"connection=socket,name=b,path=/run/vnuma/g.1.sock\" ]\n");
	assert_has(notes, "channel b: no path is told; chosen: /run/vnuma/g.1.sock.");
	free(notes);
	vn_autofree char *own = converted(text, VN_EMIT_LIBVIRT, &notes);
	assert_has_not(own, "/run/");
	assert_string_equal(notes, "");
}

static void test_what_is_lost_is_told(void **state)
{
	(void)state;
	static const char cfg[] = BASE "channel = [ \"" AGENT "\",\n\"connection=pty,name=b\" ]\n";
	vn_autofree char *notes = NULL, *line = converted(cfg, VN_EMIT_QEMU, &notes);
	assert_has(notes, "not carried over into the command line: channel connection=pty (line 5)\n");
	free(notes);
	vn_autofree char *domain = converted(
		DOMAIN(CHANNEL("<source path='/a' x='y'><reconnect/></source>", OF_AGENT) CHANNEL(
			"<source mode='connect' path='/x'/>",
			"name='b'") "<channel type='spicevmc'/>\n<controller type='virtio-serial'/>"),
		VN_EMIT_QEMU, &notes);
	assert_has(notes,
		"not carried over into the command line: devices/channel/source/@x='y' (line 4), devices/channel/source/reconnect (line "
		"4), devices/channel type='unix' (line 5), devices/channel type='spicevmc' (line 6)\n");
	free(notes);
	vn_autofree char *from_line = converted(
		QEMU PORT("a", VN_AGENT_CHANNEL) "-enable-kvm -chardev socket,id=a,path=/a,server=on,logfile=/l -chardev pty,id=p " PORT(
			"p", "p"),
		VN_EMIT_LIBVIRT, &notes);
	assert_has(notes,
		"not carried over into the domain: -chardev logfile= (line 1), -chardev wait=on (line 1), -chardev pty,id=p (line 1), "
		"-device virtserialport (line 1)\n");
	free(notes);
	vn_autofree char *comma = converted(
		QEMU PORT("a", "x") "-enable-kvm -chardev socket,id=a,path=/a,,b,server=on,wait=off",
		VN_EMIT_XL, &notes);
	assert_has(notes, "-device virtserialport (line 1)");
	assert_has_not(comma, "channel");
}

/* ---- sockets ---- */

struct scene {
	char folder[32];
	struct vn_state state;
	struct vn_vm *vm;
};

static struct scene scene_of(const char *file)
{
	struct scene scene = {.folder = "/tmp/vnuma-channels.XXXXXX", .vm = vn_vm_new()};
	vn_autoerror err = {0};

	assert_non_null(mkdtemp(scene.folder));
	assert_int_equal(vn_state_open_at(scene.folder, &scene.state, &err), 0);
	scene.vm->name = strdup("g");
	scene.vm->channels = calloc(1, sizeof(*scene.vm->channels));
	scene.vm->n_channels = 1;
	scene.vm->channels[0].name = strdup("a");
	scene.vm->channels[0].path = vn_format("%s/%s", scene.folder, file);
	return scene;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st, (void)flag, (void)ftw;
	return remove(path);
}

static void scene_clear(struct scene *scene)
{
	vn_state_close(&scene->state);
	vn_vm_free(scene->vm);
	nftw(scene->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}
#define autoscene vn_cleanup(scene_clear) struct scene

static int listen_at(const char *path, int type)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, type, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 0), 0);
	return fd;
}

static void assert_check(const struct scene *scene, int status, bool input, const char *part)
{
	vn_autoerror err = {0};

	assert_int_equal(vn_channel_sockets_check(&scene->state, scene->vm, &err), status);
	assert_int_equal(err.n, part != NULL);
	assert_int_equal(err.input, input);
	if (part)
		assert_has(err.problems[0].text, part);
}

static bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static void test_a_socket_that_somebody_has(void **state)
{
	(void)state;
	autoscene scene = scene_of("g.qga");
	const char *path = scene.vm->channels[0].path;

	assert_check(&scene, 0, false, NULL);
	for (int type = SOCK_STREAM; type <= SOCK_DGRAM; type++) {
		int fd = listen_at(path, type), clients[4];
		assert_check(&scene, -EADDRINUSE, false,
			"g.qga: somebody listens there; expected a path that is free");
		for (size_t i = 0; i < 4; i++) { /* nor when its queue is full */
			struct sockaddr_un address = {.sun_family = AF_UNIX};
			snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
			clients[i] = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
			(void)!connect(clients[i], (const struct sockaddr *)&address, sizeof(address));
		}
		assert_check(&scene, -EADDRINUSE, false, "somebody listens there");
		vn_channel_sockets_remove(&scene.state, scene.vm, true);
		assert_true(exists(path));
		for (size_t i = 0; i < 4; i++)
			close(clients[i]);
		close(fd);
		assert_check(&scene, 0, false, NULL); /* left by one that has ended */
		vn_channel_sockets_remove(&scene.state, scene.vm, false);
		assert_false(exists(path));
	}
}

static void test_a_file_that_is_there(void **state)
{
	(void)state;
	autoscene scene = scene_of("g.sock");
	const char *path = scene.vm->channels[0].path;
	vn_autofclose FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_check(&scene, -EEXIST, false,
		"g.sock is there and no socket, and QEMU would delete it; expected a path that is free");
	vn_channel_sockets_remove(&scene.state, scene.vm, true);
	assert_true(exists(path));
	unlink(path);
	assert_int_equal(symlink("/nowhere", path), 0);
	assert_check(&scene, -EEXIST, false, "is there and no socket");
}

/* As /var/run is /run. */
static void test_one_path_written_twice(void **state)
{
	(void)state;
	autoscene scene = scene_of("a.qga");
	struct vn_vm *vm = scene.vm;
	struct vn_vm_channel *grown = realloc(vm->channels, 2 * sizeof(*grown));

	assert_non_null(grown);
	vm->channels = grown;
	vn_autofree char *link = vn_format("%s/link", scene.folder);
	assert_int_equal(symlink(scene.folder, link), 0);
	grown[1].name = strdup("b");
	grown[1].path = vn_format("%s/b.qga", link);
	vm->n_channels = 2;
	assert_check(&scene, 0, false, NULL);
	free(grown[1].path);
	grown[1].path = vn_format("%s/a.qga", link);
	assert_check(&scene, -EINVAL, true, "a.qga seen, where channel a is, too; expected each path once");
	assert_true(vn_channel_sockets_are_one("/no-such-folder/a", "/no-such-folder/a"));
	assert_false(vn_channel_sockets_are_one("/no-such-folder/a", "/no-such/a"));
}

static void test_folders(void **state)
{
	(void)state;
	autoscene ours = scene_of("g.json");
	assert_check(&ours, -EINVAL, true,
		"g.json seen; expected a name that ends in .qga or .sock, in vnuma's own folder");
	autoscene none = scene_of("none/g.qga");
	assert_check(&none, -ENOENT, false, "none/g.qga: its folder: No such file or directory");
	autoscene root = scene_of("x");
	free(root.vm->channels[0].path);
	root.vm->channels[0].path = strdup("/vnuma-no-such-socket");
	assert_check(&root, 0, false, NULL);
	/* what others' folders have is left, but where the start fails */
	autoscene other = scene_of("other");
	mkdir(other.vm->channels[0].path, 0700);
	vn_autofree char *path = vn_format("%s/a.qga", other.vm->channels[0].path);
	free(other.vm->channels[0].path);
	other.vm->channels[0].path = strdup(path);
	close(listen_at(path, SOCK_STREAM));
	vn_channel_sockets_remove(&other.state, other.vm, false);
	assert_true(exists(path));
	vn_channel_sockets_remove(&other.state, other.vm, true);
	assert_false(exists(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_config),
		cmocka_unit_test(test_of_a_config_that_only_xen_makes),
		cmocka_unit_test(test_wrong_in_a_config),
		cmocka_unit_test(test_beside_another_guest),
		cmocka_unit_test(test_of_a_domain),
		cmocka_unit_test(test_wrong_in_a_domain),
		cmocka_unit_test(test_of_a_command_line),
		cmocka_unit_test(test_each_form_as_each),
		cmocka_unit_test(test_the_words),
		cmocka_unit_test(test_with_bridges),
		cmocka_unit_test(test_a_path_is_chosen),
		cmocka_unit_test(test_what_is_lost_is_told),
		cmocka_unit_test(test_a_socket_that_somebody_has),
		cmocka_unit_test(test_a_file_that_is_there),
		cmocka_unit_test(test_one_path_written_twice),
		cmocka_unit_test(test_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
