/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "pci.h"

#include <string.h>

#define BEHIND_DOMAIN 8u /* characters: `:3b:00.0` */
#define MIN_DOMAIN 4u /* digits; Linux pads with zeros up to here */

bool vn_pci_is_address(const char *text, size_t length)
{
	static const char form[] = ":xx:xx.x";

	if (length < MIN_DOMAIN + BEHIND_DOMAIN || length >= VN_PCI_ADDRESS)
		return false;
	size_t domain = length - BEHIND_DOMAIN;
	if (domain > MIN_DOMAIN && text[0] == '0')
		return false;
	for (size_t i = 0; i < length; i++) {
		char expected = i < domain ? 'x' : form[i - domain];
		bool digit = (text[i] >= '0' && text[i] <= '9') || (text[i] >= 'a' && text[i] <= 'f');
		if (expected == 'x' ? !digit : text[i] != expected)
			return false;
	}
	return true;
}

/* Only the domain's width varies, and it has no zeros ahead of its fourth digit: a longer one is larger. Between texts of one
 * length the digits decide, and 'a' comes behind '9'. */
int vn_pci_compare(const char *a, const char *b)
{
	size_t m = strlen(a), n = strlen(b);
	return m != n ? (m > n) - (m < n) : strcmp(a, b);
}
