// SPDX-License-Identifier: GPL-2.0
/*
 * R16 to R18 and R20 to R25: all requests, domain IDs, ATTACH and DETACH.
 */
#include <linux/delay.h>
#include <linux/virtio.h>

#include "conformance.h"

#define ID		0x20
#define TAIL		((u32)sizeof(struct virtio_iommu_req_tail))

/* ---- All requests ------------------------------------------------------------------- */

/* A driver that does not clear what an earlier request has left sends it along. */
void R16_head_reserved(struct kunit *test)
{
	static const u8 types[] = {
		VIRTIO_IOMMU_T_ATTACH, VIRTIO_IOMMU_T_MAP, VIRTIO_IOMMU_T_UNMAP,
	};
	struct mock *mock = conform_start(test, test->param_value);
	unsigned int i;

	conform_everything(test, mock);
	for (i = 0; i < ARRAY_SIZE(types); i++)
		KUNIT_EXPECT_GT_MSG(test, mock_count(mock, types[i]), 0, "type %u", types[i]);
	conform_judged(test, mock, 16);
}

/* A driver that takes more than a byte for the status takes every answer for a failure. */
void R17_tail_reserved(struct kunit *test)
{
	const struct mock_script reserved = { .endpoint = MOCK_ANY, .how = MOCK_RESERVED };
	struct mock *mock = conform_start(test, test->param_value);
	struct conform_domain *own;

	mock_script(mock, &reserved);
	own = conform_domain(test, conform_live(test, mock, ID));
	if (conform_moves(test))
		KUNIT_EXPECT_EQ(test, conform_attach(own), 0);
	conform_detach(own);
	KUNIT_EXPECT_EQ(test, mock_script_hits(mock), mock_received(mock));
}

/* ---- R18 ----------------------------------------------------------------------------- */

/* Says OK, but was not written as far as that, or so the used length has it */
static void script_short(struct mock *mock, u8 type, u32 length, u32 more)
{
	const struct mock_script script = {
		.type = type, .endpoint = MOCK_ANY, .how = MOCK_STATUS | MOCK_LENGTH | more,
		.status = VIRTIO_IOMMU_S_OK, .length = length,
	};

	mock_script_clear(mock);
	mock_script(mock, &script);
}

/* Is an endpoint that answers PROBE or ATTACH in this way used all the same? */
static bool is_taken_in(struct mock *mock, u32 id)
{
	struct device *dev = mock_endpoint_try(mock, &id, 1);
	bool taken = mock_translated(dev);

	mock_endpoint_remove(dev);
	mock_script_clear(mock);
	return taken;
}

static void short_attach(struct kunit *test, struct mock *mock)
{
	u32 length;

	for (length = 0; length < TAIL; length++) {
		script_short(mock, VIRTIO_IOMMU_T_ATTACH, length, MOCK_DO_NOT);
		KUNIT_EXPECT_FALSE_MSG(test, is_taken_in(mock, ID + length),
				       "ATTACH counts, answered with a length of %u", length);
	}
}

/* Whatever a driver does about a PROBE that failed, it does about these. */
static void short_probe(struct kunit *test, struct mock *mock)
{
	const u32 size = mock_profile(mock)->probe_size;
	const u32 lengths[] = { 0, 1, size - 1, size, size + TAIL - 1 };
	const struct mock_script failed = {
		.type = VIRTIO_IOMMU_T_PROBE, .endpoint = MOCK_ANY, .how = MOCK_STATUS,
		.status = VIRTIO_IOMMU_S_DEVERR,
	};
	unsigned int i;
	bool taken;

	mock_script(mock, &failed);
	taken = is_taken_in(mock, ID);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		script_short(mock, VIRTIO_IOMMU_T_PROBE, lengths[i], 0);
		KUNIT_EXPECT_EQ_MSG(test, is_taken_in(mock, ID), taken,
				    "PROBE counts, answered with a length of %u", lengths[i]);
	}
}

static void short_map(struct kunit *test, struct mock *mock, struct device *dev)
{
	const phys_addr_t phys = conform_memory(test);
	u32 length;

	for (length = 0; length < TAIL; length++) {
		script_short(mock, VIRTIO_IOMMU_T_MAP, length, MOCK_DO_NOT);
		KUNIT_EXPECT_NE_MSG(test, conform_map(dev, CONFORM_IOVA, phys, PAGE_SIZE,
						      CONFORM_RW), 0,
				    "MAP counts, answered with a length of %u", length);
		mock_script_clear(mock);
		conform_unmap(dev, CONFORM_IOVA, PAGE_SIZE);
	}
}

/*
 * Unmapping has no way to fail but to unmap less; a driver can still tell the
 * world. It may be that it said so too often of late: then once more.
 */
static bool unmap_is_missed(struct kunit *test, struct mock *mock, struct device *dev)
{
	const phys_addr_t phys = conform_memory(test);
	struct conform_log log;
	unsigned int tries;

	for (tries = 0; tries < 2; tries++) {
		if (tries)
			msleep(5500);
		KUNIT_ASSERT_EQ(test, conform_map(dev, CONFORM_IOVA, phys, PAGE_SIZE, CONFORM_RW),
				0);
		script_short(mock, VIRTIO_IOMMU_T_UNMAP, 0, 0);
		conform_log_begin(&log);
		if (conform_unmap(dev, CONFORM_IOVA, PAGE_SIZE) != PAGE_SIZE)
			return true;
		mock_script_clear(mock);
		if (conform_log_find(&log, dev_name(&mock_virtio(mock)->dev)))
			return true;
	}
	return false;
}

/* A move for which the driver has to DETACH first, if it sends DETACH at all */
static void short_detach(struct kunit *test, struct mock *mock, struct device *dev)
{
	struct conform_domain *own = conform_domain(test, dev);

	mock_mark(mock);
	script_short(mock, VIRTIO_IOMMU_T_DETACH, 0, MOCK_DO_NOT);
	conform_refuse_move(mock);
	if (!conform_attach(own) && mock_count(mock, VIRTIO_IOMMU_T_DETACH))
		KUNIT_FAIL(test, "DETACH counts, answered with a length of 0");
	mock_script_clear(mock);
	conform_detach(own);
}

/*
 * A driver that reads the status and not how much was written takes what was
 * left of an earlier answer, or of none, for OK: the endpoint is bound, the
 * page mapped, and the device knows nothing of it.
 */
void R18_used_length(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev;

	short_attach(test, mock);
	if (mock_negotiated(mock, VIRTIO_IOMMU_F_PROBE))
		short_probe(test, mock);
	dev = conform_live(test, mock, ID + 0x10);
	short_map(test, mock, dev);
	KUNIT_EXPECT_TRUE_MSG(test, unmap_is_missed(test, mock, dev),
			      "UNMAP counts, answered with a length of 0");
	short_detach(test, mock, dev);
	KUNIT_EXPECT_GT(test, mock_script_hits(mock), 2 * TAIL);
}

/* ---- Domain IDs ------------------------------------------------------------------------ */

#define MANY	8

/* As many endpoints as are taken in; and each tries domains of its own. */
static unsigned int use_up_domains(struct kunit *test, struct mock *mock)
{
	struct conform_domain *own[MANY] = {};
	unsigned int i, used = 0;
	struct device *dev;
	u32 id;

	for (i = 0; i < MANY; i++) {
		id = ID + i;
		dev = mock_endpoint_try(mock, &id, 1);
		if (!mock_translated(dev))
			continue;
		used++;
		own[i] = conform_domain_try(test, dev);
		if (own[i] && !conform_attach(own[i]))
			used++;
	}
	for (i = 0; i < MANY; i++) {
		if (own[i])
			conform_domain_free(test, own[i]);
	}
	return used;
}

/*
 * A driver that counts from 0, or on past the end when all are in use, or
 * loses the upper half of a number, names an ID that is out of range.
 */
void R20_domain_range(struct kunit *test)
{
	static const u32 ranges[][2] = {
		{ 5, 8 }, { 0, 1 }, { 7, 7 }, { 0, 0 }, { 0x7ffffffe, 0x80000001 },
		{ 0x80000000, 0x80000003 }, { U32_MAX - 2, U32_MAX }, { U32_MAX, U32_MAX },
		{ 1000, U32_MAX }, { 0, U32_MAX },
	};
	struct mock_profile *profile = conform_profile(test);
	struct mock *mock;
	unsigned int i, used;

	profile->features |= BIT_ULL(VIRTIO_IOMMU_F_DOMAIN_RANGE);
	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		profile->domain_first = ranges[i][0];
		profile->domain_last = ranges[i][1];
		mock = conform_start_unchecked(test, profile);
		used = mock_bound(mock) ? use_up_domains(test, mock) : 0;
		mock_unregister(mock);
		/* That a driver cannot use an odd range is another matter */
		if (!used && i)
			kunit_info(test, "the driver uses no domain of %u - %u\n",
				   ranges[i][0], ranges[i][1]);
		else
			KUNIT_EXPECT_GT(test, mock_exercised(mock, 20), 0);
		conform_verdict(test, mock, 20);
	}
}

/* ---- ATTACH and DETACH -------------------------------------------------------------------- */

/* As R16. */
void R21_attach_reserved(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);

	conform_everything(test, mock);
	KUNIT_EXPECT_GE(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), 3);
	conform_judged(test, mock, 21);
}

static const u32 first_ids[] = { 0x21, 0x2f }, second_ids[] = { 0x2f, 0x22, 0x23 };

static void expect_one_domain(struct kunit *test, struct mock *mock)
{
	u32 first = 0, domain = 0;
	unsigned int i;

	KUNIT_EXPECT_TRUE(test, mock_attached(mock, first_ids[0], &first));
	for (i = 0; i < ARRAY_SIZE(first_ids); i++) {
		KUNIT_EXPECT_TRUE(test, mock_attached(mock, first_ids[i], &domain));
		KUNIT_EXPECT_EQ_MSG(test, domain, first, "endpoint 0x%x", first_ids[i]);
	}
	for (i = 0; i < ARRAY_SIZE(second_ids); i++) {
		if (mock_attached(mock, second_ids[i], &domain))
			KUNIT_EXPECT_EQ_MSG(test, domain, first, "endpoint 0x%x", second_ids[i]);
	}
}

static void move_group(struct kunit *test, struct mock *mock, struct device *dev)
{
	struct iommu_group *group = iommu_group_get(dev);
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(domain));
	KUNIT_EXPECT_EQ(test, iommu_attach_group(domain, group), 0);
	expect_one_domain(test, mock);
	iommu_detach_group(domain, group);
	expect_one_domain(test, mock);
	iommu_domain_free(domain);
	iommu_group_put(group);
}

/*
 * Two devices, some of whose DMA goes out under the same ID. A driver that
 * gives each a domain of its own moves that ID from under the first, whose
 * DMA then goes two ways. (What buses alias is the IOMMU core's to find.)
 */
void R22_share_domain(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *first = mock_endpoint_ids(mock, first_ids, ARRAY_SIZE(first_ids));
	struct device *second = mock_endpoint_try(mock, second_ids, ARRAY_SIZE(second_ids));

	expect_one_domain(test, mock);
	if (conform_moves(test) && (!mock_translated(second) ||
				    first->iommu_group == second->iommu_group))
		move_group(test, mock, first);
}

/* A device whose endpoints move: one that never lets them is never asked for identity later. */
static struct mock_profile *moving_profile(struct kunit *test, u64 with, u64 without)
{
	struct mock_profile *profile = conform_profile(test);

	profile->features = (profile->features | with) & ~without;
	profile->quirks &= ~MOCK_Q_STAYS;
	return profile;
}

static void change_type(struct kunit *test, struct device *dev, const char *type)
{
	KUNIT_EXPECT_EQ_MSG(test, conform_set_type(dev, type), 0, "to %s", type);
}

/*
 * Two of two IDs each, to identity and back in turns, so that IDs of domains
 * are used again. A driver that mixes the kinds up is seen doing it.
 */
static void identity_in_turns(struct kunit *test, struct mock *mock)
{
	static const u32 ids[][2] = { { 0x41, 0x42 }, { 0x43, 0x44 } };
	struct device *dev[] = {
		mock_endpoint_ids(mock, ids[0], 2), mock_endpoint_ids(mock, ids[1], 2),
	};
	unsigned int round;

	for (round = 0; round < 2; round++) {
		change_type(test, dev[0], "identity");
		change_type(test, dev[1], "identity");
		change_type(test, dev[0], "DMA-FQ");
		change_type(test, dev[0], "identity");
		change_type(test, dev[1], "DMA-FQ");
		change_type(test, dev[0], "DMA-FQ");
	}
}

/* See identity_in_turns(). */
void R23_bypass_flag(struct kunit *test)
{
	struct mock *mock = conform_start(test, moving_profile(test, 0, 0));

	mock_endpoint_ids(mock, first_ids, ARRAY_SIZE(first_ids));
	identity_in_turns(test, mock);
	conform_judged(test, mock, 23);
}

static unsigned int count_flagged(struct mock *mock)
{
	struct mock_request request;
	unsigned int i, nr = 0;

	for (i = mock_marked(mock); mock_request(mock, i, &request); i++)
		nr += request.type == VIRTIO_IOMMU_T_ATTACH && request.flags;
	return nr;
}

/* A driver that uses the flag for identity, whatever was negotiated, uses it here. */
void R24_bypass_feature(struct kunit *test)
{
	const u64 feature = BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG);
	struct mock *mock = conform_start(test, moving_profile(test, 0, feature));

	identity_in_turns(test, mock);
	KUNIT_EXPECT_GT(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), 4);
	KUNIT_EXPECT_EQ(test, count_flagged(mock), 0);
	conform_verdict(test, mock, 24);
	mock_unregister(mock);

	if (mock_profile(mock)->config_size <= offsetof(struct virtio_iommu_config, bypass))
		return;
	mock = conform_start(test, moving_profile(test, feature, 0));
	identity_in_turns(test, mock);
	conform_verdict(test, mock, 24);
}

/* As R16; the driver has to DETACH where the device does not let an endpoint move. */
void R25_detach_reserved(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);

	conform_everything(test, mock);
	mock_unregister(mock);
	if (!mock_count(mock, VIRTIO_IOMMU_T_DETACH))
		kunit_skip(test, "the driver sends no DETACH, if it is refused a move");
	conform_judged(test, mock, 25);
}
