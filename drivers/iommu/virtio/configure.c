// SPDX-License-Identifier: GPL-2.0
/*
 * The part of the driver that a kernel has built in even if the rest is a
 * module: it lets devices wait for an IOMMU that describes its endpoints by
 * itself.
 *
 * Firmware tells a device what it is behind, whether the IOMMU is there yet or
 * not. A topology in the IOMMU's own config space is known only when the
 * driver has read it, so until each IOMMU has its driver, any device may turn
 * out to be an endpoint. Called from the buses' dma_configure(), after the
 * firmware has been asked; only in kernel trees, as modules cannot add calls.
 */
#include <linux/export.h>
#include <linux/device.h>
#include <linux/device/driver.h>
#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/virtio.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_iommu.h>

#include "compat/compat.h"

/* A function of a virtio 1.0 device has 0x1040 plus the type of the device */
#define VIOMMU_PCI_DEVICE_ID	(0x1040 + VIRTIO_ID_IOMMU)

/* Gives a device its fwspec; NULL without a driver. Under iommu_probe_device_lock */
static int (*viommu_describe)(struct device *dev);

/**
 * virtio_iommu_set_describe() - Say how endpoints are found
 * @describe: gives a device its iommu_fwspec and returns 0, or -ENODEV for one
 *	that is behind no IOMMU; called under iommu_probe_device_lock. NULL when
 *	the driver goes; then nobody is in it any more
 *
 * Context: Process.
 */
void virtio_iommu_set_describe(int (*describe)(struct device *dev))
{
	mutex_lock(&iommu_probe_device_lock);
	viommu_describe = describe;
	mutex_unlock(&iommu_probe_device_lock);
}
EXPORT_SYMBOL_GPL(virtio_iommu_set_describe);

/* As virtio_iommu_describe(); tells, too, whether it is the core that asks. */
static int viommu_describe_locked(struct device *dev, bool *core_asks)
{
	int err = -ENODEV;

	mutex_lock(&iommu_probe_device_lock);
	*core_asks = dev->iommu;
	if (dev_iommu_fwspec_get(dev))
		err = -EEXIST;
	else if (viommu_describe)
		err = viommu_describe(dev);
	mutex_unlock(&iommu_probe_device_lock);
	return err;
}

/**
 * virtio_iommu_describe() - Tell a device which IOMMU it is behind
 * @dev: any device
 *
 * Context: Process.
 * Return: 0 if it has an iommu_fwspec now, -EEXIST if it had one before; or as
 * the driver says.
 */
int virtio_iommu_describe(struct device *dev)
{
	bool core_asks;

	return viommu_describe_locked(dev, &core_asks);
}
EXPORT_SYMBOL_GPL(virtio_iommu_describe);

/* ---- IOMMUs without a driver ------------------------------------------------------ */

/* Bound, or refused by its driver: nothing more is to be expected of a device. */
static bool viommu_is_settled(const struct device *dev)
{
	return dev->links.status == DL_DEV_DRIVER_BOUND ||
	       (dev->links.status == DL_DEV_NO_DRIVER && viommu_compat_can_match(dev));
}

static int viommu_is_awaited_iommu(struct device *child, void *unused)
{
	return child->bus && !strcmp(child->bus->name, "virtio") &&
	       dev_to_virtio(child)->id.device == VIRTIO_ID_IOMMU &&
	       !viommu_is_settled(child);
}

/* @transport is that of an IOMMU: has its driver still to come? */
static bool viommu_is_awaited(struct device *transport)
{
	return !viommu_is_settled(transport) ||
	       device_for_each_child(transport, NULL, viommu_is_awaited_iommu);
}

static bool viommu_is_pci_iommu(struct device *dev)
{
	return dev_is_pci(dev) &&
	       to_pci_dev(dev)->vendor == PCI_VENDOR_ID_REDHAT_QUMRANET &&
	       to_pci_dev(dev)->device == VIOMMU_PCI_DEVICE_ID;
}

/* A function that the device tree describes has its endpoints described there, too. */
static bool viommu_pci_awaited(void)
{
	struct pci_dev *pdev = NULL;
	bool awaited = false;

	while ((pdev = pci_get_device(PCI_VENDOR_ID_REDHAT_QUMRANET, VIOMMU_PCI_DEVICE_ID,
				      pdev))) {
		if (!pdev->dev.of_node && viommu_is_awaited(&pdev->dev))
			awaited = true;
	}
	return awaited;
}

static bool viommu_is_mmio_transport(struct device *dev)
{
	const struct device_driver *drv = READ_ONCE(dev->driver);

	return drv && !strcmp(drv->name, "virtio-mmio");
}

/* Only one that is bound already can be told from other virtio devices. */
static int viommu_mmio_awaited(struct device *transport, void *unused)
{
	return viommu_is_mmio_transport(transport) &&
	       !device_property_present(transport, "#iommu-cells") &&
	       device_for_each_child(transport, NULL, viommu_is_awaited_iommu);
}

/*
 * May a device turn out to be behind an IOMMU that has no driver yet? Bridges
 * do no DMA of their own, and IOMMUs may be behind them; IOMMUs would wait for
 * each other. What is neither PCI nor virtio is not kept waiting, lest a guest
 * without the driver has no console for so long.
 */
static bool viommu_may_come(struct device *dev)
{
	if (acpi_viot_present() || viommu_is_pci_iommu(dev))
		return false;
	if (dev_is_pci(dev) ? pci_is_bridge(to_pci_dev(dev)) : !viommu_is_mmio_transport(dev))
		return false;
	return viommu_pci_awaited() ||
	       bus_for_each_dev(&platform_bus_type, NULL, NULL, viommu_mmio_awaited);
}

/**
 * virtio_iommu_dma_configure() - Find out whether a device is behind an IOMMU
 * @dev: a device that is about to get a driver, or that the IOMMU core asks for
 *
 * Context: Process.
 * Return: 0, whether it is or not; -EPROBE_DEFER if that cannot be told yet.
 */
int virtio_iommu_dma_configure(struct device *dev)
{
	bool core_asks;
	int err;

	err = viommu_describe_locked(dev, &core_asks);
	if (!err && !core_asks)
		err = iommu_probe_device(dev);
	else if (err == -ENODEV && !core_asks && viommu_may_come(dev))
		err = driver_deferred_probe_check_state(dev);
	return err == -EPROBE_DEFER ? err : 0;
}
