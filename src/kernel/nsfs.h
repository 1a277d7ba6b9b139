/* SPDX-License-Identifier: Apache-2.0 */
/* Namespaces as descriptors: ioctl_ns(2), the files of /proc/PID/ns. `type` is one CLONE_NEW*. */
#ifndef KERNEL_NSFS_H
#define KERNEL_NSFS_H

#include <stdbool.h>
#include <stdint.h>

/* The type of the namespace behind a descriptor, or 0 when it is none. */
uint64_t nsfs_type(int fd);

/* The user namespace that one of another type belongs to: an owned descriptor, or a negative errno;
 * -EPERM when it is not the caller's own or below it. */
int nsfs_open_owner(int fd);

/* The namespace that a process is in: an owned descriptor, or a negative errno; -ENOTTY on a kernel
 * before 6.11 (PIDFD_GET_USER_NAMESPACE and its sisters), -EOPNOTSUPP of a type that it lacks,
 * -EACCES of a process that the caller must not look at. */
int nsfs_open_of(int pidfd, uint64_t type);

/* Whether two descriptors are of the same namespace. */
bool nsfs_is_same(int a, int b);

/* Whether the caller is in the initial user namespace, outside of which nobody has the rights that
 * the kernel gives to the host's root alone (mknod(2) of devices). An identity map would not tell.
 */
bool nsfs_is_initial_user(void);

/* Whether it is the one that the caller is in, by the /proc of the caller's mount namespace. */
bool nsfs_is_own(int fd, uint64_t type);

/* The name of the type in /proc/PID/ns ("mnt"), or NULL. */
const char *nsfs_name(uint64_t type);

/*
 * Opens the file `name` of a directory of a procfs (kernel/procfs.h): "self/ns" or "1234/ns". These
 * files are links that only the kernel can follow, which openat2 would have to be told to allow;
 * instead the directory is opened the strict way and what the last step gave is verified to be
 * a namespace of that type. Returns an owned descriptor or a negative errno.
 */
int nsfs_open(int procfs, const char *directory, const char *name, uint64_t type);

#endif
