/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A second decoder of the topology in a device's config space, to judge the
 * first by: written byte by byte after the layouts, with nothing taken from
 * the decoder but the names of what it says. Used by the unit test and by the
 * fuzz target.
 */
#ifndef _BUILTIN_MODEL_H
#define _BUILTIN_MODEL_H

#include "../../drivers/iommu/virtio/builtin.h"
#include "viot_model.h"

static inline int builtin_model_offset_is_good(const u8 *p, size_t len, u32 header)
{
	u32 off = model_le(p + header + 2, 2);

	return off >= header + 4 && off < len && off < 0x10000 && off % 8 == 0;
}

static inline enum viommu_builtin builtin_model_find(const u8 *p, size_t len, u64 features)
{
	if (features & 0x100)
		return VIOMMU_BUILTIN_EXTENSION;
	if ((features & 0x40) && len >= 40 && builtin_model_offset_is_good(p, len, 36))
		return VIOMMU_BUILTIN_DRAFT;
	return VIOMMU_BUILTIN_NONE;
}

static inline void builtin_model_pci(struct model *m, int draft, const u8 *p, u32 off)
{
	struct model_range v4 = {
		.id = model_le(p + 4, 4),
		.s0 = model_le(p + 8, 2), .s1 = model_le(p + 10, 2),
		.b0 = model_le(p + 12, 2), .b1 = model_le(p + 14, 2),
		.offset = off, .iommu = m->iommus,
	};
	struct model_range v3 = {
		.id = v4.id,
		.s0 = v4.s0, .s1 = v4.s0, .b0 = v4.s1, .b1 = v4.b0,
		.offset = off, .iommu = m->iommus,
	};
	int makes_sense = v4.s0 <= v4.s1 && v4.b0 <= v4.b1;

	model_keep_range(m, draft && !makes_sense && p[14] == 0 && p[15] == 0 ? &v3 : &v4);
}

static inline void builtin_model_node(struct model *m, int draft, const u8 *p, u32 off)
{
	struct model_mmio mmio = {
		.base = model_le(p + 8, 8), .id = model_le(p + 4, 4),
		.offset = off, .iommu = m->iommus,
	};

	if (p[0] == 1)
		builtin_model_pci(m, draft, p, off);
	else
		model_keep_mmio(m, &mmio);
}

static inline void builtin_model_walk(struct model *m, int draft, const u8 *p, size_t len,
				      u32 off, u32 count)
{
	u32 n;

	for (; count; count--, off += n) {
		if (off + 4 > len) {
			m->codes[VIOT_NODES_MISSING]++;
			return;
		}
		n = model_le(p + off + 2, 2);
		if (n < 4 || off + n > len) {
			m->codes[n < 4 ? VIOT_NODE_ENDLESS : VIOT_NODE_CUT]++;
			return;
		}
		if (p[off] != 1 && p[off] != 2) {
			m->codes[VIOT_NODE_UNKNOWN]++;
		} else if (n < 16) {
			m->codes[VIOT_NODE_SHORT]++;
		} else {
			m->codes[VIOT_NODE_LONG] += n > 16;
			builtin_model_node(m, draft, p + off, off);
		}
	}
}

/* Whether the header is good. */
static inline int builtin_model_parse(struct model *m, enum viommu_builtin kind,
				      const u8 *p, size_t len,
				      const struct viot_iommu *self)
{
	int draft = kind == VIOMMU_BUILTIN_DRAFT;
	u32 header = draft ? 36 : 40;

	if (len > 0x10000)
		len = 0x10000;
	model_init(m, len / 16 + 1);
	m->iommus[m->nr_iommus++] = (struct model_iommu) {
		self->kind, self->address, self->offset, self->offset
	};
	if (len < header + 4) {
		m->codes[VIOT_NO_HEADER]++;
		return 0;
	}
	if (!draft && model_le(p + header, 2) == 0)
		return 1;
	if (!builtin_model_offset_is_good(p, len, header)) {
		m->codes[VIOT_BAD_NODE_OFFSET]++;
		return 0;
	}
	builtin_model_walk(m, draft, p, len, model_le(p + header + 2, 2),
			   model_le(p + header, 2));
	model_drop_overlaps(m);
	return 1;
}

static inline const char *builtin_model_differs(const struct viot_table *t,
						const struct model *m)
{
	u32 i, kept = 0;

	if (t->nr.iommus != 1 || t->iommus->kind != (enum viot_iommu_kind)m->iommus->kind ||
	    t->iommus->address != m->iommus->address)
		return "the IOMMU";
	for (i = 0; i < m->nr_ranges; i++)
		kept += m->ranges[i].kept;
	if (t->nr.pci != kept || t->nr.mmio != m->nr_mmios)
		return "number of endpoints";
	return model_compare_lookups(t, m);
}

/* Decode @p as @kind with both, in memory of exactly the size asked for. */
static inline const char *builtin_model_compare_as(enum viommu_builtin kind, const u8 *p,
						   size_t len, const struct viot_iommu *self)
{
	u32 codes[VIOT_NR_CODES] = { 0 };
	struct viot_sink sink = { model_count_finding, codes };
	size_t size = viommu_builtin_size(kind, p, len);
	struct viot_table *t = malloc(size);
	const char *bad = NULL;
	struct model m;
	int ok = builtin_model_parse(&m, kind, p, len, self);
	int ret;

	memset(t, 0xa5, size);
	ret = viommu_builtin_parse(kind, p, len, self, t, size, &sink);
	if (ret != (ok ? 0 : -22))
		bad = "return value";
	else if (memcmp(codes, m.codes, sizeof(codes)))
		bad = "findings";
	else
		bad = builtin_model_differs(t, &m);
	model_free(&m);
	free(t);
	return bad;
}

/* NULL, or what the decoder and the model differ in. */
static inline const char *builtin_model_compare(const u8 *p, size_t len, u64 features,
						const struct viot_iommu *self)
{
	enum viommu_builtin kind = viommu_builtin_find(p, len, features);

	if (kind != builtin_model_find(p, len, features))
		return "kind of topology";
	if (kind == VIOMMU_BUILTIN_NONE)
		return NULL;
	return builtin_model_compare_as(kind, p, len, self);
}

#endif /* _BUILTIN_MODEL_H */
