// SPDX-License-Identifier: GPL-2.0
/*
 * The topology in a device's config space, decoded in user space from the
 * kernel's file: which devices have one, every field of it, a table of
 * defects, everything near some samples, random ones against a model, and the
 * largest there can be.
 */

#include <errno.h>

#include <linux/array_size.h>
#include <linux/minmax.h>
#include "check.h"
#include "viot_build.h"
#include "viot_expect.h"
#include "builtin_model.h"

/* For the largest config space, with sanitizers and on a slow machine. */
#define NANOSECONDS_AT_MOST	(1000000000ULL * CHECK_SHARE)

#define BIT_6		(1ULL << 6)
#define BIT_8		(1ULL << 8)

#define EXTENSION	VIOMMU_BUILTIN_EXTENSION
#define DRAFT		VIOMMU_BUILTIN_DRAFT
#define NONE		VIOMMU_BUILTIN_NONE

static const struct viot_iommu on_pci = {
	.kind = VIOT_IOMMU_PCI, .address = 0x10, .offset = 0x17,
};

static const struct viot_iommu on_mmio = {
	.kind = VIOT_IOMMU_MMIO, .address = 0x10000000, .offset = 0x17,
};

static const struct viot_iommu elsewhere = { .kind = VIOT_IOMMU_OTHER };

static struct viot_table *decode(enum viommu_builtin kind, const struct build *b,
				 const struct viot_iommu *self, struct seen *seen)
{
	struct viot_sink sink = { see, seen };
	size_t size = viommu_builtin_size(kind, b->bytes, b->len);
	struct viot_table *t = malloc(size);

	memset(seen, 0, sizeof(*seen));
	memset(t, 0xa5, size);
	viommu_builtin_parse(kind, b->bytes, b->len, self, t, size, &sink);
	return t;
}

/*
 * Config spaces
 */

/* What the standard has, as QEMU fills it in. */
static struct build standard_config(void)
{
	struct build b = { 0 };
	u8 *p = build_more(&b, 40);

	build_put(p, 0xfffffffffffff000, 8);
	build_put(p + 16, 0x7fffffffff, 8);
	build_put(p + 28, 0xffffffff, 4);
	build_put(p + 32, 512, 4);
	build_put(p + 36, 1, 1);
	return b;
}

/* A header whose nodes follow at once: from byte 48, or 40 of a draft. */
static struct build new_config(enum viommu_builtin kind)
{
	struct build b = standard_config();

	if (kind == EXTENSION)
		build_put(build_more(&b, 8) + 2, 48, 2);
	else
		build_put(b.bytes + 36, 40 << 16, 4);
	return b;
}

static void seal(struct build *b, enum viommu_builtin kind)
{
	build_put(b->bytes + (kind == EXTENSION ? 40 : 36), b->nodes, 2);
}

static u32 add_node(struct build *b, u8 type, u32 id, u64 rest)
{
	u32 off = build_node(b, type, 16);

	build_put(b->bytes + off + 4, id, 4);
	build_put(b->bytes + off + 8, rest, 8);
	return off;
}

static u32 add_mmio(struct build *b, u32 id, u64 base)
{
	return add_node(b, 2, id, base);
}

static u32 add_v4(struct build *b, u32 id, u16 s0, u16 s1, u16 b0, u16 b1)
{
	return add_node(b, 1, id, (u64)b1 << 48 | (u64)b0 << 32 | (u32)s1 << 16 | s0);
}

static u32 add_v3(struct build *b, u32 id, u16 segment, u16 b0, u16 b1)
{
	return add_node(b, 1, id, (u64)b1 << 32 | (u32)b0 << 16 | segment);
}

/*
 * A bit of everything; the numbers in the table of defects are offsets in it.
 * 48 PCI 0:00:00.0 - 0:01:1f.7, IDs from 0x100
 * 64 MMIO 0x20000000, ID 0x77
 * 80 PCI segments 1 to 3, 00:00.1 - 00:1f.7, IDs from 0x1000000
 * 96 end
 */
static struct build small_config(void)
{
	struct build b = new_config(EXTENSION);

	add_v4(&b, 0x100, 0, 0, 0, 0x1ff);
	add_mmio(&b, 0x77, 0x20000000);
	add_v4(&b, 0x1000000, 1, 3, 1, 0xff);
	seal(&b, EXTENSION);
	return b;
}

/* Every type of node beside every defect that leaves the walk going. */
static struct build crowded_config(enum viommu_builtin kind)
{
	struct build b = new_config(kind);
	u32 longer;

	add_v4(&b, 0, 0, 0, 0, 0xff);
	build_node(&b, 9, 12);
	add_mmio(&b, 1, 0x2000);
	add_v3(&b, 0x2000, 2, 0x40, 0x80);
	add_v4(&b, 0x100, 0, 2, 0x80, 0x180);
	build_node(&b, 2, 8);
	add_mmio(&b, 2, 0x2000);
	add_mmio(&b, 3, on_mmio.address);
	add_v3(&b, 0, 0, 0, 0);
	longer = build_node(&b, 1, 24);
	build_put(b.bytes + longer + 8, 0x60006, 4);
	add_v4(&b, 0xffff0000, 3, 4, 0, 0);
	add_v3(&b, 0x3000, 5, 0, 0xffff);
	seal(&b, kind);
	build_more(&b, 5);
	return b;
}

/* The configs whose neighbourhood is searched; those after are drafts. */
#define SAMPLES		4

static struct build sample(int i, u64 *features)
{
	*features = i < 2 ? BIT_8 | BIT_6 : BIT_6;
	if (i == 0)
		return small_config();
	if (i == 3) {
		struct build b = new_config(DRAFT);

		add_v3(&b, 0, 0, 0, 0xff);
		add_mmio(&b, 0x10000, 0xa003e00);
		add_v3(&b, 0x20000, 1, 8, 8);
		seal(&b, DRAFT);
		return b;
	}
	return crowded_config(i == 1 ? EXTENSION : DRAFT);
}

/*
 * Expectations
 */

static void expect_pci(const struct viot_table *t, u32 segment, u16 bdf, u32 id)
{
	struct viot_endpoint ep;

	check_row("%x:%04x", segment, bdf);
	if (!EXPECT(viot_lookup_pci(t, segment, bdf, &ep)))
		return;
	EXPECT_EQ(ep.iommu, 0);
	EXPECT_EQ(ep.id, id);
}

static void expect_range(const struct viot_pci_range *r, u32 offset, u32 id,
			 u16 s0, u16 s1, u16 b0, u16 b1)
{
	EXPECT_EQ(r->offset, offset);
	EXPECT_EQ(r->endpoint_start, id);
	EXPECT_EQ(r->segment_start, s0);
	EXPECT_EQ(r->segment_last, s1);
	EXPECT_EQ(r->bdf_start, b0);
	EXPECT_EQ(r->bdf_last, b1);
	EXPECT_EQ(r->iommu, 0);
}

static void expect_like_model(const u8 *p, size_t len, u64 features,
			      const struct viot_iommu *self)
{
	const char *differ = builtin_model_compare(p, len, features, self);

	if (differ) {
		check_note("%s", differ);
		EXPECT(!differ);
	}
}

/*
 * Which devices have one
 */

static const struct some_device {
	const char		*name;
	u64			features;
	size_t			len;
	u64			bytes_36;	/* of its config space, if there */
	u8			beyond;		/* the bytes behind those */
	enum viommu_builtin	kind;
} devices[] = {
	/* As the standard has it; as long as their PCI capability says. */
	{ "QEMU 11", 0x77, 4096, 0xffffffff00000001, 0xff, NONE },
	{ "QEMU 11, boot-bypass=off", 0x77, 4096, 0xffffffff00000000, 0xff, NONE },
	{ "QEMU 11, virtio-mmio", 0x77, 256, 0xffffffff00000001, 0xff, NONE },
	{ "QEMU before 7.0", 0x3f, 4096, 0xffffffffffffffff, 0xff, NONE },
	{ "cloud-hypervisor", 0x54, 40, 0, 0, NONE },
	{ "cloud-hypervisor, bypass written", 0x54, 4096, 1, 0, NONE },
	{ "crosvm, x86", 0x35, 36, 0, 0, NONE },
	{ "crosvm, arm64", 0x25, 4096, 0, 0, NONE },
	{ "bhyve", 0x57, 40, 0, 0, NONE },
	{ "Gunyah", 0x90, 40, 0, 0, NONE },
	/* Feature bits */
	{ "nothing offered", 0, 4096, 0x0001003000010028, 0, NONE },
	{ "bit 7", 0x80, 4096, 0x0001003000010028, 0, NONE },
	{ "all bits but 6 and 8", ~(BIT_6 | BIT_8), 4096, 0x0001003000280001, 0, NONE },
	{ "bit 6 alone, draft's header", BIT_6, 4096, 0x00280001, 0, DRAFT },
	{ "all bits but 8, draft's header", ~BIT_8, 4096, 0x00280001, 0, DRAFT },
	{ "bit 8", BIT_8, 4096, 0x0030000100000000, 0, EXTENSION },
	{ "bit 8 and BYPASS_CONFIG", BIT_8 | BIT_6, 4096, 0x0030000100000001, 0, EXTENSION },
	{ "bit 8 beside a draft's header", BIT_8 | BIT_6, 4096, 0x0030000100280001, 0, EXTENSION },
	{ "bit 8, no nodes", BIT_8 | BIT_6, 44, 0, 0, EXTENSION },
	{ "bit 8, no room for a header", BIT_8 | BIT_6, 40, 0, 0, EXTENSION },
	{ "bit 8, no bytes", BIT_8, 0, 0, 0, EXTENSION },
	/* The offset of a draft's nodes */
	{ "draft, no nodes", BIT_6, 56, 0x00280000, 0, DRAFT },
	{ "draft, 65535 nodes", BIT_6, 56, 0x0028ffff, 0, DRAFT },
	{ "draft, offset 0", BIT_6, 4096, 0x00000001, 0, NONE },
	{ "draft, offset in what all devices have", BIT_6, 4096, 0x00200001, 0, NONE },
	{ "draft, offset 8", BIT_6, 4096, 0x00080001, 0, NONE },
	{ "draft, offset 41", BIT_6, 4096, 0x00290001, 0, NONE },
	{ "draft, offset 42", BIT_6, 4096, 0x002a0001, 0, NONE },
	{ "draft, offset 44", BIT_6, 4096, 0x002c0001, 0, NONE },
	{ "draft, offset 48", BIT_6, 4096, 0x00300001, 0, DRAFT },
	{ "draft, last offset", BIT_6, 4096, 0x0ff80001, 0, DRAFT },
	{ "draft, offset at the end", BIT_6, 4096, 0x10000001, 0, NONE },
	{ "draft, offset beyond", BIT_6, 4096, 0x10080001, 0, NONE },
	{ "draft, last offset of all", BIT_6, 65536, 0xfff80001, 0, DRAFT },
	{ "draft, offset in the last byte", BIT_6, 49, 0x00300001, 0, DRAFT },
	{ "draft, 40 bytes", BIT_6, 40, 0x00280001, 0, NONE },
	{ "draft, cut in the offset", BIT_6, 39, 0x00280001, 0, NONE },
	{ "draft, no bytes", BIT_6, 0, 0, 0, NONE },
};

static u8 *device_config(const struct some_device *d)
{
	struct build b = standard_config();
	u8 *bytes;

	b.len = 36;
	build_put(build_more(&b, 8), d->bytes_36, 8);
	if (d->len > b.len) {
		size_t more = d->len - b.len;

		memset(build_more(&b, more), d->beyond, more);
	}
	bytes = copy(b.bytes, d->len);
	free(b.bytes);
	return bytes;
}

static void devices_are_told_apart(void)
{
	const struct some_device *d;
	u8 *bytes, *head;

	for (d = devices; d < devices + ARRAY_SIZE(devices); d++) {
		check_row("%s", d->name);
		bytes = device_config(d);
		EXPECT_EQ(viommu_builtin_find(bytes, d->len, d->features), d->kind);
		expect_like_model(bytes, d->len, d->features, &on_pci);
		/* The first few bytes are enough to tell. */
		head = copy(bytes, min_t(size_t, d->len, VIOMMU_BUILTIN_HEAD));
		EXPECT_EQ(viommu_builtin_find(head, d->len, d->features), d->kind);
		free(head);
		free(bytes);
	}
}

/*
 * Whatever the byte of bypass reads, and whatever lies elsewhere, as long as
 * bytes 37 to 39 are the zeros that the standard wants.
 */
static void no_device_of_the_standard_is_taken_for_a_draft(void)
{
	static const size_t lengths[] = { 36, 37, 38, 39, 40, 41, 44, 48, 256, 4096, 65536 };
	u8 *bytes = malloc(65536);
	unsigned int i, j, bypass;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		for (j = 0; j < 65536; j++)
			bytes[j] = check_random(256);
		memset(bytes + 37, 0, 3);
		for (bypass = 0; bypass < 256; bypass++) {
			bytes[36] = bypass;
			check_row("%zu bytes, bypass %u", lengths[i], bypass);
			EXPECT_EQ(viommu_builtin_find(bytes, lengths[i], 0x7f), NONE);
			EXPECT_EQ(viommu_builtin_find(bytes, lengths[i], ~BIT_8), NONE);
		}
	}
	free(bytes);
}

/*
 * Fields
 */

static void every_field_of_the_extension(void)
{
	struct build b = new_config(EXTENSION);
	struct viot_table *t;
	struct seen seen;

	add_v4(&b, 0x01234567, 0x89ab, 0xcdee, 0x1122, 0x3344);
	add_mmio(&b, 0x89abcdef, 0x0123456789abcdef);
	seal(&b, EXTENSION);
	t = decode(EXTENSION, &b, &on_pci, &seen);

	EXPECT_EQ(seen.nr, 0);
	EXPECT_EQ(t->nr.iommus, 1);
	EXPECT_EQ(t->iommus->kind, VIOT_IOMMU_PCI);
	EXPECT_EQ(t->iommus->address, 0x10);
	EXPECT_EQ(t->iommus->offset, 0x17);
	if (EXPECT_EQ(t->nr.pci, 1))
		expect_range(t->pci, 48, 0x01234567, 0x89ab, 0xcdee, 0x1122, 0x3344);
	if (EXPECT_EQ(t->nr.mmio, 1)) {
		EXPECT_EQ(t->mmio->base, 0x0123456789abcdef);
		EXPECT_EQ(t->mmio->endpoint, 0x89abcdef);
		EXPECT_EQ(t->mmio->iommu, 0);
		EXPECT_EQ(t->mmio->offset, 64);
	}
	free(t);
	free(b.bytes);
}

/* Two ranges and an MMIO endpoint of the same values, in either draft. */
static void every_field_of_the_drafts(void)
{
	struct build b = new_config(DRAFT);
	struct viot_table *t;
	struct seen seen;

	add_v3(&b, 0x01234567, 0x0999, 0x1122, 0x3344);
	add_v4(&b, 0x11234567, 0x0aaa, 0x0bbb, 0x1122, 0x3344);
	add_mmio(&b, 0x89abcdef, 0x0123456789abcdef);
	seal(&b, DRAFT);
	t = decode(DRAFT, &b, &on_pci, &seen);

	EXPECT_EQ(seen.nr, 0);
	if (EXPECT_EQ(t->nr.pci, 2)) {
		expect_range(t->pci, 40, 0x01234567, 0x0999, 0x0999, 0x1122, 0x3344);
		expect_range(t->pci + 1, 56, 0x11234567, 0x0aaa, 0x0bbb, 0x1122, 0x3344);
	}
	if (EXPECT_EQ(t->nr.mmio, 1)) {
		EXPECT_EQ(t->mmio->base, 0x0123456789abcdef);
		EXPECT_EQ(t->mmio->endpoint, 0x89abcdef);
		EXPECT_EQ(t->mmio->offset, 72);
	}
	free(t);
	free(b.bytes);
}

static void endpoint_ids_across_segments(void)
{
	struct build b = small_config();
	struct viot_endpoint ep;
	struct viot_table *t;
	struct seen seen;

	t = decode(EXTENSION, &b, &on_pci, &seen);
	EXPECT_EQ(seen.nr, 0);
	expect_pci(t, 0, 0x00, 0x100);
	expect_pci(t, 0, 0x1ff, 0x2ff);
	expect_no_pci(t, 0, 0x200);
	expect_no_pci(t, 1, 0x00);
	expect_pci(t, 1, 0x01, 0x1000000);
	expect_pci(t, 2, 0x80, 0x101007f);
	expect_pci(t, 3, 0xff, 0x10200fe);
	expect_no_pci(t, 3, 0x100);
	expect_no_pci(t, 4, 0x01);
	if (EXPECT(viot_lookup_mmio(t, 0x20000000, 0x20000fff, &ep))) {
		EXPECT_EQ(ep.iommu, 0);
		EXPECT_EQ(ep.id, 0x77);
	}
	EXPECT(!viot_lookup_mmio(t, 0x20000001, 0x20000fff, &ep));
	free(t);
	free(b.bytes);
}

static void an_iommu_does_not_translate_itself(void)
{
	struct build b = crowded_config(EXTENSION);
	struct viot_endpoint ep;
	struct viot_table *t;
	struct seen seen;

	t = decode(EXTENSION, &b, &on_pci, &seen);
	expect_no_pci(t, 0, 0x10);
	expect_pci(t, 0, 0x11, 0x11);
	EXPECT(viot_lookup_mmio(t, 0x10000000, 0x10000000, &ep));
	free(t);
	t = decode(EXTENSION, &b, &on_mmio, &seen);
	expect_pci(t, 0, 0x10, 0x10);
	EXPECT(!viot_lookup_mmio(t, 0x10000000, 0x10000000, &ep));
	free(t);
	t = decode(EXTENSION, &b, &elsewhere, &seen);
	expect_pci(t, 0, 0x10, 0x10);
	EXPECT(viot_lookup_mmio(t, 0x10000000, 0x10000000, &ep));
	free(t);
	free(b.bytes);
}

/*
 * The two drafts
 */

/* What one PCI node of any bytes is in a draft; the range, or 0 and a code. */
static bool draft_range(u64 rest, struct viot_pci_range *range, struct seen *seen)
{
	struct build b = new_config(DRAFT);
	struct viot_table *t;
	bool found;

	add_node(&b, 1, 0x1000, rest);
	seal(&b, DRAFT);
	t = decode(DRAFT, &b, &on_pci, seen);
	found = t->nr.pci == 1;
	if (found)
		*range = t->pci[0];
	EXPECT_EQ(found, !seen->nr);
	free(t);
	free(b.bytes);
	return found;
}

static const struct draft_node {
	const char	*name;
	u16		field[4];
	u16		s0, s1, b0, b1;
	enum viot_code	found;
} draft_nodes[] = {
	{ "00:00.0 of segment 0, in both", { 0, 0, 0, 0 }, 0, 0, 0, 0, VIOT_NR_CODES },
	{ "v3, a function", { 0, 8, 8, 0 }, 0, 0, 8, 8, VIOT_NR_CODES },
	{ "v3, a function of segment 8", { 8, 8, 8, 0 }, 8, 8, 8, 8, VIOT_NR_CODES },
	{ "v3, 00:00.0 of segment 1", { 1, 0, 0, 0 }, 1, 1, 0, 0, VIOT_NR_CODES },
	{ "v3, from 00:00.0 on", { 0, 0, 1, 0 }, 0, 0, 0, 1, VIOT_NR_CODES },
	{ "v3, all of a segment", { 0xffff, 0, 0xffff, 0 }, 0xffff, 0xffff, 0, 0xffff,
	  VIOT_NR_CODES },
	{ "v4, a function", { 0, 0, 8, 8 }, 0, 0, 8, 8, VIOT_NR_CODES },
	{ "v4, 00:00.0 of some segments", { 0, 7, 0, 0 }, 0, 7, 0, 0, VIOT_NR_CODES },
	{ "v4, from 00:00.0 on", { 0, 0, 0, 1 }, 0, 0, 0, 1, VIOT_NR_CODES },
	{ "v4, 0:00:00.1 to 2:00:00.3", { 0, 2, 1, 3 }, 0, 2, 1, 3, VIOT_NR_CODES },
	{ "v4, everything", { 0, 0x0fff, 0, 0xffff }, 0, 0x0fff, 0, 0xffff, VIOT_NR_CODES },
	{ "v4, too much", { 0, 0xffff, 0, 0xffff }, 0, 0, 0, 0, VIOT_ENDPOINT_OVERFLOW },
	{ "v4, segments reversed", { 2, 1, 3, 4 }, 0, 0, 0, 0, VIOT_SEGMENTS_REVERSED },
	{ "v4, BDFs reversed", { 1, 2, 4, 3 }, 0, 0, 0, 0, VIOT_BDFS_REVERSED },
	{ "v4, BDFs reversed, padding of v3 in one byte", { 1, 2, 0x400, 0x100 }, 0, 0, 0, 0,
	  VIOT_BDFS_REVERSED },
	{ "v3, BDFs reversed", { 1, 4, 3, 0 }, 0, 0, 0, 0, VIOT_BDFS_REVERSED },
};

static u64 node_fields(const u16 *field)
{
	return (u64)field[3] << 48 | (u64)field[2] << 32 | (u32)field[1] << 16 | field[0];
}

static void drafts_are_told_apart_by_node(void)
{
	const struct draft_node *n;
	struct viot_pci_range r;
	struct seen seen;

	for (n = draft_nodes; n < draft_nodes + ARRAY_SIZE(draft_nodes); n++) {
		check_row("%s", n->name);
		if (!EXPECT_EQ(draft_range(node_fields(n->field), &r, &seen),
			       n->found == VIOT_NR_CODES))
			continue;
		if (!seen.nr)
			expect_range(&r, 40, 0x1000, n->s0, n->s1, n->b0, n->b1);
		else
			EXPECT_EQ(seen.list[0].code, n->found);
	}
}

/* Small numbers, so that many of the fields are equal, and many 0. */
static void no_node_of_one_draft_reads_as_the_other(void)
{
	struct viot_pci_range r;
	struct seen seen;
	u16 s, e, b, l;

	for (s = 0; s < 4; s++)
		for (e = 0; e < 4; e++)
			for (b = 0; b < 4; b++)
				for (l = 0; l < 4; l++) {
					u16 v4[] = { s, e, b, l }, v3[] = { s, b, l, 0 };

					check_row("%u %u %u %u", s, e, b, l);
					if (s <= e && b <= l &&
					    EXPECT(draft_range(node_fields(v4), &r, &seen)))
						expect_range(&r, 40, 0x1000, s, e, b, l);
					if (b <= l &&
					    EXPECT(draft_range(node_fields(v3), &r, &seen)))
						expect_range(&r, 40, 0x1000, s, s, b, l);
				}
}

static void the_extension_has_no_nodes_of_the_older_draft(void)
{
	struct build b = new_config(EXTENSION);
	struct viot_table *t;
	struct seen seen;

	add_v3(&b, 0, 0, 8, 0xff);
	add_v3(&b, 0x1000, 5, 0, 0);
	seal(&b, EXTENSION);
	t = decode(EXTENSION, &b, &on_pci, &seen);
	EXPECT_EQ(t->nr.pci, 0);
	if (EXPECT_EQ(seen.nr, 2)) {
		EXPECT_EQ(seen.list[0].code, VIOT_BDFS_REVERSED);
		EXPECT_EQ(seen.list[1].code, VIOT_SEGMENTS_REVERSED);
	}
	free(t);
	free(b.bytes);
}

/*
 * Defects: small_config() with some bytes changed, what must be found, and
 * which of its three endpoints (@left: 1, 2, 4 in the config's order) are left.
 */
#define CHANGES		4

static const struct defect {
	const char		*name;
	struct {
		u16	offset;
		u8	bytes;
		u32	value;
	} change[CHANGES];
	size_t			len;	/* of the bytes given, 0: 96 */
	struct viot_finding	found;
	unsigned int		left;
} defects[] = {
	{ "no bytes but 43", {}, 43, { VIOT_NO_HEADER, VIOT_ERROR, 40, 0 }, 0 },
	{ "one byte", {}, 1, { VIOT_NO_HEADER, VIOT_ERROR, 40, 0 }, 0 },
	{ "no bytes but the header", {}, 44, { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "offset 0", { { 42, 2, 0 } }, 0, { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "nodes in the header", { { 42, 2, 40 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "nodes not aligned", { { 42, 2, 52 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "nodes not aligned by a byte", { { 42, 2, 49 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "nodes at the end", { { 42, 2, 96 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "nodes behind the end", { { 42, 2, 0xfff8 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 42, 0 }, 0 },
	{ "one node too few", { { 40, 2, 4 } }, 0, { VIOT_NODES_MISSING, VIOT_ERROR, 96, 0 }, 7 },
	{ "65535 nodes", { { 40, 2, 0xffff } }, 0, { VIOT_NODES_MISSING, VIOT_ERROR, 96, 0 }, 7 },
	{ "three bytes of a node", { { 40, 2, 4 }, { 96, 4, 0x00100001 } }, 99,
	  { VIOT_NODES_MISSING, VIOT_ERROR, 96, 0 }, 7 },
	{ "node length 0", { { 66, 2, 0 } }, 0, { VIOT_NODE_ENDLESS, VIOT_ERROR, 64, 0 }, 1 },
	{ "node length 3", { { 66, 2, 3 } }, 0, { VIOT_NODE_ENDLESS, VIOT_ERROR, 64, 0 }, 1 },
	{ "last node one byte too long", { { 82, 2, 17 } }, 0,
	  { VIOT_NODE_CUT, VIOT_ERROR, 80, 0 }, 3 },
	{ "last node cut by a byte", {}, 95, { VIOT_NODE_CUT, VIOT_ERROR, 80, 0 }, 3 },
	{ "node length of 64 KiB", { { 66, 2, 0xffff } }, 0,
	  { VIOT_NODE_CUT, VIOT_ERROR, 64, 0 }, 1 },
	{ "last node one byte too short", { { 82, 2, 15 } }, 95,
	  { VIOT_NODE_SHORT, VIOT_ERROR, 80, 0 }, 3 },
	{ "last node of 4 bytes", { { 82, 2, 4 } }, 0, { VIOT_NODE_SHORT, VIOT_ERROR, 80, 0 }, 3 },
	{ "last node a byte longer", { { 82, 2, 17 } }, 97,
	  { VIOT_NODE_LONG, VIOT_NOTE, 80, 0 }, 7 },
	{ "node over the next", { { 40, 2, 2 }, { 66, 2, 32 } }, 0,
	  { VIOT_NODE_LONG, VIOT_NOTE, 64, 0 }, 3 },
	{ "type 0", { { 64, 1, 0 } }, 0, { VIOT_NODE_UNKNOWN, VIOT_NOTE, 64, 0 }, 5 },
	{ "type 3, which the ACPI table has", { { 64, 1, 3 } }, 0,
	  { VIOT_NODE_UNKNOWN, VIOT_NOTE, 64, 0 }, 5 },
	{ "type 255", { { 64, 1, 255 } }, 0, { VIOT_NODE_UNKNOWN, VIOT_NOTE, 64, 0 }, 5 },
	{ "segments reversed", { { 56, 2, 1 } }, 0,
	  { VIOT_SEGMENTS_REVERSED, VIOT_ERROR, 48, 0 }, 6 },
	{ "BDFs reversed", { { 60, 2, 0x200 } }, 0, { VIOT_BDFS_REVERSED, VIOT_ERROR, 48, 0 }, 6 },
	{ "IDs overflow by a BDF", { { 52, 4, 0xfffffe01 } }, 0,
	  { VIOT_ENDPOINT_OVERFLOW, VIOT_ERROR, 48, 0 }, 6 },
	{ "IDs overflow by a segment", { { 84, 4, 0xfffe0000 } }, 0,
	  { VIOT_ENDPOINT_OVERFLOW, VIOT_ERROR, 80, 0 }, 3 },
	{ "ranges share all", { { 56, 4, 0x30001 }, { 60, 4, 0xff0001 } }, 0,
	  { VIOT_PCI_OVERLAP, VIOT_ERROR, 80, 48 }, 3 },
	{ "ranges share one function", { { 56, 4, 0x30003 }, { 60, 2, 0xff } }, 0,
	  { VIOT_PCI_OVERLAP, VIOT_ERROR, 48, 80 }, 6 },
	{ "MMIO endpoint is the IOMMU", { { 72, 4, 0x10000000 } }, 0,
	  { VIOT_MMIO_SELF, VIOT_ERROR, 64, 0x17 }, 5 },
	{ "MMIO address twice", { { 48, 1, 2 }, { 56, 4, 0x20000000 }, { 60, 4, 0 } }, 0,
	  { VIOT_MMIO_TWICE, VIOT_ERROR, 64, 48 }, 5 },
	/* Just short of a defect: nothing may be found. */
	{ "no nodes", { { 40, 2, 0 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 0 },
	{ "no nodes, nowhere", { { 40, 4, 0 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 0 },
	{ "no nodes, no bytes either", { { 40, 4, 0xffff0000 } }, 44,
	  { VIOT_NR_CODES, 0, 0, 0 }, 0 },
	{ "bytes behind the nodes", { { 40, 2, 2 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 3 },
	{ "nodes from the second on", { { 40, 4, 0x400002 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 6 },
	{ "reserved bytes", { { 49, 1, 0xff }, { 65, 1, 1 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 7 },
	{ "last IDs there are", { { 52, 4, 0xfffffe00 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 7 },
	{ "last IDs of a segment", { { 84, 4, 0xfffdff01 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 7 },
	{ "ranges that touch", { { 56, 4, 0x30003 }, { 60, 2, 0x100 } }, 0,
	  { VIOT_NR_CODES, 0, 0, 0 }, 7 },
	{ "MMIO address 0", { { 72, 4, 0 } }, 0, { VIOT_NR_CODES, 0, 0, 0 }, 7 },
};

static struct build make_defect(const struct defect *d)
{
	struct build b = small_config(), made = { 0 };
	int i;

	made.len = d->len ? d->len : b.len;
	build_more(&b, 8);
	for (i = 0; i < CHANGES && d->change[i].bytes; i++)
		build_put(b.bytes + d->change[i].offset, d->change[i].value,
			  d->change[i].bytes);
	made.bytes = copy(b.bytes, made.len);
	free(b.bytes);
	return made;
}

/* Endpoints are known by their nodes. */
static unsigned int endpoints_left(const struct viot_table *t)
{
	unsigned int left = 0;
	u32 i;

	for (i = 0; i < t->nr.pci; i++)
		left |= t->pci[i].offset == 48 ? 1 : t->pci[i].offset == 80 ? 4 : 8;
	for (i = 0; i < t->nr.mmio; i++)
		left |= t->mmio[i].offset == 48 ? 1 : t->mmio[i].offset == 64 ? 2 : 8;
	return left;
}

static void defects_are_found(void)
{
	const struct defect *d;
	struct viot_table *t;
	struct seen seen;
	struct build b;

	for (d = defects; d < defects + ARRAY_SIZE(defects); d++) {
		check_row("%s", d->name);
		b = make_defect(d);
		t = decode(EXTENSION, &b, &on_mmio, &seen);
		expect_seen(&seen, &d->found);
		EXPECT_EQ(t->nr.iommus, 1);
		EXPECT_EQ(endpoints_left(t), d->left);
		expect_like_model(b.bytes, b.len, BIT_8, &on_mmio);
		free(t);
		free(b.bytes);
	}
}

/* A draft is known by a good header; the caller may still bring a bad one. */
static void a_bad_header_is_refused(void)
{
	static const struct {
		enum viommu_builtin	kind;
		size_t			len;
		u64			bytes_36;
		int			ret;
	} headers[] = {
		{ DRAFT, 36, 0, -EINVAL },
		{ DRAFT, 39, 0x00280001, -EINVAL },
		{ DRAFT, 40, 0x00280000, -EINVAL },
		{ DRAFT, 56, 0x00000000, -EINVAL },
		{ DRAFT, 56, 0x00380001, -EINVAL },
		{ DRAFT, 56, 0x00280000, 0 },
		{ DRAFT, 56, 0x00300001, 0 },
		{ EXTENSION, 40, 0, -EINVAL },
		{ EXTENSION, 56, 0x0028000100000000, -EINVAL },
		{ EXTENSION, 56, 0x0030000000000000, 0 },
		{ EXTENSION, 56, 0x0000000000000000, 0 },
		{ EXTENSION, 56, 0x0030000100000000, 0 },
	};
	struct viot_endpoint ep;
	struct viot_table *t;
	unsigned int i;
	size_t size;
	u8 *bytes;

	for (i = 0; i < ARRAY_SIZE(headers); i++) {
		struct some_device d = {
			.len = headers[i].len,
			.bytes_36 = headers[i].bytes_36,
		};

		check_row("row %u", i);
		bytes = device_config(&d);
		size = viommu_builtin_size(headers[i].kind, bytes, d.len);
		t = malloc(size);
		EXPECT_EQ(viommu_builtin_parse(headers[i].kind, bytes, d.len, &on_pci, t,
					       size, NULL), headers[i].ret);
		EXPECT_EQ(t->nr.iommus, 1);
		EXPECT_EQ(t->nr.pci + t->nr.mmio, 0);
		EXPECT(!viot_lookup_pci(t, 0, 0, &ep));
		EXPECT(!viot_lookup_mmio(t, 0, -1ULL, &ep));
		EXPECT_EQ(viot_find_iommu_pci(t, 0, 0x10) - t->iommus, 0);
		free(t);
		free(bytes);
	}
}

/*
 * Bytes that are not there, or are others
 */

static const struct viot_iommu *some_self(unsigned int i)
{
	return i % 3 == 0 ? &on_pci : i % 3 == 1 ? &on_mmio : &elsewhere;
}

static void every_truncation(void)
{
	struct build b;
	u64 features;
	size_t len;
	u8 *cut;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		b = sample(i, &features);
		for (len = 0; len <= b.len; len++) {
			check_row("config %d, %zu bytes", i, len);
			cut = copy(b.bytes, len);
			expect_like_model(cut, len, features, &on_mmio);
			free(cut);
		}
		free(b.bytes);
	}
}

static void every_change_of_a_byte(void)
{
	unsigned long configs = 0;
	struct build b;
	u64 features;
	u8 *bytes;
	unsigned int change;
	size_t at;
	int i;

	for (i = 0; i < SAMPLES; i++) {
		b = sample(i, &features);
		bytes = copy(b.bytes, b.len);
		for (at = 0; at < b.len; at++) {
			for (change = check_step(); change < 256; change += check_step()) {
				check_row("config %d, byte %zu ^ %#x", i, at, change);
				bytes[at] ^= change;
				expect_like_model(bytes, b.len, features,
						  some_self(change));
				bytes[at] ^= change;
				configs++;
			}
		}
		free(bytes);
		free(b.bytes);
	}
	check_note("%lu config spaces", configs);
}

/* What the device's other fields hold is of no consequence. */
static void other_fields_do_not_matter(void)
{
	struct viot_table *want, *t;
	struct seen seen;
	struct build b;
	int i;

	for (i = 0; i < 2; i++) {
		enum viommu_builtin kind = i ? EXTENSION : DRAFT;
		int j;

		b = crowded_config(kind);
		want = decode(kind, &b, &on_pci, &seen);
		for (j = 0; j < (i ? 40 : 36); j++)
			b.bytes[j] = ~b.bytes[j];
		t = decode(kind, &b, &on_pci, &seen);
		EXPECT(!memcmp(&t->nr, &want->nr, sizeof(t->nr)));
		EXPECT(!memcmp(t->pci, want->pci, t->nr.pci * sizeof(*t->pci)));
		EXPECT(!memcmp(t->mmio, want->mmio, t->nr.mmio * sizeof(*t->mmio)));
		free(t);
		free(want);
		free(b.bytes);
	}
}

static void several_changes_of_bytes(void)
{
	struct build b;
	u64 features;
	u8 *bytes;
	unsigned int i;
	int j;

	for (i = 0; i < check_rounds(20000); i++) {
		check_row("round %u", i);
		b = sample(i % SAMPLES, &features);
		bytes = copy(b.bytes, b.len);
		for (j = check_random(8); j >= 0; j--)
			bytes[36 + check_random(b.len - 36)] = check_random(256);
		expect_like_model(bytes, b.len, features, some_self(check_random(3)));
		free(bytes);
		free(b.bytes);
	}
}

/*
 * Random ones
 */

static void add_random_node(struct build *b, u32 limit)
{
	u32 s = some_number(limit), f = some_number(limit);

	switch (check_random(8)) {
	case 0:
		add_mmio(b, check_random(0x1000), check_random(12));
		break;
	case 1:
		build_node(b, check_random(4), 4 + check_random(40));
		break;
	case 2:
		add_v4(b, some_number(limit) << 16 | 0xff00, s, some_number(limit), f,
		       some_number(limit));
		break;
	case 3:
	case 4:
		add_v3(b, check_random(0x1000), s, f, f + check_random(limit / 2));
		break;
	default:
		add_v4(b, check_random(0x1000), s, s + check_random(limit / 2), f,
		       f + check_random(limit / 2));
	}
}

static struct build random_config(enum viommu_builtin kind, u32 nodes, u32 limit)
{
	struct build b = new_config(kind);

	while (nodes--)
		add_random_node(&b, limit);
	seal(&b, kind);
	build_more(&b, check_random(8));
	return b;
}

static void random_configs(void)
{
	static const u32 limits[] = { 3, 6, 20, 300, 0xffff };
	struct viot_iommu self = { .offset = 1 };
	unsigned int i, nodes;
	struct build b;
	u8 *bytes;

	for (i = 0; i < check_rounds(6000); i++) {
		nodes = 1 + check_random(i % 40 ? 30 : 300);
		check_row("round %u, %u nodes", i, nodes);
		b = random_config(i & 1 ? EXTENSION : DRAFT, nodes,
				  limits[i % ARRAY_SIZE(limits)]);
		self.kind = check_random(3);
		self.address = check_random(12);
		bytes = copy(b.bytes, b.len);
		EXPECT_EQ(viommu_builtin_find(bytes, b.len, BIT_6), i & 1 ? NONE : DRAFT);
		expect_like_model(bytes, b.len, i & 1 ? BIT_8 : BIT_6, &self);
		free(bytes);
		free(b.bytes);
	}
}

/* All functions of a small world: nothing between the corners either. */
static void random_worlds_in_full(void)
{
	enum viommu_builtin kind;
	struct viot_table *t;
	struct seen seen;
	struct build b;
	struct model m;
	u32 i, s, f;

	for (i = 0; i < check_rounds(300); i++) {
		kind = i & 1 ? EXTENSION : DRAFT;
		b = random_config(kind, 2 + check_random(60), 40);
		t = decode(kind, &b, &on_pci, &seen);
		builtin_model_parse(&m, kind, b.bytes, b.len, &on_pci);
		for (s = 0; s < 64; s++)
			for (f = 0; f < 64; f++) {
				check_row("world %u, %u:%u", i, s, f);
				EXPECT(!model_ask_pci(t, &m, s, f));
			}
		model_free(&m);
		free(t);
		free(b.bytes);
	}
}

/*
 * Memory
 */

static void configs_need_not_be_aligned(void)
{
	struct build b;
	u64 features;
	u8 *bytes;
	int i, shift;

	for (i = 0; i < SAMPLES; i++) {
		b = sample(i, &features);
		for (shift = 0; shift < 8; shift++) {
			check_row("config %d, shift %d", i, shift);
			bytes = malloc(b.len + shift);
			memcpy(bytes + shift, b.bytes, b.len);
			expect_like_model(bytes + shift, b.len, features, &on_pci);
			free(bytes);
		}
		free(b.bytes);
	}
}

static void less_memory_than_needed_is_refused(void)
{
	struct build b = crowded_config(EXTENSION);
	size_t need = viommu_builtin_size(EXTENSION, b.bytes, b.len), size;
	struct viot_table *t;

	for (size = 0; size < need; size++) {
		t = malloc(size ? size : 1);
		check_row("%zu of %zu bytes", size, need);
		EXPECT_EQ(viommu_builtin_parse(EXTENSION, b.bytes, b.len, &on_pci, t, size,
					       NULL), -ENOSPC);
		free(t);
	}
	free(b.bytes);
}

/* Neither a count nor a length that the nodes do not need. */
static void memory_is_for_nodes_that_can_be(void)
{
	struct build b = small_config();
	size_t need = viommu_builtin_size(EXTENSION, b.bytes, b.len);

	build_put(b.bytes + 40, 0xffff, 2);
	EXPECT_EQ(viommu_builtin_size(EXTENSION, b.bytes, b.len), need);
	build_put(b.bytes + 40, 3, 2);
	build_more(&b, 4000);
	EXPECT_EQ(viommu_builtin_size(EXTENSION, b.bytes, b.len), need);
	free(b.bytes);
}

static void nothing_beyond_64_kib_is_looked_at(void)
{
	struct build b = new_config(EXTENSION);
	struct viot_table *t;
	struct seen seen;

	add_v4(&b, 0, 0, 0, 8, 8);
	build_node(&b, 9, 65520 - b.len);
	add_v4(&b, 0, 0, 0, 9, 9);	/* ends with them */
	add_v4(&b, 0, 0, 0, 10, 10);
	seal(&b, EXTENSION);
	t = decode(EXTENSION, &b, &on_pci, &seen);
	expect_pci(t, 0, 8, 0);
	expect_pci(t, 0, 9, 0);
	expect_no_pci(t, 0, 10);
	if (EXPECT_EQ(seen.nr, 2)) {
		EXPECT_EQ(seen.list[1].code, VIOT_NODES_MISSING);
		EXPECT_EQ(seen.list[1].offset, 65536);
	}
	expect_like_model(b.bytes, b.len, BIT_8, &on_pci);
	free(t);
	free(b.bytes);
}

/*
 * The largest, each the worst of its kind.
 */

/* One range for each of the first buses of as many segments as it takes. */
static void grid(struct build *b, u32 i)
{
	add_v4(b, i << 8, i >> 8, i >> 8, i << 8 & 0xff00, (i << 8 & 0xff00) | 0xff);
}

/* Anything, anywhere: nearly all of it overlaps. */
static void heap(struct build *b, u32 i)
{
	u32 s = check_random(0x8000), f = check_random(0x8000);

	add_v4(b, i, s, s + check_random(0x8000), f, f + check_random(0x8000));
}

/* Nodes of the older draft, one function each. */
static void functions(struct build *b, u32 i)
{
	add_v3(b, i, 0, i + 1, i + 1);
}

/* Endpoints at addresses that fall, each of them twice. */
static void registers(struct build *b, u32 i)
{
	add_mmio(b, i, 0xffffffff00000000 - (i / 2) * 0x1000ULL);
}

/* Nothing but the shortest nodes of no known type. */
static void strangers(struct build *b, u32 i)
{
	build_node(b, 3 + i % 253, 4);
}

static const struct {
	const char		*name;
	enum viommu_builtin	kind;
	void			(*add)(struct build *b, u32 i);
	/* Endpoints that must come out, if not by chance. */
	u32			left;
} largest[] = {
	{ "grid", EXTENSION, grid, 4093 },
	{ "heap", EXTENSION, heap, 0 },
	{ "functions", DRAFT, functions, 4093 },
	{ "registers", DRAFT, registers, 2047 },
	{ "strangers", EXTENSION, strangers, 0 },
};

static struct build largest_config(unsigned int i)
{
	struct build b = new_config(largest[i].kind);
	u32 node;

	for (node = 0; b.len + 16 <= 65536; node++)
		largest[i].add(&b, node);
	seal(&b, largest[i].kind);
	return b;
}

static void time_of_the_largest_configs(void)
{
	struct seen seen;
	struct viot_table *t;
	struct build b;
	unsigned int i;
	u64 took;

	for (i = 0; i < ARRAY_SIZE(largest); i++) {
		b = largest_config(i);
		took = -check_nanoseconds();
		t = decode(largest[i].kind, &b, &on_pci, &seen);
		took += check_nanoseconds();

		check_row("%s", largest[i].name);
		EXPECT(took < NANOSECONDS_AT_MOST);
		EXPECT(viommu_builtin_size(largest[i].kind, b.bytes, b.len) < 300000);
		if (largest[i].left)
			EXPECT_EQ(t->nr.pci + t->nr.mmio, largest[i].left);
		check_note("%-10s %5u nodes, %4u endpoints, %5zu findings: %6llu us",
			   largest[i].name, b.nodes, t->nr.pci + t->nr.mmio, seen.nr,
			   took / 1000);
		free(t);
		free(b.bytes);
	}
}

static void the_largest_configs_like_the_model(void)
{
	const size_t len = CHECK_SHARE == 1 ? 24576 : 6144;
	struct build b;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(largest); i++) {
		check_row("%s", largest[i].name);
		b = largest_config(i);
		b.len = len - 7 * check_random(2);
		expect_like_model(b.bytes, b.len,
				  largest[i].kind == EXTENSION ? BIT_8 : BIT_6, &on_pci);
		free(b.bytes);
	}
}

static const struct check_case cases[] = {
	CASE(devices_are_told_apart),
	CASE(no_device_of_the_standard_is_taken_for_a_draft),
	CASE(every_field_of_the_extension),
	CASE(every_field_of_the_drafts),
	CASE(endpoint_ids_across_segments),
	CASE(an_iommu_does_not_translate_itself),
	CASE(drafts_are_told_apart_by_node),
	CASE(no_node_of_one_draft_reads_as_the_other),
	CASE(the_extension_has_no_nodes_of_the_older_draft),
	CASE(defects_are_found),
	CASE(a_bad_header_is_refused),
	CASE(every_truncation),
	CASE(every_change_of_a_byte),
	CASE(other_fields_do_not_matter),
	CASE(several_changes_of_bytes),
	CASE(random_configs),
	CASE(random_worlds_in_full),
	CASE(configs_need_not_be_aligned),
	CASE(less_memory_than_needed_is_refused),
	CASE(memory_is_for_nodes_that_can_be),
	CASE(nothing_beyond_64_kib_is_looked_at),
	CASE(time_of_the_largest_configs),
	CASE(the_largest_configs_like_the_model),
};

CHECK_SUITE(builtin, cases);
