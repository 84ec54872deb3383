// SPDX-License-Identifier: GPL-2.0
/*
 * R19 and R26 to R36: MAP and UNMAP.
 */
#include <linux/dma-mapping.h>
#include <linux/mm.h>

#include "conformance.h"

#define ID		0x50
#define IOVA		CONFORM_IOVA
#define MAP		VIRTIO_IOMMU_T_MAP
#define UNMAP		VIRTIO_IOMMU_T_UNMAP

/* ---- R19 ------------------------------------------------------------------------------ */

static const struct {
	u64 first, last;
	bool odd;	/* not whole pages: what room they leave is for the driver to say */
} input_ranges[] = {
	{ SZ_1M, SZ_2G - 1 },
	{ SZ_256M, SZ_256M + 16 * SZ_4K - 1 },
	{ SZ_1M + 0x800, SZ_2G - 0x800, true },
	{ 0, U32_MAX },
	{ SZ_4K, BIT_ULL(52) - 1 },
	{ BIT_ULL(40), BIT_ULL(41) - 1 },
	{ 0, U64_MAX },
};

/* Maps there if the driver will; @good: it has to, else it must not. */
static void try_range(struct kunit *test, struct device *dev, u64 iova, size_t size, bool good)
{
	const phys_addr_t phys = conform_memory(test);
	int err = conform_map(dev, iova, phys, size, CONFORM_RW);

	KUNIT_EXPECT_EQ_MSG(test, !err, good, "0x%llx, %zu bytes: %d", iova, size, err);
	conform_unmap(dev, iova, size);
}

static void try_edges(struct kunit *test, struct device *dev, u64 first, u64 last)
{
	try_range(test, dev, first, PAGE_SIZE, true);
	if (first)
		try_range(test, dev, first - PAGE_SIZE, PAGE_SIZE, false);
	if (first)
		try_range(test, dev, first - PAGE_SIZE, 2 * PAGE_SIZE, false);
	if (last == U64_MAX)
		return;
	try_range(test, dev, last + 1 - PAGE_SIZE, PAGE_SIZE, true);
	try_range(test, dev, last + 1, PAGE_SIZE, false);
	try_range(test, dev, last + 1 - PAGE_SIZE, 2 * PAGE_SIZE, false);
}

static void try_odd_edges(struct kunit *test, struct device *dev, u64 first, u64 last)
{
	const u64 inside = round_up(first, PAGE_SIZE), outside = round_down(first, PAGE_SIZE);

	try_range(test, dev, inside, PAGE_SIZE, true);
	try_range(test, dev, outside, PAGE_SIZE, false);
	try_range(test, dev, outside, 2 * PAGE_SIZE, false);
	try_range(test, dev, round_down(last, PAGE_SIZE), PAGE_SIZE, false);
	try_range(test, dev, round_down(last, PAGE_SIZE) - PAGE_SIZE, PAGE_SIZE, true);
}

/* The DMA API looks for room by itself, 16 pages being all that some have. */
static void try_dma(struct kunit *test, struct device *dev)
{
	void *page = kunit_kmalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t addr[32];
	unsigned int i, nr = 0;

	KUNIT_ASSERT_NOT_NULL(test, page);
	for (i = 0; i < ARRAY_SIZE(addr); i++) {
		addr[nr] = dma_map_single(dev, page, PAGE_SIZE, DMA_TO_DEVICE);
		nr += !dma_mapping_error(dev, addr[nr]);
	}
	KUNIT_EXPECT_GT(test, nr, 0);
	while (nr)
		dma_unmap_single(dev, addr[--nr], PAGE_SIZE, DMA_TO_DEVICE);
}

/*
 * A driver that does not look at both ends sends what goes beyond one; that
 * rounds the wrong way, half a page; that passes an unmap on unseen, that.
 */
void R19_input_range(struct kunit *test)
{
	struct mock_profile *profile = conform_profile(test);
	struct device *dev;
	struct mock *mock;
	unsigned int i;

	profile->features |= BIT_ULL(VIRTIO_IOMMU_F_INPUT_RANGE);
	for (i = 0; i < ARRAY_SIZE(input_ranges); i++) {
		profile->input_start = input_ranges[i].first;
		profile->input_last = input_ranges[i].last;
		mock = conform_start(test, profile);
		dev = mock_endpoint(mock, ID);
		if (input_ranges[i].odd)
			try_odd_edges(test, dev, input_ranges[i].first, input_ranges[i].last);
		else
			try_edges(test, dev, input_ranges[i].first, input_ranges[i].last);
		try_dma(test, dev);
		KUNIT_EXPECT_GT(test, mock_count(mock, UNMAP), 0);
		mock_unregister(mock);
		conform_judged(test, mock, 19);
	}
}

/* ---- MAP -------------------------------------------------------------------------------- */

/* A driver that passes the core's flags through sends bits that the device does not know. */
void R26_map_flags(struct kunit *test)
{
	static const int strange[] = { 0, BIT(6), BIT(15), BIT(30) };
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	const phys_addr_t phys = conform_memory(test);
	int prot;
	unsigned int i;

	for (prot = 1; prot < BIT(6); prot++) {
		for (i = 0; i < ARRAY_SIZE(strange); i++) {
			if (!(prot & CONFORM_RW))
				continue;
			if (!conform_map(dev, IOVA, phys, PAGE_SIZE, prot | strange[i]))
				conform_unmap(dev, IOVA, PAGE_SIZE);
		}
	}
	KUNIT_EXPECT_GT(test, mock_count(mock, MAP), 8);
	conform_judged(test, mock, 26);
}

/*
 * An endpoint bypasses, and has DMA mapped and unmapped all the same. Before
 * and after, it is in other domains, of the same IDs as may be.
 */
static struct mock *live_in_bypass(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = conform_live(test, mock, ID);
	void *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t addr;

	conform_need(test, VIRTIO_IOMMU_F_BYPASS_CONFIG, "BYPASS_CONFIG");
	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_EXPECT_EQ(test, conform_set_type(dev, "identity"), 0);
	if (!mock_is_bypass(mock, ID))
		kunit_skip(test, "the driver uses no bypass domains");
	mock_mark(mock);
	addr = dma_map_single(dev, page, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_FALSE(test, dma_mapping_error(dev, addr));
	dma_unmap_single(dev, addr, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_EQ(test, mock_count(mock, MAP) + mock_count(mock, UNMAP), 0);
	KUNIT_EXPECT_EQ(test, conform_set_type(dev, "DMA-FQ"), 0);
	conform_live(test, mock, ID + 1);
	return mock;
}

/* A driver that maps for identity although it bypasses is seen doing it. */
void R27_no_map_in_bypass(struct kunit *test)
{
	conform_judged(test, live_in_bypass(test), 27);
}

/* One granule, and one byte where the granule is that */
static void map_least(struct kunit *test, const struct mock_profile *profile)
{
	struct mock *mock = conform_start_unchecked(test, profile);
	struct device *dev;
	size_t least;

	if (!mock_bound(mock))
		return;
	dev = mock_endpoint(mock, ID);
	least = BIT(__ffs(iommu_get_domain_for_dev(dev)->pgsize_bitmap));
	if (!conform_map(dev, IOVA, conform_memory(test), least, CONFORM_RW))
		conform_unmap(dev, IOVA, least);
	KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA, conform_memory(test), 0, CONFORM_RW), 0);
	conform_unmap(dev, IOVA, 0);
	conform_live(test, mock, ID + 1);
	mock_unregister(mock);
	conform_judged(test, mock, 28);
}

/* A driver that takes a granule of one byte as it is, or an empty range, is seen doing it. */
void R28_map_range(struct kunit *test)
{
	struct mock_profile *profile = conform_profile(test);

	map_least(test, profile);
	profile->page_size_mask = U64_MAX;
	map_least(test, profile);
}

/* An address of registers: no RAM there */
static phys_addr_t registers(struct kunit *test)
{
	phys_addr_t phys = 0xf0000000;

	while (pfn_valid(PHYS_PFN(phys)))
		phys += SZ_1G;
	return phys;
}

static u32 last_flags(struct kunit *test, struct mock *mock)
{
	struct mock_request request = {};

	KUNIT_EXPECT_TRUE(test, mock_last(mock, MAP, &request));
	return request.flags;
}

/*
 * A driver that forgets the flag, or sets it for memory, shows it; one that
 * makes a single MAP of memory and registers side by side, as well.
 */
void R29_mmio_type(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	const phys_addr_t phys = conform_memory(test), mmio = registers(test);

	conform_need(test, VIRTIO_IOMMU_F_MMIO, "MMIO");
	mock_mark(mock);
	KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA, phys, PAGE_SIZE, CONFORM_RW), 0);
	KUNIT_EXPECT_EQ(test, last_flags(test, mock) & VIRTIO_IOMMU_MAP_F_MMIO, 0);
	KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA + PAGE_SIZE, mmio, PAGE_SIZE,
					  CONFORM_RW | IOMMU_MMIO), 0);
	KUNIT_EXPECT_EQ(test, last_flags(test, mock) & VIRTIO_IOMMU_MAP_F_MMIO,
			VIRTIO_IOMMU_MAP_F_MMIO);
	KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA + 2 * PAGE_SIZE, phys + PAGE_SIZE, PAGE_SIZE,
					  CONFORM_RW), 0);
	KUNIT_EXPECT_EQ(test, last_flags(test, mock) & VIRTIO_IOMMU_MAP_F_MMIO, 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, MAP), 3);
	KUNIT_EXPECT_EQ(test, conform_unmap(dev, IOVA, 3 * PAGE_SIZE), 3 * PAGE_SIZE);
}

/* Can the endpoint do what @flags say, and nothing else (READ may be more)? */
static void expect_access(struct kunit *test, struct mock *mock, u64 iova, u32 flags)
{
	const u32 both = VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE;
	u64 phys;

	KUNIT_EXPECT_EQ(test, mock_translate(mock, ID, iova, flags, &phys), 0);
	if (flags == VIRTIO_IOMMU_MAP_F_READ)
		KUNIT_EXPECT_NE(test, mock_translate(mock, ID, iova, both, &phys), 0);
	KUNIT_EXPECT_EQ(test, last_flags(test, mock) & flags, flags);
}

/* A driver that leaves out READ, or takes WRITE to imply it, has the device refuse the read. */
void R30_read_flag(struct kunit *test)
{
	static const enum dma_data_direction directions[] = {
		DMA_TO_DEVICE, DMA_FROM_DEVICE, DMA_BIDIRECTIONAL,
	};
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	const phys_addr_t phys = conform_memory(test);
	dma_addr_t addr;
	u32 flags;

	for (flags = VIRTIO_IOMMU_MAP_F_READ; flags <= CONFORM_RW; flags++) {
		const int prot = (flags & VIRTIO_IOMMU_MAP_F_READ ? IOMMU_READ : 0) |
				 (flags & VIRTIO_IOMMU_MAP_F_WRITE ? IOMMU_WRITE : 0);

		KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA, phys, PAGE_SIZE, prot), 0);
		expect_access(test, mock, IOVA, flags);
		conform_unmap(dev, IOVA, PAGE_SIZE);

		addr = dma_map_single(dev, phys_to_virt(phys), PAGE_SIZE, directions[flags - 1]);
		KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, addr));
		expect_access(test, mock, addr, flags);
		dma_unmap_single(dev, addr, PAGE_SIZE, directions[flags - 1]);
	}
}

/* A driver that passes IOMMU_MMIO on whatever was negotiated is seen doing it. */
void R31_mmio_feature(struct kunit *test)
{
	struct mock_profile *profile = conform_profile(test);
	const phys_addr_t mmio = registers(test);
	struct device *dev;
	struct mock *mock;
	dma_addr_t addr;

	profile->features &= ~BIT_ULL(VIRTIO_IOMMU_F_MMIO);
	mock = conform_start(test, profile);
	dev = conform_live(test, mock, ID);
	if (!conform_map(dev, IOVA, mmio, PAGE_SIZE, CONFORM_RW | IOMMU_MMIO)) {
		KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, IOVA, mmio));
		conform_unmap(dev, IOVA, PAGE_SIZE);
	}
	addr = dma_map_resource(dev, mmio, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
	if (!dma_mapping_error(dev, addr)) {
		KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, addr, mmio));
		dma_unmap_resource(dev, addr, PAGE_SIZE, DMA_BIDIRECTIONAL, 0);
	}
	KUNIT_EXPECT_EQ(test, last_flags(test, mock) & VIRTIO_IOMMU_MAP_F_MMIO, 0);
	conform_verdict(test, mock, 31);
}

static void map_unaligned(struct kunit *test, struct mock *mock, struct device *dev)
{
	const phys_addr_t phys = conform_memory(test);
	const size_t half = BIT(__ffs(iommu_get_domain_for_dev(dev)->pgsize_bitmap)) / 2;

	KUNIT_EXPECT_NE(test, conform_map(dev, IOVA + half, phys, PAGE_SIZE, CONFORM_RW), 0);
	KUNIT_EXPECT_NE(test, conform_map(dev, IOVA, phys + half, PAGE_SIZE, CONFORM_RW), 0);
	KUNIT_EXPECT_NE(test, conform_map(dev, IOVA, phys, PAGE_SIZE + half, CONFORM_RW), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
}

static void map_twice(struct kunit *test, struct mock *mock, struct device *dev)
{
	const phys_addr_t phys = conform_memory(test), other = conform_memory(test);

	KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA, phys, 2 * PAGE_SIZE, CONFORM_RW), 0);
	KUNIT_EXPECT_NE(test, conform_map(dev, IOVA, other, PAGE_SIZE, CONFORM_RW), 0);
	KUNIT_EXPECT_NE(test, conform_map(dev, IOVA + PAGE_SIZE, other, 2 * PAGE_SIZE,
					  CONFORM_RW), 0);
	KUNIT_EXPECT_NE(test, conform_map(dev, IOVA - PAGE_SIZE, other, 4 * PAGE_SIZE,
					  CONFORM_RW), 0);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, IOVA, phys));
	conform_unmap(dev, IOVA, 2 * PAGE_SIZE);
}

/* Mapped while the device has no such domain: told when it has, and only then. */
static void map_detached(struct kunit *test, struct mock *mock, struct device *dev)
{
	struct conform_domain *own = conform_domain(test, dev);
	const phys_addr_t phys = conform_memory(test);

	mock_mark(mock);
	KUNIT_EXPECT_EQ(test, iommu_map(own->domain, IOVA, phys, PAGE_SIZE, CONFORM_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, MAP), 0);
	KUNIT_ASSERT_EQ(test, conform_attach(own), 0);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, IOVA, phys));
	conform_detach(own);
	mock_mark(mock);
	KUNIT_EXPECT_EQ(test, iommu_map(own->domain, IOVA + PAGE_SIZE, phys, PAGE_SIZE, CONFORM_RW,
					GFP_KERNEL), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, MAP), 0);
	KUNIT_ASSERT_EQ(test, conform_attach(own), 0);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, IOVA + PAGE_SIZE, phys));
	KUNIT_EXPECT_EQ(test, iommu_unmap(own->domain, IOVA, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
	conform_detach(own);
}

/*
 * A driver that keeps no book of what is mapped sends overlapping MAPs; that
 * sends MAPs of a domain without endpoints, or too early when one comes, names
 * a domain that is not there. (Alignment is the core's to check, by what the
 * driver says of page sizes; larger ones than there are show here.)
 */
void R32_map_alignment(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);

	map_unaligned(test, mock, dev);
	map_twice(test, mock, dev);
	if (conform_moves(test))
		map_detached(test, mock, dev);
	else
		kunit_info(test, "no domain without endpoints: they stay in their first\n");
	conform_judged(test, mock, 32);
}

/* ---- UNMAP --------------------------------------------------------------------------------- */

/* A driver that does not clear what an earlier request has left sends it along. */
void R33_unmap_reserved(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);

	conform_everything(test, mock);
	KUNIT_EXPECT_GE(test, mock_count(mock, UNMAP), 3);
	conform_judged(test, mock, 33);
}

static void map_pages(struct kunit *test, struct device *dev, phys_addr_t phys,
		      const u8 *pages, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (pages[i])
			KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA + i * PAGE_SIZE, phys,
							  pages[i] * PAGE_SIZE, CONFORM_RW), 0);
	}
}

static void expect_nothing(struct kunit *test, struct mock *mock)
{
	unsigned int i;
	u64 phys;

	for (i = 0; i < 8; i++)
		KUNIT_EXPECT_NE_MSG(test, mock_translate(mock, ID, IOVA + i * PAGE_SIZE, 0, &phys),
				    0, "page %u is still mapped", i);
}

/*
 * Several mappings side by side, holes between them and around. A driver that
 * unmaps the first only leaves the endpoint the others; one that asks for less
 * than a granule, or backwards, is seen doing it.
 */
void R34_unmap_whole(struct kunit *test)
{
	/* Pages of the mapping that begins at each page */
	static const u8 mapped[][8] = {
		{ 1, 1, 1, 1 }, { 2, 0, 3, 0, 0, 1, 2 }, { 4, 0, 0, 0, 4 }, { 1 }, { 0, 0, 1 },
		{ 0, 1, 0, 1, 0, 1 }, { 0, 3, 0, 0, 0, 0, 1 },
	};
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	const phys_addr_t phys = conform_memory(test);
	unsigned int i, page;

	for (i = 0; i < ARRAY_SIZE(mapped); i++) {
		map_pages(test, dev, phys, mapped[i], ARRAY_SIZE(mapped[i]));
		/* The core stops at a hole; whoever has holes asks again behind them */
		for (page = 0; page < 8; page++)
			conform_unmap(dev, IOVA + page * PAGE_SIZE, (8 - page) * PAGE_SIZE);
		expect_nothing(test, mock);
	}
	KUNIT_EXPECT_EQ(test, conform_unmap(dev, IOVA, PAGE_SIZE), 0);
	conform_judged(test, mock, 34);
}

/*
 * Parts of what was mapped in one piece, from either end and from its middle.
 * A driver that passes that on asks the device to split a mapping.
 */
void R35_unmap_no_split(struct kunit *test)
{
	static const u8 parts[][2] = { { 0, 1 }, { 3, 1 }, { 1, 2 }, { 1, 1 }, { 0, 3 } };
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	const phys_addr_t phys = conform_memory(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		KUNIT_EXPECT_EQ(test, conform_map(dev, IOVA, phys, CONFORM_MEMORY, CONFORM_RW), 0);
		conform_unmap(dev, IOVA + parts[i][0] * PAGE_SIZE, parts[i][1] * PAGE_SIZE);
		conform_unmap(dev, IOVA - PAGE_SIZE, 6 * PAGE_SIZE);
		conform_unmap(dev, IOVA, CONFORM_MEMORY);
		/* Where the driver could not take a part out, or took out all of it */
		conform_unmap(dev, IOVA + PAGE_SIZE, 3 * PAGE_SIZE);
		conform_unmap(dev, IOVA + 3 * PAGE_SIZE, PAGE_SIZE);
	}
	KUNIT_EXPECT_GT(test, mock_count(mock, UNMAP), 0);
	conform_judged(test, mock, 35);
}

/* As R27. */
void R36_no_unmap_in_bypass(struct kunit *test)
{
	conform_judged(test, live_in_bypass(test), 36);
}
