// SPDX-License-Identifier: GPL-2.0
/*
 * How an IOMMU comes and goes: unbound and bound again, with domains that stay
 * and drivers that leave; endpoints in any order; devices that die.
 */
#include <linux/ktime.h>
#include <linux/platform_device.h>

#include "core.h"

#define ID	0x81

/* As a parameter of the driver, for tests in which it has to give up */
#define SHORT_TIMEOUT	"150"
#define TIMEOUT		"5000"

static void reset_timeout(void *unused)
{
	core_set_param("virtio_iommu.timeout_ms", TIMEOUT);
}

static void shorten_timeout(struct kunit *test)
{
	KUNIT_ASSERT_EQ(test, core_set_param("virtio_iommu.timeout_ms", SHORT_TIMEOUT), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, reset_timeout, NULL), 0);
}

/* ---- Unbound and bound again ----------------------------------------------------- */

static void unbound_and_bound_again(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	unsigned int i;

	for (i = 0; i < 4; i++) {
		struct device *dev = mock_endpoint(mock, ID);
		dma_addr_t dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);

		KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
		KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, dma), virt_to_phys(ram));
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
		mock_unbind(mock);
		KUNIT_EXPECT_FALSE(test, mock_translated(dev));
		KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
		mock_endpoint_remove(dev);
		KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	}
}

static void an_iommu_without_endpoints_comes_and_goes(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);
	unsigned int i;

	for (i = 0; i < 5; i++) {
		mock_unbind(mock);
		KUNIT_EXPECT_EQ(test, mock_nr_domains(mock), 0);
		KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	}
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, ID)), 0);
}

/* What is left of a domain whose IOMMU has gone: bookkeeping. */
static void check_orphan(struct kunit *test, struct iommu_domain *domain)
{
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, core_scatter_iova(7)),
			core_scatter_phys(7));
	KUNIT_EXPECT_EQ(test, core_scatter(domain, 20, 5), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, core_scatter_iova(3), PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, core_scatter_iova(22), PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, core_scatter_iova(3)), 0);
}

static void a_domain_outlives_its_iommu(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct iommu_domain *domain = core_domain(test, dev);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 20), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	core_detach(test, dev);
	mock_unbind(mock);
	mock_endpoint_remove(dev);
	mock_mark(mock);
	check_orphan(test, domain);

	/* Nor is it one of those of the IOMMU that comes in its place */
	KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	dev = mock_endpoint(mock, ID);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, dev), -EINVAL);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
	mock_unregister(mock);
	core_free(test, domain);
}

static void a_domain_outlives_the_device(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct iommu_domain *domain = core_domain(test, mock_endpoint(mock, ID));

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 20), 0);
	mock_unregister(mock);
	check_orphan(test, domain);
	core_free(test, domain);
}

/* ---- A driver of an endpoint's --------------------------------------------------- */

struct tenant {
	bool bound;
	int dma;		/* what became of DMA while it was leaving */
	struct iommu_domain *domain;	/* that it has its device in, or NULL */
};

static struct tenant tenant;

static int tenant_probe(struct platform_device *pdev)
{
	tenant.bound = true;
	tenant.dma = -EBUSY;
	return 0;
}

/* The last that a driver does with its device */
static void tenant_remove(struct platform_device *pdev)
{
	if (tenant.domain)
		iommu_detach_group(tenant.domain, pdev->dev.iommu_group);
	tenant.dma = core_dma(&pdev->dev);
	tenant.bound = false;
}

static struct platform_driver tenant_driver = {
	.probe = tenant_probe,
	.remove = tenant_remove,
	.driver.name = "viommu-mock-device",
};

static void tenant_evict(void *unused)
{
	platform_driver_unregister(&tenant_driver);
}

static struct device *move_in(struct kunit *test, struct mock *mock)
{
	struct device *dev = mock_endpoint(mock, ID);

	tenant = (struct tenant) { };
	KUNIT_ASSERT_EQ(test, platform_driver_register(&tenant_driver), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tenant_evict, NULL), 0);
	KUNIT_ASSERT_TRUE(test, tenant.bound);
	return dev;
}

static void drivers_of_endpoints_leave_before_the_iommu(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);

	move_in(test, mock);
	mock_unbind(mock);
	KUNIT_EXPECT_FALSE(test, tenant.bound);
	KUNIT_EXPECT_EQ(test, tenant.dma, 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
}

static void and_take_their_devices_out_of_their_domains(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = move_in(test, mock);

	tenant.domain = core_domain(test, dev);
	KUNIT_ASSERT_EQ(test, core_scatter(tenant.domain, 0, 20), 0);
	KUNIT_ASSERT_EQ(test, iommu_attach_group(tenant.domain, dev->iommu_group), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, 20), 20);
	mock_unbind(mock);
	KUNIT_EXPECT_FALSE(test, tenant.bound);
	KUNIT_EXPECT_EQ(test, tenant.dma, 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, 20), 0);
	check_orphan(test, tenant.domain);
}

/* ---- Endpoints in any order ------------------------------------------------------ */

static void endpoints_go_in_any_order(struct kunit *test)
{
	static const u8 orders[][3] = {
		{ 1, 2, 0 }, { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	/* Profiles differ in how an endpoint goes, not in when */
	const unsigned int nr = test->param_value == mock_strict ? ARRAY_SIZE(orders) : 1;
	struct mock *mock = mock_start(test, test->param_value);
	unsigned int i, j, k;

	for (i = 0; i < nr; i++) {
		struct device *dev[3];

		for (j = 0; j < 3; j++)
			dev[j] = mock_endpoint(mock, 3 * i + j);
		for (j = 0; j < 3; j++) {
			mock_endpoint_remove(dev[orders[i][j]]);
			for (k = j + 1; k < 3; k++)
				KUNIT_EXPECT_EQ(test, core_dma(dev[orders[i][k]]), 0);
		}
		KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	}
}

/* ---- Devices that die ------------------------------------------------------------ */

static void check_comes_back(struct kunit *test, struct mock *mock, struct device *dev)
{
	mock_unbind(mock);
	mock_endpoint_remove(dev);
	mock_script_clear(mock);
	KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, ID)), 0);
}

static void gone_without_notice(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	ktime_t begin = ktime_get();
	unsigned int i;

	virtio_break_device(mock_virtio(mock));
	mock_pause(mock);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_NE(test, core_dma(dev), 0);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), begin), 2000);
	mock_unregister(mock);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), begin), 5000);
}

static void gone_with_mappings(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	ktime_t begin = ktime_get();

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	virtio_break_device(mock_virtio(mock));
	mock_pause(mock);
	dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	mock_unbind(mock);
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), begin), 5000);
	mock_resume(mock);
	mock_endpoint_remove(dev);
	KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, ID)), 0);
}

static void a_device_that_needs_a_reset_gets_one(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);

	mock_needs_reset(mock);
	check_comes_back(test, mock, dev);
}

static void a_request_after_which_there_is_none(struct kunit *test)
{
	static const u8 types[] = {
		VIRTIO_IOMMU_T_ATTACH, VIRTIO_IOMMU_T_MAP, VIRTIO_IOMMU_T_PROBE,
	};
	unsigned int i;

	shorten_timeout(test);
	for (i = 0; i < ARRAY_SIZE(types); i++) {
		const struct mock_script script = {
			.type = types[i], .endpoint = MOCK_ANY, .count = 1, .how = MOCK_RESET,
		};
		struct mock *mock = mock_start(test, mock_strict);
		const u32 id = 1;
		struct device *dev = mock_endpoint(mock, ID), *other;

		mock_script(mock, &script);
		other = mock_endpoint_try(mock, &id, 1);
		core_dma(other);
		KUNIT_EXPECT_NE(test, core_dma(dev), 0);
		mock_endpoint_remove(other);
		check_comes_back(test, mock, dev);
	}
}

static void a_change_of_config_changes_nothing(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	unsigned int i;

	mock_mark(mock);
	for (i = 0; i < 5; i++)
		mock_config_changed(mock);
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case life_cases[] = {
	KUNIT_CASE_PROFILES(unbound_and_bound_again),
	KUNIT_CASE_PROFILES(an_iommu_without_endpoints_comes_and_goes),
	KUNIT_CASE(a_domain_outlives_its_iommu),
	KUNIT_CASE(a_domain_outlives_the_device),
	KUNIT_CASE(drivers_of_endpoints_leave_before_the_iommu),
	KUNIT_CASE(and_take_their_devices_out_of_their_domains),
	KUNIT_CASE_PROFILES(endpoints_go_in_any_order),
	KUNIT_CASE(gone_without_notice),
	KUNIT_CASE(gone_with_mappings),
	KUNIT_CASE(a_device_that_needs_a_reset_gets_one),
	KUNIT_CASE(a_request_after_which_there_is_none),
	KUNIT_CASE_PROFILES(a_change_of_config_changes_nothing),
	{ }
};

static struct kunit_suite life_suite = {
	.name = "viommu_life",
	.test_cases = life_cases,
};

kunit_test_suite(life_suite);
