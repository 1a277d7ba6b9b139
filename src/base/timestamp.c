/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timestamp.h"

#include <stdint.h>
#include <stdio.h>

/*
 * Days since 1970-01-01 to a date of the proleptic Gregorian calendar. Years are counted from March
 * 1st, so that the leap day is the last of its year; 400 of them are 146,097 days.
 */
static void timestamp_date(int64_t days, int *ret_year, int *ret_month, int *ret_day)
{
	int64_t era, of_era, year_of_era, of_year, month;

	days += 719468; /* from 0000-03-01 */
	era = (days >= 0 ? days : days - 146096) / 146097;
	of_era = days - era * 146097;
	year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * of_year + 2) / 153; /* 0: March */
	*ret_day = (int)(of_year - (153 * month + 2) / 5 + 1);
	*ret_month = (int)(month < 10 ? month + 3 : month - 9);
	*ret_year = (int)(era * 400 + year_of_era + (*ret_month <= 2));
}

void timestamp_format(const struct timespec *when, char *out)
{
	int64_t days = when->tv_sec / 86400, second = when->tv_sec % 86400;
	int year, month, day;

	if (second < 0) {
		second += 86400;
		days--;
	}
	timestamp_date(days, &year, &month, &day);
	(void)snprintf(out, TIMESTAMP_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", year % 10000,
		       month, day, (int)(second / 3600), (int)(second / 60 % 60),
		       (int)(second % 60), when->tv_nsec % 1000000000);
}

void timestamp_now(char *out)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_REALTIME, &now);
	timestamp_format(&now, out);
}
