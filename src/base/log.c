/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"

static struct {
	log_sink_fn *sink;
	void *data;
	enum log_level level;
} log_state;

void log_set_sink(log_sink_fn *sink, void *data, enum log_level level)
{
	log_state.sink = sink;
	log_state.data = data;
	log_state.level = level;
}

bool log_wants(enum log_level level)
{
	return log_state.sink != NULL && level <= log_state.level;
}

static void log_format(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void log_format(enum log_level level, const char *format, va_list args)
{
	char message[1024];

	if (!log_wants(level))
		return;
	if (vsnprintf(message, sizeof(message), format, args) < 0)
		return;
	text_make_line(message);
	log_state.sink(log_state.data, level, message);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_LEVEL_WARNING, format, args);
	va_end(args);
}

void log_debug(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_format(LOG_LEVEL_DEBUG, format, args);
	va_end(args);
}
