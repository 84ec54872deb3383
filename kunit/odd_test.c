// SPDX-License-Identifier: GPL-2.0
/*
 * What may happen once in a while: descriptions with mistakes in them, an IOMMU
 * on a transport that nobody knows, devices whose drivers came first, a machine
 * that goes to sleep.
 */
#include <linux/platform_device.h>

#include "core.h"
#include "described.h"
#include "said.h"

#define ID	0xb1

/* ---- Descriptions with mistakes --------------------------------------------------- */

#define PRINTED		16		/* mistakes, at most */
#define MISTAKES	40		/* as there are */

/* One node that is good, and many that are too short */
struct mistaken {
	struct virtio_iommu_topology head;
	__le32 padding;
	struct virtio_iommu_topology_mmio good;
	struct virtio_iommu_topology_node bad[MISTAKES];
};

static struct mistaken mistaken(unsigned int nr)
{
	struct mistaken description = {
		.head = { .count = cpu_to_le16(1 + nr), .offset = cpu_to_le16(48) },
		.good = described_nodes[0],
	};
	unsigned int i;

	for (i = 0; i < nr; i++) {
		description.bad[i].type = VIRTIO_IOMMU_TOPOLOGY_T_MMIO;
		description.bad[i].length = cpu_to_le16(sizeof(description.bad[i]));
	}
	return description;
}

static struct mock *start_described(struct kunit *test, const void *description, size_t len)
{
	struct mock_profile profile = *mock_strict;

	profile.features |= BIT_ULL(VIRTIO_IOMMU_F_TOPOLOGY);
	profile.config = description;
	profile.config_at = VIRTIO_IOMMU_TOPOLOGY_HEADER;
	profile.config_len = len;
	profile.config_size = profile.config_at + len;
	return mock_start(test, &profile);
}

static void check_mistaken(struct kunit *test, unsigned int nr, unsigned int more)
{
	const struct mistaken description = mistaken(nr);
	struct kmsg_dump_iter mark = said_mark();
	struct mock *mock = start_described(test, &description, sizeof(description));
	struct device *dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, DESCRIBED_ID);
	char words[32];

	said_expect(test, &mark, "the node is too short for its type; node ignored",
		    min(nr, PRINTED));
	said_expect(test, &mark, "built-in topology, at 0x40: the node is too short", 1);
	snprintf(words, sizeof(words), "topology: %u more findings", more);
	said_expect(test, &mark, words, more > 0);
	said_expect(test, &mark, "more findings", more > 0);
	KUNIT_ASSERT_TRUE(test, mock_translated(dev));
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

static void mistakes_are_named_and_what_is_good_counts(struct kunit *test)
{
	check_mistaken(test, PRINTED, 0);
}

static void but_not_all_of_very_many(struct kunit *test)
{
	check_mistaken(test, MISTAKES, MISTAKES - PRINTED);
}

static void a_description_may_be_no_good_at_all(struct kunit *test)
{
	struct mistaken description = mistaken(0);
	struct kmsg_dump_iter mark = said_mark();
	struct device *dev;
	struct mock *mock;

	description.head.offset = cpu_to_le16(41);
	mock = start_described(test, &description, sizeof(description));
	dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, DESCRIBED_ID);
	said_expect(test, &mark, "built-in topology: nothing in it can be used", 1);
	said_expect(test, &mark, "at 0x2a: the offset of the nodes cannot be true", 1);
	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	/* The firmware may know some, nevertheless */
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, ID)), 0);
}

/* ---- A transport that is neither of the two ---------------------------------------- */

static void remove_transport(void *transport)
{
	platform_device_unregister(transport);
}

static void config_space_may_be_of_unknown_length(struct kunit *test)
{
	struct platform_device *transport =
		platform_device_register_simple("viommu-odd", PLATFORM_DEVID_AUTO, NULL, 0);
	struct mock *mock;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, transport);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, remove_transport, transport), 0);
	mock = mock_create(test, mock_strict);
	mock_register_at(mock, &transport->dev);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	KUNIT_EXPECT_EQ(test, mock_config_bypass(mock), mock_strict->bypass);
	mock_unbind(mock);
	KUNIT_EXPECT_EQ(test, mock_bind(mock), 0);
}

/* ---- Drivers that came first ------------------------------------------------------- */

static bool bound;

static int early_probe(struct platform_device *pdev)
{
	bound = true;
	return 0;
}

static void early_remove(struct platform_device *pdev)
{
	bound = false;
}

static struct platform_driver early_driver = {
	.probe = early_probe,
	.remove = early_remove,
	.driver.name = "viommu-mock-device",
};

static void unregister_early(void *unused)
{
	platform_driver_unregister(&early_driver);
}

static void bind_early(struct kunit *test, bool managed_dma)
{
	early_driver.driver_managed_dma = managed_dma;
	KUNIT_ASSERT_EQ(test, platform_driver_register(&early_driver), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, unregister_early, NULL), 0);
	KUNIT_ASSERT_TRUE(test, bound);
}

/* An IOMMU comes that says it translates a device which is in use. */
static void check_early(struct kunit *test, bool managed_dma)
{
	struct mock *mock = described_create(test);
	struct device *dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, DESCRIBED_ID);
	struct kmsg_dump_iter mark = said_mark();

	bind_early(test, managed_dma);
	mock_register(mock);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	KUNIT_EXPECT_TRUE(test, bound);
	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	said_expect(test, &mark, "NOT translated: driver viommu-mock-device was bound before",
		    !managed_dma);
}

static void a_driver_that_came_first_is_named(struct kunit *test)
{
	check_early(test, false);
}

static void one_that_does_no_dma_is_not(struct kunit *test)
{
	check_early(test, true);
}

/* As if firmware put a device behind the IOMMU, and the core asked for it. */
static int offer(struct kunit *test, struct mock *mock, struct device *dev)
{
	u32 id = ID;

	mutex_lock(&iommu_probe_device_lock);
	KUNIT_EXPECT_EQ(test, iommu_fwspec_init(dev, mock_fwnode(mock)), 0);
	mutex_unlock(&iommu_probe_device_lock);
	KUNIT_EXPECT_EQ(test, iommu_fwspec_add_ids(dev, &id, 1), 0);
	mock_mark(mock);
	return iommu_probe_device(dev);
}

static void an_iommu_is_not_its_own_endpoint(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *transport = mock_virtio(mock)->dev.parent;

	KUNIT_EXPECT_EQ(test, offer(test, mock, transport), -ENODEV);
	KUNIT_EXPECT_FALSE(test, mock_translated(transport));
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
}

/* Whoever asks for it: the driver may have buffers that are not mapped. */
static void a_device_in_use_is_not_taken_in(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint_plain(mock, DESCRIBED_REGISTERS, ID);

	bind_early(test, false);
	KUNIT_EXPECT_EQ(test, offer(test, mock, dev), -ENODEV);
	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	KUNIT_EXPECT_TRUE(test, bound);
	KUNIT_EXPECT_EQ(test, mock_count(mock, 0), 0);
}

/* ---- Sleep ------------------------------------------------------------------------ */

/* Mappings would be lost, under the feet of those who have them. */
static void a_machine_does_not_fall_asleep(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct virtio_device *vdev = mock_virtio(mock);
	struct virtio_driver *drv = drv_to_virtio(vdev->dev.driver);
	struct device *dev = mock_endpoint(mock, ID);
	dma_addr_t dma;
	void *ram;

	ram = kunit_kzalloc(test, PAGE_SIZE, GFP_KERNEL);
	dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(dev, dma));
	KUNIT_EXPECT_EQ(test, drv->freeze(vdev), -EBUSY);
	KUNIT_EXPECT_EQ(test, core_reaches(mock, ID, dma), virt_to_phys(ram));
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* ---- What the core may ask --------------------------------------------------------- */

static void the_iommu_is_coherent_and_tracks_nothing(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, ID);

	KUNIT_EXPECT_TRUE(test, device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY));
	KUNIT_EXPECT_FALSE(test, device_iommu_capable(dev, IOMMU_CAP_DIRTY_TRACKING));
}

static struct kunit_case odd_cases[] = {
	KUNIT_CASE(mistakes_are_named_and_what_is_good_counts),
	KUNIT_CASE(but_not_all_of_very_many),
	KUNIT_CASE(a_description_may_be_no_good_at_all),
	KUNIT_CASE(config_space_may_be_of_unknown_length),
	KUNIT_CASE(a_driver_that_came_first_is_named),
	KUNIT_CASE(one_that_does_no_dma_is_not),
	KUNIT_CASE(an_iommu_is_not_its_own_endpoint),
	KUNIT_CASE(a_device_in_use_is_not_taken_in),
	KUNIT_CASE(a_machine_does_not_fall_asleep),
	KUNIT_CASE(the_iommu_is_coherent_and_tracks_nothing),
	{ }
};

static struct kunit_suite odd_suite = {
	.name = "viommu_odd",
	.test_cases = odd_cases,
};

kunit_test_suite(odd_suite);
