/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio-iommu: what the rest of the kernel calls. Only in kernel trees that
 * the driver is laid over; the driver's own header is viommu.h.
 */
#ifndef _LINUX_VIRTIO_IOMMU_H
#define _LINUX_VIRTIO_IOMMU_H

#include <linux/types.h>

struct device;

/* drivers/iommu/virtio/configure.c */
#if IS_ENABLED(CONFIG_VIRTIO_IOMMU)
int virtio_iommu_dma_configure(struct device *dev);
int virtio_iommu_describe(struct device *dev);
void virtio_iommu_set_describe(int (*describe)(struct device *dev));
#else
static inline int virtio_iommu_dma_configure(struct device *dev)
{
	return 0;
}
#endif

/* drivers/acpi/viot.c */
#ifdef CONFIG_ACPI_VIOT
bool acpi_viot_present(void);
#else
static inline bool acpi_viot_present(void)
{
	return false;
}
#endif

#endif /* _LINUX_VIRTIO_IOMMU_H */
