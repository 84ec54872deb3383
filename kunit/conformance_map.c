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
} input_ranges[] = {
	{ SZ_1M, SZ_2G - 1 },
	{ SZ_256M, SZ_256M + 16 * SZ_4K - 1 },
	{ 0, U32_MAX },
	{ SZ_4K, BIT_ULL(52) - 1 },
	{ BIT_ULL(40), BIT_ULL(41) - 1 },
	{ 0, U64_MAX },
	/* Not whole pages */
	{ SZ_1M + 0x800, SZ_2G - 0x801 },
	{ SZ_256M + 1, SZ_256M + 16 * SZ_4K - 2 },
	{ SZ_256M + SZ_4K - 1, SZ_256M + 16 * SZ_4K },
};

/* May a page be asked for, by what the driver tells those who ask? */
static bool within_aperture(struct device *dev, u64 iova)
{
	const struct iommu_domain_geometry *told = &iommu_get_domain_for_dev(dev)->geometry;

	return !told->force_aperture || (iova >= told->aperture_start &&
					 iova + PAGE_SIZE - 1 <= told->aperture_end);
}

/* Maps a page that the device takes, or one that it does not. */
static void try_page(struct kunit *test, struct mock *mock, struct device *dev, u64 iova)
{
	const struct mock_profile *profile = mock_profile(mock);
	const bool good = iova >= profile->input_start &&
			  iova + PAGE_SIZE - 1 <= profile->input_last;
	int err;

	/* Whoever asks for what he was told not to ask for is no proof of anything */
	if (!good && !within_aperture(dev, iova))
		return;
	err = conform_map(dev, iova, conform_memory(test), PAGE_SIZE, CONFORM_RW);
	KUNIT_EXPECT_EQ_MSG(test, !err, good, "a page at 0x%llx: %d", iova, err);
	if (!err)
		conform_unmap(dev, iova, PAGE_SIZE);
}

/* Pages at both ends of the range, and beyond. */
static void try_edges(struct kunit *test, struct mock *mock, struct device *dev)
{
	const u64 first = mock_profile(mock)->input_start, last = mock_profile(mock)->input_last;

	try_page(test, mock, dev, round_up(first, PAGE_SIZE));
	if (first)
		try_page(test, mock, dev, round_up(first, PAGE_SIZE) - PAGE_SIZE);
	/* That there is a last page of 2^64 is more than some devices know */
	if (last == U64_MAX)
		return;
	try_page(test, mock, dev, round_down(last + 1, PAGE_SIZE) - PAGE_SIZE);
	try_page(test, mock, dev, round_down(last + 1, PAGE_SIZE));
}

/* The DMA API looks for room by itself, from above: a few pages are all that some have. */
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
 * A driver that tells the core of more than there is, or of half a page, sends
 * what the core then asks for; that tells of less does not map at the ends.
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
		try_edges(test, mock, dev);
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
	/* Reserved regions would have the core keep book of each of their granules */
	profile->nr_regions = 0;
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

	/* Below the last page of 2^64, which not every device has */
	KUNIT_ASSERT_EQ(test, dma_set_mask(dev, DMA_BIT_MASK(48)), 0);
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
	KUNIT_ASSERT_EQ(test, dma_set_mask(dev, DMA_BIT_MASK(48)), 0);
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

/* Another endpoint joins the domain, and finds there what there is. */
static void map_for_another(struct kunit *test, struct mock *mock, struct iommu_domain *domain,
			    phys_addr_t phys)
{
	struct device *dev = mock_endpoint(mock, ID + 1);

	KUNIT_ASSERT_EQ(test, iommu_attach_device(domain, dev), 0);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID + 1, IOVA, phys));
	iommu_detach_device(domain, dev);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, ID, IOVA, phys));
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
	map_for_another(test, mock, own->domain, phys);
	KUNIT_EXPECT_EQ(test, iommu_unmap(own->domain, IOVA, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
	conform_detach(own);
}

/*
 * A driver that sends MAPs of a domain without endpoints, or too early when one
 * comes, names a domain that is not there; that sends them twice, when another
 * endpoint comes, has them overlap. (Nobody maps what he has mapped; alignment
 * is the core's to check, by what the driver says of page sizes.)
 */
void R32_map_alignment(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = conform_live(test, mock, ID);

	map_unaligned(test, mock, dev);
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

/* How many pages of each mapping there are, one behind the other; and of each unmapping */
static const struct {
	u8 mapped[9], unmapped[9];
} neighbours[] = {
	{ { 1 }, { 1 } },
	{ { 1, 1 }, { 2 } },
	{ { 1, 1, 1, 1, 1, 1, 1, 1 }, { 8 } },
	{ { 1, 2, 4, 1 }, { 8 } },
	{ { 4, 4 }, { 8 } },
	{ { 4, 4 }, { 4, 4 } },
	{ { 2, 1, 1, 4 }, { 3, 5 } },
	{ { 1, 1, 1, 1, 1, 1, 1, 1 }, { 1, 2, 3, 2 } },
};

static void map_neighbours(struct kunit *test, struct device *dev, const u8 *pages)
{
	const phys_addr_t phys = conform_memory(test);
	u64 iova = IOVA;

	for (; *pages; iova += *pages++ * PAGE_SIZE)
		KUNIT_EXPECT_EQ(test, conform_map(dev, iova, phys, *pages * PAGE_SIZE, CONFORM_RW),
				0);
}

static void unmap_neighbours(struct kunit *test, struct device *dev, const u8 *pages)
{
	u64 iova = IOVA;

	for (; *pages; iova += *pages++ * PAGE_SIZE)
		KUNIT_EXPECT_EQ(test, conform_unmap(dev, iova, *pages * PAGE_SIZE),
				*pages * PAGE_SIZE);
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
 * Mappings side by side, and of all sizes. A driver that unmaps the first only
 * leaves the endpoint the others; one that asks for less than a granule, or
 * backwards, is seen doing it.
 */
void R34_unmap_whole(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);
	struct device *dev = mock_endpoint(mock, ID);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(neighbours); i++) {
		map_neighbours(test, dev, neighbours[i].mapped);
		unmap_neighbours(test, dev, neighbours[i].unmapped);
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
