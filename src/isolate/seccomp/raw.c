/* SPDX-License-Identifier: Apache-2.0 */
/* A filter that somebody else has compiled. */
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "isolate/seccomp/seccomp.h"

/* RFC 4648, section 4, padding included; white space is no part of it. */
static int base64_value(char c)
{
	static const char alphabet[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(alphabet, c) : NULL;

	return at ? (int)(at - alphabet) : -1;
}

/* `out` has room for 3 bytes of each 4 characters. Gives their number, or -EINVAL. */
static ssize_t base64_decode(const char *text, unsigned char *out)
{
	size_t length = strlen(text), digits = length, size = 0;
	uint32_t bits = 0;

	if (length % 4 != 0)
		return -EINVAL;
	while (digits > 0 && length - digits < 2 && text[digits - 1] == '=')
		digits--;
	for (size_t i = 0; i < digits; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return -EINVAL;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 > 0)
			out[size++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
	}
	return (ssize_t)size;
}

int seccomp_plan_raw(const struct oci_seccomp *config, const char *base64,
		     struct seccomp_plan *ret_plan, struct error *err)
{
	auto_free unsigned char *bytes = malloc(strlen(base64) / 4 * 3 + 1);
	size_t unit = sizeof(struct sock_filter);
	ssize_t size;

	if (!bytes)
		return error_errno(err, ENOMEM, "seccomp filter");
	size = base64_decode(base64, bytes);
	if (size < 0)
		return error_set(err, EINVAL, "the filter is not in base64");
	if (size == 0 || (size_t)size % unit != 0 || (size_t)size / unit > BPF_MAXINSNS)
		return error_set(err, EINVAL,
				 "a filter has 1 to %d instructions of %zu bytes, not %zd bytes",
				 BPF_MAXINSNS, unit, size);
	*ret_plan = (struct seccomp_plan){
		.count = (uint16_t)((size_t)size / unit),
		.flags = seccomp_flags_plan(config, false),
	};
	ret_plan->instructions = (void *)pointer_take(bytes);
	return 0;
}
