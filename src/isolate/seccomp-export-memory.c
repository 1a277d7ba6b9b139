/* SPDX-License-Identifier: Apache-2.0 */
/* For libseccomp 2.6 and newer. */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "isolate/seccomp-compile.h"

int seccomp_export(scmp_filter_ctx filter, struct sock_filter **ret_instructions, size_t *ret_count)
{
	auto_free struct sock_filter *instructions = NULL;
	size_t size = 0;
	int r;

	r = seccomp_export_bpf_mem(filter, NULL, &size);
	if (r < 0)
		return r;
	instructions = malloc(size);
	if (!instructions)
		return -ENOMEM;
	r = seccomp_export_bpf_mem(filter, instructions, &size);
	if (r < 0)
		return r;

	*ret_instructions = pointer_take(instructions);
	*ret_count = size / sizeof(**ret_instructions);
	return 0;
}
