/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The ACPI Virtual I/O Translation table (VIOT). Names are those of the ACPI
 * specification.
 */
#ifndef _VIOT_TABLE_H
#define _VIOT_TABLE_H

#include <linux/types.h>

#include "viot_index.h"
#include "viot_walk.h"

/* All fields are little-endian; nothing need be aligned. */

#define VIOT_SIGNATURE			"VIOT"

enum viot_node_type {
	VIOT_NODE_PCI_RANGE		= 1,
	VIOT_NODE_MMIO			= 2,
	VIOT_NODE_VIRTIO_IOMMU_PCI	= 3,
	VIOT_NODE_VIRTIO_IOMMU_MMIO	= 4,
};

struct viot_wire_header {
	u8	signature[4];
	__le32	length;
	u8	revision;
	u8	checksum;
	u8	oem_id[6];
	u8	oem_table_id[8];
	__le32	oem_revision;
	u8	creator_id[4];
	__le32	creator_revision;
	__le16	node_count;
	__le16	node_offset;
	u8	reserved[8];
} __packed;

struct viot_wire_pci_range {
	struct viot_wire_node node;
	__le32	endpoint_start;
	__le16	segment_start;
	__le16	segment_end;	/* inclusive, as is bdf_end */
	__le16	bdf_start;
	__le16	bdf_end;
	__le16	output_node;
	u8	reserved[6];
} __packed;

struct viot_wire_mmio {
	struct viot_wire_node node;
	__le32	endpoint;
	__le64	base_address;
	__le16	output_node;
	u8	reserved[6];
} __packed;

struct viot_wire_iommu_pci {
	struct viot_wire_node node;
	__le16	segment;
	__le16	bdf;
	u8	reserved[8];
} __packed;

struct viot_wire_iommu_mmio {
	struct viot_wire_node node;
	u8	reserved[4];
	__le64	base_address;
} __packed;

size_t viot_table_size(const void *acpi, size_t len);
int viot_table_parse(const void *acpi, size_t len, struct viot_table *t,
		     size_t size, const struct viot_sink *sink);
bool viot_check_checksum(const void *acpi, size_t len,
			 const struct viot_sink *sink);

#endif /* _VIOT_TABLE_H */
