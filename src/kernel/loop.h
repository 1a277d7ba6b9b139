/* SPDX-License-Identifier: Apache-2.0 */
/* A file as a block device: loop(4). */
#ifndef KERNEL_LOOP_H
#define KERNEL_LOOP_H

#include <stdbool.h>

#include "base/error.h"

#define LOOP_PATH_SIZE 32

/*
 * Attaches the file `image`, open for reading and unless `readonly` for writing, to a free loop
 * device of the host, and gives the device's path in /dev and an owned descriptor of it. The device
 * is given back when nobody has it open or mounted any more (LO_FLAGS_AUTOCLEAR), so also when the
 * caller is killed; until it is mounted the descriptor is what keeps it.
 */
int loop_attach(int image, bool readonly, char path[LOOP_PATH_SIZE], int *ret_fd,
		struct error *err);

#endif
