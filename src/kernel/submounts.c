/* SPDX-License-Identifier: Apache-2.0 */
#include "kernel/submounts.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "kernel/syscalls.h"

#define SUBMOUNTS_MAX 64
#define SUBMOUNTS_WANTED                                                             \
	(SYS_STATMOUNT_SB_BASIC | SYS_STATMOUNT_MNT_BASIC | SYS_STATMOUNT_MNT_ROOT | \
	 SYS_STATMOUNT_MNT_POINT | SYS_STATMOUNT_FS_TYPE)

/* One mount, with room for its words. What does not fit is -EOVERFLOW. */
union submounts_answer {
	struct sys_statmount mount;
	char bytes[8192];
};

/* A word of the answer; its mask has been looked at. */
static const char *submounts_word(const union submounts_answer *answer, uint32_t offset)
{
	return offset < sizeof(answer->bytes) - sizeof(answer->mount)
		       ? answer->bytes + sizeof(answer->mount) + offset
		       : "";
}

/* As mountinfo has it: what separates its words, and the backslash, in octal. */
static void submounts_append_escaped(struct text *text, const char *word)
{
	for (; *word; word++)
		if (strchr(" \t\n\\", *word))
			text_format(text, "\\%03o", (unsigned char)*word);
		else
			text_append_bytes(text, word, 1);
}

static void submounts_append(struct text *text, const union submounts_answer *answer)
{
	const struct sys_statmount *mount = &answer->mount;

	text_format(text, "%" PRIu32 " %" PRIu32 " %" PRIu32 ":%" PRIu32 " ", mount->mnt_id_old,
		    mount->mnt_parent_id_old, mount->sb_dev_major, mount->sb_dev_minor);
	submounts_append_escaped(text, submounts_word(answer, mount->mnt_root));
	text_append(text, " ");
	submounts_append_escaped(text, submounts_word(answer, mount->mnt_point));
	text_append(text, " - - ");
	text_append(text, submounts_word(answer, mount->fs_type));
	text_append(text, " - ");
	if (mount->mask & SYS_STATMOUNT_MNT_OPTS)
		text_append(text, submounts_word(answer, mount->mnt_opts));
	text_append(text, "\n");
}

/* Adds the line of one mount, unless it is of another type, or gone. Returns 1 when the kernel told
 * options of its filesystem. */
static int submounts_add(uint64_t id, const char *type, struct text *text)
{
	union submounts_answer answer;
	struct sys_mnt_id_req request = {
		.size = sizeof(request),
		.mnt_id = id,
		.param = SUBMOUNTS_WANTED | SYS_STATMOUNT_MNT_OPTS,
	};
	int r = sys_statmount(&request, &answer.mount, sizeof(answer));

	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if ((answer.mount.mask & SUBMOUNTS_WANTED) != SUBMOUNTS_WANTED)
		return -EOPNOTSUPP;
	if (text_starts_with(submounts_word(&answer, answer.mount.fs_type), type))
		submounts_append(text, &answer);
	return answer.mount.mask & SYS_STATMOUNT_MNT_OPTS ? 1 : 0;
}

int submounts_read(const char *point, const char *type, char **ret_text)
{
	uint64_t ids[SUBMOUNTS_MAX + 1];
	struct sys_mnt_id_req request = {.size = sizeof(request)};
	auto_text struct text text = {0};
	bool options = false;
	struct sys_statx st;
	int n = sys_statx(AT_FDCWD, point, AT_NO_AUTOMOUNT, SYS_STATX_MNT_ID_UNIQUE, &st);

	if (n < 0)
		return n;
	if (!(st.mask & SYS_STATX_MNT_ID_UNIQUE))
		return -ENOSYS;
	ids[0] = st.mnt_id;
	request.mnt_id = ids[0];
	n = sys_listmount(&request, ids + 1, SUBMOUNTS_MAX);
	if (n < 0 || n == SUBMOUNTS_MAX)
		return n < 0 ? n : -E2BIG;
	text_append(&text, "");
	for (int i = 0; i <= n; i++) {
		int r = submounts_add(ids[i], type, &text);

		if (r < 0)
			return r;
		options = options || r > 0;
	}
	if (!options)
		return -EOPNOTSUPP;
	if (text.failed || !text.data)
		return -ENOMEM;
	*ret_text = text.data;
	text.data = NULL;
	return 0;
}
