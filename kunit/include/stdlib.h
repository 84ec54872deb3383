/* SPDX-License-Identifier: GPL-2.0 */
/* Memory as tests want it: as much as they say, and never refused. */
#ifndef _SHIM_STDLIB_H
#define _SHIM_STDLIB_H

#include <linux/slab.h>

static inline void *malloc(size_t size)
{
	return kvmalloc(size, GFP_KERNEL | __GFP_NOFAIL);
}

static inline void *calloc(size_t n, size_t size)
{
	return kvcalloc(n, size, GFP_KERNEL | __GFP_NOFAIL);
}

static inline void *realloc(void *p, size_t size)
{
	return kvrealloc(p, size, GFP_KERNEL | __GFP_NOFAIL);
}

static inline void free(void *p)
{
	kvfree(p);
}

#endif
