// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions that are nowhere but in this memory.
 *
 * Each has 256 bytes of config space and as many that say which bits of them
 * can be written to. Buses have their numbers from the beginning, as they do
 * where firmware has been before the kernel.
 */
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "fake_pci.h"

#define FAKE_EXPRESS	0x40		/* where the capability of PCI Express is */
#define FAKE_CAPS	0x80		/* where those of the vendor's are */

#define FAKE_BAR_0	0xe0000000U

/**
 * struct fake_config - a function, as config cycles find it
 * @bus: number of its bus
 * @devfn: device and function
 * @hidden: it does not answer
 * @bytes: its config space
 * @mask: bits that can be written to
 */
struct fake_config {
	u8 bus;
	u8 devfn;
	bool hidden;
	u8 bytes[PCI_CFG_SPACE_SIZE];
	u8 mask[PCI_CFG_SPACE_SIZE];
};

struct fake_pci {
#ifdef CONFIG_X86
	struct pci_sysdata sysdata;	/* first: what the architecture has for all buses */
#endif
	struct kunit *test;
	struct pci_host_bridge *bridge;
	struct fake_config config[FAKE_MAX_FUNCTIONS];
	unsigned int nr;
};

/* ---- Config space ---------------------------------------------------------------- */

/* The links from one capability to the next, and what each begins with */
static void fake_add_cap(struct fake_config *config, u8 *link, u8 at, u8 id)
{
	config->bytes[*link] = at;
	config->bytes[at] = id;
	config->bytes[at + PCI_CAP_LIST_NEXT] = 0;
	*link = at + PCI_CAP_LIST_NEXT;
}

static void fake_fill_caps(struct fake_config *config, const struct fake_function *function)
{
	u8 link = PCI_CAPABILITY_LIST, at;
	unsigned int i;

	if (function->express) {
		fake_add_cap(config, &link, FAKE_EXPRESS, PCI_CAP_ID_EXP);
		put_unaligned_le16(2 | function->port << 4,
				   &config->bytes[FAKE_EXPRESS + PCI_EXP_FLAGS]);
	}
	for (i = 0; i < min(function->nr_caps, FAKE_MAX_CAPS); i++) {
		at = FAKE_CAPS + i * sizeof(function->caps[i]);
		memcpy(&config->bytes[at], &function->caps[i], sizeof(function->caps[i]));
		fake_add_cap(config, &link, at, PCI_CAP_ID_VNDR);
	}
}

static void fake_fill_bridge(struct fake_config *config, const struct fake_function *function)
{
	u8 *bytes = config->bytes;

	put_unaligned_le16(PCI_CLASS_BRIDGE_PCI, &bytes[PCI_CLASS_DEVICE]);
	bytes[PCI_HEADER_TYPE] |= PCI_HEADER_TYPE_BRIDGE;
	bytes[PCI_PRIMARY_BUS] = function->bus;
	bytes[PCI_SECONDARY_BUS] = function->below;
	bytes[PCI_SUBORDINATE_BUS] = function->last ?: function->below;
	memset(&config->mask[PCI_PRIMARY_BUS], 0xff, 3);
	/* Windows that begin behind their end: there are none */
	bytes[PCI_IO_BASE] = 0xf0;
	put_unaligned_le16(0xfff0, &bytes[PCI_MEMORY_BASE]);
	put_unaligned_le16(0xfff0, &bytes[PCI_PREF_MEMORY_BASE]);
}

static void fake_fill(struct fake_config *config, const struct fake_function *function)
{
	const u16 device = function->device ?: FAKE_DEVICE;
	u8 *bytes = config->bytes;

	config->bus = function->bus;
	config->devfn = function->devfn;
	config->hidden = function->hidden;
	put_unaligned_le16(device == FAKE_IOMMU ? FAKE_VIRTIO : FAKE_VENDOR,
			   &bytes[PCI_VENDOR_ID]);
	put_unaligned_le16(device, &bytes[PCI_DEVICE_ID]);
	put_unaligned_le16(PCI_STATUS_CAP_LIST, &bytes[PCI_STATUS]);
	put_unaligned_le16(PCI_CLASS_SYSTEM_OTHER, &bytes[PCI_CLASS_DEVICE]);
	bytes[PCI_HEADER_TYPE] = PCI_HEADER_TYPE_MFD;
	memset(&config->mask[PCI_COMMAND], 0xff, 2);
	fake_fill_caps(config, function);
	if (function->below)
		fake_fill_bridge(config, function);
	if (function->nr_caps) {
		put_unaligned_le32(FAKE_BAR_0, &bytes[PCI_BASE_ADDRESS_0]);
		put_unaligned_le32(-(u32)FAKE_BAR, &config->mask[PCI_BASE_ADDRESS_0]);
	}
}

static struct fake_config *fake_find(struct fake_pci *pci, u8 bus, u8 devfn)
{
	unsigned int i;

	for (i = 0; i < pci->nr; i++) {
		if (pci->config[i].bus == bus && pci->config[i].devfn == devfn)
			return &pci->config[i];
	}
	return NULL;
}

/* The function that a config cycle is for; NULL if nobody answers it */
static struct fake_config *fake_target(struct pci_bus *bus, unsigned int devfn, int where,
				       int size)
{
	struct fake_config *config = fake_find(bus->sysdata, bus->number, devfn);

	if (!config || config->hidden || where + size > PCI_CFG_SPACE_SIZE)
		return NULL;
	return config;
}

static int fake_read(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 *value)
{
	const struct fake_config *config = fake_target(bus, devfn, where, size);
	int i;

	*value = ~0U;
	for (i = 0; config && i < size; i++) {
		*value &= ~(0xffU << 8 * i);
		*value |= config->bytes[where + i] << 8 * i;
	}
	return PCIBIOS_SUCCESSFUL;
}

static int fake_write(struct pci_bus *bus, unsigned int devfn, int where, int size, u32 value)
{
	struct fake_config *config = fake_target(bus, devfn, where, size);
	int i;

	for (i = 0; config && i < size; i++) {
		const u8 mask = config->mask[where + i];

		config->bytes[where + i] &= ~mask;
		config->bytes[where + i] |= value >> 8 * i & mask;
	}
	return PCIBIOS_SUCCESSFUL;
}

static struct pci_ops fake_ops = { .read = fake_read, .write = fake_write };

/* ---- The host bridge ------------------------------------------------------------- */

static void fake_end(void *data)
{
	struct fake_pci *pci = data;

	pci_lock_rescan_remove();
	pci_stop_root_bus(pci->bridge->bus);
	pci_remove_root_bus(pci->bridge->bus);
	pci_unlock_rescan_remove();
	pci_free_host_bridge(pci->bridge);
}

static void fake_set_sysdata(struct fake_pci *pci, u16 segment, struct acpi_device *companion)
{
#ifdef CONFIG_X86
	pci->sysdata.domain = segment;
	pci->sysdata.node = NUMA_NO_NODE;
#ifdef CONFIG_ACPI
	pci->sysdata.companion = companion;
#endif
#endif
}

static int fake_scan(struct fake_pci *pci)
{
	int err;

	pci->bridge->sysdata = pci;
	pci->bridge->ops = &fake_ops;
	pci_lock_rescan_remove();
	err = pci_scan_root_bus_bridge(pci->bridge);
	if (!err)
		pci_bus_add_devices(pci->bridge->bus);
	pci_unlock_rescan_remove();
	return err;
}

struct fake_pci *fake_pci_start(struct kunit *test, u16 segment,
				const struct fake_function *functions, unsigned int nr,
				struct acpi_device *companion)
{
	struct fake_pci *pci = kunit_kzalloc(test, sizeof(*pci), GFP_KERNEL);
	int err;

	/* Where all buses have it in common what sysdata is */
	if (!IS_ENABLED(CONFIG_X86) && !acpi_disabled)
		kunit_skip(test, "here, only firmware has host bridges");
	KUNIT_ASSERT_NOT_NULL(test, pci);
	KUNIT_ASSERT_LE(test, nr, FAKE_MAX_FUNCTIONS);
	pci->test = test;
	for (; pci->nr < nr; pci->nr++)
		fake_fill(&pci->config[pci->nr], &functions[pci->nr]);
	fake_set_sysdata(pci, segment, companion);
	pci->bridge = pci_alloc_host_bridge(0);
	KUNIT_ASSERT_NOT_NULL(test, pci->bridge);
	err = fake_scan(pci);
	if (err)
		pci_free_host_bridge(pci->bridge);
	KUNIT_ASSERT_EQ(test, err, 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, fake_end, pci), 0);
	return pci;
}

u16 fake_pci_segment(const struct fake_pci *pci)
{
	return pci_domain_nr(pci->bridge->bus);
}

/* ---- Functions -------------------------------------------------------------------- */

struct pci_dev *fake_pci_dev(struct fake_pci *pci, u8 bus, u8 devfn)
{
	struct pci_dev *pdev = pci_get_domain_bus_and_slot(fake_pci_segment(pci), bus, devfn);

	KUNIT_ASSERT_NOT_NULL_MSG(pci->test, pdev, "no function %02x:%02x.%d", bus,
				  PCI_SLOT(devfn), PCI_FUNC(devfn));
	pci_dev_put(pdev);	/* the bus has it */
	return pdev;
}

struct pci_dev *fake_pci_plug(struct fake_pci *pci, u8 bus, u8 devfn)
{
	struct fake_config *config = fake_find(pci, bus, devfn);
	struct pci_bus *on = pci_find_bus(fake_pci_segment(pci), bus);

	KUNIT_ASSERT_NOT_NULL(pci->test, config);
	KUNIT_ASSERT_NOT_NULL(pci->test, on);
	config->hidden = false;
	pci_lock_rescan_remove();
	pci_scan_single_device(on, devfn);
	pci_bus_add_devices(on);
	pci_unlock_rescan_remove();
	return fake_pci_dev(pci, bus, devfn);
}

void fake_pci_unplug(struct fake_pci *pci, u8 bus, u8 devfn)
{
	pci_stop_and_remove_bus_device_locked(fake_pci_dev(pci, bus, devfn));
	fake_find(pci, bus, devfn)->hidden = true;
}
