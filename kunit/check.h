/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Makes KUnit suites of the tests in tests/host, where a header of this name
 * makes programs of them: a suite has one case with parameters, which are the
 * cases of the test. In a kernel's tree, scripts/overlay lays them beside it.
 */
#ifndef _CHECK_H
#define _CHECK_H

#include <kunit/test.h>
#include <kunit/test-bug.h>
#include <linux/array_size.h>
#include <linux/sched.h>
#include <linux/sprintf.h>
#include <linux/stdarg.h>
#include <linux/timekeeping.h>

/* Kernels under test run in an emulator, with sanitizers that user space has too. */
#define CHECK_SHARE	(IS_ENABLED(CONFIG_KASAN) ? 256 : 32)

static inline void check_print(const char *line)
{
	kunit_info(kunit_get_current_test(), "%s\n", line);
}

static inline void check_breathe(void)
{
	cond_resched();
}

#include "check_common.h"

static inline unsigned long long check_nanoseconds(void)
{
	return ktime_get_ns();
}

#define CHECK_SUITE(suite, cases)					\
	KUNIT_ARRAY_PARAM_DESC(check, cases, name);			\
	static void each_case(struct kunit *test)			\
	{								\
		KUNIT_EXPECT_EQ(test, check_run(test->param_value), 0);	\
	}								\
	static struct kunit_case check_cases[] = {			\
		KUNIT_CASE_PARAM(each_case, check_gen_params), { }	\
	};								\
	static struct kunit_suite check_suite = {			\
		.name = "viommu_" #suite, .test_cases = check_cases,	\
	};								\
	kunit_test_suite(check_suite)

#endif /* _CHECK_H */
