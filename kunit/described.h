/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An IOMMU that describes its endpoints by itself, in its config space: two
 * devices, by their registers.
 */
#ifndef _DESCRIBED_H
#define _DESCRIBED_H

#include "core.h"

#define DESCRIBED_ID		0xa1	/* of the first; the second has the next one */
#define DESCRIBED_REGISTERS	0x6000000000ULL

struct described {
	struct virtio_iommu_topology head;
	__le32 padding;
	struct virtio_iommu_topology_mmio node[2];
};

static const struct virtio_iommu_topology_mmio described_nodes[] = {
	{
		.head.type = VIRTIO_IOMMU_TOPOLOGY_T_MMIO,
		.head.length = cpu_to_le16(sizeof(described_nodes[0])),
		.endpoint = cpu_to_le32(DESCRIBED_ID),
		.address = cpu_to_le64(DESCRIBED_REGISTERS),
	}, {
		.head.type = VIRTIO_IOMMU_TOPOLOGY_T_MMIO,
		.head.length = cpu_to_le16(sizeof(described_nodes[0])),
		.endpoint = cpu_to_le32(DESCRIBED_ID + 1),
		.address = cpu_to_le64(DESCRIBED_REGISTERS + SZ_64K),
	},
};

static inline struct described described_bytes(u16 offset)
{
	struct described description = {
		.head.count = cpu_to_le16(ARRAY_SIZE(described_nodes)),
		.head.offset = cpu_to_le16(offset),
	};

	memcpy(description.node, described_nodes, sizeof(described_nodes));
	return description;
}

/* A header at the end of config space as it is, nodes on the next border */
static inline struct mock *described_create(struct kunit *test)
{
	const struct described description = described_bytes(48);
	struct mock_profile profile = *mock_strict;

	profile.features |= BIT_ULL(VIRTIO_IOMMU_F_TOPOLOGY);
	profile.quirks |= MOCK_Q_NO_FWNODE;
	profile.config = &description;
	profile.config_at = VIRTIO_IOMMU_TOPOLOGY_HEADER;
	profile.config_len = sizeof(description);
	profile.config_size = profile.config_at + profile.config_len;
	return mock_create(test, &profile);
}

#endif /* _DESCRIBED_H */
