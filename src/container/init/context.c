/* SPDX-License-Identifier: Apache-2.0 */
#include "container/init/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/channel.h"
#include "kernel/process.h"

int init_send(const struct init *init, enum sync_word word, int fd, struct error *err)
{
	struct channel_message message = {.word = word};
	int r = channel_send(init->channel, &message, fd);

	return r < 0 ? error_errno(err, -r, "speak to the runtime") : 0;
}

int init_expect(const struct init *init, enum sync_word word, struct error *err)
{
	struct channel_message message;
	int r = channel_recv(init->channel, -1, PROCESS_NO_DEADLINE, &message, NULL);

	if (r < 0)
		return error_errno(err, -r, "wait for the runtime");
	if (message.word != word)
		return error_set(err, EPROTO, "the runtime said %u instead of %u", message.word,
				 word);
	return 0;
}

char **init_vector(const struct oci_strings *strings)
{
	char **vector = calloc(strings->count + 1, sizeof(*vector));

	if (vector && strings->count)
		memcpy(vector, strings->items, strings->count * sizeof(*vector));
	return vector;
}
