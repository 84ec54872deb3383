/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_LINUX_OVERFLOW_H
#define _SHIM_LINUX_OVERFLOW_H

#include <linux/limits.h>
#include <linux/types.h>

#define check_add_overflow(a, b, d)	__builtin_add_overflow(a, b, d)
#define check_sub_overflow(a, b, d)	__builtin_sub_overflow(a, b, d)
#define check_mul_overflow(a, b, d)	__builtin_mul_overflow(a, b, d)

static inline size_t size_add(size_t a, size_t b)
{
	return check_add_overflow(a, b, &a) ? (size_t)-1 : a;
}

static inline size_t size_mul(size_t a, size_t b)
{
	return check_mul_overflow(a, b, &a) ? (size_t)-1 : a;
}

#define array_size(a, b)		size_mul(a, b)
#define struct_size(p, member, n)	\
	size_add(sizeof(*(p)), size_mul(n, sizeof((p)->member[0])))

#endif
