/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Maps the guest memory that a QEMU has in a memfd, as a vhost-user peer does, and touches all of it, for tests.
 * usage: map_shared PID. Prints how many bytes it mapped, and stays.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long map_memfd(const char *path)
{
	char target[256];
	struct stat st;
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	if (n <= 0)
		return 0;
	target[n] = 0;
	int fd = strncmp(target, "/memfd:", 7) == 0 ? open(path, O_RDWR) : -1;
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < (off_t)16 << 20)
		return 0;
	volatile char *memory = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	char sum = 0;
	if (memory == MAP_FAILED)
		return 0;
	for (off_t at = 0; at < st.st_size; at += 4096)
		sum = (char)(sum + memory[at]);
	(void)sum;
	return (unsigned long)st.st_size;
}

int main(int argc, char **argv)
{
	char folder[64], path[512];
	unsigned long bytes = 0;

	if (argc != 2)
		return 2;
	snprintf(folder, sizeof(folder), "/proc/%s/fd", argv[1]);
	DIR *dir = opendir(folder);
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		bytes += map_memfd(path);
	}
	printf("%lu\n", bytes);
	fflush(stdout);
	pause();
	return 0;
}
