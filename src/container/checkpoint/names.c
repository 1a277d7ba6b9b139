/* SPDX-License-Identifier: Apache-2.0 */
#include "container/checkpoint/names.h"

#include <errno.h>
#include <stddef.h>

#include "base/fd.h"
#include "base/text.h"
#include "oci-spec/oci-spec.h"
#include "oci-spec/tables.h"

/* A document is an object, so the array is read as the only field of one. */
struct names_document {
	struct oci_strings names;
};
static const struct oci_field names_fields[] = {
	{
		.name = "names",
		.name_length = sizeof("names") - 1,
		.kind = OCI_KIND_STRINGS,
		.need = OCI_REQUIRED,
		.size = sizeof(struct oci_strings),
		.offset = offsetof(struct names_document, names),
	},
};
static const struct oci_object names_object = {
	.fields = names_fields,
	.count = array_size(names_fields),
	.size = sizeof(struct names_document),
};

void checkpoint_names_clear(struct checkpoint_names *names)
{
	oci_document_free(names->document);
	*names = (struct checkpoint_names){0};
}

int checkpoint_names_parse(const char *text, struct checkpoint_names *ret_names)
{
	const struct oci_report silent = {0};
	const struct names_document *found;
	struct oci_document *document = NULL;
	auto_text struct text wrapped = {0};
	int r;

	text_format(&wrapped, "{\"names\":%s}", text);
	if (wrapped.failed)
		return -ENOMEM;
	r = oci_object_decode(&names_object, wrapped.data, wrapped.length, &silent, &document);
	if (r < 0)
		return r;
	found = oci_document_object(document, &names_object);
	*ret_names = (struct checkpoint_names){.document = document, .list = found->names};
	return 0;
}
