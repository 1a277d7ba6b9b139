/* SPDX-License-Identifier: Apache-2.0 */
#include "container/create.h"

#include "container/creation/creation.h"

int container_create(const struct store *store, const struct create_request *request,
		     struct error *err)
{
	struct creation creation;
	int r;

	creation_init(&creation, store, request, RECORD_CREATED);
	r = creation_build(&creation, err);
	if (r == 0)
		r = creation_commit(&creation, err);
	if (r < 0)
		bundle_locate(&creation.bundle, err);
	creation_end(&creation);
	return r;
}
