/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A test program in one header: a table of cases, expectations that count
 * failures and go on, and a verdict in KTAP. A program includes it once.
 *
 *	EXPECT(t->nr.pci == 3);
 *	EXPECT_EQ(ep.id, 0x41);
 *
 * Run without arguments for all cases, or with parts of names for some.
 */
#ifndef _CHECK_H
#define _CHECK_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct check_case {
	const char	*name;
	void		(*run)(void);
};

#define CASE(fn)	{ #fn, fn }

/* Failures beyond these are counted, but not shown. */
#define CHECK_SHOWN	10

static int check_failures;
static char check_where[256];

/* What the expectations that follow are about: the row of a table, say. */
static inline __attribute__((__format__(__printf__, 1, 2)))
void check_row(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(check_where, sizeof(check_where), fmt, args);
	va_end(args);
}

/* A line for people: a measurement, for instance. */
static inline __attribute__((__format__(__printf__, 1, 2)))
void check_note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	printf("# ");
	vprintf(fmt, args);
	printf("\n");
	va_end(args);
}

static inline int check_fail(const char *file, int line, const char *what)
{
	if (check_failures++ < CHECK_SHOWN)
		printf("# %s:%d: %s%s%s\n", file, line, what,
		       *check_where ? ": " : "", check_where);
	return 0;
}

static inline int check_eq(const char *file, int line, const char *what,
			   unsigned long long left, unsigned long long right)
{
	char text[512];

	if (left == right)
		return 1;
	snprintf(text, sizeof(text), "%s: %#llx is not %#llx", what, left, right);
	return check_fail(file, line, text);
}

/* Both are true if the expectation holds, so that a test may return early. */
#define EXPECT(cond) \
	((cond) ? 1 : check_fail(__FILE__, __LINE__, "not so: " #cond))
#define EXPECT_EQ(left, right) \
	check_eq(__FILE__, __LINE__, #left " == " #right, \
		 (unsigned long long)(left), (unsigned long long)(right))

/* Of CPU time, which is the same on a busy machine. */
static inline double check_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* The same numbers in every run of a case: a failure can be had again. */
static unsigned long long check_seed;

static inline unsigned int check_random(unsigned int limit)
{
	check_seed = check_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (check_seed >> 33) % limit;
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
	int failed = 0, number = 0, plan = 0;
	size_t i;

	for (i = 0; i < nr; i++)
		plan += check_chosen(cases[i].name, argc, argv);
	printf("KTAP version 1\n1..%d\n", plan);
	for (i = 0; i < nr; i++) {
		if (!check_chosen(cases[i].name, argc, argv))
			continue;
		check_failures = 0;
		check_seed = 1;
		check_row("%s", "");
		cases[i].run();
		if (check_failures > CHECK_SHOWN)
			printf("# ... %d failures in all\n", check_failures);
		printf("%sok %d %s.%s\n", check_failures ? "not " : "", ++number,
		       suite, cases[i].name);
		fflush(stdout);
		failed += !!check_failures;
	}
	return failed || !plan;
}

#endif /* _CHECK_H */
