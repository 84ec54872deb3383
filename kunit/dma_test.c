// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA API on top of the driver: what a device reads and writes of buffers
 * of all kinds, and that it no longer does when they are unmapped.
 */
#include <linux/scatterlist.h>

#include "dma_bench.h"

/* As large as kmalloc() has them */
#define MOST		SZ_4M

/* ---- One buffer ------------------------------------------------------------------ */

static void check_device_writes(struct kunit *test, struct bench *bench, dma_addr_t dma,
				const u8 *ram, size_t size)
{
	u8 *sent = vmalloc(size);

	KUNIT_ASSERT_NOT_NULL(test, sent);
	get_random_bytes(sent, size);
	KUNIT_EXPECT_EQ(test, mock_dma_write(bench->dev, dma, sent, size), 0);
	KUNIT_EXPECT_EQ(test, memcmp(sent, ram, size), 0);
	vfree(sent);
}

/* The pages of a buffer, and not a byte more */
static void check_bounds(struct kunit *test, struct bench *bench, dma_addr_t dma, size_t size,
			 u32 flags)
{
	u64 first = dma & PAGE_MASK, end = PAGE_ALIGN(dma + size);

	KUNIT_EXPECT_TRUE(test, may(bench, first, flags));
	KUNIT_EXPECT_FALSE(test, may(bench, first - 1, flags));
	KUNIT_EXPECT_TRUE(test, may(bench, end - 1, flags));
	KUNIT_EXPECT_FALSE(test, may(bench, end, flags));
}

struct shape {
	size_t size;
	unsigned int offset;
};

static const struct shape shapes[] = {
	{ 1, 0 }, { 1, 4095 }, { 2, 4095 }, { 511, 100 }, { 4095, 1 }, { 4096, 0 },
	{ 4096, 1 }, { 4097, 0 }, { SZ_64K + 1, 4095 }, { SZ_1M, 0 }, { SZ_1M, 42 },
	{ SZ_2M, 0 }, { SZ_2M + 1, 17 }, { MOST - 17, 17 }, { MOST, 0 },
};

/* What one MAP each is for: what the IOMMU core cuts a buffer into */
static unsigned int pieces(size_t size)
{
	return size < SZ_2M ? 1 : 3;
}

static void once(struct kunit *test, struct bench *bench, u8 *area, const struct shape *shape)
{
	u8 *ram = area + shape->offset;
	dma_addr_t dma;

	mock_mark(bench->mock);
	dma = dma_map_single(bench->dev, ram, shape->size, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench->dev, dma));
	KUNIT_EXPECT_GE(test, mock_count(bench->mock, VIRTIO_IOMMU_T_MAP), 1);
	KUNIT_EXPECT_LE(test, mock_count(bench->mock, VIRTIO_IOMMU_T_MAP), pieces(shape->size));
	check_device_reads(test, bench, dma, ram, shape->size);
	check_device_writes(test, bench, dma, ram, shape->size);
	check_bounds(test, bench, dma, shape->size, CORE_DEVICE_RW);

	dma_unmap_single(bench->dev, dma, shape->size, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_TRUE(test, flushed(bench));
	KUNIT_EXPECT_FALSE(test, may(bench, dma, VIRTIO_IOMMU_MAP_F_READ));
	KUNIT_EXPECT_NE(test, mock_dma_write(bench->dev, dma, area, 1), 0);
}

static void buffers_of_all_sizes(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *area = buffer(test, MOST);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(shapes); i++)
		once(test, &bench, area, &shapes[i]);
}

static void one_buffer_on_each_device(struct kunit *test)
{
	const struct shape shape = { 3 * SZ_4K, 4095 };
	u8 *area = buffer(test, SZ_64K);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		struct bench bench = start_as(test, test->param_value, modes[i]);

		/* Whatever it is that such a device stays in */
		bench.lazy |= !!(mock_profile(bench.mock)->quirks & MOCK_Q_STAYS);
		once(test, &bench, area, &shape);
		mock_unregister(bench.mock);
	}
}

static void a_page_of_a_page(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, SZ_16K);
	dma_addr_t dma = dma_map_page(bench.dev, virt_to_page(ram), 4097, 8192, DMA_TO_DEVICE);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench.dev, dma));
	check_device_reads(test, &bench, dma, ram + 4097, 8192);
	check_bounds(test, &bench, dma, 8192, VIRTIO_IOMMU_MAP_F_READ);
	dma_unmap_page(bench.dev, dma, 8192, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
}

static void directions_are_permissions(struct kunit *test)
{
	static const struct {
		enum dma_data_direction dir;
		bool reads, writes;
	} cases[] = {
		{ DMA_TO_DEVICE, true, false },
		{ DMA_FROM_DEVICE, false, true },
		{ DMA_BIDIRECTIONAL, true, true },
	};
	struct bench bench = start(test);
	u8 *ram = buffer(test, PAGE_SIZE), byte = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		dma_addr_t dma = dma_map_single(bench.dev, ram, PAGE_SIZE, cases[i].dir);

		KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench.dev, dma));
		KUNIT_EXPECT_EQ(test, !mock_dma_read(bench.dev, dma, &byte, 1), cases[i].reads);
		KUNIT_EXPECT_EQ(test, !mock_dma_write(bench.dev, dma, &byte, 1), cases[i].writes);
		dma_unmap_single(bench.dev, dma, PAGE_SIZE, cases[i].dir);
	}
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
}

/* ---- Other ways to map ----------------------------------------------------------- */

#define PIECES	40

/* Pieces of three pages each, at odd places, with a page between them */
static void scatter(struct scatterlist *sg, u8 *ram)
{
	unsigned int i;

	sg_init_table(sg, PIECES);
	for (i = 0; i < PIECES; i++)
		sg_set_buf(&sg[i], ram + 4 * PAGE_SIZE * i + 100 * (i % 7), 2 * PAGE_SIZE + 13 * i);
}

static void check_sg(struct kunit *test, struct bench *bench, struct scatterlist *table,
		     unsigned int nents)
{
	u8 *sent = kunit_kmalloc(test, SZ_1M, GFP_KERNEL), *at = sent;
	u8 *got = kunit_kzalloc(test, SZ_1M, GFP_KERNEL);
	struct scatterlist *sg;
	unsigned int i;
	size_t size;

	KUNIT_ASSERT_TRUE(test, sent && got);
	get_random_bytes(sent, SZ_1M);
	for_each_sg(table, sg, nents, i) {
		KUNIT_EXPECT_EQ(test, mock_dma_write(bench->dev, sg_dma_address(sg), at,
						     sg_dma_len(sg)), 0);
		at += sg_dma_len(sg);
	}
	/* In memory, in order */
	size = sg_copy_to_buffer(table, PIECES, got, SZ_1M);
	KUNIT_EXPECT_EQ(test, size, at - sent);
	KUNIT_EXPECT_EQ(test, memcmp(got, sent, size), 0);
}

static void a_scatter_list(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, PIECES * 4 * PAGE_SIZE);
	struct scatterlist *sg = kunit_kcalloc(test, PIECES, sizeof(*sg), GFP_KERNEL);
	int nents;

	KUNIT_ASSERT_NOT_NULL(test, sg);
	scatter(sg, ram);
	nents = dma_map_sg(bench.dev, sg, PIECES, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_GT(test, nents, 0);
	KUNIT_EXPECT_EQ(test, mock_count(bench.mock, VIRTIO_IOMMU_T_MAP), PIECES);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench.mock), 1);
	check_sg(test, &bench, sg, nents);

	dma_unmap_sg(bench.dev, sg, PIECES, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
	KUNIT_EXPECT_EQ(test, mock_count(bench.mock, VIRTIO_IOMMU_T_UNMAP), 1);
}

static void coherent_memory(struct kunit *test)
{
	static const size_t sizes[] = { 1, 4096, 3 * 4096 + 1, SZ_1M };
	static const gfp_t gfps[] = { GFP_KERNEL, GFP_ATOMIC };
	struct bench bench = start(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes) * ARRAY_SIZE(gfps); i++) {
		size_t size = sizes[i / ARRAY_SIZE(gfps)];
		dma_addr_t dma;
		void *ram = dma_alloc_coherent(bench.dev, size, &dma, gfps[i % ARRAY_SIZE(gfps)]);

		KUNIT_ASSERT_NOT_NULL(test, ram);
		check_device_writes(test, &bench, dma, ram, size);
		check_device_reads(test, &bench, dma, ram, size);
		check_bounds(test, &bench, dma, size, CORE_DEVICE_RW);
		dma_free_coherent(bench.dev, size, ram, dma);
		KUNIT_EXPECT_TRUE(test, flushed(&bench));
		KUNIT_EXPECT_FALSE(test, may(&bench, dma, VIRTIO_IOMMU_MAP_F_READ));
	}
}

/* Registers of another device; no memory is there. */
static void device_registers(struct kunit *test)
{
	struct bench bench = start(test);
	struct mock_request request = {};
	dma_addr_t dma = dma_map_resource(bench.dev, CORE_PHYS + 0x123, SZ_64K, DMA_FROM_DEVICE,
					  0);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench.dev, dma));
	KUNIT_EXPECT_TRUE(test, mock_last(bench.mock, VIRTIO_IOMMU_T_MAP, &request));
	KUNIT_EXPECT_EQ(test, request.flags, VIRTIO_IOMMU_MAP_F_WRITE | VIRTIO_IOMMU_MAP_F_MMIO);
	KUNIT_EXPECT_EQ(test, core_reaches_as(bench.mock, ID, dma, VIRTIO_IOMMU_MAP_F_WRITE),
			CORE_PHYS + 0x123);
	KUNIT_EXPECT_FALSE(test, may(&bench, dma, VIRTIO_IOMMU_MAP_F_READ));
	dma_unmap_resource(bench.dev, dma, SZ_64K, DMA_FROM_DEVICE, 0);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
}

/* ---- Addresses ------------------------------------------------------------------- */

static void a_mask_of_32_bits_is_kept_to(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, SZ_1M);
	dma_addr_t dma[16];
	unsigned int i;

	KUNIT_ASSERT_EQ(test, dma_set_mask_and_coherent(bench.dev, DMA_BIT_MASK(32)), 0);
	for (i = 0; i < ARRAY_SIZE(dma); i++) {
		dma[i] = dma_map_single(bench.dev, ram, SZ_1M, DMA_TO_DEVICE);
		KUNIT_ASSERT_FALSE(test, dma_mapping_error(bench.dev, dma[i]));
		KUNIT_EXPECT_LE(test, dma[i] + SZ_1M, SZ_4G);
	}
	check_device_reads(test, &bench, dma[15], ram, SZ_1M);
	for (i = 0; i < ARRAY_SIZE(dma); i++)
		dma_unmap_single(bench.dev, dma[i], SZ_1M, DMA_TO_DEVICE);
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
}

/* With a mask of 20 bits, and input_range from 64K on, there are 240 pages. */
static void addresses_may_run_out(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, PAGE_SIZE);
	const unsigned int pages = (SZ_1M - SZ_64K) >> PAGE_SHIFT;
	dma_addr_t *dma = kunit_kcalloc(test, pages + 1, sizeof(*dma), GFP_KERNEL);
	unsigned int i, round;

	KUNIT_ASSERT_NOT_NULL(test, dma);
	KUNIT_ASSERT_EQ(test, dma_set_mask(bench.dev, DMA_BIT_MASK(20)), 0);
	for (round = 0; round < 2; round++) {
		for (i = 0; i <= pages; i++) {
			dma[i] = dma_map_single(bench.dev, ram, PAGE_SIZE, DMA_TO_DEVICE);
			if (dma_mapping_error(bench.dev, dma[i]))
				break;
			KUNIT_EXPECT_LT(test, dma[i], SZ_1M);
		}
		KUNIT_EXPECT_EQ(test, i, pages);
		while (i--)
			dma_unmap_single(bench.dev, dma[i], PAGE_SIZE, DMA_TO_DEVICE);
		KUNIT_EXPECT_TRUE(test, flushed(&bench));
	}
}

static void a_refused_map_is_a_mapping_error(struct kunit *test)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_DEVERR,
	};
	struct bench bench = start(test);
	u8 *ram = buffer(test, PAGE_SIZE);

	mock_script(bench.mock, &script);
	KUNIT_EXPECT_TRUE(test, dma_mapping_error(bench.dev,
						  dma_map_single(bench.dev, ram, PAGE_SIZE,
								 DMA_TO_DEVICE)));
	KUNIT_EXPECT_TRUE(test, flushed(&bench));
	KUNIT_EXPECT_EQ(test, core_dma(bench.dev), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case dma_cases[] = {
	KUNIT_CASE_PARAM(buffers_of_all_sizes, mode_gen_params),
	KUNIT_CASE_PROFILES(one_buffer_on_each_device),
	KUNIT_CASE_PARAM(a_page_of_a_page, mode_gen_params),
	KUNIT_CASE_PARAM(directions_are_permissions, mode_gen_params),
	KUNIT_CASE_PARAM(a_scatter_list, mode_gen_params),
	KUNIT_CASE_PARAM(coherent_memory, mode_gen_params),
	KUNIT_CASE_PARAM(device_registers, mode_gen_params),
	KUNIT_CASE_PARAM(a_mask_of_32_bits_is_kept_to, mode_gen_params),
	KUNIT_CASE_PARAM(addresses_may_run_out, mode_gen_params),
	KUNIT_CASE_PARAM(a_refused_map_is_a_mapping_error, mode_gen_params),
	{ }
};

static struct kunit_suite dma_suite = {
	.name = "viommu_dma",
	.test_cases = dma_cases,
};

kunit_test_suite(dma_suite);
