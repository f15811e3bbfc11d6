/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a thread of QEMU is, by the name that QEMU gave it (-name debug-threads=on). */

#include "../model/vm.h"

/* *ret_index: of a vCPU; -1: not told. VN_THREAD_OTHER: the name does not tell. */
enum vn_thread_kind vn_thread_kind_of(const char *comm, int *ret_index);
