// SPDX-License-Identifier: GPL-2.0
/*
 * Passthrough by default, as with iommu.passthrough=1.
 *
 * Comes last of all suites: it can be ended, but the kernel then has strict
 * for its default, whatever it had before.
 */
#include "core.h"

#define ID	0xb1

static int passthrough_init(struct kunit *test)
{
	iommu_set_default_passthrough(false);
	return 0;
}

static void passthrough_exit(struct kunit *test)
{
	iommu_set_default_translated(false);
}

static void everybody_has_identity(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	bool may_bypass = mock_negotiated(mock, VIRTIO_IOMMU_F_BYPASS_CONFIG);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_EXPECT_EQ(test, mock_is_bypass(mock, ID), may_bypass);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, virt_to_phys(ram)), virt_to_phys(ram));
	KUNIT_EXPECT_EQ(test, dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL),
			virt_to_phys(ram));
	dma_unmap_single(dev, virt_to_phys(ram), PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	if (!may_bypass)
		mock_endpoint_remove(dev);
}

static void and_is_attached_once(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct mock_request request;

	mock_mark(mock);
	mock_endpoint(mock, ID);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), 1);
	KUNIT_EXPECT_TRUE(test, mock_last(mock, VIRTIO_IOMMU_T_ATTACH, &request));
	KUNIT_EXPECT_EQ(test, request.flags, VIRTIO_IOMMU_ATTACH_F_BYPASS);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
}

static void some_can_be_translated_all_the_same(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *one = mock_endpoint(mock, ID), *two = mock_endpoint(mock, ID + 1);

	KUNIT_EXPECT_EQ(test, core_set_type(one, "DMA"), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	KUNIT_EXPECT_TRUE(test, mock_is_bypass(mock, ID + 1));
	KUNIT_EXPECT_EQ(test, core_dma(one), 0);
	KUNIT_EXPECT_EQ(test, core_dma(two), 0);
}

static void who_may_not_bypass_is_translated(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct device *dev;
	struct mock *mock;

	profile.quirks |= MOCK_Q_NO_ATTACH_FLAGS;
	mock = mock_start(test, &profile);
	dev = mock_endpoint(mock, ID);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_NE(test, core_set_type(dev, "identity"), 0);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

static void a_device_of_many_ids_bypasses_with_all(struct kunit *test)
{
	static const u32 ids[] = { ID, ID + 1, ID + 2 };
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ID + 2, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_INVAL,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint_ids(mock, ids, 3);
	unsigned int i;

	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_TRUE(test, mock_is_bypass(mock, ids[i]));
	mock_endpoint_remove(dev);

	/* Or with none */
	mock_script(mock, &script);
	dev = mock_endpoint_ids(mock, ids, 3);
	for (i = 0; i < 3; i++)
		KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ids[i]));
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case passthrough_cases[] = {
	KUNIT_CASE_PROFILES(everybody_has_identity),
	KUNIT_CASE(and_is_attached_once),
	KUNIT_CASE(some_can_be_translated_all_the_same),
	KUNIT_CASE(who_may_not_bypass_is_translated),
	KUNIT_CASE(a_device_of_many_ids_bypasses_with_all),
	{ }
};

static struct kunit_suite passthrough_suite = {
	.name = "viommu_passthrough",
	.init = passthrough_init,
	.exit = passthrough_exit,
	.test_cases = passthrough_cases,
};

kunit_test_suite(passthrough_suite);
