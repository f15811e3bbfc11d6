/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* What a guest must say before it may become another form: where that would have to guess, and a guess does harm. */

#include "target.h"

/* Whether the target has a guest of this form as its own, which is given back changed and not made anew. */
bool vn_form_is_own(enum vn_guest_form form, enum vn_target_kind target);

/* Refuses, all that is wrong at once. Nothing of a guest whose form is the target's own. 0 or -EINVAL. */
int vn_check_conversion(const struct vn_guest *guest, const struct vn_target *target, struct vn_error *err);
