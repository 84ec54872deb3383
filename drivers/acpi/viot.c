// SPDX-License-Identifier: GPL-2.0
/*
 * ACPI VIOT in the kernel: tells the devices behind a virtio-iommu so, before
 * their drivers come.
 *
 * Owns the machine's decoded table, and for each IOMMU in it the firmware node
 * by which the IOMMU core matches it with its endpoints. The table is decoded
 * before there are devices and then never changes; devices come and go, and
 * each is looked up under the address that it has at that time, so that buses
 * may be plugged and renumbered.
 *
 * An IOMMU is known by its PCI function or by the address of its registers. If
 * nothing else gave it a node, it gets one of ours whenever it appears: the
 * node stays when the device goes, and is there for the next.
 */
#define pr_fmt(fmt) "ACPI: " fmt

#include <linux/acpi.h>
#include <linux/acpi_viot.h>
#include <linux/amba/bus.h>
#include <linux/device/driver.h>
#include <linux/iommu.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/virtio_iommu.h>

#include "../iommu/iommu-priv.h"
#include "viot_table.h"

/* Findings printed of a broken table; "viommu viot --lint" lists them all. */
#define VIOT_MAX_MESSAGES	16

/**
 * struct viot_node - how the core knows an IOMMU
 * @own: for a device that has no node
 * @fwnode: the device's node, @own or another; NULL before the device has come
 */
struct viot_node {
	struct fwnode_handle	own;
	struct fwnode_handle	*fwnode;
};

static struct viot_table *viot;		/* the machine's table, or NULL */
static struct viot_node *viot_nodes;	/* for each of viot->iommus */

/*
 * Devices
 */

static bool viot_is_amba(struct device *dev)
{
	return IS_ENABLED(CONFIG_ARM_AMBA) && dev->bus == &amba_bustype;
}

/* The i-th block of a device's registers, or NULL. */
static const struct resource *viot_block(struct device *dev, unsigned int i)
{
	if (dev_is_platform(dev))
		return platform_get_resource(to_platform_device(dev), IORESOURCE_MEM, i);
	if (viot_is_amba(dev) && !i)
		return &to_amba_device(dev)->res;
	return NULL;
}

/* The IOMMU that a device is, or NULL. */
static const struct viot_iommu *viot_iommu_of(struct device *dev)
{
	const struct viot_iommu *iommu = NULL;
	const struct resource *block;
	unsigned int i;

	if (dev_is_pci(dev))
		return viot_find_iommu_pci(viot, pci_domain_nr(to_pci_dev(dev)->bus),
					   pci_dev_id(to_pci_dev(dev)));
	for (i = 0; !iommu && (block = viot_block(dev, i)); i++)
		iommu = viot_find_iommu_mmio(viot, block->start, block->end);
	return iommu;
}

/* An IOMMU needs a node before its driver comes, which is later than this. */
static int viot_device_event(struct notifier_block *nb, unsigned long action, void *data)
{
	const struct viot_iommu *iommu;
	struct device *dev = data;
	struct viot_node *node;

	if (action != BUS_NOTIFY_ADD_DEVICE)
		return NOTIFY_DONE;
	iommu = viot_iommu_of(dev);
	if (!iommu)
		return NOTIFY_DONE;
	node = &viot_nodes[iommu - viot->iommus];
	if (!dev_fwnode(dev))
		set_primary_fwnode(dev, &node->own);
	WRITE_ONCE(node->fwnode, dev_fwnode(dev));
	return NOTIFY_OK;
}

static struct notifier_block viot_pci_events __maybe_unused = {
	.notifier_call = viot_device_event
};

static struct notifier_block viot_platform_events = { .notifier_call = viot_device_event };
static struct notifier_block viot_amba_events = { .notifier_call = viot_device_event };

static void __init viot_watch_devices(void)
{
#ifdef CONFIG_PCI
	bus_register_notifier(&pci_bus_type, &viot_pci_events);
#endif
	bus_register_notifier(&platform_bus_type, &viot_platform_events);
	if (IS_ENABLED(CONFIG_ARM_AMBA))
		bus_register_notifier(&amba_bustype, &viot_amba_events);
}

/*
 * The table
 */

static void __init viot_print_finding(const struct viot_finding *finding, void *ctx)
{
	unsigned int *count = ctx;

	if ((*count)++ >= VIOT_MAX_MESSAGES)
		return;
	if (finding->severity == VIOT_NOTE)
		pr_info("VIOT: at 0x%x: %s\n", finding->offset, viot_finding_text(finding->code));
	else
		pr_warn(FW_BUG "VIOT: at 0x%x: %s\n", finding->offset,
			viot_finding_text(finding->code));
}

static struct viot_table * __init viot_decode(const struct acpi_table_header *acpi)
{
	unsigned int count = 0;
	const struct viot_sink sink = { viot_print_finding, &count };
	size_t size = viot_table_size(acpi, acpi->length);
	struct viot_table *t = kvzalloc(size, GFP_KERNEL);

	if (!t)
		return NULL;
	if (viot_table_parse(acpi, acpi->length, t, size, &sink) || !t->nr.iommus) {
		kvfree(t);
		t = NULL;
	}
	if (count > VIOT_MAX_MESSAGES)
		pr_warn("VIOT: %u more findings\n", count - VIOT_MAX_MESSAGES);
	return t;
}

static struct viot_node * __init viot_make_nodes(u32 nr)
{
	struct viot_node *nodes = kvcalloc(nr, sizeof(*nodes), GFP_KERNEL);
	u32 i;

	for (i = 0; nodes && i < nr; i++)
		fwnode_init(&nodes[i].own, &acpi_static_fwnode_ops);
	return nodes;
}

/**
 * acpi_viot_early_init() - Read the table, and wait for its IOMMUs
 *
 * Has to be called before devices are looked for: they must find the table
 * decoded, and bridges ACS requested. Without a table, or with one that says
 * nothing, all of this file is quiet from then on.
 *
 * Context: Process, at boot.
 */
void __init acpi_viot_early_init(void)
{
	struct acpi_table_header *acpi;

	if (ACPI_FAILURE(acpi_get_table(ACPI_SIG_VIOT, 0, &acpi)))
		return;
	viot = viot_decode(acpi);
	acpi_put_table(acpi);
	if (!viot)
		return;

	viot_nodes = viot_make_nodes(viot->nr.iommus);
	if (!viot_nodes) {
		kvfree(viot);
		viot = NULL;
		return;
	}
	/* Functions are told apart by their requester IDs: no DMA between them */
	if (viot->nr.pci)
		pci_request_acs();
	viot_watch_devices();
}

static void __init viot_print_missing(const struct viot_iommu *iommu)
{
	u16 bdf = iommu->address;

	if (iommu->kind == VIOT_IOMMU_PCI)
		pr_warn("VIOT: no IOMMU at %04llx:%02x:%02x.%d yet, its endpoints wait\n",
			iommu->address >> 16, PCI_BUS_NUM(bdf), PCI_SLOT(bdf), PCI_FUNC(bdf));
	else
		pr_warn("VIOT: no IOMMU at 0x%llx yet, its endpoints wait\n", iommu->address);
}

/**
 * acpi_viot_init() - Say what the table amounts to
 *
 * Has to be called when the devices present at boot have been found.
 *
 * Context: Process, at boot.
 */
void __init acpi_viot_init(void)
{
	unsigned int missing = 0;
	u32 i;

	if (!viot)
		return;
	pr_info("VIOT: %u IOMMUs, %u PCI ranges, %u other endpoints\n", viot->nr.iommus,
		viot->nr.pci, viot->nr.mmio);
	for (i = 0; i < viot->nr.iommus; i++) {
		if (!viot_nodes[i].fwnode && missing++ < VIOT_MAX_MESSAGES)
			viot_print_missing(&viot->iommus[i]);
	}
}

/**
 * acpi_viot_present() - Say whether the firmware describes virtio-iommus
 *
 * Context: Any, after acpi_viot_early_init().
 * Return: Whether there is a table with an IOMMU in it.
 */
bool acpi_viot_present(void)
{
	return viot;
}

/*
 * Endpoints
 */

/**
 * struct viot_ids - collects the IDs of a PCI function
 * @dev: the function
 * @iommu: the only IOMMU that counts
 */
struct viot_ids {
	struct device	*dev;
	u32		iommu;
};

/* The first of a function's requester IDs with an entry decides on the IOMMU. */
static int viot_choose_iommu(struct pci_dev *alias, u16 bdf, void *ep)
{
	return viot_lookup_pci(viot, pci_domain_nr(alias->bus), bdf, ep);
}

/*
 * One that is translated elsewhere or not at all is left out, and named by the
 * IOMMU's driver: the function can have one IOMMU only, and does DMA under its
 * other IDs.
 */
static int viot_add_id(struct pci_dev *alias, u16 bdf, void *data)
{
	struct viot_ids *ids = data;
	struct viot_endpoint ep;

	if (!viot_lookup_pci(viot, pci_domain_nr(alias->bus), bdf, &ep) ||
	    ep.iommu != ids->iommu)
		return 0;
	return iommu_fwspec_add_ids(ids->dev, &ep.id, 1);
}

/* Which IOMMU translates a device, if any. */
static bool viot_find(struct device *dev, struct viot_endpoint *ep)
{
	const struct resource *block;
	struct pci_dev *pdev;
	bool found = false;
	unsigned int i;

	if (dev_is_pci(dev)) {
		pdev = to_pci_dev(dev);
		/* An IOMMU must not come back to itself through a bridge's ID */
		if (viot_iommu_of(dev))
			return viot_choose_iommu(pdev, pci_dev_id(pdev), ep);
		return pci_for_each_dma_alias(pdev, viot_choose_iommu, ep);
	}
	for (i = 0; !found && (block = viot_block(dev, i)); i++)
		found = viot_lookup_mmio(viot, block->start, block->end, ep);
	return found;
}

static int viot_add_ids(struct device *dev, const struct viot_endpoint *ep)
{
	struct viot_ids ids = { dev, ep->iommu };

	if (!dev_is_pci(dev) || viot_iommu_of(dev))
		return iommu_fwspec_add_ids(dev, &ep->id, 1);
	return pci_for_each_dma_alias(to_pci_dev(dev), viot_add_id, &ids);
}

/* Have a device wait for its IOMMU, but only as long as the core waits for anything. */
static int viot_wait(struct device *dev, const struct fwnode_handle *fwnode)
{
	/* One that is there and about to be ready is waited for in any case */
	if (fwnode && iommu_ops_from_fwnode(fwnode))
		return -EPROBE_DEFER;
	return driver_deferred_probe_check_state(dev);
}

/**
 * viot_iommu_configure() - Tell a device which IOMMU it is behind
 * @dev: any device that the firmware may describe
 *
 * Context: Process, under iommu_probe_device_lock.
 * Return: 0 and the device has an iommu_fwspec with all its IDs; -ENODEV if it
 * is behind no IOMMU, -EPROBE_DEFER if that is not there yet, -ETIMEDOUT if it
 * has not come in time, or -ENOMEM. With an error it has no iommu_fwspec.
 * ACPI specification, "Virtual I/O Translation Table".
 */
int viot_iommu_configure(struct device *dev)
{
	struct fwnode_handle *fwnode;
	struct viot_endpoint ep;
	int err;

	if (!viot || !viot_find(dev, &ep))
		return -ENODEV;
	fwnode = READ_ONCE(viot_nodes[ep.iommu].fwnode);
	if (!fwnode)
		return viot_wait(dev, NULL);

	err = iommu_fwspec_init(dev, fwnode);
	if (err == -EPROBE_DEFER)
		return viot_wait(dev, fwnode);
	if (!err)
		err = viot_add_ids(dev, &ep);
	/* What is half filled would be taken for complete the next time */
	if (err)
		iommu_fwspec_free(dev);
	return err;
}
