// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI VIOT in the kernel: which devices it puts behind which IOMMUs, and what
 * becomes of those whose IOMMU has not come.
 *
 * A machine has one VIOT, which is read once, before there are devices. So the
 * suite brings one, for buses and registers that nobody else has, and reads it
 * while the kernel boots, which is when suites are run. It stays.
 */
#include <linux/acpi.h>
#include <linux/acpi_viot.h>
#include <linux/virtio_iommu.h>
#include <uapi/linux/virtio_mmio.h>

#include "../../drivers/iommu/virtio/viommu.h"
#include "core.h"
#include "failslab.h"
#include "fake_pci.h"
#include "patience.h"
#include "said.h"

#define SEGMENT		0x43

#define RID(bus, slot, fn)	PCI_DEVID(bus, PCI_DEVFN(slot, fn))

/* Registers of the IOMMU, of one that never comes, and of devices */
#define IOMMU_BASE	0x6100000000ULL
#define ABSENT_BASE	0x6100100000ULL
#define DEVICE_BASE	0x6200000000ULL
#define ORPHAN_BASE	0x6200100000ULL
#define LOST_BASE	0x6200200000ULL
#define UNLISTED_BASE	0x6200300000ULL

#define DEVICE_ID	0x77
#define FIRST_ID	0x10000		/* of 00:00.0 */
#define FOURTH_ID	0x400		/* of 04:00.0 */
#define NINTH_ID	0x900		/* of 09:00.0 */

/* All that the mock has */
#define CONFIG_SIZE	256

/* ---- The table -------------------------------------------------------------------- */

#define UNKNOWN		18		/* nodes of a type that nobody knows */
#define PRINTED		16		/* findings, at most */

#define HEADER(t, s) \
	.header = { .type = ACPI_VIOT_NODE_##t, .length = sizeof(struct acpi_viot_##s) }
#define OUTPUT(node)	.output_node = offsetof(struct table, node)

/*
 * Buses 0 to 3 are behind a function, bus 4 behind registers, bus 5 behind what
 * is not there. What a bridge puts in place of IDs on bus 9 is behind a function
 * on bus 9.
 */
struct table {
	struct acpi_table_viot head;
	struct acpi_viot_virtio_iommu_pci iommu;
	struct acpi_viot_virtio_iommu_mmio other_iommu;
	struct acpi_viot_virtio_iommu_pci absent_iommu;
	struct acpi_viot_virtio_iommu_mmio absent_other;
	struct acpi_viot_virtio_iommu_pci inner_iommu;
	struct acpi_viot_pci_range buses;
	struct acpi_viot_pci_range bus_9;
	struct acpi_viot_pci_range bus_4;
	struct acpi_viot_pci_range bus_5;
	struct acpi_viot_mmio device;
	struct acpi_viot_mmio orphan;
	struct acpi_viot_mmio lost;
	struct acpi_viot_header unknown[UNKNOWN];
} __packed;

static struct table table = {
	.head = {
		.header = { .signature = ACPI_SIG_VIOT, .length = sizeof(table) },
		.node_count = 12 + UNKNOWN,
		.node_offset = sizeof(table.head),
	},
	.iommu = { HEADER(VIRTIO_IOMMU_PCI, virtio_iommu_pci), .segment = SEGMENT },
	.other_iommu = { HEADER(VIRTIO_IOMMU_MMIO, virtio_iommu_mmio), .base_address = IOMMU_BASE },
	.absent_iommu = { HEADER(VIRTIO_IOMMU_PCI, virtio_iommu_pci), .segment = SEGMENT,
			  .bdf = RID(0, 31, 0) },
	.absent_other = { HEADER(VIRTIO_IOMMU_MMIO, virtio_iommu_mmio),
			  .base_address = ABSENT_BASE },
	.inner_iommu = { HEADER(VIRTIO_IOMMU_PCI, virtio_iommu_pci), .segment = SEGMENT,
			 .bdf = RID(9, 1, 0) },
	.buses = { HEADER(PCI_RANGE, pci_range), OUTPUT(iommu), .endpoint_start = FIRST_ID,
		   .segment_start = SEGMENT, .segment_end = SEGMENT, .bdf_end = RID(3, 31, 7) },
	.bus_9 = { HEADER(PCI_RANGE, pci_range), OUTPUT(inner_iommu), .endpoint_start = NINTH_ID,
		   .segment_start = SEGMENT, .segment_end = SEGMENT,
		   .bdf_start = RID(9, 0, 0), .bdf_end = RID(9, 0, 0) },
	.bus_4 = { HEADER(PCI_RANGE, pci_range), OUTPUT(other_iommu), .endpoint_start = FOURTH_ID,
		   .segment_start = SEGMENT, .segment_end = SEGMENT,
		   .bdf_start = RID(4, 0, 0), .bdf_end = RID(4, 31, 7) },
	.bus_5 = { HEADER(PCI_RANGE, pci_range), OUTPUT(absent_iommu),
		   .segment_start = SEGMENT, .segment_end = SEGMENT,
		   .bdf_start = RID(5, 0, 0), .bdf_end = RID(5, 31, 7) },
	.device = { HEADER(MMIO, mmio), OUTPUT(other_iommu), .endpoint = DEVICE_ID,
		    .base_address = DEVICE_BASE },
	.orphan = { HEADER(MMIO, mmio), OUTPUT(absent_other), .base_address = ORPHAN_BASE },
	.lost = { HEADER(MMIO, mmio), OUTPUT(device), .base_address = LOST_BASE },
	.unknown = { [0 ... UNKNOWN - 1] = { .type = 0x80, .length = sizeof(table.unknown[0]) } },
};

/* What was to be seen while it was read */
static struct reading {
	bool done;
	bool when_broken;		/* it was taken for a table */
	bool when_empty;
	bool can_fail;			/* an allocation, here */
	unsigned int refused;		/* how often, as one failed */
	bool driver_refused;
	struct kmsg_dump_iter mark;	/* before it was read */
	unsigned int findings;
	unsigned int more;
	unsigned int missing;
	unsigned int summary;
} reading;

static void seal_table(void)
{
	const u8 *bytes = (const u8 *)&table;
	u8 sum = 0;
	size_t i;

	table.head.header.checksum = 0;
	for (i = 0; i < sizeof(table); i++)
		sum += bytes[i];
	table.head.header.checksum = -sum;
}

/* As a table that is no good, or in which there is nothing */
static bool __ref read_spoilt(u16 *field, u16 value)
{
	const u16 before = *field;

	*field = value;
	acpi_viot_early_init();
	*field = before;
	return acpi_viot_present();
}

/* The driver has its own copy. */
static bool __ref driver_reads_spoilt(u16 *field, u16 value)
{
	const u16 before = *field;

	*field = value;
	viommu_firmware_init();
	*field = before;
	return viommu_firmware_has_viot();
}

/* With the first allocation failing, then the second, until it can be read. */
static void __ref read_table(void)
{
	unsigned int n = 0;

	reading.can_fail = allocations_fail();
	do {
		reading.mark = said_mark();
		fail_nth(++n);
		acpi_viot_early_init();
		fail_left();
	} while (!acpi_viot_present() && n < 10);
	reading.refused = n - 1;

	fail_nth(1);
	viommu_firmware_init();
	fail_left();
	reading.driver_refused = !viommu_firmware_has_viot();
	if (reading.driver_refused)
		viommu_firmware_init();
}

static void __ref read_tables(void)
{
	const bool ignored = failslab_ignores_wait(false);
	const unsigned long said = failslab_verbose(0);

	reading.when_broken = read_spoilt(&table.head.node_offset, 4) ||
			      driver_reads_spoilt(&table.head.node_offset, 4);
	reading.when_empty = read_spoilt(&table.head.node_count, 0);
	read_table();
	failslab_ignores_wait(ignored);
	failslab_verbose(said);
	acpi_viot_init();
	reading.findings = said_since(&reading.mark, "VIOT: at 0x");
	reading.more = said_since(&reading.mark, "VIOT: 3 more findings");
	reading.missing = said_since(&reading.mark, "its endpoints wait");
	reading.summary = said_since(&reading.mark,
				     "VIOT: 5 IOMMUs, 4 PCI ranges, 2 other endpoints");
	reading.done = true;
}

static int __ref viot_init(struct kunit *test)
{
	if (reading.done)
		return 0;
	if (acpi_disabled)
		kunit_skip(test, "a machine without ACPI");
	if (acpi_viot_present())
		kunit_skip(test, "the machine has a VIOT of its own");
	if (system_state >= SYSTEM_FREEING_INITMEM)
		kunit_skip(test, "only while the kernel boots");
	seal_table();
	if (ACPI_FAILURE(acpi_install_table(&table.head.header)))
		return -EINVAL;
	read_tables();
	return acpi_viot_present() && viommu_firmware_has_viot() ? 0 : -EINVAL;
}

static void a_table_without_iommus_is_none(struct kunit *test)
{
	KUNIT_EXPECT_FALSE(test, reading.when_broken);
	KUNIT_EXPECT_FALSE(test, reading.when_empty);
}

static void nor_is_one_that_there_is_no_memory_for(struct kunit *test)
{
	if (!reading.can_fail)
		kunit_skip(test, "this kernel cannot make allocations fail (FAILSLAB, debugfs)");
	/* The table, and nodes of its IOMMUs; kmemleak allocates in between, and goes on */
	KUNIT_EXPECT_GE(test, reading.refused, IS_ENABLED(CONFIG_DEBUG_KMEMLEAK) ? 1 : 2);
	KUNIT_EXPECT_TRUE(test, reading.driver_refused);
}

static void findings_and_missing_iommus_are_named(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, reading.findings, PRINTED);
	KUNIT_EXPECT_EQ(test, reading.more, 1);
	KUNIT_EXPECT_EQ(test, reading.summary, 1);
	KUNIT_EXPECT_EQ(test, reading.missing, 5);
}

/* ---- The machine -------------------------------------------------------------------- */

#define AT(b, slot, fn)	.bus = b, .devfn = PCI_DEVFN(slot, fn)
#define EXPRESS(type)	.express = true, .port = PCI_EXP_TYPE_##type

#define CONFIG_CAP	FAKE_CONFIG_CAP(VIRTIO_PCI_CAP_DEVICE_CFG, 0, 0, CONFIG_SIZE)

static const struct fake_function functions[] = {
	{ AT(0, 0, 0), .device = FAKE_IOMMU, .caps = { CONFIG_CAP }, .nr_caps = 1 },
	{ AT(0, 1, 0) },
	{ AT(0, 3, 0), EXPRESS(ROOT_PORT), .below = 2, .last = 3 },
	{ AT(2, 0, 0), EXPRESS(PCI_BRIDGE), .below = 3 },
	{ AT(3, 1, 0) },
	{ AT(0, 4, 0), .below = 4 },
	{ AT(4, 1, 0) },
	{ AT(0, 5, 0), EXPRESS(ROOT_PORT), .below = 5 },
	{ AT(5, 0, 0), EXPRESS(ENDPOINT) },
	{ AT(0, 6, 0), EXPRESS(ROOT_PORT), .below = 6 },
	{ AT(6, 0, 0), EXPRESS(ENDPOINT) },
	{ AT(0, 7, 0), EXPRESS(PCIE_BRIDGE), .below = 7 },
	{ AT(7, 0, 0), EXPRESS(ENDPOINT) },
	{ AT(0, 8, 0), EXPRESS(ROOT_PORT), .below = 8, .last = 9 },
	{ AT(8, 0, 0), EXPRESS(PCI_BRIDGE), .below = 9 },
	{ AT(9, 1, 0), .device = FAKE_IOMMU, .caps = { CONFIG_CAP }, .nr_caps = 1 },
	{ AT(9, 2, 0) },
};

static void put_adev(void *adev)
{
	acpi_dev_put(adev);
}

/*
 * What ACPI has for a device or a host bridge, so that the kernel asks the VIOT
 * for it and for what is behind it. One that is harmless will do.
 */
static struct acpi_device *some_adev(struct kunit *test)
{
	struct acpi_device *adev = acpi_dev_get_first_match_dev("PNP0B00", NULL, -1);

	if (!adev)
		kunit_skip(test, "this machine's ACPI has no clock");
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, put_adev, adev), 0);
	return adev;
}

static struct fake_pci *start_pci(struct kunit *test, struct acpi_device *companion)
{
	return fake_pci_start(test, SEGMENT, functions, ARRAY_SIZE(functions), companion);
}

static struct device *function(struct fake_pci *pci, u16 rid)
{
	return &fake_pci_dev(pci, PCI_BUS_NUM(rid), rid & 0xff)->dev;
}

static struct mock *create_iommu(struct kunit *test)
{
	struct mock_profile profile = *mock_strict;

	profile.config_size = CONFIG_SIZE;
	return mock_create(test, &profile);
}

static struct mock *start_iommu(struct kunit *test, struct device *transport)
{
	struct mock *mock = create_iommu(test);

	mock_register_at(mock, transport);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	return mock;
}

static void remove_platform(void *pdev)
{
	platform_device_unregister(pdev);
}

/* A device with registers: a transport, or an endpoint */
static struct device *add_platform(struct kunit *test, u64 base, struct acpi_device *companion)
{
	const struct resource block = DEFINE_RES_MEM(base, VIRTIO_MMIO_CONFIG + CONFIG_SIZE);
	const struct platform_device_info info = {
		.name = "viommu-viot", .id = PLATFORM_DEVID_AUTO, .res = &block, .num_res = 1,
		.fwnode = companion ? acpi_fwnode_handle(companion) : NULL,
		.dma_mask = DMA_BIT_MASK(64),
	};
	struct platform_device *pdev = platform_device_register_full(&info);

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, pdev);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, remove_platform, pdev), 0);
	return &pdev->dev;
}

static int configure(struct device *dev)
{
	int err;

	mutex_lock(&iommu_probe_device_lock);
	err = viot_iommu_configure(dev);
	mutex_unlock(&iommu_probe_device_lock);
	return err;
}

/* ---- Who is behind which ------------------------------------------------------------ */

/* Which IOMMU a function is behind, if any, and as what */
struct place {
	u16 rid;
	enum { NONE, FUNCTION, REGISTERS } iommu;
	unsigned int nr;
	u32 id[2];
};

static const struct place places[] = {
	/* An IOMMU is not its own endpoint */
	{ RID(0, 0, 0), NONE },
	{ RID(0, 1, 0), FUNCTION, 1, { FIRST_ID + RID(0, 1, 0) } },
	{ RID(3, 1, 0), FUNCTION, 2, { FIRST_ID + RID(3, 1, 0), FIRST_ID + RID(3, 0, 0) } },
	/* Of several IDs, the first decides; what is behind another IOMMU is left out */
	{ RID(4, 1, 0), REGISTERS, 1, { FOURTH_ID + RID(0, 1, 0) } },
	{ RID(5, 0, 0), NONE },
	{ RID(6, 0, 0), NONE },
	/* What is not listed does not decide */
	{ RID(7, 0, 0), FUNCTION, 1, { FIRST_ID + RID(0, 7, 0) } },
};

static void check_place(struct kunit *test, struct fake_pci *pci, const struct place *place,
			struct mock *const mock[])
{
	struct device *dev = function(pci, place->rid);
	const struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	unsigned int i;

	KUNIT_EXPECT_EQ_MSG(test, mock_translated(dev), place->iommu != NONE, "%s", dev_name(dev));
	if (place->iommu == NONE || !fwspec)
		return;
	KUNIT_EXPECT_PTR_EQ(test, fwspec->iommu_fwnode,
			    dev_fwnode(mock_virtio(mock[place->iommu])->dev.parent));
	KUNIT_ASSERT_EQ_MSG(test, fwspec->num_ids, place->nr, "%s", dev_name(dev));
	for (i = 0; i < place->nr; i++) {
		KUNIT_EXPECT_EQ_MSG(test, fwspec->ids[i], place->id[i], "%s", dev_name(dev));
		KUNIT_EXPECT_NE_MSG(test, core_domain_id(mock[place->iommu], place->id[i]), U32_MAX,
				    "%s", dev_name(dev));
	}
}

/* The kernel asks the VIOT, or our driver does where the kernel does not. */
static const bool asked[] = { true, false };

static void asked_describe(const bool *by_kernel, char *desc)
{
	strscpy(desc, *by_kernel ? "by the kernel" : "by the driver", KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(asked, asked, asked_describe);

static struct acpi_device *companion(struct kunit *test)
{
	const bool *by_kernel = test->param_value;

	return *by_kernel ? some_adev(test) : NULL;
}

static void functions_are_behind_the_iommu_that_is_listed(struct kunit *test)
{
	struct device *transport = add_platform(test, IOMMU_BASE, NULL);
	struct fake_pci *pci = start_pci(test, companion(test));
	struct mock *const mock[] = {
		[FUNCTION] = start_iommu(test, function(pci, RID(0, 0, 0))),
		[REGISTERS] = start_iommu(test, transport),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++)
		check_place(test, pci, &places[i], mock);
}

/* Endpoints that come when the IOMMUs are there */
static void likewise_if_they_come_later(struct kunit *test)
{
	struct fake_pci *pci = start_pci(test, companion(test));
	struct mock *const mock[] = {
		[FUNCTION] = start_iommu(test, function(pci, RID(0, 0, 0))),
		[REGISTERS] = start_iommu(test, add_platform(test, IOMMU_BASE, NULL)),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(places); i++) {
		if (places[i].rid == RID(0, 0, 0))
			continue;
		fake_pci_unplug(pci, PCI_BUS_NUM(places[i].rid), places[i].rid & 0xff);
		fake_pci_plug(pci, PCI_BUS_NUM(places[i].rid), places[i].rid & 0xff);
		check_place(test, pci, &places[i], mock);
	}
}

static void registers_are_behind_the_iommu_that_is_listed(struct kunit *test)
{
	struct acpi_device *adev = companion(test);
	struct device *transport = add_platform(test, IOMMU_BASE, NULL);
	struct device *before = add_platform(test, DEVICE_BASE, adev);
	struct device *lost = add_platform(test, LOST_BASE, adev);
	struct device *orphan = add_platform(test, ORPHAN_BASE, adev);
	struct device *unlisted = add_platform(test, UNLISTED_BASE, adev);
	struct mock *mock = start_iommu(test, transport);

	KUNIT_ASSERT_TRUE(test, mock_translated(before));
	KUNIT_ASSERT_EQ(test, dev_iommu_fwspec_get(before)->num_ids, 1);
	KUNIT_EXPECT_EQ(test, dev_iommu_fwspec_get(before)->ids[0], DEVICE_ID);
	KUNIT_EXPECT_NE(test, core_domain_id(mock, DEVICE_ID), U32_MAX);
	KUNIT_EXPECT_FALSE(test, mock_translated(transport));
	KUNIT_EXPECT_FALSE(test, mock_translated(lost));
	KUNIT_EXPECT_FALSE(test, mock_translated(orphan));
	KUNIT_EXPECT_FALSE(test, mock_translated(unlisted));
}

/* ---- An IOMMU that is not there, and one that comes again ---------------------------- */

static void a_device_waits_for_its_iommu(struct kunit *test)
{
	struct device *dev = add_platform(test, DEVICE_BASE, NULL);
	struct device *orphan = add_platform(test, ORPHAN_BASE, NULL);
	struct device *unlisted = add_platform(test, UNLISTED_BASE, NULL);

	wait_for_suppliers(test);
	KUNIT_EXPECT_EQ(test, configure(dev), -EPROBE_DEFER);
	KUNIT_EXPECT_EQ(test, configure(orphan), -EPROBE_DEFER);
	KUNIT_EXPECT_EQ(test, configure(unlisted), -ENODEV);
	wait_no_more(NULL);
	KUNIT_EXPECT_EQ(test, configure(dev), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, configure(orphan), -ETIMEDOUT);
	KUNIT_EXPECT_EQ(test, configure(unlisted), -ENODEV);
	KUNIT_EXPECT_NULL(test, dev_iommu_fwspec_get(dev));
}

static void and_for_its_driver(struct kunit *test)
{
	struct device *dev = add_platform(test, DEVICE_BASE, NULL);
	struct mock *mock = create_iommu(test);
	struct device *transport;

	wait_for_suppliers(test);
	transport = add_platform(test, IOMMU_BASE, NULL);
	KUNIT_EXPECT_EQ(test, configure(dev), -EPROBE_DEFER);
	wait_no_more(NULL);
	KUNIT_EXPECT_EQ(test, configure(dev), -ETIMEDOUT);
	KUNIT_EXPECT_NULL(test, dev_iommu_fwspec_get(dev));
	/* Better late than never: nobody has bound it so far */
	mock_register_at(mock, transport);
	KUNIT_EXPECT_TRUE(test, mock_translated(dev));
	KUNIT_EXPECT_NE(test, core_domain_id(mock, DEVICE_ID), U32_MAX);
}

/* It is behind a bridge whose ID is behind it: whoever waited would wait for himself. */
static void an_iommu_does_not_wait_for_itself(struct kunit *test)
{
	struct fake_pci *pci = start_pci(test, some_adev(test));
	struct device *iommu = function(pci, RID(9, 1, 0));
	struct device *dev = function(pci, RID(9, 2, 0));
	struct mock *mock;

	wait_for_suppliers(test);
	KUNIT_EXPECT_EQ(test, configure(iommu), -ENODEV);
	KUNIT_EXPECT_EQ(test, configure(dev), -EPROBE_DEFER);
	mock = start_iommu(test, iommu);
	KUNIT_EXPECT_FALSE(test, mock_translated(iommu));
	KUNIT_EXPECT_TRUE(test, mock_translated(dev));
	KUNIT_EXPECT_NE(test, core_domain_id(mock, NINTH_ID), U32_MAX);
}

/* The kernel has a node for it from before its driver comes, which stays. */
static void an_iommu_may_be_plugged_again(struct kunit *test)
{
	struct fake_pci *pci = start_pci(test, some_adev(test));
	struct device *dev = function(pci, RID(0, 1, 0));
	struct fwnode_handle *node = dev_fwnode(function(pci, RID(0, 0, 0)));
	struct mock *mock;
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, node);
	for (i = 0; i < 2; i++) {
		mock = start_iommu(test, function(pci, RID(0, 0, 0)));
		KUNIT_EXPECT_TRUE(test, mock_translated(dev));
		KUNIT_EXPECT_NE(test, core_domain_id(mock, FIRST_ID + RID(0, 1, 0)), U32_MAX);
		mock_unregister(mock);
		KUNIT_EXPECT_FALSE(test, mock_translated(dev));
		fake_pci_unplug(pci, 0, 0);
		fake_pci_plug(pci, 0, 0);
		KUNIT_EXPECT_PTR_EQ(test, dev_fwnode(function(pci, RID(0, 0, 0))), node);
	}
}

/* ---- An IOMMU that says something else ----------------------------------------------- */

struct description {
	struct virtio_iommu_topology head;
	__le32 padding;
	struct virtio_iommu_topology_pci_range buses;
	struct virtio_iommu_topology_mmio device;
};

#define BUILTIN_ID	0x500000

/* It claims every function, and DEVICE_BASE. */
static struct mock *start_liar(struct kunit *test, struct device *transport)
{
	const struct description description = {
		.head = { .count = cpu_to_le16(2), .offset = cpu_to_le16(48) },
		.buses = {
			.head.type = VIRTIO_IOMMU_TOPOLOGY_T_PCI_RANGE,
			.head.length = cpu_to_le16(sizeof(description.buses)),
			.endpoint_start = cpu_to_le32(BUILTIN_ID),
			.segment_start = cpu_to_le16(SEGMENT),
			.segment_end = cpu_to_le16(SEGMENT),
			.bdf_end = cpu_to_le16(0xffff),
		},
		.device = {
			.head.type = VIRTIO_IOMMU_TOPOLOGY_T_MMIO,
			.head.length = cpu_to_le16(sizeof(description.device)),
			.endpoint = cpu_to_le32(BUILTIN_ID - 1),
			.address = cpu_to_le64(DEVICE_BASE),
		},
	};
	struct mock_profile profile = *mock_strict;
	struct mock *mock;

	profile.features |= BIT_ULL(VIRTIO_IOMMU_F_TOPOLOGY);
	profile.config = &description;
	profile.config_at = VIRTIO_IOMMU_TOPOLOGY_HEADER;
	profile.config_len = sizeof(description);
	profile.config_size = CONFIG_SIZE;
	mock = mock_create(test, &profile);
	mock_register_at(mock, transport);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	return mock;
}

static u32 only_id(struct kunit *test, struct device *dev)
{
	KUNIT_EXPECT_TRUE_MSG(test, mock_translated(dev), "%s", dev_name(dev));
	if (!dev_iommu_fwspec_get(dev))
		return U32_MAX;
	KUNIT_EXPECT_EQ_MSG(test, dev_iommu_fwspec_get(dev)->num_ids, 1, "%s", dev_name(dev));
	return dev_iommu_fwspec_get(dev)->ids[0];
}

/* What it says counts for what the table does not list, and there alone. */
static void where_they_differ_the_table_counts(struct kunit *test)
{
	struct device *dev = add_platform(test, DEVICE_BASE, NULL);
	struct fake_pci *pci = start_pci(test, some_adev(test));
	struct kmsg_dump_iter mark = said_mark();
	struct mock *mock = start_liar(test, function(pci, RID(0, 0, 0)));

	KUNIT_EXPECT_EQ(test, only_id(test, function(pci, RID(0, 1, 0))),
			FIRST_ID + RID(0, 1, 0));
	KUNIT_EXPECT_EQ(test, only_id(test, function(pci, RID(6, 0, 0))),
			BUILTIN_ID + RID(6, 0, 0));
	KUNIT_EXPECT_NE(test, core_domain_id(mock, BUILTIN_ID + RID(6, 0, 0)), U32_MAX);
	KUNIT_EXPECT_FALSE(test, mock_translated(function(pci, RID(5, 0, 0))));
	KUNIT_EXPECT_FALSE(test, mock_translated(dev));
	said_expect(test, &mark, ":00:01.0: virtio", 1);
	said_expect(test, &mark, "its endpoint 0x500008, the firmware differently", 1);
	said_expect(test, &mark, "its endpoint 0x500600, the firmware differently", 0);
}

/* And the IOMMU that is listed has the device, whatever the other one says. */
static void another_iommu_does_not_get_the_device(struct kunit *test)
{
	struct device *transport = add_platform(test, IOMMU_BASE, NULL);
	struct device *dev = add_platform(test, DEVICE_BASE, NULL);
	struct fake_pci *pci = start_pci(test, NULL);
	struct kmsg_dump_iter mark = said_mark();
	struct mock *liar = start_liar(test, function(pci, RID(0, 0, 0)));
	struct mock *mock = start_iommu(test, transport);

	KUNIT_EXPECT_EQ(test, only_id(test, dev), DEVICE_ID);
	KUNIT_EXPECT_NE(test, core_domain_id(mock, DEVICE_ID), U32_MAX);
	KUNIT_EXPECT_EQ(test, core_domain_id(liar, BUILTIN_ID - 1), U32_MAX);
	said_expect(test, &mark, "its endpoint 0x4fffff, the firmware differently", 1);
}

static struct kunit_case viot_cases[] = {
	KUNIT_CASE(a_table_without_iommus_is_none),
	KUNIT_CASE(nor_is_one_that_there_is_no_memory_for),
	KUNIT_CASE(findings_and_missing_iommus_are_named),
	KUNIT_CASE_PARAM(functions_are_behind_the_iommu_that_is_listed, asked_gen_params),
	KUNIT_CASE_PARAM(likewise_if_they_come_later, asked_gen_params),
	KUNIT_CASE_PARAM(registers_are_behind_the_iommu_that_is_listed, asked_gen_params),
	KUNIT_CASE(a_device_waits_for_its_iommu),
	KUNIT_CASE(and_for_its_driver),
	KUNIT_CASE(an_iommu_does_not_wait_for_itself),
	KUNIT_CASE(an_iommu_may_be_plugged_again),
	KUNIT_CASE(where_they_differ_the_table_counts),
	KUNIT_CASE(another_iommu_does_not_get_the_device),
	{ }
};

static struct kunit_suite viot_suite = {
	.name = "viommu_viot",
	.init = viot_init,
	.test_cases = viot_cases,
};

kunit_test_suite(viot_suite);
