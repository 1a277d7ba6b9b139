/* SPDX-License-Identifier: Apache-2.0 */
#include "container/unprivileged.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "oci-spec/oci-spec.h"
#include "suite.h"

#define CONFIG(user, more)                                                                 \
	"{\"ociVersion\": \"1.3.0\", \"root\": {\"path\": \"r\"}, \"process\": {\"cwd\": " \
	"\"/\", \"args\": [\"sh\"], \"user\": " user "}" more "}"
#define ROOT "{\"uid\": 0, \"gid\": 0}"
#define MAPS "[{\"containerID\": 0, \"hostID\": 1000, \"size\": 1}]"

static const struct unprivileged_caller erik = {
	.uid = 1000,
	.gid = 100,
	.user = "erik",
	.subuids = "erik:100000:65536\n",
	.subgids = "1000:200000:10\n",
};

struct made {
	struct oci_document *document;
	struct unprivileged *changed;
	struct error err;
	int r;
};

static void make(struct made *made, const char *text, const struct unprivileged_caller *caller)
{
	*made = (struct made){.document = NULL};
	ck_assert_int_eq(oci_config_decode(text, strlen(text), NULL, &made->document), 0);
	made->r = unprivileged_plan(oci_document_config(made->document), caller, &made->changed,
				    &made->err);
}

static void clear(struct made *made)
{
	free(made->changed);
	oci_document_free(made->document);
}

/* The whole configuration, as what is saved of it. */
static void becomes(const char *text, const char *wanted)
{
	auto_free char *encoded = NULL;
	struct made made;
	size_t length;

	make(&made, text, &erik);
	ck_assert_int_eq(made.r, 0);
	ck_assert_ptr_nonnull(made.changed);
	ck_assert_int_eq(
		oci_config_encode(unprivileged_config(made.changed), false, &encoded, &length), 0);
	ck_assert_str_eq(encoded, wanted);
	clear(&made);
}

static void stays(const char *text)
{
	struct made made;

	make(&made, text, &erik);
	ck_assert_int_eq(made.r, 0);
	ck_assert_ptr_null(made.changed);
	clear(&made);
}

#define SAVED(user, namespaces, uids, gids)                                                   \
	"{\"ociVersion\":\"1.3.0\",\"process\":{\"user\":" user ",\"args\":[\"sh\"],\"cwd\":" \
	"\"/\"},\"root\":{\"path\":\"r\"},\"linux\":{\"uidMappings\":[" uids                  \
	"],\"gidMappings\":[" gids "],\"namespaces\":[" namespaces "]}}"
#define MAP(inside, outside, size) \
	"{\"containerID\":" #inside ",\"hostID\":" #outside ",\"size\":" #size "}"

START_TEST(namespace_and_maps)
{
	becomes(CONFIG(ROOT, ""), SAVED("{\"uid\":0,\"gid\":0}", "{\"type\":\"user\"}",
					MAP(0, 1000, 1) "," MAP(1, 100000, 65536),
					MAP(0, 100, 1) "," MAP(1, 200000, 10)));
	becomes(CONFIG(ROOT, ", \"linux\": {\"namespaces\": [{\"type\": \"pid\"}]}"),
		SAVED("{\"uid\":0,\"gid\":0}", "{\"type\":\"pid\"},{\"type\":\"user\"}",
		      MAP(0, 1000, 1) "," MAP(1, 100000, 65536),
		      MAP(0, 100, 1) "," MAP(1, 200000, 10)));
}
END_TEST

START_TEST(maps_alone)
{
	becomes(CONFIG("{\"uid\": 5, \"gid\": 12}",
		       ", \"linux\": {\"namespaces\": [{\"type\": \"user\"}, {\"type\": "
		       "\"mount\"}]}"),
		SAVED("{\"uid\":5,\"gid\":12}", "{\"type\":\"user\"},{\"type\":\"mount\"}",
		      MAP(0, 100000, 5) "," MAP(5, 1000, 1) "," MAP(6, 100005, 65531),
		      MAP(0, 200000, 10) "," MAP(12, 100, 1)));
}
END_TEST

START_TEST(nothing_to_add)
{
	stays(CONFIG(ROOT,
		     ", \"linux\": {\"namespaces\": [{\"type\": \"user\", \"path\": \"/u\"}]}"));
	stays(CONFIG(ROOT, ", \"linux\": {\"uidMappings\": " MAPS ", \"gidMappings\": " MAPS
			   ", \"namespaces\": [{\"type\": \"user\"}]}"));
	/* Broken, and to be told so. */
	stays(CONFIG(ROOT, ", \"linux\": {\"gidMappings\": " MAPS
			   ", \"namespaces\": [{\"type\": \"user\"}]}"));
}
END_TEST

START_TEST(user_that_cannot_be_mapped)
{
	struct unprivileged_caller poor = erik;
	struct made made;

	poor.subuids = "leif:100000:65536\n";
	make(&made, CONFIG("{\"uid\": 5, \"gid\": 5}", ""), &poor);
	ck_assert_int_eq(made.r, -EINVAL);
	ck_assert_ptr_null(made.changed);
	ck_assert_error(&made.err, EINVAL, "process.user.uid",
			"5 cannot be mapped along with 0, which builds the container: /etc/subuid "
			"gives erik no ids",
			"see subuid(5), subgid(5) and newuidmap(1)");
	clear(&made);
	poor = erik;
	poor.subgids = "";
	make(&made, CONFIG("{\"uid\": 5, \"gid\": 6}", ""), &poor);
	ck_assert_error(&made.err, EINVAL, "process.user.gid",
			"6 cannot be mapped along with 0, which builds the container: /etc/subgid "
			"gives erik no ids",
			"see subuid(5), subgid(5) and newuidmap(1)");
	clear(&made);
}
END_TEST

/* He asks for what is his to ask for; what he does not ask for he does not need. */
START_TEST(root)
{
	struct unprivileged_caller caller = {
		.user = "root", .subuids = "root:100000:10\nerik:1:1\n", .subgids = ""};
	auto_free char *encoded = NULL;
	struct made made;
	size_t length;

	make(&made, CONFIG(ROOT, ", \"linux\": {\"namespaces\": [{\"type\": \"pid\"}]}"), &caller);
	ck_assert_int_eq(made.r, 0);
	ck_assert_ptr_null(made.changed);
	clear(&made);
	make(&made, CONFIG(ROOT, ", \"linux\": {\"namespaces\": [{\"type\": \"user\"}]}"), &caller);
	ck_assert_int_eq(made.r, 0);
	ck_assert_ptr_nonnull(made.changed);
	ck_assert_int_eq(
		oci_config_encode(unprivileged_config(made.changed), false, &encoded, &length), 0);
	ck_assert_str_eq(encoded, SAVED("{\"uid\":0,\"gid\":0}", "{\"type\":\"user\"}",
					MAP(0, 0, 1) "," MAP(1, 100000, 10), MAP(0, 0, 1)));
	clear(&made);
}
END_TEST

int main(void)
{
	const TTest *const tests[] = {
		namespace_and_maps, maps_alone, nothing_to_add, user_that_cannot_be_mapped, root,
	};

	return suite_run("unprivileged", tests, suite_count(tests));
}
