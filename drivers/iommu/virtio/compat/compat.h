/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The differences between kernels, and the only place that knows them.
 *
 * The driver is written for the newest kernel's interfaces; what older ones
 * lack is made up for here. Makefile.probe finds out what there is.
 */
#ifndef _VIOMMU_COMPAT_H
#define _VIOMMU_COMPAT_H

#include <linux/amba/bus.h>
#include <linux/dma-map-ops.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/virtio_config.h>

/* Exported by all kernels, declared in a header that only their trees have. */
void iommu_dma_get_resv_regions(struct device *dev, struct list_head *list);

/* ---- attach_dev ---------------------------------------------------------- */

#ifdef VIOMMU_HAVE_ATTACH_OLD
#define viommu_compat_attach(fn)	fn
#define VIOMMU_COMPAT_ATTACH(fn)						\
	static_assert(__same_type(&fn,						\
		((struct iommu_domain_ops *)NULL)->attach_dev))
#else
#define viommu_compat_attach(fn)	fn##_compat
#define VIOMMU_COMPAT_ATTACH(fn)						\
static int fn##_compat(struct iommu_domain *domain, struct device *dev)	\
{										\
	return fn(domain, dev, NULL);						\
}										\
static_assert(__same_type(&fn##_compat,						\
	((struct iommu_domain_ops *)NULL)->attach_dev))
#endif

/* ---- allocation of domains ------------------------------------------------- */

#ifdef VIOMMU_HAVE_STATIC_DOMAINS
#define VIOMMU_COMPAT_ALLOC(alloc, identity, blocked)
#define VIOMMU_COMPAT_ALLOC_OPS(alloc, identity, blocked)			\
	.domain_alloc_paging	= alloc,					\
	.identity_domain	= &(identity),					\
	.blocked_domain		= &(blocked),
#define viommu_compat_static_free	NULL
#else
/* Domains come without a device, and the core frees static ones as well. */
#define VIOMMU_COMPAT_ALLOC(alloc, identity, blocked)				\
static struct iommu_domain *alloc##_compat(unsigned int type)			\
{										\
	struct iommu_domain *domain;						\
										\
	if (type == IOMMU_DOMAIN_IDENTITY)					\
		return &(identity);						\
	if (type == IOMMU_DOMAIN_BLOCKED)					\
		return &(blocked);						\
	if (!(type & __IOMMU_DOMAIN_PAGING))					\
		return NULL;							\
	domain = alloc(NULL);							\
	return IS_ERR(domain) ? NULL : domain;					\
}
#define VIOMMU_COMPAT_ALLOC_OPS(alloc, identity, blocked)			\
	.domain_alloc		= alloc##_compat,				\
	.pgsize_bitmap		= PAGE_SIZE,

static inline void viommu_compat_static_free(struct iommu_domain *domain)
{
}
#endif

/* ---- the result of a MAP ----------------------------------------------------- */

#ifdef VIOMMU_HAVE_SYNC_MAP_ERRNO
#define VIOMMU_COMPAT_MAP(map, sync, unmap)
#define VIOMMU_COMPAT_MAP_OPS(map, sync)					\
	.map_pages		= map,						\
	.iotlb_sync_map		= sync,
#else
/* iotlb_sync_map() returns nothing: each MAP is confirmed in map_pages(). */
#define VIOMMU_COMPAT_MAP(map, sync, unmap)					\
static int map##_compat(struct iommu_domain *domain, unsigned long iova,	\
			phys_addr_t paddr, size_t pgsize, size_t pgcount,	\
			int prot, gfp_t gfp, size_t *mapped)			\
{										\
	struct iommu_iotlb_gather gather;					\
	int err = map(domain, iova, paddr, pgsize, pgcount, prot, gfp, mapped);	\
										\
	if (err)								\
		return err;							\
	err = sync(domain, iova, *mapped);					\
	if (!err)								\
		return 0;							\
	iommu_iotlb_gather_init(&gather);					\
	unmap(domain, iova, pgsize, pgcount, &gather);				\
	iommu_iotlb_sync(domain, &gather);					\
	*mapped = 0;								\
	return err;								\
}
#define VIOMMU_COMPAT_MAP_OPS(map, sync)					\
	.map_pages		= map##_compat,
#endif

/* ---- small things --------------------------------------------------------------- */

#ifdef VIOMMU_HAVE_DEFERRED_FLUSH
#define VIOMMU_CAP_DEFERRED_FLUSH	IOMMU_CAP_DEFERRED_FLUSH
#else
#define VIOMMU_CAP_DEFERRED_FLUSH	(-1)
#endif

#ifdef VIOMMU_HAVE_CONST_OF_XLATE
#define viommu_compat_of_xlate(fn)	fn
#define VIOMMU_COMPAT_OF_XLATE(fn)						\
	static_assert(__same_type(&fn, ((struct iommu_ops *)NULL)->of_xlate))
#else
#define viommu_compat_of_xlate(fn)	fn##_compat
#define VIOMMU_COMPAT_OF_XLATE(fn)						\
static int fn##_compat(struct device *dev, struct of_phandle_args *args)	\
{										\
	return fn(dev, args);							\
}										\
static_assert(__same_type(&fn##_compat,						\
	((struct iommu_ops *)NULL)->of_xlate))
#endif

/* Each device has its DMA operations set by hand, where the architecture does not. */
#if defined(VIOMMU_HAVE_SETUP_DMA_OPS) && !defined(CONFIG_ARCH_HAS_SETUP_DMA_OPS)
static inline void viommu_compat_probe_finalize(struct device *dev)
{
	set_dma_ops(dev, NULL);
	iommu_setup_dma_ops(dev, 0, U64_MAX);
}

static inline void viommu_compat_release(struct device *dev)
{
	set_dma_ops(dev, NULL);
}
#else
#define viommu_compat_probe_finalize	NULL

static inline void viommu_compat_release(struct device *dev)
{
}
#endif

/* What has failed half-way; newer kernels keep this to themselves. */
static inline void viommu_compat_fwspec_free(struct device *dev)
{
#ifdef VIOMMU_HAVE_FWSPEC_FREE
	iommu_fwspec_free(dev);
#endif
}

/* Bridges that are known to leave the IDs behind them as they are */
static inline bool viommu_compat_no_alias(const struct pci_dev *bridge)
{
#ifdef VIOMMU_HAVE_NO_ALIAS
	return bridge->dev_flags & PCI_DEV_FLAGS_PCI_BRIDGE_NO_ALIAS;
#else
	return false;
#endif
}

/* Has a driver been found for the device, whether it took it or not? */
static inline bool viommu_compat_can_match(const struct device *dev)
{
#ifdef VIOMMU_HAVE_CAN_MATCH_BIT
	return dev->can_match;
#else
	return dev_can_match(dev);
#endif
}

#ifdef VIOMMU_HAVE_FWSPEC_OPS
static inline int viommu_compat_fwspec_init(struct device *dev, struct fwnode_handle *fwnode,
					    const struct iommu_ops *ops)
{
	return iommu_fwspec_init(dev, fwnode, ops);
}

static inline bool viommu_compat_fwspec_ours(const struct iommu_fwspec *fwspec,
					     const struct iommu_ops *ops)
{
	return fwspec->ops == ops;
}
#else
static inline int viommu_compat_fwspec_init(struct device *dev, struct fwnode_handle *fwnode,
					    const struct iommu_ops *ops)
{
	return iommu_fwspec_init(dev, fwnode);
}

/* The core has chosen the driver by the fwnode */
static inline bool viommu_compat_fwspec_ours(const struct iommu_fwspec *fwspec,
					     const struct iommu_ops *ops)
{
	return true;
}
#endif

/* ---- who tells a device which IOMMU it is behind ---------------------------------- */

/* Up to 6.7, the core offers every device to the only IOMMU driver there is. */
static inline bool viommu_compat_offers_all(void)
{
#ifdef VIOMMU_HAVE_BUS_OPS
	return true;
#else
	return false;
#endif
}

/* Is it our own code that makes fwspecs of a VIOT? */
static inline bool viommu_compat_reads_viot(void)
{
#ifdef VIOMMU_IN_TREE
	return true;
#else
	return viommu_compat_offers_all();
#endif
}

#ifdef VIOMMU_IN_TREE
#include <linux/virtio_iommu.h>

static inline void viommu_compat_set_describe(int (*describe)(struct device *dev))
{
	virtio_iommu_set_describe(describe);
}

static inline int viommu_compat_describe(struct device *dev, int (*describe)(struct device *dev))
{
	return virtio_iommu_describe(dev);
}
#else
static inline void viommu_compat_set_describe(int (*describe)(struct device *dev))
{
}

/* The lock that this should be under, iommu_probe_device_lock, is not for modules. */
static inline int viommu_compat_describe(struct device *dev, int (*describe)(struct device *dev))
{
	return describe(dev);
}
#endif

/*
 * Have the core look at all devices again, which it does when an IOMMU comes:
 * at one without endpoints, whose node no device has, and that goes at once.
 */
static inline void viommu_compat_rescan(const struct iommu_ops *ops)
{
	static struct fwnode_handle nobody;
	struct iommu_device nothing = { .fwnode = &nobody };

	if (!iommu_device_register(&nothing, ops, NULL))
		iommu_device_unregister(&nothing);
}

#ifdef VIOMMU_HAVE_BUS_OPS
#define VIOMMU_COMPAT_BUS	struct bus_type

/* The core leaves a bus its IOMMU operations even when the last IOMMU has gone. */
static inline void viommu_compat_forget_ops(VIOMMU_COMPAT_BUS *bus, const struct iommu_ops *ops)
{
	if (bus->iommu_ops == ops)
		bus->iommu_ops = NULL;
}
#else
#define VIOMMU_COMPAT_BUS	const struct bus_type

static inline void viommu_compat_forget_ops(VIOMMU_COMPAT_BUS *bus, const struct iommu_ops *ops)
{
}
#endif

#ifndef VIOMMU_HAVE_VIRTQUEUE_INFO
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
};

#define VIOMMU_COMPAT_MAX_VQS	2

static inline int viommu_compat_find_vqs(struct virtio_device *vdev, unsigned int nvqs,
					 struct virtqueue *vqs[], struct virtqueue_info info[],
					 struct irq_affinity *desc)
{
	const char *names[VIOMMU_COMPAT_MAX_VQS];
	vq_callback_t *callbacks[VIOMMU_COMPAT_MAX_VQS];
	unsigned int i;

	if (WARN_ON(nvqs > VIOMMU_COMPAT_MAX_VQS))
		return -EINVAL;
	for (i = 0; i < nvqs; i++) {
		names[i] = info[i].name;
		callbacks[i] = info[i].callback;
	}
	return virtio_find_vqs(vdev, nvqs, vqs, callbacks, names, desc);
}

#define virtio_find_vqs viommu_compat_find_vqs
#endif

#endif /* _VIOMMU_COMPAT_H */
