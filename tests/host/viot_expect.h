/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of topology ask of tables and findings, whatever the tables were
 * made from. Included after check.h.
 */
#ifndef _VIOT_EXPECT_H
#define _VIOT_EXPECT_H

#include "../../drivers/acpi/viot_index.h"

/* Findings as they come. */
struct seen {
	struct viot_finding	list[64];
	size_t			nr;
};

static inline void see(const struct viot_finding *f, void *ctx)
{
	struct seen *seen = ctx;

	if (seen->nr < ARRAY_SIZE(seen->list))
		seen->list[seen->nr] = *f;
	seen->nr++;
}

/* Only @want, or nothing if its code is VIOT_NR_CODES. */
static inline void expect_seen(const struct seen *seen, const struct viot_finding *want)
{
	EXPECT_EQ(seen->nr, want->code != VIOT_NR_CODES);
	if (!seen->nr)
		return;
	EXPECT_EQ(seen->list[0].code, want->code);
	EXPECT_EQ(seen->list[0].severity, want->severity);
	EXPECT_EQ(seen->list[0].offset, want->offset);
	EXPECT_EQ(seen->list[0].other, want->other);
}

static inline void expect_no_pci(const struct viot_table *t, u32 segment, u16 bdf)
{
	struct viot_endpoint ep;

	check_row("%x:%04x", segment, bdf);
	EXPECT(!viot_lookup_pci(t, segment, bdf, &ep));
}

/* The copy is as long as the table, so that ASan sees a byte too much. */
static inline u8 *copy(const void *p, size_t len)
{
	return memcpy(malloc(len), p, len);
}

/* Numbers that often meet, and now and then do not fit. */
static inline u32 some_number(u32 limit)
{
	static const u32 odd[] = { 0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff };

	return check_random(8) ? check_random(limit) : odd[check_random(6)];
}

#endif /* _VIOT_EXPECT_H */
