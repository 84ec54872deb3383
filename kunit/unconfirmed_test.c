// SPDX-License-Identifier: GPL-2.0
/*
 * What a device has not confirmed, it may still do: memory that it may reach
 * is not given to somebody else, nor is an address that may lead there.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/mm.h>

#include "core.h"
#include "mock/mock.h"
#include "said.h"

#define EP		1
#define EP_OTHER	2

/* All UNMAPs of a lazy domain, confirmed or not */
static void flush(struct device *dev)
{
	iommu_flush_iotlb_all(iommu_get_domain_for_dev(dev));
}

static const struct mock_script refuse_unmap = {
	.type = VIRTIO_IOMMU_T_UNMAP, .endpoint = MOCK_ANY, .count = 1,
	.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_IOERR,
};

/*
 * The device keeps a mapping that it was told to forget. Who gets the IOVA
 * next has it lead to memory of his own, or does not get it. In a lazy domain,
 * the memory was given away before the device was asked.
 */
static void unconfirmed_unmap(struct kunit *test, const char *type, bool lazy)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	struct page *old = core_page(test), *new = core_page(test);
	unsigned int i, works = 0;
	struct iommu_domain *domain;
	dma_addr_t was, is;

	KUNIT_ASSERT_EQ(test, core_set_type(dev, type), 0);
	domain = iommu_get_domain_for_dev(dev);
	was = dma_map_page(dev, old, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, was));
	mock_script(mock, &refuse_unmap);
	dma_unmap_page(dev, was, PAGE_SIZE, DMA_BIDIRECTIONAL);
	flush(dev);
	mock_script_clear(mock);
	if (!lazy)
		KUNIT_EXPECT_FALSE(test, core_exposed(mock, EP, was, old));

	for (i = 0; i < 8; i++) {
		is = dma_map_page(dev, new, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
		if (!lazy)
			KUNIT_EXPECT_FALSE(test, core_exposed(mock, EP, was, old));
		if (dma_mapping_error(dev, is))
			continue;
		works++;
		KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, is), page_to_phys(new));
		dma_unmap_page(dev, is, PAGE_SIZE, DMA_BIDIRECTIONAL);
		flush(dev);
		msleep(30);	/* by when a lazy domain has its IOVAs back */
	}
	/* One refusal is not the end of DMA, nor of the address, which may not have come again */
	KUNIT_EXPECT_GE(test, works, 7);
	flush(dev);
	KUNIT_EXPECT_EQ(test, iommu_map(domain, was, page_to_phys(new), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, was), page_to_phys(new));
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, was, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, page_count(old), 1);
}

static void unconfirmed_unmap_strict(struct kunit *test)
{
	unconfirmed_unmap(test, "DMA", false);
}

static void unconfirmed_unmap_lazy(struct kunit *test)
{
	unconfirmed_unmap(test, "DMA-FQ", true);
}

/* As VFIO does: the same range of a domain, with another page behind it */
static void unconfirmed_unmap_domain(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	struct iommu_domain *domain = core_domain(test, dev);
	struct page *old = core_page(test), *new = core_page(test);
	int err;

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(domain, CORE_IOVA, page_to_phys(old), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	mock_script(mock, &refuse_unmap);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	mock_script_clear(mock);
	KUNIT_EXPECT_FALSE(test, core_exposed(mock, EP, CORE_IOVA, old));

	err = iommu_map(domain, CORE_IOVA, page_to_phys(new), PAGE_SIZE, CORE_RW, GFP_KERNEL);
	if (!err)
		KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, CORE_IOVA), page_to_phys(new));
	KUNIT_EXPECT_FALSE(test, core_exposed(mock, EP, CORE_IOVA, old));
	if (!err)
		KUNIT_EXPECT_EQ(test, iommu_unmap(domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);

	/* The pages are free when the device has forgotten them, domain and all */
	core_detach(test, dev);
	core_free(test, domain);
	KUNIT_EXPECT_EQ(test, page_count(old), 1);
	KUNIT_EXPECT_EQ(test, page_count(new), 1);
}

/*
 * An ATTACH that was carried out, and answered with an error. Whatever the
 * driver makes of it, the endpoint gets at nobody else's memory.
 */
static void unconfirmed_attach(struct kunit *test)
{
	static const struct mock_script liar = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = EP, .count = 1, .how = MOCK_STATUS,
		.status = VIRTIO_IOMMU_S_IOERR,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP), *other = mock_endpoint(mock, EP_OTHER);
	struct iommu_domain *domain = core_domain(test, dev);

	mock_script(mock, &liar);
	KUNIT_EXPECT_EQ(test, iommu_attach_group(domain, dev->iommu_group), -ENODEV);
	mock_script_clear(mock);
	core_free(test, domain);

	domain = core_domain(test, other);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, other), 0);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP_OTHER, 0, 1), 1);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP, 0, 1), 0);
	/* It was promised to be where it was */
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* Neither was the domain's end: nobody knows what the device still reaches. */
static void unconfirmed_for_good(struct kunit *test)
{
	static const struct mock_script silent = {
		.endpoint = MOCK_ANY, .how = MOCK_DO_NOT | MOCK_NO_ANSWER,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	struct iommu_domain *domain = core_domain(test, dev);
	struct page *page = core_page(test);

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(domain, CORE_IOVA, page_to_phys(page), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	mock_script(mock, &refuse_unmap);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	core_set_param("virtio_iommu.timeout_ms", "100");
	mock_script(mock, &silent);
	core_detach(test, dev);
	core_free(test, domain);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, CORE_IOVA), page_to_phys(page));
	KUNIT_EXPECT_FALSE(test, core_exposed(mock, EP, CORE_IOVA, page));
	mock_judge(mock, false);
}

/*
 * A device is refused its own domain, when a user's is taken from it: whoever
 * maps for it is told so, until it is back.
 */
static void refused_its_own_domain(struct kunit *test)
{
	static const struct mock_script refuse = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = EP, .how = MOCK_DO_NOT | MOCK_STATUS,
		.status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	struct iommu_domain *domain = core_domain(test, dev);

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	mock_script(mock, &refuse);
	core_detach(test, dev);
	KUNIT_EXPECT_EQ(test, core_dma(dev), -ENXIO);
	mock_script_clear(mock);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	core_detach(test, dev);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* Whoever reads the log knows. No more than so many lines are said in a few seconds. */
static void unconfirmed_unmap_is_said(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	struct iommu_domain *domain = core_domain(test, dev);
	struct kmsg_dump_iter mark = said_mark();
	unsigned int i, said = 0;

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	for (i = 0; i < 10 && !said; i++) {
		if (i)
			msleep(1000);
		KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 1), 0);
		mock_script(mock, &refuse_unmap);
		iommu_unmap(domain, core_scatter_iova(0), PAGE_SIZE);
		mock_script_clear(mock);
		said = said_since(&mark, "UNMAP of 1 mappings from 0x1000000 on is not confirmed");
	}
	KUNIT_EXPECT_EQ(test, said, 1);
}

/* ---- The suite -------------------------------------------------------------- */

static void unconfirmed_exit(struct kunit *test)
{
	core_set_param("virtio_iommu.timeout_ms", "5000");
}

static struct kunit_case unconfirmed_cases[] = {
	KUNIT_CASE(unconfirmed_unmap_strict),
	KUNIT_CASE(unconfirmed_unmap_lazy),
	KUNIT_CASE(unconfirmed_unmap_domain),
	KUNIT_CASE(unconfirmed_attach),
	KUNIT_CASE(unconfirmed_for_good),
	KUNIT_CASE(refused_its_own_domain),
	KUNIT_CASE(unconfirmed_unmap_is_said),
	{}
};

static struct kunit_suite unconfirmed_suite = {
	.name = "viommu_unconfirmed",
	.exit = unconfirmed_exit,
	.test_cases = unconfirmed_cases,
};

kunit_test_suite(unconfirmed_suite);
MODULE_DESCRIPTION("What a device has not confirmed");
MODULE_LICENSE("GPL");
