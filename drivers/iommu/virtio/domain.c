// SPDX-License-Identifier: GPL-2.0
/*
 * Domains: maps, unmaps and looks up, and keeps the device in step.
 *
 * A domain's mappings are kept whether or not the device knows of them. What
 * the device knows is the domain's state, and one rule ties the two together:
 *
 *   Under the domain's lock, the store and the state change together with the
 *   posting of requests. LIVE: whoever adds a mapping posts its MAP, whoever
 *   removes one gets an UNMAP posted. REPLAYING: the same for addresses that
 *   the replay has passed; a mapping ahead of it is left to the replay, or if
 *   removed, was never told to the device. DETACHED: nothing is posted.
 *
 * A domain turns LIVE when its first endpoint has been attached, by a replay
 * of its mappings, and DETACHED when its last endpoint has left, which the
 * device has confirmed by then. From before the request that makes it leave
 * until the confirmation, requests go on being posted and may be refused, for
 * the domain may be gone; that is "leaving", and then a refusal is as good as
 * success. Afterwards all requests in flight are waited for, so that none is
 * left when the domain comes back. An unmap therefore never returns while the
 * device may still use the mapping, whichever way the race with a detach goes.
 *
 * Attaching and detaching are serialised by viommu->lock (attach.c); mapping
 * and unmapping happen in any context.
 */
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "viommu.h"

/* Mappings looked at before interrupts are let in. */
#define VIOMMU_WALK_BATCH	64

static struct kmem_cache *viommu_mapping_cache;

static const struct iommu_domain_ops viommu_domain_ops;

static struct viommu_domain *to_viommu_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct viommu_domain, domain);
}

/**
 * viommu_domain_setup() - Allocate what all domains share
 *
 * Context: Process, when the module is loaded.
 * Return: 0 or -ENOMEM.
 */
int viommu_domain_setup(void)
{
	viommu_mapping_cache = KMEM_CACHE(viommu_mapping, 0);
	return viommu_mapping_cache ? 0 : -ENOMEM;
}

/**
 * viommu_domain_teardown() - Free what all domains share
 *
 * Context: Process, when the module is unloaded and no domain is left.
 */
void viommu_domain_teardown(void)
{
	kmem_cache_destroy(viommu_mapping_cache);
}

/* ---- Domain IDs ---------------------------------------------------------- */

/**
 * viommu_domain_take_id() - Give a domain an ID, if it has none yet
 * @vdom: a finalised domain
 *
 * Context: Process.
 * Return: 0, -ENOSPC when domain_range is used up, or -ENOMEM.
 */
int viommu_domain_take_id(struct viommu_domain *vdom)
{
	const struct viommu_config *config = &vdom->viommu->config;
	/* The allocator counts in int; two thousand million domains will do */
	u32 span = min_t(u32, config->domain_last - config->domain_first, INT_MAX);
	int id;

	if (vdom->has_id && !(vdom->tainted && !vdom->nr_endpoints))
		return 0;
	vdom->tainted = false;
	id = ida_alloc_max(&vdom->viommu->domain_ids, span, GFP_KERNEL);
	if (id < 0)
		return id;
	vdom->id = config->domain_first + id;
	vdom->has_id = true;
	return 0;
}

/**
 * viommu_domain_drop_id() - Give a domain's ID back
 * @vdom: a domain without endpoints
 *
 * Context: Process.
 */
void viommu_domain_drop_id(struct viommu_domain *vdom)
{
	struct viommu *viommu = vdom->viommu;

	if (vdom->has_id && !vdom->tainted)
		ida_free(&viommu->domain_ids, vdom->id - viommu->config.domain_first);
	vdom->has_id = false;
}

/* ---- Life ----------------------------------------------------------------- */

static struct viommu_domain *viommu_domain_alloc(void)
{
	struct viommu_domain *vdom = kzalloc(sizeof(*vdom), GFP_KERNEL);

	if (!vdom)
		return NULL;
	spin_lock_init(&vdom->lock);
	viommu_flight_init(&vdom->flight);
	INIT_LIST_HEAD(&vdom->link);
	vdom->mappings.root = RB_ROOT;
	vdom->domain.ops = &viommu_domain_ops;
	return vdom;
}

/**
 * viommu_domain_finalise() - Bind a domain to an IOMMU
 * @vdom: a domain that has none yet
 * @viommu: the IOMMU
 *
 * Context: Process.
 */
void viommu_domain_finalise(struct viommu_domain *vdom, struct viommu *viommu)
{
	vdom->domain.pgsize_bitmap = viommu->config.pgsize_bitmap;
	vdom->domain.geometry = (struct iommu_domain_geometry) {
		.aperture_start = viommu->config.input_first,
		.aperture_end = viommu->config.input_last,
		.force_aperture = true,
	};
	vdom->viommu = viommu_get(viommu);
}

/**
 * viommu_domain_create() - Make a domain of the driver's own
 * @viommu: whose
 *
 * Context: Process.
 * Return: The domain, without an ID; NULL if memory is short.
 */
struct viommu_domain *viommu_domain_create(struct viommu *viommu)
{
	struct viommu_domain *vdom = viommu_domain_alloc();

	if (vdom)
		viommu_domain_finalise(vdom, viommu);
	return vdom;
}

/**
 * viommu_domain_destroy() - Free a domain
 * @vdom: a domain without endpoints; may be NULL
 *
 * Context: Process. Cannot fail.
 */
void viommu_domain_destroy(struct viommu_domain *vdom)
{
	struct viommu_mapping *mapping;

	if (!vdom)
		return;
	WARN_ON(vdom->nr_endpoints);

	while ((mapping = viommu_mapping_first(&vdom->mappings, 0))) {
		viommu_mapping_remove(&vdom->mappings, mapping);
		kmem_cache_free(viommu_mapping_cache, mapping);
	}
	if (vdom->viommu) {
		viommu_domain_drop_id(vdom);
		viommu_put(vdom->viommu);
	}
	kfree(vdom->regions.region);
	kfree(vdom);
}

/* The code of a domain must stay for as long as the core holds it. */
static struct iommu_domain *viommu_alloc_paging(struct device *dev)
{
	struct viommu_master *master = dev ? dev_iommu_priv_get(dev) : NULL;
	struct viommu_domain *vdom = viommu_domain_alloc();

	if (!vdom)
		return ERR_PTR(-ENOMEM);
	__module_get(THIS_MODULE);
	if (master)
		viommu_domain_finalise(vdom, master->viommu);
	return &vdom->domain;
}

static void viommu_domain_free(struct iommu_domain *domain)
{
	viommu_attach_evict(to_viommu_domain(domain));
	viommu_domain_destroy(to_viommu_domain(domain));
	module_put(THIS_MODULE);
}

/* ---- Mapping ---------------------------------------------------------------- */

/* Does the device know, or expect to know, of a mapping that ends at @last? */
static bool viommu_domain_told(const struct viommu_domain *vdom, u64 last)
{
	lockdep_assert_held(&vdom->lock);

	switch (vdom->state) {
	case VIOMMU_DOMAIN_LIVE:
		return true;
	case VIOMMU_DOMAIN_REPLAYING:
		return vdom->replay_begun && last <= vdom->replay_last;
	default:
		return false;
	}
}

/*
 * Lock a domain, with a slot in hand if the device may have to be told
 * something: NULL while the domain is DETACHED, -EIO for a broken queue.
 */
static struct viommu_slot *viommu_domain_lock(struct viommu_domain *vdom, unsigned long *flags)
	__acquires(&vdom->lock)
{
	for (;;) {
		struct viommu_slot *slot = NULL;

		spin_lock_irqsave(&vdom->lock, *flags);
		if (vdom->state == VIOMMU_DOMAIN_DETACHED)
			return NULL;
		slot = viommu_queue_get_slot(&vdom->viommu->requests);
		if (slot)
			return slot;
		spin_unlock_irqrestore(&vdom->lock, *flags);
		viommu_queue_make_room(&vdom->viommu->requests);
	}
}

/* A slot that has not been used goes back. */
static void viommu_domain_unlock(struct viommu_domain *vdom, struct viommu_slot *slot,
				 unsigned long flags)
	__releases(&vdom->lock)
{
	if (slot)
		viommu_queue_put_slot(&vdom->viommu->requests, slot);
	spin_unlock_irqrestore(&vdom->lock, flags);
}

static void viommu_post_map(struct viommu_domain *vdom, struct viommu_slot *slot,
			    struct viommu_mapping *mapping)
{
	lockdep_assert_held(&vdom->lock);

	if (!IS_ERR(slot))
		slot->len = viommu_build_map(&slot->req, vdom->id, mapping->iova, mapping->last,
					     mapping->paddr, mapping->flags);
	viommu_queue_post(&vdom->viommu->requests, slot, &vdom->flight, &mapping->result);
}

static u32 viommu_map_flags(const struct viommu_domain *vdom, int prot)
{
	u32 flags = 0;

	if (prot & IOMMU_READ)
		flags |= VIRTIO_IOMMU_MAP_F_READ;
	if (prot & IOMMU_WRITE)
		flags |= VIRTIO_IOMMU_MAP_F_WRITE;
	/* Without the feature, doorbells and BARs are mapped like memory */
	if ((prot & IOMMU_MMIO) && vdom->viommu && vdom->viommu->config.has_mmio)
		flags |= VIRTIO_IOMMU_MAP_F_MMIO;
	return flags;
}

static int viommu_domain_map(struct viommu_domain *vdom, u64 iova, u64 last, u64 paddr,
			     u32 map_flags, gfp_t gfp)
{
	struct viommu_mapping *mapping;
	struct viommu_slot *slot;
	unsigned long flags;
	int err;

	mapping = kmem_cache_alloc(viommu_mapping_cache, gfp);
	if (!mapping)
		return -ENOMEM;
	*mapping = (struct viommu_mapping) {
		.iova = iova, .last = last, .paddr = paddr, .flags = map_flags,
	};
	slot = viommu_domain_lock(vdom, &flags);
	err = viommu_mapping_insert(&vdom->mappings, mapping);
	if (!err && viommu_domain_told(vdom, last)) {
		viommu_post_map(vdom, slot, mapping);
		slot = NULL;
	}
	viommu_domain_unlock(vdom, slot, flags);

	if (err)
		kmem_cache_free(viommu_mapping_cache, mapping);
	return err;
}

static int viommu_map_pages(struct iommu_domain *domain, unsigned long iova, phys_addr_t paddr,
			    size_t pgsize, size_t pgcount, int prot, gfp_t gfp, size_t *mapped)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	u64 last;
	size_t size;
	int err;

	if (check_mul_overflow(pgsize, pgcount, &size) || !size ||
	    check_add_overflow((u64)iova, (u64)size - 1, &last))
		return -EINVAL;
	/* Virtio specification, "MAP request": stay inside input_range */
	if (domain->geometry.force_aperture &&
	    (iova < domain->geometry.aperture_start || last > domain->geometry.aperture_end))
		return -ERANGE;

	err = viommu_domain_map(vdom, iova, last, paddr, viommu_map_flags(vdom, prot), gfp);
	if (!err)
		*mapped = size;
	return err;
}

/* Look at a batch of mappings from *@iova on, and move *@iova past them; true if there are more. */
static bool viommu_map_result(struct viommu_domain *vdom, u64 *iova, u64 last, int *err)
{
	struct viommu_mapping *mapping;
	unsigned int left = VIOMMU_WALK_BATCH;
	unsigned long flags;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_first(&vdom->mappings, *iova);
	while (mapping && mapping->iova <= last && left-- && !*err) {
		*err = READ_ONCE(mapping->result);
		*iova = mapping->last + 1;
		mapping = viommu_mapping_next(mapping);
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
	return mapping && mapping->iova <= last && !*err;
}

/* First failure among the mappings of a range whose MAPs have all been answered. */
static int viommu_map_results(struct viommu_domain *vdom, u64 iova, u64 last)
{
	int err = 0;

	while (viommu_map_result(vdom, &iova, last, &err))
		;
	/* Another CPU's MAP in the range would be a broken promise of the caller's */
	return err == -EINPROGRESS ? -EBUSY : err;
}

static int viommu_iotlb_sync_map(struct iommu_domain *domain, unsigned long iova, size_t size)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	int err;

	if (!vdom->viommu)
		return 0;
	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
	err = viommu_map_results(vdom, iova, iova + size - 1);
	if (err)
		dev_err_ratelimited(vdom->viommu->dev,
				    "domain %u: MAP of 0x%lx, %zu bytes, failed: %pe\n",
				    vdom->id, iova, size, ERR_PTR(err));
	return err;
}

/* ---- Unmapping -------------------------------------------------------------- */

/*
 * Take out what begins at @iova, piece by piece as it was mapped. The core
 * cuts ranges up by alignment alone and may ask for less than was mapped
 * together; a mapping goes whole, and the core is told by how much that is
 * more than it asked for. Stops at a hole, inside a mapping that begins
 * earlier, at a mapping whose MAP is still in flight (@busy), and after a
 * batch: the core comes again for the rest.
 */
static u64 viommu_domain_remove(struct viommu_domain *vdom, u64 iova, u64 last, bool *busy)
{
	unsigned int left = VIOMMU_WALK_BATCH;
	struct viommu_mapping *mapping;
	unsigned long flags;
	u64 next = iova;

	*busy = false;
	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_first(&vdom->mappings, iova);
	while (mapping && mapping->iova == next && next <= last && left--) {
		struct viommu_mapping *gone = mapping;

		if (READ_ONCE(gone->result) == -EINPROGRESS) {
			*busy = true;
			break;
		}
		next = gone->last + 1;
		mapping = viommu_mapping_next(gone);
		viommu_mapping_remove(&vdom->mappings, gone);
		kmem_cache_free(viommu_mapping_cache, gone);
		if (!next)
			break;
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
	return next - iova;
}

/* Have the device forget a range whose mappings are out of the store already. */
static void viommu_send_unmap(struct viommu_domain *vdom, u64 iova, u64 last)
{
	struct viommu_slot *slot;
	unsigned long flags;

	slot = viommu_domain_lock(vdom, &flags);
	/* Of a dead device, queue.c has told the world */
	if (!IS_ERR_OR_NULL(slot)) {
		slot->len = viommu_build_unmap(&slot->req, vdom->id, iova, last);
		viommu_queue_post(&vdom->viommu->requests, slot, &vdom->flight, NULL);
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
}

/*
 * Strict: ranges that touch are collected in the gather and go out as one
 * request in iotlb_sync(). What lies between ranges that do not touch may
 * belong to somebody else, so these get requests of their own.
 */
static void viommu_gather(struct viommu_domain *vdom, struct iommu_iotlb_gather *gather,
			  u64 iova, size_t size)
{
	if (iommu_iotlb_gather_is_disjoint(gather, iova, size)) {
		viommu_send_unmap(vdom, gather->start, gather->end);
		gather->start = ULONG_MAX;
		gather->end = 0;
	}
	iommu_iotlb_gather_add_range(gather, iova, size);
}

static size_t viommu_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
				 size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	size_t size = pgsize * pgcount;
	u64 removed;
	bool busy;

	removed = viommu_domain_remove(vdom, iova, (u64)iova + size - 1, &busy);
	while (busy && !removed) {
		/* An undo: iotlb_sync_map() was never reached */
		viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
		removed = viommu_domain_remove(vdom, iova, (u64)iova + size - 1, &busy);
	}
	if (!removed || !vdom->viommu)
		return removed;

	if (iommu_iotlb_gather_queued(gather))
		viommu_send_unmap(vdom, iova, iova + removed - 1);
	else
		viommu_gather(vdom, gather, iova, removed);
	return removed;
}

/* Wait for all requests; an UNMAP that failed has no caller to be told of it. */
static void viommu_domain_sync(struct viommu_domain *vdom)
{
	struct viommu_queue *requests = &vdom->viommu->requests;
	unsigned int errors;
	int err;

	viommu_queue_wait(requests, &vdom->flight, false);
	errors = viommu_flight_unmap_errors(requests, &vdom->flight, &err);
	if (errors && !viommu_queue_broken(requests))
		dev_err_ratelimited(vdom->viommu->dev,
				    "domain %u: %u UNMAPs failed, the last with %pe: the device may still reach memory that is free\n",
				    vdom->id, errors, ERR_PTR(err));
}

static void viommu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);

	if (!vdom->viommu || gather->start > gather->end)
		return;
	viommu_send_unmap(vdom, gather->start, gather->end);
	viommu_domain_sync(vdom);
}

static void viommu_flush_iotlb_all(struct iommu_domain *domain)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);

	if (vdom->viommu)
		viommu_domain_sync(vdom);
}

static phys_addr_t viommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	struct viommu_mapping *mapping;
	phys_addr_t paddr = 0;
	unsigned long flags;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_find(&vdom->mappings, iova);
	if (mapping)
		paddr = mapping->paddr + (iova - mapping->iova);
	spin_unlock_irqrestore(&vdom->lock, flags);
	return paddr;
}

/* ---- Coming and going, for attach.c --------------------------------------- */

/**
 * viommu_domain_add_identity() - Map a range to itself
 * @vdom: a domain of the driver's own, DETACHED
 * @start: first address
 * @last: last address, inclusive
 *
 * Context: Process.
 * Return: 0, -EEXIST or -ENOMEM.
 */
int viommu_domain_add_identity(struct viommu_domain *vdom, u64 start, u64 last)
{
	return viommu_domain_map(vdom, start, last, start,
				 VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE, GFP_KERNEL);
}

/* Post the MAP of the next mapping that the replay has not reached; false at the end. */
static bool viommu_replay_one(struct viommu_domain *vdom)
{
	struct viommu_mapping *mapping = NULL;
	struct viommu_slot *slot;
	unsigned long flags;

	slot = viommu_domain_lock(vdom, &flags);
	if (!vdom->replay_begun)
		mapping = viommu_mapping_first(&vdom->mappings, 0);
	else if (vdom->replay_last != U64_MAX)
		mapping = viommu_mapping_first(&vdom->mappings, vdom->replay_last + 1);

	if (mapping) {
		viommu_post_map(vdom, slot, mapping);
		slot = NULL;
		vdom->replay_last = mapping->last;
		vdom->replay_begun = true;
	} else {
		vdom->state = VIOMMU_DOMAIN_LIVE;
	}
	viommu_domain_unlock(vdom, slot, flags);

	cond_resched();
	return mapping;
}

/**
 * viommu_domain_go_live() - Tell the device all mappings of a domain
 * @vdom: a domain whose first endpoint has just been attached
 *
 * On error, some mappings are on the device and some are not: the caller
 * detaches the endpoint, and they vanish.
 *
 * Context: Process, under viommu->lock; sleeps.
 * Return: 0, or why a MAP failed.
 */
int viommu_domain_go_live(struct viommu_domain *vdom)
{
	struct viommu_queue *requests = &vdom->viommu->requests;
	unsigned int errors;

	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	errors = READ_ONCE(vdom->flight.map_errors);
	vdom->replay_begun = false;
	vdom->state = VIOMMU_DOMAIN_REPLAYING;
	spin_unlock_irq(&vdom->lock);

	while (viommu_replay_one(vdom))
		;
	viommu_queue_wait(requests, &vdom->flight, true);

	if (viommu_queue_broken(requests))
		return -EIO;
	return READ_ONCE(vdom->flight.map_errors) == errors ? 0 : vdom->flight.map_error;
}

/**
 * viommu_domain_leaving() - The last endpoint is about to be detached, or was not
 * @vdom: the domain
 * @leaving: which of the two
 *
 * Context: Process, under viommu->lock.
 */
void viommu_domain_leaving(struct viommu_domain *vdom, bool leaving)
{
	viommu_flight_set_leaving(&vdom->viommu->requests, &vdom->flight, leaving);
}

/**
 * viommu_domain_gone() - The last endpoint has been detached
 * @vdom: a domain that was leaving
 *
 * Context: Process, under viommu->lock; sleeps. Cannot fail.
 */
void viommu_domain_gone(struct viommu_domain *vdom)
{
	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	vdom->state = VIOMMU_DOMAIN_DETACHED;
	spin_unlock_irq(&vdom->lock);

	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, true);
	viommu_domain_leaving(vdom, false);
}

/* ---- What the core calls ----------------------------------------------------- */

static int viommu_attach_dev(struct iommu_domain *domain, struct device *dev,
			     struct iommu_domain *old)
{
	return viommu_attach_master(dev_iommu_priv_get(dev), to_viommu_domain(domain));
}

VIOMMU_COMPAT_ATTACH(viommu_attach_dev);

VIOMMU_COMPAT_MAP(viommu_map_pages, viommu_iotlb_sync_map, viommu_unmap_pages)

static const struct iommu_domain_ops viommu_domain_ops = {
	.attach_dev		= viommu_compat_attach(viommu_attach_dev),
	VIOMMU_COMPAT_MAP_OPS(viommu_map_pages, viommu_iotlb_sync_map)
	.unmap_pages		= viommu_unmap_pages,
	.flush_iotlb_all	= viommu_flush_iotlb_all,
	.iotlb_sync		= viommu_iotlb_sync,
	.iova_to_phys		= viommu_iova_to_phys,
	.free			= viommu_domain_free,
};

static int viommu_identity_attach_dev(struct iommu_domain *domain, struct device *dev,
				      struct iommu_domain *old)
{
	return viommu_attach_identity(dev_iommu_priv_get(dev));
}

VIOMMU_COMPAT_ATTACH(viommu_identity_attach_dev);

static const struct iommu_domain_ops viommu_identity_ops = {
	.attach_dev		= viommu_compat_attach(viommu_identity_attach_dev),
	.free			= viommu_compat_static_free,
};

/* For the core, one for all IOMMUs; what stands behind it is attach.c's choice */
static struct iommu_domain viommu_identity_domain = {
	.type			= IOMMU_DOMAIN_IDENTITY,
	.ops			= &viommu_identity_ops,
};

static int viommu_blocked_attach_dev(struct iommu_domain *domain, struct device *dev,
				     struct iommu_domain *old)
{
	return viommu_attach_blocked(dev_iommu_priv_get(dev));
}

VIOMMU_COMPAT_ATTACH(viommu_blocked_attach_dev);

static const struct iommu_domain_ops viommu_blocked_ops = {
	.attach_dev		= viommu_compat_attach(viommu_blocked_attach_dev),
	.free			= viommu_compat_static_free,
};

static struct iommu_domain viommu_blocked_domain = {
	.type			= IOMMU_DOMAIN_BLOCKED,
	.ops			= &viommu_blocked_ops,
};

static bool viommu_capable(struct device *dev, enum iommu_cap cap)
{
	switch ((int)cap) {
	case IOMMU_CAP_CACHE_COHERENCY:
		/* Translation does not change what the device's path does */
		return dev_is_dma_coherent(dev);
	case VIOMMU_CAP_DEFERRED_FLUSH:
		return true;
	default:
		return false;
	}
}

VIOMMU_COMPAT_OF_XLATE(viommu_of_xlate);
VIOMMU_COMPAT_ALLOC(viommu_alloc_paging, viommu_identity_domain, viommu_blocked_domain)

const struct iommu_ops viommu_ops = {
	.capable		= viommu_capable,
	VIOMMU_COMPAT_ALLOC_OPS(viommu_alloc_paging, viommu_identity_domain,
				viommu_blocked_domain)
	.probe_device		= viommu_probe_device,
	.probe_finalize		= viommu_compat_probe_finalize,
	.release_device		= viommu_release_device,
	.device_group		= viommu_device_group,
	.def_domain_type	= viommu_def_domain_type,
	.get_resv_regions	= viommu_get_resv_regions,
	.of_xlate		= viommu_compat_of_xlate(viommu_of_xlate),
	.default_domain_ops	= &viommu_domain_ops,
	.owner			= THIS_MODULE,
};
