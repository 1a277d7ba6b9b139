/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's error numbers (errno(3)), in words.
 *
 * Not strerror(3): the words differ between C libraries ("Resource busy", "Device or resource
 * busy"), and engines look for some of them. These are glibc's, whatever knarr is linked with,
 * without locale and allocation, so that they are to be had after clone, too.
 */
#ifndef BASE_ERRNO_H
#define BASE_ERRNO_H

/* "ENOENT" of a positive number, or NULL of one that is not known. Static memory. */
const char *errno_name(int number);

/* "No such file or directory", or NULL. Static memory. */
const char *errno_text(int number);

#endif
