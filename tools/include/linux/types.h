/* SPDX-License-Identifier: GPL-2.0 */
/* The kernel's types, on top of those that user space has in common with it. */
#ifndef _SHIM_LINUX_TYPES_H
#define _SHIM_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/compiler.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
/* As in the kernel, and not as <linux/types.h> has it on every architecture. */
typedef unsigned long long u64;
typedef long long s64;
typedef unsigned __int128 u128;
typedef u64 phys_addr_t;
typedef u64 dma_addr_t;

#endif
