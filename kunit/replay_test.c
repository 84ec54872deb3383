// SPDX-License-Identifier: GPL-2.0
/*
 * Attach, detach and attach again: a domain keeps its mappings, the device is
 * told them when it needs them, and if that fails, everything is as before.
 */
#include "core.h"

#define ID	0x31
#define OTHER	0x32

/* Thousands, but of one device: to the emulated kernel they are many */
#define MANY	2003
#define SOME	100

/* Of so many descriptors that SOME is more than one ring, and more than two */
#define RING	64

static void mappings_wait_for_a_device(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);

	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, SOME), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, core_scatter_iova(0), PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), SOME - 1);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, core_scatter_iova(0)), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 1, SOME - 1), SOME - 1);
}

static void many_come_back_each_time(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;
	const unsigned int nr = profile == mock_strict ? MANY : SOME;
	struct iommu_domain *domain;
	struct device *dev;
	struct mock *mock;
	unsigned int i;

	if (profile->quirks & MOCK_Q_STAYS)
		kunit_skip(test, "an endpoint of this device goes nowhere");
	mock = mock_start(test, profile);
	dev = mock_endpoint(mock, ID);
	domain = core_domain(test, dev);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, nr), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
		KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), nr);
		KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, nr), nr);
		core_detach(test, dev);
		KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	}
}

static void what_changed_meanwhile_is_what_comes_back(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 4), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	core_detach(test, dev);
	mock_mark(mock);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, core_scatter_iova(1), PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, core_scatter(domain, 4, 1), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);

	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 4);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, 5), 4);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, core_scatter_iova(1)), CORE_REFUSED);
}

static void the_second_device_needs_no_replay(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *one = mock_endpoint(mock, ID), *two = mock_endpoint(mock, OTHER);
	struct iommu_domain *domain = core_domain(test, one);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, SOME), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, one), 0);
	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, two), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, OTHER, 0, SOME), SOME);

	/* One MAP is for both, and stays when one of them leaves */
	KUNIT_EXPECT_EQ(test, core_scatter(domain, SOME, 1), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 1);
	core_detach(test, one);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, OTHER, 0, SOME + 1), SOME + 1);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, SOME + 1), 0);
	KUNIT_EXPECT_EQ(test, core_dma(one), 0);
	core_detach(test, two);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
}

static void a_freed_domain_leaves_nothing(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);
	unsigned int domains = mock_nr_domains(mock);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, SOME), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	core_detach(test, dev);
	core_free(test, domain);
	KUNIT_EXPECT_EQ(test, mock_nr_domains(mock), domains);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
}

/* With very many, IDs have to be used again. */
static void ids_of_domains_are_used_again(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct device *dev;
	struct mock *mock;
	unsigned int i;

	profile.domain_last = profile.domain_first + 3;
	mock = mock_start(test, &profile);
	dev = mock_endpoint(mock, ID);
	for (i = 0; i < 10; i++) {
		struct iommu_domain *domain = core_domain(test, dev);

		KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
		core_detach(test, dev);
		core_free(test, domain);
	}
}

/* ---- A replay that fails --------------------------------------------------------- */

static struct mock *start_small(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;

	profile.ring = RING;
	return mock_start(test, &profile);
}

static void check_nothing_changed(struct kunit *test, struct mock *mock, struct device *dev,
				  u32 domain, dma_addr_t dma, void *ram)
{
	KUNIT_EXPECT_EQ(test, core_domain_id(mock, ID), domain);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 1);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, dma), virt_to_phys(ram));
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* The device refuses one MAP, early or late, at the borders of rings and batches */
static void a_failed_replay_changes_nothing(struct kunit *test)
{
	const unsigned int *nth = test->param_value;
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .skip = *nth, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct mock *mock = start_small(test);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	u32 home = core_domain_id(mock, ID);
	unsigned int domains = mock_nr_domains(mock);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, SOME), 0);
	mock_script(mock, &script);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, dev), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mock_script_hits(mock), 1);
	KUNIT_EXPECT_EQ(test, mock_nr_domains(mock), domains);
	check_nothing_changed(test, mock, dev, home, dma, ram);

	/* Nor is the domain any the worse for it */
	mock_script_clear(mock);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, SOME), SOME);
	core_detach(test, dev);
	check_nothing_changed(test, mock, dev, home, dma, ram);
	dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

static const unsigned int failing[] = {
	0, 1, 15, 16, 31, 32, 33, 63, 64, 65, SOME - 2, SOME - 1,
};

static void failing_describe(const unsigned int *nth, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "MAP %u of %u", *nth + 1, SOME);
}

KUNIT_ARRAY_PARAM(failing, failing, failing_describe);

/* Neither forward nor back: then nowhere, which is safe, and not for ever. */
static void what_fits_nowhere_is_blocked(struct kunit *test)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, SOME), 0);
	mock_script(mock, &script);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, dev), -ENOMEM);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, dma), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, SOME), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));

	mock_script_clear(mock);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, SOME), SOME);
	core_detach(test, dev);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, dma), virt_to_phys(ram));
	dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* What the core is told of the device's reasons; -EINVAL invites it to try another domain. */
struct refusal {
	u8 status;
	int err;
};

static const struct refusal refusals[] = {
	{ VIRTIO_IOMMU_S_IOERR, -ENODEV },
	{ VIRTIO_IOMMU_S_UNSUPP, -EINVAL },
	{ VIRTIO_IOMMU_S_DEVERR, -ENODEV },
	{ VIRTIO_IOMMU_S_INVAL, -EINVAL },
	{ VIRTIO_IOMMU_S_RANGE, -ENODEV },
	{ VIRTIO_IOMMU_S_NOENT, -ENODEV },
	{ VIRTIO_IOMMU_S_FAULT, -ENODEV },
	{ VIRTIO_IOMMU_S_NOMEM, -ENOMEM },
	{ 99, -ENODEV },
};

static void refusal_describe(const struct refusal *refusal, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "status %u", refusal->status);
}

KUNIT_ARRAY_PARAM(refusal, refusals, refusal_describe);

static void a_refused_attach_changes_nothing(struct kunit *test)
{
	const struct refusal *refusal = test->param_value;
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ID, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = refusal->status,
	};
	/* After UNSUPP, it is detached, and then attached */
	const struct mock_script again = {
		.type = VIRTIO_IOMMU_T_DETACH, .endpoint = ID, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_UNSUPP,
	};
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);
	u32 home = core_domain_id(mock, ID);

	mock_script(mock, &script);
	mock_script(mock, &again);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, dev), refusal->err);
	KUNIT_EXPECT_EQ(test, core_domain_id(mock, ID), home);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	mock_script_clear(mock);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, dev), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case replay_cases[] = {
	KUNIT_CASE(mappings_wait_for_a_device),
	KUNIT_CASE_PROFILES(many_come_back_each_time),
	KUNIT_CASE(what_changed_meanwhile_is_what_comes_back),
	KUNIT_CASE(the_second_device_needs_no_replay),
	KUNIT_CASE(a_freed_domain_leaves_nothing),
	KUNIT_CASE(ids_of_domains_are_used_again),
	KUNIT_CASE_PARAM(a_failed_replay_changes_nothing, failing_gen_params),
	KUNIT_CASE(what_fits_nowhere_is_blocked),
	KUNIT_CASE_PARAM(a_refused_attach_changes_nothing, refusal_gen_params),
	{ }
};

static struct kunit_suite replay_suite = {
	.name = "viommu_domain_replay",
	.test_cases = replay_cases,
};

kunit_test_suite(replay_suite);
