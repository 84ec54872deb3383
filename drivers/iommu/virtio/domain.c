// SPDX-License-Identifier: GPL-2.0
/*
 * Domains: maps and looks up, and keeps the device in step. Unmapping, which
 * follows the same rule, is in unmap.c.
 *
 * A domain's mappings are kept whether or not the device knows of them; each
 * says by itself whether it does. One rule ties that to the domain's state:
 *
 *   Under the domain's lock, the store and the state change together with the
 *   posting of requests. LIVE: whoever adds a mapping posts its MAP. Whoever
 *   removes one that the device was told of gets an UNMAP posted. LEAVING:
 *   only the latter. DETACHED: nothing is posted.
 *
 * A domain turns LIVE when its first endpoint has been attached; then a replay
 * tells of what the device was not told yet. It is LEAVING from before the
 * request that makes its last endpoint leave until the device has answered
 * that, and then DETACHED, or LIVE again, with a replay of what has come in
 * between. While LEAVING, requests may be refused, for the domain may be gone:
 * a MAP that was is told again if the domain stays, an UNMAP is unconfirmed
 * until it turns out that the domain is gone. All requests in flight are waited
 * for before a domain is taken for DETACHED, so that none is left when it comes
 * back. An unmap therefore never gives memory back while the device may still
 * use it, whichever way the race with a detach goes. A domain that the device
 * ought to have forgotten, and may not have, is DEAD for good: what it was told
 * of is never confirmed, and nothing is attached to it.
 *
 * Attaching and detaching are serialised by viommu->lock (attach.c); mapping
 * and unmapping happen in any context.
 */
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/slab.h>

#include "viommu.h"

static struct kmem_cache *viommu_mapping_cache;

static const struct iommu_domain_ops viommu_domain_ops;

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
	id = ida_alloc_max(&vdom->viommu->domain_ids, span, GFP_KERNEL);
	if (id < 0)
		return id;
	vdom->tainted = false;
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
	INIT_LIST_HEAD(&vdom->leaving);
	vdom->mappings.root = RB_ROOT;
	vdom->life = 1;
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

	while ((mapping = viommu_mapping_first(&vdom->mappings, 0)))
		viommu_mapping_drop(vdom, mapping);
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

/**
 * viommu_mapping_drop() - Take a mapping out of its domain and free it
 * @vdom: the domain
 * @mapping: which
 *
 * Context: Under the domain's lock, or when nobody else has the domain.
 */
void viommu_mapping_drop(struct viommu_domain *vdom, struct viommu_mapping *mapping)
{
	viommu_mapping_remove(&vdom->mappings, mapping);
	kmem_cache_free(viommu_mapping_cache, mapping);
}

/**
 * viommu_domain_told() - Say whether the device knows of a mapping, or is about to
 * @vdom: the domain
 * @mapping: one of its mappings
 *
 * Context: Under the domain's lock.
 * Return: Whether an UNMAP is needed to be rid of it.
 */
bool viommu_domain_told(const struct viommu_domain *vdom, const struct viommu_mapping *mapping)
{
	lockdep_assert_held(&vdom->lock);

	return vdom->state != VIOMMU_DOMAIN_DETACHED && mapping->told == vdom->life;
}

/**
 * viommu_domain_lock() - Lock a domain, with a slot in hand
 * @vdom: the domain
 * @flags: for viommu_domain_unlock()
 *
 * Context: As viommu_queue_make_room().
 * Return: A slot, if the device may have to be told something: NULL while the
 * domain is DETACHED, -EIO if it is DEAD, or for a broken queue.
 */
struct viommu_slot *viommu_domain_lock(struct viommu_domain *vdom, unsigned long *flags)
	__acquires(&vdom->lock)
{
	for (;;) {
		struct viommu_slot *slot = NULL;

		spin_lock_irqsave(&vdom->lock, *flags);
		if (vdom->state == VIOMMU_DOMAIN_DETACHED)
			return NULL;
		if (vdom->state == VIOMMU_DOMAIN_DEAD)
			return ERR_PTR(-EIO);
		slot = viommu_queue_get_slot(&vdom->viommu->requests);
		if (slot)
			return slot;
		spin_unlock_irqrestore(&vdom->lock, *flags);
		viommu_queue_make_room(&vdom->viommu->requests);
	}
}

/**
 * viommu_domain_unlock() - Unlock a domain
 * @vdom: the domain
 * @slot: a slot that has not been used, which goes back; NULL or an error else
 * @flags: from viommu_domain_lock()
 *
 * Context: Under the domain's lock.
 */
void viommu_domain_unlock(struct viommu_domain *vdom, struct viommu_slot *slot,
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

	mapping->told = vdom->life;
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

/* Takes the mapping if it returns 0. */
static int viommu_map_one(struct viommu_domain *vdom, struct viommu_mapping *mapping)
{
	struct viommu_slot *slot;
	unsigned long flags;
	int err;

	slot = viommu_domain_lock(vdom, &flags);
	err = vdom->lost ? -EIO : PTR_ERR_OR_ZERO(slot);
	err = err ?: viommu_mapping_insert(&vdom->mappings, mapping);
	if (!err && vdom->state == VIOMMU_DOMAIN_LIVE) {
		viommu_post_map(vdom, slot, mapping);
		slot = NULL;
	}
	viommu_domain_unlock(vdom, slot, flags);
	return err;
}

static int viommu_domain_map(struct viommu_domain *vdom, u64 iova, u64 last, u64 paddr,
			     u32 map_flags, gfp_t gfp)
{
	struct viommu_mapping *mapping;
	int err;

	mapping = kmem_cache_alloc(viommu_mapping_cache, gfp);
	if (!mapping)
		return -ENOMEM;
	*mapping = (struct viommu_mapping) {
		.iova = iova, .last = last, .paddr = paddr, .flags = map_flags,
	};
	err = viommu_map_one(vdom, mapping);
	if (err == -EEXIST && viommu_unmap_again(vdom, iova, last))
		err = viommu_map_one(vdom, mapping);
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
	bool more;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_first(&vdom->mappings, *iova);
	while (mapping && mapping->iova <= last && left-- && !*err) {
		if (mapping->state == VIOMMU_MAPPED)
			*err = READ_ONCE(mapping->result);
		if (*err == -EAGAIN)	/* as if there had been no domain */
			*err = 0;
		*iova = mapping->last + 1;
		mapping = viommu_mapping_next(mapping);
	}
	more = mapping && mapping->iova <= last && !*err;
	spin_unlock_irqrestore(&vdom->lock, flags);
	return more;
}

/* First failure among the mappings of a range. */
static int viommu_map_results(struct viommu_domain *vdom, u64 iova, u64 last)
{
	int err = 0;

	while (viommu_map_result(vdom, &iova, last, &err))
		;
	return err;
}

static int viommu_iotlb_sync_map(struct iommu_domain *domain, unsigned long iova, size_t size)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	int err;

	if (!vdom->viommu)
		return 0;
	do {	/* a replay may just have posted some of them */
		viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
		err = viommu_map_results(vdom, iova, iova + size - 1);
	} while (err == -EINPROGRESS);
	if (err)
		dev_err_ratelimited(vdom->viommu->dev,
				    "domain %u: MAP of 0x%lx, %zu bytes, failed: %pe\n",
				    vdom->id, iova, size, ERR_PTR(err));
	return err;
}

static phys_addr_t viommu_iova_to_phys(struct iommu_domain *domain, dma_addr_t iova)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	struct viommu_mapping *mapping;
	phys_addr_t paddr = 0;
	unsigned long flags;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_find(&vdom->mappings, iova);
	if (mapping && mapping->state == VIOMMU_MAPPED)
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

/* Is a replay to tell the device of it? */
static bool viommu_untold(const struct viommu_domain *vdom, const struct viommu_mapping *mapping)
{
	return mapping->state == VIOMMU_MAPPED &&
	       (!viommu_domain_told(vdom, mapping) || READ_ONCE(mapping->result) == -EAGAIN);
}

/* Post the next MAP that is missing, or pass over a batch of others; false at the end. */
static bool viommu_replay_step(struct viommu_domain *vdom, u64 *next)
{
	unsigned int left = VIOMMU_WALK_BATCH;
	struct viommu_mapping *mapping;
	struct viommu_slot *slot;
	unsigned long flags;

	slot = viommu_domain_lock(vdom, &flags);
	mapping = viommu_mapping_first(&vdom->mappings, *next);
	while (mapping && left-- && !viommu_untold(vdom, mapping)) {
		*next = mapping->last + 1;
		mapping = viommu_mapping_next(mapping);
	}
	if (mapping && viommu_untold(vdom, mapping)) {
		viommu_post_map(vdom, slot, mapping);
		slot = NULL;
		*next = mapping->last + 1;
	}
	viommu_domain_unlock(vdom, slot, flags);

	cond_resched();
	return mapping && *next;
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
	u64 next = 0;

	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	errors = READ_ONCE(vdom->flight.map_errors);
	vdom->state = VIOMMU_DOMAIN_LIVE;
	spin_unlock_irq(&vdom->lock);

	while (viommu_replay_step(vdom, &next))
		;
	viommu_queue_wait(requests, &vdom->flight, true);

	if (viommu_queue_broken(requests))
		return -EIO;
	return READ_ONCE(vdom->flight.map_errors) == errors ? 0 : vdom->flight.map_error;
}

/**
 * viommu_domain_is_dead() - Say whether a domain cannot be attached any more
 * @vdom: the domain
 *
 * Context: Process, under viommu->lock.
 * Return: Whether it is DEAD.
 */
bool viommu_domain_is_dead(const struct viommu_domain *vdom)
{
	/* It only changes under this lock */
	lockdep_assert_held(&vdom->viommu->lock);

	return READ_ONCE(vdom->state) == VIOMMU_DOMAIN_DEAD;
}

/**
 * viommu_domain_leaving() - The last endpoint is about to be detached
 * @vdom: the domain
 *
 * Context: Process, under viommu->lock.
 */
void viommu_domain_leaving(struct viommu_domain *vdom)
{
	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	vdom->state = VIOMMU_DOMAIN_LEAVING;
	spin_unlock_irq(&vdom->lock);
	viommu_flight_set_leaving(&vdom->viommu->requests, &vdom->flight, true);
}

/**
 * viommu_domain_stays() - The last endpoint was not detached
 * @vdom: a domain that was leaving
 *
 * Context: Process, under viommu->lock; sleeps.
 * Return: 0, or why a MAP failed of what came in the meantime.
 */
int viommu_domain_stays(struct viommu_domain *vdom)
{
	lockdep_assert_held(&vdom->viommu->lock);

	/* What was refused for leaving has been by now */
	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, true);
	viommu_flight_set_leaving(&vdom->viommu->requests, &vdom->flight, false);
	viommu_unmap_stays(vdom);
	return viommu_domain_go_live(vdom);
}

/**
 * viommu_domain_again() - The device has been made to forget all mappings
 * @vdom: a domain that was leaving, and stays
 *
 * Context: Process, under viommu->lock; sleeps.
 * Return: 0, or why a MAP failed.
 */
int viommu_domain_again(struct viommu_domain *vdom)
{
	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	vdom->life++;
	spin_unlock_irq(&vdom->lock);
	return viommu_domain_stays(vdom);
}

/**
 * viommu_domain_gone() - The last endpoint has been detached
 * @vdom: a domain that was leaving
 * @forgotten: the device is known to have forgotten its mappings, if it has any
 *
 * Context: Process, under viommu->lock; sleeps. Cannot fail.
 */
void viommu_domain_gone(struct viommu_domain *vdom, bool forgotten)
{
	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	forgotten |= !viommu_mapping_first(&vdom->mappings, 0);
	vdom->state = forgotten ? VIOMMU_DOMAIN_DETACHED : VIOMMU_DOMAIN_DEAD;
	vdom->life += forgotten;
	spin_unlock_irq(&vdom->lock);

	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, true);
	viommu_flight_set_leaving(&vdom->viommu->requests, &vdom->flight, false);
	viommu_unmap_gone(vdom, forgotten);
}

/**
 * viommu_domain_set_lost() - Say whether a domain's device is blocked instead
 * @vdom: a domain
 * @lost: whether it is; then all that is mapped fails
 *
 * Context: Process, under viommu->lock.
 */
void viommu_domain_set_lost(struct viommu_domain *vdom, bool lost)
{
	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	vdom->lost = lost;
	spin_unlock_irq(&vdom->lock);
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
