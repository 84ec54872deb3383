/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_ASM_BYTEORDER_H
#define _SHIM_ASM_BYTEORDER_H

#include_next <asm/byteorder.h>
#include <linux/types.h>

#define le16_to_cpu(x)		((u16)__le16_to_cpu(x))
#define le32_to_cpu(x)		((u32)__le32_to_cpu(x))
#define le64_to_cpu(x)		((u64)__le64_to_cpu(x))
#define cpu_to_le16(x)		__cpu_to_le16(x)
#define cpu_to_le32(x)		__cpu_to_le32(x)
#define cpu_to_le64(x)		__cpu_to_le64(x)

#endif
