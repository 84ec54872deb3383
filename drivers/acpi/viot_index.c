// SPDX-License-Identifier: GPL-2.0
/*
 * Which endpoint sits behind which virtio-iommu: the index behind all sources
 * of topology that name PCI ranges and MMIO addresses.
 *
 * Owns struct viot_table and all checks that do not depend on how its content
 * was written down. It knows no devices, allocates nothing, prints nothing, and
 * compiles in user space from this very file. Callers provide the memory,
 * serialise changes to one table, and may look up in it from anywhere once it
 * is filled.
 *
 * Invariant of a filled table: PCI ranges are disjoint, MMIO addresses and
 * IOMMUs unique, indices of IOMMUs valid, endpoint IDs within 32 bits.
 *
 * A PCI range is a rectangle, segments times BDFs, so that sorting by the
 * first corner would not make ranges searchable. What does is an interval tree
 * over the segments with fixed nodes: the level of a range is the lowest at
 * which one aligned block of 2^level segments holds all of its segments, and
 * that block is its place. From level 1 on, a range has segments in both halves
 * of its block, and so those around the block's middle. All ranges of a block
 * thus share a segment, and their BDFs are disjoint. Sorted by (level, block,
 * BDF), a lookup is one binary search for each level in use: one with tables
 * as they are found, 17 with the worst, and no memory but the ranges.
 *
 * Overlaps are found by a sweep over the segments in O(n log n); see
 * viot_drop_overlaps().
 */

#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/bsearch.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sort.h>
#include <linux/string.h>

#include "viot_index.h"

/* IOMMUs behind each other; nobody is known to have two. */
#define VIOT_MAX_NESTING	8

/* Where an IOMMU node starts, and which IOMMU it means. */
struct viot_ref {
	u32	offset;
	u32	iommu;
};

static const struct {
	enum viot_severity	severity;
	const char		*text;
} viot_findings[VIOT_NR_CODES] = {
	[VIOT_NO_HEADER] = { VIOT_ERROR,
		"the table is shorter than its header; ignored" },
	[VIOT_BAD_SIGNATURE] = { VIOT_ERROR,
		"the signature is not VIOT; table ignored" },
	[VIOT_BAD_LENGTH] = { VIOT_ERROR,
		"the table's length cannot be true; table ignored" },
	[VIOT_BAD_CHECKSUM] = { VIOT_ERROR,
		"the bytes of the table do not add up to 0" },
	[VIOT_NEW_REVISION] = { VIOT_NOTE,
		"the table has a newer revision than 0; read as 0" },
	[VIOT_EXTRA_BYTES] = { VIOT_NOTE,
		"bytes after the end of the table ignored" },
	[VIOT_BAD_NODE_OFFSET] = { VIOT_ERROR,
		"the offset of the nodes cannot be true; table ignored" },
	[VIOT_NODES_MISSING] = { VIOT_ERROR,
		"the table ends before as many nodes as it counts" },
	[VIOT_NODES_UNCOUNTED] = { VIOT_NOTE,
		"bytes after node_count nodes ignored" },
	[VIOT_NODE_ENDLESS] = { VIOT_ERROR,
		"the node's length is too small to find the next; rest of the table ignored" },
	[VIOT_NODE_CUT] = { VIOT_ERROR,
		"the node runs past the end of the table; rest of the table ignored" },
	[VIOT_NODE_SHORT] = { VIOT_ERROR,
		"the node is too short for its type; node ignored" },
	[VIOT_NODE_LONG] = { VIOT_NOTE,
		"the node is longer than its type; what is beyond is ignored" },
	[VIOT_NODE_UNKNOWN] = { VIOT_NOTE,
		"a node of unknown type is ignored" },
	[VIOT_IOMMU_TWICE] = { VIOT_WARNING,
		"the IOMMU has a node already; both mean the same" },
	[VIOT_BAD_OUTPUT] = { VIOT_ERROR,
		"output_node is not the offset of an IOMMU node; node ignored" },
	[VIOT_SEGMENTS_REVERSED] = { VIOT_ERROR,
		"the first segment is above the last; node ignored" },
	[VIOT_BDFS_REVERSED] = { VIOT_ERROR,
		"the first BDF is above the last; node ignored" },
	[VIOT_ENDPOINT_OVERFLOW] = { VIOT_ERROR,
		"endpoint IDs of the range exceed 32 bits; node ignored" },
	[VIOT_PCI_OVERLAP] = { VIOT_ERROR,
		"the range overlaps with that of another node; node ignored" },
	[VIOT_MMIO_TWICE] = { VIOT_ERROR,
		"the address has a node already; node ignored" },
	[VIOT_MMIO_SELF] = { VIOT_ERROR,
		"an IOMMU cannot be an endpoint of itself; node ignored" },
};

/**
 * viot_report - report a finding
 * @sink: where to; may be NULL
 * @code: what was found; the severity follows from it
 * @offset: of the node, or of the field of the header, that is to blame
 * @other: offset of the other node concerned; 0 where there is none
 *
 * Context: any that @sink can be called from.
 */
void viot_report(const struct viot_sink *sink, enum viot_code code, u32 offset,
		 u32 other)
{
	struct viot_finding finding = {
		.code = code,
		.severity = viot_findings[code].severity,
		.offset = offset,
		.other = other,
	};

	if (sink)
		sink->report(&finding, sink->ctx);
}
EXPORT_SYMBOL_GPL(viot_report);

/**
 * viot_finding_text - say what a finding means
 * @code: of the finding
 *
 * Context: any.
 * Return: a sentence without capital or full stop, to follow an offset.
 */
const char *viot_finding_text(enum viot_code code)
{
	return code < VIOT_NR_CODES ? viot_findings[code].text : "unknown";
}
EXPORT_SYMBOL_GPL(viot_finding_text);

static int viot_cmp(u64 l, u64 r)
{
	return l < r ? -1 : l > r;
}

/* Leaves of the overlap check's tree: one more than ranges, for its descent. */
static u32 viot_leaves(u32 ranges)
{
	return roundup_pow_of_two(ranges + 1);
}

/**
 * viot_table_bytes - memory for a table of known numbers
 * @room: how many of each there shall be room for, 65535 at most
 *
 * Context: any.
 * Return: bytes of the structure with all its arrays.
 */
size_t viot_table_bytes(const struct viot_counts *room)
{
	return sizeof(struct viot_table) +
	       room->mmio * sizeof(struct viot_mmio) +
	       room->iommus * sizeof(struct viot_iommu) +
	       room->iommus * sizeof(struct viot_ref) +
	       room->pci * sizeof(struct viot_pci_range) +
	       2 * viot_leaves(room->pci) * sizeof(u32) +
	       room->pci * sizeof(u16);
}
EXPORT_SYMBOL_GPL(viot_table_bytes);

/**
 * viot_table_init - make an empty table
 * @t: viot_table_bytes() of memory, aligned for a u64; need not be cleared
 * @room: as given to viot_table_bytes()
 *
 * Only those who have their topology from elsewhere than ACPI need this and
 * the functions below. The order is fixed: viot_add_iommu() for each,
 * viot_index_iommus(), viot_add_pci_range() and viot_add_mmio() for each,
 * viot_index_endpoints(); lookups last.
 *
 * Context: any.
 */
void viot_table_init(struct viot_table *t, const struct viot_counts *room)
{
	/* By falling alignment, so that each array ends where the next may start. */
	memset(t, 0, sizeof(*t));
	t->room = *room;
	t->mmio = (void *)t->memory;
	t->iommus = (void *)(t->mmio + room->mmio);
	t->refs = (void *)(t->iommus + room->iommus);
	t->pci = (void *)(t->refs + room->iommus);
	t->tree = (void *)(t->pci + room->pci);
	t->order = (void *)(t->tree + 2 * viot_leaves(room->pci));
}
EXPORT_SYMBOL_GPL(viot_table_init);

/**
 * viot_add_iommu - add an IOMMU
 * @t: table that has not yet seen viot_index_iommus()
 * @iommu: to copy; @offset tells it apart from others, and is what findings name
 *
 * Context: any.
 * Return: 0, or -ENOSPC beyond the room asked for.
 */
int viot_add_iommu(struct viot_table *t, const struct viot_iommu *iommu)
{
	if (t->nr.iommus == t->room.iommus)
		return -ENOSPC;
	t->iommus[t->nr.iommus++] = *iommu;
	return 0;
}
EXPORT_SYMBOL_GPL(viot_add_iommu);

/* By what they are. */
static int viot_cmp_device(const void *a, const void *b)
{
	const struct viot_iommu *l = a, *r = b;

	if (l->kind != r->kind)
		return viot_cmp(l->kind, r->kind);
	return viot_cmp(l->address, r->address);
}

/* Likewise; nodes for the same one, by offset. */
static int viot_cmp_iommu(const void *a, const void *b)
{
	const struct viot_iommu *l = a, *r = b;

	return viot_cmp_device(l, r) ?: viot_cmp(l->offset, r->offset);
}

static int viot_cmp_ref(const void *a, const void *b)
{
	const struct viot_ref *l = a, *r = b;

	return viot_cmp(l->offset, r->offset);
}

/**
 * viot_index_iommus - settle which IOMMUs there are
 * @t: table that has all its IOMMUs, and no endpoints yet
 * @sink: gets a finding for each that is there twice; may be NULL
 *
 * The IOMMUs get the indices by which endpoints name them; a table of a single
 * IOMMU can count on 0.
 *
 * Context: any.
 */
void viot_index_iommus(struct viot_table *t, const struct viot_sink *sink)
{
	struct viot_iommu *iommus = t->iommus;
	u32 i, nr = 0;

	sort(iommus, t->nr.iommus, sizeof(*iommus), viot_cmp_iommu, NULL);
	for (i = 0; i < t->nr.iommus; i++) {
		u32 offset = iommus[i].offset;

		if (nr && !viot_cmp_device(&iommus[nr - 1], &iommus[i]))
			viot_report(sink, VIOT_IOMMU_TWICE, offset,
				    iommus[nr - 1].offset);
		else
			iommus[nr++] = iommus[i];
		t->refs[i] = (struct viot_ref){ offset, nr - 1 };
	}
	t->nr_refs = t->nr.iommus;
	t->nr.iommus = nr;
	sort(t->refs, t->nr_refs, sizeof(*t->refs), viot_cmp_ref, NULL);
}
EXPORT_SYMBOL_GPL(viot_index_iommus);

/**
 * viot_iommu_at - find an IOMMU by its place
 * @t: table that has seen viot_index_iommus()
 * @offset: as given to viot_add_iommu()
 *
 * Context: any; O(log n).
 * Return: index of the IOMMU, or -ENOENT.
 */
int viot_iommu_at(const struct viot_table *t, u32 offset)
{
	struct viot_ref key = { .offset = offset };
	const struct viot_ref *ref;

	ref = bsearch(&key, t->refs, t->nr_refs, sizeof(key), viot_cmp_ref);
	return ref ? (int)ref->iommu : -ENOENT;
}
EXPORT_SYMBOL_GPL(viot_iommu_at);

/**
 * viot_add_pci_range - add a range of PCI functions
 * @t: table between viot_index_iommus() and viot_index_endpoints()
 * @range: to check and copy
 * @sink: gets a finding if the range is not well-formed; may be NULL
 *
 * Context: any.
 * Return: 0; -EINVAL if the range or its IOMMU is not valid, -ENOSPC beyond
 * the room asked for.
 */
int viot_add_pci_range(struct viot_table *t, const struct viot_pci_range *range,
		       const struct viot_sink *sink)
{
	u32 segments = range->segment_last - range->segment_start;
	u32 bdfs = range->bdf_last - range->bdf_start;
	u32 last;

	if (range->segment_start > range->segment_last) {
		viot_report(sink, VIOT_SEGMENTS_REVERSED, range->offset, 0);
		return -EINVAL;
	}
	if (range->bdf_start > range->bdf_last) {
		viot_report(sink, VIOT_BDFS_REVERSED, range->offset, 0);
		return -EINVAL;
	}
	if (check_add_overflow(range->endpoint_start, (segments << 16) + bdfs,
			       &last)) {
		viot_report(sink, VIOT_ENDPOINT_OVERFLOW, range->offset, 0);
		return -EINVAL;
	}

	if (range->iommu >= t->nr.iommus)
		return -EINVAL;
	if (t->nr.pci == t->room.pci)
		return -ENOSPC;
	t->pci[t->nr.pci++] = *range;
	return 0;
}
EXPORT_SYMBOL_GPL(viot_add_pci_range);

/**
 * viot_add_mmio - add an endpoint that is no PCI function
 * @t: table between viot_index_iommus() and viot_index_endpoints()
 * @mmio: to check and copy
 * @sink: gets a finding if it is the IOMMU itself; may be NULL
 *
 * Context: any.
 * Return: 0; -EINVAL if the IOMMU is not valid or is the endpoint, -ENOSPC
 * beyond the room asked for.
 */
int viot_add_mmio(struct viot_table *t, const struct viot_mmio *mmio,
		  const struct viot_sink *sink)
{
	const struct viot_iommu *iommu;

	if (mmio->iommu >= t->nr.iommus)
		return -EINVAL;
	iommu = &t->iommus[mmio->iommu];
	if (iommu->kind == VIOT_IOMMU_MMIO && iommu->address == mmio->base) {
		viot_report(sink, VIOT_MMIO_SELF, mmio->offset, iommu->offset);
		return -EINVAL;
	}
	if (t->nr.mmio == t->room.mmio)
		return -ENOSPC;
	t->mmio[t->nr.mmio++] = *mmio;
	return 0;
}
EXPORT_SYMBOL_GPL(viot_add_mmio);

/* By address; nodes for the same one, by offset. */
static int viot_cmp_mmio(const void *a, const void *b)
{
	const struct viot_mmio *l = a, *r = b;

	return viot_cmp(l->base, r->base) ?: viot_cmp(l->offset, r->offset);
}

/* Of several endpoints at one address, the first in the table counts. */
static void viot_index_mmio(struct viot_table *t, const struct viot_sink *sink)
{
	struct viot_mmio *mmio = t->mmio;
	u32 i, nr = 0;

	sort(mmio, t->nr.mmio, sizeof(*mmio), viot_cmp_mmio, NULL);
	for (i = 0; i < t->nr.mmio; i++) {
		if (nr && mmio[nr - 1].base == mmio[i].base)
			viot_report(sink, VIOT_MMIO_TWICE, mmio[i].offset,
				    mmio[nr - 1].offset);
		else
			mmio[nr++] = mmio[i];
	}
	t->nr.mmio = nr;
}

/* Ranges by BDF; those that start at the same one, by their place. */
static int viot_cmp_bdf(const void *a, const void *b)
{
	const struct viot_pci_range *l = a, *r = b;

	return viot_cmp(l->bdf_start, r->bdf_start) ?:
	       viot_cmp(l->offset, r->offset);
}

/* Indices of ranges, in the order of the sweep. */
static int viot_cmp_sweep(const void *a, const void *b, const void *priv)
{
	const struct viot_pci_range *ranges = priv;
	const struct viot_pci_range *l = &ranges[*(const u16 *)a];
	const struct viot_pci_range *r = &ranges[*(const u16 *)b];

	return viot_cmp(l->segment_start, r->segment_start) ?: viot_cmp_bdf(l, r);
}

/* Of ranges sorted by BDF, how many start at or before @bdf. */
static u32 viot_starting_by(const struct viot_table *t, u16 bdf)
{
	u32 low = 0, high = t->nr.pci;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (t->pci[mid].bdf_start <= bdf)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/*
 * The sweep's tree: node i is the parent of 2i and 2i + 1 and holds the larger
 * of their values, the leaf of range i is leaves + i. The value is the end of
 * the range's segments, or 0 while it does not count.
 */
static void viot_tree_set(u32 *tree, u32 leaf, u32 end)
{
	for (; leaf; leaf /= 2)
		tree[leaf] = max(tree[leaf], end);
}

/* The last of the first @nr ranges that counts and reaches @segment, or -1. */
static int viot_tree_last(const u32 *tree, u32 leaves, u32 nr, u32 segment)
{
	u32 i = leaves + nr;

	while (i > 1 && !((i & 1) && tree[i - 1] > segment))
		i /= 2;
	if (i <= 1)
		return -1;
	for (i--; i < leaves;)
		i = 2 * i + (tree[2 * i + 1] > segment);
	return i - leaves;
}

/*
 * Keep ranges that are disjoint: of two that share a function, the one with
 * the lower first segment, then the lower first BDF, then the lower offset.
 *
 * The sweep takes ranges in that order. Those it has kept and that reach the
 * present range's first segment contain that segment, so their BDFs are
 * disjoint; the one that starts last before the present range's end is then
 * the only one that need be compared.
 */
static void viot_drop_overlaps(struct viot_table *t, const struct viot_sink *sink)
{
	u32 leaves = viot_leaves(t->nr.pci);
	u32 i, nr = 0;

	sort(t->pci, t->nr.pci, sizeof(*t->pci), viot_cmp_bdf, NULL);
	for (i = 0; i < t->nr.pci; i++)
		t->order[i] = i;
	sort_r(t->order, t->nr.pci, sizeof(*t->order), viot_cmp_sweep, NULL, t->pci);
	memset(t->tree, 0, 2 * leaves * sizeof(*t->tree));

	for (i = 0; i < t->nr.pci; i++) {
		const struct viot_pci_range *range = &t->pci[t->order[i]];
		int last = viot_tree_last(t->tree, leaves,
					  viot_starting_by(t, range->bdf_last),
					  range->segment_start);

		if (last >= 0 && t->pci[last].bdf_last >= range->bdf_start)
			viot_report(sink, VIOT_PCI_OVERLAP, range->offset,
				    t->pci[last].offset);
		else
			viot_tree_set(t->tree, leaves + t->order[i],
				      range->segment_last + 1);
	}

	for (i = 0; i < t->nr.pci; i++)
		if (t->tree[leaves + i])
			t->pci[nr++] = t->pci[i];
	t->nr.pci = nr;
}

static u32 viot_level(const struct viot_pci_range *range)
{
	return fls(range->segment_start ^ range->segment_last);
}

/* Ranges of one level that may hold @segment are those of its block. */
static u64 viot_key(u32 level, u32 segment, u16 bdf)
{
	u32 block = segment >> level << level;

	return (u64)level << 48 | (u64)block << 16 | bdf;
}

static u64 viot_range_key(const struct viot_pci_range *range)
{
	return viot_key(viot_level(range), range->segment_start, range->bdf_start);
}

static int viot_cmp_key(const void *a, const void *b)
{
	return viot_cmp(viot_range_key(a), viot_range_key(b));
}

static void viot_index_pci(struct viot_table *t, const struct viot_sink *sink)
{
	u32 i;

	viot_drop_overlaps(t, sink);
	sort(t->pci, t->nr.pci, sizeof(*t->pci), viot_cmp_key, NULL);
	for (i = 0; i < t->nr.pci; i++)
		t->levels |= BIT(viot_level(&t->pci[i]));
}

/**
 * viot_index_endpoints - settle which endpoints there are
 * @t: table that has all its endpoints
 * @sink: gets a finding for each that is there twice; may be NULL
 *
 * After this the table is complete, and does not change any more.
 *
 * Context: any; takes time in O(n log n) for n endpoints.
 */
void viot_index_endpoints(struct viot_table *t, const struct viot_sink *sink)
{
	viot_index_pci(t, sink);
	viot_index_mmio(t, sink);
}
EXPORT_SYMBOL_GPL(viot_index_endpoints);

/*
 * Lookups
 */

/* The range of @level that contains a function, if any. */
static const struct viot_pci_range *viot_search(const struct viot_table *t,
						u32 level, u32 segment, u16 bdf)
{
	u64 key = viot_key(level, segment, bdf);
	u32 low = 0, high = t->nr.pci;
	const struct viot_pci_range *range;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (viot_range_key(&t->pci[mid]) <= key)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return NULL;
	range = &t->pci[low - 1];
	if (segment < range->segment_start || segment > range->segment_last ||
	    bdf < range->bdf_start || bdf > range->bdf_last)
		return NULL;
	return range;
}

/* The IOMMU that is a certain device, or NULL. */
static const struct viot_iommu *viot_iommu_at_address(const struct viot_table *t,
						      enum viot_iommu_kind kind,
						      u64 address)
{
	struct viot_iommu key = { .kind = kind, .address = address };

	return bsearch(&key, t->iommus, t->nr.iommus, sizeof(key), viot_cmp_device);
}

/* The endpoint with the lowest address from first to last, or NULL. */
static const struct viot_mmio *viot_search_mmio(const struct viot_table *t,
						u64 first, u64 last)
{
	u32 low = 0, high = t->nr.mmio;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (t->mmio[mid].base < first)
			low = mid + 1;
		else
			high = mid;
	}
	if (low == t->nr.mmio || t->mmio[low].base > last)
		return NULL;
	return &t->mmio[low];
}

/* The range that contains a function, or NULL. */
static const struct viot_pci_range *viot_search_pci(const struct viot_table *t,
						    u32 segment, u16 bdf)
{
	const struct viot_pci_range *range = NULL;
	unsigned long levels;

	for (levels = t->levels; levels && !range; levels &= levels - 1)
		range = viot_search(t, __ffs(levels), segment, bdf);
	return range;
}

/* Which IOMMU, by index, an IOMMU's own DMA goes through. False: none. */
static bool viot_above(const struct viot_table *t, const struct viot_iommu *iommu,
		       u32 *above)
{
	const struct viot_pci_range *range;
	const struct viot_mmio *mmio;

	if (iommu->kind == VIOT_IOMMU_PCI) {
		range = viot_search_pci(t, iommu->address >> 16, iommu->address);
		if (range)
			*above = range->iommu;
		return range;
	}
	mmio = iommu->kind == VIOT_IOMMU_MMIO ?
	       viot_search_mmio(t, iommu->address, iommu->address) : NULL;
	if (mmio)
		*above = mmio->iommu;
	return mmio;
}

/*
 * Whether an IOMMU would translate itself, if @above translated it, directly
 * or through the IOMMUs above: then each would wait for the other. A chain
 * that is longer than anybody needs counts as a loop.
 */
static bool viot_loops(const struct viot_table *t, const struct viot_iommu *self,
		       u32 above)
{
	unsigned int hops;

	for (hops = 0; hops < VIOT_MAX_NESTING; hops++) {
		if (&t->iommus[above] == self)
			return true;
		if (!viot_above(t, &t->iommus[above], &above))
			return false;
	}
	return true;
}

/**
 * viot_lookup_pci - who translates a PCI function
 * @t: complete table
 * @segment: PCI segment, the kernel's domain number; any value
 * @bdf: bus << 8 | device << 3 | function
 * @ep: where the answer goes; untouched if there is none
 *
 * An IOMMU that lies in its own range does not translate itself, nor do two
 * that lie in each other's.
 *
 * Context: any; O(log n), see the head of this file.
 * Return: true if an IOMMU translates the function.
 */
bool viot_lookup_pci(const struct viot_table *t, u32 segment, u16 bdf,
		     struct viot_endpoint *ep)
{
	const struct viot_pci_range *range = viot_search_pci(t, segment, bdf);
	const struct viot_iommu *self;

	if (!range)
		return false;
	self = viot_iommu_at_address(t, VIOT_IOMMU_PCI, viot_pci_address(segment, bdf));
	if (self && viot_loops(t, self, range->iommu))
		return false;
	ep->iommu = range->iommu;
	ep->id = range->endpoint_start +
		 ((segment - range->segment_start) << 16) +
		 bdf - range->bdf_start;
	return true;
}
EXPORT_SYMBOL_GPL(viot_lookup_pci);

/**
 * viot_lookup_mmio - who translates a device that is not on PCI
 * @t: complete table
 * @first: physical address of one of the device's register blocks
 * @last: its last byte's
 * @ep: where the answer goes; untouched if there is none
 *
 * The description may name any address within the block; of several, the
 * lowest counts.
 *
 * Context: any; O(log n).
 * Return: true if an IOMMU translates the device.
 */
bool viot_lookup_mmio(const struct viot_table *t, u64 first, u64 last,
		      struct viot_endpoint *ep)
{
	const struct viot_mmio *mmio = viot_search_mmio(t, first, last);
	const struct viot_iommu *self;

	if (!mmio)
		return false;
	self = viot_find_iommu_mmio(t, first, last);
	if (self && viot_loops(t, self, mmio->iommu))
		return false;
	ep->iommu = mmio->iommu;
	ep->id = mmio->endpoint;
	return true;
}
EXPORT_SYMBOL_GPL(viot_lookup_mmio);

/**
 * viot_find_iommu_pci - whether a PCI function is one of the IOMMUs
 * @t: table that has seen viot_index_iommus()
 * @segment: PCI segment; any value
 * @bdf: bus << 8 | device << 3 | function
 *
 * Context: any; O(log n).
 * Return: the IOMMU, an element of @t->iommus, or NULL.
 */
const struct viot_iommu *viot_find_iommu_pci(const struct viot_table *t,
					     u32 segment, u16 bdf)
{
	return viot_iommu_at_address(t, VIOT_IOMMU_PCI, viot_pci_address(segment, bdf));
}
EXPORT_SYMBOL_GPL(viot_find_iommu_pci);

/**
 * viot_find_iommu_mmio - whether a device that is not on PCI is an IOMMU
 * @t: table that has seen viot_index_iommus()
 * @first: physical address of one of the device's register blocks
 * @last: its last byte's
 *
 * Context: any; O(log n).
 * Return: the IOMMU with the lowest address in the block, an element of
 * @t->iommus, or NULL.
 */
const struct viot_iommu *viot_find_iommu_mmio(const struct viot_table *t,
					      u64 first, u64 last)
{
	const struct viot_iommu *iommu;
	u32 low = 0, high = t->nr.iommus;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		iommu = &t->iommus[mid];
		if (iommu->kind < VIOT_IOMMU_MMIO ||
		    (iommu->kind == VIOT_IOMMU_MMIO && iommu->address < first))
			low = mid + 1;
		else
			high = mid;
	}
	iommu = &t->iommus[low];
	if (low == t->nr.iommus || iommu->kind != VIOT_IOMMU_MMIO || iommu->address > last)
		return NULL;
	return iommu;
}
EXPORT_SYMBOL_GPL(viot_find_iommu_mmio);
