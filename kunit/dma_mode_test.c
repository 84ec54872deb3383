// SPDX-License-Identifier: GPL-2.0
/*
 * Strict and lazy: what a buffer costs in requests, notifications and memory,
 * when its address may be used again, and the way from one mode to the other.
 */
#include "dma_bench.h"

/* ---- Prices ---------------------------------------------------------------------- */

#define PAIRS	60

static void pairs(struct kunit *test, struct bench *bench, u8 *ram, size_t size, unsigned int nr)
{
	while (nr--) {
		dma_addr_t dma = dma_map_single(bench->dev, ram, size, DMA_TO_DEVICE);

		KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench->dev, dma));
		dma_unmap_single(bench->dev, dma, size, DMA_TO_DEVICE);
	}
}

/* One MAP and one UNMAP for each buffer; strict, each waits; lazy, an UNMAP goes with a MAP. */
static void two_requests_a_pair(struct kunit *test)
{
	static const size_t sizes[] = { 1, SZ_4K, SZ_64K - SZ_4K, SZ_1M };
	struct bench bench = start(test);
	u8 *ram = buffer(test, SZ_1M);
	unsigned int i, flushes;
	ktime_t begin;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		mock_mark(bench.mock);
		begin = ktime_get();
		pairs(test, &bench, ram, sizes[i], PAIRS);
		/* A flush waits, and who waits for long for another's notification repeats it */
		flushes = bench.lazy ? 2 * (ktime_ms_delta(ktime_get(), begin) / 10 + 2) : 0;
		KUNIT_EXPECT_EQ(test, mock_count(bench.mock, VIRTIO_IOMMU_T_MAP), PAIRS);
		KUNIT_EXPECT_LE(test, mock_notifications(bench.mock),
				(bench.lazy ? PAIRS : 2 * PAIRS) + flushes);
		KUNIT_EXPECT_TRUE(test, flushed(&bench));
		KUNIT_EXPECT_EQ(test, mock_count(bench.mock, VIRTIO_IOMMU_T_UNMAP), PAIRS);
		KUNIT_EXPECT_EQ(test, mock_count(bench.mock, 0), 2 * PAIRS);
	}
}

/* With EVENT_IDX, a device can say "later", but not "never". */
static void a_device_that_polls_is_not_notified(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	u8 *ram = buffer(test, SZ_4K);
	struct bench bench;

	profile.features &= ~BIT_ULL(VIRTIO_RING_F_EVENT_IDX);
	bench = start_as(test, &profile, *(const char *const *)test->param_value);
	mock_answer_later(bench.mock, 0, false, true);
	mock_mark(bench.mock);
	pairs(test, &bench, ram, SZ_4K, 20);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
	KUNIT_EXPECT_EQ(test, mock_count(bench.mock, 0), 40);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench.mock), 0);
}

#ifdef CONFIG_FAILSLAB
/* The task counts its allocations that are allowed to fail, down to where one does. */
#define FAR	BIT(30)

static unsigned int allocations(void)
{
	unsigned int made = FAR - current->fail_nth;

	current->fail_nth = 0;
	return made;
}

static void unmapping_allocates_nothing(struct kunit *test)
{
	struct bench bench = start(test);
	struct iommu_domain *domain = core_domain(test, bench.dev);
	unsigned int i, made;

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, bench.dev), 0);
	mock_answer_later(bench.mock, 0, false, false);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 20), 0);

	current->fail_nth = FAR;
	kfree(kmalloc(100, GFP_ATOMIC));
	made = allocations();
	KUNIT_ASSERT_GE_MSG(test, made, 1, "nobody counts");

	current->fail_nth = FAR;
	for (i = 0; i < 20; i++)
		iommu_unmap(domain, core_scatter_iova(i), PAGE_SIZE);
	made = allocations();
	KUNIT_EXPECT_EQ(test, made, 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}
#else
static void unmapping_allocates_nothing(struct kunit *test)
{
	kunit_skip(test, "needs CONFIG_FAILSLAB");
}
#endif

/* ---- Lazy ------------------------------------------------------------------------ */

/*
 * More pairs than a flush queue holds. The device refuses a MAP over what it
 * has not been told to forget, and would find an address used too early.
 */
static void no_address_is_used_before_it_is_free(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, SZ_16K);
	unsigned int i;

	for (i = 1; i <= 2; i++)
		pairs(test, &bench, ram, i * SZ_4K, 300);
	mock_answer_later(bench.mock, 50, true, false);
	for (i = 1; i <= 2; i++)
		pairs(test, &bench, ram, i * SZ_4K, 30);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
}

/* Up to the flush, the device may reach the memory; the address is nobody else's. */
static void lazy_until_the_flush(struct kunit *test)
{
	struct bench bench = start_as(test, mock_strict, "DMA-FQ");
	u8 *ram = buffer(test, SZ_64K);
	dma_addr_t old = dma_map_single(bench.dev, ram, SZ_4K, DMA_TO_DEVICE), dma;
	unsigned int i;

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench.dev, old));
	dma_unmap_single(bench.dev, old, SZ_4K, DMA_TO_DEVICE);
	for (i = 0; i < 16; i++) {
		dma = dma_map_single(bench.dev, ram + i * SZ_4K, SZ_4K, DMA_TO_DEVICE);
		KUNIT_EXPECT_EQ(test, core_reaches_as(bench.mock, ID, dma, VIRTIO_IOMMU_MAP_F_READ),
				virt_to_phys(ram + i * SZ_4K));
		dma_unmap_single(bench.dev, dma, SZ_4K, DMA_TO_DEVICE);
	}
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
	KUNIT_EXPECT_FALSE(test, may(&bench, old, VIRTIO_IOMMU_MAP_F_READ));
}

static void from_strict_to_lazy_and_back(struct kunit *test)
{
	struct bench bench = start_as(test, mock_strict, "DMA");
	u8 *ram = buffer(test, SZ_4K);
	dma_addr_t dma = dma_map_single(bench.dev, ram, SZ_4K, DMA_TO_DEVICE);
	u32 domain = core_domain_id(bench.mock, ID);

	/* With a buffer mapped: the domain stays */
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench.dev, dma));
	KUNIT_EXPECT_EQ(test, core_set_type(bench.dev, "DMA-FQ"), 0);
	KUNIT_EXPECT_EQ(test, core_domain_id(bench.mock, ID), domain);
	bench.lazy = true;
	check_device_reads(test, &bench, dma, ram, SZ_4K);
	dma_unmap_single(bench.dev, dma, SZ_4K, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));

	KUNIT_EXPECT_EQ(test, core_set_type(bench.dev, "DMA"), 0);
	KUNIT_EXPECT_EQ(test, core_dma(bench.dev), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}

static struct kunit_case mode_cases[] = {
	KUNIT_CASE_PARAM(two_requests_a_pair, mode_gen_params),
	KUNIT_CASE_PARAM(a_device_that_polls_is_not_notified, mode_gen_params),
	KUNIT_CASE_PARAM(unmapping_allocates_nothing, mode_gen_params),
	KUNIT_CASE_PARAM(no_address_is_used_before_it_is_free, mode_gen_params),
	KUNIT_CASE(lazy_until_the_flush),
	KUNIT_CASE(from_strict_to_lazy_and_back),
	{ }
};

static struct kunit_suite mode_suite = {
	.name = "viommu_dma_mode",
	.test_cases = mode_cases,
};

kunit_test_suite(mode_suite);
