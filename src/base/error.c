/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/errno.h"
#include "base/text.h"

const char *error_name(int number)
{
	const char *name = errno_name(number);

	return name ? name : "unknown errno";
}

/* What the functions below return: never 0, also when a caller wraps what nobody has set. */
static int error_result(const struct error *err)
{
	return err->number > 0 ? -err->number : -EIO;
}

/* Names and paths in a sentence come from outside, and it must stay one line whatever they hold. */
static void error_format(char *out, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

static void error_format(char *out, size_t size, const char *format, va_list args)
{
	if (vsnprintf(out, size, format, args) < 0)
		out[0] = '\0';
	text_make_line(out);
}

int(error_errno)(struct error *err, int number, const char *format, ...)
{
	char reason[128];
	va_list args;
	size_t length;
	const char *text;

	if (number <= 0)
		number = EIO;
	text = errno_text(number);
	if (text)
		(void)snprintf(reason, sizeof(reason), ": %s (%s)", text, error_name(number));
	else
		(void)snprintf(reason, sizeof(reason), ": unknown error (errno %d)", number);

	error_clear(err);
	err->number = number;
	va_start(args, format);
	/* What does not fit is cut from the sentence, not from the reason behind it. */
	error_format(err->message, sizeof(err->message) - strlen(reason), format, args);
	va_end(args);
	length = strlen(err->message);
	memcpy(err->message + length, reason, strlen(reason) + 1);
	return -number;
}

int(error_set)(struct error *err, int number, const char *format, ...)
{
	va_list args;

	if (number <= 0)
		number = EIO;
	error_clear(err);
	err->number = number;
	va_start(args, format);
	error_format(err->message, sizeof(err->message), format, args);
	va_end(args);
	return -number;
}

int(error_wrap)(struct error *err, const char *format, ...)
{
	char inner[sizeof(err->message)];
	va_list args;
	size_t length;

	memcpy(inner, err->message, sizeof(inner));
	va_start(args, format);
	error_format(err->message, sizeof(err->message), format, args);
	va_end(args);
	length = strlen(err->message);
	(void)snprintf(err->message + length, sizeof(err->message) - length, ": %s", inner);
	return error_result(err);
}

int(error_at)(struct error *err, const char *format, ...)
{
	va_list args;

	if (err->field[0] != '\0')
		return error_result(err);
	va_start(args, format);
	error_format(err->field, sizeof(err->field), format, args);
	va_end(args);
	return error_result(err);
}

int(error_hint)(struct error *err, const char *format, ...)
{
	va_list args;

	if (err->hint[0] != '\0')
		return error_result(err);
	va_start(args, format);
	error_format(err->hint, sizeof(err->hint), format, args);
	va_end(args);
	return error_result(err);
}

void error_clear(struct error *err)
{
	err->number = 0;
	err->field[0] = '\0';
	err->message[0] = '\0';
	err->hint[0] = '\0';
}
