/* SPDX-License-Identifier: Apache-2.0 */
#include "base/quantity.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/fd.h"

/* Digits of a fraction that count: more would not fit, and say nothing. */
#define QUANTITY_FRACTION_DIGITS 15

/* A decimal number: its whole part, and its fraction in units of 1/scale. */
struct quantity {
	int64_t whole, fraction, scale;
	bool digits;
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads digits, a point, digits. Returns what is behind them, or NULL when it is too large. */
static const char *quantity_read(const char *text, struct quantity *ret_quantity)
{
	struct quantity quantity = {.scale = 1};

	for (; is_digit(*text); text++) {
		quantity.digits = true;
		if (__builtin_mul_overflow(quantity.whole, 10, &quantity.whole) ||
		    __builtin_add_overflow(quantity.whole, *text - '0', &quantity.whole))
			return NULL;
	}
	if (*text == '.') {
		text++;
		for (int i = 0; is_digit(*text); text++, i++) {
			quantity.digits = true;
			if (i >= QUANTITY_FRACTION_DIGITS)
				continue;
			quantity.fraction = quantity.fraction * 10 + (*text - '0');
			quantity.scale *= 10;
		}
	}
	*ret_quantity = quantity;
	return text;
}

/* The number times a unit, cut to a whole. */
static int quantity_scale(const struct quantity *quantity, int64_t unit, int64_t *ret_value)
{
	__extension__ typedef __int128 wide;
	wide value =
		(wide)quantity->whole * unit + (wide)quantity->fraction * unit / quantity->scale;

	if (value > INT64_MAX)
		return -ERANGE;
	*ret_value = (int64_t)value;
	return 0;
}

int quantity_parse_bytes(const char *text, int64_t *ret_bytes)
{
	static const char prefixes[] = "kmgtp";
	struct quantity quantity;
	const char *at, *prefix;
	int64_t unit = 1;

	at = quantity_read(text, &quantity);
	if (!at)
		return -ERANGE;
	if (!quantity.digits)
		return -EINVAL;
	if (*at == ' ')
		at++;
	prefix = *at ? strchr(prefixes, tolower((unsigned char)*at)) : NULL;
	if (prefix) {
		unit = INT64_C(1) << (10 * (prefix - prefixes + 1));
		at++;
		if (tolower((unsigned char)at[0]) == 'i' && tolower((unsigned char)at[1]) == 'b')
			at++;
	}
	if (tolower((unsigned char)*at) == 'b')
		at++;
	if (*at != '\0')
		return -EINVAL;
	return quantity_scale(&quantity, unit, ret_bytes);
}

struct quantity_unit {
	const char *name;
	int64_t nanoseconds;
};
/* A longer name before its beginning. */
static const struct quantity_unit quantity_times[] = {
	{"ns", 1},
	{"us", 1000},
	{"\xc2\xb5s", 1000}, /* U+00B5, the micro sign */
	{"\xce\xbcs", 1000}, /* U+03BC, the Greek letter */
	{"ms", 1000000},
	{"s", 1000000000},
	{"m", INT64_C(60000000000)},
	{"h", INT64_C(3600000000000)},
};

static const struct quantity_unit *quantity_find_time(const char *text)
{
	for (size_t i = 0; i < array_size(quantity_times); i++)
		if (strncmp(text, quantity_times[i].name, strlen(quantity_times[i].name)) == 0)
			return &quantity_times[i];
	return NULL;
}

int quantity_parse_duration(const char *text, int64_t *ret_nanoseconds)
{
	bool negative = *text == '-';
	int64_t sum = 0;

	text += negative || *text == '+';
	if (strcmp(text, "0") == 0) {
		*ret_nanoseconds = 0;
		return 0;
	}
	if (*text == '\0')
		return -EINVAL;
	while (*text) {
		const struct quantity_unit *unit;
		struct quantity quantity;
		int64_t part;

		text = quantity_read(text, &quantity);
		if (!text)
			return -ERANGE;
		unit = quantity.digits ? quantity_find_time(text) : NULL;
		if (!unit)
			return -EINVAL;
		if (quantity_scale(&quantity, unit->nanoseconds, &part) < 0 ||
		    __builtin_add_overflow(sum, part, &sum))
			return -ERANGE;
		text += strlen(unit->name);
	}
	*ret_nanoseconds = negative ? -sum : sum;
	return 0;
}
