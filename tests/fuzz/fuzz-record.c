/* SPDX-License-Identifier: Apache-2.0 */
/* State files as somebody may have damaged them: the first byte says which of both it is. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"
#include "base/log.h"
#include "container/state/record.h"
#include "container/state/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void swallow(void *data, enum log_level level, const char *message)
{
	(void)data;
	(void)level;
	(void)message;
}

/* Whoever loads a record may rely on this. */
static void check(const struct record *record)
{
	auto_text struct text text = {0};
	struct process_identity identity;

	record_identity(record, &identity);
	if (record->intent) {
		struct status_document document = {.intent = record->intent};

		if (!record->intent->id || !record->intent->bundle)
			abort();
		status_encode(&document, STATUS_FIELDS_ALL, &text);
	}
	if (record->state &&
	    (identity.pid <= 0 || !record->state->boot_id || record->state->phase > RECORD_RUNNING))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *name = size && (data[0] & 1) ? STORE_STATE : STORE_INTENT;
	char path[] = "/tmp/knarr-fuzz.XXXXXX";
	struct record record = RECORD_INIT;
	struct error err = ERROR_INIT;
	struct store_entry entry = {.id = "c1"};

	if (size == 0 || !mkdtemp(path))
		return 0;
	log_set_sink(swallow, NULL, LOG_LEVEL_ERROR);
	entry.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (io_replace_file(entry.fd, name, data + 1, size - 1, 0600) == 0 &&
	    record_load(&entry, &record, &err) == 0)
		check(&record);
	record_clear(&record);
	(void)unlinkat(entry.fd, name, 0);
	store_entry_close(&entry);
	(void)rmdir(path);
	return 0;
}
