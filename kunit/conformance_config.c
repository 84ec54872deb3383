// SPDX-License-Identifier: GPL-2.0
/*
 * R1 to R5 and R42: features, config space, and the rings below.
 */
#include <linux/virtio_ring.h>

#include "conformance.h"

#define OFFERS(name)	BIT_ULL(VIRTIO_IOMMU_F_ ## name)
#define MINIMAL		(OFFERS(MAP_UNMAP) | BIT_ULL(VIRTIO_F_VERSION_1))
/* Bits of the device's own that no specification has given a meaning */
#define UNKNOWN_BITS	GENMASK_ULL(23, 9)

static const unsigned int wanted[] = {
	VIRTIO_IOMMU_F_INPUT_RANGE, VIRTIO_IOMMU_F_DOMAIN_RANGE, VIRTIO_IOMMU_F_PROBE,
};

static struct mock_profile *profile_with(struct kunit *test, u64 features)
{
	struct mock_profile *profile = conform_profile(test);

	profile->features = features;
	if (!profile->probe_size)
		profile->probe_size = SZ_512;
	return profile;
}

static u64 features_of(struct kunit *test)
{
	return ((const struct mock_profile *)test->param_value)->features;
}

/* A driver that leaves one of the three alone is found where only that is offered. */
void R01_features(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++)
		KUNIT_EXPECT_EQ(test, mock_negotiated(mock, wanted[i]),
				!!(features_of(test) & BIT_ULL(wanted[i])));
	conform_judged(test, mock, 1);

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		mock = conform_start(test, profile_with(test, MINIMAL | BIT_ULL(wanted[i])));
		KUNIT_EXPECT_TRUE_MSG(test, mock_negotiated(mock, wanted[i]), "feature %u",
				      wanted[i]);
		conform_live(test, mock, 1);
		conform_judged(test, mock, 1);
		mock_unregister(mock);
	}
}

/*
 * A driver that starts a device without MAP and UNMAP is found bound, or by
 * what it asks for; one that cannot send them, by a good device.
 */
void R02_map_unmap(struct kunit *test)
{
	struct mock_profile *profile = profile_with(test, features_of(test) & ~OFFERS(MAP_UNMAP));
	struct mock *mock = conform_start_unchecked(test, profile);

	KUNIT_EXPECT_FALSE(test, mock_bound(mock));
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
	conform_verdict(test, mock, 2);
	mock_unregister(mock);

	mock = conform_start(test, test->param_value);
	KUNIT_EXPECT_TRUE(test, mock_negotiated(mock, VIRTIO_IOMMU_F_MAP_UNMAP));
	conform_live(test, mock, 1);
	KUNIT_EXPECT_GT(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
	KUNIT_EXPECT_GT(test, mock_count(mock, VIRTIO_IOMMU_T_UNMAP), 0);
	conform_judged(test, mock, 2);
}

/* All that may tempt a driver to write: devices coming and going, a change, a new start. */
static void live_through_changes(struct kunit *test, struct mock *mock)
{
	mock_endpoint_remove(conform_live(test, mock, 1));
	mock_config_changed(mock);
	mock_unbind(mock);
	KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	conform_live(test, mock, 2);
}

/*
 * A driver that writes another field, or bypass of a device that has none, is
 * seen doing it. One that never writes cannot be told from one that would: no
 * public interface makes a driver write to config space.
 */
void R03_config_writes(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);

	live_through_changes(test, mock);
	conform_verdict(test, mock, 3);
	mock_unregister(mock);

	mock = conform_start(test, profile_with(test, features_of(test) & ~OFFERS(BYPASS_CONFIG)));
	live_through_changes(test, mock);
	KUNIT_EXPECT_EQ(test, mock_config_bypass(mock),
			((const struct mock_profile *)test->param_value)->bypass);
	conform_verdict(test, mock, 3);
}

/* What became of a life with a device whose bypass field is @bypass */
struct bypass_life {
	struct mock *mock;
	bool translated;
	int claimed;
};

/* With few domain IDs, what bypasses when it is not attached matters most. */
static struct bypass_life live_with_bypass(struct kunit *test, u8 bypass, u32 domains)
{
	struct mock_profile *profile = profile_with(test, features_of(test) |
						    OFFERS(DOMAIN_RANGE));
	struct bypass_life life = {};
	struct device *dev;
	const u32 id = 1;

	profile->bypass = bypass;
	profile->domain_first = 7;
	profile->domain_last = 7 + domains - 1;
	life.mock = conform_start(test, profile);
	dev = mock_endpoint_try(life.mock, &id, 1);
	life.translated = mock_translated(dev);
	if (life.translated) {
		life.claimed = iommu_device_claim_dma_owner(dev, life.mock);
		if (!life.claimed)
			iommu_device_release_dma_owner(dev);
	}
	mock_endpoint_remove(dev);
	mock_unregister(life.mock);
	return life;
}

static bool same_request(const struct mock_request *a, const struct mock_request *b)
{
	return a->type == b->type && a->status == b->status && a->domain == b->domain &&
	       a->endpoint == b->endpoint && a->flags == b->flags &&
	       a->virt_start == b->virt_start && a->virt_end == b->virt_end;
}

static void expect_same_life(struct kunit *test, const struct bypass_life *a,
			     const struct bypass_life *b)
{
	struct mock_request from_a, from_b;
	unsigned int i;

	KUNIT_EXPECT_EQ(test, a->translated, b->translated);
	KUNIT_EXPECT_EQ(test, a->claimed, b->claimed);
	KUNIT_ASSERT_EQ(test, mock_received(a->mock), mock_received(b->mock));
	for (i = 0; i < mock_received(a->mock); i++) {
		KUNIT_ASSERT_TRUE(test, mock_request(a->mock, i, &from_a));
		KUNIT_ASSERT_TRUE(test, mock_request(b->mock, i, &from_b));
		KUNIT_EXPECT_TRUE_MSG(test, same_request(&from_a, &from_b), "request %u", i);
	}
	conform_verdict(test, a->mock, 4);
	conform_verdict(test, b->mock, 4);
}

/*
 * A driver that takes bits 1 to 7 for something treats 0xfe other than 0, or
 * 0xff other than 1, where it matters what unattached endpoints do. One that
 * writes another value than 0 or 1 is seen doing it; see R3.
 */
void R04_bypass_bits(struct kunit *test)
{
	u32 domains;

	conform_need(test, VIRTIO_IOMMU_F_BYPASS_CONFIG, "BYPASS_CONFIG");
	for (domains = 1; domains <= 3; domains += 2) {
		struct bypass_life off = live_with_bypass(test, 0, domains);
		struct bypass_life off_and_more = live_with_bypass(test, 0xfe, domains);
		struct bypass_life on = live_with_bypass(test, 1, domains);
		struct bypass_life on_and_more = live_with_bypass(test, 0xff, domains);

		expect_same_life(test, &off, &off_and_more);
		expect_same_life(test, &on, &on_and_more);
	}
}

static void expect_handshake(struct kunit *test, u64 features)
{
	struct mock *mock = conform_start(test, profile_with(test, features));
	unsigned int bit;

	for (bit = 0; bit < 64; bit++) {
		if (!(features & BIT_ULL(bit)))
			KUNIT_EXPECT_FALSE_MSG(test, mock_negotiated(mock, bit), "feature %u", bit);
	}
	live_through_changes(test, mock);
	conform_judged(test, mock, 5);
	mock_unregister(mock);
}

/*
 * A driver that takes for granted what others offer accepts it of a device
 * that does not; the mock watches the order of status bits, twice a device.
 */
void R05_handshake(struct kunit *test)
{
	const u64 features = features_of(test);

	expect_handshake(test, MINIMAL);
	expect_handshake(test, features);
	expect_handshake(test, features | UNKNOWN_BITS);
	expect_handshake(test, (features & ~OFFERS(BYPASS_CONFIG)) | OFFERS(BYPASS));
}

/* Ring features that there are: each combination of them, by number */
static u64 ring_features(unsigned int number)
{
	static const unsigned int feature[] = {
		VIRTIO_RING_F_INDIRECT_DESC, VIRTIO_RING_F_EVENT_IDX, VIRTIO_F_RING_PACKED,
		VIRTIO_F_IN_ORDER,
	};
	u64 features = number ? BIT_ULL(VIRTIO_F_RING_RESET) : 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(feature); i++) {
		if (number & BIT(i))
			features |= BIT_ULL(feature[i]);
	}
	return features;
}

#define RING_COMBINATIONS	16

static struct mock *live_with_rings(struct kunit *test, unsigned int number)
{
	const u64 features = features_of(test) & ~ring_features(RING_COMBINATIONS - 1);
	struct mock *mock = conform_start(test, profile_with(test,
							     features | ring_features(number)));

	conform_live(test, mock, 1);
	mock_unregister(mock);
	return mock;
}

/*
 * A driver that takes a legacy device is found bound. Under no kind of ring
 * may more go wrong than without any, and what maps there has to map here.
 */
void R42_rings(struct kunit *test)
{
	struct mock_profile *legacy =
		profile_with(test, features_of(test) & ~BIT_ULL(VIRTIO_F_VERSION_1));
	struct mock *mock = conform_start_unchecked(test, legacy), *plain;
	unsigned int i, r;

	KUNIT_EXPECT_FALSE_MSG(test, mock_bound(mock), "takes a device without VERSION_1");
	conform_verdict(test, mock, 42);
	mock_unregister(mock);

	plain = live_with_rings(test, 0);
	for (i = 1; i < RING_COMBINATIONS; i++) {
		mock = live_with_rings(test, i);
		conform_judged(test, mock, 42);
		for (r = 1; r < MOCK_NR_REQUIREMENTS; r++)
			KUNIT_EXPECT_LE_MSG(test, mock_violations(mock, r),
					    mock_violations(plain, r),
					    "R%u, rings of kind 0x%x", r, i);
	}
}
