/* SPDX-License-Identifier: Apache-2.0 */
/* The container's pseudo-terminal, and the caller's own terminal while it is relayed (pty(7)). */
#ifndef ISOLATE_TERMINAL_H
#define ISOLATE_TERMINAL_H

#include <knarr/config.h>
#include <stdbool.h>
#include <termios.h>

#include "base/error.h"

/*
 * In init, after rootfs_enter: opens /dev/pts/ptmx of the container (verified to be a devpts:
 * fstatfs and device number 5:2), gets the peer by TIOCGPTPEER (never by the name /dev/pts/N;
 * CVE-2025-52565), sets the size, gives the slave to the user of `process`, and mounts it on
 * /dev/console when `console` says so; /dev/console must not be a symbolic link. Gives owned
 * descriptors of both ends.
 */
int terminal_open(int root, const struct oci_process *process, bool console, int *ret_master,
		  int *ret_slave, struct error *err);

/* In init or exec: the slave becomes fds 0, 1, 2, which are not close-on-exec. `slave` stays the
 * caller's. */
int terminal_connect(int slave, struct error *err);

/* In the process that is to have it: a new session (unless the caller leads one), of which the
 * terminal behind `fd` becomes the controlling one. Needs no privileges. Not in a process that ends
 * before its children use the terminal: with the leader of its session it is hung up. */
int terminal_control(int fd, struct error *err);

/* Both. */
int terminal_attach(int slave, struct error *err);

/* In the runtime, foreground: the caller's terminal in raw mode, put back by _restore at any exit.
 */
struct terminal_raw {
	int fd; /* -EBADF: nothing to restore; the caller starts with it. Not owned */
	struct termios saved;
};
/* -ENOTTY when `fd` is no terminal. */
int terminal_raw_enter(int fd, struct terminal_raw *ret_raw, struct error *err);
/* Puts the mode back, once. Async-signal-safe, and works from a background process group. */
void terminal_raw_restore(struct terminal_raw *raw);

/* Copies the window size of one terminal to another. Returns 0 or a negative errno. */
int terminal_copy_size(int from, int to);

#endif
