// SPDX-License-Identifier: GPL-2.0
/*
 * The kinds of domains and the ways from each to each other, as the IOMMU core
 * takes them and as the device sees them; identity where the device cannot
 * bypass; how many domains a device's domain_range allows.
 */
#include "core.h"

#define ID	0x21

/* ---- From each kind to each other ------------------------------------------------ */

enum kind { STRICT, LAZY, IDENTITY, BLOCKED, UNMANAGED, NR_KINDS };

static const char *const kind_name[NR_KINDS] = {
	"DMA", "DMA-FQ", "identity", "blocked", "unmanaged",
};

/* A device that goes from domain to domain */
struct traveller {
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;	/* unmanaged, with a page at CORE_IOVA */
	u64 ram;
	bool claimed;
	bool attached;
};

static void go_home(void *data)
{
	struct traveller *t = data;

	if (t->attached)
		iommu_detach_group(t->domain, t->dev->iommu_group);
	if (t->claimed)
		iommu_group_release_dma_owner(t->dev->iommu_group);
	t->attached = false;
	t->claimed = false;
}

static int block(struct traveller *t)
{
	int err = 0;

	if (t->attached)
		iommu_detach_group(t->domain, t->dev->iommu_group);
	t->attached = false;
	if (!t->claimed)
		err = iommu_group_claim_dma_owner(t->dev->iommu_group, t);
	if (!err)
		t->claimed = true;
	return err;
}

static int attach(struct traveller *t)
{
	int err = 0;

	if (!t->attached)
		err = iommu_attach_group(t->domain, t->dev->iommu_group);
	if (!err)
		t->attached = true;
	return err;
}

static int go(struct traveller *t, enum kind kind)
{
	switch (kind) {
	case BLOCKED:
		return block(t);
	case UNMANAGED:
		return attach(t);
	default:
		go_home(t);
		return core_set_type(t->dev, kind_name[kind]);
	}
}

/* What is neither blocked nor anywhere else: 0, or the line that is not so. */
static int looks_translated(struct traveller *t)
{
	if (mock_is_bypass(t->mock, ID))
		return __LINE__;
	if (core_domain_id(t->mock, ID) == U32_MAX)
		return __LINE__;
	return core_reaches(t->mock, ID, t->ram) == CORE_REFUSED ? 0 : __LINE__;
}

static int looks_unmanaged(struct traveller *t)
{
	u64 end = CORE_IOVA + PAGE_SIZE;

	if (core_reaches(t->mock, ID, CORE_IOVA) != t->ram ||
	    core_reaches(t->mock, ID, end - 1) != t->ram + PAGE_SIZE - 1)
		return __LINE__;
	if (core_reaches(t->mock, ID, CORE_IOVA - 1) != CORE_REFUSED ||
	    core_reaches(t->mock, ID, end) != CORE_REFUSED)
		return __LINE__;
	return looks_translated(t);
}

static int looks_blocked(struct traveller *t)
{
	char byte;

	if (!mock_dma_read(t->dev, t->ram, &byte, 1) ||
	    !mock_dma_read(t->dev, CORE_IOVA, &byte, 1))
		return __LINE__;
	return mock_is_bypass(t->mock, ID) ? __LINE__ : 0;
}

static int looks_identical(struct traveller *t)
{
	bool may_bypass = mock_negotiated(t->mock, VIRTIO_IOMMU_F_BYPASS_CONFIG);

	if (core_reaches(t->mock, ID, t->ram) != t->ram)
		return __LINE__;
	if (mock_is_bypass(t->mock, ID) != may_bypass)
		return __LINE__;
	return core_dma(t->dev) ? __LINE__ : 0;
}

static int looks_like(struct traveller *t, enum kind kind)
{
	switch (kind) {
	case IDENTITY:
		return looks_identical(t);
	case BLOCKED:
		return looks_blocked(t);
	case UNMANAGED:
		return looks_unmanaged(t);
	default:
		return looks_translated(t) ?: core_dma(t->dev) ? __LINE__ : 0;
	}
}

static void set_out(struct kunit *test, struct mock *mock, struct traveller *t)
{
	void *page = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, page);
	t->mock = mock;
	t->dev = mock_endpoint(mock, ID);
	t->ram = virt_to_phys(page);
	t->domain = core_domain(test, t->dev);
	KUNIT_ASSERT_EQ(test, iommu_map(t->domain, CORE_IOVA, t->ram, PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action(test, go_home, t), 0);
}

static void travel(struct kunit *test, struct traveller *t, enum kind from, enum kind to)
{
	int err = go(t, to);

	KUNIT_ASSERT_EQ_MSG(test, err, 0, "%s to %s", kind_name[from], kind_name[to]);
	err = looks_like(t, to);
	KUNIT_EXPECT_EQ_MSG(test, err, 0, "%s to %s: line %d", kind_name[from], kind_name[to],
			    err);
}

static void travel_everywhere(struct kunit *test, struct mock *mock)
{
	struct traveller *t = kunit_kzalloc(test, sizeof(*t), GFP_KERNEL);
	enum kind from, to;

	KUNIT_ASSERT_NOT_NULL(test, t);
	set_out(test, mock, t);
	for (from = 0; from < NR_KINDS; from++) {
		for (to = 0; to < NR_KINDS; to++) {
			travel(test, t, to, from);
			travel(test, t, from, to);
		}
	}
}

static void from_each_kind_to_each_other(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;

	if (profile->quirks & MOCK_Q_STAYS)
		kunit_skip(test, "an endpoint of this device goes nowhere");
	travel_everywhere(test, mock_start(test, profile));
}

static void from_each_kind_to_each_other_without_bypass(struct kunit *test)
{
	travel_everywhere(test, mock_start_features(test, mock_strict, 0,
						    BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG)));
}

/* ---- What each kind is made of --------------------------------------------------- */

static void a_new_device_is_translated(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;
	struct mock *mock = mock_start(test, profile);
	struct device *dev;

	mock_mark(mock);
	dev = mock_endpoint(mock, ID);
	KUNIT_EXPECT_NE(test, core_domain_id(mock, ID), U32_MAX);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	/* The domain it is tried with becomes the core's default domain */
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), 1);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_DETACH), 0);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* Nothing can be undone on such a device, so nothing may be begun. */
static void what_cannot_move_stays_translated(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct iommu_domain *domain;
	struct device *dev;
	struct mock *mock;

	profile.quirks |= MOCK_Q_STAYS;
	mock = mock_start(test, &profile);
	dev = mock_endpoint(mock, ID);
	domain = core_domain(test, dev);
	KUNIT_EXPECT_NE(test, core_set_type(dev, "identity"), 0);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_NE(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
}

static void identity_by_bypass_takes_no_maps(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	struct mock_request request;

	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_set_type(dev, "identity"), 0);
	KUNIT_EXPECT_TRUE(test, mock_last(mock, VIRTIO_IOMMU_T_ATTACH, &request));
	KUNIT_EXPECT_EQ(test, request.flags, VIRTIO_IOMMU_ATTACH_F_BYPASS);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_MAP), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_UNMAP), 0);
}

/* Everything that the DMA API has mapped waits in its domain, and comes back. */
static void a_blocked_device_finds_its_mappings_again(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);
	char *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_TO_DEVICE);
	u32 flags = VIRTIO_IOMMU_MAP_F_READ;

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	KUNIT_ASSERT_EQ(test, core_claim(test, dev), 0);
	KUNIT_EXPECT_EQ(test, core_reaches_as(mock, ID, dma, flags), CORE_REFUSED);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	core_release(test, dev);
	KUNIT_EXPECT_EQ(test, core_reaches_as(mock, ID, dma, flags), virt_to_phys(ram));
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, dma), CORE_REFUSED);
	dma_unmap_single(dev, dma, PAGE_SIZE, DMA_TO_DEVICE);
}

static void an_owner_of_one_device_blocks_it(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);

	KUNIT_ASSERT_EQ(test, iommu_device_claim_dma_owner(dev, test), 0);
	KUNIT_EXPECT_EQ(test, iommu_device_claim_dma_owner(dev, mock), -EPERM);
	KUNIT_EXPECT_EQ(test, core_set_type(dev, "identity"), -EPERM);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	iommu_device_release_dma_owner(dev);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* ---- Identity where there is no bypass ------------------------------------------- */

static bool page_is_reserved(const struct mock_profile *profile, u64 address)
{
	u64 start = address & PAGE_MASK, last = start + PAGE_SIZE - 1;
	unsigned int i;

	if (IS_ENABLED(CONFIG_X86) && start <= MOCK_MSI_LAST && last >= MOCK_MSI_START)
		return true;
	for (i = 0; i < profile->nr_regions; i++) {
		if (start <= profile->regions[i].last && last >= profile->regions[i].start)
			return true;
	}
	return false;
}

static u64 identity_of(const struct mock_profile *profile, u64 address)
{
	bool ranged = profile->features & BIT_ULL(VIRTIO_IOMMU_F_INPUT_RANGE);
	u64 first = ranged ? profile->input_start : 0;
	u64 last = ranged ? profile->input_last : U64_MAX;

	/* Whole pages; the last one of 2^64 is nobody's: some devices cannot map it */
	if ((address & PAGE_MASK) < first || (address | ~PAGE_MASK) > last ||
	    address > U64_MAX - PAGE_SIZE)
		return CORE_REFUSED;
	return page_is_reserved(profile, address) ? CORE_REFUSED : address;
}

static void check_around(struct kunit *test, struct mock *mock, u64 edge)
{
	static const s64 steps[] = {
		-(s64)PAGE_SIZE - 1, -(s64)PAGE_SIZE, -1, 0, 1, PAGE_SIZE - 1, PAGE_SIZE,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(steps); i++) {
		u64 address = edge + steps[i];

		KUNIT_EXPECT_EQ_MSG(test, core_reaches(mock, ID, address),
				    identity_of(mock_profile(mock), address),
				    "0x%llx %+lld", edge, steps[i]);
	}
}

static void check_identity(struct kunit *test, const struct mock_profile *profile)
{
	struct mock *mock = mock_start_features(test, profile, 0,
						BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG));
	struct device *dev = mock_endpoint(mock, ID);
	unsigned int i;

	KUNIT_ASSERT_EQ(test, core_set_type(dev, "identity"), 0);
	KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ID));
	for (i = 0; i < profile->nr_regions; i++) {
		check_around(test, mock, profile->regions[i].start);
		check_around(test, mock, profile->regions[i].last);
	}
	check_around(test, mock, MOCK_MSI_START);
	check_around(test, mock, MOCK_MSI_LAST);
	check_around(test, mock, profile->input_start);
	check_around(test, mock, profile->input_last);
	check_around(test, mock, 0);
	check_around(test, mock, SZ_4G);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

static void identity_leaves_out_what_is_reserved(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;

	if (profile->quirks & MOCK_Q_STAYS)
		kunit_skip(test, "an endpoint of this device goes nowhere");
	check_identity(test, profile);
}

static void identity_around_odd_regions(struct kunit *test)
{
	static const struct mock_region odd[] = {
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0, 0 },
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0x5000, 0x6fff },
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0x7000, 0x7000 },	/* adjacent */
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0x1234fff, 0x1235000 },
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0x2000800, 0x20008ff },
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0x3000000, 0x3ffffff },
		{ VIRTIO_IOMMU_RESV_MEM_T_MSI, 0x3800000, 0x38fffff },	/* inside */
		{ VIRTIO_IOMMU_RESV_MEM_T_RESERVED, 0xfffffff000, 0xfffffffffff },
	};
	struct mock_profile profile = *mock_strict;

	profile.input_start = 0x1234;		/* not on a page's border */
	profile.input_last = 0xfffffffffff;
	profile.regions = odd;
	profile.nr_regions = ARRAY_SIZE(odd);
	check_identity(test, &profile);
}

static void identity_of_all_64_bits(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;

	profile.features &= ~BIT_ULL(VIRTIO_IOMMU_F_INPUT_RANGE);
	profile.input_start = 0;
	profile.input_last = U64_MAX;
	check_identity(test, &profile);
}

/* ---- One domain for those who reserve the same ----------------------------------- */

static const struct virtio_iommu_probe_resv_mem extra_region = {
	.head.type = cpu_to_le16(VIRTIO_IOMMU_PROBE_T_RESV_MEM),
	.head.length = cpu_to_le16(sizeof(extra_region) - sizeof(extra_region.head)),
	.subtype = VIRTIO_IOMMU_RESV_MEM_T_RESERVED,
	.start = cpu_to_le64(0x5000000),
	.end = cpu_to_le64(0x50fffff),
};

static void identity_is_shared_by_those_who_reserve_the_same(struct kunit *test)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_PROBE, .endpoint = 3, .how = MOCK_FILL,
		.fill = &extra_region, .fill_len = sizeof(extra_region),
	};
	struct mock_profile profile = *mock_strict;
	struct mock *mock;
	u32 id;

	profile.features &= ~BIT_ULL(VIRTIO_IOMMU_F_BYPASS_CONFIG);
	profile.nr_regions = 0;
	mock = mock_start(test, &profile);
	mock_script(mock, &script);
	for (id = 1; id <= 3; id++)
		KUNIT_ASSERT_EQ(test, core_set_type(mock_endpoint(mock, id), "identity"), 0);
	KUNIT_EXPECT_EQ(test, core_domain_id(mock, 1), core_domain_id(mock, 2));
	KUNIT_EXPECT_NE(test, core_domain_id(mock, 1), core_domain_id(mock, 3));
	KUNIT_EXPECT_EQ(test, core_reaches(mock, 1, 0x5000000), 0x5000000);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, 3, 0x5000000), CORE_REFUSED);
}

/* ---- domain_range ---------------------------------------------------------------- */

/* So many devices, each with a domain of its own; the others have to do without. */
struct id_range {
	const char *name;
	u32 first;
	u32 last;
	unsigned int devices;
};

static const struct id_range ranges[] = {
	{ "one ID", 7, 7, 1 },
	{ "two IDs", 7, 8, 1 },		/* the other is for what is blocked */
	{ "three IDs", 7, 9, 1 },	/* and one for what bypasses */
	{ "six IDs", 0, 5, 4 },
	{ "from 2^31 on", BIT(31), BIT(31) + 5, 4 },
	{ "the last one", U32_MAX, U32_MAX, 1 },
	{ "the last ones", U32_MAX - 3, U32_MAX, 2 },
	{ "below 2^31", BIT(31) - 2, BIT(31) + 1, 2 },
};

KUNIT_ARRAY_PARAM_DESC(range, ranges, name);

static struct mock *start_with_range(struct kunit *test, const struct id_range *range)
{
	struct mock_profile profile = *mock_strict;

	profile.domain_first = range->first;
	profile.domain_last = range->last;
	return mock_start(test, &profile);
}

static void domain_range_is_used_up(struct kunit *test)
{
	const struct id_range *range = test->param_value;
	struct mock *mock = start_with_range(test, range);
	struct device *first = NULL, *more;
	const u32 id = 100;
	unsigned int i;

	for (i = 0; i < range->devices; i++) {
		struct device *dev = mock_endpoint(mock, i);

		first = first ?: dev;
		KUNIT_EXPECT_GE(test, core_domain_id(mock, i), range->first);
		KUNIT_EXPECT_LE(test, core_domain_id(mock, i), range->last);
	}
	more = mock_endpoint_try(mock, &id, 1);
	KUNIT_EXPECT_FALSE(test, mock_translated(more));
	KUNIT_EXPECT_EQ(test, core_dma(first), 0);

	/* What one has given back is another's */
	mock_endpoint_remove(first);
	mock_endpoint_remove(more);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, 101)), 0);
}

static void no_domain_is_left_for_another(struct kunit *test)
{
	const struct id_range *range = test->param_value;
	struct mock *mock = start_with_range(test, range);
	struct device *dev = NULL;
	unsigned int i;

	for (i = 0; i < range->devices; i++)
		dev = mock_endpoint(mock, i);
	KUNIT_EXPECT_EQ(test, core_attach(test, core_domain(test, dev), dev), -ENOSPC);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case domain_cases[] = {
	KUNIT_CASE_PROFILES(a_new_device_is_translated),
	KUNIT_CASE_PROFILES(from_each_kind_to_each_other),
	KUNIT_CASE(from_each_kind_to_each_other_without_bypass),
	KUNIT_CASE(what_cannot_move_stays_translated),
	KUNIT_CASE(identity_by_bypass_takes_no_maps),
	KUNIT_CASE(a_blocked_device_finds_its_mappings_again),
	KUNIT_CASE(an_owner_of_one_device_blocks_it),
	KUNIT_CASE_PROFILES(identity_leaves_out_what_is_reserved),
	KUNIT_CASE(identity_around_odd_regions),
	KUNIT_CASE(identity_of_all_64_bits),
	KUNIT_CASE(identity_is_shared_by_those_who_reserve_the_same),
	KUNIT_CASE_PARAM(domain_range_is_used_up, range_gen_params),
	KUNIT_CASE_PARAM(no_domain_is_left_for_another, range_gen_params),
	{ }
};

static struct kunit_suite domain_suite = {
	.name = "viommu_domain",
	.test_cases = domain_cases,
};

kunit_test_suite(domain_suite);
