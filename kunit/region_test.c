// SPDX-License-Identifier: GPL-2.0
/*
 * Reserved and MSI regions: what the IOMMU core is told of them, what comes of
 * several devices' in one group, and that nothing is ever mapped there.
 */
#include "core.h"

#define ID	0x71

#define RESERVED	VIRTIO_IOMMU_RESV_MEM_T_RESERVED
#define MSI		VIRTIO_IOMMU_RESV_MEM_T_MSI
#define SW_MSI_START	0x8000000ULL
#define SW_MSI_SIZE	SZ_1M

/* What a device says, and what the core is to make of it. Of no type: none. */
struct wanted {
	enum iommu_resv_type type;
	u64 start;
	u64 last;
};

struct layout {
	const char *name;
	struct mock_region regions[4];
	struct wanted wanted[5];	/* by address; x86's window is added */
};

#define WINDOW	{ IOMMU_RESV_MSI, MOCK_MSI_START, MOCK_MSI_LAST }

static const struct layout layouts[] = {
	{ "x86's window",
	  { { MSI, MOCK_MSI_START, MOCK_MSI_LAST } },
	  { WINDOW } },
	{ "reserved below it",
	  { { RESERVED, 0x1000, 0x1fff }, { MSI, MOCK_MSI_START, MOCK_MSI_LAST } },
	  { { IOMMU_RESV_RESERVED, 0x1000, 0x1fff }, WINDOW } },
	{ "in disorder",
	  { { MSI, MOCK_MSI_START, MOCK_MSI_LAST }, { RESERVED, 0x5000, 0x5fff },
	    { RESERVED, 0x1000, 0x1fff } },
	  { { IOMMU_RESV_RESERVED, 0x1000, 0x1fff }, { IOMMU_RESV_RESERVED, 0x5000, 0x5fff },
	    WINDOW } },
	{ "overlapping",
	  { { RESERVED, 0x1000, 0x3fff }, { RESERVED, 0x2000, 0x5fff },
	    { MSI, MOCK_MSI_START, MOCK_MSI_LAST } },
	  { { IOMMU_RESV_RESERVED, 0x1000, 0x5fff }, WINDOW } },
	{ "adjacent",
	  { { RESERVED, 0x2000, 0x2fff }, { RESERVED, 0x1000, 0x1fff },
	    { RESERVED, 0x3000, 0x3000 }, { MSI, MOCK_MSI_START, MOCK_MSI_LAST } },
	  { { IOMMU_RESV_RESERVED, 0x1000, 0x3000 }, WINDOW } },
	{ "of a kind nobody knows",
	  { { 77, 0x1000, 0x1fff }, { MSI, MOCK_MSI_START, MOCK_MSI_LAST } },
	  { { IOMMU_RESV_RESERVED, 0x1000, 0x1fff }, WINDOW } },
	{ "kinds that touch",
	  { { MSI, MOCK_MSI_START, MOCK_MSI_LAST }, { RESERVED, MOCK_MSI_LAST + 1, SZ_4G - 1 } },
	  { WINDOW, { IOMMU_RESV_RESERVED, MOCK_MSI_LAST + 1, SZ_4G - 1 } } },
#ifdef CONFIG_X86
	{ "into x86's window",
	  { { MSI, MOCK_MSI_START - SZ_64K, MOCK_MSI_START + SZ_64K } },
	  { { IOMMU_RESV_MSI, MOCK_MSI_START - SZ_64K, MOCK_MSI_LAST } } },
	{ "doorbells elsewhere",
	  { { MSI, 0x8000000, 0x8000fff } },
	  { { IOMMU_RESV_MSI, 0x8000000, 0x8000fff }, WINDOW } },
#endif
	{ "the end of the address space",
	  { { MSI, MOCK_MSI_START, MOCK_MSI_LAST }, { RESERVED, BIT_ULL(63), U64_MAX } },
	  { WINDOW, { IOMMU_RESV_RESERVED, BIT_ULL(63), U64_MAX } } },
};

KUNIT_ARRAY_PARAM_DESC(layout, layouts, name);

static struct device *start(struct kunit *test, const struct mock_region *regions,
			    struct mock **mock)
{
	struct mock_profile profile = *mock_strict;

	profile.regions = regions;
	profile.nr_regions = 0;
	while (profile.nr_regions < 4 && regions[profile.nr_regions].last)
		profile.nr_regions++;
	*mock = mock_start(test, &profile);
	return mock_endpoint(*mock, ID);
}

static void check_regions(struct kunit *test, struct list_head *list,
			  const struct wanted *wanted)
{
	struct iommu_resv_region *region;

	list_for_each_entry(region, list, list) {
		KUNIT_EXPECT_EQ(test, region->type, wanted->type);
		KUNIT_EXPECT_EQ(test, region->start, wanted->start);
		KUNIT_EXPECT_EQ(test, region->start + region->length - 1, wanted->last);
		wanted++;
	}
	KUNIT_EXPECT_EQ_MSG(test, wanted->last, 0, "a region is missing");
}

static void free_regions(struct list_head *list)
{
	struct iommu_resv_region *region, *next;

	list_for_each_entry_safe(region, next, list, list)
		kfree(region);
}

static void the_core_knows_the_regions_of_a_device(struct kunit *test)
{
	const struct layout *layout = test->param_value;
	struct mock *mock;
	struct device *dev = start(test, layout->regions, &mock);
	LIST_HEAD(list);

	iommu_get_resv_regions(dev, &list);
	check_regions(test, &list, layout->wanted);
	iommu_put_resv_regions(dev, &list);
}

static void and_those_of_its_group(struct kunit *test)
{
	const struct layout *layout = test->param_value;
	struct mock *mock;
	struct device *dev = start(test, layout->regions, &mock);
	LIST_HEAD(list);

	KUNIT_EXPECT_EQ(test, iommu_get_group_resv_regions(dev->iommu_group, &list), 0);
	check_regions(test, &list, layout->wanted);
	free_regions(&list);
}

/* Two devices with an ID in common, of which one brings a region of its own */
static void a_group_reserves_what_one_of_its_devices_does(struct kunit *test)
{
	static const struct virtio_iommu_probe_resv_mem own = {
		.head.type = cpu_to_le16(VIRTIO_IOMMU_PROBE_T_RESV_MEM),
		.head.length = cpu_to_le16(sizeof(own) - sizeof(own.head)),
		.subtype = RESERVED,
		.start = cpu_to_le64(0x5000000),
		.end = cpu_to_le64(0x50fffff),
	};
	static const struct wanted wanted[] = {
		{ IOMMU_RESV_RESERVED, 0x1000, 0x1fff },
		{ IOMMU_RESV_RESERVED, 0x5000000, 0x50fffff }, WINDOW, { }
	};
	static const struct mock_region regions[] = {
		{ RESERVED, 0x1000, 0x1fff }, { MSI, MOCK_MSI_START, MOCK_MSI_LAST }, { }
	};
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_PROBE, .endpoint = 0x99, .how = MOCK_FILL,
		.fill = &own, .fill_len = sizeof(own),
	};
	const u32 shared[] = { 0x99, ID };
	struct mock *mock;
	struct device *dev = start(test, regions, &mock), *other;
	LIST_HEAD(list);

	mock_script(mock, &script);
	other = mock_endpoint_ids(mock, shared, 2);
	KUNIT_ASSERT_PTR_EQ(test, dev->iommu_group, other->iommu_group);
	KUNIT_EXPECT_EQ(test, iommu_get_group_resv_regions(dev->iommu_group, &list), 0);
	check_regions(test, &list, wanted);
	free_regions(&list);
}

static const struct virtio_iommu_probe_resv_mem own_regions[] = {
	{
		.head.type = cpu_to_le16(VIRTIO_IOMMU_PROBE_T_RESV_MEM),
		.head.length = cpu_to_le16(20),
		.start = cpu_to_le64(0x5000000),
		.end = cpu_to_le64(0x50fffff),
	}, {
		.head.type = cpu_to_le16(VIRTIO_IOMMU_PROBE_T_RESV_MEM),
		.head.length = cpu_to_le16(20),
		.start = cpu_to_le64(0x6000000),
		.end = cpu_to_le64(0x60fffff),
	},
};

static void script_region(struct mock *mock, u32 id, unsigned int i)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_PROBE, .endpoint = id, .how = MOCK_FILL,
		.fill = &own_regions[i], .fill_len = sizeof(own_regions[i]),
	};

	mock_script(mock, &script);
}

/* Two devices with an ID in common, each of which brings a region of its own */
static void identity_of_a_group_leaves_out_what_each_reserves(struct kunit *test)
{
	static const u32 left[] = { 0x98, ID }, right[] = { 0x99, ID };
	struct mock *mock = mock_start_features(test, mock_strict, 0,
						BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG));
	struct device *a, *b;

	script_region(mock, 0x98, 0);
	script_region(mock, 0x99, 1);
	a = mock_endpoint_ids(mock, left, 2);
	b = mock_endpoint_ids(mock, right, 2);
	KUNIT_ASSERT_PTR_EQ(test, a->iommu_group, b->iommu_group);
	KUNIT_ASSERT_EQ(test, core_set_type(a, "identity"), 0);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, 0x4fff000), 0x4fff000);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, 0x5000000), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, 0x60ff000), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, 0x6100000), 0x6100000);
}

/* Where no doorbell is told of: on x86 the window, elsewhere room to map one in */
static void some_place_for_msis_there_is(struct kunit *test)
{
	static const struct wanted x86[] = { WINDOW, { } };
	static const struct wanted software[] = {
		{ IOMMU_RESV_SW_MSI, SW_MSI_START, SW_MSI_START + SW_MSI_SIZE - 1 }, { }
	};
	static const struct mock_region none[] = { { } };
	struct mock *mock;
	struct device *dev = start(test, none, &mock);
	LIST_HEAD(list);

	iommu_get_resv_regions(dev, &list);
	check_regions(test, &list, IS_ENABLED(CONFIG_X86) ? x86 : software);
	iommu_put_resv_regions(dev, &list);
}

static void room_for_msis_avoids_what_is_reserved(struct kunit *test)
{
	static const struct mock_region taken[] = {
		{ RESERVED, SW_MSI_START + SZ_4K, SW_MSI_START + SZ_8K }, { }
	};
	struct iommu_resv_region *region;
	struct mock *mock;
	struct device *dev = start(test, taken, &mock);
	bool found = false;
	LIST_HEAD(list);

	if (IS_ENABLED(CONFIG_X86))
		kunit_skip(test, "x86 has a window for MSIs");
	iommu_get_resv_regions(dev, &list);
	list_for_each_entry(region, &list, list) {
		if (region->type != IOMMU_RESV_SW_MSI)
			continue;
		found = true;
		KUNIT_EXPECT_EQ(test, region->start, SW_MSI_START + SW_MSI_SIZE);
		KUNIT_EXPECT_EQ(test, region->length, SW_MSI_SIZE);
	}
	KUNIT_EXPECT_TRUE(test, found);
	iommu_put_resv_regions(dev, &list);
}

/* ---- Nothing is mapped there ----------------------------------------------------- */

/* An input_range of 3 MiB of which the middle one is reserved: all of it is used up. */
static void no_address_inside_a_region_is_given_out(struct kunit *test)
{
	const unsigned int pages = 2 * SZ_1M >> PAGE_SHIFT;
	dma_addr_t *dma = kunit_kcalloc(test, pages + 1, sizeof(*dma), GFP_KERNEL);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	struct mock_profile profile = *mock_strict;
	struct device *dev;
	struct mock *mock;
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, dma && ram);
	profile.input_start = MOCK_MSI_START - SZ_1M;
	profile.input_last = MOCK_MSI_LAST + SZ_1M;
	mock = mock_start(test, &profile);
	dev = mock_endpoint(mock, ID);
	for (i = 0; i <= pages; i++) {
		dma[i] = dma_map_single(dev, ram, PAGE_SIZE, DMA_TO_DEVICE);
		if (dma_mapping_error(dev, dma[i]))
			break;
		KUNIT_EXPECT_TRUE(test, dma[i] < MOCK_MSI_START || dma[i] > MOCK_MSI_LAST);
	}
	KUNIT_EXPECT_EQ(test, i, pages);
	while (i--)
		dma_unmap_single(dev, dma[i], PAGE_SIZE, DMA_TO_DEVICE);
	KUNIT_EXPECT_EQ(test, mock_violations(mock, 15), 0);
}

static struct kunit_case region_cases[] = {
	KUNIT_CASE_PARAM(the_core_knows_the_regions_of_a_device, layout_gen_params),
	KUNIT_CASE_PARAM(and_those_of_its_group, layout_gen_params),
	KUNIT_CASE(a_group_reserves_what_one_of_its_devices_does),
	KUNIT_CASE(identity_of_a_group_leaves_out_what_each_reserves),
	KUNIT_CASE(some_place_for_msis_there_is),
	KUNIT_CASE(room_for_msis_avoids_what_is_reserved),
	KUNIT_CASE(no_address_inside_a_region_is_given_out),
	{ }
};

static struct kunit_suite region_suite = {
	.name = "viommu_group_region",
	.test_cases = region_cases,
};

kunit_test_suite(region_suite);
