// SPDX-License-Identifier: GPL-2.0
/*
 * R6 to R15: PROBE, what it says, and what becomes of it.
 *
 * What a driver made of properties shows in the reserved regions
 * that the IOMMU core knows of the endpoint.
 */
#include <linux/dma-mapping.h>
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "conformance.h"

#define RESERVED	VIRTIO_IOMMU_RESV_MEM_T_RESERVED
#define MSI		VIRTIO_IOMMU_RESV_MEM_T_MSI
#define RESV_MEM	VIRTIO_IOMMU_PROBE_T_RESV_MEM
#define HEAD		sizeof(struct virtio_iommu_probe_property)
#define ID		0x10

/* ---- Lists of properties --------------------------------------------------------- */

/**
 * struct props - what a PROBE answers
 * @bytes: the properties
 * @len: how many bytes of them
 */
struct props {
	u8 bytes[SZ_512];
	size_t len;
};

static struct props *props_new(struct kunit *test)
{
	struct props *props = kunit_kzalloc(test, sizeof(*props), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, props);
	return props;
}

/* Any property: @type with its reserved bits; returns where its value is, full of 0xa5. */
static u8 *props_add(struct props *props, u16 type, u16 len)
{
	u8 *property = props->bytes + props->len;

	put_unaligned_le16(type, property);
	put_unaligned_le16(len, property + 2);
	memset(property + HEAD, 0xa5, len);
	props->len += HEAD + len;
	return property + HEAD;
}

/* A region: returns where its reserved bytes are; what is longer than it is, is @len. */
static u8 *props_add_region(struct props *props, u16 type, u8 subtype, u64 start, u16 len)
{
	u8 *value = props_add(props, type, len);

	memset(value, 0, len);
	value[0] = subtype;
	put_unaligned_le64(start, value + 4);
	put_unaligned_le64(start + CONFORM_REGION - 1, value + 12);
	return value + 1;
}

#define REGION_LEN	20	/* of a RESV_MEM, without its head */

/* A device with room for lists, that was offered PROBE; and so answers it */
static struct mock *start_with_props(struct kunit *test, const struct props *props)
{
	struct mock_profile *profile = conform_profile(test);
	const struct mock_script answer = {
		.type = VIRTIO_IOMMU_T_PROBE, .endpoint = MOCK_ANY,
		.how = MOCK_FILL, .fill = props->bytes, .fill_len = sizeof(props->bytes),
	};
	struct mock *mock;

	conform_need(test, VIRTIO_IOMMU_F_PROBE, "PROBE");
	profile->probe_size = sizeof(props->bytes);
	mock = conform_start(test, profile);
	mock_script(mock, &answer);
	return mock;
}

/* ---- What the core knows ----------------------------------------------------------- */

#define ANY_TYPE	-1

/* Is all of a region, or (@touched) any of it, reserved for the device, as @type? */
static bool core_reserves(struct device *dev, u64 start, int type, bool touched)
{
	const u64 last = start + CONFORM_REGION - 1;
	struct iommu_resv_region *region;
	bool found = false;
	LIST_HEAD(regions);

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		const u64 end = region->start + region->length - 1;

		if (type != ANY_TYPE && region->type != type)
			continue;
		if (touched)
			found |= region->start <= last && end >= start;
		else
			found |= region->start <= start && end >= last;
	}
	iommu_put_resv_regions(dev, &regions);
	return found;
}

static void expect_reserved(struct kunit *test, struct device *dev, u64 start, int type)
{
	KUNIT_EXPECT_TRUE_MSG(test, core_reserves(dev, start, type, false),
			      "0x%llx is not reserved", start);
}

static void expect_ignored(struct kunit *test, struct device *dev, u64 start)
{
	KUNIT_EXPECT_FALSE_MSG(test, core_reserves(dev, start, ANY_TYPE, true),
			       "0x%llx is reserved", start);
}

/* ---- The tests ------------------------------------------------------------------------ */

/*
 * A driver that asks for the first ID of an endpoint only, or not at all,
 * attaches an ID that was never asked for.
 */
void R06_probe_first(struct kunit *test)
{
	static const u32 ids[] = { 0x11, 0x12, 0x4213, 0x14 };
	struct mock *mock = conform_start(test, test->param_value);
	unsigned int i;

	conform_need(test, VIRTIO_IOMMU_F_PROBE, "PROBE");
	mock_endpoint_ids(mock, ids, ARRAY_SIZE(ids));
	for (i = 0; i < ARRAY_SIZE(ids); i++)
		KUNIT_EXPECT_TRUE(test, mock_attached(mock, ids[i], NULL));
	KUNIT_EXPECT_GE(test, mock_count(mock, VIRTIO_IOMMU_T_PROBE), ARRAY_SIZE(ids));
	KUNIT_EXPECT_GE(test, mock_exercised(mock, 6), ARRAY_SIZE(ids));
	conform_judged(test, mock, 6);
}

/* A driver with a buffer of another size than the device asks for shows it in the request. */
void R07_probe_size(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;
	const u32 sizes[] = { profile->probe_size, 24, 25, SZ_512, SZ_4K };
	struct mock_profile *other = conform_profile(test);
	struct mock_request request;
	struct mock *mock;
	unsigned int i;

	conform_need(test, VIRTIO_IOMMU_F_PROBE, "PROBE");
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		other->probe_size = sizes[i];
		mock = conform_start(test, other);
		mock_endpoint(mock, ID);
		KUNIT_ASSERT_TRUE(test, mock_last(mock, VIRTIO_IOMMU_T_PROBE, &request));
		KUNIT_EXPECT_EQ(test, request.in_len,
				sizes[i] + sizeof(struct virtio_iommu_req_tail));
		conform_judged(test, mock, 7);
		mock_unregister(mock);
	}
}

/* A driver that does not clear what an earlier request has left sends it along. */
void R08_probe_reserved(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);

	conform_need(test, VIRTIO_IOMMU_F_PROBE, "PROBE");
	conform_everything(test, mock);
	KUNIT_EXPECT_GE(test, mock_count(mock, VIRTIO_IOMMU_T_PROBE), 3);
	conform_judged(test, mock, 8);
}

/*
 * A driver that ends the list at a type it does not know, or takes the
 * endpoint for unusable, does not know of the region behind it.
 */
void R09_unknown_property(struct kunit *test)
{
	static const u16 unknown[][2] = { { 2, 4 }, { 0xfff, 0 }, { 0x800, 20 }, { 3, 200 } };
	struct props *props = props_new(test);
	struct device *dev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		props_add(props, unknown[i][0], unknown[i][1]);
	props_add_region(props, RESV_MEM, RESERVED, CONFORM_X, REGION_LEN);
	for (i = 0; i < ARRAY_SIZE(unknown); i++)
		props_add(props, unknown[i][0], 4);
	props_add_region(props, RESV_MEM, RESERVED, CONFORM_Z, REGION_LEN);

	dev = mock_endpoint(start_with_props(test, props), ID);
	expect_reserved(test, dev, CONFORM_X, IOMMU_RESV_RESERVED);
	expect_reserved(test, dev, CONFORM_Z, IOMMU_RESV_RESERVED);
}

/*
 * A driver that steps by what it knows of a type takes the end of a longer
 * region for the end of the list, or for properties; and one that steps in
 * words loses its way at an odd length.
 */
void R10_step_by_length(struct kunit *test)
{
	struct props *props = props_new(test);
	struct device *dev;
	u8 *longer;

	/* First 8 bytes more that would be no property, then 32 that would be a region */
	props_add_region(props, RESV_MEM, RESERVED, CONFORM_X, REGION_LEN + 8);
	longer = props_add_region(props, RESV_MEM, RESERVED, CONFORM_X, REGION_LEN + 32) - 1;
	put_unaligned_le16(RESV_MEM, longer + REGION_LEN);
	put_unaligned_le16(REGION_LEN, longer + REGION_LEN + 2);
	put_unaligned_le64(CONFORM_Y, longer + REGION_LEN + HEAD + 4);
	put_unaligned_le64(CONFORM_Y + CONFORM_REGION - 1, longer + REGION_LEN + HEAD + 12);
	props_add(props, 7, 7);
	props_add_region(props, RESV_MEM, RESERVED, CONFORM_Z, REGION_LEN);

	dev = mock_endpoint(start_with_props(test, props), ID);
	expect_reserved(test, dev, CONFORM_X, IOMMU_RESV_RESERVED);
	expect_ignored(test, dev, CONFORM_Y);
	expect_reserved(test, dev, CONFORM_Z, IOMMU_RESV_RESERVED);
}

/* A property for each of the reserved bits of a type, and for all of them */
static const u16 reserved_bits[] = { 0x1000, 0x2000, 0x4000, 0x8000, 0xf000 };

/* A driver that masks the bits away takes the property for a region. */
void R11_reserved_type_bits(struct kunit *test)
{
	struct props *props = props_new(test);
	struct device *dev;
	unsigned int i;

	/* Before them: else a driver that gives up would pass for one that ignores */
	props_add_region(props, RESV_MEM, RESERVED, CONFORM_X, REGION_LEN);
	for (i = 0; i < ARRAY_SIZE(reserved_bits); i++)
		props_add_region(props, RESV_MEM | reserved_bits[i], RESERVED,
				 CONFORM_Y + i * SZ_16M, REGION_LEN);

	dev = mock_endpoint(start_with_props(test, props), ID);
	expect_reserved(test, dev, CONFORM_X, IOMMU_RESV_RESERVED);
	for (i = 0; i < ARRAY_SIZE(reserved_bits); i++)
		expect_ignored(test, dev, CONFORM_Y + i * SZ_16M);
}

/*
 * A driver that stops at such a property, refuses the endpoint for it, or
 * takes one with the number 0 for the end of the list, does not know of X.
 */
void R12_and_go_on(struct kunit *test)
{
	struct props *props = props_new(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reserved_bits); i++) {
		props_add(props, reserved_bits[i] | RESV_MEM, REGION_LEN);
		props_add(props, reserved_bits[i] | 0x123, 3);
		props_add(props, reserved_bits[i], 4);
	}
	props_add_region(props, RESV_MEM, RESERVED, CONFORM_X, REGION_LEN);

	expect_reserved(test, mock_endpoint(start_with_props(test, props), ID), CONFORM_X,
			IOMMU_RESV_RESERVED);
}

/* A driver that wants the bytes to be 0, or reads them as part of a field, loses a region. */
void R13_resv_mem_reserved(struct kunit *test)
{
	struct props *props = props_new(test);
	struct device *dev;

	memset(props_add_region(props, RESV_MEM, RESERVED, CONFORM_X, REGION_LEN), 0xff, 3);
	memset(props_add_region(props, RESV_MEM, MSI, CONFORM_Z, REGION_LEN), 0x01, 3);

	dev = mock_endpoint(start_with_props(test, props), ID);
	expect_reserved(test, dev, CONFORM_X, IOMMU_RESV_RESERVED);
	expect_reserved(test, dev, CONFORM_Z, IOMMU_RESV_MSI);
}

/* A driver that leaves out what it does not know, or takes it for MSI, shows it to the core. */
void R14_unknown_subtype(struct kunit *test)
{
	static const u8 subtypes[] = { 2, 3, 0x7f, 0x80, 0xff };
	struct props *props = props_new(test);
	struct device *dev;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(subtypes); i++)
		props_add_region(props, RESV_MEM, subtypes[i], CONFORM_X + i * SZ_16M, REGION_LEN);

	dev = mock_endpoint(start_with_props(test, props), ID);
	for (i = 0; i < ARRAY_SIZE(subtypes); i++)
		expect_reserved(test, dev, CONFORM_X + i * SZ_16M, IOMMU_RESV_RESERVED);
}

/* All of 32 bits but a little at both ends */
#define R15_FIRST	SZ_1M
#define R15_LAST	0xffefffffULL

static const struct mock_region almost_all[] = {
	{ RESERVED, R15_FIRST, MOCK_MSI_START - 1 },
	{ MSI, MOCK_MSI_START, MOCK_MSI_LAST },
	{ RESERVED, MOCK_MSI_LAST + 1, R15_LAST },
};

static struct mock_profile *almost_all_reserved(struct kunit *test, u64 without)
{
	struct mock_profile *profile = conform_profile(test);

	conform_need(test, VIRTIO_IOMMU_F_PROBE, "PROBE");
	profile->features &= ~without;
	profile->features |= BIT_ULL(VIRTIO_IOMMU_F_INPUT_RANGE);
	/* Where endpoints never move, identity from the start would be mapped alike */
	profile->quirks &= ~MOCK_Q_STAYS;
	profile->probe_size = SZ_512;
	profile->input_start = 0;
	profile->input_last = U32_MAX;
	profile->regions = almost_all;
	profile->nr_regions = ARRAY_SIZE(almost_all);
	return profile;
}

struct dma_buffers {
	void *page;
	dma_addr_t addr[48];
	unsigned int nr;
};

/* 64 KiB at a time, until there is no more; the same memory each time */
static void map_until_full(struct device *dev, struct dma_buffers *buffers)
{
	dma_addr_t addr;

	while (buffers->nr < ARRAY_SIZE(buffers->addr)) {
		addr = dma_map_single(dev, buffers->page, SZ_64K, DMA_TO_DEVICE);
		if (dma_mapping_error(dev, addr))
			return;
		buffers->addr[buffers->nr++] = addr;
	}
}

/* The DMA API uses up what is left, above and below. */
static void dma_around_regions(struct kunit *test)
{
	struct mock *mock = conform_start(test, almost_all_reserved(test, 0));
	struct device *dev = mock_endpoint(mock, ID);
	struct dma_buffers buffers = {};
	unsigned int i, below = 0, above = 0;

	buffers.page = kunit_kmalloc(test, SZ_64K, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, buffers.page);
	map_until_full(dev, &buffers);
	for (i = 0; i < buffers.nr; i++) {
		below += buffers.addr[i] < R15_FIRST;
		above += buffers.addr[i] > R15_LAST;
		dma_unmap_single(dev, buffers.addr[i], SZ_64K, DMA_TO_DEVICE);
	}
	KUNIT_EXPECT_GT(test, below, 0);
	KUNIT_EXPECT_GT(test, above, 0);
	KUNIT_EXPECT_EQ(test, below + above, buffers.nr);
	conform_judged(test, mock, 15);
}

/* Without bypass domains, identity is mapped, but for the holes. */
static void identity_around_regions(struct kunit *test)
{
	struct mock_profile *profile =
		almost_all_reserved(test, BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG));
	struct mock *mock = conform_start(test, profile);
	struct device *dev = mock_endpoint(mock, ID);

	mock_mark(mock);
	KUNIT_EXPECT_EQ(test, conform_set_type(dev, "identity"), 0);
	KUNIT_EXPECT_GT(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, R15_FIRST - 1, R15_FIRST - 1));
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, R15_LAST + 1, R15_LAST + 1));
	KUNIT_EXPECT_FALSE(test, conform_reaches(mock, ID, R15_FIRST, R15_FIRST));
	KUNIT_EXPECT_FALSE(test, conform_reaches(mock, ID, R15_LAST, R15_LAST));
	conform_judged(test, mock, 15);
	conform_set_type(dev, "DMA-FQ");
}

/*
 * A driver that loses a region on its way to the core, or when it emulates
 * identity, maps in it. Who maps by himself (VFIO) is told by the core, and
 * no business of the driver's.
 */
void R15_reserved_regions(struct kunit *test)
{
	dma_around_regions(test);
	identity_around_regions(test);
}
