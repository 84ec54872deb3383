// SPDX-License-Identifier: GPL-2.0
/*
 * Topology: which device is behind which IOMMU, and under which IDs.
 *
 * Two sources tell: the machine's firmware (firmware.c) and the IOMMU itself
 * (builtin.c); where they differ, the firmware counts. Each answers for one
 * requester ID or register block; this file asks for all that a device has and
 * gives the device its fwspec. Where the kernel does so by itself (device tree,
 * VIOT with CONFIG_ACPI_VIOT), a device comes with a fwspec and all that is
 * left is to find the IOMMU that it names. The kernel leaves to us:
 *
 * - everything, on kernels that offer each device to the IOMMU driver (6.1):
 *   viommu_topology_find();
 * - functions without a driver, on kernels that read the firmware only when a
 *   driver is bound (before 6.15), and IOMMUs that describe themselves:
 *   viommu_topology_claim() for those that are there when the IOMMU comes,
 *   viommu_device_event() for those that are plugged later.
 *
 * Devices that should have been ours but were bound before we came are named
 * in the log. Knows nothing of virtqueues.
 */
#include <linux/amba/bus.h>
#include <linux/notifier.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "builtin.h"
#include "viommu.h"

/* A function's own requester ID, its quirks, and the bridges above it */
#define VIOMMU_MAX_RIDS	32

/* Of a bus; bits of dma_alias_mask */
#define VIOMMU_NR_DEVFNS	256

/**
 * struct viommu_rids - the requester IDs that a PCI function does DMA under
 * @nr: how many; DMA under more than there is room for is not translated
 * @rid: each; its own is the first
 */
struct viommu_rids {
	unsigned int nr;
	u16 rid[VIOMMU_MAX_RIDS];
};

/**
 * struct viommu_bus - where devices with an IOMMU may be
 * @type: the bus
 * @events: tells of devices that are added
 */
struct viommu_bus {
	VIOMMU_COMPAT_BUS *type;
	struct notifier_block events;
};

static struct viommu_bus viommu_buses[] = {
	{ .type = &platform_bus_type },
#ifdef CONFIG_PCI
	{ .type = &pci_bus_type },
#endif
#ifdef CONFIG_ARM_AMBA
	{ .type = &amba_bustype },
#endif
};

static void viommu_walk_devices(int (*fn)(struct device *dev, void *data), void *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(viommu_buses); i++)
		bus_for_each_dev(viommu_buses[i].type, NULL, data, fn);
}

/* ---- Asking the sources ------------------------------------------------------------ */

/**
 * viommu_topology_block() - Find a device's registers
 * @dev: a device that is not on PCI
 * @i: which block of them
 *
 * Context: Any.
 * Return: The block, or NULL if there are no more.
 */
const struct resource *viommu_topology_block(struct device *dev, unsigned int i)
{
	if (dev_is_platform(dev))
		return platform_get_resource(to_platform_device(dev), IORESOURCE_MEM, i);
	if (IS_ENABLED(CONFIG_ARM_AMBA) && dev->bus == &amba_bustype && !i)
		return &to_amba_device(dev)->res;
	return NULL;
}

static bool viommu_builtin_rid(const struct viommu *viommu, struct pci_dev *pdev, u16 rid,
			       u32 *id)
{
	struct viot_endpoint ep;

	if (!viommu->builtin ||
	    !viot_lookup_pci(viommu->builtin, pci_domain_nr(pdev->bus), rid, &ep))
		return false;
	*id = ep.id;
	return true;
}

static bool viommu_builtin_registers(const struct viommu *viommu, struct device *dev, u32 *id)
{
	const struct resource *block;
	struct viot_endpoint ep;
	unsigned int i;

	for (i = 0; viommu->builtin && (block = viommu_topology_block(dev, i)); i++) {
		if (viot_lookup_mmio(viommu->builtin, block->start, block->end, &ep)) {
			*id = ep.id;
			return true;
		}
	}
	return false;
}

/*
 * Is DMA under this requester ID behind this IOMMU, and as which endpoint? What
 * the IOMMU says counts only where the firmware says nothing.
 */
static bool viommu_has_rid(const struct viommu *viommu, struct pci_dev *pdev, u16 rid, u32 *id)
{
	enum viommu_listed listed = viommu_firmware_rid(viommu, pdev, rid, id);

	return listed == VIOMMU_LISTED_HERE ||
	       (listed == VIOMMU_UNLISTED && viommu_builtin_rid(viommu, pdev, rid, id));
}

/* Likewise for a device that is not on PCI; its first block that is listed counts. */
static bool viommu_has_registers(const struct viommu *viommu, struct device *dev, u32 *id)
{
	enum viommu_listed listed = VIOMMU_UNLISTED;
	const struct resource *block;
	unsigned int i;

	for (i = 0; listed == VIOMMU_UNLISTED && (block = viommu_topology_block(dev, i)); i++)
		listed = viommu_firmware_block(viommu, block, id);
	if (listed != VIOMMU_UNLISTED)
		return listed == VIOMMU_LISTED_HERE;
	return viommu_builtin_registers(viommu, dev, id);
}

/* ---- PCI aliases ------------------------------------------------------------------ */

/*
 * The requester ID that a bridge puts in place of that of the devices behind
 * it; PCI Express to PCI/PCI-X Bridge specification, "Requester ID". False for
 * the ports of a PCI Express hierarchy, which pass IDs on.
 */
static bool viommu_bridge_alias(struct pci_dev *bridge, u16 *rid)
{
	if (!pci_is_pcie(bridge)) {
		/* Some are PCI Express, and do not say so */
		*rid = bridge->dev_flags & PCI_DEV_FLAG_PCIE_BRIDGE_ALIAS ?
		       PCI_DEVID(bridge->subordinate->number, 0) : pci_dev_id(bridge);
		return true;
	}
	switch (pci_pcie_type(bridge)) {
	case PCI_EXP_TYPE_PCI_BRIDGE:
		*rid = PCI_DEVID(bridge->subordinate->number, 0);
		return !viommu_compat_no_alias(bridge);
	case PCI_EXP_TYPE_PCIE_BRIDGE:
		*rid = pci_dev_id(bridge);
		return true;
	default:
		return false;
	}
}

static void viommu_add_rid(struct viommu_rids *rids, u16 rid)
{
	if (rids->nr < VIOMMU_MAX_RIDS)
		rids->rid[rids->nr++] = rid;
}

/* What the core has in pci_for_each_dma_alias(), which modules cannot call */
static void viommu_collect_rids(struct pci_dev *pdev, struct viommu_rids *rids)
{
	struct pci_bus *bus;
	unsigned int devfn;
	u16 rid;

	rids->nr = 0;
	viommu_add_rid(rids, pci_dev_id(pdev));
	if (pdev->dma_alias_mask) {
		for_each_set_bit(devfn, pdev->dma_alias_mask, VIOMMU_NR_DEVFNS)
			viommu_add_rid(rids, PCI_DEVID(pdev->bus->number, devfn));
	}
	for (bus = pdev->bus; !pci_is_root_bus(bus); bus = bus->parent) {
		if (!bus->self)
			continue;
		/* From here on, IDs are the root's own */
		if (bus->self->dev_flags & PCI_DEV_FLAGS_BRIDGE_XLATE_ROOT)
			break;
		if (viommu_bridge_alias(bus->self, &rid))
			viommu_add_rid(rids, rid);
	}
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

/*
 * The IOMMU that DMA under a requester ID goes through, with a reference; or
 * NULL. @listed: whether the firmware names one, be it there or not.
 */
static struct viommu *viommu_find_by_rid(struct pci_dev *pdev, u16 rid, bool *listed)
{
	struct viommu *viommu, *found = NULL;
	u32 id;

	mutex_lock(&viommu_list_lock);
	list_for_each_entry(viommu, &viommu_list, link) {
		*listed |= viommu_firmware_rid(viommu, pdev, rid, &id) != VIOMMU_UNLISTED;
		/* A description may cover the IOMMU itself */
		if (!found && &pdev->dev != viommu->dev->parent &&
		    viommu_has_rid(viommu, pdev, rid, &id))
			found = viommu_get(viommu);
	}
	mutex_unlock(&viommu_list_lock);
	return found;
}

static struct viommu *viommu_find_by_registers(struct device *dev)
{
	struct viommu *viommu, *found = NULL;
	u32 id;

	mutex_lock(&viommu_list_lock);
	list_for_each_entry(viommu, &viommu_list, link) {
		if (!found && dev != viommu->dev->parent &&
		    viommu_has_registers(viommu, dev, &id))
			found = viommu_get(viommu);
	}
	mutex_unlock(&viommu_list_lock);
	return found;
}

/*
 * Of a function with several requester IDs, the first that is listed decides,
 * even if its IOMMU is yet to come.
 */
static struct viommu *viommu_find_by_description(struct device *dev)
{
	struct viommu *viommu = NULL;
	struct viommu_rids rids;
	bool listed = false;
	unsigned int i;

	if (!dev_is_pci(dev))
		return viommu_find_by_registers(dev);
	viommu_collect_rids(to_pci_dev(dev), &rids);
	for (i = 0; i < rids.nr && !viommu && !listed; i++)
		viommu = viommu_find_by_rid(to_pci_dev(dev), rids.rid[i], &listed);
	return viommu;
}

static void viommu_say_late(struct device *dev)
{
	const struct device_driver *drv = READ_ONCE(dev->driver);

	dev_err(dev, "NOT translated: driver %s was bound before virtio_iommu was loaded; load virtio_iommu from the initramfs\n",
		drv ? drv->name : "?");
}

/**
 * struct viommu_ids - the endpoint IDs of a device
 * @nr: how many
 * @id: each
 */
struct viommu_ids {
	unsigned int nr;
	u32 id[VIOMMU_MAX_RIDS];
};

static void viommu_collect_ids(const struct viommu *viommu, struct device *dev,
			       struct viommu_ids *ids)
{
	struct viommu_rids rids;
	unsigned int i;

	ids->nr = 0;
	if (!dev_is_pci(dev)) {
		ids->nr = viommu_has_registers(viommu, dev, &ids->id[0]);
		return;
	}
	viommu_collect_rids(to_pci_dev(dev), &rids);
	for (i = 0; i < rids.nr; i++)
		ids->nr += viommu_has_rid(viommu, to_pci_dev(dev), rids.rid[i],
					  &ids->id[ids->nr]);
}

/* An alias that nothing lists, or that another IOMMU translates, is no reason to do without. */
static void viommu_say_left_out(const struct viommu *viommu, struct pci_dev *pdev)
{
	struct viommu_rids rids;
	unsigned int i;
	u32 id;

	viommu_collect_rids(pdev, &rids);
	if (rids.nr == VIOMMU_MAX_RIDS)
		dev_warn(&pdev->dev, "has many aliases: those after the first %u are left out\n",
			 VIOMMU_MAX_RIDS - 1);
	for (i = 0; i < rids.nr; i++) {
		if (!viommu_has_rid(viommu, pdev, rids.rid[i], &id))
			dev_info(&pdev->dev, "its alias %02x:%02x.%d is behind another IOMMU or none, and left out\n",
				 PCI_BUS_NUM(rids.rid[i]), PCI_SLOT(rids.rid[i]),
				 PCI_FUNC(rids.rid[i]));
	}
}

static int viommu_make_fwspec(struct viommu *viommu, struct device *dev)
{
	struct viommu_ids ids;
	int err;

	viommu_collect_ids(viommu, dev, &ids);
	err = viommu_compat_fwspec_init(dev, viommu->iommu.fwnode, &viommu_ops);
	/* All at once: a fwspec with some of them would be taken for complete */
	if (!err) {
		err = iommu_fwspec_add_ids(dev, ids.id, ids.nr);
		if (err)
			viommu_compat_fwspec_free(dev);
	}
	if (err && err != -EPROBE_DEFER)
		dev_err(dev, "not translated: %pe\n", ERR_PTR(err));
	return err;
}

/*
 * Tell a device without a fwspec which IOMMU it is behind: 0 if so, -ENODEV if
 * it is behind none of those that are here. Under iommu_probe_device_lock,
 * except in a module on a kernel that keeps the lock to itself.
 */
static int viommu_describe(struct device *dev)
{
	struct viommu *viommu = viommu_find_by_description(dev);
	int err;

	if (!viommu)
		return -ENODEV;
	err = viommu_make_fwspec(viommu, dev);
	viommu_put(viommu);
	return err;
}

/* What an IOMMU calls a device by itself, whatever the firmware says. */
static bool viommu_builtin_id(const struct viommu *viommu, struct device *dev, u32 *id)
{
	return dev_is_pci(dev) ?
	       viommu_builtin_rid(viommu, to_pci_dev(dev), pci_dev_id(to_pci_dev(dev)), id) :
	       viommu_builtin_registers(viommu, dev, id);
}

static bool viommu_fwspec_has(const struct iommu_fwspec *fwspec, u32 id)
{
	unsigned int i;

	for (i = 0; i < fwspec->num_ids; i++) {
		if (fwspec->ids[i] == id)
			return true;
	}
	return false;
}

/* Name a device that an IOMMU's own description does not put where it is. */
static void viommu_check_contradiction(struct device *dev, const struct iommu_fwspec *fwspec)
{
	struct viommu *viommu;
	u32 id;

	mutex_lock(&viommu_list_lock);
	list_for_each_entry(viommu, &viommu_list, link) {
		if (dev == viommu->dev->parent || !viommu_builtin_id(viommu, dev, &id) ||
		    (viommu->iommu.fwnode == fwspec->iommu_fwnode &&
		     viommu_fwspec_has(fwspec, id)))
			continue;
		dev_warn(dev, "%s describes it as its endpoint 0x%x, the firmware differently; the firmware counts\n",
			 dev_name(viommu->dev), id);
	}
	mutex_unlock(&viommu_list_lock);
}

/*
 * Stock kernels read a VIOT less strictly than we do: they take entries that
 * make no sense, and IDs of other IOMMUs. What they made of it has to be what
 * we make of it; false if the device is not to be translated.
 */
static bool viommu_confirm(struct viommu *viommu, struct device *dev)
{
	struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct viommu_ids ids;

	if (viommu_compat_reads_viot() || !viommu_firmware_has_viot() ||
	    is_of_node(fwspec->iommu_fwnode))
		return true;
	viommu_collect_ids(viommu, dev, &ids);
	if (!ids.nr) {
		dev_err(dev, "not translated: no valid entry of the VIOT puts it behind %s\n",
			dev_name(viommu->dev));
		return false;
	}
	/* More than there is room for: the kernel knows better */
	if (ids.nr == VIOMMU_MAX_RIDS)
		return true;
	if (ids.nr == fwspec->num_ids && !memcmp(ids.id, fwspec->ids, ids.nr * sizeof(ids.id[0])))
		return true;
	dev_warn(dev, "the kernel has read %u IDs in the VIOT where %u are right\n",
		 fwspec->num_ids, ids.nr);
	fwspec->num_ids = 0;
	if (!iommu_fwspec_add_ids(dev, ids.id, ids.nr))
		return true;
	dev_err(dev, "not translated: no memory for its IDs\n");
	return false;
}

/* A kernel that offers every device leaves it to us to know which are ours. */
static bool viommu_describe_offered(struct device *dev)
{
	struct viommu *viommu;

	if (!viommu_compat_offers_all())
		return false;
	if (dev->links.status != DL_DEV_PROBING)
		return !viommu_describe(dev);
	/* No driver waits for us here: one that is on its way has begun without */
	viommu = viommu_find_by_description(dev);
	if (viommu) {
		viommu_say_late(dev);
		viommu_put(viommu);
	}
	return false;
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
	const struct iommu_fwspec *fwspec;
	struct viommu *viommu;

	if (!dev_iommu_fwspec_get(dev) && !viommu_describe_offered(dev))
		return NULL;
	fwspec = dev_iommu_fwspec_get(dev);
	if (!viommu_compat_fwspec_ours(fwspec, &viommu_ops))
		return NULL;
	viommu = viommu_find_by_fwnode(fwspec->iommu_fwnode);
	viommu_check_contradiction(dev, fwspec);
	if (!viommu)
		return NULL;
	if (dev == viommu->dev->parent || !viommu_confirm(viommu, dev)) {
		viommu_put(viommu);
		return NULL;
	}
	if (dev_is_pci(dev))
		viommu_say_left_out(viommu, to_pci_dev(dev));
	return viommu;
}

/* ---- Devices that the kernel does not ask about ------------------------------------- */

static bool viommu_is_open(struct device *dev)
{
	return !dev->driver && !dev->iommu_group && !dev_iommu_fwspec_get(dev);
}

struct viommu_claims {
	struct viommu *viommu;
	unsigned int nr;
};

/*
 * The device's lock keeps drivers away. Somebody who has it is about to bind
 * one, and may even wait for us: then the device is not for us to claim. Once
 * it is described, the link keeps them away until the IOMMU is bound: a driver
 * that came before the core has seen the device would go without translation.
 */
static int viommu_claim(struct device *dev, void *data)
{
	struct viommu_claims *claims = data;

	if (!device_trylock(dev))
		return 0;
	if (viommu_is_open(dev) && !viommu_compat_describe(dev, viommu_describe)) {
		viommu_link_supplier(claims->viommu, dev);
		claims->nr++;
	}
	device_unlock(dev);
	return 0;
}

/**
 * viommu_topology_claim() - Take in the devices that the core did not know of
 * @viommu: an IOMMU that has just been registered
 *
 * Context: Process.
 */
void viommu_topology_claim(struct viommu *viommu)
{
	struct viommu_claims claims = { .viommu = viommu };

	if (viommu_compat_offers_all())
		return;
	viommu_walk_devices(viommu_claim, &claims);
	if (claims.nr)
		viommu_compat_rescan(&viommu_ops);
}

/* Before the core looks at the device, which it does when it is told of it. */
static int viommu_device_event(struct notifier_block *nb, unsigned long action, void *data)
{
	struct device *dev = data;

	if (action == BUS_NOTIFY_ADD_DEVICE && viommu_is_open(dev))
		viommu_compat_describe(dev, viommu_describe);
	return NOTIFY_DONE;
}

static void viommu_watch_devices(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(viommu_buses); i++) {
		viommu_buses[i].events.notifier_call = viommu_device_event;
		viommu_buses[i].events.priority = 1;
		bus_register_notifier(viommu_buses[i].type, &viommu_buses[i].events);
	}
}

static void viommu_unwatch_devices(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(viommu_buses); i++)
		bus_unregister_notifier(viommu_buses[i].type, &viommu_buses[i].events);
}

/**
 * viommu_topology_init() - Read what the firmware says, and watch for devices
 *
 * Context: Process, when the module is loaded.
 */
void viommu_topology_init(void)
{
	viommu_firmware_init();
	viommu_compat_set_describe(viommu_describe);
	if (!viommu_compat_offers_all())
		viommu_watch_devices();
}

/**
 * viommu_topology_exit() - Undo viommu_topology_init(), and leave the buses
 *
 * Context: Process, when the module is unloaded.
 */
void viommu_topology_exit(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(viommu_buses); i++)
		viommu_compat_forget_ops(viommu_buses[i].type, &viommu_ops);
	if (!viommu_compat_offers_all())
		viommu_unwatch_devices();
	viommu_compat_set_describe(NULL);
	viommu_firmware_exit();
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

static int viommu_report_late(struct device *dev, void *data)
{
	struct viommu *viommu = data, *found;

	if (dev->iommu_group || !viommu_topology_does_dma(dev))
		return 0;
	found = viommu_find_by_description(dev);
	if (found == viommu || viommu_firmware_of_device(viommu, dev))
		viommu_say_late(dev);
	if (found)
		viommu_put(found);
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
	viommu_walk_devices(viommu_report_late, viommu);
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
