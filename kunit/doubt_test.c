// SPDX-License-Identifier: GPL-2.0
/*
 * Devices that refuse while an endpoint is about to leave its domain, when
 * nobody can say whether the domain will be there a moment later; devices that
 * die or refuse for good then; and those that empty, bypass or keep domains as
 * no driver would expect. Memory that may be reached is not given away, what
 * is mapped is reached, and who was to be blocked does not bypass.
 */
#include <kunit/test.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/virtio.h>

#include "core.h"
#include "mock/mock.h"

#define EP		1
#define EP_OTHER	2

#define ROUNDS		20

#define DEADLINE_MS	"5000"	/* as it is by default */

/**
 * struct world - a device, and an endpoint in a domain with a mapping
 * @mock: the device
 * @dev: the endpoint
 * @domain: a domain to attach it to
 * @page: memory
 */
struct world {
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;
	struct page *page;
};

static void begin(struct world *w, struct kunit *test, const struct mock_profile *profile)
{
	w->mock = mock_start(test, profile);
	w->dev = mock_endpoint(w->mock, EP);
	w->domain = core_domain(test, w->dev);
	w->page = core_page(test);
}

static int map_page(struct world *w)
{
	return iommu_map(w->domain, CORE_IOVA, page_to_phys(w->page), PAGE_SIZE, CORE_RW,
			 GFP_KERNEL);
}

/* @count requests of a type are not carried out and answered with @status, at once or later. */
static void refuse(struct world *w, u8 type, unsigned int count, u8 status, u32 how)
{
	const struct mock_script script = {
		.type = type, .endpoint = MOCK_ANY, .count = count,
		.how = MOCK_DO_NOT | MOCK_STATUS | how, .status = status,
	};

	mock_script(w->mock, &script);
}

/* From now on, an endpoint goes nowhere. */
static void keep(struct mock *mock, u32 endpoint, u8 status)
{
	struct mock_script script = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = endpoint,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = status,
	};

	mock_script(mock, &script);
	script.type = VIRTIO_IOMMU_T_DETACH;
	mock_script(mock, &script);
}

/* The device has broken rules of its own: the driver may break those that follow. */
static void end_unjudged(struct world *w)
{
	mock_judge(w->mock, false);
	mock_script_clear(w->mock);
}

/* ---- Domains that are left behind ----------------------------------------------- */

/* The device dies while the endpoint is detached, and has forgotten nothing. */
static void dies_while_detaching(struct kunit *test)
{
	const struct mock_script silent = {
		.endpoint = MOCK_ANY, .how = MOCK_DO_NOT | MOCK_NO_ANSWER,
	};
	struct world w;

	begin(&w, test, mock_strict);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	KUNIT_ASSERT_EQ(test, map_page(&w), 0);
	core_set_param("virtio_iommu.timeout_ms", "100");
	mock_script(w.mock, &silent);
	core_detach(test, w.dev);

	KUNIT_EXPECT_EQ(test, iommu_unmap(w.domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, CORE_IOVA), page_to_phys(w.page));
	KUNIT_EXPECT_FALSE(test, core_exposed(w.mock, EP, CORE_IOVA, w.page));
	core_free(test, w.domain);
	KUNIT_EXPECT_FALSE(test, core_exposed(w.mock, EP, CORE_IOVA, w.page));
	end_unjudged(&w);
}

/* What a dead device was never told of is nobody's business. */
static void dead_device_holds_nothing(struct kunit *test)
{
	struct world w;

	begin(&w, test, mock_strict);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	virtio_break_device(mock_virtio(w.mock));
	/* By which it is noticed */
	KUNIT_EXPECT_NE(test, iommu_map(w.domain, CORE_IOVA + SZ_1M, CORE_PHYS, PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_NE(test, map_page(&w), 0);
	KUNIT_EXPECT_EQ(test, page_count(w.page), 1);
	end_unjudged(&w);
}

/* It does not let go of the endpoint, and does not empty the domain either. */
static void keeps_endpoint_and_mappings(struct kunit *test)
{
	struct world w;

	begin(&w, test, mock_strict);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	KUNIT_ASSERT_EQ(test, map_page(&w), 0);
	refuse(&w, 0, 0, VIRTIO_IOMMU_S_IOERR, 0);
	core_detach(test, w.dev);

	KUNIT_EXPECT_EQ(test, iommu_unmap(w.domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, CORE_IOVA), page_to_phys(w.page));
	KUNIT_EXPECT_FALSE(test, core_exposed(w.mock, EP, CORE_IOVA, w.page));
	end_unjudged(&w);
}

/* Nothing is attached to a domain any more that was to be forgotten, and perhaps is not. */
static void dead_domain_stays_dead(struct kunit *test)
{
	struct device *other;
	struct world w;

	begin(&w, test, mock_strict);
	other = mock_endpoint(w.mock, EP_OTHER);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	KUNIT_ASSERT_EQ(test, map_page(&w), 0);
	refuse(&w, 0, 0, VIRTIO_IOMMU_S_IOERR, 0);
	core_detach(test, w.dev);
	mock_script_clear(w.mock);

	KUNIT_EXPECT_NE(test, iommu_attach_group(w.domain, other->iommu_group), 0);
	KUNIT_EXPECT_EQ(test, core_dma(other), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(w.domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, CORE_IOVA), page_to_phys(w.page));
	KUNIT_EXPECT_FALSE(test, core_exposed(w.mock, EP, CORE_IOVA, w.page));
	end_unjudged(&w);
}

/* An endpoint is stuck in a domain. Nobody else gets its ID, though IDs run short. */
static void stuck_endpoint_keeps_its_id(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	const u32 id = EP_OTHER;
	struct device *other;
	struct world w;
	u32 stuck;

	profile.domain_last = profile.domain_first + 3;	/* blocked, bypass, default, own */
	begin(&w, test, &profile);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	stuck = core_domain_id(w.mock, EP);
	keep(w.mock, EP, VIRTIO_IOMMU_S_INVAL);
	core_detach(test, w.dev);
	KUNIT_ASSERT_EQ(test, core_domain_id(w.mock, EP), stuck);
	KUNIT_EXPECT_EQ(test, iommu_attach_group(w.domain, w.dev->iommu_group), -ENOSPC);
	core_free(test, w.domain);

	other = mock_endpoint_try(w.mock, &id, 1);
	KUNIT_EXPECT_FALSE(test, mock_translated(other));
	KUNIT_EXPECT_NE(test, core_domain_id(w.mock, EP_OTHER), stuck);
	end_unjudged(&w);
}

/* What is mapped while a domain is emptied, as its last endpoint has been unplugged */
static void mapped_while_emptied(struct kunit *test)
{
	const struct mock_script hold = {
		.type = VIRTIO_IOMMU_T_UNMAP, .endpoint = MOCK_ANY, .count = 1, .how = MOCK_HOLD,
	};
	struct mock_profile profile = *mock_strict;
	struct core_deed away;
	struct device *other;
	struct world w;

	profile.features &= ~BIT_ULL(VIRTIO_F_IN_ORDER);
	begin(&w, test, &profile);
	other = mock_endpoint(w.mock, EP_OTHER);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	KUNIT_ASSERT_EQ(test, iommu_attach_group(w.domain, other->iommu_group), 0);
	keep(w.mock, EP, VIRTIO_IOMMU_S_INVAL);
	core_detach(test, w.dev);

	keep(w.mock, EP_OTHER, VIRTIO_IOMMU_S_NOENT);
	mock_mark(w.mock);
	mock_script(w.mock, &hold);
	away = (struct core_deed) { .domain = w.domain, .dev = other, .detach = true };
	core_begin(&away);
	core_await_count(test, w.mock, VIRTIO_IOMMU_T_UNMAP, 1);
	map_page(&w);
	mock_release(w.mock);
	core_join(&away);
	iommu_unmap(w.domain, CORE_IOVA, PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, core_exposed(w.mock, EP, CORE_IOVA, w.page));
	end_unjudged(&w);
}

/* ---- While a move is under way ----------------------------------------------------- */

/* An UNMAP is refused; then the endpoint stays where it was. */
static void unmap_refused_while_leaving(struct kunit *test)
{
	struct core_deed move;
	struct world w;
	dma_addr_t dma;

	begin(&w, test, mock_strict);
	KUNIT_ASSERT_EQ(test, core_set_type(w.dev, "DMA"), 0);
	move = (struct core_deed) { .domain = w.domain, .dev = w.dev };
	dma = dma_map_page(w.dev, w.page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(w.dev, dma));

	refuse(&w, VIRTIO_IOMMU_T_ATTACH, 1, VIRTIO_IOMMU_S_NOENT, MOCK_HOLD);
	refuse(&w, VIRTIO_IOMMU_T_UNMAP, 1, VIRTIO_IOMMU_S_IOERR, 0);
	core_begin(&move);
	core_await_hits(test, w.mock, 1);
	dma_unmap_page(w.dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	mock_release(w.mock);
	KUNIT_EXPECT_EQ(test, core_join(&move), -ENODEV);
	KUNIT_EXPECT_EQ(test, mock_script_hits(w.mock), 2);

	KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, dma), page_to_phys(w.page));
	KUNIT_EXPECT_FALSE(test, core_exposed(w.mock, EP, dma, w.page));
	mock_script_clear(w.mock);
	KUNIT_EXPECT_EQ(test, core_dma(w.dev), 0);
}

/* A MAP is refused; then the endpoint stays where it was, and reaches it. */
static void map_refused_while_leaving(struct kunit *test)
{
	struct core_deed move, map;
	struct world w;

	begin(&w, test, mock_strict);
	move = (struct core_deed) { .domain = w.domain, .dev = w.dev };
	map = (struct core_deed) {
		.domain = iommu_get_domain_for_dev(w.dev), .iova = CORE_IOVA, .phys = CORE_PHYS,
	};
	refuse(&w, VIRTIO_IOMMU_T_ATTACH, 1, VIRTIO_IOMMU_S_NOENT, MOCK_HOLD);
	refuse(&w, VIRTIO_IOMMU_T_MAP, 1, VIRTIO_IOMMU_S_NOMEM, MOCK_HOLD);
	core_begin(&map);
	core_await_hits(test, w.mock, 1);
	core_begin(&move);
	core_await_hits(test, w.mock, 2);
	mock_release(w.mock);

	KUNIT_EXPECT_EQ(test, core_join(&move), -ENODEV);
	KUNIT_EXPECT_EQ(test, core_join(&map), 0);
	KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, CORE_IOVA), CORE_PHYS);
	mock_script_clear(w.mock);
	KUNIT_EXPECT_EQ(test, iommu_unmap(map.domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
}

/* Two want a page each of what one UNMAP has not confirmed; a ring for one request */
static void two_want_what_is_unconfirmed(struct kunit *test)
{
	const struct mock_script hold = {
		.type = VIRTIO_IOMMU_T_UNMAP, .endpoint = MOCK_ANY, .count = 1, .how = MOCK_HOLD,
	};
	struct mock_profile profile = *mock_strict;
	struct world w;
	unsigned int i;

	profile.ring = 2;
	begin(&w, test, &profile);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	for (i = 0; i < ROUNDS; i++) {
		struct core_deed one = { .domain = w.domain, .iova = CORE_IOVA, .phys = CORE_PHYS };
		struct core_deed two = one;

		two.iova += PAGE_SIZE;
		two.phys += 16 * PAGE_SIZE;
		KUNIT_ASSERT_EQ(test, iommu_map(w.domain, CORE_IOVA, CORE_PHYS, 2 * PAGE_SIZE,
						CORE_RW, GFP_KERNEL), 0);
		refuse(&w, VIRTIO_IOMMU_T_UNMAP, 1, VIRTIO_IOMMU_S_IOERR, 0);
		iommu_unmap(w.domain, CORE_IOVA, 2 * PAGE_SIZE);
		mock_script_clear(w.mock);

		mock_script(w.mock, &hold);
		core_begin(&one);
		core_await_hits(test, w.mock, 2 * i + 2);
		core_begin(&two);
		usleep_range(5000, 10000);	/* for it to get as far as it can */
		mock_release(w.mock);
		KUNIT_EXPECT_EQ(test, core_join(&one), 0);
		KUNIT_EXPECT_EQ(test, core_join(&two), 0);
		KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, one.iova), one.phys);
		KUNIT_EXPECT_EQ(test, core_reaches(w.mock, EP, two.iova), two.phys);
		mock_script_clear(w.mock);
		KUNIT_EXPECT_EQ(test, iommu_unmap(w.domain, CORE_IOVA, 2 * PAGE_SIZE),
				2 * PAGE_SIZE);
	}
}

/* ---- What devices do with domains -------------------------------------------------------- */

/* One endpoint a domain, and bypass for who has none: the second has nowhere to be blocked. */
static void blocked_domain_has_room_for_one(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct device *one, *two;
	struct mock *mock;

	profile.quirks |= MOCK_Q_ALONE;
	profile.bypass = 1;
	mock = mock_start(test, &profile);
	one = mock_endpoint(mock, EP);
	two = mock_endpoint(mock, EP_OTHER);
	KUNIT_EXPECT_EQ(test, core_claim(test, one), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP));
	if (!core_claim(test, two)) {
		KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP_OTHER));
		core_release(test, two);
	}
	core_release(test, one);
	mock_endpoint_remove(one);
	mock_endpoint_remove(two);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP));
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP_OTHER));
}

/* It detaches first, and has no room for another domain then. */
static void no_room_after_it_was_detached(struct kunit *test)
{
	static const u32 ids[] = { EP, EP_OTHER };
	struct mock_profile profile = *mock_strict;
	struct page *page = core_page(test);
	struct iommu_domain *domain;
	struct device *dev;
	struct mock *mock;
	dma_addr_t dma;

	profile.bypass = 1;
	profile.max_domains = 1;
	mock = mock_start(test, &profile);
	dev = mock_endpoint_ids(mock, ids, ARRAY_SIZE(ids));
	domain = core_domain(test, dev);
	dma = dma_map_page(dev, page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	KUNIT_EXPECT_EQ(test, iommu_attach_group(domain, dev->iommu_group), -ENOMEM);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, EP));
	KUNIT_EXPECT_EQ(test, core_reaches(mock, EP, dma), page_to_phys(page));
	KUNIT_EXPECT_EQ(test, core_reaches(mock, EP_OTHER, dma), page_to_phys(page));
	dma_unmap_page(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* It does not let go of the endpoint where there is no translation. That is not blocked. */
static void stuck_in_bypass(struct kunit *test)
{
	struct world w;

	begin(&w, test, mock_strict);
	KUNIT_ASSERT_EQ(test, core_set_type(w.dev, "identity"), 0);
	KUNIT_ASSERT_TRUE(test, mock_is_bypass(w.mock, EP));
	keep(w.mock, EP, VIRTIO_IOMMU_S_INVAL);
	KUNIT_EXPECT_EQ(test, core_claim(test, w.dev), -ENODEV);
	/* Nor is it when asked again */
	KUNIT_EXPECT_EQ(test, core_claim(test, w.dev), -ENODEV);
	end_unjudged(&w);
}

/* No way back is left but DETACH, which would let the endpoint bypass. */
static void no_way_back_but_bypass(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct world w;

	profile.bypass = 1;
	begin(&w, test, &profile);
	KUNIT_ASSERT_EQ(test, core_attach(test, w.domain, w.dev), 0);
	refuse(&w, VIRTIO_IOMMU_T_ATTACH, 0, VIRTIO_IOMMU_S_NOMEM, 0);
	core_detach(test, w.dev);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(w.mock, EP));
	mock_script_clear(w.mock);
}

/* Blocking is refused once, the way back is not: DETACH would be the way to bypass. */
static void not_blocked_by_detaching(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct world w;

	profile.bypass = 1;
	begin(&w, test, &profile);
	refuse(&w, VIRTIO_IOMMU_T_ATTACH, 1, VIRTIO_IOMMU_S_NOMEM, 0);
	KUNIT_EXPECT_EQ(test, core_claim(test, w.dev), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(w.mock, EP));
	end_unjudged(&w);
}

/* A move is refused; putting the endpoint back may empty the domain that it is in. */
static void refused_move_loses_nothing(struct kunit *test)
{
	static const u8 statuses[] = {
		VIRTIO_IOMMU_S_NOMEM, VIRTIO_IOMMU_S_UNSUPP, VIRTIO_IOMMU_S_IOERR,
		VIRTIO_IOMMU_S_DEVERR,
	};
	unsigned int i;
	dma_addr_t dma;
	struct world w;

	begin(&w, test, test->param_value);
	dma = dma_map_page(w.dev, w.page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(w.dev, dma));
	for (i = 0; i < ARRAY_SIZE(statuses); i++) {
		refuse(&w, VIRTIO_IOMMU_T_ATTACH, statuses[i] == VIRTIO_IOMMU_S_UNSUPP ? 2 : 1,
		       statuses[i], 0);
		KUNIT_EXPECT_NE(test, iommu_attach_group(w.domain, w.dev->iommu_group), 0);
		mock_script_clear(w.mock);
		KUNIT_EXPECT_EQ_MSG(test, core_reaches(w.mock, EP, dma), page_to_phys(w.page),
				    "after status %u", statuses[i]);
	}
	dma_unmap_page(w.dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* ---- The suite ------------------------------------------------------------------------------- */

static void doubt_exit(struct kunit *test)
{
	core_set_param("virtio_iommu.timeout_ms", DEADLINE_MS);
}

MOCK_PARAM_PROFILES;

static struct kunit_case doubt_cases[] = {
	KUNIT_CASE(dies_while_detaching),
	KUNIT_CASE(dead_device_holds_nothing),
	KUNIT_CASE(keeps_endpoint_and_mappings),
	KUNIT_CASE(dead_domain_stays_dead),
	KUNIT_CASE(stuck_endpoint_keeps_its_id),
	KUNIT_CASE(mapped_while_emptied),
	KUNIT_CASE(unmap_refused_while_leaving),
	KUNIT_CASE(map_refused_while_leaving),
	KUNIT_CASE(two_want_what_is_unconfirmed),
	KUNIT_CASE(blocked_domain_has_room_for_one),
	KUNIT_CASE(no_room_after_it_was_detached),
	KUNIT_CASE(stuck_in_bypass),
	KUNIT_CASE(no_way_back_but_bypass),
	KUNIT_CASE(not_blocked_by_detaching),
	KUNIT_CASE_PROFILES(refused_move_loses_nothing),
	{}
};

static struct kunit_suite doubt_suite = {
	.name = "viommu_doubt",
	.exit = doubt_exit,
	.test_cases = doubt_cases,
};

kunit_test_suite(doubt_suite);
MODULE_DESCRIPTION("Devices that refuse at the wrong moment");
MODULE_LICENSE("GPL");
