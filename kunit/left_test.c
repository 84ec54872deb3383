// SPDX-License-Identifier: GPL-2.0
/*
 * Requests that are still on their way: when their domain is left, or is not
 * left after all, and when whoever was to notify the device has not got to it.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/ktime.h>
#include <linux/workqueue.h>

#include "core.h"
#include "mock/mock.h"

#define EP		1

#define PATIENCE_MS	10000

/* In which somebody else gets as far as he can */
static void let_others_run(void)
{
	msleep(20);
}

/**
 * struct world - an endpoint at home, where somebody maps a page
 * @mock: the device, which may answer in any order
 * @dev: the endpoint
 * @domain: where it is to go
 * @map: who maps in its default domain; the MAP is held, and will be refused
 * @move: who has the endpoint move
 */
struct world {
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;
	struct core_deed map;
	struct core_deed move;
};

static void begin(struct world *w, struct kunit *test)
{
	const struct mock_script hold = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS | MOCK_HOLD, .status = VIRTIO_IOMMU_S_NOENT,
	};

	w->mock = mock_start(test, mock_strict);
	w->dev = mock_endpoint(w->mock, EP);
	w->domain = core_domain(test, w->dev);
	w->map = (struct core_deed) {
		.domain = iommu_get_domain_for_dev(w->dev), .iova = CORE_IOVA, .phys = CORE_PHYS,
	};
	w->move = (struct core_deed) { .domain = w->domain, .dev = w->dev };
	mock_script(w->mock, &hold);
	core_begin(&w->map);
	core_await_hits(test, w->mock, 1);
}

static void end(struct world *w, struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, CORE_IOVA), CORE_PHYS);
	KUNIT_EXPECT_EQ(test, iommu_unmap(w->map.domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, core_dma(w->dev), 0);
}

/* The endpoint has left. Nobody is told so, nor comes back, before the MAP is answered. */
static void map_on_its_way_when_all_have_left(struct kunit *test)
{
	const struct mock_script through = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = EP, .count = 1,
	};
	struct world w;

	begin(&w, test);
	mock_script(w.mock, &through);
	core_begin(&w.move);
	core_await_hits(test, w.mock, 2);
	let_others_run();
	KUNIT_EXPECT_TRUE(test, work_busy(&w.move.work));
	mock_release(w.mock);
	KUNIT_EXPECT_EQ(test, core_join(&w.map), 0);
	KUNIT_EXPECT_EQ(test, core_join(&w.move), 0);
	KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, CORE_IOVA), CORE_REFUSED);

	iommu_detach_group(w.domain, w.dev->iommu_group);
	end(&w, test);
}

/* It stays. That the MAP was refused because it was about to leave comes out later. */
static void map_on_its_way_when_nobody_leaves(struct kunit *test)
{
	const struct mock_script refuse = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = EP, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOENT,
	};
	struct world w;

	begin(&w, test);
	mock_script(w.mock, &refuse);
	core_begin(&w.move);
	core_await_hits(test, w.mock, 2);
	let_others_run();
	mock_release(w.mock);
	KUNIT_EXPECT_EQ(test, core_join(&w.move), -ENODEV);
	KUNIT_EXPECT_EQ(test, core_join(&w.map), 0);
	end(&w, test);
}

/*
 * Somebody has decided to notify the device, and is interrupted. The device does
 * not want to be notified again, as it seems to whoever comes next.
 */
static void somebody_else_was_to_notify(struct kunit *test)
{
	const ktime_t end = ktime_add_ms(ktime_get(), PATIENCE_MS);
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	struct iommu_domain *domain = core_domain(test, dev);
	struct core_deed map = {
		.domain = domain, .iova = core_scatter_iova(0), .phys = core_scatter_phys(0),
	};

	KUNIT_ASSERT_TRUE(test, mock_negotiated(mock, VIRTIO_RING_F_EVENT_IDX));
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	mock_hold_up(mock);
	core_begin(&map);
	while (!mock_held_up(mock) && ktime_before(ktime_get(), end))
		usleep_range(100, 200);
	KUNIT_EXPECT_EQ(test, core_scatter(domain, 1, 1), 0);
	KUNIT_EXPECT_TRUE(test, mock_held_up(mock));
	mock_let_through(mock);
	KUNIT_EXPECT_EQ(test, core_join(&map), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, EP, 0, 2), 2);
}

static struct kunit_case left_cases[] = {
	KUNIT_CASE(map_on_its_way_when_all_have_left),
	KUNIT_CASE(map_on_its_way_when_nobody_leaves),
	KUNIT_CASE(somebody_else_was_to_notify),
	{}
};

static struct kunit_suite left_suite = {
	.name = "viommu_left",
	.test_cases = left_cases,
};

kunit_test_suite(left_suite);
MODULE_DESCRIPTION("Requests that are still on their way");
MODULE_LICENSE("GPL");
