/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_LINUX_UNALIGNED_H
#define _SHIM_LINUX_UNALIGNED_H

#include <string.h>
#include <asm/byteorder.h>

#define __shim_unaligned(bits)						\
static inline u##bits get_unaligned_le##bits(const void *p)		\
{									\
	__le##bits v;							\
									\
	memcpy(&v, p, sizeof(v));					\
	return le##bits##_to_cpu(v);					\
}									\
									\
static inline void put_unaligned_le##bits(u##bits val, void *p)	\
{									\
	__le##bits v = cpu_to_le##bits(val);				\
									\
	memcpy(p, &v, sizeof(v));					\
}

__shim_unaligned(16)
__shim_unaligned(32)
__shim_unaligned(64)

#endif
