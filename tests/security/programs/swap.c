/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap SECONDS A B [A B]...: exchanges each pair of names in turn until the time is over or its
 * parent is dead. What the owner of a volume does while the runtime looks at it.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

int main(int argc, char **argv)
{
	time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 0);
	unsigned int dice = 1;

	if (argc < 4 || argc % 2 != 0)
		return 2;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (time(NULL) < end) {
		struct timespec pause = {.tv_nsec = 0};

		for (int i = 2; i + 1 < argc; i += 2)
			if (renameat2(AT_FDCWD, argv[i], AT_FDCWD, argv[i + 1], RENAME_EXCHANGE)) {
				perror(argv[i]);
				return 1;
			}
		/* Of another length each time, so that no rhythm hides a window. */
		dice = dice * 1103515245 + 12345;
		pause.tv_nsec = dice >> 17;
		nanosleep(&pause, NULL);
	}
	return 0;
}
