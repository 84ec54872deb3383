// SPDX-License-Identifier: GPL-2.0
/*
 * The mock as a judge: who breaks a rule is found out, by that rule and by no
 * other, and who does not is not. Nothing of any driver is in the way: there are
 * things that are right, and the same with one thing wrong about each.
 *
 * The device alone cannot judge what a driver makes of an answer or of a fault,
 * or what it was asked for itself. These have a case of viommu_conformance
 * instead, which looks at the IOMMU core or at the log:
 *
 * - R9 to R14: which properties of a PROBE count;
 * - R17, R18: which answers count;
 * - R22: which endpoints share a domain;
 * - R29, R30: which flags a mapping should have;
 * - R37 to R40: which events count, and as what.
 */
#include <linux/bitmap.h>
#include <linux/bits.h>
#include <linux/sizes.h>

#include "mock_raw.h"

static const u8 judged_elsewhere[] = {
	9, 10, 11, 12, 13, 14, 17, 18, 22, 29, 30, 37, 38, 39, 40,
};

#define F(name)		BIT_ULL(VIRTIO_IOMMU_F_ ## name)
#define VERSION_1	BIT_ULL(VIRTIO_F_VERSION_1)
#define BYPASS_AT	offsetof(struct virtio_iommu_config, bypass)

#define ATTACH		VIRTIO_IOMMU_T_ATTACH
#define DETACH		VIRTIO_IOMMU_T_DETACH
#define MAP		VIRTIO_IOMMU_T_MAP
#define UNMAP		VIRTIO_IOMMU_T_UNMAP
#define PROBE		VIRTIO_IOMMU_T_PROBE

/* ---- What was counted --------------------------------------------------------- */

struct counts {
	unsigned int violations[RAW_NR_RULES];
};

static void expect_innocent(struct raw *raw)
{
	unsigned int i;

	for (i = 0; i < RAW_NR_RULES; i++)
		KUNIT_EXPECT_EQ_MSG(raw->test, mock_violations(raw->mock, i), 0, "R%u", i);
}

static struct counts counts_now(struct raw *raw)
{
	struct counts counts;
	unsigned int i;

	for (i = 0; i < RAW_NR_RULES; i++)
		counts.violations[i] = mock_violations(raw->mock, i);
	return counts;
}

/* Since then, these rules were broken, and no others. */
static void expect_guilty(struct raw *raw, const struct counts *before, unsigned int rule,
			  unsigned int also)
{
	unsigned int i, more;

	for (i = 0; i < RAW_NR_RULES; i++) {
		more = mock_violations(raw->mock, i) - before->violations[i];
		KUNIT_EXPECT_EQ_MSG(raw->test, !!more, i == rule || (also && i == also),
				    "R%u, %u times", i, more);
	}
}

/* ---- Registers: R1, R2, R5, R42 ------------------------------------------------ */

/**
 * struct start - how a driver starts a device
 * @what: what is wrong about it
 * @rule: by which
 * @not_offered: features that the device lacks
 * @declined: those that it has, and the driver does not accept
 * @status: what is written to the status instead of the usual
 */
struct start {
	const char *what;
	u8 rule;
	u64 not_offered;
	u64 declined;
	u8 status[4];
};

static const u8 usual_status[] = {
	RAW_ACKNOWLEDGE, RAW_DRIVER, RAW_FEATURES_OK, RAW_DRIVER_OK,
};

static const struct start right_start = {};

static const struct start wrong_starts[] = {
	{ "INPUT_RANGE is declined", 1, .declined = F(INPUT_RANGE) },
	{ "DOMAIN_RANGE is declined", 1, .declined = F(DOMAIN_RANGE) },
	{ "PROBE is declined", 1, .declined = F(PROBE) },
	{ "there is no MAP_UNMAP", 2, F(MAP_UNMAP), F(MAP_UNMAP) },
	{ "MMIO was not offered", 5, F(MMIO) },
	{ "a bit nobody knows", 5, VERSION_1 << 7 },
	{ "DRIVER is left out", 5, .status = { 1, 9, 0xb, 0xf } },
	{ "FEATURES_OK is left out", 5, .status = { 1, 3, 7 } },
	{ "ACKNOWLEDGE is left out", 5, .status = { 2, 3, 0xb, 0xf } },
	{ "a status bit is taken back", 5, .status = { 1, 3, 1, 3 } },
	{ "there is no VERSION_1", 42, VERSION_1, VERSION_1 },
};

static void describe_start(const struct start *start, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "R%u: %s", start->rule, start->what);
}

KUNIT_ARRAY_PARAM(start, wrong_starts, describe_start);

static struct raw *begin(struct kunit *test, const struct start *start)
{
	const u8 *status = start->status[0] ? start->status : usual_status;
	struct mock_profile profile = *mock_strict;
	struct raw *raw;
	unsigned int i;

	profile.features &= ~start->not_offered;
	raw = raw_create(test, &profile);
	raw->mock->vdev.features = (mock_strict->features | start->not_offered) & ~start->declined;
	for (i = 0; i < ARRAY_SIZE(usual_status) && status[i]; i++)
		raw_status(raw, status[i]);
	return raw;
}

static void a_wrong_start_is_noticed(struct kunit *test)
{
	const struct start *start = test->param_value;
	const struct counts none = {};

	expect_innocent(begin(test, &right_start));
	expect_guilty(begin(test, start), &none, start->rule, 0);
}

/* Who gives up says so, at whatever point: there is nothing wrong with that. */
static void giving_up_is_no_crime(struct kunit *test)
{
	const u8 failed = VIRTIO_CONFIG_S_FAILED;
	const struct start starts[] = {
		{ .status = { 1, 1 | failed } },
		{ .not_offered = F(MAP_UNMAP), .declined = F(MAP_UNMAP),
		  .status = { 1, 3, 0xb, 0xb | failed } },
		{ .not_offered = VERSION_1, .declined = VERSION_1, .status = { 1, 3, 3 | failed } },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(starts); i++)
		expect_innocent(begin(test, &starts[i]));
}

/* ---- Config space: R3, R4 -------------------------------------------------------- */

/**
 * struct config_write - what is written to config space
 * @what: what is wrong about it
 * @rule: by which
 * @at: where
 * @len: how many bytes
 * @value: the first of them
 * @start: of a device that was started like this
 */
struct config_write {
	const char *what;
	u8 rule;
	u8 at;
	u8 len;
	u8 value;
	struct start start;
};

static const struct config_write wrong_writes[] = {
	{ "page_size_mask", 3, 0, 1 },
	{ "probe_size", 3, offsetof(struct virtio_iommu_config, probe_size), 4 },
	{ "bypass and beyond", 3, BYPASS_AT, 2 },
	{ "behind bypass", 3, BYPASS_AT + 1, 1 },
	{ "before FEATURES_OK", 3, BYPASS_AT, 1, .start.status = { 1, 3 } },
	{ "BYPASS_CONFIG was declined", 3, BYPASS_AT, 1, .start.declined = F(BYPASS_CONFIG) },
	{ "bypass is 2", 4, BYPASS_AT, 1, 2 },
	{ "bypass is 255", 4, BYPASS_AT, 1, 255 },
};

static void describe_write(const struct config_write *write, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "R%u: %s", write->rule, write->what);
}

KUNIT_ARRAY_PARAM(write, wrong_writes, describe_write);

static void write_config(struct raw *raw, unsigned int at, unsigned int len, u8 value)
{
	const u8 bytes[4] = { value };

	raw->mock->vdev.config->set(&raw->mock->vdev, at, bytes, len);
}

static void a_wrong_write_is_noticed(struct kunit *test)
{
	const struct config_write *write = test->param_value;
	struct raw *raw = begin(test, &right_start);
	struct counts before;

	write_config(raw, BYPASS_AT, 1, 1);
	write_config(raw, BYPASS_AT, 1, 0);
	expect_innocent(raw);
	raw = begin(test, &write->start);
	before = counts_now(raw);
	write_config(raw, write->at, write->len, write->value);
	expect_guilty(raw, &before, write->rule, 0);
}

static void reading_beyond_the_end_is_noticed(struct kunit *test)
{
	struct raw *raw = begin(test, &right_start);
	struct counts before = counts_now(raw);
	u8 bytes[8] = {};

	raw->mock->vdev.config->get(&raw->mock->vdev, 32, bytes, 8);
	expect_innocent(raw);
	raw->mock->vdev.config->get(&raw->mock->vdev, 33, bytes, 8);
	expect_guilty(raw, &before, MOCK_OTHER_RULES, 0);
	KUNIT_EXPECT_EQ(test, get_unaligned_le64(bytes), U64_MAX);
}

/* ---- Requests --------------------------------------------------------------------- */

/* Domains and endpoints there are, once a device is set up; and some that are not */
enum { PAGING = 10, BYPASSING, NOBODYS, MISSING };
enum { ATTACHED = 0x21, BYPASSED, PROBED, UNPROBED, NEW };

/* Those before it are what there is; all mappings have four pages. */
static const struct raw_request setup[] = {
	{ PROBE, 72, { ATTACHED } },
	{ PROBE, 72, { BYPASSED } },
	{ PROBE, 72, { PROBED } },
	{ ATTACH, 20, { PAGING, ATTACHED } },
	{ ATTACH, 20, { BYPASSING, BYPASSED, VIRTIO_IOMMU_ATTACH_F_BYPASS } },
	{ MAP, 36, { PAGING, 0x100000, 0, 0x103fff, 0, 0x40000, 0, VIRTIO_IOMMU_MAP_F_READ } },
	{ MAP, 36, { PAGING, 0x60000000, 0, 0x60003fff, 0, 0x40000, 0, VIRTIO_IOMMU_MAP_F_READ } },
};

/* What may be asked for next */
enum good { GOOD_ATTACH, GOOD_JOIN, GOOD_BYPASS, GOOD_DETACH, GOOD_MAP, GOOD_MMIO, GOOD_UNMAP,
	    GOOD_PROBE };

static const struct raw_request good[] = {
	[GOOD_ATTACH] = { ATTACH, 20, { NOBODYS, PROBED } },
	[GOOD_JOIN] = { ATTACH, 20, { PAGING, PROBED } },
	[GOOD_BYPASS] = { ATTACH, 20, { BYPASSING, PROBED, VIRTIO_IOMMU_ATTACH_F_BYPASS } },
	[GOOD_DETACH] = { DETACH, 20, { PAGING, ATTACHED } },
	[GOOD_MAP] = { MAP, 36, { PAGING, 0x200000, 0, 0x203fff, 0, 0x50000, 0,
				  VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE } },
	[GOOD_MMIO] = { MAP, 36, { PAGING, 0x200000, 0, 0x203fff, 0, 0xf0000000, 0,
				   VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_MMIO } },
	[GOOD_UNMAP] = { UNMAP, 28, { PAGING, 0x100000, 0, 0x103fff } },
	[GOOD_PROBE] = { PROBE, 72, { NEW } },
};

static void describe_good(const struct raw_request *request, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "number %td", request - good);
}

KUNIT_ARRAY_PARAM(good, good, describe_good);

/* Where in a request, and how many bytes */
struct field {
	u8 at, len;
};

#define TYPE		{ 0, 1 }
#define BYTE(i)		{ (i), 1 }
#define DOMAIN		{ 4, 4 }
#define ENDPOINT	{ 8, 4 }
#define FLAGS		{ 12, 4 }
#define START		{ 8, 8 }
#define LAST		{ 16, 8 }
#define PHYS		{ 24, 8 }
#define MAP_FLAGS	{ 32, 4 }
#define NO_FIELD	{ }

/**
 * struct wrong - a good request, but for one thing
 * @what: that one
 * @rule: what it is against
 * @base: the good request
 * @field: what is other than there
 * @value: what it is, little-endian
 * @also: another rule that is broken by it
 * @declined: features that were not accepted
 * @longer: by how much the readable part is
 * @wider: by how much the writable part is
 * @cut: where a part ends that should not
 */
struct wrong {
	const char *what;
	u8 rule;
	enum good base;
	struct field field;
	u64 value;
	u8 also;
	u64 declined;
	int longer, wider;
	u32 cut;
};

static const struct wrong wrongs[] = {
	{ "MAP without MAP_UNMAP", 2, GOOD_MAP, NO_FIELD, .declined = F(MAP_UNMAP) },
	{ "ATTACH before PROBE", 6, GOOD_ATTACH, ENDPOINT, UNPROBED },
	{ "PROBE has too little room", 7, GOOD_PROBE, NO_FIELD, .wider = -1 },
	{ "PROBE has too much room", 7, GOOD_PROBE, NO_FIELD, .wider = 1 },
	{ "PROBE has no room", 7, GOOD_PROBE, NO_FIELD, .wider = -512 },
	{ "first reserved of PROBE", 8, GOOD_PROBE, BYTE(8), 1 },
	{ "last reserved of PROBE", 8, GOOD_PROBE, BYTE(71), 0x80 },
	{ "MAP into the region", 15, GOOD_MAP, LAST, MOCK_RESV_START + SZ_4K - 1 },
	{ "head of ATTACH", 16, GOOD_ATTACH, BYTE(1), 1 },
	{ "head of DETACH", 16, GOOD_DETACH, BYTE(2), 1 },
	{ "head of MAP", 16, GOOD_MAP, BYTE(3), 0x80 },
	{ "head of UNMAP", 16, GOOD_UNMAP, BYTE(1), 0x80 },
	{ "head of PROBE", 16, GOOD_PROBE, BYTE(3), 1 },
	{ "MAP below the range", 19, GOOD_MAP, START, SZ_64K - SZ_4K },
	{ "MAP above the range", 19, GOOD_MAP, LAST, BIT_ULL(48) + SZ_4K - 1 },
	{ "UNMAP below the range", 19, GOOD_UNMAP, START, SZ_64K - 1 },
	{ "UNMAP above the range", 19, GOOD_UNMAP, LAST, BIT_ULL(48) },
	{ "ATTACH below the range", 20, GOOD_ATTACH, DOMAIN, 4 },
	{ "ATTACH above the range", 20, GOOD_ATTACH, DOMAIN, 261 },
	{ "DETACH below the range", 20, GOOD_DETACH, DOMAIN, 4 },
	{ "MAP above the range", 20, GOOD_MAP, DOMAIN, U32_MAX, .also = 32 },
	{ "UNMAP above the range", 20, GOOD_UNMAP, DOMAIN, 261 },
	{ "first reserved of ATTACH", 21, GOOD_ATTACH, BYTE(16), 1 },
	{ "last reserved of ATTACH", 21, GOOD_ATTACH, BYTE(19), 0x80 },
	{ "flag, in a paging domain", 23, GOOD_JOIN, FLAGS, 1 },
	{ "no flag, in a bypass domain", 23, GOOD_BYPASS, FLAGS, 0 },
	{ "a flag nobody knows", 24, GOOD_ATTACH, FLAGS, 2 },
	{ "another flag nobody knows", 24, GOOD_BYPASS, FLAGS, BIT(31) | 1 },
	{ "the flag was not negotiated", 24, GOOD_ATTACH, FLAGS, 1, .declined = F(BYPASS_CONFIG) },
	{ "first reserved of DETACH", 25, GOOD_DETACH, BYTE(12), 1 },
	{ "last reserved of DETACH", 25, GOOD_DETACH, BYTE(19), 0x80 },
	{ "a flag nobody knows", 26, GOOD_MAP, MAP_FLAGS, 1 | 8 },
	{ "another flag nobody knows", 26, GOOD_MAP, MAP_FLAGS, 1 | BIT(31) },
	{ "MAP in a bypass domain", 27, GOOD_MAP, DOMAIN, BYPASSING },
	{ "MAP of a byte", 28, GOOD_MAP, LAST, 0x200000 },
	{ "MAP of nothing", 28, GOOD_MAP, LAST, 0x1fffff },
	{ "MAP backwards", 28, GOOD_MAP, LAST, 0x150fff },
	{ "MMIO was not negotiated", 31, GOOD_MAP, MAP_FLAGS, 1 | 4, .declined = F(MMIO) },
	{ "start off the granule", 32, GOOD_MAP, START, 0x200800 },
	{ "end off the granule", 32, GOOD_MAP, LAST, 0x203ffe },
	{ "memory off the granule", 32, GOOD_MAP, PHYS, 0x50001 },
	{ "MAP over the end of another", 32, GOOD_MAP, START, 0x103000 },
	{ "MAP over the start of another", 32, GOOD_MAP, LAST, 0x60000fff },
	{ "MAP over all of another", 32, GOOD_MAP, START, 0xff000 },
	{ "MAP in no domain", 32, GOOD_MAP, DOMAIN, MISSING },
	{ "first reserved of UNMAP", 33, GOOD_UNMAP, BYTE(24), 1 },
	{ "last reserved of UNMAP", 33, GOOD_UNMAP, BYTE(27), 0x80 },
	{ "UNMAP of nothing", 34, GOOD_UNMAP, LAST, 0xfffff },
	{ "UNMAP backwards", 34, GOOD_UNMAP, LAST, 0x80000 },
	{ "UNMAP leaves the start", 35, GOOD_UNMAP, START, 0x101000 },
	{ "UNMAP leaves the end", 35, GOOD_UNMAP, LAST, 0x102fff },
	{ "UNMAP leaves the end of another", 35, GOOD_UNMAP, LAST, 0x60000fff },
	{ "UNMAP in a bypass domain", 36, GOOD_UNMAP, DOMAIN, BYPASSING },

	{ "no type", MOCK_OTHER_RULES, GOOD_MAP, TYPE, 0 },
	{ "a type nobody knows", MOCK_OTHER_RULES, GOOD_MAP, TYPE, 6 },
	{ "PROBE was not negotiated", MOCK_OTHER_RULES, GOOD_PROBE, NO_FIELD,
	  .declined = F(PROBE) },
	{ "too short", MOCK_OTHER_RULES, GOOD_UNMAP, NO_FIELD, .longer = -1 },
	{ "too long", MOCK_OTHER_RULES, GOOD_UNMAP, NO_FIELD, .longer = 4 },
	{ "a long tail", MOCK_OTHER_RULES, GOOD_UNMAP, NO_FIELD, .wider = 4 },
	{ "in three parts", MOCK_OTHER_RULES, GOOD_UNMAP, NO_FIELD, .cut = 4 },
};

static void describe_wrong(const struct wrong *wrong, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "R%u: %s", wrong->rule, wrong->what);
}

KUNIT_ARRAY_PARAM(wrong, wrongs, describe_wrong);

static struct raw *set_up(struct kunit *test, u64 declined)
{
	struct raw *raw = raw_start(test, mock_strict, mock_strict->features & ~declined);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(setup); i++)
		raw_request(raw, &setup[i]);
	return raw;
}

static void send_wrong(struct raw *raw, const struct wrong *wrong)
{
	const struct raw_request *base = &good[wrong->base];
	unsigned int i;

	raw_write(raw->out, base);
	for (i = 0; i < wrong->field.len; i++)
		raw->out[wrong->field.at + i] = wrong->value >> (8 * i);
	raw_ask(raw, base->len + wrong->longer, raw_room(raw, base->type) + wrong->wider,
		wrong->cut);
}

static const struct mock_script do_not = { .endpoint = MOCK_ANY, .how = MOCK_DO_NOT };

static void expect_unchanged(struct raw *raw)
{
	KUNIT_EXPECT_EQ(raw->test, mock_nr_mappings(raw->mock), 2);
	KUNIT_EXPECT_TRUE(raw->test, mock_attached(raw->mock, ATTACHED, NULL));
	KUNIT_EXPECT_FALSE(raw->test, mock_attached(raw->mock, PROBED, NULL));
	KUNIT_EXPECT_FALSE(raw->test, mock_attached(raw->mock, UNPROBED, NULL));
}

static void a_good_request_is_not_blamed(struct kunit *test)
{
	struct raw *raw = set_up(test, 0);

	mock_script(raw->mock, &do_not);
	KUNIT_EXPECT_EQ(test, raw_request(raw, test->param_value), VIRTIO_IOMMU_S_OK);
	expect_unchanged(raw);
	mock_script_clear(raw->mock);
	KUNIT_EXPECT_EQ(test, raw_request(raw, test->param_value), VIRTIO_IOMMU_S_OK);
	expect_innocent(raw);
}

/* Whoever is judged is judged for what he asks; not for what comes of it. */
static void a_wrong_request_is_noticed(struct kunit *test)
{
	const struct wrong *wrong = test->param_value;
	struct raw *raw = set_up(test, wrong->declined);
	struct counts before = counts_now(raw);

	mock_script(raw->mock, &do_not);
	send_wrong(raw, wrong);
	expect_guilty(raw, &before, wrong->rule, wrong->also);
	if (!wrong->declined)
		expect_unchanged(raw);
	mock_script_clear(raw->mock);
	before = counts_now(raw);
	send_wrong(raw, wrong);
	expect_guilty(raw, &before, wrong->rule, wrong->also);
}

/* R15 of an endpoint that comes to a domain with such a mapping: of each that does */
static void joining_a_mapping_in_a_region_is_noticed(struct kunit *test)
{
	const struct raw_request map = { MAP, 36, { PAGING, MOCK_RESV_START, 0,
		MOCK_RESV_START + SZ_4K - 1, 0, 0x50000, 0, VIRTIO_IOMMU_MAP_F_READ } };
	struct raw *raw = set_up(test, 0);
	struct counts before;

	raw_request(raw, &map);
	before = counts_now(raw);
	raw_request(raw, &good[GOOD_ATTACH]);
	KUNIT_EXPECT_EQ(test, mock_violations(raw->mock, 15), before.violations[15]);
	raw_request(raw, &good[GOOD_JOIN]);
	expect_guilty(raw, &before, 15, 0);
}

/* With the ring there, and the device not yet started */
static void a_request_before_its_time_is_noticed(struct kunit *test)
{
	struct raw *raw = begin(test, &(const struct start) { .status = { 1, 3, 0xb } });
	struct counts before;

	raw_open(raw);
	expect_innocent(raw);
	before = counts_now(raw);
	KUNIT_EXPECT_EQ(test, raw_request(raw, &good[GOOD_PROBE]), RAW_NO_ANSWER);
	expect_guilty(raw, &before, MOCK_OTHER_RULES, 0);
}

/* ---- Event buffers: R41 ------------------------------------------------------------ */

/* Gives one buffer of @len bytes, and has a fault put into it. */
static int one_event(struct raw *raw, u32 len, bool readable)
{
	struct virtqueue *vq = raw->vq[MOCK_EVENTS];
	struct scatterlist sg;

	sg_init_one(&sg, raw->in, len);
	KUNIT_ASSERT_EQ(raw->test, 0, readable ?
			virtqueue_add_outbuf(vq, &sg, 1, raw, GFP_KERNEL) :
			virtqueue_add_inbuf(vq, &sg, 1, raw, GFP_KERNEL));
	return mock_fault(raw->mock, VIRTIO_IOMMU_FAULT_R_MAPPING, 1, ATTACHED, 0x1000);
}

static void a_wrong_event_buffer_is_noticed(struct kunit *test)
{
	struct raw *raw = set_up(test, 0);
	const struct counts none = {};

	KUNIT_EXPECT_EQ(test, one_event(raw, sizeof(struct virtio_iommu_fault), false), 0);
	KUNIT_EXPECT_EQ(test, raw->in[0], VIRTIO_IOMMU_FAULT_R_MAPPING);
	KUNIT_EXPECT_EQ(test, one_event(raw, 64, false), 0);
	expect_innocent(raw);
	one_event(raw, sizeof(struct virtio_iommu_fault) - 1, false);
	expect_guilty(raw, &none, 41, 0);

	raw = set_up(test, 0);
	one_event(raw, sizeof(struct virtio_iommu_fault), true);
	expect_guilty(raw, &none, 41, 0);
}

/* ---- All of them -------------------------------------------------------------------- */

/* All that is right, one after the other: what the device can judge, it has judged. */
static struct raw *do_all_right(struct kunit *test)
{
	static const enum good order[] = {
		GOOD_PROBE, GOOD_MAP, GOOD_UNMAP, GOOD_JOIN, GOOD_BYPASS, GOOD_DETACH,
	};
	struct raw *raw = set_up(test, 0);
	unsigned int i;

	write_config(raw, BYPASS_AT, 1, 1);
	one_event(raw, sizeof(struct virtio_iommu_fault), false);
	raw_request(raw, &good[GOOD_MMIO]);
	KUNIT_EXPECT_EQ(test, raw_request(raw, &(const struct raw_request) {
		UNMAP, 28, { PAGING, 0x200000, 0, 0x203fff } }), VIRTIO_IOMMU_S_OK);
	for (i = 0; i < ARRAY_SIZE(order); i++)
		KUNIT_EXPECT_EQ(test, raw_request(raw, &good[order[i]]), VIRTIO_IOMMU_S_OK);
	return raw;
}

/* Each requirement has a case here in which it is broken, or is left to the others. */
static void none_is_forgotten(struct kunit *test)
{
	DECLARE_BITMAP(here, RAW_NR_RULES) = { BIT(41) };
	DECLARE_BITMAP(elsewhere, RAW_NR_RULES) = {};
	struct raw *raw = do_all_right(test);
	unsigned int i;

	BUILD_BUG_ON(MOCK_NR_REQUIREMENTS != 42);
	for (i = 0; i < ARRAY_SIZE(wrong_starts); i++)
		__set_bit(wrong_starts[i].rule, here);
	for (i = 0; i < ARRAY_SIZE(wrong_writes); i++)
		__set_bit(wrong_writes[i].rule, here);
	for (i = 0; i < ARRAY_SIZE(wrongs); i++)
		__set_bit(wrongs[i].rule, here);
	for (i = 0; i < ARRAY_SIZE(judged_elsewhere); i++)
		__set_bit(judged_elsewhere[i], elsewhere);
	expect_innocent(raw);
	for (i = 1; i <= MOCK_NR_REQUIREMENTS; i++) {
		KUNIT_EXPECT_NE_MSG(test, test_bit(i, here), test_bit(i, elsewhere), "R%u", i);
		KUNIT_EXPECT_EQ_MSG(test, mock_exercised(raw->mock, i) > 0, test_bit(i, here),
				    "R%u", i);
	}
}

static struct kunit_case mock_judge_cases[] = {
	KUNIT_CASE_PARAM(a_wrong_start_is_noticed, start_gen_params),
	KUNIT_CASE(giving_up_is_no_crime),
	KUNIT_CASE_PARAM(a_wrong_write_is_noticed, write_gen_params),
	KUNIT_CASE(reading_beyond_the_end_is_noticed),
	KUNIT_CASE_PARAM(a_good_request_is_not_blamed, good_gen_params),
	KUNIT_CASE_PARAM(a_wrong_request_is_noticed, wrong_gen_params),
	KUNIT_CASE(joining_a_mapping_in_a_region_is_noticed),
	KUNIT_CASE(a_request_before_its_time_is_noticed),
	KUNIT_CASE(a_wrong_event_buffer_is_noticed),
	KUNIT_CASE(none_is_forgotten),
	{ }
};

static struct kunit_suite mock_judge_suite = {
	.name = "viommu_mock_judge",
	.test_cases = mock_judge_cases,
};

kunit_test_suite(mock_judge_suite);
