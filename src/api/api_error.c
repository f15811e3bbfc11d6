/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public side of the error object. */
#include "api.h"

#include "../base/error.h"

struct vn_error *vn_error_new(void)
{
	return calloc(1, sizeof(struct vn_error));
}

void vn_error_free(struct vn_error *err)
{
	if (!err)
		return;
	vn_error_clear(err);
	free(err);
}

size_t vn_error_count(const struct vn_error *err)
{
	return err ? err->n : 0;
}

static const struct vn_problem *problem_at(const struct vn_error *err, size_t index)
{
	return index < vn_error_count(err) ? &err->problems[index] : NULL;
}

const char *vn_error_text(const struct vn_error *err, size_t index)
{
	const struct vn_problem *problem = problem_at(err, index);
	return problem ? problem->text : NULL;
}

const char *vn_error_file(const struct vn_error *err, size_t index)
{
	const struct vn_problem *problem = problem_at(err, index);
	return problem ? problem->file : NULL;
}

const char *vn_error_key(const struct vn_error *err, size_t index)
{
	const struct vn_problem *problem = problem_at(err, index);
	return problem ? problem->key : NULL;
}

unsigned vn_error_line(const struct vn_error *err, size_t index)
{
	const struct vn_problem *problem = problem_at(err, index);
	return problem ? problem->line : 0;
}

int vn_error_is_input(const struct vn_error *err)
{
	return err && err->input;
}
