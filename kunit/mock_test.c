// SPDX-License-Identifier: GPL-2.0
/*
 * The mock device itself, with whatever driver the kernel has: that it is
 * what it says, does DMA, and sees it when somebody breaks a rule.
 */
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/sizes.h>

#include "mock/mock.h"

#define ID	0x10

static void each_profile_gets_a_driver(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);

	mock_endpoint(mock, ID);
	KUNIT_EXPECT_TRUE(test, mock_negotiated(mock, VIRTIO_IOMMU_F_MAP_UNMAP));
	KUNIT_EXPECT_TRUE(test, mock_attached(mock, ID, NULL));
	KUNIT_EXPECT_GT(test, mock_count(mock, VIRTIO_IOMMU_T_PROBE), 0);
}

static void dma_goes_through(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	u8 *buf = kunit_kzalloc(test, SZ_4K, GFP_KERNEL);
	dma_addr_t addr;
	u8 byte = 0;

	buf[17] = 0x5a;
	addr = dma_map_single(dev, buf, SZ_4K, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
	KUNIT_EXPECT_EQ(test, mock_dma_read(dev, addr + 17, &byte, 1), 0);
	KUNIT_EXPECT_EQ(test, byte, 0x5a);
	byte = 0xc3;
	KUNIT_EXPECT_EQ(test, mock_dma_write(dev, addr + 18, &byte, 1), 0);
	dma_unmap_single(dev, addr, SZ_4K, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_EQ(test, buf[18], 0xc3);
}

static void a_violation_is_seen(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct virtio_device *vdev = mock_virtio(mock);
	const u8 two = 2;

	mock_expect_violation(mock, 3);
	mock_expect_violation(mock, 4);
	vdev->config->set(vdev, offsetof(struct virtio_iommu_config, bypass), &two, 1);
	KUNIT_EXPECT_EQ(test, mock_violations(mock, 4), 1);
	vdev->config->set(vdev, 0, &two, 1);
	KUNIT_EXPECT_EQ(test, mock_violations(mock, 3), 1);
	KUNIT_EXPECT_EQ(test, mock_violations(mock, 4), 1);
}

MOCK_PARAM_PROFILES;

static struct kunit_case mock_cases[] = {
	KUNIT_CASE_PROFILES(each_profile_gets_a_driver),
	KUNIT_CASE_PROFILES(dma_goes_through),
	KUNIT_CASE(a_violation_is_seen),
	{ }
};

static struct kunit_suite mock_suite = {
	.name = "viommu_mock",
	.test_cases = mock_cases,
};

kunit_test_suite(mock_suite);
