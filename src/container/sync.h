/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rendezvous between the runtime and init, by name.
 *
 *	runtime                               init
 *	-------                               ----
 *	id maps             -- SYNC_PROCEED -->  (only with a new user namespace)
 *	oom score, device rules                  enters cgroups, namespaces
 *	makes the network   -- SYNC_NETWORK -->  begins the root, enters it, goes on with the root
 *	brings `lo` up      <- SYNC_LOOPBACK --  (instead, if clone3 made it; with a socket)
 *	network interfaces, <-- SYNC_HOOKS ----  (only when there are such hooks or interfaces)
 *	createRuntime hooks
 *	                    -- SYNC_PROCEED -->  createContainer hooks, pivot_root, process setup
 *	takes the terminal  <-- SYNC_TERMINAL -  (only in the foreground: a descriptor comes along)
 *	commits the state   <-- SYNC_READY ----  nothing is left to do but to run
 *	                    -- SYNC_COMMIT --->  (only `create`) waits at its gate, on its own
 *	`start`             -- SYNC_START ---->  startContainer hooks, seccomp
 *	tells the agent     <- SYNC_LISTENER --  (only with SCMP_ACT_NOTIFY: notify.h)
 *	                    -- SYNC_PROCEED -->  execve
 *	the line closes     <------------------  execve has happened
 *
 * A process that joins (exec) has a helper that says the words up to SYNC_READY; that one it says
 * when the process is made, with its pid. SYNC_START is waited for only where the runtime has
 * something left to do to it. Where not, a SYNC_FAILED of the process may come before that word.
 *
 * At any point init may answer with SYNC_FAILED and an error, and is gone then. The gate is a
 * listening socket in the state directory for `create` (gate.h), and the same channel for `run`.
 */
#ifndef CONTAINER_SYNC_H
#define CONTAINER_SYNC_H

enum sync_word {
	SYNC_PROCEED = 1,
	SYNC_HOOKS,
	SYNC_LOOPBACK,
	SYNC_TERMINAL,
	SYNC_LISTENER, /* the seccomp listener's descriptor comes along */
	SYNC_READY,
	SYNC_COMMIT,
	SYNC_START,
	SYNC_FAILED,
	SYNC_NETWORK, /* the network namespace comes along */
};

/* How long the other side may take for a step that waits for nobody, milliseconds. Generous: a host
 * under memory pressure is slow, and the death of the peer is noticed at once in any case. */
#define SYNC_TIMEOUT 120000

#endif
