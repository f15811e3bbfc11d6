/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <iothreads>, <iothreadids>: how many iothreads there are and which numbers they have. <iothreadids> names some; when <iothreads> wants
 * more, the others have the lowest numbers that are free, from 1 (libvirt's virDomainIOThreadIDDefArrayInit()). What is seen: libvirt
 * 9.0 refuses a number that is 0 or there twice, and a pin of an iothread that is not there.
 */
#include "../base/parse.h"
#include "../base/text.h"
#include "guest_libvirt_reader.h"

/* The element of <iothreadids> with that number, before `end`; VN_MARKUP_NONE: there is none. */
static size_t find_id(const struct domain_reader *r, uint64_t id, size_t end)
{
	for_each_domain(r, i, "iothreadids", "iothread")
	{
		const char *text = vn_markup_get(r->doc, i, "id");
		uint64_t seen;
		if (i >= end)
			break;
		if (text && vn_parse_u64(text, UINT32_MAX, &seen) == 0 && seen == id)
			return i;
	}
	return VN_MARKUP_NONE;
}

void domain_read_iothreads(struct domain_reader *r)
{
	size_t element = vn_markup_child(r->doc, 0, "iothreads"), n = 0, told = r->told;
	uint64_t threads = 0, id;

	domain_number(r, element, NULL, 0, VN_MAX_VCPUS, &threads);
	for_each_domain(r, i, "iothreadids", "iothread")
	{
		size_t other;
		if (n++ >= VN_MAX_VCPUS || !domain_need_number(r, i, "id", 1, UINT32_MAX, &id))
			continue;
		other = find_id(r, id, i);
		if (other != VN_MARKUP_NONE)
			domain_problem(r, i, "id",
				"%llu is there twice, first in line %u; expected each once",
				(unsigned long long)id, r->doc->elements[other].line);
	}
	if (n > VN_MAX_VCPUS)
		domain_problem(r, vn_markup_child(r->doc, 0, "iothreadids"), NULL,
			"%zu iothreads; expected at most %d", n, VN_MAX_VCPUS);
	r->guest->iothreads = (unsigned)(n > threads && n <= VN_MAX_VCPUS ? n : threads);
	r->iothreads_known = r->told == told;
}

/* Whether an iothread has that number: it is named, or among the lowest free ones that the others get. */
static bool is_there(const struct domain_reader *r, uint64_t id)
{
	uint64_t named = 0, below = 0;

	for_each_domain(r, i, "iothreadids", "iothread")
	{
		const char *text = vn_markup_get(r->doc, i, "id");
		uint64_t seen = 0;
		if (text && vn_parse_u64(text, UINT32_MAX, &seen) == 0 && seen == id)
			return true;
		below += seen < id;
		named++;
	}
	return id - below <= r->guest->iothreads - named;
}

void domain_check_iothread(struct domain_reader *r, size_t element, const char *attribute)
{
	uint64_t id;

	if (!domain_number(r, element, attribute, 1, UINT32_MAX, &id) || !r->iothreads_known ||
		is_there(r, id))
		return;
	domain_problem(r, element, attribute,
		"iothread %llu seen; expected one that <iothreads> makes: it is %u", (unsigned long long)id,
		r->guest->iothreads);
}
