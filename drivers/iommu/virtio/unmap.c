// SPDX-License-Identifier: GPL-2.0
/*
 * Mappings that go: unmapping, until the device has confirmed it.
 *
 * A mapping that the device knows of stays in its domain's store, LEAVING,
 * until the answer to its UNMAP is there, so that its addresses cannot be
 * mapped again before. Strict unmaps find what they took by its addresses,
 * which nobody else has until the caller is done; they wait in iotlb_sync().
 * Lazy ones leave one mapping for each UNMAP on the domain's list, of which
 * flush_iotlb_all() disposes.
 *
 * What the device does not confirm is UNCONFIRMED: the device may go on using
 * it. Its addresses stay taken. Whoever wants them has the UNMAP sent again,
 * and gets an error if it fails again. Memory that was unmapped strictly is
 * held, as far as it has a reference count, until the device has confirmed,
 * or forgotten the domain. Lazily unmapped memory belongs to somebody else by
 * the time the answer comes: that is the bargain of lazy mode.
 */
#include <linux/mm.h>
#include <linux/pfn.h>

#include "viommu.h"

/* ---- Memory that the device may still reach ---------------------------------- */

static unsigned long viommu_mapping_pages(const struct viommu_mapping *mapping)
{
	return PFN_DOWN(mapping->paddr + (mapping->last - mapping->iova)) -
	       PFN_DOWN(mapping->paddr) + 1;
}

static void viommu_release_pages(unsigned long pfn, unsigned long nr)
{
	while (nr--)
		folio_put(page_folio(pfn_to_page(pfn++)));
}

/* All of a mapping's memory or nothing; slab objects, for one, cannot be held. */
static bool viommu_hold_pages(const struct viommu_mapping *mapping)
{
	unsigned long pfn = PFN_DOWN(mapping->paddr);
	unsigned long nr = viommu_mapping_pages(mapping);
	unsigned long i;

	if (mapping->flags & VIRTIO_IOMMU_MAP_F_MMIO)
		return false;
	for (i = 0; i < nr; i++) {
		if (pfn_valid(pfn + i) && folio_try_get(page_folio(pfn_to_page(pfn + i))))
			continue;
		viommu_release_pages(pfn, i);
		return false;
	}
	return true;
}

static void viommu_unconfirmed(struct viommu_domain *vdom, struct viommu_mapping *mapping,
			       int err)
{
	lockdep_assert_held(&vdom->lock);

	mapping->state = VIOMMU_UNCONFIRMED;
	mapping->result = err;
	vdom->nr_unconfirmed++;
}

/* The device has confirmed after all, or forgotten; or else memory stays held for ever. */
static void viommu_settled(struct viommu_domain *vdom, struct viommu_mapping *mapping,
			   bool release)
{
	lockdep_assert_held(&vdom->lock);

	if (mapping->held && release)
		viommu_release_pages(PFN_DOWN(mapping->paddr), viommu_mapping_pages(mapping));
	vdom->nr_unconfirmed--;
	viommu_mapping_drop(vdom, mapping);
}

static void viommu_say_unconfirmed(struct viommu_domain *vdom, u64 iova, u64 last, int err,
				   bool held)
{
	dev_err_ratelimited(vdom->viommu->dev,
			    "domain %u: UNMAP of 0x%llx - 0x%llx is not confirmed (%pe): %s\n",
			    vdom->id, iova, last, ERR_PTR(err),
			    held ? "its memory is held back" :
				   "the device may still reach memory that is free");
}

/* ---- UNMAP ---------------------------------------------------------------------- */

/* Post an UNMAP; where nothing has to be said, the outcome is there at once. */
static void viommu_post_unmap(struct viommu_domain *vdom, struct viommu_slot *slot, u64 iova,
			      u64 last, int *result)
{
	lockdep_assert_held(&vdom->lock);

	if (!slot) {
		*result = 0;
		return;
	}
	if (!IS_ERR(slot))
		slot->len = viommu_build_unmap(&slot->req, vdom->id, iova, last);
	viommu_queue_post(&vdom->viommu->requests, slot, &vdom->flight, result);
}

/* Send an UNMAP and wait for its answer, and for all others of the domain's. */
static int viommu_run_unmap(struct viommu_domain *vdom, u64 iova, u64 last)
{
	struct viommu_slot *slot;
	unsigned long flags;
	int result;

	slot = viommu_domain_lock(vdom, &flags);
	viommu_post_unmap(vdom, slot, iova, last, &result);
	viommu_domain_unlock(vdom, NULL, flags);
	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
	return READ_ONCE(result);
}

/* ---- Taking mappings out ----------------------------------------------------------- */

/* One that the device was never told of goes at once. */
static void viommu_leave(struct viommu_domain *vdom, struct viommu_mapping *mapping)
{
	if (viommu_domain_told(vdom, mapping))
		mapping->state = VIOMMU_LEAVING;
	else
		viommu_mapping_drop(vdom, mapping);
}

/*
 * Mark what begins at @iova, piece by piece as it was mapped. The core cuts
 * ranges up by alignment alone and may ask for less than was mapped together;
 * a mapping goes whole, and the core is told by how much that is more than it
 * asked for. Stops at a hole, inside a mapping that begins earlier, at a
 * mapping whose MAP is still in flight (@busy), and after a batch: the core
 * comes again for the rest.
 */
static u64 viommu_domain_mark(struct viommu_domain *vdom, u64 iova, u64 last, bool *busy)
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

		*busy = READ_ONCE(gone->result) == -EINPROGRESS;
		if (*busy || gone->state != VIOMMU_MAPPED)
			break;
		next = gone->last + 1;
		mapping = viommu_mapping_next(gone);
		viommu_leave(vdom, gone);
		if (!next)
			break;
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
	return next - iova;
}

/* ---- Strict ---------------------------------------------------------------------------- */

/* Dispose of what leaves from *@iova on, and move *@iova past it; true if there is more. */
static bool viommu_reap_batch(struct viommu_domain *vdom, u64 *iova, u64 last, int err)
{
	unsigned int left = VIOMMU_WALK_BATCH;
	struct viommu_mapping *mapping;
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_first(&vdom->mappings, *iova);
	while (mapping && mapping->iova <= last && left--) {
		struct viommu_mapping *gone = mapping;

		*iova = gone->last + 1;
		mapping = viommu_mapping_next(gone);
		if (gone->state != VIOMMU_LEAVING)
			continue;
		if (!err) {
			viommu_mapping_drop(vdom, gone);
			continue;
		}
		viommu_unconfirmed(vdom, gone, err);
		gone->held = viommu_hold_pages(gone);
		viommu_say_unconfirmed(vdom, gone->iova, gone->last, err, gone->held);
	}
	more = mapping && mapping->iova <= last;
	spin_unlock_irqrestore(&vdom->lock, flags);
	return more;
}

/* Have the device forget a range of which all that is mapped leaves. */
static void viommu_unmap_range(struct viommu_domain *vdom, u64 iova, u64 last)
{
	int err = viommu_run_unmap(vdom, iova, last);

	while (viommu_reap_batch(vdom, &iova, last, err))
		;
}

/*
 * Ranges that touch are collected in the gather and go out as one request in
 * iotlb_sync(). What lies between ranges that do not touch may belong to
 * somebody else, so these get requests of their own.
 */
static void viommu_gather(struct viommu_domain *vdom, struct iommu_iotlb_gather *gather,
			  u64 iova, size_t size)
{
	if (iommu_iotlb_gather_is_disjoint(gather, iova, size)) {
		viommu_unmap_range(vdom, gather->start, gather->end);
		gather->start = ULONG_MAX;
		gather->end = 0;
	}
	iommu_iotlb_gather_add_range(gather, iova, size);
}

/**
 * viommu_iotlb_sync() - Wait until what was unmapped strictly is unmapped
 * @domain: the domain
 * @gather: what viommu_unmap_pages() has collected
 *
 * Context: Any that may spin for a while. Cannot fail.
 */
void viommu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);

	if (vdom->viommu && gather->start <= gather->end)
		viommu_unmap_range(vdom, gather->start, gather->end);
}

/* ---- Lazy -------------------------------------------------------------------------------- */

/* Make one mapping of those that leave in a range; NULL if there are none. */
static struct viommu_mapping *viommu_merge(struct viommu_domain *vdom, u64 iova, u64 last)
{
	struct viommu_mapping *mapping, *first = NULL;

	lockdep_assert_held(&vdom->lock);

	mapping = viommu_mapping_first(&vdom->mappings, iova);
	while (mapping && mapping->iova <= last) {
		struct viommu_mapping *here = mapping;

		mapping = viommu_mapping_next(here);
		if (first)
			viommu_mapping_drop(vdom, here);
		else
			first = here;
	}
	if (first)
		first->last = last;
	return first;
}

/* The range is no longer than a batch of mappings, all of which leave. */
static void viommu_defer(struct viommu_domain *vdom, u64 iova, u64 last)
{
	struct viommu_mapping *mapping;
	struct viommu_slot *slot;
	unsigned long flags;

	slot = viommu_domain_lock(vdom, &flags);
	mapping = viommu_merge(vdom, iova, last);
	if (mapping) {
		viommu_post_unmap(vdom, slot, iova, last, &mapping->result);
		list_add_tail(&mapping->link, &vdom->leaving);
		slot = NULL;
	}
	viommu_domain_unlock(vdom, slot, flags);
}

/* The oldest that has been answered is off the list, or NULL. */
static struct viommu_mapping *viommu_next_answered(struct viommu_domain *vdom)
{
	struct viommu_mapping *mapping =
		list_first_entry_or_null(&vdom->leaving, struct viommu_mapping, link);

	if (!mapping || READ_ONCE(mapping->result) == -EINPROGRESS)
		return NULL;
	list_del(&mapping->link);
	return mapping;
}

static bool viommu_flush_batch(struct viommu_domain *vdom)
{
	unsigned int left = VIOMMU_WALK_BATCH;
	struct viommu_mapping *mapping = NULL;
	unsigned long flags;

	spin_lock_irqsave(&vdom->lock, flags);
	while (left-- && (mapping = viommu_next_answered(vdom))) {
		int err = READ_ONCE(mapping->result);

		if (!err) {
			viommu_mapping_drop(vdom, mapping);
			continue;
		}
		viommu_unconfirmed(vdom, mapping, err);
		viommu_say_unconfirmed(vdom, mapping->iova, mapping->last, err, false);
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
	return mapping;
}

/**
 * viommu_flush_iotlb_all() - Wait until all that was unmapped is unmapped
 * @domain: the domain
 *
 * Context: Any that may spin for a while. Cannot fail.
 */
void viommu_flush_iotlb_all(struct iommu_domain *domain)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);

	if (!vdom->viommu)
		return;
	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
	while (viommu_flush_batch(vdom))
		;
}

/* ---- Both ------------------------------------------------------------------------------------ */

/**
 * viommu_unmap_pages() - Unmap
 * @domain: the domain
 * @iova: first address
 * @pgsize: size of a page
 * @pgcount: how many
 * @gather: the core's, for viommu_iotlb_sync(); or one that says that a flush
 *	    will come
 *
 * Context: Any that may spin for a while. Does not allocate.
 * Return: How many bytes from @iova on; it may be more than was asked for, and
 * less only at a hole or after a batch.
 */
size_t viommu_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
			  size_t pgcount, struct iommu_iotlb_gather *gather)
{
	struct viommu_domain *vdom = to_viommu_domain(domain);
	const u64 last = (u64)iova + pgsize * pgcount - 1;
	u64 removed;
	bool busy;

	removed = viommu_domain_mark(vdom, iova, last, &busy);
	while (busy && !removed) {
		/* An undo: iotlb_sync_map() was never reached */
		viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
		removed = viommu_domain_mark(vdom, iova, last, &busy);
	}
	if (!removed || !vdom->viommu)
		return removed;

	if (iommu_iotlb_gather_queued(gather))
		viommu_defer(vdom, iova, iova + removed - 1);
	else
		viommu_gather(vdom, gather, iova, removed);
	return removed;
}

/* ---- What was not confirmed ----------------------------------------------------------------- */

/* The first in a range; its addresses are copied, as only the lock keeps it there. */
static bool viommu_find_unconfirmed(struct viommu_domain *vdom, u64 iova, u64 last, u64 *start,
				    u64 *end)
{
	struct viommu_mapping *mapping;
	unsigned long flags;
	bool found;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = vdom->nr_unconfirmed ? viommu_mapping_first(&vdom->mappings, iova) : NULL;
	while (mapping && mapping->iova <= last && mapping->state != VIOMMU_UNCONFIRMED)
		mapping = viommu_mapping_next(mapping);
	found = mapping && mapping->iova <= last;
	if (found) {
		*start = mapping->iova;
		*end = mapping->last;
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
	return found;
}

static void viommu_settle_at(struct viommu_domain *vdom, u64 iova)
{
	struct viommu_mapping *mapping;
	unsigned long flags;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_find(&vdom->mappings, iova);
	if (mapping && mapping->state == VIOMMU_UNCONFIRMED)
		viommu_settled(vdom, mapping, true);
	spin_unlock_irqrestore(&vdom->lock, flags);
}

/**
 * viommu_unmap_again() - Make another attempt at what was not confirmed
 * @vdom: the domain
 * @iova: first address that somebody wants
 * @last: the last one, inclusive
 *
 * Context: Any that may spin for a while.
 * Return: Whether there was something in the way and now there is not.
 */
bool viommu_unmap_again(struct viommu_domain *vdom, u64 iova, u64 last)
{
	bool any = false;
	u64 start, end;
	int err;

	while (viommu_find_unconfirmed(vdom, iova, last, &start, &end)) {
		err = viommu_run_unmap(vdom, start, end);
		if (err) {
			viommu_say_unconfirmed(vdom, start, end, err, true);
			return false;
		}
		viommu_settle_at(vdom, start);
		any = true;
	}
	return any;
}

/**
 * viommu_unmap_gone() - Forget what leaves: the device has forgotten the domain
 * @vdom: a domain that is DETACHED, without requests in flight
 *
 * If there is a doubt about that, held memory stays held.
 *
 * Context: Process, under viommu->lock.
 */
void viommu_unmap_gone(struct viommu_domain *vdom)
{
	const bool release = !vdom->tainted && !viommu_queue_broken(&vdom->viommu->requests);
	struct viommu_mapping *mapping, *next;

	while (viommu_flush_batch(vdom))
		;
	spin_lock_irq(&vdom->lock);
	mapping = vdom->nr_unconfirmed ? viommu_mapping_first(&vdom->mappings, 0) : NULL;
	for (; mapping; mapping = next) {
		next = viommu_mapping_next(mapping);
		if (mapping->state == VIOMMU_UNCONFIRMED)
			viommu_settled(vdom, mapping, release);
	}
	spin_unlock_irq(&vdom->lock);
}
