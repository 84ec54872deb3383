// SPDX-License-Identifier: GPL-2.0
/*
 * What was read in another driver and may not happen to ours, as far as no
 * other suite is about the very same thing. Those that are:
 *
 * - statuses that nobody looks at, answers that somebody else takes: misbehave,
 *   race; what is unmapped in part: map; unmaps that need memory: dma, alloc
 * - counts of endpoints that change under map and unmap: race
 * - attaches that fail half-way, IDs that are listed twice, or unknown: group,
 *   replay; odd ranges of domain IDs, and identity that leaves out too much or
 *   too little: domain; registers without MMIO: map
 * - domains that outlive their IOMMU, event buffers that outlive their queue,
 *   a driver that takes the IOMMU though it cannot register it: life, event,
 *   alloc
 * - PROBE of any length and size: nonsense; regions, and windows for MSIs:
 *   region; events that are short, or lost: event
 */
#include <linux/ktime.h>
#include <linux/panic.h>

#include "core.h"
#include "failslab.h"

#define ID	0xa1
#define OTHER	0xa2
#define MANY	300

/* ---- Requests ----------------------------------------------------------------------- */

/* By default, failslab fails those who cannot wait. Whether one allocation did fail. */
static bool map_fails(struct iommu_domain *domain, gfp_t gfp)
{
	int err;

	fail_nth(1);
	err = iommu_map(domain, CORE_IOVA, CORE_PHYS, PAGE_SIZE, CORE_RW, gfp);
	fail_left();
	return err == -ENOMEM;
}

/* Whoever may wait for memory does, and it is counted against him. */
static void the_flags_of_the_caller_are_used(struct kunit *test)
{
	struct iommu_domain *domain;
	unsigned long verbose;
	struct mock *mock;

	if (!IS_ENABLED(CONFIG_FAILSLAB))
		kunit_skip(test, "without FAILSLAB");
	mock = mock_start(test, mock_strict);
	domain = core_domain(test, mock_endpoint(mock, ID));
	verbose = failslab_verbose(0);
	KUNIT_EXPECT_TRUE(test, map_fails(domain, GFP_ATOMIC));
	KUNIT_EXPECT_FALSE(test, map_fails(domain, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA), CORE_PHYS);
	failslab_verbose(verbose);
}

/* Where EVENT_IDX is not offered, the driver alone keeps notifications few. */
static void nothing_to_say_is_not_said(struct kunit *test)
{
	const u64 *without = test->param_value;
	struct mock *mock = mock_start_features(test, mock_strict, 0, *without);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	mock_mark(mock);
	for (i = 0; i < 10; i++)
		iommu_flush_iotlb_all(domain);
	KUNIT_EXPECT_EQ(test, mock_notifications(mock), 0);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, mock_notifications(mock), 1);
	iommu_flush_iotlb_all(domain);
	KUNIT_EXPECT_EQ(test, mock_notifications(mock), 1);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, core_scatter_iova(0), PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mock_notifications(mock), 2);
}

static const u64 rings[] = { 0, BIT_ULL(VIRTIO_RING_F_EVENT_IDX), BIT_ULL(VIRTIO_F_RING_PACKED),
	BIT_ULL(VIRTIO_RING_F_EVENT_IDX) | BIT_ULL(VIRTIO_F_RING_PACKED),
};

static void ring_describe(const u64 *without, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s",
		 *without & BIT_ULL(VIRTIO_F_RING_PACKED) ? "split" : "packed",
		 *without & BIT_ULL(VIRTIO_RING_F_EVENT_IDX) ? "" : ", EVENT_IDX");
}

KUNIT_ARRAY_PARAM(ring, rings, ring_describe);

/* ---- Domains and endpoints ------------------------------------------------------------ */

/*
 * One of a domain's two endpoints tries to leave for another and is refused,
 * many times. That neither makes the domain believe that it has fewer
 * endpoints, or more, nor the other one that it has any.
 */
static void refused_moves_are_not_counted(struct kunit *test)
{
	const struct mock_script refuse = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ID, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID), *other = mock_endpoint(mock, OTHER);
	struct iommu_domain *home = iommu_get_domain_for_dev(dev);
	struct iommu_domain *domain = core_domain(test, dev);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, MANY), 0);
	for (i = 0; i < 5; i++) {
		mock_script(mock, &refuse);
		KUNIT_EXPECT_EQ(test, core_attach(test, domain, dev), -ENOMEM);
		mock_script_clear(mock);
	}
	/* It has no endpoint: the device need not know */
	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, MANY, 1), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
	/* The old one still has its own */
	KUNIT_EXPECT_PTR_EQ(test, iommu_get_domain_for_dev(dev), home);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);

	/* First endpoint, second, first again: one replay each time there was none */
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, other), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, OTHER, 0, MANY + 1), MANY + 1);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), MANY + 1);
	core_detach(test, other);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, MANY + 1), MANY + 1);
	core_detach(test, dev);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, MANY + 1, 1), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
}

/* Twice: after UNSUPP, an ATTACH is tried again. */
static void answer_with(struct mock *mock, u8 type, u8 status)
{
	const struct mock_script script = {
		.type = type, .endpoint = MOCK_ANY,
		.count = status == VIRTIO_IOMMU_S_UNSUPP ? 2 : 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = status,
	};

	mock_script_clear(mock);
	mock_script(mock, &script);
}

/* Whatever number the host comes up with, it is an error, and not one of the kernel's. */
static void no_status_is_a_warning(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);
	const bool warned = test_taint(TAINT_WARN);
	unsigned int status;

	KUNIT_ASSERT_EQ(test, core_claim(test, dev), 0);
	for (status = 1; status <= U8_MAX; status++) {
		answer_with(mock, VIRTIO_IOMMU_T_ATTACH, status);
		KUNIT_ASSERT_NE(test, iommu_attach_group(domain, dev->iommu_group), 0);
	}
	mock_script_clear(mock);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	for (status = 1; status <= U8_MAX; status++) {
		answer_with(mock, VIRTIO_IOMMU_T_MAP, status);
		KUNIT_ASSERT_NE(test, core_scatter(domain, 0, 1), 0);
		KUNIT_ASSERT_EQ(test, iommu_iova_to_phys(domain, core_scatter_iova(0)), 0);
	}
	KUNIT_EXPECT_GE(test, mock_script_hits(mock), 2 * U8_MAX);
	mock_script_clear(mock);
	KUNIT_EXPECT_EQ(test, core_scatter(domain, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, test_taint(TAINT_WARN), warned);
}

/* Thousands of mappings take a while: who only wants to look one up does not. */
static void a_replay_holds_nobody_up(struct kunit *test)
{
	const struct mock_script hang = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .skip = MANY / 2, .count = 1,
		.how = MOCK_HOLD,
	};
	struct mock *mock = mock_start_features(test, mock_strict, 0, BIT_ULL(VIRTIO_F_IN_ORDER));
	struct device *dev = mock_endpoint(mock, ID);
	struct core_deed attach = { .domain = core_domain(test, dev), .dev = dev };
	ktime_t begin;

	KUNIT_ASSERT_EQ(test, core_scatter(attach.domain, 0, MANY), 0);
	mock_mark(mock);
	mock_script(mock, &hang);
	core_begin(&attach);
	core_await_hits(test, mock, 1);

	begin = ktime_get();
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(attach.domain, core_scatter_iova(MANY - 1)),
			core_scatter_phys(MANY - 1));
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), begin), 1000);
	mock_release(mock);
	KUNIT_EXPECT_EQ(test, core_join(&attach), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, MANY), MANY);
	/* Nor does the host hear of each by itself */
	KUNIT_EXPECT_LT(test, mock_notifications(mock), MANY / 10);
	if (!attach.err)
		iommu_detach_group(attach.domain, dev->iommu_group);
}

/* ---- Life ------------------------------------------------------------------------------- */

/*
 * At a reboot, the virtio core takes the device away while drivers of
 * endpoints are still at work, and lazy mode has a timer that waits for it.
 */
static void nobody_waits_for_what_was_shut_down(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct virtio_device *vdev = mock_virtio(mock);
	struct device *dev = mock_endpoint(mock, ID);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma[2];
	ktime_t begin;

	if (!vdev->dev.bus->shutdown)
		kunit_skip(test, "this kernel's virtio bus does not shut anything down");
	KUNIT_ASSERT_EQ(test, core_set_type(dev, "DMA-FQ"), 0);
	dma[0] = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	dma[1] = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	dma_unmap_single(dev, dma[0], PAGE_SIZE, DMA_BIDIRECTIONAL);
	begin = ktime_get();
	vdev->dev.bus->shutdown(&vdev->dev);
	dma_unmap_single(dev, dma[1], PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_NE(test, core_dma(dev), 0);
	msleep(50);	/* for the timer */
	mock_unregister(mock);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), begin), 4000);
}

static struct kunit_case rival_cases[] = {
	KUNIT_CASE(the_flags_of_the_caller_are_used),
	KUNIT_CASE_PARAM(nothing_to_say_is_not_said, ring_gen_params),
	KUNIT_CASE(refused_moves_are_not_counted),
	KUNIT_CASE(no_status_is_a_warning),
	KUNIT_CASE(a_replay_holds_nobody_up),
	KUNIT_CASE(nobody_waits_for_what_was_shut_down),
	{ }
};

static struct kunit_suite rival_suite = {
	.name = "viommu_rival",
	.test_cases = rival_cases,
};

kunit_test_suite(rival_suite);
