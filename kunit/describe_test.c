// SPDX-License-Identifier: GPL-2.0
/*
 * IOMMUs that describe their endpoints by themselves, in their config space,
 * and those that nothing describes.
 */
#include "core.h"
#include "described.h"

#define ID	DESCRIBED_ID

static void a_described_device_may_come_first(struct kunit *test)
{
	struct mock *mock = described_create(test);
	struct device *dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, ID);
	struct device *other = mock_endpoint_plain(mock, DESCRIBED_REGISTERS + SZ_128K, ID + 2);

	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	mock_register(mock);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	KUNIT_EXPECT_TRUE(test, mock_negotiated(mock, VIRTIO_IOMMU_F_TOPOLOGY));
	KUNIT_ASSERT_TRUE(test, mock_translated(dev));
	KUNIT_EXPECT_NE(test, core_domain_id(mock, ID), U32_MAX);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_FALSE(test, mock_translated(other));
}

static void or_later(struct kunit *test)
{
	struct mock *mock = described_create(test);
	struct device *one, *two, *other;

	mock_register(mock);
	one = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, ID);
	two = mock_endpoint_plain(mock, DESCRIBED_REGISTERS + SZ_64K, ID + 1);
	other = mock_endpoint_plain(mock, DESCRIBED_REGISTERS + SZ_128K, ID + 2);
	KUNIT_ASSERT_TRUE(test, mock_translated(one));
	KUNIT_ASSERT_TRUE(test, mock_translated(two));
	KUNIT_EXPECT_EQ(test, core_dma(one), 0);
	KUNIT_EXPECT_EQ(test, core_dma(two), 0);
	KUNIT_EXPECT_FALSE(test, mock_translated(other));
}

static void or_stay_while_the_iommu_goes(struct kunit *test)
{
	struct mock *mock = described_create(test);
	struct device *dev;
	unsigned int i;

	mock_register(mock);
	dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, ID);
	for (i = 0; i < 5; i++) {
		KUNIT_ASSERT_TRUE(test, mock_translated(dev));
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
		mock_unbind(mock);
		KUNIT_EXPECT_FALSE(test, mock_translated(dev));
		KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	}
}

/* In the drafts, bit 6 says so, and the header is where config.bypass is now. */
static void as_in_the_drafts(struct kunit *test)
{
	struct described description = described_bytes(40);
	struct mock_profile profile = *mock_strict;
	struct device *dev;
	struct mock *mock;

	memcpy(&description.padding, described_nodes, sizeof(described_nodes));
	profile.quirks |= MOCK_Q_NO_FWNODE;
	profile.config = &description;
	profile.config_at = VIRTIO_IOMMU_TOPOLOGY_DRAFT_HEADER;
	profile.config_len = sizeof(description) - sizeof(description.padding);
	profile.config_size = profile.config_at + profile.config_len;
	mock = mock_start(test, &profile);
	dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, ID);
	KUNIT_ASSERT_TRUE(test, mock_translated(dev));
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	/* So there is no bypass to attach it to */
	mock_mark(mock);
	KUNIT_EXPECT_EQ(test, core_set_type(dev, "identity"), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	KUNIT_EXPECT_GT(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
}

static void nothing_describes_anything(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct device *dev;
	struct mock *mock;

	profile.quirks |= MOCK_Q_NO_FWNODE;
	mock = mock_start(test, &profile);
	dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, ID);
	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
}

static struct kunit_case describe_cases[] = {
	KUNIT_CASE(a_described_device_may_come_first),
	KUNIT_CASE(or_later),
	KUNIT_CASE(or_stay_while_the_iommu_goes),
	KUNIT_CASE(as_in_the_drafts),
	KUNIT_CASE(nothing_describes_anything),
	{ }
};

static struct kunit_suite describe_suite = {
	.name = "viommu_life_topology",
	.test_cases = describe_cases,
};

kunit_test_suite(describe_suite);
