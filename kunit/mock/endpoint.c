// SPDX-License-Identifier: GPL-2.0
/*
 * Devices behind the IOMMU: platform devices without a driver, and the DMA
 * that they would do.
 */
#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "internal.h"

static struct mock_device *mock_alloc_device(struct mock *mock, u32 id)
{
	struct mock_device *device = kzalloc(sizeof(*device), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(mock->test, device);
	device->mock = mock;
	device->id = id;
	device->pdev = platform_device_alloc("viommu-mock-device", PLATFORM_DEVID_AUTO);
	if (!device->pdev) {
		kfree(device);
		KUNIT_FAIL_AND_ABORT(mock->test, "no memory for a device");
	}
	device->pdev->dev.dma_mask = &device->pdev->platform_dma_mask;
	device->pdev->platform_dma_mask = DMA_BIT_MASK(64);
	device->pdev->dev.coherent_dma_mask = DMA_BIT_MASK(64);
	/* As devices of virtual machines are: buffers are not bounced for their caches' sake */
	arch_setup_dma_ops(&device->pdev->dev, true);
	device->pdev->dev.platform_data = device;	/* drvdata would be a driver's */
	return device;
}

static struct device *mock_add_device(struct mock_device *device)
{
	struct mock *mock = device->mock;
	int err = platform_device_add(device->pdev);

	if (err) {
		platform_device_put(device->pdev);
		KUNIT_FAIL_AND_ABORT(mock->test, "a device cannot be added: %d", err);
	}
	list_add(&device->link, &mock->devices);
	return &device->pdev->dev;
}

/* What firmware would say; the IOMMU has to be there, as the core sees to elsewhere. */
static int mock_describe_device(struct mock_device *device, const u32 *ids, unsigned int nr)
{
	struct device *dev = &device->pdev->dev;
	int err;

	mutex_lock(&iommu_probe_device_lock);
	err = iommu_fwspec_init(dev, mock_fwnode(device->mock));
	mutex_unlock(&iommu_probe_device_lock);
	return err ?: iommu_fwspec_add_ids(dev, (u32 *)ids, nr);
}

struct device *mock_endpoint_try(struct mock *mock, const u32 *ids, unsigned int nr)
{
	struct mock_device *device = mock_alloc_device(mock, ids[0]);
	int err = mock_describe_device(device, ids, nr);

	if (err)
		kunit_info(mock->test, "no IOMMU for endpoint 0x%x: %d\n", ids[0], err);
	return mock_add_device(device);
}

struct device *mock_endpoint_ids(struct mock *mock, const u32 *ids, unsigned int nr)
{
	struct device *dev = mock_endpoint_try(mock, ids, nr);

	KUNIT_ASSERT_TRUE_MSG(mock->test, mock_translated(dev),
			      "endpoint 0x%x was not taken in", ids[0]);
	return dev;
}

struct device *mock_endpoint(struct mock *mock, u32 id)
{
	return mock_endpoint_ids(mock, &id, 1);
}

struct device *mock_endpoint_plain(struct mock *mock, u64 base, u32 id)
{
	const struct resource block = DEFINE_RES_MEM(base, SZ_4K);
	struct mock_device *device = mock_alloc_device(mock, id);

	KUNIT_ASSERT_EQ(mock->test, platform_device_add_resources(device->pdev, &block, 1), 0);
	return mock_add_device(device);
}

static void mock_remove_device(struct mock_device *device)
{
	list_del(&device->link);
	platform_device_unregister(device->pdev);	/* frees its platform data, too */
}

void mock_endpoint_remove(struct device *dev)
{
	mock_remove_device(dev_get_platdata(dev));
}

/* mock_remove_devices() - all that a test has left */
void mock_remove_devices(struct mock *mock)
{
	struct mock_device *device, *next;

	list_for_each_entry_safe(device, next, &mock->devices, link)
		mock_remove_device(device);
}

void mock_endpoint_unknown(struct mock *mock, u32 id)
{
	struct mock_ep *ep;
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	ep = mock_find_ep(mock, id);
	if (ep)
		ep->unknown = true;
	spin_unlock_irqrestore(&mock->lock, irq);
	KUNIT_ASSERT_NOT_NULL(mock->test, ep);
}

bool mock_translated(struct device *dev)
{
	return device_iommu_mapped(dev);
}

/* ---- DMA ------------------------------------------------------------------------------ */

/* Up to the end of a page, under the lock: no UNMAP is confirmed in its middle. */
static int mock_dma_piece(struct mock *mock, u32 id, u64 iova, void *buf, size_t len, bool write)
{
	const u32 flags = write ? VIRTIO_IOMMU_MAP_F_WRITE : VIRTIO_IOMMU_MAP_F_READ;
	unsigned long irq;
	u64 phys;
	int err;

	spin_lock_irqsave(&mock->lock, irq);
	err = mock_translate_locked(mock, id, iova, flags, &phys);
	if (!err && !pfn_valid(PHYS_PFN(phys)))
		err = -EFAULT;
	if (err)
		mock_refused(mock, id, iova, flags);
	else if (write)
		memcpy(phys_to_virt(phys), buf, len);
	else
		memcpy(buf, phys_to_virt(phys), len);
	spin_unlock_irqrestore(&mock->lock, irq);
	return err;
}

static int mock_dma(struct mock *mock, u32 id, u64 iova, void *buf, size_t len, bool write)
{
	const u64 granule = min_t(u64, mock_granule(mock), PAGE_SIZE);
	size_t piece;
	int err = 0;

	while (len && !err) {
		piece = min_t(u64, len, granule - (iova & (granule - 1)));
		err = mock_dma_piece(mock, id, iova, buf, piece, write);
		iova += piece;
		buf += piece;
		len -= piece;
	}
	return err;
}

int mock_dma_read_as(struct mock *mock, u32 id, u64 iova, void *buf, size_t len)
{
	return mock_dma(mock, id, iova, buf, len, false);
}

int mock_dma_write_as(struct mock *mock, u32 id, u64 iova, const void *buf, size_t len)
{
	return mock_dma(mock, id, iova, (void *)buf, len, true);
}

int mock_dma_read(struct device *dev, u64 iova, void *buf, size_t len)
{
	const struct mock_device *device = dev_get_platdata(dev);

	return mock_dma(device->mock, device->id, iova, buf, len, false);
}

int mock_dma_write(struct device *dev, u64 iova, const void *buf, size_t len)
{
	const struct mock_device *device = dev_get_platdata(dev);

	return mock_dma(device->mock, device->id, iova, (void *)buf, len, true);
}
