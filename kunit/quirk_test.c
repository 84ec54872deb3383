// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that make use of what the specification lets them do, and that none
 * of those that are known does: one endpoint a domain, the next is refused;
 * UNMAPs that are carried out and answered with INVAL all the same.
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>

#include "core.h"
#include "mock/mock.h"

#define EP		1
#define EP_OTHER	2

static struct mock *start_with_quirk(struct kunit *test, u32 quirk)
{
	struct mock_profile profile = *mock_strict;

	profile.quirks |= quirk;
	return mock_start(test, &profile);
}

/* ---- One endpoint a domain --------------------------------------------------------- */

/* The first stays, and so does the second where it was; it may have a domain of its own. */
static void second_endpoint_is_refused(struct kunit *test)
{
	struct mock *mock = start_with_quirk(test, MOCK_Q_ALONE);
	struct device *one = mock_endpoint(mock, EP), *two = mock_endpoint(mock, EP_OTHER);
	struct iommu_domain *domain = core_domain(test, one), *other = core_domain(test, two);

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, one), 0);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 4), 0);
	KUNIT_EXPECT_EQ(test, iommu_attach_group(domain, two->iommu_group), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP, 0, 4), 4);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP_OTHER, 0, 4), 0);
	KUNIT_EXPECT_EQ(test, core_dma(two), 0);

	KUNIT_ASSERT_EQ(test, core_attach(test, other, two), 0);
	KUNIT_ASSERT_EQ(test, core_scatter(other, 2, 4), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP_OTHER, 2, 4), 4);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP, 0, 4), 4);
}

/* When the first has left, there is room for another. */
static void another_endpoint_comes_after_the_first(struct kunit *test)
{
	struct mock *mock = start_with_quirk(test, MOCK_Q_ALONE);
	struct device *one = mock_endpoint(mock, EP), *two = mock_endpoint(mock, EP_OTHER);
	struct iommu_domain *domain = core_domain(test, one);

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, one), 0);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 4), 0);
	KUNIT_EXPECT_NE(test, iommu_attach_group(domain, two->iommu_group), 0);
	core_detach(test, one);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, two), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP_OTHER, 0, 4), 4);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP, 0, 4), 0);
	KUNIT_EXPECT_EQ(test, core_dma(one), 0);
}

/* Two IDs of one device have to share a domain: without that, it is not taken in. */
static void two_ids_cannot_be_taken_in(struct kunit *test)
{
	struct mock *mock = start_with_quirk(test, MOCK_Q_ALONE);
	const u32 ids[] = { EP, EP_OTHER };
	struct device *dev = mock_endpoint_try(mock, ids, ARRAY_SIZE(ids));

	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP));
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP_OTHER));
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, EP)), 0);
}

/* Identity is one domain for all: the second has to stay translated. */
static void second_endpoint_cannot_be_identity(struct kunit *test)
{
	struct mock *mock = start_with_quirk(test, MOCK_Q_ALONE);
	struct device *one = mock_endpoint(mock, EP), *two = mock_endpoint(mock, EP_OTHER);

	KUNIT_EXPECT_EQ(test, core_set_type(one, "identity"), 0);
	KUNIT_EXPECT_NE(test, core_set_type(two, "identity"), 0);
	KUNIT_EXPECT_TRUE(test, mock_is_bypass(mock, EP));
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP_OTHER));
	KUNIT_EXPECT_EQ(test, core_dma(two), 0);
	KUNIT_EXPECT_EQ(test, core_set_type(one, "DMA"), 0);
	KUNIT_EXPECT_EQ(test, core_set_type(two, "identity"), 0);
	KUNIT_EXPECT_EQ(test, core_dma(one), 0);
}

/* ---- UNMAP is carried out, and answered with INVAL ------------------------------------ */

/* What is not confirmed is not free; other addresses and, in the end, all of it are. */
static void unmap_is_never_confirmed(struct kunit *test)
{
	struct mock *mock = start_with_quirk(test, MOCK_Q_UNMAP_INVAL);
	struct device *dev = mock_endpoint(mock, EP);
	struct iommu_domain *domain = core_domain(test, dev);
	struct page *page = core_page(test), *other = core_page(test);
	const u64 iova = CORE_IOVA, elsewhere = CORE_IOVA + SZ_1M;

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(domain, iova, page_to_phys(page), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, iova, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_GT(test, page_count(page), 1);
	KUNIT_EXPECT_NE(test, iommu_map(domain, iova, page_to_phys(other), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, iova), CORE_REFUSED);

	KUNIT_EXPECT_EQ(test, iommu_map(domain, elsewhere, page_to_phys(other), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, elsewhere), page_to_phys(other));
	core_detach(test, dev);
	core_free(test, domain);
	KUNIT_EXPECT_EQ(test, page_count(page), 1);
	KUNIT_EXPECT_EQ(test, page_count(other), 1);
}

#define BUFFERS		32

/* Through the DMA API: an address that was not confirmed leads nowhere, and to no other buffer. */
static void no_address_has_two_buffers(struct kunit *test)
{
	struct mock *mock = start_with_quirk(test, MOCK_Q_UNMAP_INVAL);
	struct device *dev = mock_endpoint(mock, EP);
	const char *const *type = test->param_value;
	unsigned int i, works = 0;

	KUNIT_ASSERT_EQ(test, core_set_type(dev, *type), 0);
	for (i = 0; i < BUFFERS; i++) {
		int err = core_dma(dev);

		/* It either cannot be mapped, or is the one that the device gets at */
		if (err)
			KUNIT_EXPECT_EQ(test, err, -ENXIO);
		works += !err;
	}
	KUNIT_EXPECT_GT(test, works, 0);
	iommu_flush_iotlb_all(iommu_get_domain_for_dev(dev));
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
}

static void describe_type(const char *const *type, char *desc)
{
	strscpy(desc, *type, KUNIT_PARAM_DESC_SIZE);
}

static const char *const types[] = { "DMA", "DMA-FQ" };
KUNIT_ARRAY_PARAM(type, types, describe_type);

/* ---- The suite -------------------------------------------------------------------------- */

static struct kunit_case quirk_cases[] = {
	KUNIT_CASE(second_endpoint_is_refused),
	KUNIT_CASE(another_endpoint_comes_after_the_first),
	KUNIT_CASE(two_ids_cannot_be_taken_in),
	KUNIT_CASE(second_endpoint_cannot_be_identity),
	KUNIT_CASE(unmap_is_never_confirmed),
	KUNIT_CASE_PARAM(no_address_has_two_buffers, type_gen_params),
	{ }
};

static struct kunit_suite quirk_suite = {
	.name = "viommu_quirk",
	.test_cases = quirk_cases,
};

kunit_test_suite(quirk_suite);
