/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_LINUX_STRING_H
#define _SHIM_LINUX_STRING_H

#include_next <linux/string.h>
#include <string.h>
#include <linux/types.h>

/* The first byte of @len at @p that is not @c, or NULL. */
static inline void *memchr_inv(const void *p, int c, size_t len)
{
	const u8 *b = p;

	for (; len; len--, b++)
		if (*b != (u8)c)
			return (void *)b;
	return NULL;
}

#endif
