/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations that fail, in the task that says so and nowhere else. Knows the
 * kernel's fault injection, as far as it can be had without user space.
 */
#ifndef _FAILSLAB_H
#define _FAILSLAB_H

#include <linux/debugfs.h>
#include <linux/kallsyms.h>
#include <linux/sched.h>
#include <linux/slab.h>

#if IS_ENABLED(CONFIG_FAILSLAB)
static inline void fail_nth(unsigned int n)
{
	WRITE_ONCE(current->fail_nth, n);
}

/* How many allocations before the one that was to fail; 0 if it has failed */
static inline unsigned int fail_left(void)
{
	unsigned int left = READ_ONCE(current->fail_nth);

	WRITE_ONCE(current->fail_nth, 0);
	return left;
}
#else
static inline void fail_nth(unsigned int n)
{
}

static inline unsigned int fail_left(void)
{
	return 0;
}
#endif

/* What a file of debugfs/failslab stands for: there are no files without user space. */
static inline void *failslab_variable(const char *name)
{
	struct dentry *dir = debugfs_lookup("failslab", NULL);
	struct dentry *file = dir ? debugfs_lookup(name, dir) : NULL;
	void *variable = file ? d_inode(file)->i_private : NULL;

	dput(file);
	dput(dir);
	return variable;
}

/* Allocations that may wait do not fail by default, and those that fail draw a backtrace. */
static inline bool failslab_ignores_wait(bool ignore)
{
	bool *ignores = failslab_variable("ignore-gfp-wait");
	bool before = ignores && *ignores;

	if (ignores)
		*ignores = ignore;
	return before;
}

static inline unsigned long failslab_verbose(unsigned long verbose)
{
	unsigned long *says = failslab_variable("verbose");
	unsigned long before = says ? *says : 0;

	if (says)
		*says = verbose;
	return before;
}

/*
 * Have no allocation fail under a function of the core's that would WARN of
 * it. False if this kernel cannot do that.
 */
static inline bool failslab_spare(const char *function)
{
	unsigned long *start = failslab_variable("reject-start");
	unsigned long *end = failslab_variable("reject-end");
	unsigned long size, address = kallsyms_lookup_name(function);

	if (!start || !end || !address || !kallsyms_lookup_size_offset(address, &size, NULL))
		return false;
	*start = address;
	*end = address + size;
	return true;
}

static inline void failslab_spare_none(void *unused)
{
	unsigned long *start = failslab_variable("reject-start");
	unsigned long *end = failslab_variable("reject-end");

	*start = 0;
	*end = 0;
}

static inline bool allocations_fail(void)
{
	void *memory;

	fail_nth(1);
	memory = kmalloc(64, GFP_KERNEL);
	fail_left();
	kfree(memory);
	return !memory;
}

#endif /* _FAILSLAB_H */
