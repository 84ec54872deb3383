/* SPDX-License-Identifier: GPL-2.0 */
/* Tables in the making: append nodes, then seal. */
#ifndef _VIOT_BUILD_H
#define _VIOT_BUILD_H

#include <stdlib.h>
#include <string.h>

#include <linux/types.h>

struct build {
	u8	*bytes;
	size_t	len;
	size_t	room;
	u32	nodes;
};

static inline void build_put(u8 *p, u64 value, int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*p++ = value;
}

/* @len more bytes, all 0. */
static inline u8 *build_more(struct build *b, size_t len)
{
	if (b->len + len > b->room) {
		b->room = 2 * (b->len + len);
		b->bytes = realloc(b->bytes, b->room);
	}
	memset(b->bytes + b->len, 0, len);
	b->len += len;
	return b->bytes + b->len - len;
}

static inline struct build build_table(void)
{
	struct build b = { 0 };

	memcpy(build_more(&b, 48), "VIOT", 4);
	build_put(b.bytes + 38, 48, 2);
	return b;
}

/* A node of @type, as long as @len says; the return is its offset. */
static inline u32 build_node(struct build *b, u8 type, u16 len)
{
	u8 *p = build_more(b, len);

	p[0] = type;
	build_put(p + 2, len, 2);
	b->nodes++;
	return p - b->bytes;
}

static inline u32 build_iommu_pci(struct build *b, u16 segment, u16 bdf)
{
	u32 off = build_node(b, 3, 16);

	build_put(b->bytes + off + 4, segment, 2);
	build_put(b->bytes + off + 6, bdf, 2);
	return off;
}

static inline u32 build_iommu_mmio(struct build *b, u64 base)
{
	u32 off = build_node(b, 4, 16);

	build_put(b->bytes + off + 8, base, 8);
	return off;
}

static inline u32 build_pci(struct build *b, u32 iommu, u32 id,
			    u16 s0, u16 s1, u16 b0, u16 b1)
{
	u32 off = build_node(b, 1, 24);
	u8 *p = b->bytes + off;

	build_put(p + 4, id, 4);
	build_put(p + 8, s0, 2);
	build_put(p + 10, s1, 2);
	build_put(p + 12, b0, 2);
	build_put(p + 14, b1, 2);
	build_put(p + 16, iommu, 2);
	return off;
}

static inline u32 build_mmio(struct build *b, u32 iommu, u32 id, u64 base)
{
	u32 off = build_node(b, 2, 24);
	u8 *p = b->bytes + off;

	build_put(p + 4, id, 4);
	build_put(p + 8, base, 8);
	build_put(p + 16, iommu, 2);
	return off;
}

/* Fill in length, count and checksum. */
static inline void build_seal(struct build *b)
{
	u8 sum = 0;
	size_t i;

	build_put(b->bytes + 4, b->len, 4);
	build_put(b->bytes + 36, b->nodes, 2);
	b->bytes[9] = 0;
	for (i = 0; i < b->len; i++)
		sum += b->bytes[i];
	b->bytes[9] = -sum;
}

#endif /* _VIOT_BUILD_H */
