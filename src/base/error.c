/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *error_name(int number)
{
	/* strerrorname_np needs glibc 2.32, and is a plain table: no locale, no allocation. */
	const char *name = strerrorname_np(number);

	return name ? name : "unknown errno";
}

int error_errno(struct error *err, int number, const char *format, ...)
{
	va_list args;
	size_t length;
	const char *text;

	if (number <= 0)
		number = EIO;
	text = strerrordesc_np(number);

	error_clear(err);
	err->number = number;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	length = strlen(err->message);
	(void)snprintf(err->message + length, sizeof(err->message) - length, ": %s (%s)",
		       text ? text : "unknown error", error_name(number));
	return -number;
}

int error_set(struct error *err, int number, const char *format, ...)
{
	va_list args;

	if (number <= 0)
		number = EIO;
	error_clear(err);
	err->number = number;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -number;
}

int error_wrap(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->message)];
	va_list args;
	size_t length;

	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof(err->message), format, args);
	va_end(args);
	length = strlen(err->message);
	(void)snprintf(err->message + length, sizeof(err->message) - length, ": %s", inner);
	return -err->number;
}

int error_at(struct error *err, const char *format, ...)
{
	va_list args;

	if (err->field[0] != '\0')
		return -err->number;
	va_start(args, format);
	(void)vsnprintf(err->field, sizeof(err->field), format, args);
	va_end(args);
	return -err->number;
}

int error_hint(struct error *err, const char *format, ...)
{
	va_list args;

	if (err->hint[0] != '\0')
		return -err->number;
	va_start(args, format);
	(void)vsnprintf(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return -err->number;
}

void error_clear(struct error *err)
{
	err->number = 0;
	err->field[0] = '\0';
	err->message[0] = '\0';
	err->hint[0] = '\0';
}
