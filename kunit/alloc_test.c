// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that runs out: everything that can succeed is done again and again,
 * with the first allocation failing, then the second, and so on until none is
 * left to fail. Each time it either succeeds, or fails with an error, leaves
 * everything as it was, and says nothing but that. What undoes it allocates
 * nothing at all.
 *
 * Allocations fail in the test's own task only; the mock answers from its
 * thread, so that its allocations are its own.
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/iommu-dma.h>
#include <linux/mm.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>

#include "core.h"
#include "described.h"
#include "failslab.h"
#include "mock/mock.h"

#define EP		1
#define EP_BEFORE	2
#define EP_NEW		3

/* Nothing has so many allocations */
#define MANY		2000

#define PAGES		3

/* ---- The world that things are done in -------------------------------------- */

/**
 * struct world - a device and an endpoint, and what has been done with them
 * @test: the case
 * @mock: the device
 * @dev: an endpoint that works, or NULL
 * @new: an endpoint that comes
 * @domain: a domain that comes
 * @page: memory
 * @sg: the same
 * @dma: where it is mapped
 * @coherent: more memory
 * @domains: how many the device had before
 * @mappings: how many mappings
 * @stride: how many allocations further the next one is that fails
 * @failed: an allocation has failed this time
 */
struct world {
	struct kunit *test;
	struct mock *mock;
	struct device *dev;
	struct device *new;
	struct iommu_domain *domain;
	struct page *page[PAGES];
	struct sg_table sg;
	dma_addr_t dma;
	void *coherent;
	unsigned int domains;
	unsigned int mappings;
	unsigned int stride;
	bool failed;
};

/**
 * struct deed - something that can succeed
 * @name: of the case
 * @type: the endpoint's default domain, or NULL if there is no endpoint
 * @without: features that the device does not offer
 * @ready: before it, if anything
 * @run: it; 0 or an error
 * @check: after it has succeeded
 * @undo: then
 * @clear: whether it has succeeded or not
 * @core_allocates: undoing it allocates, but not in the driver
 * @described: the device describes its endpoints
 */
struct deed {
	const char *name;
	const char *type;
	u64 without;
	void (*ready)(struct world *w);
	int (*run)(struct world *w);
	void (*check)(struct world *w);
	void (*undo)(struct world *w);
	void (*clear)(struct world *w);
	bool core_allocates;
	bool described;
};

static void flush(struct world *w)
{
	iommu_flush_iotlb_all(iommu_get_domain_for_dev(w->dev));
}

static void add_endpoint(struct world *w, const char *type)
{
	unsigned int i;

	/* From now on, the device has all the domains that it will have */
	mock_endpoint_remove(mock_endpoint(w->mock, EP_BEFORE));
	w->dev = mock_endpoint(w->mock, EP);
	KUNIT_ASSERT_EQ(w->test, core_set_type(w->dev, type), 0);
	KUNIT_ASSERT_EQ(w->test, core_dma(w->dev), 0);
	for (i = 0; i < PAGES; i++) {
		/* Every other page, so that no two of them are neighbours */
		u8 *memory = kunit_kzalloc(w->test, 2 * PAGE_SIZE, GFP_KERNEL);

		KUNIT_ASSERT_NOT_NULL(w->test, memory);
		w->page[i] = virt_to_page(PTR_ALIGN(memory, PAGE_SIZE));
	}
}

/*
 * A lazy domain is flushed by a timer, which spins; the mock's thread might be
 * waiting for the same CPU. There, the mock's allocations may fail, too.
 */
static bool is_lazy(const struct deed *deed)
{
	return deed->type && !strcmp(deed->type, "DMA-FQ");
}

static struct mock *start(struct kunit *test, const struct deed *deed)
{
	struct mock *mock;

	if (!deed->described)
		return mock_start_features(test, mock_strict, 0, deed->without);
	mock = described_create(test);
	mock_register(mock);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	return mock;
}

static struct world *begin(struct kunit *test, const struct deed *deed)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	if (!allocations_fail())
		kunit_skip(test, "this kernel cannot make allocations fail (FAILSLAB, debugfs)");
	w->test = test;
	w->mock = start(test, deed);
	if (!is_lazy(deed))
		mock_answer_later(w->mock, 0, false, false);
	if (deed->type) {
		add_endpoint(w, deed->type);
		flush(w);
	}
	w->domains = mock_nr_domains(w->mock);
	w->mappings = mock_nr_mappings(w->mock);
	return w;
}

static void expect_as_before(struct world *w, unsigned int nth)
{
	if (w->dev) {
		KUNIT_EXPECT_EQ_MSG(w->test, core_dma(w->dev), 0, "allocation %u", nth);
		flush(w);
	}
	KUNIT_EXPECT_EQ_MSG(w->test, mock_nr_domains(w->mock), w->domains, "allocation %u", nth);
	KUNIT_EXPECT_EQ_MSG(w->test, mock_nr_mappings(w->mock), w->mappings, "allocation %u", nth);
}

static void undo(struct world *w, const struct deed *deed)
{
	fail_nth(deed->core_allocates ? 0 : 1);
	deed->undo(w);
	KUNIT_EXPECT_EQ_MSG(w->test, fail_left(), !deed->core_allocates, "undoing it allocates");
}

/* Do it once, with the @nth allocation failing. Return whether there was one. */
static bool try_once(struct world *w, const struct deed *deed, unsigned int nth)
{
	int err;

	w->stride = 1;
	if (deed->ready)
		deed->ready(w);
	fail_nth(nth);
	err = deed->run(w);
	w->failed = !fail_left();

	if (err) {
		KUNIT_EXPECT_TRUE_MSG(w->test, w->failed, "error %d, for no reason", err);
		KUNIT_EXPECT_TRUE_MSG(w->test, err == -ENOMEM || err == -ENODEV,
				      "error %d of allocation %u", err, nth);
	} else {
		if (deed->check)
			deed->check(w);
		undo(w, deed);
	}
	if (deed->clear)
		deed->clear(w);
	expect_as_before(w, nth);
	return w->failed;
}

/* ---- The driver, and an endpoint -------------------------------------------- */

static void bind_ready(struct world *w)
{
	mock_unbind(w->mock);
	w->domains = 0;
}

static int bind_run(struct world *w)
{
	return mock_bind(w->mock);
}

static void bind_check(struct world *w)
{
	struct device *dev = mock_endpoint(w->mock, EP);

	KUNIT_EXPECT_EQ(w->test, core_set_type(dev, "DMA"), 0);
	KUNIT_EXPECT_EQ(w->test, core_dma(dev), 0);
	mock_endpoint_remove(dev);
}

static void bind_undo(struct world *w)
{
	mock_unbind(w->mock);
}

/* A device that firmware has told of its IOMMU, which has not taken it in yet */
static void add_new(struct world *w, const u32 *ids, unsigned int nr)
{
	w->new = mock_endpoint_plain(w->mock, 0, ids[0]);
	mutex_lock(&iommu_probe_device_lock);
	KUNIT_EXPECT_EQ(w->test, iommu_fwspec_init(w->new, mock_fwnode(w->mock)), 0);
	mutex_unlock(&iommu_probe_device_lock);
	KUNIT_EXPECT_EQ(w->test, iommu_fwspec_add_ids(w->new, ids, nr), 0);
}

static void endpoint_ready(struct world *w)
{
	static const u32 id = EP_NEW;

	add_new(w, &id, 1);
}

static void endpoint_ids_ready(struct world *w)
{
	static const u32 ids[] = { EP_NEW, EP_NEW + 1, EP_NEW + 2 };

	add_new(w, ids, ARRAY_SIZE(ids));
}

static int endpoint_run(struct world *w)
{
	return iommu_probe_device(w->new);
}

static void endpoint_check(struct world *w)
{
	KUNIT_EXPECT_TRUE(w->test, mock_translated(w->new));
	if (use_dma_iommu(w->new)) {
		KUNIT_EXPECT_EQ(w->test, core_set_type(w->new, "DMA"), 0);
		KUNIT_EXPECT_EQ(w->test, core_dma(w->new), 0);
		return;
	}
	/*
	 * The core could not set the domain up for the DMA API, and goes on
	 * without. It has some hundred allocations there, one for each page
	 * of an MSI region.
	 */
	KUNIT_EXPECT_NE(w->test, core_dma(w->new), 0);
	w->stride = 37;
}

static void endpoint_undo(struct world *w)
{
}

static void endpoint_clear(struct world *w)
{
	mock_endpoint_remove(w->new);
}

/* The endpoint is taken in with the IOMMU, or it is not. */
static void described_ready(struct world *w)
{
	bind_ready(w);
	w->new = mock_endpoint_plain(w->mock, DESCRIBED_REGISTERS, DESCRIBED_ID);
}

static void described_check(struct world *w)
{
	if (mock_translated(w->new)) {
		endpoint_check(w);
		return;
	}
	KUNIT_EXPECT_TRUE(w->test, w->failed);
}

/* ---- Domains ---------------------------------------------------------------- */

static int domain_run(struct world *w)
{
	w->domain = iommu_paging_domain_alloc(w->dev);
	return PTR_ERR_OR_ZERO(w->domain);
}

static void domain_undo(struct world *w)
{
	iommu_domain_free(w->domain);
}

/* With mappings for the device to be told of */
static void attach_ready(struct world *w)
{
	KUNIT_ASSERT_EQ(w->test, domain_run(w), 0);
	KUNIT_ASSERT_EQ(w->test, core_scatter(w->domain, 0, PAGES), 0);
}

static int attach_run(struct world *w)
{
	return iommu_attach_group(w->domain, w->dev->iommu_group);
}

static void attach_check(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_scattered(w->mock, EP, 0, PAGES), PAGES);
}

static void attach_undo(struct world *w)
{
	iommu_detach_group(w->domain, w->dev->iommu_group);
}

static int identity_run(struct world *w)
{
	return core_set_type(w->dev, "identity");
}

static void identity_check(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_reaches(w->mock, EP, CORE_PHYS), CORE_PHYS);
}

static void identity_undo(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_set_type(w->dev, "DMA"), 0);
}

static int blocked_run(struct world *w)
{
	return iommu_group_claim_dma_owner(w->dev->iommu_group, w);
}

static void blocked_undo(struct world *w)
{
	iommu_group_release_dma_owner(w->dev->iommu_group);
}

/* ---- Mappings --------------------------------------------------------------- */

static void map_ready(struct world *w)
{
	KUNIT_ASSERT_EQ(w->test, domain_run(w), 0);
	KUNIT_ASSERT_EQ(w->test, attach_run(w), 0);
}

static int map_run(struct world *w)
{
	return iommu_map(w->domain, CORE_IOVA, CORE_PHYS, SZ_2M + SZ_64K, CORE_RW, GFP_KERNEL);
}

static int map_atomic_run(struct world *w)
{
	return iommu_map(w->domain, CORE_IOVA, CORE_PHYS, SZ_2M + SZ_64K, CORE_RW, GFP_ATOMIC);
}

static void map_check(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_reaches(w->mock, EP, CORE_IOVA + SZ_2M), CORE_PHYS + SZ_2M);
}

static void map_undo(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, iommu_unmap(w->domain, CORE_IOVA, SZ_2M + SZ_64K),
			SZ_2M + SZ_64K);
}

static void map_clear(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_reaches(w->mock, EP, CORE_IOVA), CORE_REFUSED);
	attach_undo(w);
	domain_undo(w);
}

/* Each CPU has a cache of IOVAs: stay with one whose cache has its memory. */
static void page_ready(struct world *w)
{
	set_cpus_allowed_ptr(current, cpumask_of(raw_smp_processor_id()));
	KUNIT_EXPECT_EQ(w->test, core_dma(w->dev), 0);
}

static int page_run(struct world *w)
{
	w->dma = dma_map_page(w->dev, w->page[0], 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	return dma_mapping_error(w->dev, w->dma);
}

static void page_check(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_reaches(w->mock, EP, w->dma), page_to_phys(w->page[0]));
}

static void page_undo(struct world *w)
{
	dma_unmap_page(w->dev, w->dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

static void sg_ready(struct world *w)
{
	struct scatterlist *sg;
	unsigned int i;

	KUNIT_ASSERT_EQ(w->test, sg_alloc_table(&w->sg, PAGES, GFP_KERNEL), 0);
	for_each_sgtable_sg(&w->sg, sg, i)
		sg_set_page(sg, w->page[i], PAGE_SIZE, 0);
}

static int sg_run(struct world *w)
{
	return dma_map_sgtable(w->dev, &w->sg, DMA_BIDIRECTIONAL, 0);
}

static void sg_check(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_reaches(w->mock, EP, sg_dma_address(w->sg.sgl)),
			page_to_phys(w->page[0]));
}

static void sg_undo(struct world *w)
{
	dma_unmap_sgtable(w->dev, &w->sg, DMA_BIDIRECTIONAL, 0);
}

static void sg_clear(struct world *w)
{
	sg_free_table(&w->sg);
}

static int coherent_run(struct world *w)
{
	w->coherent = dma_alloc_coherent(w->dev, 5 * PAGE_SIZE, &w->dma, GFP_KERNEL);
	return w->coherent ? 0 : -ENOMEM;
}

static void coherent_undo(struct world *w)
{
	dma_free_coherent(w->dev, 5 * PAGE_SIZE, w->coherent, w->dma);
}

#ifdef DMA_IOVA_USE_SWIOTLB	/* came with dma_iova_link() */
static int link_run(struct world *w)
{
	struct dma_iova_state state = {};
	int err;

	if (!dma_iova_try_alloc(w->dev, &state, 0, PAGES * PAGE_SIZE))
		return -ENOMEM;
	err = dma_iova_link(w->dev, &state, page_to_phys(w->page[0]), 0, PAGE_SIZE,
			    DMA_BIDIRECTIONAL, 0);
	if (err) {
		dma_iova_free(w->dev, &state);
		return err;
	}
	err = dma_iova_link(w->dev, &state, page_to_phys(w->page[1]), PAGE_SIZE, PAGE_SIZE,
			    DMA_BIDIRECTIONAL, 0);
	if (!err)
		err = dma_iova_sync(w->dev, &state, 0, 2 * PAGE_SIZE);
	dma_iova_destroy(w->dev, &state, err ? PAGE_SIZE : 2 * PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
	return err;
}

static void link_undo(struct world *w)
{
}
#endif

/* ---- All of them ------------------------------------------------------------ */

static const struct deed deeds[] = {
	{ "driver", NULL, 0, bind_ready, bind_run, bind_check, bind_undo,
	  .core_allocates = true },
	{ "driver_described", NULL, 0, described_ready, bind_run, described_check, bind_undo,
	  endpoint_clear, .core_allocates = true, .described = true },
	{ "endpoint", "DMA", 0, endpoint_ready, endpoint_run, endpoint_check, endpoint_undo,
	  endpoint_clear },
	{ "endpoint_ids", "DMA", 0, endpoint_ids_ready, endpoint_run, endpoint_check,
	  endpoint_undo, endpoint_clear },
	{ "domain", "DMA", 0, NULL, domain_run, NULL, domain_undo },
	{ "attach", "DMA", 0, attach_ready, attach_run, attach_check, attach_undo, domain_undo },
	{ "identity", "DMA", 0, NULL, identity_run, identity_check, identity_undo,
	  .core_allocates = true },
	{ "identity_emulated", "DMA", BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG), NULL, identity_run,
	  identity_check, identity_undo, .core_allocates = true },
	{ "blocked", "DMA", 0, NULL, blocked_run, NULL, blocked_undo },
	{ "map", "DMA", 0, map_ready, map_run, map_check, map_undo, map_clear },
	{ "map_atomic", "DMA", 0, map_ready, map_atomic_run, map_check, map_undo, map_clear },
	{ "page_strict", "DMA", 0, page_ready, page_run, page_check, page_undo },
	{ "page_lazy", "DMA-FQ", 0, page_ready, page_run, page_check, page_undo },
	{ "sg_strict", "DMA", 0, sg_ready, sg_run, sg_check, sg_undo, sg_clear,
	  .core_allocates = true },
	{ "sg_lazy", "DMA-FQ", 0, sg_ready, sg_run, sg_check, sg_undo, sg_clear,
	  .core_allocates = true },
	{ "coherent", "DMA", 0, NULL, coherent_run, NULL, coherent_undo,
	  .core_allocates = true },
#ifdef DMA_IOVA_USE_SWIOTLB
	{ "link", "DMA", 0, NULL, link_run, NULL, link_undo },
#endif
};

KUNIT_ARRAY_PARAM_DESC(deeds, deeds, name);

static void alloc_fails(struct kunit *test)
{
	const struct deed *deed = test->param_value;
	struct world *w = begin(test, deed);
	unsigned int nth = 1;

	/* The core of Linux 6.12 frees there what it could not allocate, and dies of it */
	if (failslab_spare("iova_domain_init_rcaches"))
		KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, failslab_spare_none, NULL),
				0);
	while (nth < MANY && try_once(w, deed, nth))
		nth += w->stride;
	KUNIT_EXPECT_LT(test, nth, MANY);
	kunit_info(test, "%u allocations\n", nth - 1);
}

/*
 * What ends something ends it, with or without memory. The core WARNs if it
 * cannot allocate the name of a device link that it is to remove.
 */
static struct world *begin_end(struct kunit *test)
{
	static const struct deed nothing = {};
	struct world *w = begin(test, &nothing);

	if (!failslab_spare("devlink_remove_symlinks"))
		kunit_skip(test, "no FAULT_INJECTION_STACKTRACE_FILTER to spare what WARNs");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, failslab_spare_none, NULL), 0);
	mock_endpoint_remove(mock_endpoint(w->mock, EP_BEFORE));
	return w;
}

static struct device *add_strict(struct world *w)
{
	struct device *dev = mock_endpoint(w->mock, EP);

	KUNIT_EXPECT_EQ(w->test, core_set_type(dev, "DMA"), 0);
	KUNIT_EXPECT_EQ(w->test, core_dma(dev), 0);
	return dev;
}

static void unbind_cannot_fail(struct kunit *test)
{
	struct world *w = begin_end(test);
	unsigned int nth = 1;
	bool failed;

	do {
		struct device *dev = add_strict(w);

		fail_nth(nth++);
		mock_unbind(w->mock);
		failed = !fail_left();
		KUNIT_EXPECT_FALSE(test, mock_bound(w->mock));
		KUNIT_EXPECT_FALSE(test, mock_translated(dev));
		mock_endpoint_remove(dev);
		KUNIT_ASSERT_EQ(test, mock_bind(w->mock), 0);
	} while (failed && nth < MANY);
}

static void removal_cannot_fail(struct kunit *test)
{
	struct world *w = begin_end(test);
	unsigned int nth = 1;
	bool failed;

	do {
		struct device *dev = add_strict(w);

		fail_nth(nth++);
		mock_endpoint_remove(dev);
		failed = !fail_left();
		/* Blocked, as all that nobody uses */
		KUNIT_EXPECT_EQ(test, core_domain_id(w->mock, EP),
				core_domain_id(w->mock, EP_BEFORE));
	} while (failed && nth < MANY);
}

/* Back to a default domain that is made up of mappings; without memory, it is blocked. */
static void going_back_cannot_fail(struct kunit *test)
{
	static const struct deed emulated = { .without = BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG) };
	struct world *w = begin(test, &emulated);
	struct device *dev = mock_endpoint(w->mock, EP);
	unsigned int nth = 1, refused = 0;
	struct iommu_domain *domain;
	bool failed;

	KUNIT_ASSERT_EQ(test, core_set_type(dev, "identity"), 0);
	domain = core_domain(test, dev);
	do {
		KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
		fail_nth(nth++);
		core_detach(test, dev);
		failed = !fail_left();
		if (core_reaches(w->mock, EP, CORE_PHYS) == CORE_REFUSED)
			refused++;
		else
			KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, CORE_PHYS), CORE_PHYS);
	} while (failed && nth < MANY);
	KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, CORE_PHYS), CORE_PHYS);
	KUNIT_EXPECT_LT(test, refused, nth - 1);
}

static unsigned int nr_regions(struct device *dev)
{
	LIST_HEAD(regions);
	unsigned int nr;

	iommu_get_resv_regions(dev, &regions);
	nr = list_count_nodes(&regions);
	iommu_put_resv_regions(dev, &regions);
	return nr;
}

/* What is missing on that list would be mapped: rather nobody gets it. */
static void regions_cannot_be_missing(struct kunit *test)
{
	static const struct deed nothing = {};
	struct world *w = begin(test, &nothing);
	struct device *dev = add_strict(w);
	const unsigned int all = nr_regions(dev);
	unsigned int nth;

	KUNIT_EXPECT_GE(test, all, 2);
	for (nth = 1; nth <= all; nth++) {
		fail_nth(nth);
		KUNIT_EXPECT_EQ(test, nr_regions(dev), all);
		fail_left();
	}
	mock_endpoint_remove(dev);
}

static bool was_ignoring;
static unsigned long was_verbose;

static int alloc_suite_init(struct kunit_suite *suite)
{
	was_ignoring = failslab_ignores_wait(false);
	was_verbose = failslab_verbose(0);
	return 0;
}

static void alloc_suite_exit(struct kunit_suite *suite)
{
	failslab_ignores_wait(was_ignoring);
	failslab_verbose(was_verbose);
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE_PARAM(alloc_fails, deeds_gen_params),
	KUNIT_CASE(unbind_cannot_fail),
	KUNIT_CASE(removal_cannot_fail),
	KUNIT_CASE(going_back_cannot_fail),
	KUNIT_CASE(regions_cannot_be_missing),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "viommu_alloc",
	.suite_init = alloc_suite_init,
	.suite_exit = alloc_suite_exit,
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);
MODULE_DESCRIPTION("Memory that runs out");
MODULE_LICENSE("GPL");
