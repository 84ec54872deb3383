/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long the kernel has drivers wait for what their devices need, for tests
 * of both: before the time is over and after.
 */
#ifndef _PATIENCE_H
#define _PATIENCE_H

#include <kunit/test.h>
#include <linux/init.h>
#include <linux/kernel.h>
#include <linux/string.h>

/*
 * A parameter of the kernel's command line that no file can change: while the
 * kernel boots, which is when suites are run, it can still be read.
 */
extern const struct obs_kernel_param __setup_start[], __setup_end[];

static __maybe_unused bool __ref boot_param(const char *name, const char *value)
{
	static char copy[16];
	const struct obs_kernel_param *param;

	if (system_state >= SYSTEM_FREEING_INITMEM)
		return false;
	strscpy(copy, value);
	for (param = __setup_start; param < __setup_end; param++) {
		if (!param->early && !strcmp(param->str, name))
			return param->setup_func(copy);
	}
	return false;
}

static inline void wait_no_more(void *unused)
{
	boot_param("deferred_probe_timeout=", "0");
}

/* The time for which drivers wait may be over, or be over at any moment. */
static inline void wait_for_suppliers(struct kunit *test)
{
	if (!boot_param("deferred_probe_timeout=", "60"))
		kunit_skip(test, "only while the kernel boots");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, wait_no_more, NULL), 0);
}

#endif /* _PATIENCE_H */
