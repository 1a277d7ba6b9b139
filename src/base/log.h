/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Warnings and debug messages of the layers below cli.
 *
 * Errors are never logged, they are returned. What is said here goes to the sink that cli has set;
 * without one it is dropped. This is the only mutable file-scope state of the program.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

/* Receives one line without its newline. Must not call back into log_*. */
typedef void log_sink_fn(void *data, enum log_level level, const char *message);

/* Messages above `level` are not formatted at all. NULL drops everything. */
void log_set_sink(log_sink_fn *sink, void *data, enum log_level level);
bool log_wants(enum log_level level);

void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2), cold));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2), cold));

#endif
