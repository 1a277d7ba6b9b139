/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name, and all of them.
 *
 * Not the C library's own: what it keeps for itself is not the same in each. To musl 32 to 34 are,
 * to glibc 32 and 33, and signal(7)'s SIGRTMIN and sigfillset(3) differ by it; a container's
 * program may be linked with another C library than knarr is.
 */
#ifndef BASE_SIGNALS_H
#define BASE_SIGNALS_H

#include <signal.h>

#define SIGNALS_MAX   64 /* the kernel's _NSIG, the same on all architectures but MIPS */
#define SIGNALS_RTMIN 34 /* what glibc's programs call SIGRTMIN */

/* "TERM" of a number, or NULL of one without a name (real-time signals, too). Static memory. */
const char *signals_name(int number);

/*
 * A number from 0 to 64; or a name in any case, with or without SIG, other spellings that the
 * kernel's headers have ("IOT"), and "RTMIN+3", "RTMAX-1". Returns 0, or -EINVAL.
 */
int signals_parse(const char *text, int *ret_number);

/* As sigfillset(3), but with those that the C library leaves out. */
void signals_fill(sigset_t *set);

#endif
