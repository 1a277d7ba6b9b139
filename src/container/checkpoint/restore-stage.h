/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What criu needs by path, where the root of a user namespace can get at it.
 *
 * Once criu has made such a container's first process, that one does the rest of the work as the
 * container's root, an ordinary user to the host: it opens the images, and mounts what comes from
 * the host. Both may lie where only the host's root may walk. So criu's own mount namespace gets a
 * small file system, the stage, with clones of them. It lies over a directory that nobody else can
 * look into, and hides only what is there.
 *
 * Of the images it shows each file, as a mount of its own that cannot be written to, but for
 * --auto-dedup. So their directory may stay closed to everybody, as checkpoint makes it; but others
 * must be allowed to read the files, as criu makes them. They have their own paths below "images",
 * so that the link of incremental images to their parent leads there, too.
 */
#ifndef CONTAINER_CHECKPOINT_RESTORE_STAGE_H
#define CONTAINER_CHECKPOINT_RESTORE_STAGE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/* How many images may follow upon each other. */
#define RESTORE_IMAGES_MAX 64

struct restore_images {
	struct restore_image {
		char *path; /* on this host, without links but the parents' */
		int mount;  /* a clone of the directory, attached nowhere */
	} items[RESTORE_IMAGES_MAX];
	size_t count;
	int work; /* likewise, of the work directory */
	bool writable;
};
void restore_images_clear(struct restore_images *images);

/* Where an open directory is, by its link in /proc/self/fd. Returns 0 or a negative errno. */
int restore_stage_path_of(int fd, char path[PATH_MAX]);

/* The first directory on the clean, absolute path `path` that not everybody may walk through; the
 * last one if there is none. Returns 0 or a negative errno. */
int restore_stage_find(const char *path, char stage[PATH_MAX]);

/* Pure: where the link of the images in `path` to their parent leads, as a path; -EINVAL for one
 * that is absolute, -ENAMETOOLONG. */
int restore_stage_follow(const char *path, const char *link, char parent[PATH_MAX]);

struct restore_images_request {
	int images, work; /* directories */
	bool writable;
};

/* The images, those that they build upon, and the work directory; -EACCES when others may not read
 * one of them. */
int restore_stage_open(const struct restore_images_request *request,
		       struct restore_images *ret_images, struct error *err);

/* In criu's process: makes the stage, with directories "root" and "below". */
int restore_stage_make(const char *stage);
/* And shows them there: "images" PATH, and "work". Return 0 or a negative errno. */
int restore_stage_attach(const struct restore_images *images, const char *stage);

#endif
