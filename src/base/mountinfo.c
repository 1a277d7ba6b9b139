/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mountinfo.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"

static bool mountinfo_is_octal(const char *text)
{
	return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' &&
	       text[2] >= '0' && text[2] <= '7';
}

/* Blanks, tabs, newlines and backslashes are written as \040 and so on: back, in place. */
static void mountinfo_unescape(char *text)
{
	char *out = text;

	while (*text) {
		if (text[0] == '\\' && mountinfo_is_octal(text + 1)) {
			*out++ = (char)((text[1] - '0') << 6 | (text[2] - '0') << 3 |
					(text[3] - '0'));
			text += 4;
		} else {
			*out++ = *text++;
		}
	}
	*out = '\0';
}

/* ID PARENT MAJOR:MINOR ROOT POINT OPTIONS [TAG...] - TYPE SOURCE SUPER-OPTIONS */
int mountinfo_parse(char *line, struct mountinfo *ret_mount)
{
	struct mountinfo mount = {0};
	char *rest = line, *words[6], *word;

	/* Not strtok(3): two blanks are an empty word between them, as a mount without a source
	 * has. */
	for (size_t i = 0; i < 6; i++) {
		words[i] = strsep(&rest, " ");
		if (!words[i])
			return -EINVAL;
	}
	if (text_parse_u32(words[0], &mount.id) < 0 || text_parse_u32(words[1], &mount.parent) < 0)
		return -EINVAL;
	while ((word = strsep(&rest, " ")) && strcmp(word, "-") != 0)
		if (text_starts_with(word, "master:") &&
		    text_parse_u32(word + strlen("master:"), &mount.master) < 0)
			return -EINVAL;
	mount.device = words[2];
	mount.root = words[3];
	mount.point = words[4];
	mount.type = strsep(&rest, " ");
	mount.source = strsep(&rest, " ");
	mount.super_options = rest;
	if (!mount.super_options)
		return -EINVAL;
	mountinfo_unescape(mount.root);
	mountinfo_unescape(mount.point);
	*ret_mount = mount;
	return 0;
}

bool mountinfo_next(char **rest, struct mountinfo *ret_mount)
{
	char *line;

	while ((line = strsep(rest, "\n")))
		if (mountinfo_parse(line, ret_mount) == 0)
			return true;
	return false;
}
