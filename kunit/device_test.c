// SPDX-License-Identifier: GPL-2.0
/*
 * Devices as they may be: features, rings, the parameter "bypass"; and devices
 * that have to be refused, without harm to others.
 */
#include "core.h"

#define ID	0x91

/* ---- Devices there are ----------------------------------------------------------- */

static void what_is_offered_is_accepted(struct kunit *test)
{
	static const unsigned int wanted[] = {
		VIRTIO_IOMMU_F_INPUT_RANGE, VIRTIO_IOMMU_F_DOMAIN_RANGE,
		VIRTIO_IOMMU_F_MAP_UNMAP, VIRTIO_IOMMU_F_PROBE, VIRTIO_IOMMU_F_MMIO,
		VIRTIO_IOMMU_F_BYPASS_CONFIG, VIRTIO_F_VERSION_1, VIRTIO_F_RING_PACKED,
		VIRTIO_RING_F_EVENT_IDX,
	};
	const struct mock_profile *profile = test->param_value;
	struct mock *mock = mock_start(test, profile);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		KUNIT_EXPECT_EQ_MSG(test, mock_negotiated(mock, wanted[i]),
				    !!(profile->features & BIT_ULL(wanted[i])),
				    "feature %u", wanted[i]);
	KUNIT_EXPECT_FALSE(test, mock_negotiated(mock, VIRTIO_IOMMU_F_BYPASS));
	KUNIT_EXPECT_FALSE(test, mock_negotiated(mock, VIRTIO_RING_F_INDIRECT_DESC));
	KUNIT_EXPECT_GT(test, mock_event_buffers(mock), 0);
}

/* ---- Devices to be refused ------------------------------------------------------- */

static void without_map_unmap(struct mock_profile *profile)
{
	profile->features &= ~BIT_ULL(VIRTIO_IOMMU_F_MAP_UNMAP);
}

static void without_version_1(struct mock_profile *profile)
{
	profile->features &= ~BIT_ULL(VIRTIO_F_VERSION_1);
}

static void without_page_sizes(struct mock_profile *profile)
{
	profile->page_size_mask = 0;
}

static void with_large_pages_only(struct mock_profile *profile)
{
	profile->page_size_mask = 2 * PAGE_SIZE | SZ_2M;
}

static void with_a_backward_input_range(struct mock_profile *profile)
{
	profile->input_start = SZ_1G;
	profile->input_last = SZ_1M;
}

static void with_less_than_a_page(struct mock_profile *profile)
{
	profile->input_start = SZ_1G + 1;
	profile->input_last = SZ_1G + PAGE_SIZE - 1;
}

static void with_the_last_page_only(struct mock_profile *profile)
{
	profile->input_start = -(u64)PAGE_SIZE;
	profile->input_last = U64_MAX;
}

static void with_a_backward_domain_range(struct mock_profile *profile)
{
	profile->domain_first = 9;
	profile->domain_last = 8;
}

static void with_too_large_a_probe(struct mock_profile *profile)
{
	profile->probe_size = U32_MAX;
}

static void with_half_a_config_space(struct mock_profile *profile)
{
	profile->config_size = offsetof(struct virtio_iommu_config, probe_size);
}

static void without_the_bypass_byte(struct mock_profile *profile)
{
	profile->config_size = offsetof(struct virtio_iommu_config, bypass);
}

static void with_one_descriptor(struct mock_profile *profile)
{
	profile->ring = 1;
}

struct refused {
	const char *name;
	void (*spoil)(struct mock_profile *profile);
};

#define REFUSED(f)	{ #f, f }

static const struct refused refused[] = {
	REFUSED(without_map_unmap), REFUSED(without_version_1), REFUSED(without_page_sizes),
	REFUSED(with_large_pages_only), REFUSED(with_a_backward_input_range),
	REFUSED(with_less_than_a_page), REFUSED(with_the_last_page_only),
	REFUSED(with_a_backward_domain_range), REFUSED(with_too_large_a_probe),
	REFUSED(with_half_a_config_space), REFUSED(without_the_bypass_byte),
	REFUSED(with_one_descriptor),
};

KUNIT_ARRAY_PARAM_DESC(refused, refused, name);

static void a_device_is_refused_and_others_are_not(struct kunit *test)
{
	const struct refused *how = test->param_value;
	struct mock *good = mock_start(test, mock_strict), *bad;
	struct device *dev = mock_endpoint(good, ID);
	struct mock_profile profile = *mock_strict;
	const u32 id = ID;

	how->spoil(&profile);
	bad = mock_create(test, &profile);
	mock_register(bad);
	KUNIT_EXPECT_FALSE(test, mock_bound(bad));
	KUNIT_EXPECT_EQ(test, mock_count(bad, 0), 0);
	KUNIT_EXPECT_FALSE(test, mock_translated(mock_endpoint_try(bad, &id, 1)));
	KUNIT_EXPECT_NE(test, mock_bind(bad), 0);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock_start(test, mock_strict), ID)), 0);
}

/* ---- Rings ----------------------------------------------------------------------- */

static const unsigned int ring_bits[] = {
	VIRTIO_F_RING_PACKED, VIRTIO_RING_F_EVENT_IDX, VIRTIO_RING_F_INDIRECT_DESC,
	VIRTIO_F_IN_ORDER,
};

static const unsigned int rings[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };

static void ring_describe(const unsigned int *ring, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "%s%s%s%s", *ring & 1 ? "packed" : "split",
		 *ring & 2 ? ", EVENT_IDX" : "", *ring & 4 ? ", INDIRECT" : "",
		 *ring & 8 ? ", IN_ORDER" : "");
}

KUNIT_ARRAY_PARAM(ring, rings, ring_describe);

/* Small rings are soon full */
#define RING	16
#define LOAD	24

static struct mock_profile profile_with_ring(unsigned int ring)
{
	struct mock_profile profile = *mock_strict;
	unsigned int i;

	profile.ring = RING;
	for (i = 0; i < ARRAY_SIZE(ring_bits); i++) {
		profile.features &= ~BIT_ULL(ring_bits[i]);
		if (ring & BIT(i))
			profile.features |= BIT_ULL(ring_bits[i]);
	}
	return profile;
}

/* Requests one by one, and more of them than the ring has room for */
static void check_traffic(struct kunit *test, struct mock *mock, struct device *dev)
{
	struct iommu_domain *domain = core_domain(test, dev);
	unsigned int i;

	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, LOAD), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, ID, 0, LOAD), LOAD);
	core_detach(test, dev);
	core_free(test, domain);
}

static void every_kind_of_ring(struct kunit *test)
{
	const unsigned int *ring = test->param_value;
	const struct mock_profile profile = profile_with_ring(*ring);
	struct mock *mock = mock_start(test, &profile);
	struct device *dev = mock_endpoint(mock, ID);

	check_traffic(test, mock, dev);
	mock_answer_later(mock, 100, !(*ring & 8), false);
	check_traffic(test, mock, dev);
	mock_answer_later(mock, 0, false, true);
	check_traffic(test, mock, dev);
}

static void rings_of_any_length(struct kunit *test)
{
	static const unsigned int sizes[] = { 2, 4, 8, 1024 };
	const unsigned int *packed = test->param_value;
	struct mock_profile profile = profile_with_ring(*packed);
	struct device *dev;
	struct mock *mock;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		profile.ring = sizes[i];
		mock = mock_start(test, &profile);
		dev = mock_endpoint(mock, ID);
		check_traffic(test, mock, dev);
		mock_answer_later(mock, 50, true, false);
		check_traffic(test, mock, dev);
		mock_unregister(mock);
	}
}

static const unsigned int layouts[] = { 0, 1 };

KUNIT_ARRAY_PARAM(layout, layouts, ring_describe);

/* ---- The parameter "bypass" ------------------------------------------------------ */

struct bypass {
	const char *name;
	const char *value;
	u8 before;
	u8 after;
};

static const struct bypass bypasses[] = {
	{ "keep 0", "keep", 0, 0 }, { "keep 1", "keep", 1, 1 },
	{ "0 with 0", "0", 0, 0 }, { "0 with 1", "0", 1, 0 },
	{ "1 with 0", "1", 0, 1 }, { "1 with 1", "1", 1, 1 },
	{ "nonsense with 0", "maybe", 0, 0 }, { "nonsense with 1", "maybe", 1, 1 },
};

KUNIT_ARRAY_PARAM_DESC(bypass, bypasses, name);

static void reset_bypass(void *unused)
{
	core_set_param("virtio_iommu.bypass", "keep");
}

static void set_bypass(struct kunit *test, const char *value)
{
	KUNIT_ASSERT_EQ(test, core_set_param("virtio_iommu.bypass", value), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, reset_bypass, NULL), 0);
}

static void bypass_is_for_who_is_not_attached(struct kunit *test)
{
	const struct bypass *bypass = test->param_value;
	struct mock_profile profile = *mock_strict;
	struct device *dev;
	struct mock *mock;

	set_bypass(test, bypass->value);
	profile.bypass = bypass->before;
	mock = mock_start(test, &profile);
	KUNIT_EXPECT_EQ(test, mock_config_bypass(mock), bypass->after);
	KUNIT_EXPECT_EQ(test, mock_is_bypass(mock, 0x999), bypass->after);

	/* Neither those that are, nor those that were */
	dev = mock_endpoint(mock, ID);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	mock_endpoint_remove(dev);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
}

static void bypass_where_there_is_no_such_thing(struct kunit *test)
{
	struct mock *mock;

	set_bypass(test, "1");
	mock = mock_start_features(test, mock_strict, 0, BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG));
	KUNIT_EXPECT_EQ(test, mock_config_bypass(mock), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, ID)), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case device_cases[] = {
	KUNIT_CASE_PROFILES(what_is_offered_is_accepted),
	KUNIT_CASE_PARAM(a_device_is_refused_and_others_are_not, refused_gen_params),
	KUNIT_CASE_PARAM(every_kind_of_ring, ring_gen_params),
	KUNIT_CASE_PARAM(rings_of_any_length, layout_gen_params),
	KUNIT_CASE_PARAM(bypass_is_for_who_is_not_attached, bypass_gen_params),
	KUNIT_CASE(bypass_where_there_is_no_such_thing),
	{ }
};

static struct kunit_suite device_suite = {
	.name = "viommu_life_device",
	.test_cases = device_cases,
};

kunit_test_suite(device_suite);
