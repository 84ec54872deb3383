// SPDX-License-Identifier: GPL-2.0
/*
 * Devices there are, as the mock can be one: what they offer, and where they
 * depart from what a driver's author would expect.
 *
 * Left out: RING_RESET, SUSPEND and config space that wants 32-bit accesses,
 * which are the transport's business.
 */
#include <linux/string.h>

#include "mock.h"

#define F(name)		BIT_ULL(VIRTIO_IOMMU_F_ ## name)
#define RING(name)	BIT_ULL(VIRTIO_RING_F_ ## name)
#define VERSION_1	BIT_ULL(VIRTIO_F_VERSION_1)
#define PACKED		BIT_ULL(VIRTIO_F_RING_PACKED)

static const struct mock_region msi[] = {
	{ VIRTIO_IOMMU_RESV_MEM_T_MSI, MOCK_MSI_START, MOCK_MSI_LAST },
};

static const struct mock_region msi_and_more[] = {
	{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, MOCK_RESV_START, MOCK_RESV_LAST },
	{ VIRTIO_IOMMU_RESV_MEM_T_MSI, MOCK_MSI_START, MOCK_MSI_LAST },
};

const struct mock_profile mock_profiles[MOCK_NR_PROFILES] = {
	{
		.name = "strict",
		.features = F(INPUT_RANGE) | F(DOMAIN_RANGE) | F(MAP_UNMAP) | F(PROBE) |
			    F(MMIO) | F(BYPASS_CONFIG) | RING(INDIRECT_DESC) |
			    RING(EVENT_IDX) | VERSION_1,
		.page_size_mask = ~0xfffULL,
		.input_start = SZ_64K,
		.input_last = BIT_ULL(48) - 1,
		.domain_first = 5,
		.domain_last = 260,
		.probe_size = 512,
		.regions = msi_and_more,
		.nr_regions = ARRAY_SIZE(msi_and_more),
	},
	{
		.name = "qemu",
		.features = F(INPUT_RANGE) | F(DOMAIN_RANGE) | F(MAP_UNMAP) | F(PROBE) |
			    F(MMIO) | F(BYPASS_CONFIG) | RING(INDIRECT_DESC) |
			    RING(EVENT_IDX) | VERSION_1,
		.page_size_mask = ~0xfffULL,
		.input_last = BIT_ULL(39) - 1,
		.domain_last = U32_MAX,
		.probe_size = 512,
		.bypass = 1,
		.quirks = MOCK_Q_LAX_MAP | MOCK_Q_SPLIT_REMOVES | MOCK_Q_FLAGLESS_FAULT |
			  MOCK_Q_EMPTIES,
		.regions = msi,
		.nr_regions = ARRAY_SIZE(msi),
	},
	{
		.name = "cloud-hypervisor",
		.features = F(MAP_UNMAP) | F(PROBE) | F(BYPASS_CONFIG) | VERSION_1,
		.page_size_mask = 0x201000,
		.probe_size = 24,
		.max_domains = 65536,
		.quirks = MOCK_Q_SILENT_FAILURE | MOCK_Q_SURVIVES_RESET |
			  MOCK_Q_TWO_DESCRIPTORS | MOCK_Q_NO_TOP_PAGE | MOCK_Q_NO_FAULTS |
			  MOCK_Q_BYPASS_UNWRITTEN,
		.regions = msi,
		.nr_regions = ARRAY_SIZE(msi),
	},
	{
		.name = "crosvm",
		.features = F(INPUT_RANGE) | F(MAP_UNMAP) | F(PROBE) | F(MMIO) |
			    RING(EVENT_IDX) | VERSION_1,
		.config_size = 36,
		.page_size_mask = ~0xfffULL,
		.input_last = BIT_ULL(48) - 1,
		.probe_size = 24,
		.quirks = MOCK_Q_NO_ATTACH_FLAGS | MOCK_Q_STAYS | MOCK_Q_ANY_DETACH |
			  MOCK_Q_NO_FAULTS | MOCK_Q_BYPASS_UNWRITTEN,
		.regions = msi,
		.nr_regions = ARRAY_SIZE(msi),
	},
	{
		.name = "bhyve",
		.features = F(INPUT_RANGE) | F(DOMAIN_RANGE) | F(MAP_UNMAP) | F(PROBE) |
			    F(BYPASS_CONFIG) | PACKED | VERSION_1,
		.page_size_mask = 0x1000,
		.input_last = U64_MAX,
		.domain_last = 255,
		.probe_size = 16,
	},
};

const struct mock_profile *const mock_strict = &mock_profiles[0];

/* mock_describe() - names a profile in the name of a case */
void mock_describe(const struct mock_profile *profile, char *desc)
{
	strscpy(desc, profile->name, KUNIT_PARAM_DESC_SIZE);
}
