/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test program in one header: a table of cases, expectations that count
 * failures and go on, and a verdict in KTAP. A program includes it once.
 *
 *	EXPECT(t->nr.pci == 3);
 *	EXPECT_EQ(ep.id, 0x41);
 *	...
 *	static const struct check_case cases[] = {
 *		CASE(a_table_of_three),
 *	};
 *	CHECK_SUITE(viot_table, cases);
 *
 * Run without arguments for all cases, or with parts of names for some;
 * --list names them. The same file is a KUnit suite where kunit/check.h takes
 * the place of this one.
 */
#ifndef _CHECK_H
#define _CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <linux/array_size.h>

#define CHECK_SHARE	1

/* All cases of a program, with sanitizers and on a slow machine. */
#define CHECK_SECONDS	300

static inline void check_print(const char *line)
{
	printf("# %s\n", line);
}

static inline void check_breathe(void)
{
}

#include "check_common.h"

/* Of CPU time, which is the same on a busy machine. */
static inline unsigned long long check_nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static inline int check_chosen(const char *name, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++)
		if (strstr(name, argv[i]))
			return 1;
	return argc < 2;
}

static inline int check_main(const char *suite, const struct check_case *cases,
			     size_t nr, int argc, char **argv)
{
	int bad, failed = 0, number = 0, plan = 0;
	size_t i;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (i = 0; i < nr; i++)
			puts(cases[i].name);
		return 0;
	}

	/* What does not end is a failure, and not a test that hangs. */
	alarm(CHECK_SECONDS);
	for (i = 0; i < nr; i++)
		plan += check_chosen(cases[i].name, argc, argv);
	printf("KTAP version 1\n1..%d\n", plan);
	for (i = 0; i < nr; i++) {
		if (!check_chosen(cases[i].name, argc, argv))
			continue;
		bad = check_run(&cases[i]);
		printf("%sok %d %s.%s\n", bad ? "not " : "", ++number, suite,
		       cases[i].name);
		fflush(stdout);
		failed += !!bad;
	}
	return failed || !plan;
}

#define CHECK_SUITE(name, cases)					\
	int main(int argc, char **argv)					\
	{								\
		return check_main(#name, cases, ARRAY_SIZE(cases), argc, argv); \
	}								\
	struct check_case /* for the semicolon */

#endif /* _CHECK_H */
