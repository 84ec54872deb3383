// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions: which IOMMU each is behind and under which IDs it does DMA,
 * who waits for an IOMMU that may come, and who came too early. The IOMMUs are
 * functions themselves, and describe their endpoints by themselves.
 */
#include <linux/device/driver.h>
#include <linux/virtio_iommu.h>

#include "core.h"
#include "fake_pci.h"
#include "patience.h"
#include "said.h"

#define SEGMENT		0x42

/* What IOMMUs call the function with a requester ID */
#define ID(rid)		(0x10000U + (rid))

#define RID(bus, slot, fn)	PCI_DEVID(bus, PCI_DEVFN(slot, fn))

/* ---- IOMMUs ---------------------------------------------------------------------- */

/* All that the mock has */
#define CONFIG_SIZE	256

#define GOOD_CAP	FAKE_CONFIG_CAP(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 0, CONFIG_SIZE)

#define MAX_RANGES	4

struct span {
	u16 first;
	u16 last;
	u32 id;
};

struct description {
	struct virtio_iommu_topology head;
	__le32 padding;
	struct virtio_iommu_topology_pci_range node[MAX_RANGES];
};

static void describe(struct description *description, u16 segment, const struct span *range,
		     unsigned int nr)
{
	unsigned int i;

	*description = (struct description) {
		.head.count = cpu_to_le16(nr),
		.head.offset = cpu_to_le16(48),
	};
	for (i = 0; i < nr; i++)
		description->node[i] = (struct virtio_iommu_topology_pci_range) {
			.head.type = VIRTIO_IOMMU_TOPOLOGY_T_PCI_RANGE,
			.head.length = cpu_to_le16(sizeof(description->node[i])),
			.endpoint_start = cpu_to_le32(range[i].id),
			.segment_start = cpu_to_le16(segment),
			.segment_end = cpu_to_le16(segment),
			.bdf_start = cpu_to_le16(range[i].first),
			.bdf_end = cpu_to_le16(range[i].last),
		};
}

static struct mock *create_iommu(struct kunit *test, struct fake_pci *pci,
				 const struct span *range, unsigned int nr)
{
	struct mock_profile profile = *mock_strict;
	struct description description;

	describe(&description, fake_pci_segment(pci), range, nr);
	profile.features |= BIT_ULL(VIRTIO_IOMMU_F_TOPOLOGY);
	profile.config = &description;
	profile.config_at = VIRTIO_IOMMU_TOPOLOGY_HEADER;
	profile.config_len = sizeof(description);
	profile.config_size = CONFIG_SIZE;
	return mock_create(test, &profile);
}

static struct mock *start_iommu(struct kunit *test, struct fake_pci *pci, u16 rid,
				const struct span *range, unsigned int nr)
{
	struct mock *mock = create_iommu(test, pci, range, nr);

	mock_register_at(mock, &fake_pci_dev(pci, PCI_BUS_NUM(rid), rid & 0xff)->dev);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	return mock;
}

/* Whether what is mapped for a device is there for an endpoint */
static bool reaches(struct mock *mock, u32 id, struct device *dev)
{
	void *ram = mock_translated(dev) ? kzalloc(PAGE_SIZE, GFP_KERNEL) : NULL;
	bool reached = false;
	dma_addr_t dma;

	if (!ram)
		return false;
	dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (!dma_mapping_error(dev, dma)) {
		reached = core_reaches(mock, id, dma) == virt_to_phys(ram);
		dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
		iommu_flush_iotlb_all(iommu_get_domain_for_dev(dev));
	}
	kfree(ram);
	return reached;
}

/* ---- Buses of all kinds ----------------------------------------------------------- */

#define AT(b, slot, fn)	.bus = b, .devfn = PCI_DEVFN(slot, fn)
#define EXPRESS(type)	.express = true, .port = PCI_EXP_TYPE_##type
#define IOMMU		.device = FAKE_IOMMU, .caps = { GOOD_CAP }, .nr_caps = 1

static const struct fake_function zoo[] = {
	{ AT(0, 0, 0), IOMMU },
	{ AT(0, 0, 1), IOMMU },
	{ AT(0, 1, 0) },
	/* Ports pass IDs on */
	{ AT(0, 2, 0), EXPRESS(ROOT_PORT), .below = 1 },
	{ AT(1, 0, 0), EXPRESS(ENDPOINT) },
	{ AT(1, 0, 1), EXPRESS(ENDPOINT) },
	/* A bridge from PCI Express to PCI puts its own in their place */
	{ AT(0, 3, 0), EXPRESS(ROOT_PORT), .below = 2, .last = 3 },
	{ AT(2, 0, 0), EXPRESS(PCI_BRIDGE), .below = 3 },
	{ AT(3, 1, 0) },
	{ AT(3, 2, 0) },
	/* So does one from PCI to PCI, in another way */
	{ AT(0, 4, 0), .below = 4 },
	{ AT(4, 1, 0) },
	/* And one back to PCI Express */
	{ AT(0, 5, 0), EXPRESS(PCIE_BRIDGE), .below = 5 },
	{ AT(5, 0, 0), EXPRESS(ENDPOINT) },
};

static const struct span everything[] = { { 0, 0xffff, ID(0) } };

static struct fake_pci *start_zoo(struct kunit *test)
{
	return fake_pci_start(test, SEGMENT, zoo, ARRAY_SIZE(zoo), NULL);
}

static struct pci_dev *animal(struct fake_pci *pci, u16 rid)
{
	return fake_pci_dev(pci, PCI_BUS_NUM(rid), rid & 0xff);
}

/* An IOMMU for what is on the way to a function, and beside it: others take time */
static struct mock *start_for(struct kunit *test, struct fake_pci *pci, struct pci_dev *pdev)
{
	struct span way[2] = { };
	struct pci_bus *below;

	while (!pci_is_root_bus(pdev->bus))
		pdev = pdev->bus->self;
	below = pdev->subordinate;
	way[0] = (struct span) { pci_dev_id(pdev), pci_dev_id(pdev), ID(pci_dev_id(pdev)) };
	if (!below)
		return start_iommu(test, pci, 0, way, 1);
	way[1].first = PCI_DEVID(below->number, 0);
	way[1].last = PCI_DEVID(below->busn_res.end, 0xff);
	way[1].id = ID(way[1].first);
	return start_iommu(test, pci, 0, way, 2);
}

/* ---- IDs --------------------------------------------------------------------------- */

struct ids {
	unsigned int nr;
	u32 id[8];
};

static int add_alias(struct pci_dev *pdev, u16 rid, void *data)
{
	struct ids *ids = data;

	if (ids->nr < ARRAY_SIZE(ids->id))
		ids->id[ids->nr++] = ID(rid);
	return 0;
}

/* A function has the IDs of all that the PCI core says it does DMA as, in this order. */
static void check_ids(struct kunit *test, struct pci_dev *pdev, unsigned int nr)
{
	const struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(&pdev->dev);
	struct ids ids = { };

	pci_for_each_dma_alias(pdev, add_alias, &ids);
	KUNIT_EXPECT_EQ_MSG(test, ids.nr, nr, "%s", pci_name(pdev));
	KUNIT_ASSERT_NOT_NULL_MSG(test, fwspec, "%s", pci_name(pdev));
	KUNIT_ASSERT_EQ_MSG(test, fwspec->num_ids, ids.nr, "%s", pci_name(pdev));
	KUNIT_EXPECT_MEMEQ(test, fwspec->ids, ids.id, ids.nr * sizeof(ids.id[0]));
}

/* The bridge that something is done to, the function behind it, and its IDs then */
struct quirk {
	const char *name;
	u16 bridge;
	u16 flags;
	u16 rid;
	unsigned int nr;
};

static const struct quirk quirks[] = {
	{ "no bridge", 0, 0, RID(0, 1, 0), 1 },
	{ "a port", 0, 0, RID(1, 0, 0), 1 },
	{ "a port itself", 0, 0, RID(0, 2, 0), 1 },
	{ "to PCI", 0, 0, RID(3, 1, 0), 2 },
	{ "PCI", 0, 0, RID(4, 1, 0), 2 },
	{ "to PCI Express", 0, 0, RID(5, 0, 0), 2 },
#ifdef VIOMMU_HAVE_NO_ALIAS
	{ "to PCI, which passes IDs on", RID(2, 0, 0), PCI_DEV_FLAGS_PCI_BRIDGE_NO_ALIAS,
	  RID(3, 1, 0), 1 },
	{ "to PCI Express, which is never said to", RID(0, 5, 0), PCI_DEV_FLAGS_PCI_BRIDGE_NO_ALIAS,
	  RID(5, 0, 0), 2 },
#endif
	{ "to PCI, which does not say so", RID(0, 4, 0), PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS,
	  RID(4, 1, 0), 2 },
	{ "to PCI, where translation is", RID(2, 0, 0), PCI_DEV_FLAGS_BRIDGE_XLATE_ROOT,
	  RID(3, 1, 0), 1 },
	{ "to PCI, below where translation is", RID(0, 3, 0), PCI_DEV_FLAGS_BRIDGE_XLATE_ROOT,
	  RID(3, 1, 0), 2 },
};

KUNIT_ARRAY_PARAM_DESC(quirk, quirks, name);

static void a_function_has_the_ids_that_bridges_give_it(struct kunit *test)
{
	const struct quirk *quirk = test->param_value;
	struct fake_pci *pci = start_zoo(test);
	struct pci_dev *pdev = animal(pci, quirk->rid);
	struct mock *mock;

	if (quirk->flags)
		animal(pci, quirk->bridge)->dev_flags |= quirk->flags;
	mock = start_for(test, pci, pdev);
	check_ids(test, pdev, quirk->nr);
	KUNIT_EXPECT_TRUE(test, mock_translated(&pdev->dev));
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(quirk->rid), &pdev->dev));
}

static void a_function_may_have_others(struct kunit *test)
{
	struct fake_pci *pci = start_zoo(test);
	struct pci_dev *pdev = animal(pci, RID(1, 0, 1));
	struct mock *mock;

	pci_add_dma_alias(pdev, PCI_DEVFN(31, 7), 1);
	pci_add_dma_alias(pdev, PCI_DEVFN(4, 2), 1);
	mock = start_for(test, pci, pdev);
	check_ids(test, pdev, 3);
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(1, 31, 7)), &pdev->dev));
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(1, 4, 2)), &pdev->dev));
	KUNIT_EXPECT_FALSE(test, reaches(mock, ID(RID(1, 4, 3)), &pdev->dev));
}

/* More than there is room for: those are left out, and nothing is written past the end. */
static void a_function_may_have_too_many(struct kunit *test)
{
	struct fake_pci *pci = start_zoo(test);
	struct pci_dev *pdev = animal(pci, RID(1, 0, 1));
	struct mock *mock;

	pci_add_dma_alias(pdev, PCI_DEVFN(8, 0), 64);
	mock = start_for(test, pci, pdev);
	KUNIT_ASSERT_TRUE(test, mock_translated(&pdev->dev));
	KUNIT_EXPECT_EQ(test, dev_iommu_fwspec_get(&pdev->dev)->num_ids, 32);
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(1, 8, 0)), &pdev->dev));
	KUNIT_EXPECT_FALSE(test, reaches(mock, ID(RID(1, 15, 7)), &pdev->dev));
}

static void functions_behind_one_bridge_share_a_group(struct kunit *test)
{
	struct fake_pci *pci = start_zoo(test);
	struct device *one = &animal(pci, RID(3, 1, 0))->dev;
	struct device *two = &animal(pci, RID(3, 2, 0))->dev;
	struct mock *mock = start_for(test, pci, to_pci_dev(one));

	KUNIT_ASSERT_NOT_NULL(test, one->iommu_group);
	KUNIT_EXPECT_PTR_EQ(test, one->iommu_group, two->iommu_group);
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(3, 0, 0)), one));
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(3, 0, 0)), two));
	KUNIT_EXPECT_EQ(test, core_domain_id(mock, ID(RID(3, 1, 0))),
			core_domain_id(mock, ID(RID(3, 2, 0))));
}

static void others_do_not(struct kunit *test)
{
	static const struct span roots[] = { { RID(0, 1, 0), RID(0, 3, 0), ID(0) } };
	struct fake_pci *pci = start_zoo(test);

	start_iommu(test, pci, 0, roots, 1);
	KUNIT_ASSERT_NOT_NULL(test, animal(pci, RID(0, 1, 0))->dev.iommu_group);
	KUNIT_EXPECT_PTR_NE(test, animal(pci, RID(0, 1, 0))->dev.iommu_group,
			    animal(pci, RID(0, 2, 0))->dev.iommu_group);
}

static void an_iommu_is_not_behind_itself(struct kunit *test)
{
	static const struct span iommus[] = { { RID(0, 0, 0), RID(0, 0, 1), ID(0) } };
	struct fake_pci *pci = start_zoo(test);
	struct mock *mock = start_iommu(test, pci, 0, iommus, 1);

	KUNIT_EXPECT_FALSE(test, mock_translated(&animal(pci, RID(0, 0, 0))->dev));
	KUNIT_EXPECT_EQ(test, core_domain_id(mock, ID(RID(0, 0, 0))), U32_MAX);
	KUNIT_EXPECT_TRUE(test, mock_translated(&animal(pci, RID(0, 0, 1))->dev));
}

static void what_is_not_listed_is_not_translated(struct kunit *test)
{
	static const struct span some[] = {
		{ RID(0, 1, 0), RID(0, 1, 0), ID(0) },
		{ RID(1, 0, 1), RID(3, 1, 0), ID(0x100) },
	};
	struct fake_pci *pci = start_zoo(test);
	struct mock *mock = start_iommu(test, pci, 0, some, ARRAY_SIZE(some));

	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(0), &animal(pci, RID(0, 1, 0))->dev));
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(0x100), &animal(pci, RID(1, 0, 1))->dev));
	KUNIT_EXPECT_TRUE(test, mock_translated(&animal(pci, RID(3, 1, 0))->dev));
	KUNIT_EXPECT_FALSE(test, mock_translated(&animal(pci, RID(0, 2, 0))->dev));
	KUNIT_EXPECT_FALSE(test, mock_translated(&animal(pci, RID(1, 0, 0))->dev));
	KUNIT_EXPECT_FALSE(test, mock_translated(&animal(pci, RID(4, 1, 0))->dev));
}

/* The bridge that 05:00.0 is behind is listed, the function is not, or the other way round. */
static void an_alias_may_be_left_out(struct kunit *test)
{
	static const struct span lists[][1] = {
		{ { RID(0, 5, 0), RID(0, 5, 0), ID(7) } },
		{ { RID(5, 0, 0), RID(5, 0, 0), ID(7) } },
	};
	static const char *const words[] = {
		"its alias 05:00.0 is behind another IOMMU or none",
		"its alias 00:05.0 is behind another IOMMU or none",
	};
	struct fake_pci *pci = start_zoo(test);
	struct device *dev = &animal(pci, RID(5, 0, 0))->dev;
	struct kmsg_dump_iter mark;
	struct mock *mock;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		mark = said_mark();
		mock = start_iommu(test, pci, 0, lists[i], 1);
		KUNIT_ASSERT_TRUE(test, mock_translated(dev));
		KUNIT_EXPECT_EQ(test, dev_iommu_fwspec_get(dev)->num_ids, 1);
		KUNIT_EXPECT_TRUE(test, reaches(mock, ID(7), dev));
		said_expect(test, &mark, words[i], 1);
		mock_unregister(mock);
	}
}

/* The bridge is the first one's, and its group with it */
static void functions_behind_one_bridge_may_have_two_iommus(struct kunit *test)
{
	static const struct span one[] = {
		{ RID(2, 0, 0), RID(2, 0, 0), ID(0) },
		{ RID(3, 1, 0), RID(3, 1, 0), ID(1) },
	};
	static const struct span two[] = { { RID(3, 2, 0), RID(3, 2, 0), ID(2) } };
	struct fake_pci *pci = start_zoo(test);
	struct device *first = &animal(pci, RID(3, 1, 0))->dev;
	struct device *second = &animal(pci, RID(3, 2, 0))->dev;
	struct kmsg_dump_iter mark = said_mark();
	struct mock *a = start_iommu(test, pci, RID(0, 0, 0), one, ARRAY_SIZE(one));
	struct mock *b = start_iommu(test, pci, RID(0, 0, 1), two, 1);

	KUNIT_ASSERT_TRUE(test, mock_translated(first));
	KUNIT_ASSERT_TRUE(test, mock_translated(second));
	KUNIT_EXPECT_PTR_NE(test, first->iommu_group, second->iommu_group);
	said_expect(test, &mark, "it shares an alias with are behind another IOMMU", 1);
	KUNIT_EXPECT_TRUE(test, reaches(a, ID(1), first));
	KUNIT_EXPECT_TRUE(test, reaches(b, ID(2), second));
	KUNIT_EXPECT_FALSE(test, reaches(b, ID(1), second));
}

/* ---- How long config space is ---------------------------------------------------- */

struct caps {
	const char *name;
	struct virtio_pci_cap caps[FAKE_MAX_CAPS];
	unsigned int nr;
	bool enough;
};

#define DEVICE_CAP(bar, offset, length) \
	FAKE_CONFIG_CAP(VIRTIO_PCI_CAP_DEVICE_CFG, bar, offset, length)

/* What the profile promises takes 37 bytes */
static const struct caps caps[] = {
	{ "none", { }, 0, false },
	{ "long", { DEVICE_CAP(0, 0, 256) }, 1, true },
	{ "long enough", { DEVICE_CAP(0, 16, 37) }, 1, true },
	{ "too short", { DEVICE_CAP(0, 0, 36) }, 1, false },
	{ "of no bytes", { DEVICE_CAP(0, 0, 0) }, 1, false },
	{ "of something else", { FAKE_CONFIG_CAP(VIRTIO_PCI_CAP_ISR_CFG, 0, 0, 256) }, 1, false },
	{ "behind something else", { FAKE_CONFIG_CAP(VIRTIO_PCI_CAP_COMMON_CFG, 0, 0, 8),
	  DEVICE_CAP(0, 0, 64) }, 2, true },
	{ "twice, first long", { DEVICE_CAP(0, 0, 256), DEVICE_CAP(0, 0, 36) }, 2, false },
	{ "twice, first short", { DEVICE_CAP(0, 0, 36), DEVICE_CAP(0, 0, 256) }, 2, false },
	{ "twice, one in a BAR that is none", { DEVICE_CAP(0, 0, 256),
	  DEVICE_CAP(6, 0, 36) }, 2, true },
	{ "in a BAR that is not there", { DEVICE_CAP(1, 0, 256) }, 1, false },
	{ "up to the end of the BAR", { DEVICE_CAP(0, FAKE_BAR - 37, 256) }, 1, true },
	{ "past the end of the BAR", { DEVICE_CAP(0, FAKE_BAR - 36, 256) }, 1, false },
	{ "behind the BAR", { DEVICE_CAP(0, FAKE_BAR, 256) }, 1, false },
	{ "far behind the BAR", { DEVICE_CAP(0, 0xffffff00U, 0x200) }, 1, false },
};

KUNIT_ARRAY_PARAM_DESC(caps, caps, name);

static void a_capability_says_how_long_config_space_is(struct kunit *test)
{
	const struct caps *param = test->param_value;
	struct fake_function function = { .device = FAKE_IOMMU, .nr_caps = param->nr };
	struct fake_pci *pci;
	struct mock *mock;

	memcpy(function.caps, param->caps, sizeof(function.caps));
	pci = fake_pci_start(test, SEGMENT, &function, 1, NULL);
	mock = mock_create(test, mock_strict);
	mock_register_at(mock, &animal(pci, 0)->dev);
	KUNIT_EXPECT_EQ(test, mock_bound(mock), param->enough);
}

/* ---- Drivers of functions ---------------------------------------------------------- */

static const struct pci_device_id leaf_ids[] = {
	{ PCI_DEVICE(FAKE_VENDOR, FAKE_DEVICE) },
	{ }
};

/* How a driver found its device, and what became of it */
struct leaf {
	struct pci_dev *pdev;		/* the only one that it takes */
	bool bound;
	bool translated;		/* when it was bound, and when it was unbound */
};

static struct leaf leaf;

static int leaf_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	if (pdev != leaf.pdev)
		return -ENODEV;
	leaf.translated = mock_translated(&pdev->dev);
	leaf.bound = true;
	return 0;
}

static void leaf_remove(struct pci_dev *pdev)
{
	leaf.translated = mock_translated(&pdev->dev);
	leaf.bound = false;
}

static void unregister_driver(void *driver)
{
	pci_unregister_driver(driver);
}

static void start_driver(struct kunit *test, struct pci_driver *driver)
{
	KUNIT_ASSERT_EQ(test, pci_register_driver(driver), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unregister_driver, driver), 0);
}

static struct pci_driver leaf_driver = {
	.name = "viommu-fake-leaf",
	.id_table = leaf_ids,
	.probe = leaf_probe,
	.remove = leaf_remove,
};

static struct pci_driver porter_driver = {
	.name = "viommu-fake-porter",
	.id_table = leaf_ids,
	.probe = leaf_probe,
	.remove = leaf_remove,
	.driver_managed_dma = true,
};

/* ---- Drivers that came first -------------------------------------------------------- */

static const struct fake_function late[] = {
	{ AT(0, 0, 0), IOMMU, .hidden = true },
	{ AT(0, 1, 0) },
	{ AT(0, 2, 0) },
};

/* An IOMMU comes when 00:01.0 has its driver, but 00:02.0 has none. */
static struct mock *come_late(struct kunit *test, struct fake_pci *pci, struct pci_driver *driver)
{
	leaf = (struct leaf) { .pdev = animal(pci, RID(0, 1, 0)) };
	start_driver(test, driver);
	KUNIT_ASSERT_TRUE(test, leaf.bound);
	fake_pci_plug(pci, 0, 0);
	return start_iommu(test, pci, 0, everything, 1);
}

static void check_late(struct kunit *test, struct pci_driver *driver, unsigned int times)
{
	struct fake_pci *pci = fake_pci_start(test, SEGMENT, late, ARRAY_SIZE(late), NULL);
	struct kmsg_dump_iter mark = said_mark();
	struct mock *mock = come_late(test, pci, driver);

	KUNIT_EXPECT_TRUE(test, leaf.bound);
	KUNIT_EXPECT_FALSE(test, mock_translated(&leaf.pdev->dev));
	said_expect(test, &mark, ":00:01.0: NOT translated: driver viommu-fake", times);
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(0, 2, 0)), &animal(pci, RID(0, 2, 0))->dev));
}

static void a_driver_that_came_first_is_left_alone_and_named(struct kunit *test)
{
	check_late(test, &leaf_driver, 1);
}

static void one_that_does_no_dma_is_not_named(struct kunit *test)
{
	check_late(test, &porter_driver, 0);
}

/* ---- Drivers that outstay their IOMMU ----------------------------------------------- */

/* The IOMMU is behind a port that it translates: no link can have the port go first. */
static const struct fake_function below_port[] = {
	{ AT(0, 1, 0), EXPRESS(ROOT_PORT), .below = 1 },
	{ AT(1, 0, 0), EXPRESS(ENDPOINT), IOMMU },
};

static void a_driver_does_not_outstay_the_iommu(struct kunit *test)
{
	struct fake_pci *pci = fake_pci_start(test, SEGMENT, below_port, ARRAY_SIZE(below_port),
					      NULL);
	struct mock *mock = start_iommu(test, pci, RID(1, 0, 0), everything, 1);
	struct kmsg_dump_iter mark = said_mark();

	leaf = (struct leaf) { .pdev = animal(pci, RID(0, 1, 0)) };
	start_driver(test, &leaf_driver);
	KUNIT_ASSERT_TRUE(test, leaf.bound);
	KUNIT_ASSERT_TRUE(test, leaf.translated);
	mock_unbind(mock);
	KUNIT_EXPECT_FALSE(test, leaf.bound);
	KUNIT_EXPECT_TRUE(test, leaf.translated);
	KUNIT_EXPECT_FALSE(test, mock_translated(&leaf.pdev->dev));
	said_expect(test, &mark, ":00:01.0: unbound: its IOMMU", 1);
}

/* ---- Drivers that wait ---------------------------------------------------------------- */

static const struct pci_device_id transport_ids[] = {
	{ PCI_DEVICE(FAKE_VIRTIO, FAKE_IOMMU) },
	{ }
};

static struct mock *coming;		/* what the next transport brings, if anything */

static int transport_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct mock *mock = coming;

	if (!mock)
		return -ENODEV;
	coming = NULL;
	pci_set_drvdata(pdev, mock);
	mock_register_at(mock, &pdev->dev);
	return 0;
}

static void transport_remove(struct pci_dev *pdev)
{
	mock_unregister(pci_get_drvdata(pdev));
}

static struct pci_driver transport_driver = {
	.name = "virtio-pci",
	.id_table = transport_ids,
	.probe = transport_probe,
	.remove = transport_remove,
};

static const struct fake_function early[] = {
	{ AT(0, 0, 0), IOMMU },
	{ AT(0, 1, 0) },
	{ AT(0, 2, 0), .below = 1 },
};

/* A driver comes before that of an IOMMU, which nothing describes but itself. */
static struct fake_pci *come_early(struct kunit *test, u16 rid)
{
	struct fake_pci *pci = fake_pci_start(test, SEGMENT, early, ARRAY_SIZE(early), NULL);

	if (acpi_viot_present())
		kunit_skip(test, "here, the firmware describes IOMMUs");
	coming = NULL;
	leaf = (struct leaf) { .pdev = animal(pci, rid) };
	start_driver(test, &leaf_driver);
	return pci;
}

/* The IOMMU's driver comes at last, and whoever waits looks again. */
static void bring(struct kunit *test, struct mock *mock)
{
	coming = mock;
	start_driver(test, &transport_driver);
	wait_for_device_probe();
}

static void a_driver_waits_for_an_iommu_that_may_be_its(struct kunit *test)
{
	struct fake_pci *pci;
	struct mock *mock;

	wait_for_suppliers(test);
	pci = come_early(test, RID(0, 1, 0));
	KUNIT_EXPECT_FALSE(test, leaf.bound);
	mock = create_iommu(test, pci, everything, 1);
	bring(test, mock);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	KUNIT_EXPECT_TRUE(test, leaf.bound);
	KUNIT_EXPECT_TRUE(test, leaf.translated);
	KUNIT_EXPECT_TRUE(test, reaches(mock, ID(RID(0, 1, 0)), &leaf.pdev->dev));
}

static void and_goes_on_if_it_is_not(struct kunit *test)
{
	static const struct span other[] = { { RID(0, 9, 0), RID(0, 9, 0), ID(0) } };
	struct mock *mock;

	wait_for_suppliers(test);
	mock = create_iommu(test, come_early(test, RID(0, 1, 0)), other, 1);
	KUNIT_EXPECT_FALSE(test, leaf.bound);
	bring(test, mock);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	KUNIT_EXPECT_TRUE(test, leaf.bound);
	KUNIT_EXPECT_FALSE(test, leaf.translated);
}

static void or_if_the_iommu_is_refused(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;
	struct mock *mock;

	wait_for_suppliers(test);
	come_early(test, RID(0, 1, 0));
	KUNIT_EXPECT_FALSE(test, leaf.bound);
	profile.page_size_mask = 0;
	mock = mock_create(test, &profile);
	bring(test, mock);
	KUNIT_EXPECT_FALSE(test, mock_bound(mock));
	KUNIT_EXPECT_TRUE(test, leaf.bound);
	KUNIT_EXPECT_FALSE(test, leaf.translated);
}

static void or_if_nothing_is_behind_the_function(struct kunit *test)
{
	wait_for_suppliers(test);
	come_early(test, RID(0, 1, 0));
	KUNIT_EXPECT_FALSE(test, leaf.bound);
	bring(test, NULL);
	/* Nobody looks again by himself before some driver has been bound */
	KUNIT_EXPECT_EQ(test, driver_attach(&leaf_driver.driver), 0);
	KUNIT_EXPECT_TRUE(test, leaf.bound);
}

static void or_if_it_has_waited_long_enough(struct kunit *test)
{
	wait_for_suppliers(test);
	wait_no_more(NULL);
	come_early(test, RID(0, 1, 0));
	KUNIT_EXPECT_TRUE(test, leaf.bound);
	KUNIT_EXPECT_FALSE(test, leaf.translated);
}

static void a_bridge_waits_for_nothing(struct kunit *test)
{
	wait_for_suppliers(test);
	come_early(test, RID(0, 2, 0));
	KUNIT_EXPECT_TRUE(test, leaf.bound);
}

/* ---- A virtio device that came first -------------------------------------------------- */

static const struct fake_function virtio[] = {
	{ AT(0, 0, 0), IOMMU },
	{ AT(0, 0, 1), IOMMU, .hidden = true },
};

/*
 * The driver of a virtio function does no DMA, that of the device on it does.
 * Here, the device happens to be another IOMMU.
 */
static void check_virtio(struct kunit *test, bool in_use)
{
	static const struct span nothing[] = { { RID(0, 9, 0), RID(0, 9, 0), ID(0) } };
	struct fake_pci *pci = fake_pci_start(test, SEGMENT, virtio, ARRAY_SIZE(virtio), NULL);
	/* Before the transport's driver, which is to go before them */
	struct mock *first = create_iommu(test, pci, nothing, 1);
	struct mock *second = create_iommu(test, pci, everything, 1);
	struct kmsg_dump_iter mark = said_mark();

	bring(test, first);
	KUNIT_ASSERT_TRUE(test, mock_bound(first));
	if (!in_use)
		mock_unbind(first);
	coming = second;
	fake_pci_plug(pci, 0, PCI_DEVFN(0, 1));
	KUNIT_ASSERT_TRUE(test, mock_bound(second));
	said_expect(test, &mark, ":00:00.0: NOT translated: driver virtio-pci", in_use);
}

static void a_virtio_function_is_in_use_if_its_device_is(struct kunit *test)
{
	check_virtio(test, true);
}

static void and_is_not_if_it_is_not(struct kunit *test)
{
	check_virtio(test, false);
}

static struct kunit_case pci_cases[] = {
	KUNIT_CASE_PARAM(a_function_has_the_ids_that_bridges_give_it, quirk_gen_params),
	KUNIT_CASE(a_function_may_have_others),
	KUNIT_CASE(a_function_may_have_too_many),
	KUNIT_CASE(functions_behind_one_bridge_share_a_group),
	KUNIT_CASE(others_do_not),
	KUNIT_CASE(an_iommu_is_not_behind_itself),
	KUNIT_CASE(what_is_not_listed_is_not_translated),
	KUNIT_CASE(an_alias_may_be_left_out),
	KUNIT_CASE(functions_behind_one_bridge_may_have_two_iommus),
	KUNIT_CASE_PARAM(a_capability_says_how_long_config_space_is, caps_gen_params),
	KUNIT_CASE(a_driver_that_came_first_is_left_alone_and_named),
	KUNIT_CASE(one_that_does_no_dma_is_not_named),
	KUNIT_CASE(a_driver_does_not_outstay_the_iommu),
	KUNIT_CASE(a_driver_waits_for_an_iommu_that_may_be_its),
	KUNIT_CASE(and_goes_on_if_it_is_not),
	KUNIT_CASE(or_if_the_iommu_is_refused),
	KUNIT_CASE(or_if_nothing_is_behind_the_function),
	KUNIT_CASE(or_if_it_has_waited_long_enough),
	KUNIT_CASE(a_bridge_waits_for_nothing),
	KUNIT_CASE(a_virtio_function_is_in_use_if_its_device_is),
	KUNIT_CASE(and_is_not_if_it_is_not),
	{ }
};

static struct kunit_suite pci_suite = {
	.name = "viommu_pci",
	.test_cases = pci_cases,
};

kunit_test_suite(pci_suite);
