/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <string.h>

/* Cuts the last component off `out`, which never gets shorter than `floor`. */
static size_t path_parent(const char *out, size_t length, size_t floor)
{
	while (length > floor && out[length - 1] != '/')
		length--;
	if (length > floor)
		length--;
	return length;
}

int path_clean(const char *path, char *out, size_t size)
{
	size_t floor = path[0] == '/' ? 1 : 0, length = floor;

	if (size < 2)
		return -ENAMETOOLONG;
	if (floor)
		out[0] = '/';
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.') {
			length = path_parent(out, length, floor);
		} else if (n > 0 && !(n == 1 && path[0] == '.')) {
			size_t slash = length > floor ? 1 : 0;

			if (length + slash + n >= size)
				return -ENAMETOOLONG;
			if (slash)
				out[length++] = '/';
			memcpy(out + length, path, n);
			length += n;
		}
		path += n;
		path += strspn(path, "/");
	}
	if (length == 0)
		out[length++] = '.';
	out[length] = '\0';
	return 0;
}

int path_join(const char *base, const char *relative, char *out, size_t size)
{
	char joined[8192];
	size_t base_length = strlen(base), relative_length = strlen(relative);

	if (relative[0] == '/')
		return path_clean(relative, out, size);
	if (base_length + 1 + relative_length >= sizeof(joined))
		return -ENAMETOOLONG;
	memcpy(joined, base, base_length + 1);
	joined[base_length] = '/';
	memcpy(joined + base_length + 1, relative, relative_length + 1);
	return path_clean(joined, out, size);
}

bool path_is_below(const char *path, const char *ancestor)
{
	size_t length = strlen(ancestor);

	if (strcmp(ancestor, "/") == 0)
		return path[0] == '/';
	return strncmp(path, ancestor, length) == 0 &&
	       (path[length] == '\0' || path[length] == '/');
}

bool path_has_dotdot(const char *path)
{
	while (*path) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += n;
		path += strspn(path, "/");
	}
	return false;
}

const char *path_basename(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}
