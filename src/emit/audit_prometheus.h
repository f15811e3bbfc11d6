/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once
/* An audit as metrics. docs/prometheus.md lists them. */

#include "../model/audit.h"

/*
 * Prometheus' text exposition format, version 0.0.4 (prometheus.io, "Exposition formats"): one HELP and TYPE for each metric, its
 * samples behind them. What is not known has no sample. 0, or -ENOMEM with nothing written.
 */
int vn_audit_print_prometheus(const struct vn_audit *audit, FILE *out);
