/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* Addresses of PCI functions as Linux writes them: 0000:3b:00.0, or 10000:01:00.0 behind a volume management device. */

#include <stdbool.h>
#include <stddef.h>

#define VN_PCI_ADDRESS 16 /* room for 10000:3b:00.0 */

/* Whether `length` characters of `text` are one: domain, bus, device and function in lower case hexadecimal digits. */
bool vn_pci_is_address(const char *text, size_t length);

/* Order by domain, bus, device, function. */
int vn_pci_compare(const char *a, const char *b);
