// SPDX-License-Identifier: GPL-2.0
/*
 * The VIOT decoder and its index, in user space and from the kernel's files:
 * QEMU's tables, a table of defects, everything near QEMU's tables, random
 * tables against a model, and the largest tables there can be.
 */

#include <errno.h>

#include <linux/array_size.h>
#include "check.h"
#include "viot_build.h"
#include "viot_expect.h"
#include "viot_fixtures.h"
#include "viot_model.h"

/* For the largest table, with sanitizers and on a slow machine. */
#define NANOSECONDS_AT_MOST	(2000000000ULL * CHECK_SHARE)

static struct viot_table *decode(const void *p, size_t len, struct seen *seen)
{
	struct viot_sink sink = { see, seen };
	size_t size = viot_table_size(p, len);
	struct viot_table *t = malloc(size);

	memset(seen, 0, sizeof(*seen));
	memset(t, 0xa5, size);
	viot_table_parse(p, len, t, size, &sink);
	return t;
}

static struct build build_copy(const u8 *bytes, size_t len)
{
	struct build b = { 0 };

	memcpy(build_more(&b, len), bytes, len);
	return b;
}

static struct build q35_fixture(void)
{
	return build_copy(viot_q35, sizeof(viot_q35));
}

static struct build virt_fixture(void)
{
	return build_copy(viot_virt, sizeof(viot_virt));
}

/*
 * A bit of everything; the numbers in the table of defects are offsets in it.
 *  48 IOMMU on PCI, 0:00:02.0
 *  64 IOMMU on MMIO, 0x10000000
 *  80 PCI 0:00:00.0 - 0:01:1f.7, IDs from 0, to 48
 * 104 MMIO 0x20000000, ID 0x77, to 64
 * 128 PCI segments 1 to 3, 00:00.0 - 00:1f.7, IDs from 0x1000000, to 64
 * 152 end
 */
static struct build small_table(void)
{
	struct build b = build_table();

	build_iommu_pci(&b, 0, 0x10);
	build_iommu_mmio(&b, 0x10000000);
	build_pci(&b, 48, 0, 0, 0, 0, 0x1ff);
	build_mmio(&b, 64, 0x77, 0x20000000);
	build_pci(&b, 64, 0x1000000, 1, 3, 0, 0xff);
	build_seal(&b);
	return b;
}

/* Every type of node beside every defect that leaves the walk going. */
static struct build crowded_table(void)
{
	struct build b = build_table();

	build_pci(&b, 72, 0, 0, 0, 0, 0xff);	/* its IOMMU comes later */
	build_iommu_mmio(&b, 0x1000);
	build_node(&b, 9, 8);
	build_iommu_pci(&b, 2, 0x08);
	build_iommu_mmio(&b, 0x1000);
	build_pci(&b, 72, 0x100, 0, 2, 0x80, 0x180);
	build_pci(&b, 96, 0x200, 1, 4, 0x100, 0x1ff);
	build_mmio(&b, 112, 1, 0x2000);
	build_mmio(&b, 96, 2, 0x2000);
	build_mmio(&b, 72, 3, 0x1000);
	build_node(&b, 1, 20);
	build_node(&b, 3, 32);
	build_pci(&b, 48, 0, 7, 7, 0, 1);
	build_pci(&b, 96, 0x300, 5, 5, 0, 0xffff);
	build_seal(&b);
	return b;
}

/* The tables whose neighbourhood is searched. */
static struct build some_table(int i)
{
	static struct build (* const make[])(void) = {
		q35_fixture, virt_fixture, small_table, crowded_table,
	};

	return make[i]();
}

#define SOME_TABLES	4

static void expect_pci(const struct viot_table *t, u32 segment, u16 bdf,
		       enum viot_iommu_kind kind, u64 address, u32 id)
{
	struct viot_endpoint ep;

	check_row("%x:%04x", segment, bdf);
	if (!EXPECT(viot_lookup_pci(t, segment, bdf, &ep)))
		return;
	EXPECT_EQ(t->iommus[ep.iommu].kind, kind);
	EXPECT_EQ(t->iommus[ep.iommu].address, address);
	EXPECT_EQ(ep.id, id);
}

/* Three host bridges of four; 80:00.0 bypasses the IOMMU, which is 00:02.0. */
static void q35_table(void)
{
	struct build b = q35_fixture();
	struct seen seen;
	struct viot_table *t = decode(b.bytes, b.len, &seen);

	EXPECT_EQ(seen.nr, 0);
	EXPECT(viot_check_checksum(b.bytes, b.len, NULL));
	EXPECT_EQ(t->nr.iommus, 1);
	EXPECT_EQ(t->nr.pci, 3);
	EXPECT_EQ(t->nr.mmio, 0);
	expect_pci(t, 0, 0x0000, VIOT_IOMMU_PCI, 0x10, 0);
	expect_no_pci(t, 0, 0x0010);
	expect_pci(t, 0, 0x0011, VIOT_IOMMU_PCI, 0x10, 0x11);
	expect_pci(t, 0, 0x01ff, VIOT_IOMMU_PCI, 0x10, 0x1ff);
	expect_no_pci(t, 0, 0x0200);
	expect_pci(t, 0, 0x4100, VIOT_IOMMU_PCI, 0x10, 0x4100);
	expect_no_pci(t, 0, 0x8000);
	expect_pci(t, 0, 0xc0ff, VIOT_IOMMU_PCI, 0x10, 0xc0ff);
	expect_no_pci(t, 0, 0xc100);
	expect_no_pci(t, 1, 0x0000);
	free(t);
	free(b.bytes);
}

static void virt_table(void)
{
	struct build b = virt_fixture();
	struct seen seen;
	struct viot_table *t = decode(b.bytes, b.len, &seen);

	EXPECT_EQ(seen.nr, 0);
	EXPECT(viot_check_checksum(b.bytes, b.len, NULL));
	EXPECT_EQ(t->nr.iommus, 1);
	EXPECT_EQ(t->nr.pci, 2);
	expect_pci(t, 0, 0x00ff, VIOT_IOMMU_PCI, 0x08, 0xff);
	expect_no_pci(t, 0, 0x0008);
	expect_no_pci(t, 0, 0x0100);
	expect_pci(t, 0, 0x41ff, VIOT_IOMMU_PCI, 0x08, 0x41ff);
	free(t);
	free(b.bytes);
}

static void endpoint_ids_across_segments(void)
{
	struct build b = small_table();
	struct viot_endpoint ep;
	struct seen seen;
	struct viot_table *t = decode(b.bytes, b.len, &seen);

	EXPECT_EQ(seen.nr, 0);
	expect_pci(t, 1, 0x00, VIOT_IOMMU_MMIO, 0x10000000, 0x1000000);
	expect_pci(t, 2, 0x80, VIOT_IOMMU_MMIO, 0x10000000, 0x1010080);
	expect_pci(t, 3, 0xff, VIOT_IOMMU_MMIO, 0x10000000, 0x10200ff);
	expect_no_pci(t, 3, 0x100);
	expect_no_pci(t, 4, 0);
	if (EXPECT(viot_lookup_mmio(t, 0x20000000, 0x20000000, &ep))) {
		EXPECT_EQ(t->iommus[ep.iommu].offset, 64);
		EXPECT_EQ(ep.id, 0x77);
	}
	EXPECT(viot_lookup_mmio(t, 0x1ffff000, 0x20000000, &ep));
	EXPECT(viot_lookup_mmio(t, 0x20000000, 0x20000fff, &ep));
	EXPECT(!viot_lookup_mmio(t, 0x20000001, 0x20000fff, &ep));
	EXPECT(!viot_lookup_mmio(t, 0x1ffff000, 0x1fffffff, &ep));
	EXPECT(!viot_lookup_mmio(t, 0x10000000, 0x10000fff, &ep));
	free(t);
	free(b.bytes);
}

/* The kernel numbers some PCI domains from 0x10000: not segment 0. */
static void segments_beyond_16_bits_have_no_entry(void)
{
	struct build b = small_table();
	struct seen seen;
	struct viot_table *t = decode(b.bytes, b.len, &seen);

	expect_no_pci(t, 0x10000, 0);
	expect_no_pci(t, 0x10001, 0);
	expect_no_pci(t, 0xffffffff, 0);
	EXPECT(!viot_find_iommu_pci(t, 0x10000, 0x10));
	free(t);
	free(b.bytes);
}

static void iommus_are_found_by_device(void)
{
	struct build b = small_table();
	const struct viot_iommu *iommu;
	struct seen seen;
	struct viot_table *t = decode(b.bytes, b.len, &seen);

	iommu = viot_find_iommu_pci(t, 0, 0x10);
	if (EXPECT(iommu))
		EXPECT_EQ(iommu->offset, 48);
	iommu = viot_find_iommu_mmio(t, 0x0ffff000, 0x10000000);
	if (EXPECT(iommu))
		EXPECT_EQ(iommu->offset, 64);
	EXPECT(!viot_find_iommu_mmio(t, 0, 0x0fffffff));
	EXPECT(!viot_find_iommu_mmio(t, 0x10000001, 0x20000000));
	EXPECT(!viot_find_iommu_pci(t, 1, 0x10));
	free(t);
	free(b.bytes);
}

/*
 * Defects: small_table() with some bytes changed, what must be found, and
 * which of its three endpoints (@left: 1, 2, 4 in the table's order) are left.
 */
#define CHANGES		4

static const struct defect {
	const char		*name;
	struct {
		u16	offset;
		u8		bytes;
		u32	value;
	} change[CHANGES];
	size_t			len;	/* of the bytes given, 0: 152 */
	struct viot_finding	found;
	unsigned int		left;
} defects[] = {
	{ "no bytes but 47", {}, 47,
	  { VIOT_NO_HEADER, VIOT_ERROR, 0, 0 }, 0 },
	{ "another table", { { 0, 4, 0x21524155 } }, 0,
	  { VIOT_BAD_SIGNATURE, VIOT_ERROR, 0, 0 }, 0 },
	{ "length below the header's", { { 4, 4, 47 } }, 0,
	  { VIOT_BAD_LENGTH, VIOT_ERROR, 4, 0 }, 0 },
	{ "length beyond the bytes", { { 4, 4, 153 } }, 0,
	  { VIOT_BAD_LENGTH, VIOT_ERROR, 4, 0 }, 0 },
	{ "length of 4 GiB", { { 4, 4, 0xffffffff } }, 0,
	  { VIOT_BAD_LENGTH, VIOT_ERROR, 4, 0 }, 0 },
	{ "revision 1", { { 8, 1, 1 } }, 0,
	  { VIOT_NEW_REVISION, VIOT_NOTE, 8, 0 }, 7 },
	{ "bytes behind the table", { { 36, 2, 4 }, { 4, 4, 128 } }, 0,
	  { VIOT_EXTRA_BYTES, VIOT_NOTE, 128, 0 }, 3 },
	{ "nodes in the header", { { 38, 2, 47 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 38, 0 }, 0 },
	{ "nodes behind the table", { { 38, 2, 153 } }, 0,
	  { VIOT_BAD_NODE_OFFSET, VIOT_ERROR, 38, 0 }, 0 },
	{ "nodes at the end of the table", { { 38, 2, 152 } }, 0,
	  { VIOT_NODES_MISSING, VIOT_ERROR, 152, 0 }, 0 },
	{ "one node too few", { { 36, 2, 6 } }, 0,
	  { VIOT_NODES_MISSING, VIOT_ERROR, 152, 0 }, 7 },
	{ "three bytes of a node", { { 36, 2, 6 }, { 4, 4, 155 } }, 155,
	  { VIOT_NODES_MISSING, VIOT_ERROR, 152, 0 }, 7 },
	{ "one node too many", { { 36, 2, 4 } }, 0,
	  { VIOT_NODES_UNCOUNTED, VIOT_NOTE, 128, 0 }, 3 },
	{ "no nodes", { { 36, 2, 0 } }, 0,
	  { VIOT_NODES_UNCOUNTED, VIOT_NOTE, 48, 0 }, 0 },
	{ "node length 0", { { 106, 2, 0 } }, 0,
	  { VIOT_NODE_ENDLESS, VIOT_ERROR, 104, 0 }, 1 },
	{ "node length 3", { { 106, 2, 3 } }, 0,
	  { VIOT_NODE_ENDLESS, VIOT_ERROR, 104, 0 }, 1 },
	{ "last node one byte too long", { { 130, 2, 25 } }, 0,
	  { VIOT_NODE_CUT, VIOT_ERROR, 128, 0 }, 3 },
	{ "node length of 64 KiB", { { 106, 2, 0xffff } }, 0,
	  { VIOT_NODE_CUT, VIOT_ERROR, 104, 0 }, 1 },
	{ "last node one byte too short", { { 4, 4, 151 }, { 130, 2, 23 } }, 151,
	  { VIOT_NODE_SHORT, VIOT_ERROR, 128, 0 }, 3 },
	{ "node of 8 bytes", { { 36, 2, 6 }, { 106, 2, 8 },
			       { 112, 4, 0x00100003 }, { 116, 4, 1 } }, 0,
	  { VIOT_NODE_SHORT, VIOT_ERROR, 104, 0 }, 5 },
	{ "node over the next", { { 36, 2, 4 }, { 106, 2, 48 } }, 0,
	  { VIOT_NODE_LONG, VIOT_NOTE, 104, 0 }, 3 },
	{ "type 0", { { 104, 1, 0 } }, 0,
	  { VIOT_NODE_UNKNOWN, VIOT_NOTE, 104, 0 }, 5 },
	{ "type 5", { { 104, 1, 5 } }, 0,
	  { VIOT_NODE_UNKNOWN, VIOT_NOTE, 104, 0 }, 5 },
	{ "type 255", { { 104, 1, 255 } }, 0,
	  { VIOT_NODE_UNKNOWN, VIOT_NOTE, 104, 0 }, 5 },
	{ "an IOMMU twice", { { 48, 1, 4 }, { 52, 4, 0 }, { 56, 4, 0x10000000 } }, 0,
	  { VIOT_IOMMU_TWICE, VIOT_WARNING, 64, 48 }, 7 },
	{ "output is a range", { { 96, 2, 80 } }, 0,
	  { VIOT_BAD_OUTPUT, VIOT_ERROR, 80, 80 }, 6 },
	{ "output is 0", { { 96, 2, 0 } }, 0,
	  { VIOT_BAD_OUTPUT, VIOT_ERROR, 80, 0 }, 6 },
	{ "output is inside an IOMMU node", { { 120, 2, 52 } }, 0,
	  { VIOT_BAD_OUTPUT, VIOT_ERROR, 104, 52 }, 5 },
	{ "output is behind the table", { { 120, 2, 152 } }, 0,
	  { VIOT_BAD_OUTPUT, VIOT_ERROR, 104, 152 }, 5 },
	{ "segments reversed", { { 88, 2, 1 } }, 0,
	  { VIOT_SEGMENTS_REVERSED, VIOT_ERROR, 80, 0 }, 6 },
	{ "BDFs reversed", { { 92, 2, 0x200 } }, 0,
	  { VIOT_BDFS_REVERSED, VIOT_ERROR, 80, 0 }, 6 },
	{ "IDs overflow by a BDF", { { 84, 4, 0xfffffe01 } }, 0,
	  { VIOT_ENDPOINT_OVERFLOW, VIOT_ERROR, 80, 0 }, 6 },
	{ "IDs overflow by a segment", { { 132, 4, 0xfffe0000 } }, 0,
	  { VIOT_ENDPOINT_OVERFLOW, VIOT_ERROR, 128, 0 }, 3 },
	{ "ranges share all", { { 88, 4, 0x30001 }, { 94, 2, 0xff } }, 0,
	  { VIOT_PCI_OVERLAP, VIOT_ERROR, 128, 80 }, 3 },
	{ "ranges share one function", { { 88, 4, 0x30003 }, { 92, 2, 0xff } }, 0,
	  { VIOT_PCI_OVERLAP, VIOT_ERROR, 80, 128 }, 6 },
	{ "MMIO endpoint is its IOMMU", { { 112, 4, 0x10000000 } }, 0,
	  { VIOT_MMIO_SELF, VIOT_ERROR, 104, 64 }, 5 },
	{ "MMIO address twice",
	  { { 80, 1, 2 }, { 88, 4, 0x20000000 }, { 92, 4, 0 } }, 0,
	  { VIOT_MMIO_TWICE, VIOT_ERROR, 104, 80 }, 5 },
	/* Just short of a defect: nothing may be found. */
	{ "last IDs there are", { { 84, 4, 0xfffffe00 } }, 0,
	  { VIOT_NR_CODES, 0, 0, 0 }, 7 },
	{ "last IDs of a segment", { { 132, 4, 0xfffdff00 } }, 0,
	  { VIOT_NR_CODES, 0, 0, 0 }, 7 },
	{ "ranges that touch", { { 88, 4, 0x30003 }, { 92, 2, 0x100 } }, 0,
	  { VIOT_NR_CODES, 0, 0, 0 }, 7 },
};

static u8 *make_defect(const struct defect *d, size_t *len)
{
	struct build b = small_table();
	u8 *bytes;
	int i;

	*len = d->len ? d->len : b.len;
	build_more(&b, 8);
	for (i = 0; i < CHANGES && d->change[i].bytes; i++)
		build_put(b.bytes + d->change[i].offset, d->change[i].value,
			  d->change[i].bytes);
	bytes = copy(b.bytes, *len);
	free(b.bytes);
	return bytes;
}

/* Endpoints are known by their nodes. */
static unsigned int endpoints_left(const struct viot_table *t)
{
	unsigned int left = 0;
	u32 i;

	for (i = 0; i < t->nr.pci; i++)
		left |= t->pci[i].offset == 80 ? 1 : t->pci[i].offset == 128 ? 4 : 8;
	for (i = 0; i < t->nr.mmio; i++)
		left |= t->mmio[i].offset == 80 ? 1 : t->mmio[i].offset == 104 ? 2 : 8;
	return left;
}

/* Else each would wait for the other before it does anything. */
static void iommus_behind_each_other_translate_none_of_themselves(void)
{
	struct build b = build_table();
	u32 one = build_iommu_pci(&b, 0, 0x10), two = build_iommu_pci(&b, 0, 0x118);
	struct seen seen;
	struct viot_table *t;

	build_pci(&b, one, 0, 0, 0, 0x100, 0x1ff);	/* holds the other */
	build_pci(&b, two, 0, 0, 0, 0, 0xff);
	build_seal(&b);
	t = decode(b.bytes, b.len, &seen);

	expect_no_pci(t, 0, 0x10);
	expect_no_pci(t, 0, 0x118);
	expect_pci(t, 0, 0x11, VIOT_IOMMU_PCI, 0x118, 0x11);
	expect_pci(t, 0, 0x119, VIOT_IOMMU_PCI, 0x10, 0x19);
	free(t);
	free(b.bytes);
}

static void an_iommu_may_be_behind_another(void)
{
	struct build b = build_table();
	u32 upper = build_iommu_mmio(&b, 0x10000000), lower = build_iommu_pci(&b, 0, 8);
	struct viot_endpoint ep;
	struct seen seen;
	struct viot_table *t;

	build_pci(&b, upper, 0x800, 0, 0, 8, 8);
	build_mmio(&b, lower, 0x77, 0x20000000);
	build_seal(&b);
	t = decode(b.bytes, b.len, &seen);

	expect_pci(t, 0, 8, VIOT_IOMMU_MMIO, 0x10000000, 0x800);
	EXPECT(viot_lookup_mmio(t, 0x20000000, 0x20000fff, &ep));
	free(t);
	free(b.bytes);
}

static void a_loop_of_three_with_mmio_is_seen(void)
{
	struct build b = build_table();
	u32 one = build_iommu_mmio(&b, 0x10000000), two = build_iommu_mmio(&b, 0x20000000);
	u32 three = build_iommu_pci(&b, 0, 8);
	struct viot_endpoint ep;
	struct seen seen;
	struct viot_table *t;

	build_mmio(&b, two, 1, 0x10000000);
	build_mmio(&b, three, 2, 0x20000000);
	build_pci(&b, one, 3, 0, 0, 8, 9);
	build_seal(&b);
	t = decode(b.bytes, b.len, &seen);

	expect_no_pci(t, 0, 8);
	expect_pci(t, 0, 9, VIOT_IOMMU_MMIO, 0x10000000, 4);
	EXPECT(!viot_lookup_mmio(t, 0x10000000, 0x10000fff, &ep));
	EXPECT(!viot_lookup_mmio(t, 0x20000000, 0x20000fff, &ep));
	free(t);
	free(b.bytes);
}

static void defects_are_found(void)
{
	const struct defect *d;
	struct viot_table *t;
	struct seen seen;
	u8 *bytes;
	size_t len;

	for (d = defects; d < defects + ARRAY_SIZE(defects); d++) {
		check_row("%s", d->name);
		bytes = make_defect(d, &len);
		t = decode(bytes, len, &seen);
		expect_seen(&seen, &d->found);
		/* "MMIO address twice" leaves the first, at 80, to count. */
		EXPECT_EQ(endpoints_left(t), d->left);
		EXPECT(!model_compare(bytes, len));
		free(t);
		free(bytes);
	}
}

static void every_finding_has_a_defect_and_a_text(void)
{
	bool met[VIOT_NR_CODES] = { [VIOT_BAD_CHECKSUM] = true };
	const char *text;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(defects); i++)
		if (defects[i].found.code < VIOT_NR_CODES)
			met[defects[i].found.code] = true;
	for (i = 0; i < VIOT_NR_CODES; i++) {
		check_row("code %zu", i);
		EXPECT(met[i]);
		text = viot_finding_text(i);
		if (!EXPECT(text))
			continue;
		len = strlen(text);
		EXPECT(len > 20 && len < 100);
		EXPECT(len && text[len - 1] != '.' && text[len - 1] != '\n');
	}
	EXPECT(viot_finding_text(VIOT_NR_CODES));
}

static void the_checksum_is_checked_on_request(void)
{
	struct build b = small_table();
	struct seen seen = { 0 };
	struct viot_sink sink = { see, &seen };
	size_t i;

	EXPECT(viot_check_checksum(b.bytes, b.len, &sink));
	EXPECT_EQ(seen.nr, 0);
	EXPECT(!viot_check_checksum(b.bytes, 40, NULL));
	/* Behind the node count: before it, the table may not be one any more. */
	for (i = 40; i < b.len; i++) {
		check_row("byte %zu", i);
		seen.nr = 0;
		b.bytes[i]++;
		EXPECT(!viot_check_checksum(b.bytes, b.len, &sink));
		b.bytes[i]--;
		EXPECT_EQ(seen.nr, 1);
		EXPECT_EQ(seen.list[0].code, VIOT_BAD_CHECKSUM);
		EXPECT_EQ(seen.list[0].severity, VIOT_ERROR);
		EXPECT_EQ(seen.list[0].offset, 9);
	}
	free(b.bytes);
}

static void expect_like_model(const u8 *p, size_t len)
{
	const char *differ = model_compare(p, len);

	if (differ) {
		check_note("%s", differ);
		EXPECT(!differ);
	}
}

/* Bytes missing: as a file cut off, and with a header that says so. */
static void every_truncation(void)
{
	struct build b;
	u8 *cut;
	size_t len;
	int i;

	for (i = 0; i < SOME_TABLES; i++) {
		b = some_table(i);
		for (len = 0; len <= b.len; len++) {
			check_row("table %d, %zu bytes", i, len);
			cut = copy(b.bytes, len);
			expect_like_model(cut, len);
			if (len >= 8) {
				build_put(cut + 4, len, 4);
				expect_like_model(cut, len);
			}
			free(cut);
		}
		free(b.bytes);
	}
}

static void every_change_of_a_byte(void)
{
	unsigned long tables = 0;
	struct build b;
	u8 *bytes;
	int i, change;
	size_t at;

	for (i = 0; i < SOME_TABLES; i++) {
		b = some_table(i);
		bytes = copy(b.bytes, b.len);
		for (at = 0; at < b.len; at++) {
			for (change = check_step(); change < 256; change += check_step()) {
				check_row("table %d, byte %zu ^ %#x", i, at, change);
				bytes[at] ^= change;
				expect_like_model(bytes, b.len);
				bytes[at] ^= change;
				tables++;
			}
		}
		free(bytes);
		free(b.bytes);
	}
	check_note("%lu tables", tables);
}

static void several_changes_of_bytes(void)
{
	struct build b;
	unsigned int i;
	u8 *bytes;
	int j;

	for (i = 0; i < check_rounds(20000); i++) {
		check_row("round %u", i);
		b = some_table(i % SOME_TABLES);
		bytes = copy(b.bytes, b.len);
		for (j = check_random(8); j >= 0; j--)
			bytes[36 + check_random(b.len - 36)] = check_random(256);
		expect_like_model(bytes, b.len);
		free(bytes);
		free(b.bytes);
	}
}

static void add_random_node(struct build *b, u32 limit)
{
	u32 output = check_random(20) ? 48 + 16 * check_random(4) : check_random(400);
	u32 s = some_number(limit), f = some_number(limit);

	switch (check_random(8)) {
	case 0:
		build_mmio(b, output, check_random(0x1000), check_random(12));
		break;
	case 1:
		if (check_random(2))
			build_iommu_mmio(b, check_random(12));
		else
			build_node(b, check_random(6), 4 + check_random(40));
		break;
	case 2:
		build_pci(b, output, some_number(limit) << 16 | 0xff00, s,
			  some_number(limit), f, some_number(limit));
		break;
	default:
		build_pci(b, output, check_random(0x1000), s, s + check_random(limit / 2),
			  f, f + check_random(limit / 2));
	}
}

static struct build random_table(u32 nodes, u32 limit)
{
	struct build b = build_table();

	build_iommu_pci(&b, check_random(limit), check_random(limit));
	build_iommu_pci(&b, check_random(limit), check_random(limit));
	build_iommu_mmio(&b, check_random(4));
	build_iommu_mmio(&b, check_random(4));
	while (nodes--)
		add_random_node(&b, limit);
	build_seal(&b);
	return b;
}

static void random_tables(void)
{
	static const u32 limits[] = { 3, 6, 20, 300, 0xffff };
	unsigned int i, nodes;
	u8 *bytes;
	struct build b;

	for (i = 0; i < check_rounds(4000); i++) {
		nodes = check_random(i % 40 ? 30 : 300);
		check_row("round %d, %u nodes", i, nodes);
		b = random_table(nodes, limits[i % ARRAY_SIZE(limits)]);
		bytes = copy(b.bytes, b.len);
		expect_like_model(bytes, b.len);
		free(bytes);
		free(b.bytes);
	}
}

/* All functions of a small world: nothing between the corners either. */
static void random_worlds_in_full(void)
{
	struct viot_table *t;
	const char *differ;
	struct seen seen;
	struct build b;
	struct model m;
	u32 i, s, f;

	for (i = 0; i < check_rounds(400); i++) {
		b = random_table(2 + check_random(60), 40);
		t = decode(b.bytes, b.len, &seen);
		model_parse(&m, b.bytes, b.len);
		for (s = 0; s < 64; s++)
			for (f = 0; f < 64; f++) {
				differ = model_ask_pci(t, &m, s, f);
				check_row("world %u, %u:%u", i, s, f);
				EXPECT(!differ);
			}
		model_free(&m);
		free(t);
		free(b.bytes);
	}
}

static void tables_need_not_be_aligned(void)
{
	struct build b = crowded_table();
	u8 *bytes = malloc(b.len + 8);
	int shift;

	for (shift = 0; shift < 8; shift++) {
		check_row("shift %d", shift);
		memcpy(bytes + shift, b.bytes, b.len);
		expect_like_model(bytes + shift, b.len);
	}
	free(bytes);
	free(b.bytes);
}

/* As if the table grew between viot_table_size() and viot_table_parse(). */
static void less_memory_than_needed_is_refused(void)
{
	struct build b = crowded_table();
	size_t need = viot_table_size(b.bytes, b.len), size;
	struct viot_table *t;

	for (size = 0; size < need; size++) {
		t = malloc(size ? size : 1);
		check_row("%zu of %zu bytes", size, need);
		EXPECT_EQ(viot_table_parse(b.bytes, b.len, t, size, NULL), -ENOSPC);
		free(t);
	}
	free(b.bytes);
}

static void a_bad_header_leaves_an_empty_table(void)
{
	size_t size = viot_table_size("XIOT", 4);
	struct viot_table *t = malloc(size);
	struct viot_endpoint ep;

	EXPECT(size);
	EXPECT_EQ(viot_table_parse("XIOT", 4, t, size, NULL), -EINVAL);
	EXPECT_EQ(t->nr.iommus + t->nr.pci + t->nr.mmio, 0);
	EXPECT(!viot_lookup_pci(t, 0, 0, &ep));
	EXPECT(!viot_lookup_mmio(t, 0, -1ULL, &ep));
	EXPECT(!viot_find_iommu_pci(t, 0, 0));
	free(t);
}

/* As a source of topology without ACPI does it. */
static void a_table_filled_by_hand(void)
{
	struct viot_counts room = { .iommus = 1, .pci = 1, .mmio = 1 };
	struct viot_table *t = malloc(viot_table_bytes(&room));
	struct viot_iommu self = { .kind = VIOT_IOMMU_OTHER, .offset = 40 };
	struct viot_pci_range range = { .endpoint_start = 8, .bdf_last = 0xff };
	struct viot_mmio mmio = { .base = 0, .endpoint = 9 };

	viot_table_init(t, &room);
	EXPECT_EQ(viot_add_iommu(t, &self), 0);
	EXPECT_EQ(viot_add_iommu(t, &self), -ENOSPC);
	viot_index_iommus(t, NULL);
	EXPECT_EQ(viot_iommu_at(t, 40), 0);
	EXPECT_EQ(viot_iommu_at(t, 41), -ENOENT);

	range.iommu = 1;
	mmio.iommu = 1;
	EXPECT_EQ(viot_add_pci_range(t, &range, NULL), -EINVAL);
	EXPECT_EQ(viot_add_mmio(t, &mmio, NULL), -EINVAL);
	range.iommu = 0;
	mmio.iommu = 0;
	EXPECT_EQ(viot_add_pci_range(t, &range, NULL), 0);
	EXPECT_EQ(viot_add_pci_range(t, &range, NULL), -ENOSPC);
	EXPECT_EQ(viot_add_mmio(t, &mmio, NULL), 0);
	EXPECT_EQ(viot_add_mmio(t, &mmio, NULL), -ENOSPC);
	viot_index_endpoints(t, NULL);
	expect_pci(t, 0, 0, VIOT_IOMMU_OTHER, 0, 8);
	expect_pci(t, 0, 0xff, VIOT_IOMMU_OTHER, 0, 0x107);
	expect_no_pci(t, 0, 0x100);
	free(t);
}

/*
 * Large tables, each the worst of its kind.
 */

/* One range for each of the first buses of as many segments as it takes. */
static void grid(struct build *b, u32 i)
{
	build_pci(b, 48, i << 8, i >> 8, i >> 8, i << 8 & 0xff00,
		  (i << 8 & 0xff00) | 0xff);
}

/* Anything, anywhere: nearly all of it overlaps. */
static void heap(struct build *b, u32 i)
{
	u32 s = check_random(0x8000), f = check_random(0x8000);

	build_pci(b, 48, i, s, s + check_random(0x8000), f, f + check_random(0x8000));
}

/*
 * The first half are thin and span segments 0x7ff0 to 0x8000, the second are
 * wide, one for each segment above: none overlap, though all of the one half
 * meet all of the other in BDFs.
 */
static void comb(struct build *b, u32 i)
{
	if (i & 1)
		build_pci(b, 48, i, 0x8001 + i / 2, 0x8001 + i / 2, 0, 0xffff);
	else
		build_pci(b, 48, i, 0x7ff0, 0x8000, i / 2, i / 2);
}

/* Ranges of all 17 levels that hold segment 0x5555, by turns. */
static void levels(struct build *b, u32 i)
{
	u32 level = i % 17, last = 0x5555 | ((1u << level) - 1);

	build_pci(b, 48, 0, last & ~((1u << level) - 1), last, i, i);
}

/* The same range again and again. */
static void copies(struct build *b, u32 i)
{
	build_pci(b, 48, i, 0, 0xff, 0, 0xffff);
}

/* No ranges, but endpoints at addresses that fall, each of them twice. */
static void registers(struct build *b, u32 i)
{
	build_mmio(b, 48, i, 0xffffffff00000000 - (i / 2) * 0x1000ULL);
}

/* Nothing but the shortest nodes of no known type. */
static void strangers(struct build *b, u32 i)
{
	build_node(b, 5 + i % 251, 4);
}

/* IOMMUs, each described twice. */
static void iommus(struct build *b, u32 i)
{
	build_iommu_mmio(b, (i / 2) * 0x1000ULL);
}

static const struct {
	const char	*name;
	void		(*add)(struct build *b, u32 i);
	/* Endpoints that must come out of 65534 nodes, if not by chance. */
	u32		left;
} kinds[] = {
	{ "grid", grid, 65534 },
	{ "heap", heap, 0 },
	{ "comb", comb, 65534 },
	{ "levels", levels, 65534 },
	{ "copies", copies, 1 },
	{ "registers", registers, 32767 },
	{ "strangers", strangers, 0 },
	{ "iommus", iommus, 0 },
};

static void count(const struct viot_finding *f, void *ctx)
{
	(void)f;
	++*(u32 *)ctx;
}

/* Nanoseconds of a lookup, half of them of ranges that are there. */
static unsigned int time_lookups(const struct viot_table *t)
{
	const u32 rounds = check_rounds(200000);
	struct viot_endpoint ep;
	u64 start = check_nanoseconds();
	u32 i, n = 0;

	for (i = 0; i < rounds; i++) {
		if ((i & 1) && t->nr.pci) {
			const struct viot_pci_range *r = &t->pci[i * 7919u % t->nr.pci];

			n += viot_lookup_pci(t, r->segment_last, r->bdf_last, &ep);
		} else {
			n += viot_lookup_pci(t, i * 40503u >> 7 & 0xffff, i, &ep);
		}
	}
	EXPECT(n >= (t->nr.pci ? rounds / 2 - 1 : 0));
	return (check_nanoseconds() - start) / rounds;
}

static void time_table(unsigned int kind, u32 nodes)
{
	u32 findings = 0, i;
	struct viot_sink sink = { count, &findings };
	struct build b = build_table();
	struct viot_table *t;
	u64 start, took;
	size_t size;

	build_iommu_pci(&b, 0xffff, 0);
	for (i = 0; i < nodes - 1; i++)
		kinds[kind].add(&b, i);
	build_seal(&b);

	start = check_nanoseconds();
	size = viot_table_size(b.bytes, b.len);
	t = malloc(size);
	EXPECT_EQ(viot_table_parse(b.bytes, b.len, t, size, &sink), 0);
	took = check_nanoseconds() - start;

	check_row("%s", kinds[kind].name);
	EXPECT(took < NANOSECONDS_AT_MOST);
	if (kinds[kind].left && nodes == 65535)
		EXPECT_EQ(t->nr.pci + t->nr.mmio, kinds[kind].left);
	check_note("%-10s %5u nodes, %5u endpoints, %5u findings: %6llu us, lookup %4u ns",
		   kinds[kind].name, nodes, t->nr.pci + t->nr.mmio, findings,
		   took / 1000, time_lookups(t));
	free(t);
	free(b.bytes);
}

static void time_of_large_tables(void)
{
	static const u32 nodes[] = { 10000, 65535 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(nodes); i++)
		for (j = 0; j < ARRAY_SIZE(kinds); j++)
			time_table(j, nodes[i]);
}

/* The large tables are right as well, as far as the slow model can follow. */
static void large_tables_like_the_model(void)
{
	const u32 nodes = CHECK_SHARE == 1 ? 1500 : 300;
	unsigned int i;
	struct build b;
	u32 j;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		check_row("%s", kinds[i].name);
		b = build_table();
		build_iommu_pci(&b, 0xffff, 0);
		for (j = 0; j < nodes; j++)
			kinds[i].add(&b, j);
		build_seal(&b);
		expect_like_model(b.bytes, b.len);
		free(b.bytes);
	}
}

static const struct check_case cases[] = {
	CASE(q35_table),
	CASE(virt_table),
	CASE(endpoint_ids_across_segments),
	CASE(segments_beyond_16_bits_have_no_entry),
	CASE(iommus_are_found_by_device),
	CASE(iommus_behind_each_other_translate_none_of_themselves),
	CASE(an_iommu_may_be_behind_another),
	CASE(a_loop_of_three_with_mmio_is_seen),
	CASE(defects_are_found),
	CASE(every_finding_has_a_defect_and_a_text),
	CASE(the_checksum_is_checked_on_request),
	CASE(every_truncation),
	CASE(every_change_of_a_byte),
	CASE(several_changes_of_bytes),
	CASE(random_tables),
	CASE(random_worlds_in_full),
	CASE(tables_need_not_be_aligned),
	CASE(less_memory_than_needed_is_refused),
	CASE(a_bad_header_leaves_an_empty_table),
	CASE(a_table_filled_by_hand),
	CASE(large_tables_like_the_model),
	CASE(time_of_large_tables),
};

CHECK_SUITE(viot_table, cases);
