// SPDX-License-Identifier: GPL-2.0
/*
 * The DMA API's two steps, IOVA space first and then what is linked into it,
 * in kernels that have them: many MAPs, one notification.
 */
#include <linux/dma-mapping.h>

#ifdef DMA_IOVA_USE_SWIOTLB	/* kernels that have dma_iova_*() */
#include "dma_bench.h"

#define PIECES	40

static void link_pieces(struct kunit *test, struct bench *bench, struct dma_iova_state *state,
			u8 *ram)
{
	unsigned int i;

	KUNIT_ASSERT_TRUE(test, dma_iova_try_alloc(bench->dev, state, 0, PIECES * PAGE_SIZE));
	mock_mark(bench->mock);
	/* Every other page */
	for (i = 0; i < PIECES; i++)
		KUNIT_ASSERT_EQ(test, dma_iova_link(bench->dev, state,
						    virt_to_phys(ram + 2 * i * PAGE_SIZE),
						    i * PAGE_SIZE, PAGE_SIZE, DMA_TO_DEVICE, 0),
				0);
	KUNIT_ASSERT_EQ(test, dma_iova_sync(bench->dev, state, 0, PIECES * PAGE_SIZE), 0);
	KUNIT_EXPECT_EQ(test, mock_count(bench->mock, VIRTIO_IOMMU_T_MAP), PIECES);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench->mock), 1);
}

/* Unmapped at once, in lazy mode as well */
static void iova_space_linked_by_piece(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, 2 * PIECES * PAGE_SIZE);
	struct dma_iova_state state;
	unsigned int i;

	link_pieces(test, &bench, &state, ram);
	for (i = 0; i < PIECES; i++)
		check_device_reads(test, &bench, state.addr + i * PAGE_SIZE,
				   ram + 2 * i * PAGE_SIZE, PAGE_SIZE);
	mock_mark(bench.mock);
	dma_iova_destroy(bench.dev, &state, PIECES * PAGE_SIZE, DMA_TO_DEVICE, 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
	KUNIT_EXPECT_EQ(test, mock_count(bench.mock, VIRTIO_IOMMU_T_UNMAP), 1);
	KUNIT_EXPECT_EQ(test, mock_notifications(bench.mock), 1);
}

static void iova_space_unlinked_by_piece(struct kunit *test)
{
	struct bench bench = start(test);
	u8 *ram = buffer(test, 2 * PIECES * PAGE_SIZE);
	struct dma_iova_state state;
	unsigned int i;

	link_pieces(test, &bench, &state, ram);
	for (i = 0; i < PIECES; i++) {
		dma_iova_unlink(bench.dev, &state, i * PAGE_SIZE, PAGE_SIZE, DMA_TO_DEVICE, 0);
		KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), PIECES - 1 - i);
	}
	dma_iova_free(bench.dev, &state);
}

static void a_link_refused_by_the_device(struct kunit *test)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .skip = 1, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct bench bench = start(test);
	u8 *ram = buffer(test, 4 * PAGE_SIZE);
	struct dma_iova_state state;

	mock_script(bench.mock, &script);
	KUNIT_ASSERT_TRUE(test, dma_iova_try_alloc(bench.dev, &state, 0, 2 * PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, dma_iova_link(bench.dev, &state, virt_to_phys(ram), 0, PAGE_SIZE,
					    DMA_TO_DEVICE, 0), 0);
	KUNIT_EXPECT_EQ(test, dma_iova_link(bench.dev, &state, virt_to_phys(ram) + 2 * PAGE_SIZE,
					    PAGE_SIZE, PAGE_SIZE, DMA_TO_DEVICE, 0), 0);
	KUNIT_EXPECT_EQ(test, dma_iova_sync(bench.dev, &state, 0, 2 * PAGE_SIZE), -ENOMEM);
	dma_iova_destroy(bench.dev, &state, 2 * PAGE_SIZE, DMA_TO_DEVICE, 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(bench.mock), 0);
	KUNIT_EXPECT_EQ(test, core_dma(bench.dev), 0);
}

static struct kunit_case iova_cases[] = {
	KUNIT_CASE_PARAM(iova_space_linked_by_piece, mode_gen_params),
	KUNIT_CASE_PARAM(iova_space_unlinked_by_piece, mode_gen_params),
	KUNIT_CASE_PARAM(a_link_refused_by_the_device, mode_gen_params),
	{ }
};

static struct kunit_suite iova_suite = {
	.name = "viommu_dma_iova",
	.test_cases = iova_cases,
};

kunit_test_suite(iova_suite);
#endif
