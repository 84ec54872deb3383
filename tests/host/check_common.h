/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table of cases, and expectations that count failures and go on: what
 * tests have in common wherever they run. They include check.h, which knows
 * where that is: a program of user space, or a kernel with KUnit. It gives:
 *
 *	check_print(line)	tell a person; the line ends by itself
 *	check_breathe()		called now and then by what takes long
 *	CHECK_SHARE		of what takes long, do one part in so many
 */
#ifndef _CHECK_COMMON_H
#define _CHECK_COMMON_H

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
	check_breathe();
}

/* A line for people: a measurement, for instance. */
static inline __attribute__((__format__(__printf__, 1, 2)))
void check_note(const char *fmt, ...)
{
	char line[512];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	check_print(line);
}

static inline int check_fail(const char *file, int line, const char *what)
{
	if (check_failures++ < CHECK_SHOWN)
		check_note("%s:%d: %s%s%s", file, line, what,
			   *check_where ? ": " : "", check_where);
	return 0;
}

static inline int check_eq(const char *file, int line, const char *what,
			   unsigned long long left, unsigned long long right)
{
	char text[256];

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

/* The same numbers in every run of a case: a failure can be had again. */
static unsigned long long check_seed;

static inline unsigned int check_random(unsigned int limit)
{
	check_seed = check_seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (check_seed >> 33) % limit;
}

/* How many rounds to do of @n, which is as many as ever make sense. */
static inline unsigned int check_rounds(unsigned int n)
{
	return (n + CHECK_SHARE - 1) / CHECK_SHARE;
}

/* From one value of a range to the next: by 1, where all of them are tried. */
static inline unsigned int check_step(void)
{
	return CHECK_SHARE == 1 ? 1 : 1 + check_random(2 * CHECK_SHARE - 1);
}

/* Run @c and return how many expectations failed. */
static inline int check_run(const struct check_case *c)
{
	check_failures = 0;
	check_seed = 1;
	check_row("%s", "");
	c->run();
	if (check_failures > CHECK_SHOWN)
		check_note("... %d failures in all", check_failures);
	return check_failures;
}

#endif /* _CHECK_COMMON_H */
