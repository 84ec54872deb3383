// SPDX-License-Identifier: GPL-2.0
/*
 * The topology that a device may have in its own config space: an extension of
 * this driver's (feature bit 8), and two drafts that came before it (bit 6).
 * See include/uapi/linux/virtio_iommu.h.
 *
 * Owns the meaning of those bytes; what they add up to is a struct viot_table,
 * which viot_index.c owns. Knows no devices, allocates nothing, prints nothing,
 * and compiles in user space from this very file.
 *
 * Invariants:
 * - The config space is hostile. No byte of it is used before its bounds are
 *   known. It is a copy, since the device may change the original meanwhile.
 * - A node that is wrong costs a finding and itself, as in the ACPI table.
 * - A device that keeps to the standard is never taken for one of the drafts:
 *   what they call the offset of the nodes is reserved there, and 0.
 */
#include <linux/align.h>
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <asm/byteorder.h>

/* Relative: a kernel that ships a header of this name has it first in its path */
#include "../../../include/uapi/linux/virtio_iommu.h"
#include "../../acpi/viot_walk.h"
#include "builtin.h"

/* A node copied out of the config space; all known types are of one length. */
union viommu_builtin_node {
	struct virtio_iommu_topology_node		head;
	struct virtio_iommu_topology_pci_range		pci;
	struct virtio_iommu_topology_pci_range_v3	pci_v3;
	struct virtio_iommu_topology_mmio		mmio;
};

static_assert(sizeof(struct virtio_iommu_config) == VIRTIO_IOMMU_TOPOLOGY_HEADER);
static_assert(offsetof(struct virtio_iommu_config, bypass) ==
	      VIRTIO_IOMMU_TOPOLOGY_DRAFT_HEADER);
static_assert(VIRTIO_IOMMU_TOPOLOGY_DRAFT_HEADER +
	      sizeof(struct virtio_iommu_topology) == VIOMMU_BUILTIN_HEAD);
static_assert(sizeof(struct virtio_iommu_topology) == 4);
static_assert(sizeof(struct virtio_iommu_topology_node) == sizeof(struct viot_wire_node));
static_assert(sizeof(struct virtio_iommu_topology_pci_range) == 16);
static_assert(sizeof(struct virtio_iommu_topology_pci_range_v3) == 16);
static_assert(sizeof(struct virtio_iommu_topology_mmio) == 16);

/*
 * Check the header, and set @w up for the nodes; for none, if it is wrong.
 * Without nodes it does not matter where they are, but for the drafts, which
 * nothing else gives away.
 */
static int viommu_builtin_open(struct viot_walk *w, enum viommu_builtin kind,
			       const void *config, size_t len,
			       const struct viot_sink *sink)
{
	u32 at = kind == VIOMMU_BUILTIN_DRAFT ? VIRTIO_IOMMU_TOPOLOGY_DRAFT_HEADER :
						VIRTIO_IOMMU_TOPOLOGY_HEADER;
	struct virtio_iommu_topology header;
	u32 count, offset;

	*w = (struct viot_walk) {
		.bytes = config,
		.end = min_t(size_t, len, VIOMMU_BUILTIN_MAX_CONFIG),
		.sink = sink,
	};
	if (w->end < at + sizeof(header)) {
		viot_report(sink, VIOT_NO_HEADER, at, 0);
		return -EINVAL;
	}
	memcpy(&header, w->bytes + at, sizeof(header));
	count = le16_to_cpu(header.count);
	offset = le16_to_cpu(header.offset);
	if (!count && kind == VIOMMU_BUILTIN_EXTENSION)
		return 0;
	if (offset < at + sizeof(header) || offset >= w->end ||
	    !IS_ALIGNED(offset, VIRTIO_IOMMU_TOPOLOGY_ALIGN)) {
		viot_report(sink, VIOT_BAD_NODE_OFFSET,
			    at + offsetof(struct virtio_iommu_topology, offset), 0);
		return -EINVAL;
	}
	w->left = count;
	w->offset = offset;
	return 0;
}

static u32 viommu_builtin_bytes_of(u8 type)
{
	switch (type) {
	case VIRTIO_IOMMU_TOPOLOGY_T_PCI_RANGE:
	case VIRTIO_IOMMU_TOPOLOGY_T_MMIO:
		return sizeof(union viommu_builtin_node);
	default:
		return 0;
	}
}

/* Room for as many nodes as could be left, rather than count them. */
static void viommu_builtin_room(const struct viot_walk *w, struct viot_counts *room)
{
	u32 fit = (w->end - w->offset) / sizeof(union viommu_builtin_node);

	room->iommus = 1;
	room->pci = min(w->left, fit);
	room->mmio = room->pci;
}

/*
 * Whether a node must have been written to the older draft. No such node makes
 * sense in the newer one, where its padding is the last BDF; but for that of
 * function 00:00.0 of segment 0, which means the same in both.
 */
static bool viommu_builtin_is_v3(const union viommu_builtin_node *node)
{
	const struct virtio_iommu_topology_pci_range *v4 = &node->pci;

	return !node->pci_v3.padding &&
	       (le16_to_cpu(v4->segment_start) > le16_to_cpu(v4->segment_end) ||
		le16_to_cpu(v4->bdf_start) > le16_to_cpu(v4->bdf_end));
}

static void viommu_builtin_read_pci(struct viot_table *t, enum viommu_builtin kind,
				    const union viommu_builtin_node *node, u32 offset,
				    const struct viot_sink *sink)
{
	struct viot_pci_range range = {
		.endpoint_start = le32_to_cpu(node->pci.endpoint_start),
		.segment_start = le16_to_cpu(node->pci.segment_start),
		.segment_last = le16_to_cpu(node->pci.segment_end),
		.bdf_start = le16_to_cpu(node->pci.bdf_start),
		.bdf_last = le16_to_cpu(node->pci.bdf_end),
		.offset = offset,
	};

	if (kind == VIOMMU_BUILTIN_DRAFT && viommu_builtin_is_v3(node)) {
		range.segment_last = range.segment_start;
		range.bdf_start = le16_to_cpu(node->pci_v3.bdf_start);
		range.bdf_last = le16_to_cpu(node->pci_v3.bdf_end);
	}
	viot_add_pci_range(t, &range, sink);
}

static void viommu_builtin_read_mmio(struct viot_table *t,
				     const union viommu_builtin_node *node, u32 offset,
				     const struct viot_sink *sink)
{
	struct viot_mmio mmio = {
		.base = le64_to_cpu(node->mmio.address),
		.endpoint = le32_to_cpu(node->mmio.endpoint),
		.offset = offset,
	};

	viot_add_mmio(t, &mmio, sink);
}

/**
 * viommu_builtin_find() - Say whether a device has a built-in topology
 * @config: copy of the first %VIOMMU_BUILTIN_HEAD bytes of its config space, or
 *	of more, of any alignment
 * @len: length of the config space; beyond %VIOMMU_BUILTIN_MAX_CONFIG, they are not
 *	looked at
 * @features: the bits the device offers
 *
 * That a device offers bit 8 is enough; whether its topology is any good is
 * for viommu_builtin_parse() to say. For the drafts, which share bit 6 with the
 * standard, the header must be good as well.
 *
 * Context: Any.
 * Return: The kind; it decides what feature bit 6 means.
 */
enum viommu_builtin viommu_builtin_find(const void *config, size_t len, u64 features)
{
	struct viot_walk w;

	if (features & BIT_ULL(VIRTIO_IOMMU_F_TOPOLOGY))
		return VIOMMU_BUILTIN_EXTENSION;
	if (features & BIT_ULL(VIRTIO_IOMMU_F_TOPOLOGY_DRAFT) &&
	    !viommu_builtin_open(&w, VIOMMU_BUILTIN_DRAFT, config, len, NULL))
		return VIOMMU_BUILTIN_DRAFT;
	return VIOMMU_BUILTIN_NONE;
}

/**
 * viommu_builtin_size() - Memory that decoding a built-in topology takes
 * @kind: from viommu_builtin_find(); not %VIOMMU_BUILTIN_NONE
 * @config: copy of the config space, of any alignment
 * @len: bytes at @config; those from %VIOMMU_BUILTIN_MAX_CONFIG on do not count
 *
 * Some 60 bytes for each node, of which 4096 fit.
 *
 * Context: Any.
 * Return: Bytes for viommu_builtin_parse(), never 0.
 */
size_t viommu_builtin_size(enum viommu_builtin kind, const void *config, size_t len)
{
	struct viot_counts room;
	struct viot_walk w;

	viommu_builtin_open(&w, kind, config, len, NULL);
	viommu_builtin_room(&w, &room);
	return viot_table_bytes(&room);
}

/**
 * viommu_builtin_parse() - Decode a built-in topology
 * @kind: from viommu_builtin_find(); not %VIOMMU_BUILTIN_NONE
 * @config: copy of the config space, of any alignment; not used after the
 *	return
 * @len: bytes at @config
 * @self: the IOMMU whose config space it is, and the only one of the table;
 *	it does not translate itself
 * @t: @size bytes of memory, aligned for a u64; need not be cleared
 * @size: from viommu_builtin_size()
 * @sink: gets the findings, whose offsets are those in the config space; may
 *	be NULL
 *
 * Context: Any; takes time in O(n log n) for n nodes.
 * Return: 0 even if nodes had to be ignored; -EINVAL if the header is wrong
 * (@t then has no endpoints, and may be asked), -ENOSPC if @size is too small
 * (@t must not be used).
 */
int viommu_builtin_parse(enum viommu_builtin kind, const void *config, size_t len,
			 const struct viot_iommu *self, struct viot_table *t,
			 size_t size, const struct viot_sink *sink)
{
	union viommu_builtin_node node;
	struct viot_counts room;
	struct viot_walk w;
	u32 offset;
	int ret;

	ret = viommu_builtin_open(&w, kind, config, len, sink);
	viommu_builtin_room(&w, &room);
	if (size < viot_table_bytes(&room))
		return -ENOSPC;

	viot_table_init(t, &room);
	viot_add_iommu(t, self);
	viot_index_iommus(t, sink);
	while (viot_walk_next(&w, viommu_builtin_bytes_of, &node, &offset)) {
		if (node.head.type == VIRTIO_IOMMU_TOPOLOGY_T_PCI_RANGE)
			viommu_builtin_read_pci(t, kind, &node, offset, sink);
		else
			viommu_builtin_read_mmio(t, &node, offset, sink);
	}
	viot_index_endpoints(t, sink);
	return ret;
}
