/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities with units, as people and engines write them on command lines. Pure. */
#ifndef BASE_QUANTITY_H
#define BASE_QUANTITY_H

#include <stdint.h>

/*
 * Bytes: a decimal number, perhaps with a fraction, a space, and one of B K M G T P, with or
 * without "B" or "iB" behind, in either case; all are powers of 1024 ("512m", "1.5 GiB"). What
 * docker and runc take. A fraction of a byte is cut off. Returns 0, -EINVAL when it is no such
 * thing, -ERANGE when it does not fit.
 */
int quantity_parse_bytes(const char *text, int64_t *ret_bytes);

/*
 * A duration as Go programs take it: numbers with units one behind the other, "1h15m", "1.5s",
 * "300ms"; units are ns, us (or with either letter mu), ms, s, m and h; "0" needs none, a sign may
 * stand before it all. Nanoseconds. Returns 0, -EINVAL or -ERANGE.
 */
int quantity_parse_duration(const char *text, int64_t *ret_nanoseconds);

#endif
