/* SPDX-License-Identifier: GPL-2.0 */
/* Memory as tests want it: as large as they say and never refused. */
#ifndef _SHIM_STDLIB_H
#define _SHIM_STDLIB_H

#include <linux/slab.h>

#define malloc(size)		kvmalloc(size, GFP_KERNEL | __GFP_NOFAIL)
#define calloc(n, size)		kvcalloc(n, size, GFP_KERNEL | __GFP_NOFAIL)
#define realloc(p, size)	kvrealloc(p, size, GFP_KERNEL | __GFP_NOFAIL)
#define free(p)			kvfree(p)

#endif
