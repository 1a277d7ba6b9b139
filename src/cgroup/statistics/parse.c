/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of the kernel's counters. Pure. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "cgroup/statistics/statistics.h"

#define LIST_NUMBER_MAX 65535
/* Decimal digits of an average: whole percents of at most 100 and two behind the point. */
#define PSI_WHOLE_MAX 1000000

/* A word of a line, or of a part of one. */
struct word {
	const char *text;
	size_t length;
};

/* Takes the next word from *rest, up to `end`; an empty one when there is none. */
static struct word word_next(const char **rest, const char *end)
{
	struct word word;

	while (*rest < end && (**rest == ' ' || **rest == '\t'))
		(*rest)++;
	word.text = *rest;
	while (*rest < end && **rest != ' ' && **rest != '\t')
		(*rest)++;
	word.length = (size_t)(*rest - word.text);
	return word;
}

/* Where the line that begins at `line` ends. */
static const char *line_end(const char *line)
{
	return line + strcspn(line, "\n");
}

static const char *line_next(const char *line)
{
	const char *end = line_end(line);

	return end + (*end == '\n');
}

static bool word_is(struct word word, const char *text)
{
	return word.length == strlen(text) && memcmp(word.text, text, word.length) == 0;
}

static int word_number(struct word word, uint64_t *ret_value)
{
	uint64_t value = 0;

	if (word.length == 0)
		return -EBADMSG;
	for (size_t i = 0; i < word.length; i++) {
		char c = word.text[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(c - '0'), &value))
			return -EBADMSG;
	}
	*ret_value = value;
	return 0;
}

/* "KEY=VALUE", "8:0": two words at the separator. */
static bool word_split(struct word word, char separator, struct word *ret_key,
		       struct word *ret_value)
{
	const char *at = memchr(word.text, separator, word.length);

	if (!at)
		return false;
	*ret_key = (struct word){word.text, (size_t)(at - word.text)};
	*ret_value = (struct word){at + 1, word.length - (size_t)(at - word.text) - 1};
	return true;
}

/* Room for one more item of `size` bytes in a list of {items, count, size}. */
static void *list_grow(void *items, size_t count, size_t *size, size_t item)
{
	void *larger;

	if (count < *size)
		return items;
	larger = reallocarray(items, *size ? *size * 2 : 16, item);
	if (larger)
		*size = *size ? *size * 2 : 16;
	return larger;
}

static int numbers_add(struct statistics_numbers *numbers, uint64_t value)
{
	uint64_t *items = list_grow(numbers->items, numbers->count, &numbers->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	numbers->items = items;
	items[numbers->count++] = value;
	return 0;
}

static int counter_compare(const void *a, const void *b)
{
	return strcmp(((const struct statistics_counter *)a)->name,
		      ((const struct statistics_counter *)b)->name);
}

static int counters_add(struct statistics_counters *counters, struct word name, uint64_t value)
{
	struct statistics_counter *items =
		list_grow(counters->items, counters->count, &counters->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	counters->items = items;
	items[counters->count].name = strndup(name.text, name.length);
	if (!items[counters->count].name)
		return -ENOMEM;
	items[counters->count++].value = value;
	return 0;
}

int statistics_parse_counters(const char *text, struct statistics_counters *counters)
{
	for (const char *line = text; *line; line = line_next(line)) {
		const char *at = line, *end = line_end(line);
		struct word name = word_next(&at, end), number = word_next(&at, end);
		uint64_t value;
		int r;

		if (name.length == 0)
			continue;
		r = word_number(number, &value);
		if (r == 0)
			r = counters_add(counters, name, value);
		if (r < 0)
			return r;
	}
	if (counters->count)
		qsort(counters->items, counters->count, sizeof(*counters->items), counter_compare);
	return 0;
}

uint64_t statistics_counter(const struct statistics_counters *counters, const char *name)
{
	for (size_t i = 0; i < counters->count; i++)
		if (strcmp(counters->items[i].name, name) == 0)
			return counters->items[i].value;
	return 0;
}

/* "1.50" as hundredths. */
static int psi_average(struct word word, uint64_t *ret_value)
{
	struct word whole, part;
	uint64_t value, hundredths;

	if (!word_split(word, '.', &whole, &part) || part.length != 2 ||
	    word_number(whole, &value) < 0 || word_number(part, &hundredths) < 0 ||
	    value > PSI_WHOLE_MAX)
		return -EBADMSG;
	*ret_value = value * 100 + hundredths;
	return 0;
}

static int psi_line(const char *at, const char *end, struct statistics_psi_line *line)
{
	struct word word, key, value;

	while ((word = word_next(&at, end)).length > 0) {
		int r = 0;

		if (!word_split(word, '=', &key, &value))
			return -EBADMSG;
		if (word_is(key, "avg10"))
			r = psi_average(value, &line->avg10);
		else if (word_is(key, "avg60"))
			r = psi_average(value, &line->avg60);
		else if (word_is(key, "avg300"))
			r = psi_average(value, &line->avg300);
		else if (word_is(key, "total"))
			r = word_number(value, &line->total);
		if (r < 0)
			return r;
	}
	return 0;
}

int statistics_parse_psi(const char *text, struct statistics_psi *psi)
{
	for (const char *line = text; *line; line = line_next(line)) {
		const char *at = line, *end = line_end(line);
		struct word kind = word_next(&at, end);
		int r = 0;

		if (word_is(kind, "some"))
			r = psi_line(at, end, &psi->some);
		else if (word_is(kind, "full"))
			r = psi_line(at, end, &psi->full);
		if (r < 0)
			return r;
	}
	psi->known = true;
	return 0;
}

static int io_add(struct statistics_io_entries *entries, const struct statistics_io_entry *entry)
{
	struct statistics_io_entry *items =
		list_grow(entries->items, entries->count, &entries->size, sizeof(*items));

	if (!items)
		return -ENOMEM;
	entries->items = items;
	items[entries->count++] = *entry;
	return 0;
}

/* "8:16" */
static int io_device(struct word word, struct statistics_io_entry *entry)
{
	struct word major, minor;

	if (!word_split(word, ':', &major, &minor) || word_number(major, &entry->major) < 0)
		return -EBADMSG;
	return word_number(minor, &entry->minor);
}

/* The keys of io.stat, by v1's names. */
struct io_key {
	const char *key, *op;
	enum statistics_io_kind kind;
};
static const struct io_key io_keys[] = {
	{"rbytes", "Read", STATISTICS_IO_BYTES},
	{"wbytes", "Write", STATISTICS_IO_BYTES},
	{"rios", "Read", STATISTICS_IO_SERVICED},
	{"wios", "Write", STATISTICS_IO_SERVICED},
};

static int io_value(struct word word, const struct statistics_io_entry *device,
		    struct statistics_io *io)
{
	struct statistics_io_entry entry = *device;
	struct word key, value;

	if (!word_split(word, '=', &key, &value))
		return 0;
	for (size_t i = 0; i < array_size(io_keys); i++) {
		if (!word_is(key, io_keys[i].key))
			continue;
		if (word_number(value, &entry.value) < 0)
			return -EBADMSG;
		(void)snprintf(entry.op, sizeof(entry.op), "%s", io_keys[i].op);
		return io_add(&io->kinds[io_keys[i].kind], &entry);
	}
	return 0;
}

int statistics_parse_io(const char *text, struct statistics_io *io)
{
	for (const char *line = text; *line; line = line_next(line)) {
		const char *at = line, *end = line_end(line);
		struct word word = word_next(&at, end);
		struct statistics_io_entry device = {.op = ""};
		int r;

		if (word.length == 0)
			continue;
		/* A disk that is going away has a line without a number: "(unknown)". */
		if (io_device(word, &device) < 0) {
			if (word.text[0] >= '0' && word.text[0] <= '9')
				return -EBADMSG;
			continue;
		}
		while ((word = word_next(&at, end)).length > 0) {
			struct statistics_io_entry next = {.op = ""};

			/* Linux 5.15 and 5.16 end no line of a device that has nothing to tell. */
			if (io_device(word, &next) == 0) {
				device = next;
				continue;
			}
			r = io_value(word, &device, io);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int statistics_parse_blkio(const char *text, struct statistics_io_entries *entries)
{
	for (const char *line = text; *line; line = line_next(line)) {
		const char *at = line, *end = line_end(line);
		struct word device = word_next(&at, end), op = word_next(&at, end);
		struct word value = word_next(&at, end);
		struct statistics_io_entry entry = {.op = ""};
		int r;

		if (device.length == 0)
			continue;
		if (value.length == 0) {
			value = op;
			op.length = 0;
		}
		/* "Total 5", and "(unknown)" as in io.stat; NVMe with several paths has such. */
		if (device.text[0] < '0' || device.text[0] > '9')
			continue;
		if (op.length >= sizeof(entry.op) || io_device(device, &entry) < 0 ||
		    word_number(value, &entry.value) < 0)
			return -EBADMSG;
		memcpy(entry.op, op.text, op.length);
		r = io_add(entries, &entry);
		if (r < 0)
			return r;
	}
	return 0;
}

int statistics_parse_numbers(const char *text, struct statistics_numbers *numbers)
{
	for (const char *line = text; *line; line = line_next(line)) {
		const char *at = line, *end = line_end(line);
		struct word word;

		while ((word = word_next(&at, end)).length > 0) {
			uint64_t value;
			int r = word_number(word, &value);

			if (r == 0)
				r = numbers_add(numbers, value);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

int statistics_parse_usage_all(const char *text, struct statistics_numbers *user,
			       struct statistics_numbers *kernel)
{
	if (strncmp(text, "cpu user system", strlen("cpu user system")) != 0)
		return -EBADMSG;
	for (const char *line = line_next(text); *line; line = line_next(line)) {
		const char *at = line, *end = line_end(line);
		struct word cpu = word_next(&at, end), one = word_next(&at, end);
		struct word two = word_next(&at, end);
		uint64_t in_user, in_kernel;
		int r;

		if (cpu.length == 0)
			continue;
		if (word_number(one, &in_user) < 0 || word_number(two, &in_kernel) < 0)
			return -EBADMSG;
		r = numbers_add(user, in_user);
		if (r == 0)
			r = numbers_add(kernel, in_kernel);
		if (r < 0)
			return r;
	}
	return 0;
}

static int list_add_range(struct word word, struct statistics_numbers *numbers)
{
	struct word low = word, high = word;
	uint64_t first, last;

	(void)word_split(word, '-', &low, &high);
	if (word_number(low, &first) < 0 || word_number(high, &last) < 0 || first > last ||
	    last > LIST_NUMBER_MAX)
		return -EBADMSG;
	/* Ranges of the kernel do not overlap; of a text that says otherwise no more is taken. */
	if (numbers->count + (last - first) > LIST_NUMBER_MAX)
		return -EBADMSG;
	for (uint64_t number = first; number <= last; number++) {
		int r = numbers_add(numbers, number);

		if (r < 0)
			return r;
	}
	return 0;
}

int statistics_parse_list(const char *text, struct statistics_numbers *numbers)
{
	const char *end = line_end(text);
	int r = 0;

	while (r == 0 && text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text));
		const char *stop = comma ? comma : end;

		r = list_add_range((struct word){text, (size_t)(stop - text)}, numbers);
		text = stop + (comma != NULL);
	}
	return r;
}
