/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel has said, for tests of things that only a message tells.
 */
#ifndef _SAID_H
#define _SAID_H

#include <kunit/test.h>
#include <linux/kmsg_dump.h>
#include <linux/string.h>

/* From here on */
static inline struct kmsg_dump_iter said_mark(void)
{
	struct kmsg_dump_iter iter;

	kmsg_dump_rewind(&iter);
	iter.cur_seq = iter.next_seq;
	return iter;
}

/* In how many lines since then these words stand */
static inline unsigned int said_since(const struct kmsg_dump_iter *mark, const char *words)
{
	struct kmsg_dump_iter iter = *mark;
	static char line[1024];		/* of tests, one runs at a time */
	unsigned int count = 0;
	size_t len;

	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		count += !!strstr(line, words);
	}
	return count;
}

static inline void said_expect(struct kunit *test, const struct kmsg_dump_iter *mark,
			       const char *words, unsigned int times)
{
	KUNIT_EXPECT_EQ_MSG(test, said_since(mark, words), times, "\"%s\"", words);
}

#endif /* _SAID_H */
