/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of config-linux.md for seccomp. */
#include <inttypes.h>
#include <string.h>

#include "oci-spec/annotations.h"
#include "oci-spec/check-rules.h"

/* What goes with an action: SECCOMP_RET_DATA is 16 bits, and for ERRNO at most MAX_ERRNO. */
static void check_errno(struct check *check, enum oci_seccomp_action action,
			const struct oci_opt_u32 *errno_ret)
{
	const char *name = oci_enum_name(oci_seccomp_actions, action);
	uint32_t most = action == OCI_SECCOMP_TRACE ? 65535 : 4095;

	if (!errno_ret->set)
		return;
	if (action != OCI_SECCOMP_ERRNO && action != OCI_SECCOMP_TRACE)
		check_error(check, "%s takes no errno", name ? name : "the action");
	else if (errno_ret->value > most)
		check_error(check, "%" PRIu32 " is more than %" PRIu32, errno_ret->value, most);
}

void check_seccomp_default(struct check *check)
{
	const struct oci_seccomp *seccomp = check->linux->seccomp;

	if (!seccomp)
		return;
	check_errno(check_at(check, "seccomp.defaultErrnoRet"), seccomp->default_action,
		    &seccomp->default_errno_ret);
	if (!check_is_empty(seccomp->listener_metadata) && check_is_empty(seccomp->listener_path))
		check_error(check_at(check, "seccomp.listenerMetadata"),
			    "must not be set without listenerPath");
}

static void check_arg(struct check *check, size_t i, size_t j, const struct oci_seccomp_arg *arg)
{
	if (arg->index > 5)
		check_error(check_at(check, "seccomp.syscalls[%zu].args[%zu].index", i, j),
			    "%" PRIu32 " is not between 0 and 5", arg->index);
	if (arg->value_two && arg->op != OCI_SECCOMP_MASKED_EQ)
		check_warning(check_at(check, "seccomp.syscalls[%zu].args[%zu].valueTwo", i, j),
			      "only SCMP_CMP_MASKED_EQ looks at it");
}

void check_seccomp_rules(struct check *check)
{
	const struct oci_seccomp *seccomp = check->linux->seccomp;

	for (size_t i = 0; seccomp && i < seccomp->syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &seccomp->syscalls.items[i];

		if (rule->names.count == 0)
			check_error(check_at(check, "seccomp.syscalls[%zu].names", i),
				    "at least one entry is required");
		check_errno(check_at(check, "seccomp.syscalls[%zu].errnoRet", i), rule->action,
			    &rule->errno_ret);
		for (size_t j = 0; j < rule->args.count; j++)
			check_arg(check, i, j, &rule->args.items[j]);
	}
}

/* Another way than listenerPath to say who gets the notifications, known from crun. */
static bool has_other_listener(const struct oci_config *config)
{
	return oci_annotation_value(&config->annotations, "run.oci.seccomp.receiver");
}

/*
 * The listener's descriptor is handed over with the help of a system call of the filtered process
 * itself. If that waited for the listener, nobody would ever answer.
 */
static void check_notify_write(struct check *check, const struct oci_seccomp_rule *rule, size_t i)
{
	for (size_t j = 0; j < rule->names.count; j++)
		if (strcmp(rule->names.items[j], "write") == 0)
			check_error(check_at(check, "seccomp.syscalls[%zu].names[%zu]", i, j),
				    "SCMP_ACT_NOTIFY cannot be used for write");
}

void check_seccomp_notify(struct check *check)
{
	const struct oci_seccomp *seccomp = check->linux->seccomp;
	bool heard;

	if (!seccomp)
		return;
	heard = !check_is_empty(seccomp->listener_path) || has_other_listener(check->config);
	if (seccomp->default_action == OCI_SECCOMP_NOTIFY)
		check_error(check_at(check, "seccomp.defaultAction"),
			    "SCMP_ACT_NOTIFY cannot be the default action");
	for (size_t i = 0; i < seccomp->syscalls.count; i++) {
		const struct oci_seccomp_rule *rule = &seccomp->syscalls.items[i];

		if (rule->action != OCI_SECCOMP_NOTIFY)
			continue;
		check_notify_write(check, rule, i);
		if (!heard)
			check_error(check_at(check, "seccomp.syscalls[%zu].action", i),
				    "SCMP_ACT_NOTIFY needs a listenerPath");
		heard = true; /* once is enough */
	}
}
