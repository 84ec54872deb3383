// SPDX-License-Identifier: GPL-2.0
/*
 * Mapping and unmapping in a domain that a device is attached to: every edge
 * of what the device allows, what is one request and what is several, and that
 * what fails leaves nothing behind.
 */
#include "core.h"

#define ID	0x41

/* A device, attached to a domain of the test's own */
struct bench {
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;
};

static struct bench start(struct kunit *test, const struct mock_profile *profile)
{
	struct bench bench;

	bench.mock = mock_start(test, profile);
	bench.dev = mock_endpoint(bench.mock, ID);
	bench.domain = core_domain(test, bench.dev);
	KUNIT_ASSERT_EQ(test, core_attach(test, bench.domain, bench.dev), 0);
	mock_mark(bench.mock);
	return bench;
}

static int map(struct bench *bench, u64 iova, size_t size)
{
	return iommu_map(bench->domain, iova, CORE_PHYS + iova % SZ_4G, size, CORE_RW,
			 GFP_KERNEL);
}

static u64 behind(u64 iova)
{
	return CORE_PHYS + iova % SZ_4G;
}

static unsigned int maps(struct bench *bench)
{
	return mock_count(bench->mock, VIRTIO_IOMMU_T_MAP);
}

static unsigned int unmaps(struct bench *bench)
{
	return mock_count(bench->mock, VIRTIO_IOMMU_T_UNMAP);
}

static u64 reaches(struct bench *bench, u64 iova)
{
	return core_reaches(bench->mock, ID, iova);
}

/* ---- The ends of input_range ----------------------------------------------------- */

struct iova_range {
	const char *name;
	u64 start;
	u64 last;
	u64 first_page;
	u64 last_page;
};

#define PAGE(n)		((u64)(n) << PAGE_SHIFT)

static const struct iova_range ranges[] = {
	{ "everything", 0, U64_MAX, 0, -2 * PAGE(1) },
	{ "48 bits", 0, BIT_ULL(48) - 1, 0, BIT_ULL(48) - PAGE(1) },
	{ "from 64K on", SZ_64K, BIT_ULL(39) - 1, SZ_64K, BIT_ULL(39) - PAGE(1) },
	{ "not on borders", 0x12345678, 0x87654321, 0x12346000, 0x87653000 },
	{ "the upper half", BIT_ULL(63), U64_MAX, BIT_ULL(63), -2 * PAGE(1) },
	{ "two pages", SZ_1G, SZ_1G + 2 * SZ_4K - 1, SZ_1G, SZ_1G + SZ_4K },
};

KUNIT_ARRAY_PARAM_DESC(range, ranges, name);

static struct bench start_with_range(struct kunit *test)
{
	const struct iova_range *range = test->param_value;
	struct mock_profile profile = *mock_strict;

	if (PAGE_SIZE != SZ_4K)
		kunit_skip(test, "written for pages of 4K");
	profile.input_start = range->start;
	profile.input_last = range->last;
	profile.nr_regions = 0;
	return start(test, &profile);
}

static void the_ends_of_input_range_can_be_mapped(struct kunit *test)
{
	const struct iova_range *range = test->param_value;
	struct bench bench = start_with_range(test);

	KUNIT_EXPECT_EQ(test, map(&bench, range->first_page, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, map(&bench, range->last_page, PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, reaches(&bench, range->first_page), behind(range->first_page));
	KUNIT_EXPECT_EQ(test, reaches(&bench, range->last_page + PAGE_SIZE - 1),
			behind(range->last_page + PAGE_SIZE - 1));
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, range->first_page, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, range->last_page, PAGE_SIZE), PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}

static void nothing_beyond_them_can(struct kunit *test)
{
	const struct iova_range *range = test->param_value;
	struct bench bench = start_with_range(test);

	KUNIT_EXPECT_LT(test, map(&bench, range->last_page + PAGE_SIZE, PAGE_SIZE), 0);
	KUNIT_EXPECT_LT(test, map(&bench, range->last_page, 2 * PAGE_SIZE), 0);
	if (range->first_page) {
		KUNIT_EXPECT_LT(test, map(&bench, range->first_page - PAGE_SIZE, PAGE_SIZE), 0);
		KUNIT_EXPECT_LT(test, map(&bench, range->first_page - PAGE_SIZE, 2 * PAGE_SIZE),
				0);
	}
	KUNIT_EXPECT_EQ(test, maps(&bench), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(bench.domain, range->last_page), 0);
}

static void all_of_it_can_be_mapped_at_once(struct kunit *test)
{
	const struct iova_range *range = test->param_value;
	struct bench bench = start_with_range(test);
	size_t size = range->last_page - range->first_page + PAGE_SIZE;

	KUNIT_ASSERT_EQ(test, iommu_map(bench.domain, range->first_page, range->first_page, size,
					CORE_RW, GFP_KERNEL), 0);
	KUNIT_EXPECT_LE(test, maps(&bench), 5);
	KUNIT_EXPECT_EQ(test, reaches(&bench, range->first_page), range->first_page);
	KUNIT_EXPECT_EQ(test, reaches(&bench, range->last_page), range->last_page);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, range->first_page, size), size);
	KUNIT_EXPECT_EQ(test, unmaps(&bench), 1);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}

/* ---- Page sizes ------------------------------------------------------------------ */

struct granule {
	const char *name;
	u64 mask;
	unsigned long granule;
};

static const struct granule granules[] = {
	{ "a page", PAGE_SIZE, PAGE_SIZE },
	{ "a page and all above", ~(PAGE_SIZE - 1ULL), PAGE_SIZE },
	{ "a page and 2M", PAGE_SIZE | SZ_2M, PAGE_SIZE },
	{ "512 bytes", 512, SZ_4K },
	{ "a byte", 1, SZ_4K },
	{ "1K and 1G", SZ_1K | SZ_1G, SZ_4K },
};

KUNIT_ARRAY_PARAM_DESC(granule, granules, name);

static void granules_up_to_a_page_will_do(struct kunit *test)
{
	const struct granule *granule = test->param_value;
	struct mock_profile profile = *mock_strict;
	struct bench bench;

	profile.page_size_mask = granule->mask;
	bench = start(test, &profile);
	KUNIT_EXPECT_EQ(test, 1UL << __ffs(bench.domain->pgsize_bitmap), granule->granule);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA, granule->granule), 0);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA + granule->granule, SZ_2M), 0);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + granule->granule),
			behind(CORE_IOVA + granule->granule));
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA + SZ_8M, granule->granule / 2), -EINVAL);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA, SZ_2M + granule->granule),
			SZ_2M + granule->granule);
}

/* ---- How many requests ----------------------------------------------------------- */

struct buffer {
	const char *name;
	u64 iova;
	u64 phys;
	size_t size;
	unsigned int maps;
};

static const struct buffer buffers[] = {
	{ "a page", SZ_1G, CORE_PHYS, SZ_4K, 1 },
	{ "511 pages", SZ_1G, CORE_PHYS, SZ_2M - SZ_4K, 1 },
	{ "2M", SZ_1G, CORE_PHYS, SZ_2M, 1 },
	{ "1G", SZ_1G, CORE_PHYS, SZ_1G, 1 },
	{ "64G", SZ_1G, CORE_PHYS, 64ULL * SZ_1G, 1 },
	{ "1G, at odds", SZ_1G, CORE_PHYS + SZ_4K, SZ_1G, 1 },
	{ "1G, at odds with 1G", SZ_1G, CORE_PHYS + SZ_2M, SZ_1G, 1 },
	{ "1G and a page", SZ_1G, CORE_PHYS, SZ_1G + SZ_4K, 2 },
	{ "from a page below 2M", SZ_1G - SZ_4K, CORE_PHYS - SZ_4K, SZ_2M + SZ_8K, 3 },
	{ "every size twice", SZ_1G - SZ_2M - SZ_4K, CORE_PHYS - SZ_2M - SZ_4K,
	  SZ_1G + 2 * SZ_2M + 2 * SZ_4K, 5 },
};

KUNIT_ARRAY_PARAM_DESC(buffer, buffers, name);

static void few_requests_for_a_contiguous_buffer(struct kunit *test)
{
	const struct buffer *buffer = test->param_value;
	struct mock_profile profile = *mock_strict;
	struct bench bench;

	profile.nr_regions = 0;
	bench = start(test, &profile);
	KUNIT_ASSERT_EQ(test, iommu_map(bench.domain, buffer->iova, buffer->phys, buffer->size,
					CORE_RW, GFP_KERNEL), 0);
	KUNIT_EXPECT_LE(test, maps(&bench), buffer->maps);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench.mock), 1);
	KUNIT_EXPECT_EQ(test, reaches(&bench, buffer->iova), buffer->phys);
	KUNIT_EXPECT_EQ(test, reaches(&bench, buffer->iova + buffer->size - 1),
			buffer->phys + buffer->size - 1);
	KUNIT_EXPECT_EQ(test, reaches(&bench, buffer->iova + buffer->size), CORE_REFUSED);

	mock_mark(bench.mock);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, buffer->iova, buffer->size),
			buffer->size);
	KUNIT_EXPECT_EQ(test, unmaps(&bench), 1);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench.mock), 1);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}

/* ---- Unmapping more or less than was mapped -------------------------------------- */

static void neighbours_go_with_one_request(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	unsigned int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA + i * SZ_16K, SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA, 3 * SZ_16K), 3 * SZ_16K);
	KUNIT_EXPECT_EQ(test, unmaps(&bench), 1);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}

static void only_what_was_asked_for_goes(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	unsigned int i;

	for (i = 0; i < 3; i++)
		KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA + i * SZ_16K, SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA + SZ_16K, SZ_16K), SZ_16K);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + SZ_16K - 1),
			behind(CORE_IOVA + SZ_16K - 1));
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + SZ_16K), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + 2 * SZ_16K - 1), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + 2 * SZ_16K),
			behind(CORE_IOVA + 2 * SZ_16K));
}

static size_t unmap_fast(struct bench *bench, unsigned int i, struct iommu_iotlb_gather *gather)
{
	return iommu_unmap_fast(bench->domain, CORE_IOVA + i * SZ_16K, SZ_16K, gather);
}

/* As VFIO does. What touches is one request, what lies between is somebody else's. */
static void several_unmaps_with_one_sync(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	struct iommu_iotlb_gather gather;
	unsigned int i;

	for (i = 0; i < 5; i++)
		KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA + i * SZ_16K, SZ_16K), 0);
	iommu_iotlb_gather_init(&gather);
	KUNIT_EXPECT_EQ(test, unmap_fast(&bench, 0, &gather), SZ_16K);
	KUNIT_EXPECT_EQ(test, unmap_fast(&bench, 1, &gather), SZ_16K);
	KUNIT_EXPECT_EQ(test, unmap_fast(&bench, 3, &gather), SZ_16K);
	iommu_iotlb_sync(bench.domain, &gather);
	KUNIT_EXPECT_EQ(test, unmaps(&bench), 2);
	for (i = 0; i < 5; i++)
		KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + i * SZ_16K),
				i % 2 == 0 && i ? behind(CORE_IOVA + i * SZ_16K) : CORE_REFUSED);
}

/* The core's word: "iova + res will be the point unmapping stopped" */
static void unmapping_stops_at_a_hole(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);

	KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA, SZ_16K), 0);
	KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA + SZ_64K, SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA - SZ_16K, SZ_1M), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA, SZ_1M), SZ_16K);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + SZ_64K), behind(CORE_IOVA + SZ_64K));
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 1);
}

static void nothing_is_unmapped_where_nothing_is(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);

	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA, SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, mock_count(bench.mock, 0), 0);
}

static void a_mapping_is_not_split(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	size_t size;

	KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA, SZ_64K), 0);
	/* From its middle, nothing of it goes */
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA + SZ_16K, SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + SZ_16K), behind(CORE_IOVA + SZ_16K));
	KUNIT_EXPECT_EQ(test, unmaps(&bench), 0);
	/* From its start, all of it, and the caller learns by how much that is more */
	size = iommu_unmap(bench.domain, CORE_IOVA, SZ_16K);
	KUNIT_EXPECT_EQ(test, size, SZ_64K);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + SZ_64K - 1), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
}

/* ---- Looking up ------------------------------------------------------------------ */

static void iova_to_phys_knows_what_is_mapped(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	struct iommu_domain *domain = bench.domain;

	KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA, SZ_64K), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA - 1), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA), behind(CORE_IOVA));
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA + 4711),
			behind(CORE_IOVA + 4711));
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA + SZ_64K - 1),
			behind(CORE_IOVA + SZ_64K - 1));
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA + SZ_64K), 0);
	iommu_unmap(domain, CORE_IOVA, SZ_64K);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA), 0);
}

/* ---- What fails leaves nothing --------------------------------------------------- */

static void nothing_is_mapped_twice(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);

	KUNIT_ASSERT_EQ(test, map(&bench, CORE_IOVA, SZ_64K), 0);
	mock_mark(bench.mock);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA, SZ_64K), -EEXIST);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA + SZ_16K, SZ_16K), -EEXIST);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA - SZ_16K, SZ_32K), -EEXIST);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA + SZ_64K - PAGE_SIZE, SZ_64K), -EEXIST);
	KUNIT_EXPECT_EQ(test, map(&bench, CORE_IOVA - SZ_16K, SZ_1M), -EEXIST);
	KUNIT_EXPECT_EQ(test, maps(&bench), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 1);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA), behind(CORE_IOVA));
}

/* Of a range that is several MAPs, those before the one that is in the way are undone. */
static void half_a_range_is_undone(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	const u64 iova = SZ_2G;

	KUNIT_ASSERT_EQ(test, map(&bench, iova + 2 * SZ_2M, SZ_4K), 0);
	KUNIT_EXPECT_EQ(test, map(&bench, iova, 2 * SZ_2M + SZ_8K), -EEXIST);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 1);
	KUNIT_EXPECT_EQ(test, reaches(&bench, iova), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(bench.domain, iova), 0);
	KUNIT_EXPECT_EQ(test, map(&bench, iova, 2 * SZ_2M), 0);
}

static int map_refused(struct kunit *test, struct bench *bench, unsigned int nth, u8 status)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .skip = nth, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = status,
	};
	int err;

	mock_script(bench->mock, &script);
	/* Three MAPs: pages, 2M and pages */
	err = map(bench, SZ_2G - SZ_8K, SZ_2M + SZ_16K);
	KUNIT_EXPECT_EQ(test, mock_script_hits(bench->mock), 1);
	mock_script_clear(bench->mock);
	return err;
}

static void what_the_device_refuses_is_undone(struct kunit *test)
{
	const unsigned int *nth = test->param_value;
	struct bench bench = start(test, mock_strict);

	KUNIT_EXPECT_EQ(test, map_refused(test, &bench, *nth, VIRTIO_IOMMU_S_NOMEM), -ENOMEM);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(bench.domain, SZ_2G), 0);
	KUNIT_EXPECT_EQ(test, reaches(&bench, SZ_2G - SZ_8K), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, map(&bench, SZ_2G - SZ_8K, SZ_2M + SZ_16K), 0);
	KUNIT_EXPECT_EQ(test, reaches(&bench, SZ_2G), behind(SZ_2G));
}

static const unsigned int positions[] = { 0, 1, 2 };

static void position_describe(const unsigned int *nth, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "MAP %u", *nth + 1);
}

KUNIT_ARRAY_PARAM(position, positions, position_describe);

/* ---- Permissions ----------------------------------------------------------------- */

struct permission {
	const char *name;
	int prot;
	u32 flags;
};

static const struct permission permissions[] = {
	{ "read", IOMMU_READ, VIRTIO_IOMMU_MAP_F_READ },
	{ "write", IOMMU_WRITE, VIRTIO_IOMMU_MAP_F_WRITE },
	{ "both", CORE_RW, CORE_DEVICE_RW },
	{ "of no concern", CORE_RW | IOMMU_CACHE | IOMMU_NOEXEC | IOMMU_PRIV, CORE_DEVICE_RW },
	{ "registers", CORE_RW | IOMMU_MMIO, CORE_DEVICE_RW | VIRTIO_IOMMU_MAP_F_MMIO },
};

KUNIT_ARRAY_PARAM_DESC(permission, permissions, name);

static u32 flags_of_a_map(struct kunit *test, struct bench *bench, int prot)
{
	struct mock_request request = {};

	KUNIT_ASSERT_EQ(test, iommu_map(bench->domain, CORE_IOVA, CORE_PHYS, PAGE_SIZE, prot,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_TRUE(test, mock_last(bench->mock, VIRTIO_IOMMU_T_MAP, &request));
	return request.flags;
}

static void only_what_is_permitted_can_be_done(struct kunit *test)
{
	const struct permission *permission = test->param_value;
	struct bench bench = start(test, mock_strict);
	u32 flags;

	KUNIT_EXPECT_EQ(test, flags_of_a_map(test, &bench, permission->prot), permission->flags);
	for (flags = 1; flags <= CORE_DEVICE_RW; flags++)
		KUNIT_EXPECT_EQ(test, core_reaches_as(bench.mock, ID, CORE_IOVA, flags),
				flags & ~permission->flags ? CORE_REFUSED : CORE_PHYS);
}

/* Doorbells and BARs have to be mapped on every device. */
static void registers_are_memory_to_a_device_without_mmio(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct bench bench;

	profile.features &= ~BIT_ULL(VIRTIO_IOMMU_F_MMIO);
	bench = start(test, &profile);
	KUNIT_EXPECT_EQ(test, flags_of_a_map(test, &bench, CORE_RW | IOMMU_MMIO),
			CORE_DEVICE_RW);
}

/* ---- Scatter lists --------------------------------------------------------------- */

static void a_scatter_list_becomes_one_range(struct kunit *test)
{
	struct bench bench = start(test, mock_strict);
	char *ram = kunit_kzalloc(test, 8 * PAGE_SIZE, GFP_KERNEL);
	struct scatterlist sg[3];

	KUNIT_ASSERT_NOT_NULL(test, ram);
	sg_init_table(sg, ARRAY_SIZE(sg));
	sg_set_buf(&sg[0], ram, PAGE_SIZE);
	sg_set_buf(&sg[1], ram + PAGE_SIZE, 2 * PAGE_SIZE);	/* goes on where that ends */
	sg_set_buf(&sg[2], ram + 5 * PAGE_SIZE, PAGE_SIZE);
	KUNIT_ASSERT_EQ(test, iommu_map_sg(bench.domain, CORE_IOVA, sg, 3, CORE_RW, GFP_KERNEL),
			4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, maps(&bench), 2);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench.mock), 1);
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + 2 * PAGE_SIZE),
			virt_to_phys(ram + 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, reaches(&bench, CORE_IOVA + 3 * PAGE_SIZE),
			virt_to_phys(ram + 5 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, iommu_unmap(bench.domain, CORE_IOVA, 4 * PAGE_SIZE),
			4 * PAGE_SIZE);
	KUNIT_EXPECT_EQ(test, unmaps(&bench), 1);
}

static struct kunit_case map_cases[] = {
	KUNIT_CASE_PARAM(the_ends_of_input_range_can_be_mapped, range_gen_params),
	KUNIT_CASE_PARAM(nothing_beyond_them_can, range_gen_params),
	KUNIT_CASE_PARAM(all_of_it_can_be_mapped_at_once, range_gen_params),
	KUNIT_CASE_PARAM(granules_up_to_a_page_will_do, granule_gen_params),
	KUNIT_CASE_PARAM(few_requests_for_a_contiguous_buffer, buffer_gen_params),
	KUNIT_CASE(neighbours_go_with_one_request),
	KUNIT_CASE(only_what_was_asked_for_goes),
	KUNIT_CASE(several_unmaps_with_one_sync),
	KUNIT_CASE(unmapping_stops_at_a_hole),
	KUNIT_CASE(nothing_is_unmapped_where_nothing_is),
	KUNIT_CASE(a_mapping_is_not_split),
	KUNIT_CASE(iova_to_phys_knows_what_is_mapped),
	KUNIT_CASE(nothing_is_mapped_twice),
	KUNIT_CASE(half_a_range_is_undone),
	KUNIT_CASE_PARAM(what_the_device_refuses_is_undone, position_gen_params),
	KUNIT_CASE_PARAM(only_what_is_permitted_can_be_done, permission_gen_params),
	KUNIT_CASE(registers_are_memory_to_a_device_without_mmio),
	KUNIT_CASE(a_scatter_list_becomes_one_range),
	{ }
};

static struct kunit_suite map_suite = {
	.name = "viommu_domain_map",
	.test_cases = map_cases,
};

kunit_test_suite(map_suite);
