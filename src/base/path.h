/* SPDX-License-Identifier: Apache-2.0 */
/* Paths as text; nothing here looks at a filesystem. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Cleans an absolute or relative path: one slash between components, no "." and no trailing slash,
 * ".." taken away with the component before it (at the root it is dropped; at the start of a
 * relative path too, so the result never leaves where it starts). "" gives ".", "/.." gives "/".
 * Returns 0, or -ENAMETOOLONG when `size` is too small; `out` may not overlap `path`.
 */
int path_clean(const char *path, char *out, size_t size);

/* "base/relative", or `relative` alone when it is absolute; cleaned. Returns as path_clean(). */
int path_join(const char *base, const char *relative, char *out, size_t size);

/* True when `path` is `ancestor` or lies below it. Both absolute and clean. */
bool path_is_below(const char *path, const char *ancestor);

/* True when one of the components is "..". */
bool path_has_dotdot(const char *path);

/* The part behind the last slash; the path itself when there is none. Points into `path`. */
const char *path_basename(const char *path);

#endif
