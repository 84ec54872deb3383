// SPDX-License-Identifier: GPL-2.0
/*
 * Devices with several endpoint IDs, devices that share one, IDs that the IOMMU
 * does not know, two IOMMUs at once; what fails for one of several, undone for
 * all. And the reserved regions, as the IOMMU core is told of them.
 */
#include "core.h"

#define NR_IDS	3

static const u32 ids[NR_IDS] = { 0x61, 0x62, 0x63 };

static unsigned int nr_attached_to(struct mock *mock, u32 domain)
{
	unsigned int i, nr = 0;

	for (i = 0; i < NR_IDS; i++)
		nr += core_domain_id(mock, ids[i]) == domain;
	return nr;
}

static unsigned int nr_reaching(struct mock *mock, u64 iova, u64 phys)
{
	unsigned int i, nr = 0;

	for (i = 0; i < NR_IDS; i++)
		nr += core_reaches(mock, ids[i], iova) == phys;
	return nr;
}

/* ---- One device, several IDs ----------------------------------------------------- */

static void all_ids_of_a_device_move_together(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint_ids(mock, ids, NR_IDS);
	struct iommu_domain *domain = core_domain(test, dev);
	u32 home = core_domain_id(mock, ids[0]);

	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_PROBE), NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, home), NR_IDS);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 2), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, home), 0);
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, core_scatter_iova(1), core_scatter_phys(1)),
			NR_IDS);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 2);
	core_detach(test, dev);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, home), NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, core_scatter_iova(1), CORE_REFUSED), NR_IDS);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

static void a_removed_device_leaves_nothing_behind(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;
	struct mock *mock = mock_start(test, profile);
	struct device *dev = mock_endpoint_ids(mock, ids, NR_IDS);
	struct device *other = mock_endpoint(mock, 1);
	u32 home = core_domain_id(mock, ids[0]);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, dma, virt_to_phys(ram)), NR_IDS);
	mock_endpoint_remove(dev);
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, dma, CORE_REFUSED), NR_IDS);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	if (!(profile->quirks & MOCK_Q_STAYS))
		KUNIT_EXPECT_EQ(test, nr_attached_to(mock, home), 0);
	KUNIT_EXPECT_EQ(test, core_dma(other), 0);
}

static void what_was_removed_can_come_back(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	unsigned int i;

	for (i = 0; i < 5; i++) {
		struct device *dev = mock_endpoint_ids(mock, ids, NR_IDS);

		KUNIT_EXPECT_EQ(test, nr_attached_to(mock, core_domain_id(mock, ids[0])), NR_IDS);
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
		mock_endpoint_remove(dev);
	}
}

static void an_id_that_is_listed_twice_counts_once(struct kunit *test)
{
	static const u32 twice[] = { 7, 8, 7, 7, 8 };
	struct mock *mock = mock_start(test, mock_strict);
	struct iommu_domain *domain;
	struct device *dev;

	mock_mark(mock);
	dev = mock_endpoint_ids(mock, twice, ARRAY_SIZE(twice));
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_PROBE), 2);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), 2);

	domain = core_domain(test, dev);
	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, dev), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), 2);
	core_detach(test, dev);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* ---- A failure at each of them --------------------------------------------------- */

struct failure {
	unsigned int nth;
	u8 status;
};

static const struct failure failures[] = {
	{ 0, VIRTIO_IOMMU_S_DEVERR }, { 1, VIRTIO_IOMMU_S_DEVERR }, { 2, VIRTIO_IOMMU_S_DEVERR },
	{ 0, VIRTIO_IOMMU_S_UNSUPP }, { 1, VIRTIO_IOMMU_S_UNSUPP }, { 2, VIRTIO_IOMMU_S_UNSUPP },
};

static void failure_describe(const struct failure *failure, char *desc)
{
	snprintf(desc, KUNIT_PARAM_DESC_SIZE, "ID %u, status %u", failure->nth + 1,
		 failure->status);
}

KUNIT_ARRAY_PARAM(failure, failures, failure_describe);

/* Refuse all requests of a type for one of the IDs. */
static void refuse(struct mock *mock, u8 type, const struct failure *failure)
{
	const struct mock_script script = {
		.type = type, .endpoint = ids[failure->nth],
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = failure->status,
	};

	mock_script(mock, &script);
}

/* One that cannot be used is not translated, and does DMA neither as this nor as that. */
static void check_is_refused(struct kunit *test, struct mock *mock, unsigned int domains)
{
	struct device *other = mock_endpoint(mock, 1);
	struct device *dev = mock_endpoint_try(mock, ids, NR_IDS);
	unsigned int i;

	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	for (i = 0; i < NR_IDS; i++)
		KUNIT_EXPECT_FALSE(test, mock_is_bypass(mock, ids[i]));
	KUNIT_EXPECT_EQ(test, core_dma(other), 0);
	KUNIT_EXPECT_LE(test, mock_nr_domains(mock), domains + 2);

	/* Nothing of it is left when it comes again */
	mock_script_clear(mock);
	mock_endpoint_remove(dev);
	dev = mock_endpoint_ids(mock, ids, NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, core_domain_id(mock, ids[0])), NR_IDS);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

static void a_refused_probe_refuses_the_device(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);

	refuse(mock, VIRTIO_IOMMU_T_PROBE, test->param_value);
	check_is_refused(test, mock, mock_nr_domains(mock));
}

static void a_refused_first_attach_refuses_the_device(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);

	refuse(mock, VIRTIO_IOMMU_T_ATTACH, test->param_value);
	check_is_refused(test, mock, mock_nr_domains(mock));
}

/* A device with all IDs in its home, where it has a page mapped */
struct resident {
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;
	u32 home;
	void *ram;
	dma_addr_t dma;
};

static struct resident settle(struct kunit *test)
{
	struct resident r;

	r.mock = mock_start(test, mock_strict);
	r.dev = mock_endpoint_ids(r.mock, ids, NR_IDS);
	r.domain = core_domain(test, r.dev);
	r.home = core_domain_id(r.mock, ids[0]);
	r.ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	r.dma = dma_map_single(r.dev, r.ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(r.dev, r.dma));
	KUNIT_ASSERT_EQ(test, core_scatter(r.domain, 0, 5), 0);
	return r;
}

static void check_at_home(struct kunit *test, struct resident *r)
{
	KUNIT_EXPECT_EQ(test, nr_attached_to(r->mock, r->home), NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_reaching(r->mock, r->dma, virt_to_phys(r->ram)), NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_reaching(r->mock, core_scatter_iova(0), CORE_REFUSED), NR_IDS);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(r->mock), 1);
}

static void leave(struct resident *r)
{
	dma_unmap_single(r->dev, r->dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

static void a_refused_attach_brings_all_ids_back(struct kunit *test)
{
	const struct failure *failure = test->param_value;
	struct resident r = settle(test);
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ids[failure->nth], .count = 2,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = failure->status,
	};

	mock_script(r.mock, &script);
	KUNIT_EXPECT_NE(test, core_attach(test, r.domain, r.dev), 0);
	mock_script_clear(r.mock);
	/* With UNSUPP it had been detached before it was refused again */
	if (failure->status != VIRTIO_IOMMU_S_UNSUPP)
		check_at_home(test, &r);
	KUNIT_EXPECT_EQ(test, nr_reaching(r.mock, core_scatter_iova(0), CORE_REFUSED), NR_IDS);

	/* The counts are right: all of them come, all of them go */
	KUNIT_ASSERT_EQ(test, core_attach(test, r.domain, r.dev), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(r.mock), 5);
	KUNIT_EXPECT_EQ(test, nr_reaching(r.mock, core_scatter_iova(4), core_scatter_phys(4)),
			NR_IDS);
	core_detach(test, r.dev);
	check_at_home(test, &r);
	leave(&r);
}

/* One ID has moved when the next is refused, and is not let back: it reaches nothing. */
static void what_does_not_get_back_is_blocked(struct kunit *test)
{
	const struct mock_script no_entry = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ids[1], .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct mock_script no_return = no_entry;
	struct resident r = settle(test);

	no_return.endpoint = ids[0];
	no_return.skip = 1;
	mock_script(r.mock, &no_entry);
	mock_script(r.mock, &no_return);
	KUNIT_EXPECT_EQ(test, core_attach(test, r.domain, r.dev), -ENOMEM);
	mock_script_clear(r.mock);
	KUNIT_EXPECT_EQ(test, nr_reaching(r.mock, core_scatter_iova(0), CORE_REFUSED), NR_IDS);
	/* The core of Linux 6.12 asks once more, and then it does get back */
	if (nr_attached_to(r.mock, r.home) != NR_IDS) {
		KUNIT_EXPECT_EQ(test, nr_attached_to(r.mock, r.home), NR_IDS - 1);
		KUNIT_EXPECT_EQ(test, core_reaches(r.mock, ids[0], r.dma), CORE_REFUSED);
	}

	KUNIT_ASSERT_EQ(test, core_attach(test, r.domain, r.dev), 0);
	core_detach(test, r.dev);
	check_at_home(test, &r);
	leave(&r);
}

/* UNSUPP of a device that cannot move an endpoint: it takes a DETACH, then all is well. */
static void what_cannot_be_moved_is_detached_first(struct kunit *test)
{
	struct resident r = settle(test);
	unsigned int i;

	for (i = 0; i < NR_IDS; i++) {
		const struct mock_script script = {
			.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ids[i], .count = 1,
			.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_UNSUPP,
		};

		mock_script(r.mock, &script);
	}
	KUNIT_EXPECT_EQ(test, core_attach(test, r.domain, r.dev), 0);
	KUNIT_EXPECT_EQ(test, mock_count(r.mock, VIRTIO_IOMMU_T_DETACH), NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_reaching(r.mock, core_scatter_iova(4), core_scatter_phys(4)),
			NR_IDS);
	mock_script_clear(r.mock);
	core_detach(test, r.dev);
	check_at_home(test, &r);
	leave(&r);
}

/* An endpoint that stays where it is has nothing to reach there. */
static void what_cannot_leave_reaches_nothing(struct kunit *test)
{
	const struct failure *failure = test->param_value;
	struct resident r = settle(test);
	u32 old = r.home;

	refuse(r.mock, VIRTIO_IOMMU_T_ATTACH, failure);
	refuse(r.mock, VIRTIO_IOMMU_T_DETACH, failure);
	mock_endpoint_remove(r.dev);
	KUNIT_EXPECT_EQ(test, core_domain_id(r.mock, ids[failure->nth]), old);
	KUNIT_EXPECT_EQ(test, nr_attached_to(r.mock, old), 1);
	KUNIT_EXPECT_EQ(test, nr_reaching(r.mock, r.dma, CORE_REFUSED), NR_IDS);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(r.mock), 0);

	/* And gets nothing, because nobody else gets that domain */
	core_free(test, r.domain);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(r.mock, 1)), 0);
	KUNIT_EXPECT_NE(test, core_domain_id(r.mock, 1), old);
	KUNIT_EXPECT_NE(test, core_domain_id(r.mock, 1), U32_MAX);
}

/* ---- IDs the IOMMU does not know ------------------------------------------------- */

static void an_unknown_id_is_passed_over(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;
	unsigned int nth, i;

	for (nth = 0; nth < NR_IDS; nth++) {
		struct mock *mock = mock_start(test, profile);
		struct device *dev;
		dma_addr_t dma;
		void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);

		mock_endpoint_unknown(mock, ids[nth]);
		dev = mock_endpoint_ids(mock, ids, NR_IDS);
		dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
		KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
		for (i = 0; i < NR_IDS; i++) {
			if (i != nth)
				KUNIT_EXPECT_EQ(test, core_reaches(mock, ids[i], dma),
						virt_to_phys(ram));
		}
		dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
		mock_unregister(mock);
	}
}

static void one_of_which_no_id_is_known_is_not_translated(struct kunit *test)
{
	struct mock *mock = mock_start(test, test->param_value);
	struct device *other = mock_endpoint(mock, 1);
	unsigned int i;

	for (i = 0; i < NR_IDS; i++)
		mock_endpoint_unknown(mock, ids[i]);
	KUNIT_EXPECT_FALSE(test, mock_translated(mock_endpoint_try(mock, ids, NR_IDS)));
	KUNIT_EXPECT_FALSE(test, mock_translated(mock_endpoint_try(mock, ids, 1)));
	KUNIT_EXPECT_EQ(test, core_dma(other), 0);
	KUNIT_EXPECT_TRUE(test, mock_bound(mock));
}

/* ---- Devices that share an ID ---------------------------------------------------- */

static const u32 left[] = { 0x61, 0x62 }, right[] = { 0x62, 0x63 };

static void devices_that_share_an_id_share_a_group(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *a = mock_endpoint_ids(mock, left, 2);
	struct device *b = mock_endpoint_ids(mock, right, 2);
	struct iommu_domain *domain = core_domain(test, a);

	KUNIT_EXPECT_PTR_EQ(test, a->iommu_group, b->iommu_group);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, core_domain_id(mock, 0x61)), NR_IDS);
	KUNIT_EXPECT_EQ(test, iommu_attach_device(domain, a), -EINVAL);

	mock_mark(mock);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 2), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, a), 0);
	KUNIT_EXPECT_EQ(test, mock_count(mock, VIRTIO_IOMMU_T_ATTACH), NR_IDS);
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, core_scatter_iova(1), core_scatter_phys(1)),
			NR_IDS);
	core_detach(test, a);
	KUNIT_EXPECT_EQ(test, core_dma(a), 0);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
}

/* Each of them may go first; what they share stays for as long as one is there. */
static void the_shared_id_works_until_the_last_is_gone(struct kunit *test)
{
	unsigned int first;

	for (first = 0; first < 2; first++) {
		struct mock *mock = mock_start(test, mock_strict);
		struct device *dev[] = {
			mock_endpoint_ids(mock, left, 2), mock_endpoint_ids(mock, right, 2),
		};
		void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
		struct device *stays = dev[!first];
		dma_addr_t dma = dma_map_single(stays, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);

		KUNIT_ASSERT_FALSE(test, dma_mapping_error(stays, dma));
		mock_endpoint_remove(dev[first]);
		KUNIT_EXPECT_EQ(test, core_reaches(mock, 0x62, dma), virt_to_phys(ram));
		KUNIT_EXPECT_EQ(test, core_reaches(mock, first ? 0x63 : 0x61, dma), CORE_REFUSED);
		KUNIT_EXPECT_EQ(test, core_dma(stays), 0);
		dma_unmap_single(stays, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
		mock_endpoint_remove(stays);
		KUNIT_EXPECT_EQ(test, nr_reaching(mock, dma, CORE_REFUSED), NR_IDS);
	}
}

/* The first device of the group has moved when the second is refused: it moves back. */
static void one_device_that_cannot_holds_its_group_back(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *a = mock_endpoint_ids(mock, left, 2);
	struct device *b = mock_endpoint_ids(mock, right, 2);
	struct iommu_domain *domain = core_domain(test, a);
	u32 home = core_domain_id(mock, 0x61);
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = 0x63, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};

	mock_script(mock, &script);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, a), -ENOMEM);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, home), NR_IDS);
	KUNIT_EXPECT_EQ(test, core_dma(a), 0);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, a), 0);
	core_detach(test, a);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, home), NR_IDS);
}

/* A device whose group is there is attached to where that is, and only if it can. */
static void a_late_member_that_is_refused_leaves_the_group_alone(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *a = mock_endpoint_ids(mock, left, 2), *b;
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = 0x63, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_DEVERR,
	};

	mock_script(mock, &script);
	b = mock_endpoint_try(mock, right, 2);
	KUNIT_EXPECT_FALSE(test, mock_translated(b));
	KUNIT_EXPECT_EQ(test, core_dma(a), 0);
	mock_endpoint_remove(b);
	KUNIT_EXPECT_EQ(test, core_dma(a), 0);
	b = mock_endpoint_ids(mock, right, 2);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
}

/* A device may come to a group that is blocked, or attached to somebody's domain. */
static void a_late_member_joins_its_group_where_it_is(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *a = mock_endpoint_ids(mock, left, 2);
	struct iommu_domain *domain = core_domain(test, a);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 2), 0);
	KUNIT_ASSERT_EQ(test, core_claim(test, a), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, a), 0);
	mock_endpoint_ids(mock, right, 2);
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, core_scatter_iova(1), core_scatter_phys(1)),
			NR_IDS);
	core_detach(test, a);
	KUNIT_EXPECT_EQ(test, nr_reaching(mock, core_scatter_iova(1), CORE_REFUSED), NR_IDS);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(mock), 0);
	core_release(test, a);
	KUNIT_EXPECT_EQ(test, core_dma(a), 0);
}

/* Of an IOMMU whose endpoints never move: it has to be the right domain at once. */
static void a_late_member_need_not_move(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct device *a, *b;
	struct mock *mock;

	profile.quirks |= MOCK_Q_STAYS;
	mock = mock_start(test, &profile);
	a = mock_endpoint_ids(mock, left, 2);
	KUNIT_ASSERT_EQ(test, core_dma(a), 0);
	b = mock_endpoint_ids(mock, right, 2);
	KUNIT_ASSERT_PTR_EQ(test, b->iommu_group, a->iommu_group);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
	KUNIT_EXPECT_EQ(test, nr_attached_to(mock, core_domain_id(mock, ids[0])), NR_IDS);
}

/* ---- Devices that are there before their IOMMU ----------------------------------- */

#define REGISTERS	0x5000000000ULL

/* Firmware has told of it; the IOMMU takes it in when it gets a driver, all in one go. */
static struct device *add_early(struct kunit *test, struct mock *mock, const u32 *id,
				unsigned int nr)
{
	/* Nothing has registers there, nor has another of these */
	struct device *dev = mock_endpoint_plain(mock, REGISTERS + id[0] * SZ_4K, id[0]);

	mutex_lock(&iommu_probe_device_lock);
	KUNIT_EXPECT_EQ(test, iommu_fwspec_init(dev, mock_fwnode(mock)), 0);
	mutex_unlock(&iommu_probe_device_lock);
	KUNIT_EXPECT_EQ(test, iommu_fwspec_add_ids(dev, id, nr), 0);
	return dev;
}

static void refuse_for_good(struct mock *mock, u8 type, u32 id, unsigned int skip)
{
	const struct mock_script script = {
		.type = type, .endpoint = id, .skip = skip,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_INVAL,
	};

	mock_script(mock, &script);
}

/*
 * The first device waits for its domain, the second joins it there, but for its
 * last ID, and cannot take back the one before. That is in the first's domain.
 */
static void what_stays_where_a_group_began_reaches_nothing(struct kunit *test)
{
	static const u32 three[] = { 0x62, 0x63, 0x64 };
	struct mock *mock = mock_start(test, mock_strict);
	struct device *a = add_early(test, mock, left, 2);
	struct device *b = add_early(test, mock, three, 3);
	struct iommu_domain *domain;

	mock_unbind(mock);
	refuse_for_good(mock, VIRTIO_IOMMU_T_ATTACH, 0x64, 0);
	refuse_for_good(mock, VIRTIO_IOMMU_T_ATTACH, 0x63, 1);
	refuse_for_good(mock, VIRTIO_IOMMU_T_DETACH, 0x63, 0);
	KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	KUNIT_ASSERT_TRUE(test, mock_translated(a));
	KUNIT_EXPECT_FALSE(test, mock_translated(b));

	domain = iommu_get_domain_for_dev(a);
	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, 0x63, 0, 1), 1);
	KUNIT_ASSERT_EQ(test, core_claim(test, a), 0);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, 0x63, 0, 1), 0);
	core_release(test, a);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, 0x61, 0, 1), 1);
	KUNIT_EXPECT_EQ(test, core_scattered(mock, 0x63, 0, 1), 0);
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, core_scatter_iova(0), PAGE_SIZE), PAGE_SIZE);
}

/* Somebody binds the driver, or removes a device if there is one. */
struct event {
	struct work_struct work;
	struct mock *mock;
	struct device *dev;
	int err;
};

static void event_work(struct work_struct *work)
{
	struct event *event = container_of(work, struct event, work);

	if (event->dev)
		mock_endpoint_remove(event->dev);
	else
		event->err = mock_bind(event->mock);
}

static void event_begin(struct event *event)
{
	INIT_WORK_ONSTACK(&event->work, event_work);
	queue_work(system_unbound_wq, &event->work);
}

static int event_join(struct event *event)
{
	flush_work(&event->work);
	destroy_work_on_stack(&event->work);
	return event->err;
}

/*
 * The first of a group is unplugged while another device is being taken in, and
 * nothing has got its domain yet. There is an ID for each of those that remain.
 */
static void the_first_of_a_group_goes_too_early(struct kunit *test)
{
	static const u32 another = 1;
	const struct mock_script hold = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = another, .count = 1, .how = MOCK_HOLD,
	};
	struct mock_profile profile = *mock_strict;
	struct event bind = {}, unplug = {};
	struct device *b, *c;
	struct mock *mock;

	profile.domain_last = profile.domain_first + 3;	/* blocked, bypass, and two */
	mock = mock_start(test, &profile);
	unplug.dev = add_early(test, mock, left, 2);
	b = add_early(test, mock, right, 2);
	c = add_early(test, mock, &another, 1);
	mock_unbind(mock);

	bind.mock = mock;
	mock_script(mock, &hold);
	event_begin(&bind);
	core_await_hits(test, mock, 1);
	event_begin(&unplug);
	msleep(20);	/* until it waits for the IOMMU */
	mock_release(mock);
	event_join(&unplug);
	KUNIT_EXPECT_EQ(test, event_join(&bind), 0);

	KUNIT_EXPECT_TRUE(test, mock_translated(b));
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
	KUNIT_EXPECT_EQ(test, core_dma(c), 0);
	KUNIT_EXPECT_NE(test, core_domain_id(mock, 0x61), core_domain_id(mock, 0x62));
}

/* ---- Two IOMMUs ------------------------------------------------------------------ */

static void two_iommus_do_not_share_domains(struct kunit *test)
{
	struct mock *one = mock_start(test, mock_strict), *two = mock_start(test, mock_strict);
	struct device *a = mock_endpoint(one, 1), *b = mock_endpoint(two, 1);
	struct iommu_domain *domain = core_domain(test, a);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 2), 0);
	mock_mark(two);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, b), -EINVAL);
	KUNIT_EXPECT_EQ(test, mock_count(two, 0), 0);
	KUNIT_ASSERT_EQ(test, core_attach(test, domain, a), 0);
	KUNIT_EXPECT_EQ(test, core_attach(test, domain, b), -EINVAL);
	KUNIT_EXPECT_EQ(test, core_scattered(one, 1, 0, 2), 2);
	KUNIT_EXPECT_EQ(test, core_scattered(two, 1, 0, 2), 0);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
}

static void one_iommu_goes_and_the_other_does_not_notice(struct kunit *test)
{
	struct mock *one = mock_start(test, mock_strict);
	struct mock *two = mock_start(test, &mock_profiles[1]);
	struct device *a = mock_endpoint(one, 1), *b = mock_endpoint(two, 1);
	void *ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma_addr_t dma = dma_map_single(b, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(b, dma));
	mock_unbind(one);
	KUNIT_EXPECT_FALSE(test, mock_translated(a));
	KUNIT_EXPECT_EQ(test, core_reaches(two, 1, dma), virt_to_phys(ram));
	dma_unmap_single(b, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
	mock_endpoint_remove(a);
	KUNIT_EXPECT_EQ(test, mock_bind(one), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(one, 1)), 0);
	KUNIT_EXPECT_EQ(test, core_dma(b), 0);
}

MOCK_PARAM_PROFILES;

static struct kunit_case group_cases[] = {
	KUNIT_CASE(all_ids_of_a_device_move_together),
	KUNIT_CASE_PROFILES(a_removed_device_leaves_nothing_behind),
	KUNIT_CASE(what_was_removed_can_come_back),
	KUNIT_CASE(an_id_that_is_listed_twice_counts_once),
	KUNIT_CASE_PARAM(a_refused_probe_refuses_the_device, failure_gen_params),
	KUNIT_CASE_PARAM(a_refused_first_attach_refuses_the_device, failure_gen_params),
	KUNIT_CASE_PARAM(a_refused_attach_brings_all_ids_back, failure_gen_params),
	KUNIT_CASE(what_does_not_get_back_is_blocked),
	KUNIT_CASE(what_cannot_be_moved_is_detached_first),
	KUNIT_CASE_PARAM(what_cannot_leave_reaches_nothing, failure_gen_params),
	KUNIT_CASE_PROFILES(an_unknown_id_is_passed_over),
	KUNIT_CASE_PROFILES(one_of_which_no_id_is_known_is_not_translated),
	KUNIT_CASE(devices_that_share_an_id_share_a_group),
	KUNIT_CASE(the_shared_id_works_until_the_last_is_gone),
	KUNIT_CASE(one_device_that_cannot_holds_its_group_back),
	KUNIT_CASE(a_late_member_that_is_refused_leaves_the_group_alone),
	KUNIT_CASE(a_late_member_joins_its_group_where_it_is),
	KUNIT_CASE(a_late_member_need_not_move),
	KUNIT_CASE(what_stays_where_a_group_began_reaches_nothing),
	KUNIT_CASE(the_first_of_a_group_goes_too_early),
	KUNIT_CASE(two_iommus_do_not_share_domains),
	KUNIT_CASE(one_iommu_goes_and_the_other_does_not_notice),
	{ }
};

static struct kunit_suite group_suite = {
	.name = "viommu_group",
	.test_cases = group_cases,
};

kunit_test_suite(group_suite);
