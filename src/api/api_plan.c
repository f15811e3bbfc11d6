/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The public side of planning: from handles to a checked plan. Each plan carries a copy of its guest as it was shaped, so that a
 * guest is only ever read, and several threads may plan the same one.
 */
#include "api_plan.h"

#include <string.h>

#include "../model/tenants.h"

/* ---- options ---- */

static const struct vn_plan_options defaults = {.deadline_ms = VN_PLAN_DEADLINE_MS};

struct vn_plan_options *vn_plan_options_new(void)
{
	struct vn_plan_options *options = malloc(sizeof(*options));

	if (options)
		*options = defaults;
	return options;
}

void vn_plan_options_free(struct vn_plan_options *options)
{
	free(options);
}

void vn_plan_options_set_occupied(struct vn_plan_options *options, const struct vn_occupied *occupied)
{
	options->occupied = occupied;
}

void vn_plan_options_set_deadline(struct vn_plan_options *options, unsigned ms)
{
	options->deadline_ms = ms;
}

void vn_plan_options_set_runner_up(struct vn_plan_options *options, int wanted)
{
	options->runner_up = wanted != 0;
}

static int check_options(
	const struct vn_host *host, const struct vn_plan_options *options, struct vn_error *err)
{
	if (!options->occupied || vn_api_is_of_host(options->occupied, host))
		return 0;
	return vn_error_input(err, NULL,
		"what is occupied is of host %016llx with %zu nodes and %zu CPUs; expected that of the host to plan "
		"on, %016llx with %zu and %zu",
		(unsigned long long)options->occupied->host, options->occupied->n_nodes,
		options->occupied->n_cpus, (unsigned long long)host->identity, host->n_nodes, host->n_cpus);
}

/* ---- one guest ---- */

static int plan_guest(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autoguest *whole = NULL;
	vn_autoplan *plan = NULL;

	int r = check_options(host, options, err);
	if (r >= 0)
		r = vn_api_guest_whole(guest, &whole, err);
	if (r >= 0)
		r = vn_plan_auto(host, whole, options, &plan, err);
	if (r < 0)
		return r;
	plan->planned = vn_steal(whole);
	*ret_plan = vn_steal(plan);
	return 0;
}

int vn_plan_guest(const struct vn_host *host, const struct vn_guest *guest,
	const struct vn_plan_options *options, struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autoerror collected = {0};
	int r = plan_guest(host, guest, options ? options : &defaults, ret_plan, &collected);

	return vn_api_settle(r, &collected, err);
}

/* ---- several ---- */

struct party {
	size_t n;
	struct vn_guest *guests[VN_MAX_JOINT]; /* complete; owned */
	struct vn_plan *plans[VN_MAX_JOINT]; /* owned */
};

static void party_clear(struct party *party)
{
	for (size_t i = 0; i < party->n; i++) {
		vn_guest_free(party->guests[i]);
		vn_plan_free(party->plans[i]);
	}
}

static int plan_guests(const struct vn_host *host, struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_error *err)
{
	vn_cleanup(party_clear) struct party party = {0};

	int r = check_options(host, options, err);
	if (r < 0)
		return r;
	if (n == 0 || n > VN_MAX_JOINT)
		return vn_error_input(
			err, NULL, "%zu guests seen; expected 1 to %d at once", n, VN_MAX_JOINT);
	for (size_t i = 0; i < n; i++) { /* all that is wrong with any of them */
		int bad = vn_api_guest_whole(guests[i], &party.guests[party.n], err);
		if (bad == 0)
			bad = vn_guest_check_beside((const struct vn_guest *const *)party.guests, party.n,
				party.guests[party.n], err);
		party.n += party.guests[party.n] != NULL;
		r = bad < 0 ? bad : r;
	}
	if (r == 0)
		r = vn_plan_auto_joint(host, party.guests, n, options, party.plans, NULL, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		party.plans[i]->planned = vn_steal(party.guests[i]);
		ret_plans[i] = vn_steal(party.plans[i]);
	}
	return 0;
}

int vn_plan_guests(const struct vn_host *host, struct vn_guest *const *guests, size_t n,
	const struct vn_plan_options *options, struct vn_plan **ret_plans, struct vn_error *err)
{
	vn_autoerror collected = {0};
	int r = plan_guests(host, guests, n, options ? options : &defaults, ret_plans, &collected);

	return vn_api_settle(r, &collected, err);
}

/* ---- to and from JSON ---- */

char *vn_plan_json(const struct vn_plan *plan)
{
	json_auto_t *json = vn_plan_to_json(plan, plan->planned);
	return json ? json_dumps(json, JSON_INDENT(2)) : NULL;
}

static int plan_from_text(const char *text, const char *file, const struct vn_host *host,
	struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autotenants tenants = {0};
	struct vn_where where = {file, 0, NULL};

	int r = vn_tenants_read(text, file, host, &tenants, err);
	if (r < 0)
		return r;
	if (tenants.n != 1)
		return vn_error_input(err, &where, "%zu plans seen; expected one", tenants.n);
	tenants.plans[0]->planned = vn_steal(tenants.guests[0]);
	*ret_plan = vn_steal(tenants.plans[0]);
	return 0;
}

int vn_plan_from_text(const char *text, const char *file, const struct vn_host *host,
	struct vn_plan **ret_plan, struct vn_error *err)
{
	vn_autoerror collected = {0};
	return vn_api_settle(plan_from_text(text, file, host, ret_plan, &collected), &collected, err);
}
