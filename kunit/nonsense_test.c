// SPDX-License-Identifier: GPL-2.0
/*
 * A device that answers PROBE with nonsense: lengths that lead nowhere, types
 * nobody knows, regions that no address space has. Each answer has an endpoint
 * either used, with the regions that were told, or left without translation;
 * nobody else notices.
 */
#include <kunit/test.h>
#include <linux/iommu.h>
#include <linux/sizes.h>
#include <linux/string.h>
#include <linux/unaligned.h>

#include "core.h"
#include "mock/mock.h"

#define EP		1
#define EP_NEW		3

/* ---- Answers ---------------------------------------------------------------- */

#define PROP_MEM	VIRTIO_IOMMU_PROBE_T_RESV_MEM
#define PROP_MEM_LEN	20	/* of such a property, without its header */
#define PROP_UNKNOWN	0x7ff
#define PROP_RESERVED	0x1000	/* one of the four reserved bits of the type */
#define RESV		VIRTIO_IOMMU_RESV_MEM_T_RESERVED
#define MSI		VIRTIO_IOMMU_RESV_MEM_T_MSI

struct prop {
	u16 type;
	u16 length;
	u8 subtype;
	u64 start;
	u64 last;
};

/**
 * struct nonsense - what PROBE brings
 * @name: of the case
 * @property: up to three, then zeroes
 * @endless: the first again and again, to the end of the buffer
 * @usable: the endpoint can be used all the same
 * @start: then, where its one reserved region begins; 0 if it has none
 * @last: and ends
 */
struct nonsense {
	const char *name;
	struct prop property[3];
	bool endless;
	bool usable;
	u64 start;
	u64 last;
};

#define MEM(subtype, start, last)	{ PROP_MEM, PROP_MEM_LEN, subtype, start, last }

static const struct nonsense nonsense[] = {
	{ "nothing", .usable = true },
	{ "length_fffc", { { PROP_UNKNOWN, 0xfffc } } },
	{ "length_ffff", { { PROP_UNKNOWN, 0xffff } } },
	{ "region_length_fffc", { { PROP_MEM, 0xfffc, RESV, 0x100000, 0x1fffff } } },
	{ "region_length_ffff", { { PROP_MEM, 0xffff, RESV, 0x100000, 0x1fffff } } },
	{ "region_without_length", { { PROP_MEM, 0 } } },
	{ "unknown_without_length", { { PROP_UNKNOWN, 0 } }, .endless = true, .usable = true },
	{ "unknown_without_end", { { PROP_UNKNOWN, 4 } }, .endless = true, .usable = true },
	{ "unknown_type_then_region",
	  { { PROP_UNKNOWN, 8 }, MEM(RESV, 0x100000, 0x1fffff) },
	  .usable = true, .start = 0x100000, .last = 0x1fffff },
	{ "reserved_type_bit",
	  { { PROP_MEM | PROP_RESERVED, PROP_MEM_LEN, RESV, 0x100000, 0x1fffff } },
	  .usable = true },
	{ "reserved_type_bit_then_region",
	  { { PROP_MEM | PROP_RESERVED, PROP_MEM_LEN, RESV, 0x100000, 0x1fffff },
	    MEM(RESV, 0x300000, 0x3fffff) },
	  .usable = true, .start = 0x300000, .last = 0x3fffff },
	{ "type_of_reserved_bits_alone",
	  { { PROP_RESERVED, 4 }, MEM(RESV, 0x300000, 0x3fffff) },
	  .usable = true, .start = 0x300000, .last = 0x3fffff },
	{ "unknown_subtype", { MEM(7, 0x100000, 0x1fffff) },
	  .usable = true, .start = 0x100000, .last = 0x1fffff },
	{ "subtype_255", { MEM(255, 0x100000, 0x1fffff) },
	  .usable = true, .start = 0x100000, .last = 0x1fffff },
	{ "longer_region", { { PROP_MEM, PROP_MEM_LEN + 8, RESV, 0x100000, 0x1fffff } },
	  .usable = true, .start = 0x100000, .last = 0x1fffff },
	{ "start_above_last", { MEM(RESV, 0x200000, 0x1fffff) } },
	{ "start_above_last_far", { MEM(RESV, U64_MAX, 0) } },
	{ "good_then_start_above_last",
	  { MEM(RESV, 0x100000, 0x1fffff), MEM(RESV, 0x200001, 0x200000) } },
	{ "one_byte", { MEM(RESV, 0x100000, 0x100000) },
	  .usable = true, .start = 0x100000, .last = 0x100000 },
	{ "overlap", { MEM(RESV, 0x100000, 0x1fffff), MEM(RESV, 0x180000, 0x2fffff) },
	  .usable = true, .start = 0x100000, .last = 0x2fffff },
	{ "same_twice", { MEM(RESV, 0x100000, 0x1fffff), MEM(RESV, 0x100000, 0x1fffff) },
	  .usable = true, .start = 0x100000, .last = 0x1fffff },
	{ "inside", { MEM(RESV, 0x100000, 0x3fffff), MEM(RESV, 0x200000, 0x2fffff) },
	  .usable = true, .start = 0x100000, .last = 0x3fffff },
	{ "last_page", { MEM(RESV, U64_MAX - 0xfff, U64_MAX) },
	  .usable = true, .start = U64_MAX - 0xfff, .last = U64_MAX },
	{ "everything", { MEM(RESV, 0, U64_MAX) } },
	{ "everything_in_two", { MEM(RESV, 0, SZ_1G - 1), MEM(RESV, SZ_1G, U64_MAX) } },
	{ "everything_for_msi", { MEM(MSI, 0, U64_MAX) } },
	{ "huge_msi", { MEM(MSI, SZ_4G, SZ_4G + SZ_1G - 1) } },
	/* The last of them does not fit in */
	{ "region_without_end", { MEM(RESV, 0x100000, 0x1fffff) }, .endless = true },
};

KUNIT_ARRAY_PARAM_DESC(nonsense, nonsense, name);

/* Write a property; what does not fit in @room is left out. */
static size_t put_property(u8 *buf, size_t room, const struct prop *property)
{
	u8 bytes[sizeof(struct virtio_iommu_probe_resv_mem)] = {};

	put_unaligned_le16(property->type, bytes);
	put_unaligned_le16(property->length, bytes + 2);
	bytes[4] = property->subtype;
	put_unaligned_le64(property->start, bytes + 8);
	put_unaligned_le64(property->last, bytes + 16);
	memcpy(buf, bytes, min(min(sizeof(bytes), room), (size_t)4 + property->length));
	return 4 + property->length;
}

static void put_nonsense(u8 *buf, size_t size, const struct nonsense *nonsense)
{
	size_t pos = 0;
	unsigned int i;

	for (i = 0; pos < size && (nonsense->endless || i < ARRAY_SIZE(nonsense->property)); i++) {
		const struct prop *property = &nonsense->property[nonsense->endless ? 0 : i];

		if (!property->type)
			return;
		pos += put_property(buf + pos, size - pos, property);
	}
}

/* All that the core is told of an endpoint is that it has this region. */
static bool has_region(struct device *dev, u64 start, u64 last)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	bool found = false;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list) {
		if (region->type == IOMMU_RESV_RESERVED)
			found = region->start == start && region->length == last - start + 1;
	}
	iommu_put_resv_regions(dev, &regions);
	return found;
}

static bool has_reserved_region(struct device *dev)
{
	struct iommu_resv_region *region;
	LIST_HEAD(regions);
	bool found = false;

	iommu_get_resv_regions(dev, &regions);
	list_for_each_entry(region, &regions, list)
		found |= region->type == IOMMU_RESV_RESERVED;
	iommu_put_resv_regions(dev, &regions);
	return found;
}

/* Everything that PROBE says of @id is @fill. */
static struct device *probe_with(struct mock *mock, u32 id, const u8 *fill, size_t len)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_PROBE, .endpoint = id, .how = MOCK_FILL,
		.fill = fill, .fill_len = len,
	};
	struct device *dev;

	mock_script(mock, &script);
	dev = mock_endpoint_try(mock, &id, 1);
	mock_script_clear(mock);
	return dev;
}

static void probe_nonsense(struct kunit *test)
{
	const struct nonsense *nonsense = test->param_value;
	struct mock *mock = mock_start(test, mock_strict);
	const size_t size = mock_profile(mock)->probe_size;
	u8 *fill = kunit_kzalloc(test, size, GFP_KERNEL);
	struct device *other = mock_endpoint(mock, EP);
	struct device *dev;

	KUNIT_ASSERT_NOT_NULL(test, fill);
	put_nonsense(fill, size, nonsense);
	dev = probe_with(mock, EP_NEW, fill, size);
	KUNIT_EXPECT_EQ(test, mock_translated(dev), nonsense->usable);
	if (mock_translated(dev)) {
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
		if (nonsense->last)
			KUNIT_EXPECT_TRUE(test, has_region(dev, nonsense->start, nonsense->last));
		else
			KUNIT_EXPECT_FALSE(test, has_reserved_region(dev));
	}

	/* Nobody else has to do with it, nor has the endpoint for ever */
	KUNIT_EXPECT_EQ(test, core_dma(other), 0);
	mock_endpoint_remove(dev);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, EP_NEW)), 0);
}

/* Every length that a property can have in a buffer of 64 bytes, and some more */
static void probe_every_length(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct prop property = { PROP_MEM, 0, RESV, 0x100000, 0x1fffff };
	struct mock *mock;
	struct device *dev;
	u8 fill[64];

	profile.probe_size = sizeof(fill);
	mock = mock_start(test, &profile);
	for (property.length = 0; property.length <= sizeof(fill) + 4; property.length++) {
		memset(fill, 0, sizeof(fill));
		put_property(fill, sizeof(fill), &property);
		dev = probe_with(mock, EP_NEW + property.length, fill, sizeof(fill));
		KUNIT_EXPECT_EQ_MSG(test, mock_translated(dev),
				    property.length >= PROP_MEM_LEN &&
				    property.length + 4 <= sizeof(fill),
				    "length %u", property.length);
		mock_endpoint_remove(dev);
	}
}

/* probe_size as no device would have it */
static void probe_odd_size(struct kunit *test)
{
	static const u32 sizes[] = { 0, 1, 3, 4, 23, 25 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct mock_profile profile = *mock_strict;
		struct mock *mock;

		profile.probe_size = sizes[i];
		mock = mock_start(test, &profile);
		/* There is nothing to ask for */
		if (!sizes[i])
			mock_expect_violation(mock, 6);
		KUNIT_EXPECT_EQ_MSG(test, core_dma(mock_endpoint(mock, EP)), 0,
				    "probe_size %u", sizes[i]);
		mock_unregister(mock);
	}
}

static void probe_huge_size(struct kunit *test)
{
	static const u32 sizes[] = { SZ_64K + 1, S32_MAX, U32_MAX - 3, U32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct mock_profile profile = *mock_strict;
		struct mock *mock;

		profile.probe_size = sizes[i];
		mock = mock_create(test, &profile);
		mock_register(mock);
		KUNIT_EXPECT_FALSE_MSG(test, mock_bound(mock), "probe_size %u", sizes[i]);
		mock_unregister(mock);
	}
}

/* ---- The suite -------------------------------------------------------------- */

static struct kunit_case nonsense_cases[] = {
	KUNIT_CASE_PARAM(probe_nonsense, nonsense_gen_params),
	KUNIT_CASE(probe_every_length),
	KUNIT_CASE(probe_odd_size),
	KUNIT_CASE(probe_huge_size),
	{}
};

static struct kunit_suite nonsense_suite = {
	.name = "viommu_nonsense",
	.test_cases = nonsense_cases,
};

kunit_test_suite(nonsense_suite);
MODULE_DESCRIPTION("PROBE answered with nonsense");
MODULE_LICENSE("GPL");
