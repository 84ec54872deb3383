/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second decoder of the VIOT, to judge the first by: every rule written down
 * in the simplest way, byte by byte, quadratic where that is simpler, and with
 * nothing taken from the decoder but the names of its findings. Used by the
 * unit test and by the fuzz target.
 */
#ifndef _VIOT_MODEL_H
#define _VIOT_MODEL_H

#include <stdlib.h>
#include <string.h>

#include "../../drivers/acpi/viot_table.h"

struct model_iommu {
	int		kind;
	u64		address;
	u32		offset;
	u32		means;	/* offset of the first node for this one */
};

struct model_range {
	u32		id, s0, s1, b0, b1, offset;
	const struct model_iommu *iommu;
	int		kept;
};

struct model_mmio {
	u64		base;
	u32		id, offset;
	const struct model_iommu *iommu;
};

struct model {
	struct model_iommu	*iommus;
	struct model_range	*ranges;
	struct model_mmio	*mmios;
	u32			nr_iommus, nr_ranges, nr_mmios;
	u32			codes[VIOT_NR_CODES];
};

/* What a lookup answers: the node of the IOMMU, and the endpoint ID. */
struct model_answer {
	int		found;
	u32	iommu;
	u32	id;
};

static inline u64 model_le(const u8 *p, int bytes)
{
	return bytes ? p[0] | model_le(p + 1, bytes - 1) << 8 : 0;
}

static inline void model_add_iommu(struct model *m, const u8 *p, u32 off)
{
	struct model_iommu *new = &m->iommus[m->nr_iommus];
	u32 i;

	new->kind = p[0] == 3 ? VIOT_IOMMU_PCI : VIOT_IOMMU_MMIO;
	new->address = p[0] == 3 ? model_le(p + 4, 2) << 16 | model_le(p + 6, 2) :
				   model_le(p + 8, 8);
	new->offset = off;
	new->means = off;
	for (i = 0; i < m->nr_iommus; i++)
		if (m->iommus[i].kind == new->kind &&
		    m->iommus[i].address == new->address)
			break;
	if (i < m->nr_iommus) {
		m->codes[VIOT_IOMMU_TWICE]++;
		new->means = m->iommus[i].means;
	}
	m->nr_iommus++;
}

static inline const struct model_iommu *model_output(struct model *m, u32 off)
{
	u32 i;

	for (i = 0; i < m->nr_iommus; i++)
		if (m->iommus[i].offset == off)
			return &m->iommus[i];
	m->codes[VIOT_BAD_OUTPUT]++;
	return NULL;
}

/* Add a range unless it is wrong in itself. */
static inline void model_keep_range(struct model *m, const struct model_range *r)
{
	if (r->s0 > r->s1)
		m->codes[VIOT_SEGMENTS_REVERSED]++;
	else if (r->b0 > r->b1)
		m->codes[VIOT_BDFS_REVERSED]++;
	else if (r->id + ((u64)(r->s1 - r->s0) << 16) + (r->b1 - r->b0) > 0xffffffff)
		m->codes[VIOT_ENDPOINT_OVERFLOW]++;
	else
		m->ranges[m->nr_ranges++] = *r;
}

static inline void model_keep_mmio(struct model *m, const struct model_mmio *e)
{
	u32 i;

	if (e->iommu->kind == VIOT_IOMMU_MMIO && e->iommu->address == e->base) {
		m->codes[VIOT_MMIO_SELF]++;
		return;
	}
	for (i = 0; i < m->nr_mmios; i++)
		if (m->mmios[i].base == e->base)
			break;
	if (i < m->nr_mmios)
		m->codes[VIOT_MMIO_TWICE]++;
	else
		m->mmios[m->nr_mmios++] = *e;
}

static inline void model_add_range(struct model *m, const u8 *p, u32 off)
{
	struct model_range r = {
		.id = model_le(p + 4, 4),
		.s0 = model_le(p + 8, 2), .s1 = model_le(p + 10, 2),
		.b0 = model_le(p + 12, 2), .b1 = model_le(p + 14, 2),
		.offset = off,
		.iommu = model_output(m, model_le(p + 16, 2)),
	};

	if (r.iommu)
		model_keep_range(m, &r);
}

static inline void model_add_mmio(struct model *m, const u8 *p, u32 off)
{
	struct model_mmio e = {
		.base = model_le(p + 8, 8),
		.id = model_le(p + 4, 4),
		.offset = off,
		.iommu = model_output(m, model_le(p + 16, 2)),
	};

	if (e.iommu)
		model_keep_mmio(m, &e);
}

static inline int model_before(const struct model_range *l, const struct model_range *r)
{
	if (l->s0 != r->s0)
		return l->s0 < r->s0;
	if (l->b0 != r->b0)
		return l->b0 < r->b0;
	return l->offset < r->offset;
}

/* Lower start wins: take ranges in that order, keep those that meet no other. */
static inline void model_drop_overlaps(struct model *m)
{
	struct model_range *r = m->ranges, swap;
	u32 i, j;

	for (i = 1; i < m->nr_ranges; i++)
		for (j = i; j && model_before(&r[j], &r[j - 1]); j--) {
			swap = r[j];
			r[j] = r[j - 1];
			r[j - 1] = swap;
		}
	for (i = 0; i < m->nr_ranges; i++) {
		r[i].kept = 1;
		for (j = 0; j < i; j++)
			if (r[j].kept && r[j].s0 <= r[i].s1 && r[i].s0 <= r[j].s1 &&
			    r[j].b0 <= r[i].b1 && r[i].b0 <= r[j].b1)
				r[i].kept = 0;
		m->codes[VIOT_PCI_OVERLAP] += !r[i].kept;
	}
}

/* One walk over the nodes: @endpoints says which half of them to take. */
static inline void model_walk(struct model *m, const u8 *p, int endpoints)
{
	static const u8 need[] = { 0, 24, 24, 16, 16 };
	u32 end = model_le(p + 4, 4), count = model_le(p + 36, 2);
	u32 off = model_le(p + 38, 2);
	enum viot_code stop = VIOT_NODES_UNCOUNTED;
	u32 len, type;

	for (; count; count--, off += len) {
		if (off + 4 > end) {
			stop = VIOT_NODES_MISSING;
			break;
		}
		type = p[off];
		len = model_le(p + off + 2, 2);
		if (len < 4 || off + len > end) {
			stop = len < 4 ? VIOT_NODE_ENDLESS : VIOT_NODE_CUT;
			break;
		}
		if (type < 1 || type > 4 || len < need[type]) {
			m->codes[VIOT_NODE_UNKNOWN] += endpoints && (type < 1 || type > 4);
			m->codes[VIOT_NODE_SHORT] += endpoints && type >= 1 && type <= 4;
			continue;
		}
		m->codes[VIOT_NODE_LONG] += endpoints && len > need[type];
		if (!endpoints && type >= 3)
			model_add_iommu(m, p + off, off);
		if (endpoints && type == 1)
			model_add_range(m, p + off, off);
		if (endpoints && type == 2)
			model_add_mmio(m, p + off, off);
	}
	if (endpoints && !(stop == VIOT_NODES_UNCOUNTED && off == end))
		m->codes[stop]++;
}

static inline int model_header(struct model *m, const u8 *p, size_t len)
{
	enum viot_code bad;

	if (len < 48)
		bad = VIOT_NO_HEADER;
	else if (p[0] != 'V' || p[1] != 'I' || p[2] != 'O' || p[3] != 'T')
		bad = VIOT_BAD_SIGNATURE;
	else if (model_le(p + 4, 4) < 48 || model_le(p + 4, 4) > len)
		bad = VIOT_BAD_LENGTH;
	else if (model_le(p + 38, 2) < 48 || model_le(p + 38, 2) > model_le(p + 4, 4))
		bad = VIOT_BAD_NODE_OFFSET;
	else
		return 1;
	m->codes[bad]++;
	return 0;
}

/* Room for @nodes of each kind; not cleared, which would take most of the time. */
static inline void model_init(struct model *m, size_t nodes)
{
	memset(m, 0, sizeof(*m));
	m->iommus = malloc(nodes * sizeof(*m->iommus));
	m->ranges = malloc(nodes * sizeof(*m->ranges));
	m->mmios = malloc(nodes * sizeof(*m->mmios));
}

static inline int model_parse(struct model *m, const u8 *p, size_t len)
{
	model_init(m, len / 16);
	if (!model_header(m, p, len))
		return 0;
	m->codes[VIOT_NEW_REVISION] += p[8] > 0;
	m->codes[VIOT_EXTRA_BYTES] += model_le(p + 4, 4) < len;
	model_walk(m, p, 0);
	model_walk(m, p, 1);
	model_drop_overlaps(m);
	return 1;
}

static inline void model_free(struct model *m)
{
	free(m->iommus);
	free(m->ranges);
	free(m->mmios);
}

/* Who has a function in a range, whatever that leads to. */
static inline const struct model_range *model_range_of(const struct model *m,
						       u32 s, u32 b)
{
	const struct model_range *r;
	u32 i;

	for (i = 0; i < m->nr_ranges; i++) {
		r = &m->ranges[i];
		if (r->kept && s >= r->s0 && s <= r->s1 && b >= r->b0 && b <= r->b1)
			return r;
	}
	return NULL;
}

/* The endpoint with the lowest address of a block. */
static inline const struct model_mmio *model_mmio_of(const struct model *m,
						     u64 first, u64 last)
{
	const struct model_mmio *lowest = NULL;
	u32 i;

	for (i = 0; i < m->nr_mmios; i++)
		if (m->mmios[i].base >= first && m->mmios[i].base <= last &&
		    (!lowest || m->mmios[i].base < lowest->base))
			lowest = &m->mmios[i];
	return lowest;
}

/* Whether @self is met on the way up from @iommu, or the way is too long. */
static inline int model_loops(const struct model *m, u64 self, int kind,
			      const struct model_iommu *iommu)
{
	const struct model_range *r;
	const struct model_mmio *mmio;
	int i;

	for (i = 0; i < 8; i++) {
		if (iommu->kind == kind && iommu->address == self)
			return 1;
		if (iommu->kind == VIOT_IOMMU_PCI) {
			r = model_range_of(m, iommu->address >> 16, iommu->address & 0xffff);
			if (!r)
				return 0;
			iommu = r->iommu;
		} else {
			mmio = model_mmio_of(m, iommu->address, iommu->address);
			if (!mmio)
				return 0;
			iommu = mmio->iommu;
		}
	}
	return 1;
}

/* The IOMMU that a device is, told by the lowest address of a block; or NULL. */
static inline const struct model_iommu *model_iommu_of(const struct model *m, int kind,
						       u64 first, u64 last)
{
	const struct model_iommu *lowest = NULL;
	u32 i;

	for (i = 0; i < m->nr_iommus; i++)
		if (m->iommus[i].kind == kind && m->iommus[i].address >= first &&
		    m->iommus[i].address <= last &&
		    (!lowest || m->iommus[i].address < lowest->address))
			lowest = &m->iommus[i];
	return lowest;
}

static inline struct model_answer model_pci(const struct model *m, u32 s, u32 b)
{
	const struct model_range *r = model_range_of(m, s, b);
	struct model_answer a = { 0 };
	u64 self = (u64)s << 16 | b;

	if (!r)
		return a;
	a.found = !model_iommu_of(m, VIOT_IOMMU_PCI, self, self) ||
		  !model_loops(m, self, VIOT_IOMMU_PCI, r->iommu);
	a.iommu = r->iommu->means;
	a.id = r->id + ((s - r->s0) << 16) + b - r->b0;
	return a;
}

static inline struct model_answer model_mmio(const struct model *m, u64 first, u64 last)
{
	const struct model_mmio *mmio = model_mmio_of(m, first, last);
	const struct model_iommu *self = model_iommu_of(m, VIOT_IOMMU_MMIO, first, last);
	struct model_answer a = { 0 };

	if (!mmio)
		return a;
	a.found = !self || !model_loops(m, self->address, VIOT_IOMMU_MMIO, mmio->iommu);
	a.iommu = mmio->iommu->means;
	a.id = mmio->id;
	return a;
}

/*
 * Comparing the two. Each returns NULL, or what they differ in.
 */

static inline const char *model_differs(const struct viot_table *t, int found,
					const struct viot_endpoint *ep,
					const struct model_answer *a)
{
	if (found != a->found)
		return found ? "found what the model does not" :
			       "not found, but the model finds it";
	if (found && ep->iommu >= t->nr.iommus)
		return "index of the IOMMU";
	if (found && t->iommus[ep->iommu].offset != a->iommu)
		return "another IOMMU";
	return found && ep->id != a->id ? "another endpoint ID" : NULL;
}

static inline const char *model_ask_pci(const struct viot_table *t,
					const struct model *m, u32 s, u32 b)
{
	struct viot_endpoint ep = { 0 };
	struct model_answer a = model_pci(m, s, b);

	return model_differs(t, viot_lookup_pci(t, s, b, &ep), &ep, &a);
}

static inline const char *model_ask_mmio(const struct viot_table *t,
					 const struct model *m, u64 first, u64 last)
{
	struct viot_endpoint ep = { 0 };
	struct model_answer a = model_mmio(m, first, last);

	return model_differs(t, viot_lookup_mmio(t, first, last, &ep), &ep, &a);
}

/* Blocks that begin, end or lie around an address. */
static inline const char *model_ask_around(const struct viot_table *t,
					   const struct model *m, u64 base)
{
	u64 below = base > 0x1000 ? base - 0x1000 : 0;
	u64 above = base < -0x1000ULL ? base + 0x1000 : -1ULL;
	const char *bad = model_ask_mmio(t, m, base, base);

	if (!bad)
		bad = model_ask_mmio(t, m, base + 1, above);
	if (!bad && base)
		bad = model_ask_mmio(t, m, below, base - 1);
	if (!bad)
		bad = model_ask_mmio(t, m, below, above);
	return bad ?: model_ask_mmio(t, m, 0, -1ULL);
}

/* The corners of @r, inside and just outside, among the BDFs of @other. */
static inline const char *model_ask_corners(const struct viot_table *t,
					    const struct model *m,
					    const struct model_range *r,
					    const struct model_range *other)
{
	u32 s[] = { r->s0 - 1, r->s0, (r->s0 + r->s1) / 2, r->s1, r->s1 + 1 };
	u32 b[] = { other->b0 - 1, other->b0, other->b1, other->b1 + 1 };
	const char *bad = NULL;
	int i, j;

	for (i = 0; i < 5 && !bad; i++)
		for (j = 0; j < 4 && !bad; j++)
			bad = model_ask_pci(t, m, s[i], (u16)b[j]);
	return bad;
}

static inline const char *model_compare_iommu(const struct viot_table *t,
					      const struct model *m,
					      const struct model_iommu *want)
{
	u64 address = want->address;
	const struct viot_iommu *got;

	if (want->kind == VIOT_IOMMU_OTHER)
		return NULL;
	got = want->kind == VIOT_IOMMU_PCI ?
	      viot_find_iommu_pci(t, address >> 16, address) :
	      viot_find_iommu_mmio(t, address, address);
	if (!got || got->offset != want->means)
		return "an IOMMU cannot be found";
	if (want->kind == VIOT_IOMMU_PCI)
		return model_ask_pci(t, m, address >> 16, address & 0xffff);
	return model_ask_around(t, m, address);
}

static inline const char *model_compare_lookups(const struct viot_table *t,
						const struct model *m)
{
	const char *bad = NULL;
	u32 i, j;

	/* Every corner of few ranges, some neighbours' corners of many. */
	for (i = 0; i < m->nr_ranges && !bad; i++)
		for (j = i; j < m->nr_ranges && j < i + 20 && !bad; j++)
			bad = model_ask_corners(t, m, &m->ranges[i], &m->ranges[j]);
	/* Quadratic: of many, only the first */
	for (i = 0; i < m->nr_mmios && i < 200 && !bad; i++)
		bad = model_ask_around(t, m, m->mmios[i].base);
	for (i = 0; i < m->nr_iommus && i < 200 && !bad; i++)
		bad = model_compare_iommu(t, m, &m->iommus[i]);
	return bad;
}

static inline void model_count_finding(const struct viot_finding *f, void *ctx)
{
	u32 *codes = ctx;

	codes[f->code]++;
}

/* Decode @p with both, in memory of exactly the size asked for, and compare. */
static inline const char *model_compare(const u8 *p, size_t len)
{
	u32 codes[VIOT_NR_CODES] = { 0 };
	struct viot_sink sink = { model_count_finding, codes };
	size_t size = viot_table_size(p, len);
	struct viot_table *t = malloc(size);
	const char *bad = NULL;
	struct model m;
	int ok = model_parse(&m, p, len);
	int ret;

	memset(t, 0xa5, size);
	ret = viot_table_parse(p, len, t, size, &sink);
	if (ret != (ok ? 0 : -22))
		bad = "return value";
	else if (memcmp(codes, m.codes, sizeof(codes)))
		bad = "findings";
	else
		bad = model_compare_lookups(t, &m);
	model_free(&m);
	free(t);
	return bad;
}

#endif /* _VIOT_MODEL_H */
