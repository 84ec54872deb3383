// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the driver to the specification: what every request and register
 * access says about the requirements that can be seen in passing. Those that
 * want an occasion (R9 to R14, R18, R37 to R40 and others) get it from tests.
 */
#include <linux/printk.h>

#include "internal.h"

/**
 * mock_require() - Note that a requirement could be judged, and how that went
 * @mock: the device, its lock held
 * @requirement: 1 to 42, or MOCK_OTHER_RULES
 * @kept: the driver did as it should
 * @format: what it did, if not
 *
 * Return: @kept.
 */
bool mock_require(struct mock *mock, unsigned int requirement, bool kept, const char *format, ...)
{
	struct va_format text = { .fmt = format };
	va_list args;

	mock->exercised[requirement]++;
	if (kept)
		return true;
	mock->violations[requirement]++;
	if (mock->expected[requirement])
		return false;
	va_start(args, format);
	text.va = &args;
	pr_err_ratelimited("viommu-mock %s: violates R%u: %pV\n", mock->profile.name,
			   requirement, &text);
	va_end(args);
	return false;
}

/* R1: accepts what it should, when it says that it has chosen. */
void mock_judge_features(struct mock *mock)
{
	static const unsigned int wanted[] = {
		VIRTIO_IOMMU_F_INPUT_RANGE, VIRTIO_IOMMU_F_DOMAIN_RANGE, VIRTIO_IOMMU_F_PROBE,
	};
	const u64 accepted = mock->vdev.features;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wanted); i++) {
		if (mock_offers(mock, wanted[i]))
			mock_require(mock, 1, accepted & BIT_ULL(wanted[i]),
				     "feature %u is not accepted", wanted[i]);
	}
	mock_require(mock, 5, !(accepted & ~mock->profile.features),
		     "features %llx of %llx accepted", accepted, mock->profile.features);
}

/*
 * R5: status bits are only ever added, in their order. R2 and R42: the driver
 * does not start a device that it cannot drive.
 */
void mock_judge_status(struct mock *mock, u8 status)
{
	static const u8 order[] = {
		VIRTIO_CONFIG_S_ACKNOWLEDGE, VIRTIO_CONFIG_S_DRIVER,
		VIRTIO_CONFIG_S_FEATURES_OK, VIRTIO_CONFIG_S_DRIVER_OK,
	};
	unsigned int i;

	if (status & VIRTIO_CONFIG_S_FAILED)
		return;
	mock_require(mock, 5, !(mock->status & ~VIRTIO_CONFIG_S_NEEDS_RESET & ~status),
		     "status %x after %x", status, mock->status);
	for (i = 1; i < ARRAY_SIZE(order); i++)
		mock_require(mock, 5, !(status & order[i]) || status & order[i - 1],
			     "status %x skips a step", status);
	if (!(status & VIRTIO_CONFIG_S_DRIVER_OK))
		return;
	mock_require(mock, 2, mock_offers(mock, VIRTIO_IOMMU_F_MAP_UNMAP),
		     "starts a device without MAP and UNMAP");
	mock_require(mock, 42, mock_offers(mock, VIRTIO_F_VERSION_1),
		     "starts a device without VERSION_1");
}

void mock_judge_config_write(struct mock *mock, unsigned int offset, const u8 *buf,
			     unsigned int len)
{
	const unsigned int bypass = offsetof(struct virtio_iommu_config, bypass);

	mock_require(mock, 3, offset == bypass && len == 1 &&
		     mock->vdev.features & BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG) &&
		     mock->status & VIRTIO_CONFIG_S_FEATURES_OK,
		     "writes %u bytes of config space at %u", len, offset);
	if (offset == bypass && len)
		mock_require(mock, 4, buf[0] <= 1, "writes %u to bypass", buf[0]);
}

bool mock_in_input_range(const struct mock *mock, u64 start, u64 last)
{
	if (!mock_offers(mock, VIRTIO_IOMMU_F_INPUT_RANGE))
		return true;
	return start >= mock->profile.input_start && last <= mock->profile.input_last;
}

/* mock_in_region() - says whether a range meets what PROBE tells to leave alone */
bool mock_in_region(const struct mock *mock, u64 start, u64 last)
{
	unsigned int i;

	if (mock->profile.probe_size < sizeof(struct virtio_iommu_probe_resv_mem))
		return false;
	for (i = 0; i < mock->profile.nr_regions; i++) {
		const struct mock_region *region = &mock->profile.regions[i];

		if (start <= region->last && last >= region->start)
			return true;
	}
	return false;
}

static bool mock_all_zero(const u8 *buf, size_t len)
{
	return !memchr_inv(buf, 0, len);
}

/* Reserved fields, by type: offset and length. */
static void mock_judge_reserved(struct mock *mock, const u8 *out, u32 out_len)
{
	static const struct {
		u8 type, requirement, offset, len;
	} reserved[] = {
		{ VIRTIO_IOMMU_T_ATTACH, 21, 16, 4 },
		{ VIRTIO_IOMMU_T_DETACH, 25, 12, 8 },
		{ VIRTIO_IOMMU_T_UNMAP, 33, 24, 4 },
		{ VIRTIO_IOMMU_T_PROBE, 8, 8, 64 },
	};
	unsigned int i;

	mock_require(mock, 16, mock_all_zero(out + 1, 3), "head.reserved is not 0");
	for (i = 0; i < ARRAY_SIZE(reserved); i++) {
		if (out[0] == reserved[i].type &&
		    out_len >= reserved[i].offset + reserved[i].len)
			mock_require(mock, reserved[i].requirement,
				     mock_all_zero(out + reserved[i].offset, reserved[i].len),
				     "reserved bytes at %u are not 0", reserved[i].offset);
	}
}

/**
 * mock_judge_framing() - What can be told from a request's shape
 * @mock: the device, its lock held
 * @chain: the request
 * @out: its readable part
 * @out_len: bytes of that
 * @in_len: bytes of the writable part
 */
void mock_judge_framing(struct mock *mock, const struct mock_chain *chain, const u8 *out,
			u32 out_len, u32 in_len)
{
	static const u8 lengths[MOCK_NR_TYPES] = { 0, 20, 20, 36, 28, 72 };
	const u32 tail = sizeof(struct virtio_iommu_req_tail);
	bool probe;

	mock_require(mock, MOCK_OTHER_RULES, mock->status & VIRTIO_CONFIG_S_DRIVER_OK,
		     "a request before DRIVER_OK");
	if (!out_len || out[0] >= MOCK_NR_TYPES || !out[0]) {
		mock_require(mock, MOCK_OTHER_RULES, false, "a request of no type");
		return;
	}
	probe = out[0] == VIRTIO_IOMMU_T_PROBE;
	mock_require(mock, MOCK_OTHER_RULES, out_len == lengths[out[0]],
		     "a request of type %u with %u bytes", out[0], out_len);
	mock_require(mock, MOCK_OTHER_RULES, chain->nr == 2,
		     "a request of %u descriptors", chain->nr);
	if (probe)
		mock_require(mock, 7, in_len == mock->profile.probe_size + tail,
			     "PROBE with %u writable bytes", in_len);
	else
		mock_require(mock, MOCK_OTHER_RULES, in_len == tail,
			     "a tail of %u bytes", in_len);
	mock_judge_reserved(mock, out, out_len);
}

/* ---- What tests ask ---------------------------------------------------------- */

unsigned int mock_violations(struct mock *mock, unsigned int requirement)
{
	return READ_ONCE(mock->violations[requirement]);
}

unsigned int mock_exercised(struct mock *mock, unsigned int requirement)
{
	return READ_ONCE(mock->exercised[requirement]);
}

void mock_expect_violation(struct mock *mock, unsigned int requirement)
{
	WRITE_ONCE(mock->expected[requirement], true);
}

void mock_judge(struct mock *mock, bool fatal)
{
	mock->fatal = fatal;
}

/* mock_check_end() - fails the test for what the driver did against the rules */
void mock_check_end(struct mock *mock)
{
	unsigned int i;

	if (mock->checked || !mock->fatal)
		return;
	mock->checked = true;
	for (i = 0; i <= MOCK_NR_REQUIREMENTS; i++) {
		if (mock->violations[i] && !mock->expected[i])
			KUNIT_FAIL(mock->test, "the driver violated R%u %u times", i,
				   mock->violations[i]);
	}
}
