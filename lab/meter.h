/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How a program inside the emulated host talks to the meter (meter.c), which is a plugin of the QEMU around it. Included by both.
 *
 * The telegraph is one load of one byte, with an instruction that no compiler writes: a segment prefix that says nothing, and a
 * displacement that is the magic number below. The plugin sees it when QEMU translates it, and is then called with the *address*
 * of each load that it does (the API of QEMU 7.2 gives it neither values nor registers). The sender owns 256 bytes at a
 * multiple of 256; to send the byte B it loads the Bth of them. What the load finds there means nothing.
 *
 *   - It needs no privilege, no device and no driver, so it works at any depth: in a process of the emulated host, in a guest's.
 *   - Who sends is known by where its 256 bytes are, so a sender may change CPUs in the middle of a message, and two may send at
 *     once, as long as each has its bytes from mmap (which randomises where they are).
 *   - Without a meter, and on real hardware, it does nothing.
 *
 * A message is a line of text, ended by '\n' (one before it clears what a sender that was killed left):
 *     on START END    count accesses at virtual addresses from START to before END, both hexadecimal, in whatever address space
 *     off             count no more; what is counted stays
 *     reset           begin at zero
 *     read NAME       write all to the file meter.NAME in the run's folder, which is METER_FOLDER inside. NAME: [0-9a-z]+
 * There is no answer but that file, which tells "on" only when all of QEMU counts.
 */
#ifndef LAB_METER_H
#define LAB_METER_H

#include <stdint.h>

#define METER_FOLDER "/dev/lab/io"
#define METER_MESSAGE 128 /* longest message, with its end */
#define METER_CELLS 256
#define METER_MAGIC 0x4d546c72
/* ds movzbl METER_MAGIC(%rax), %eax */
#define METER_OPCODE 0x3e, 0x0f, 0xb6, 0x80

#ifdef __x86_64__
static inline void meter_send_byte(const unsigned char *cells, unsigned char byte)
{
	uint64_t at = (uint64_t)cells + byte - METER_MAGIC;

	__asm__ volatile(".byte 0x3e, 0x0f, 0xb6, 0x80\n\t.long %c1"
			 : "+a"(at)
			 : "i"(METER_MAGIC)
			 : "memory");
}

static inline void meter_send(const unsigned char *cells, const char *message)
{
	meter_send_byte(cells, '\n');
	for (; *message; message++)
		meter_send_byte(cells, (unsigned char)*message);
	meter_send_byte(cells, '\n');
}
#endif

#endif
