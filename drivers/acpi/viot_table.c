// SPDX-License-Identifier: GPL-2.0
/*
 * The ACPI Virtual I/O Translation table, decoded.
 *
 * Owns the meaning of the table's bytes; what they add up to is a struct
 * viot_table, which viot_index.c owns. It knows no devices, allocates nothing,
 * prints nothing, and compiles in user space from this very file, where it is
 * tested and fuzzed.
 *
 * Invariants:
 * - The table is hostile. No byte of it is used before its bounds are known,
 *   and what is checked is a copy, so that it may even change underneath.
 * - A node that is wrong costs a finding and itself. Only where the length
 *   does not tell the next node's place does the rest of the table go too.
 */

#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <asm/byteorder.h>

#include "viot_table.h"

static_assert(sizeof(struct viot_wire_header) == 48);
static_assert(sizeof(struct viot_wire_pci_range) == 24);
static_assert(sizeof(struct viot_wire_mmio) == 24);
static_assert(sizeof(struct viot_wire_iommu_pci) == 16);
static_assert(sizeof(struct viot_wire_iommu_mmio) == 16);

/* A node copied out of the table: as many bytes of it as its type has. */
struct viot_node {
	u32	offset;
	union {
		struct viot_wire_node		head;
		struct viot_wire_pci_range	pci;
		struct viot_wire_mmio		mmio;
		struct viot_wire_iommu_pci	iommu_pci;
		struct viot_wire_iommu_mmio	iommu_mmio;
	} wire;
};

/* Whether nothing can be made of the table; its header is copied already. */
static bool viot_bad_header(const struct viot_walk *w, const u8 *signature,
			    size_t len, const struct viot_sink *sink)
{
	if (memcmp(signature, VIOT_SIGNATURE, sizeof(VIOT_SIGNATURE) - 1)) {
		viot_report(sink, VIOT_BAD_SIGNATURE, 0, 0);
		return true;
	}
	if (w->end < sizeof(struct viot_wire_header) || w->end > len) {
		viot_report(sink, VIOT_BAD_LENGTH,
			    offsetof(struct viot_wire_header, length), 0);
		return true;
	}
	if (w->offset < sizeof(struct viot_wire_header) || w->offset > w->end) {
		viot_report(sink, VIOT_BAD_NODE_OFFSET,
			    offsetof(struct viot_wire_header, node_offset), 0);
		return true;
	}
	return false;
}

/* Check the header, and set @w up for the nodes. */
static int viot_open(struct viot_walk *w, const void *acpi, size_t len,
		     const struct viot_sink *sink)
{
	struct viot_wire_header h;

	if (len < sizeof(h)) {
		viot_report(sink, VIOT_NO_HEADER, 0, 0);
		return -EINVAL;
	}
	memcpy(&h, acpi, sizeof(h));
	w->bytes = acpi;
	w->end = le32_to_cpu(h.length);
	w->offset = le16_to_cpu(h.node_offset);
	w->left = le16_to_cpu(h.node_count);
	w->sink = sink;
	if (viot_bad_header(w, h.signature, len, sink))
		return -EINVAL;

	if (h.revision)
		viot_report(sink, VIOT_NEW_REVISION,
			    offsetof(struct viot_wire_header, revision), 0);
	if (w->end < len)
		viot_report(sink, VIOT_EXTRA_BYTES, w->end, 0);
	return 0;
}

static u32 viot_type_bytes(u8 type)
{
	switch (type) {
	case VIOT_NODE_PCI_RANGE:
		return sizeof(struct viot_wire_pci_range);
	case VIOT_NODE_MMIO:
		return sizeof(struct viot_wire_mmio);
	case VIOT_NODE_VIRTIO_IOMMU_PCI:
		return sizeof(struct viot_wire_iommu_pci);
	case VIOT_NODE_VIRTIO_IOMMU_MMIO:
		return sizeof(struct viot_wire_iommu_mmio);
	default:
		return 0;
	}
}

/* The next node of a known type and sufficient length. */
static bool viot_next(struct viot_walk *w, struct viot_node *node)
{
	return viot_walk_next(w, viot_type_bytes, &node->wire, &node->offset);
}

/* How many nodes of each kind there are; walks a copy of @w, silently. */
static void viot_count(struct viot_walk w, struct viot_counts *nr)
{
	struct viot_node node;

	memset(nr, 0, sizeof(*nr));
	w.sink = NULL;
	while (viot_next(&w, &node)) {
		if (node.wire.head.type == VIOT_NODE_PCI_RANGE)
			nr->pci++;
		else if (node.wire.head.type == VIOT_NODE_MMIO)
			nr->mmio++;
		else
			nr->iommus++;
	}
}

/* The first walk: IOMMUs alone, since they may come after their endpoints. */
static void viot_read_iommus(struct viot_table *t, struct viot_walk w)
{
	struct viot_node node;

	w.sink = NULL;
	while (viot_next(&w, &node)) {
		struct viot_iommu iommu = { .offset = node.offset };

		if (node.wire.head.type == VIOT_NODE_VIRTIO_IOMMU_PCI) {
			iommu.kind = VIOT_IOMMU_PCI;
			iommu.address = viot_pci_address(le16_to_cpu(node.wire.iommu_pci.segment),
							 le16_to_cpu(node.wire.iommu_pci.bdf));
		} else if (node.wire.head.type == VIOT_NODE_VIRTIO_IOMMU_MMIO) {
			iommu.kind = VIOT_IOMMU_MMIO;
			iommu.address = le64_to_cpu(node.wire.iommu_mmio.base_address);
		} else {
			continue;
		}
		viot_add_iommu(t, &iommu);
	}
}

/* Which IOMMU output_node means. */
static bool viot_resolve(const struct viot_table *t, __le16 output, u32 offset,
			 u32 *iommu, const struct viot_sink *sink)
{
	u32 node = le16_to_cpu(output);
	int ret = viot_iommu_at(t, node);

	if (ret < 0) {
		viot_report(sink, VIOT_BAD_OUTPUT, offset, node);
		return false;
	}
	*iommu = ret;
	return true;
}

static void viot_read_pci_range(struct viot_table *t, const struct viot_node *node,
				const struct viot_sink *sink)
{
	const struct viot_wire_pci_range *wire = &node->wire.pci;
	struct viot_pci_range range = {
		.endpoint_start = le32_to_cpu(wire->endpoint_start),
		.segment_start = le16_to_cpu(wire->segment_start),
		.segment_last = le16_to_cpu(wire->segment_end),
		.bdf_start = le16_to_cpu(wire->bdf_start),
		.bdf_last = le16_to_cpu(wire->bdf_end),
		.offset = node->offset,
	};

	if (viot_resolve(t, wire->output_node, node->offset, &range.iommu, sink))
		viot_add_pci_range(t, &range, sink);
}

static void viot_read_mmio(struct viot_table *t, const struct viot_node *node,
			   const struct viot_sink *sink)
{
	const struct viot_wire_mmio *wire = &node->wire.mmio;
	struct viot_mmio mmio = {
		.base = le64_to_cpu(wire->base_address),
		.endpoint = le32_to_cpu(wire->endpoint),
		.offset = node->offset,
	};

	if (viot_resolve(t, wire->output_node, node->offset, &mmio.iommu, sink))
		viot_add_mmio(t, &mmio, sink);
}

/* The second walk, the only one that reports what is wrong with nodes. */
static void viot_read_endpoints(struct viot_table *t, struct viot_walk w)
{
	struct viot_node node;

	while (viot_next(&w, &node)) {
		if (node.wire.head.type == VIOT_NODE_PCI_RANGE)
			viot_read_pci_range(t, &node, w.sink);
		else if (node.wire.head.type == VIOT_NODE_MMIO)
			viot_read_mmio(t, &node, w.sink);
	}
	if (w.offset < w.end)
		viot_report(w.sink, VIOT_NODES_UNCOUNTED, w.offset, 0);
}

/**
 * viot_table_size - memory that decoding a table takes
 * @acpi: the table, of any alignment
 * @len: bytes at @acpi that may be read
 *
 * Some 24 to 48 bytes for each node, of which there are at most 65535.
 *
 * Context: any.
 * Return: bytes for viot_table_parse(), never 0: enough to hold an empty table
 * if the header is not that of a VIOT.
 */
size_t viot_table_size(const void *acpi, size_t len)
{
	struct viot_counts nr = {};
	struct viot_walk w;

	if (!viot_open(&w, acpi, len, NULL))
		viot_count(w, &nr);
	return viot_table_bytes(&nr);
}
EXPORT_SYMBOL_GPL(viot_table_size);

/**
 * viot_table_parse - decode a table
 * @acpi: the table, of any alignment; not used after the return
 * @len: bytes at @acpi that may be read
 * @t: @size bytes of memory, aligned for a u64; need not be cleared
 * @size: from viot_table_size()
 * @sink: gets the findings; may be NULL
 *
 * The checksum is not looked at: ACPICA does that before, and
 * viot_check_checksum() for those who have no ACPICA.
 *
 * Context: any; takes time in O(n log n) for n nodes.
 * Return: 0 even if nodes had to be ignored; -EINVAL if the header is not that
 * of a VIOT (@t is then empty, and may be asked), -ENOSPC if @size is too
 * small (@t must not be used).
 */
int viot_table_parse(const void *acpi, size_t len, struct viot_table *t,
		     size_t size, const struct viot_sink *sink)
{
	struct viot_counts nr = {};
	struct viot_walk w;
	int ret;

	ret = viot_open(&w, acpi, len, sink);
	if (!ret)
		viot_count(w, &nr);
	if (size < viot_table_bytes(&nr))
		return -ENOSPC;
	viot_table_init(t, &nr);
	if (ret)
		return ret;

	viot_read_iommus(t, w);
	viot_index_iommus(t, sink);
	viot_read_endpoints(t, w);
	viot_index_endpoints(t, sink);
	return 0;
}
EXPORT_SYMBOL_GPL(viot_table_parse);

/**
 * viot_check_checksum - check what viot_table_parse() leaves to ACPICA
 * @acpi: the table
 * @len: bytes at @acpi that may be read
 * @sink: gets a finding if the sum is wrong; may be NULL
 *
 * Context: any.
 * Return: true if the table's length is plausible and its bytes add up to 0.
 */
bool viot_check_checksum(const void *acpi, size_t len,
			 const struct viot_sink *sink)
{
	struct viot_walk w;
	u8 sum = 0;
	u32 i;

	if (viot_open(&w, acpi, len, NULL))
		return false;
	for (i = 0; i < w.end; i++)
		sum += w.bytes[i];
	if (sum)
		viot_report(sink, VIOT_BAD_CHECKSUM,
			    offsetof(struct viot_wire_header, checksum), 0);
	return !sum;
}

