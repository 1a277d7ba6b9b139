/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts below one, out of many: on a host with a thousand containers /proc/self/mountinfo has
 * thousands of lines, which take the kernel 4 to 8 us each.
 */
#ifndef KERNEL_SUBMOUNTS_H
#define KERNEL_SUBMOUNTS_H

/*
 * The lines of /proc/self/mountinfo (base/mountinfo.h) for the mount that `point` is on, and those
 * below it; of them the ones whose filesystem's type begins with `type`. In the order in which they
 * were mounted; the options of each mount are told as "-", its source too. *ret_text is malloc'ed,
 * and may be "".
 *
 * By listmount(2) and statmount(2). -ENOSYS before Linux 6.8, -EOPNOTSUPP before 6.11 (no mount has
 * options of its filesystem), -E2BIG when there are more than a few dozen mounts, and other errnos:
 * then /proc/self/mountinfo has to be read after all.
 */
int submounts_read(const char *point, const char *type, char **ret_text);

#endif
