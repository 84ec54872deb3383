// SPDX-License-Identifier: GPL-2.0
/*
 * A test of what runs the tests: everything here goes wrong, if asked to by
 * viommu_selftest.go_wrong=1, and must be noticed. It is skipped otherwise.
 */

#include <linux/compiler.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "check.h"

static bool go_wrong;
module_param(go_wrong, bool, 0444);

static int viommu_selftest_init(struct kunit *test)
{
	if (!go_wrong)
		kunit_skip(test, "viommu_selftest.go_wrong is not set");
	return 0;
}

/* Comes first: after another report, lockdep no longer looks. */
static void locks_in_either_order(struct kunit *test)
{
	static DEFINE_MUTEX(one);
	static DEFINE_MUTEX(other);

	mutex_lock(&one);
	mutex_lock(&other);
	mutex_unlock(&other);
	mutex_unlock(&one);

	mutex_lock(&other);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&other);
}

static void an_expectation_fails(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, 1, 2);
}

static void expect_what_is_not_so(void)
{
	EXPECT_EQ(1, 2);
}

/* As those of tests/host are run. */
static void a_shared_test_fails(struct kunit *test)
{
	static const struct check_case c = CASE(expect_what_is_not_so);

	KUNIT_EXPECT_EQ(test, check_run(&c), 0);
}

static void use_after_free(struct kunit *test)
{
	u8 *p = kmalloc(64, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, p);
	kfree(p);
	OPTIMIZER_HIDE_VAR(p);
	kunit_info(test, "%u\n", READ_ONCE(*p));
}

static void shift_too_far(struct kunit *test)
{
	unsigned int bits = 32, shifted;

	OPTIMIZER_HIDE_VAR(bits);
	shifted = 1U << bits;
	kunit_info(test, "%u\n", shifted);
}

static void sleep_under_a_spinlock(struct kunit *test)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
}

static unsigned int raced;

static int race(void *end)
{
	while (time_before(jiffies, *(unsigned long *)end)) {
		raced++;
		cond_resched();
	}
	return 0;
}

/* As many tasks as it takes for two of them to be on different processors. */
static void a_data_race(struct kunit *test)
{
	unsigned long end = jiffies + HZ;
	struct task_struct *other[3];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(other); i++) {
		other[i] = kthread_create(race, &end, "viommu-selftest");
		KUNIT_ASSERT_FALSE(test, IS_ERR(other[i]));
		get_task_struct(other[i]);
		wake_up_process(other[i]);
	}
	race(&end);
	for (i = 0; i < ARRAY_SIZE(other); i++)
		kthread_stop_put(other[i]);
}

/* Several, as one may still be known to a register or a stack. */
static void leaks(struct kunit *test)
{
	unsigned int i;
	void *p;

	for (i = 0; i < 8; i++) {
		p = kmalloc(200, GFP_KERNEL);
		KUNIT_EXPECT_NOT_NULL(test, p);
	}
}

static struct kunit_case viommu_selftest_cases[] = {
	KUNIT_CASE(locks_in_either_order),
	KUNIT_CASE(an_expectation_fails),
	KUNIT_CASE(a_shared_test_fails),
	KUNIT_CASE(use_after_free),
	KUNIT_CASE(shift_too_far),
	KUNIT_CASE(sleep_under_a_spinlock),
	KUNIT_CASE(a_data_race),
	KUNIT_CASE(leaks),
	{ }
};

/* The name is apart from viommu_*, by which scripts/kunit knows the others. */
static struct kunit_suite viommu_selftest = {
	.name = "viommu-selftest",
	.init = viommu_selftest_init,
	.test_cases = viommu_selftest_cases,
};

kunit_test_suite(viommu_selftest);
