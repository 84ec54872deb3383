/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which endpoint sits behind which virtio-iommu, and under which endpoint ID:
 * a topology ready to be asked, and what may be wrong with the description
 * that it was made from.
 *
 * Vocabulary: "last" is inclusive, an "offset" counts bytes from the start of
 * the description, a BDF is bus << 8 | device << 3 | function.
 */
#ifndef _VIOT_INDEX_H
#define _VIOT_INDEX_H

#include <linux/types.h>

/* What is wrong with a table. */

/**
 * enum viot_severity - what a finding costs
 * @VIOT_NOTE: nothing; unusual, but allowed
 * @VIOT_WARNING: nothing is lost, but the table contradicts itself
 * @VIOT_ERROR: a node, or all of the table from @offset on, does not count
 */
enum viot_severity {
	VIOT_NOTE,
	VIOT_WARNING,
	VIOT_ERROR,
};

/**
 * enum viot_code - what the decoder may find; viot_finding_text() says it
 * @VIOT_NO_HEADER: fewer bytes than a header
 * @VIOT_BAD_SIGNATURE: not a VIOT
 * @VIOT_BAD_LENGTH: length in the header below a header's, or above what is there
 * @VIOT_BAD_CHECKSUM: only from viot_check_checksum()
 * @VIOT_NEW_REVISION: revision above 0
 * @VIOT_EXTRA_BYTES: more bytes than the header claims
 * @VIOT_BAD_NODE_OFFSET: nodes start inside the header, past the end, or where
 *	they are not aligned as they should be
 * @VIOT_NODES_MISSING: the table ends before as many nodes as it counts
 * @VIOT_NODES_UNCOUNTED: the ACPI table goes on after as many nodes as it counts
 * @VIOT_NODE_ENDLESS: a node's length does not even cover its header
 * @VIOT_NODE_CUT: a node runs past the end of the table
 * @VIOT_NODE_SHORT: a node is shorter than its type
 * @VIOT_NODE_LONG: a node is longer than its type
 * @VIOT_NODE_UNKNOWN: a type the decoder does not know
 * @VIOT_IOMMU_TWICE: an IOMMU already described by node @other; both mean it
 * @VIOT_BAD_OUTPUT: output_node (in @other) is not the start of an IOMMU node
 * @VIOT_SEGMENTS_REVERSED: segment_start above segment_end
 * @VIOT_BDFS_REVERSED: bdf_start above bdf_end
 * @VIOT_ENDPOINT_OVERFLOW: endpoint IDs of the range leave 32 bits
 * @VIOT_PCI_OVERLAP: a function of the range belongs to range @other as well
 * @VIOT_MMIO_TWICE: an address already described by node @other
 * @VIOT_MMIO_SELF: an IOMMU listed as its own endpoint
 * @VIOT_NR_CODES: their number
 */
enum viot_code {
	VIOT_NO_HEADER,
	VIOT_BAD_SIGNATURE,
	VIOT_BAD_LENGTH,
	VIOT_BAD_CHECKSUM,
	VIOT_NEW_REVISION,
	VIOT_EXTRA_BYTES,
	VIOT_BAD_NODE_OFFSET,
	VIOT_NODES_MISSING,
	VIOT_NODES_UNCOUNTED,
	VIOT_NODE_ENDLESS,
	VIOT_NODE_CUT,
	VIOT_NODE_SHORT,
	VIOT_NODE_LONG,
	VIOT_NODE_UNKNOWN,
	VIOT_IOMMU_TWICE,
	VIOT_BAD_OUTPUT,
	VIOT_SEGMENTS_REVERSED,
	VIOT_BDFS_REVERSED,
	VIOT_ENDPOINT_OVERFLOW,
	VIOT_PCI_OVERLAP,
	VIOT_MMIO_TWICE,
	VIOT_MMIO_SELF,
	VIOT_NR_CODES,
};

/**
 * struct viot_finding - one thing wrong, or remarkable
 * @code: what
 * @severity: what it costs
 * @offset: of the node, or of the field of the header, that is to blame
 * @other: offset of the other node concerned; 0 where there is none
 */
struct viot_finding {
	enum viot_code		code;
	enum viot_severity	severity;
	u32			offset;
	u32			other;
};

/**
 * struct viot_sink - where findings go
 * @report: called for each, in no particular order; a hostile table has up to
 *	two for each of 65535 nodes, so one that prints must ration itself
 * @ctx: handed to @report
 */
struct viot_sink {
	void	(*report)(const struct viot_finding *finding, void *ctx);
	void	*ctx;
};

/* The decoded table. */

/**
 * enum viot_iommu_kind - how an IOMMU is recognised
 * @VIOT_IOMMU_OTHER: neither way; never by the ACPI table
 * @VIOT_IOMMU_PCI: by its PCI function
 * @VIOT_IOMMU_MMIO: by the address of its registers
 */
enum viot_iommu_kind {
	VIOT_IOMMU_OTHER,
	VIOT_IOMMU_PCI,
	VIOT_IOMMU_MMIO,
};

/**
 * struct viot_iommu - one IOMMU
 * @address: physical base for %VIOT_IOMMU_MMIO, viot_pci_address() for
 *	%VIOT_IOMMU_PCI
 * @kind: which of them
 * @offset: its (first) node's
 */
struct viot_iommu {
	u64			address;
	enum viot_iommu_kind	kind;
	u32			offset;
};

/**
 * struct viot_pci_range - all BDFs from first to last, in each of the segments
 * @endpoint_start: endpoint ID of (@segment_start, @bdf_start)
 * @segment_start: first segment
 * @segment_last: last segment
 * @bdf_start: first BDF
 * @bdf_last: last BDF
 * @iommu: index of its IOMMU
 * @offset: its node's
 */
struct viot_pci_range {
	u32	endpoint_start;
	u16	segment_start;
	u16	segment_last;
	u16	bdf_start;
	u16	bdf_last;
	u32	iommu;
	u32	offset;
};

/**
 * struct viot_mmio - an endpoint that is not a PCI function
 * @base: physical address of its first registers
 * @endpoint: endpoint ID
 * @iommu: index of its IOMMU
 * @offset: its node's
 */
struct viot_mmio {
	u64	base;
	u32	endpoint;
	u32	iommu;
	u32	offset;
};

/**
 * struct viot_endpoint - the answer of a lookup
 * @iommu: index of the IOMMU
 * @id: endpoint ID, as the IOMMU's requests use it
 */
struct viot_endpoint {
	u32	iommu;
	u32	id;
};

/**
 * struct viot_counts - how many of each
 * @iommus: IOMMUs
 * @pci: PCI ranges
 * @mmio: MMIO endpoints
 */
struct viot_counts {
	u32	iommus;
	u32	pci;
	u32	mmio;
};

/**
 * struct viot_table - a decoded table
 * @nr: elements in the arrays below
 * @iommus: every IOMMU once
 * @pci: ranges, no two of which share a function
 * @mmio: endpoints, each address once
 *
 * The arrays are in the order the lookups need, not that of the firmware's
 * table; they lie in the memory handed to viot_table_parse(), as does this
 * structure, and may be freed together and at any time.
 */
struct viot_table {
	struct viot_counts	nr;
	struct viot_iommu	*iommus;
	struct viot_pci_range	*pci;
	struct viot_mmio	*mmio;
	/* private: */
	struct viot_counts	room;
	u32			levels;		/* bit n: there are ranges of level n */
	u32			nr_refs;
	struct viot_ref		*refs;		/* by offset */
	u32			*tree;		/* scratch of the overlap check */
	u16			*order;		/* likewise */
	u64			memory[];
};

/* @segment is not cut to 16 bits, lest one from 0x10000 on equal another. */
static inline u64 viot_pci_address(u32 segment, u16 bdf)
{
	return (u64)segment << 16 | bdf;
}

void viot_report(const struct viot_sink *sink, enum viot_code code, u32 offset,
		 u32 other);
const char *viot_finding_text(enum viot_code code);

/* Ask a table. */
bool viot_lookup_pci(const struct viot_table *t, u32 segment, u16 bdf,
		     struct viot_endpoint *ep);
bool viot_lookup_mmio(const struct viot_table *t, u64 first, u64 last,
		      struct viot_endpoint *ep);
const struct viot_iommu *viot_find_iommu_pci(const struct viot_table *t,
					     u32 segment, u16 bdf);
const struct viot_iommu *viot_find_iommu_mmio(const struct viot_table *t,
					      u64 first, u64 last);

/* Fill one from elsewhere: init, IOMMUs, index, endpoints, index. */
size_t viot_table_bytes(const struct viot_counts *room);
void viot_table_init(struct viot_table *t, const struct viot_counts *room);
int viot_add_iommu(struct viot_table *t, const struct viot_iommu *iommu);
void viot_index_iommus(struct viot_table *t, const struct viot_sink *sink);
int viot_iommu_at(const struct viot_table *t, u32 offset);
int viot_add_pci_range(struct viot_table *t, const struct viot_pci_range *range,
		       const struct viot_sink *sink);
int viot_add_mmio(struct viot_table *t, const struct viot_mmio *mmio,
		  const struct viot_sink *sink);
void viot_index_endpoints(struct viot_table *t, const struct viot_sink *sink);

#endif /* _VIOT_INDEX_H */
