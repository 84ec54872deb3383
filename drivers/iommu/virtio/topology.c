// SPDX-License-Identifier: GPL-2.0
/*
 * Topology: which device is behind which IOMMU, and under which IDs.
 *
 * Where the kernel reads the description itself (device tree, VIOT with
 * CONFIG_ACPI_VIOT), a device comes with a fwspec and all that is left is to
 * find the IOMMU it names. Where it does not (Debian 12's kernel knows no
 * VIOT), the table is decoded here and the fwspec made, when the core offers
 * the device. Either way the description also tells which devices should have
 * been ours but were bound before we came, and these are named in the log.
 *
 * Knows nothing of virtqueues. The decoded table does not change.
 */
#include <linux/acpi.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "../../acpi/viot_table.h"
#include "viommu.h"

/* Findings printed of a broken table; the rest is for a tool to list. */
#define VIOMMU_MAX_FINDINGS	16

/* The machine's VIOT, or NULL */
static struct viot_table *viommu_viot;

/* Where the kernel reads VIOT, it gives the devices their fwspec, not us */
static bool viommu_makes_fwspecs(void)
{
	return !IS_ENABLED(CONFIG_ACPI_VIOT);
}

/* ---- The ACPI table ------------------------------------------------------------- */

static void viommu_report_finding(const struct viot_finding *finding, void *ctx)
{
	unsigned int *count = ctx;

	if (finding->severity < VIOT_WARNING || (*count)++ >= VIOMMU_MAX_FINDINGS)
		return;
	pr_warn(FW_BUG "VIOT: at 0x%x: %s\n", finding->offset, viot_finding_text(finding->code));
}

static struct viot_table *viommu_decode_viot(const void *acpi, size_t len)
{
	unsigned int count = 0;
	const struct viot_sink sink = { viommu_report_finding, &count };
	size_t size = viot_table_size(acpi, len);
	struct viot_table *table = kvzalloc(size, GFP_KERNEL);

	if (!table)
		return NULL;
	if (viot_table_parse(acpi, len, table, size, &sink)) {
		kvfree(table);
		return NULL;
	}
	if (count > VIOMMU_MAX_FINDINGS)
		pr_warn("VIOT: %u more findings\n", count - VIOMMU_MAX_FINDINGS);
	return table;
}

/**
 * viommu_topology_init() - Read what the firmware says
 *
 * A table that is missing or broken means that nothing is behind an IOMMU.
 *
 * Context: Process, when the module is loaded.
 */
void viommu_topology_init(void)
{
#ifdef CONFIG_ACPI
	struct acpi_table_header *header;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(VIOT_SIGNATURE, 0, &header)))
		return;
	viommu_viot = viommu_decode_viot(header, header->length);
	acpi_put_table(header);
#endif
}

/**
 * viommu_topology_exit() - Forget what the firmware said
 *
 * Context: Process, when the module is unloaded.
 */
void viommu_topology_exit(void)
{
	kvfree(viommu_viot);
}

/* Is this the IOMMU that a node of the table describes? */
static bool viommu_is_viot_iommu(const struct viommu *viommu, const struct viot_iommu *node)
{
	struct device *parent = viommu->dev->parent;
	struct resource *regs;

	if (dev_is_pci(parent)) {
		struct pci_dev *pdev = to_pci_dev(parent);

		return node->kind == VIOT_IOMMU_PCI &&
		       node->address == viot_pci_address(pci_domain_nr(pdev->bus),
							 pci_dev_id(pdev));
	}
	if (node->kind != VIOT_IOMMU_MMIO || !dev_is_platform(parent))
		return false;
	regs = platform_get_resource(to_platform_device(parent), IORESOURCE_MEM, 0);
	return regs && regs->start == node->address;
}

static bool viommu_viot_lookup(struct pci_dev *pdev, u16 bdf, struct viot_endpoint *ep)
{
	return viommu_viot && viot_lookup_pci(viommu_viot, pci_domain_nr(pdev->bus), bdf, ep);
}

/* ---- PCI aliases ------------------------------------------------------------------ */

/*
 * The requester ID that a bridge puts in place of that of the devices behind
 * it; PCI Express to PCI/PCI-X Bridge specification, "Requester ID". False for
 * the ports of a PCI Express hierarchy, which pass IDs on.
 */
static bool viommu_bridge_alias(struct pci_dev *bridge, u16 *bdf)
{
	if (!pci_is_pcie(bridge)) {
		*bdf = pci_dev_id(bridge);
		return true;
	}
	switch (pci_pcie_type(bridge)) {
	case PCI_EXP_TYPE_PCI_BRIDGE:
		*bdf = PCI_DEVID(bridge->subordinate->number, 0);
		return true;
	case PCI_EXP_TYPE_PCIE_BRIDGE:
		*bdf = pci_dev_id(bridge);
		return true;
	default:
		return false;
	}
}

/* Add one ID of a device to its fwspec, if it is behind the same IOMMU. */
static int viommu_add_viot_id(struct pci_dev *pdev, u16 bdf, u32 iommu)
{
	struct viot_endpoint ep;

	if (!viommu_viot_lookup(pdev, bdf, &ep))
		return 0;
	if (ep.iommu != iommu) {
		dev_warn(&pdev->dev, "its alias %02x:%02x.%d is behind another IOMMU, and left out\n",
			 PCI_BUS_NUM(bdf), PCI_SLOT(bdf), PCI_FUNC(bdf));
		return 0;
	}
	return iommu_fwspec_add_ids(&pdev->dev, &ep.id, 1);
}

static int viommu_add_viot_ids(struct pci_dev *pdev, u32 iommu)
{
	struct pci_bus *bus;
	u16 bdf;
	int err;

	err = viommu_add_viot_id(pdev, pci_dev_id(pdev), iommu);
	for (bus = pdev->bus; !err && !pci_is_root_bus(bus); bus = bus->parent) {
		if (bus->self && viommu_bridge_alias(bus->self, &bdf))
			err = viommu_add_viot_id(pdev, bdf, iommu);
	}
	return err;
}

/* ---- Finding a device's IOMMU -------------------------------------------------------- */

static struct viommu *viommu_find_by_fwnode(const struct fwnode_handle *fwnode)
{
	struct viommu *viommu, *found = NULL;

	mutex_lock(&viommu_list_lock);
	list_for_each_entry(viommu, &viommu_list, link) {
		if (viommu->iommu.fwnode == fwnode)
			found = viommu_get(viommu);
	}
	mutex_unlock(&viommu_list_lock);
	return found;
}

static struct viommu *viommu_find_by_viot(const struct viot_iommu *node)
{
	struct viommu *viommu, *found = NULL;

	mutex_lock(&viommu_list_lock);
	list_for_each_entry(viommu, &viommu_list, link) {
		if (!found && viommu_is_viot_iommu(viommu, node))
			found = viommu_get(viommu);
	}
	mutex_unlock(&viommu_list_lock);
	return found;
}

static void viommu_say_late(struct device *dev)
{
	const struct device_driver *drv = READ_ONCE(dev->driver);

	dev_err(dev, "NOT translated: driver %s was bound before virtio_iommu was loaded; load virtio_iommu from the initramfs\n",
		drv ? drv->name : "?");
}

/* The core offers every device; the table says which are ours. */
static struct viommu *viommu_make_fwspec(struct pci_dev *pdev)
{
	struct viot_endpoint ep;
	struct viommu *viommu;
	int err;

	if (!viommu_viot_lookup(pdev, pci_dev_id(pdev), &ep))
		return NULL;
	viommu = viommu_find_by_viot(&viommu_viot->iommus[ep.iommu]);
	if (!viommu)
		return NULL;
	/* The table may list the bus that the IOMMU itself is on */
	if (&pdev->dev == viommu->dev->parent)
		goto none;
	/* No driver waits for us here: one that is on its way has begun without */
	if (pdev->dev.links.status == DL_DEV_PROBING) {
		viommu_say_late(&pdev->dev);
		goto none;
	}

	err = viommu_compat_fwspec_init(&pdev->dev, viommu->iommu.fwnode, &viommu_ops);
	if (!err)
		err = viommu_add_viot_ids(pdev, ep.iommu);
	if (!err)
		return viommu;
	dev_err(&pdev->dev, "not translated: %pe\n", ERR_PTR(err));
none:
	viommu_put(viommu);
	return NULL;
}

/**
 * viommu_topology_find() - Find the IOMMU that a device is behind
 * @dev: any device
 *
 * Context: Process, under iommu_probe_device_lock.
 * Return: The IOMMU, with a reference; the device has a fwspec then. NULL if
 * there is none.
 */
struct viommu *viommu_topology_find(struct device *dev)
{
	const struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct viommu *viommu;

	if (!fwspec)
		return viommu_makes_fwspecs() && dev_is_pci(dev) ?
		       viommu_make_fwspec(to_pci_dev(dev)) : NULL;
	if (!viommu_compat_fwspec_ours(fwspec, &viommu_ops))
		return NULL;
	viommu = viommu_find_by_fwnode(fwspec->iommu_fwnode);
	if (viommu && dev == viommu->dev->parent) {
		viommu_put(viommu);
		return NULL;
	}
	return viommu;
}

/* ---- Devices that were bound before us --------------------------------------------------- */

static int viommu_child_is_driven(struct device *child, void *unused)
{
	return child->driver && child->bus && !strcmp(child->bus->name, "virtio");
}

/**
 * viommu_topology_does_dma() - Say whether a driver may be doing DMA already
 * @dev: any device
 *
 * Drivers that promise to do none of their own (ports, VFIO) do not count, and
 * a virtio function does none before the driver of its virtio device is bound.
 *
 * Context: Process.
 * Return: Whether the device must be left as it is, translated or not.
 */
bool viommu_topology_does_dma(struct device *dev)
{
	struct device_driver *drv = READ_ONCE(dev->driver);

	/* dev->driver is set from before its probe; this, when it has succeeded */
	if (!drv || dev->links.status != DL_DEV_DRIVER_BOUND)
		return false;
	if (dev_is_pci(dev)) {
		if (to_pci_driver(drv)->driver_managed_dma)
			return false;
		if (!strcmp(drv->name, "virtio-pci"))
			return device_for_each_child(dev, NULL, viommu_child_is_driven);
	}
	if (dev_is_platform(dev))
		return !to_platform_driver(drv)->driver_managed_dma;
	return true;
}

/* Does the device tree put a PCI function behind this IOMMU? */
static bool viommu_of_maps(const struct viommu *viommu, struct pci_dev *pdev)
{
	struct device *host = pci_find_host_bridge(pdev->bus)->dev.parent;
	struct device_node *iommu;

	if (!host || !host->of_node)
		return false;
	iommu = viommu_compat_of_iommu(host->of_node, pci_dev_id(pdev));
	of_node_put(iommu);
	return iommu && iommu == to_of_node(viommu->iommu.fwnode);
}

static bool viommu_viot_maps(const struct viommu *viommu, struct pci_dev *pdev)
{
	struct viot_endpoint ep;

	return viommu_viot_lookup(pdev, pci_dev_id(pdev), &ep) &&
	       viommu_is_viot_iommu(viommu, &viommu_viot->iommus[ep.iommu]);
}

static int viommu_report_late_pci(struct device *dev, void *data)
{
	struct pci_dev *pdev = to_pci_dev(dev);
	struct viommu *viommu = data;

	if (dev == viommu->dev->parent || dev->iommu_group ||
	    !viommu_topology_does_dma(dev))
		return 0;
	if (viommu_viot_maps(viommu, pdev) || viommu_of_maps(viommu, pdev))
		viommu_say_late(dev);
	return 0;
}

static int viommu_report_late_platform(struct device *dev, void *data)
{
	struct viommu *viommu = data;
	struct device_node *np;

	if (dev == viommu->dev->parent || dev->iommu_group ||
	    !viommu_topology_does_dma(dev))
		return 0;
	np = of_parse_phandle(dev->of_node, "iommus", 0);
	if (np && np == to_of_node(viommu->iommu.fwnode))
		viommu_say_late(dev);
	of_node_put(np);
	return 0;
}

/**
 * viommu_topology_report_late() - Name the devices that we came too late for
 * @viommu: an IOMMU that has just been registered
 *
 * The core waits for an IOMMU only so long, then binds its endpoints without
 * one. They stay as they are, untranslated, which nobody would notice.
 *
 * Context: Process.
 */
void viommu_topology_report_late(struct viommu *viommu)
{
	bus_for_each_dev(&pci_bus_type, NULL, viommu, viommu_report_late_pci);
	bus_for_each_dev(&platform_bus_type, NULL, viommu, viommu_report_late_platform);
}

/* ---- The IOMMU's own name -------------------------------------------------------------- */

/**
 * viommu_topology_own_fwnode() - See that an IOMMU has a firmware node
 * @viommu: an IOMMU that is not registered yet
 *
 * The core finds the IOMMU of a device by the node. To it, an IOMMU without
 * one matches every device whose IOMMU is not known.
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int viommu_topology_own_fwnode(struct viommu *viommu)
{
	viommu->iommu.fwnode = dev_fwnode(viommu->dev->parent);
	if (viommu->iommu.fwnode)
		return 0;

	viommu->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(viommu->fwnode)) {
		int err = PTR_ERR(viommu->fwnode);

		viommu->fwnode = NULL;
		return err;
	}
	viommu->iommu.fwnode = viommu->fwnode;
	return 0;
}

/**
 * viommu_topology_put_fwnode() - Undo viommu_topology_own_fwnode()
 * @viommu: an IOMMU that is not registered any more
 *
 * Context: Process.
 */
void viommu_topology_put_fwnode(struct viommu *viommu)
{
	if (viommu->fwnode)
		fwnode_remove_software_node(viommu->fwnode);
	viommu->fwnode = NULL;
}
