/* SPDX-License-Identifier: Apache-2.0 */
#include "base/signals.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"

static const char signals_names[][8] = {
	[SIGHUP] = "HUP",	[SIGINT] = "INT",	[SIGQUIT] = "QUIT", [SIGILL] = "ILL",
	[SIGTRAP] = "TRAP",	[SIGABRT] = "ABRT",	[SIGBUS] = "BUS",   [SIGFPE] = "FPE",
	[SIGKILL] = "KILL",	[SIGUSR1] = "USR1",	[SIGSEGV] = "SEGV", [SIGUSR2] = "USR2",
	[SIGPIPE] = "PIPE",	[SIGALRM] = "ALRM",	[SIGTERM] = "TERM",
#ifdef SIGSTKFLT /* not everywhere */
	[SIGSTKFLT] = "STKFLT",
#endif
	[SIGCHLD] = "CHLD",	[SIGCONT] = "CONT",	[SIGSTOP] = "STOP", [SIGTSTP] = "TSTP",
	[SIGTTIN] = "TTIN",	[SIGTTOU] = "TTOU",	[SIGURG] = "URG",   [SIGXCPU] = "XCPU",
	[SIGXFSZ] = "XFSZ",	[SIGVTALRM] = "VTALRM", [SIGPROF] = "PROF", [SIGWINCH] = "WINCH",
	[SIGPOLL] = "POLL",	[SIGPWR] = "PWR",	[SIGSYS] = "SYS",
};
static const int signals_named = (int)(sizeof(signals_names) / sizeof(signals_names[0]));

const char *signals_name(int number)
{
	if (number <= 0 || number >= signals_named || signals_names[number][0] == '\0')
		return NULL;
	return signals_names[number];
}

static int signals_parse_realtime(const char *name, int *ret_number)
{
	uint32_t offset = 0;
	int base, sign;

	if (strncasecmp(name, "RTMIN", 5) == 0)
		base = SIGNALS_RTMIN, sign = 1;
	else if (strncasecmp(name, "RTMAX", 5) == 0)
		base = SIGNALS_MAX, sign = -1;
	else
		return -EINVAL;
	name += 5;
	if (*name != '\0') {
		if (*name != (sign > 0 ? '+' : '-') || text_parse_u32(name + 1, &offset) < 0 ||
		    offset > SIGNALS_MAX - SIGNALS_RTMIN)
			return -EINVAL;
	}
	*ret_number = base + sign * (int)offset;
	return 0;
}

int signals_parse(const char *text, int *ret_number)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	uint32_t number;

	if (text_parse_u32(text, &number) == 0) {
		if (number > SIGNALS_MAX)
			return -EINVAL;
		*ret_number = (int)number;
		return 0;
	}
	for (int known = 1; known < signals_named; known++)
		if (signals_name(known) && strcasecmp(signals_name(known), name) == 0) {
			*ret_number = known;
			return 0;
		}
	/* Other spellings that the kernel's headers have. */
	if (strcasecmp(name, "IOT") == 0)
		*ret_number = SIGABRT;
	else if (strcasecmp(name, "CLD") == 0)
		*ret_number = SIGCHLD;
	else if (strcasecmp(name, "IO") == 0)
		*ret_number = SIGIO;
	else
		return signals_parse_realtime(name, ret_number);
	return 0;
}

void signals_fill(sigset_t *set)
{
	memset(set, 0xff, sizeof(*set));
}
