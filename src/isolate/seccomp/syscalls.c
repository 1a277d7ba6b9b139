/* SPDX-License-Identifier: Apache-2.0 */
#include "isolate/seccomp/syscalls.h"

#include <ctype.h>
#include <errno.h>
#include <linux/audit.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci-spec/oci-spec.h"

uint32_t seccomp_architecture_token(int architecture)
{
	const char *name = oci_enum_name(oci_seccomp_architectures, (uint64_t)architecture);
	char lower[32];
	size_t i;

	if (architecture < 0 || !name || strncmp(name, "SCMP_ARCH_", 10) != 0)
		return 0;
	name += 10;
	for (i = 0; i < sizeof(lower) - 1 && name[i]; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	return seccomp_arch_resolve_name(lower);
}

bool seccomp_architecture_is_narrow(uint32_t token)
{
	return !(token & __AUDIT_ARCH_64BIT) || token == SCMP_ARCH_MIPS64N32 ||
	       token == SCMP_ARCH_MIPSEL64N32;
}

static bool has_token(const struct seccomp_architectures *architectures, uint32_t token)
{
	for (size_t i = 0; i < architectures->count; i++) {
		if (architectures->tokens[i] == token)
			return true;
	}
	return false;
}

static int architecture_check(int architecture, uint32_t token, struct error *err)
{
	const char *name = oci_enum_name(oci_seccomp_architectures, (uint64_t)architecture);

	if (token == 0)
		return error_set(err, EINVAL, "this libseccomp does not know %s",
				 name ? name : "this architecture");
	if ((token ^ seccomp_arch_native()) & __AUDIT_ARCH_LE)
		return error_set(err, EINVAL, "%s has another byte order than this machine", name);
	return 0;
}

int seccomp_architectures_plan(const struct oci_seccomp *config,
			       struct seccomp_architectures *ret_architectures, struct error *err)
{
	auto_free uint32_t *tokens = calloc(config->architectures.count + 1, sizeof(*tokens));
	struct seccomp_architectures list = {tokens, 0};

	if (!tokens)
		return error_errno(err, ENOMEM, "seccomp architectures");
	tokens[list.count++] = seccomp_arch_native();
	for (size_t i = 0; i < config->architectures.count; i++) {
		int architecture = config->architectures.items[i];
		uint32_t token = seccomp_architecture_token(architecture);

		if (architecture_check(architecture, token, err) < 0)
			return error_at(err, "linux.seccomp.architectures[%zu]", i);
		if (!has_token(&list, token))
			tokens[list.count++] = token;
	}
	ret_architectures->tokens = pointer_take(tokens);
	ret_architectures->count = list.count;
	return 0;
}

int seccomp_lookup_find(struct seccomp_lookup *lookup, const char *name,
			const struct seccomp_row *row, struct seccomp_number *ret_number)
{
	int r = row ? seccomp_table_number(row, lookup->token, ret_number) : -ESRCH;

	return r == -ESRCH ? seccomp_numbers_ask(&lookup->numbers, lookup->token, name, ret_number)
			   : r;
}

bool seccomp_syscall_is_known(const char *name)
{
	return seccomp_syscall_resolve_name(name) != __NR_SCMP_ERROR;
}
