/* SPDX-License-Identifier: Apache-2.0 */
/* What an update has replaced, and the way back. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "cgroup/backend.h"

/* A file with a line for each of very many devices; larger ones are not put back. */
#define UNDO_CONTENT_MAX (1u << 20)

struct cgroup_undo_item {
	char controller[32], file[256];
	char *value;
};
struct cgroup_undo {
	struct cgroup_undo_item *items;
	size_t count, size;
};

struct cgroup_undo *cgroup_undo_new(void)
{
	return calloc(1, sizeof(struct cgroup_undo));
}

void cgroup_undo_free(struct cgroup_undo *undo)
{
	if (!undo)
		return;
	for (size_t i = 0; i < undo->count; i++)
		free(undo->items[i].value);
	free(undo->items);
	free(undo);
}

static int undo_add(struct cgroup_undo *undo, const struct cgroup_write *write, const char *file,
		    char *value)
{
	if (undo->count == undo->size) {
		size_t size = undo->size ? undo->size * 2 : 16;
		struct cgroup_undo_item *items = realloc(undo->items, size * sizeof(*items));

		if (!items)
			return -ENOMEM;
		undo->items = items;
		undo->size = size;
	}
	undo->items[undo->count] = (struct cgroup_undo_item){.value = value};
	(void)snprintf(undo->items[undo->count].controller,
		       sizeof(undo->items[undo->count].controller), "%s", write->controller);
	(void)snprintf(undo->items[undo->count].file, sizeof(undo->items[undo->count].file), "%s",
		       file);
	undo->count++;
	return 0;
}

/* What cannot be read (a file that only acts, one that is not there) is not put back. */
static int undo_note_file(struct cgroup_undo *undo, int fd, const struct cgroup_write *write,
			  const char *file)
{
	auto_free char *content = NULL, *value = NULL;
	int r = io_read_file(fd, file, O_NOFOLLOW, UNDO_CONTENT_MAX, &content, NULL);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return 0;
	r = cgroup_restore_plan(file, write->value, content, &value);
	if (r < 0 || !value)
		return r;
	r = undo_add(undo, write, file, value);
	if (r == 0)
		value = NULL;
	return r;
}

int cgroup_undo_note(struct cgroup_undo *undo, int fd, const struct cgroup_write *write)
{
	bool idle = strcmp(write->file, "cpu.idle") == 0;
	const char *weight =
		faccessat(fd, "cpu.weight", F_OK, 0) == 0 ? "cpu.weight" : "cpu.shares";
	uint64_t value;
	int r = 0;

	/* The kernel forgets the weight of a group that goes idle: it is put back behind that. */
	if (idle && tree_read_u64(fd, "cpu.idle", &value) == 0 && value == 0)
		r = undo_note_file(undo, fd, write, weight);
	return r < 0 ? r : undo_note_file(undo, fd, write, write->file);
}

size_t cgroup_undo_mark(const struct cgroup_undo *undo)
{
	return undo->count;
}

void cgroup_undo_forget(struct cgroup_undo *undo, size_t mark)
{
	while (undo->count > mark)
		free(undo->items[--undo->count].value);
}

void cgroup_update_undo(struct cgroup *cgroup, const struct cgroup_undo *undo)
{
	for (size_t i = undo ? undo->count : 0; i > 0; i--) {
		const struct cgroup_undo_item *item = &undo->items[i - 1];
		const struct cgroup_member *member = cgroup_member_find(cgroup, item->controller);
		int r = member ? io_write_value(member->node.fd, item->file, item->value) : -ENOENT;

		if (r < 0)
			log_warning("put %s of cgroup %s back to \"%s\": %s", item->file,
				    member ? member->directory : item->controller, item->value,
				    error_name(-r));
	}
}
