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

/* How often an UNMAP is sent again while its domain may be about to vanish. */
#define VIOMMU_ASK_AGAIN	1000

/* ---- Memory that the device may still reach ---------------------------------- */

/* Give back a reference to each folio from page frame @pfn up to, not including, @end. */
static void viommu_release_pages(unsigned long pfn, unsigned long end)
{
	struct folio *folio;

	while (pfn < end) {
		folio = page_folio(pfn_to_page(pfn));
		pfn = folio_pfn(folio) + folio_nr_pages(folio);
		folio_put(folio);
	}
}

static unsigned long viommu_first_pfn(const struct viommu_mapping *mapping)
{
	return PFN_DOWN(mapping->paddr);
}

static unsigned long viommu_end_pfn(const struct viommu_mapping *mapping)
{
	return PFN_DOWN(mapping->paddr + (mapping->last - mapping->iova)) + 1;
}

/* A folio that has one may be freed only with the last reference; slab objects have none. */
static struct folio *viommu_hold_folio(unsigned long pfn)
{
	struct folio *folio;

	if (!pfn_valid(pfn))
		return NULL;
	folio = page_folio(pfn_to_page(pfn));
	return !folio_test_slab(folio) && folio_try_get(folio) ? folio : NULL;
}

/* All of a mapping's memory or nothing. */
static bool viommu_hold_pages(const struct viommu_mapping *mapping)
{
	const unsigned long first = viommu_first_pfn(mapping), end = viommu_end_pfn(mapping);
	unsigned long pfn = first;
	struct folio *folio;

	if (mapping->flags & VIRTIO_IOMMU_MAP_F_MMIO)
		return false;
	while (pfn < end) {
		folio = viommu_hold_folio(pfn);
		if (!folio) {
			viommu_release_pages(first, pfn);
			return false;
		}
		pfn = folio_pfn(folio) + folio_nr_pages(folio);
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
		viommu_release_pages(viommu_first_pfn(mapping), viommu_end_pfn(mapping));
	vdom->nr_unconfirmed--;
	viommu_mapping_drop(vdom, mapping);
}

/* Failures in a batch, to be told of when no lock is held: a console may do DMA. */
struct viommu_failures {
	unsigned int nr;
	unsigned int nr_held;
	u64 iova;
	int err;
};

/* While the domain may be about to vanish, that is no news: see viommu_unmap_stays(). */
static void viommu_note_failure(struct viommu_failures *failures, const struct viommu_domain *vdom,
				const struct viommu_mapping *mapping, int err)
{
	lockdep_assert_held(&vdom->lock);

	if (vdom->state == VIOMMU_DOMAIN_LEAVING)
		return;
	if (!failures->nr++)
		failures->iova = mapping->iova;
	failures->nr_held += mapping->held;
	failures->err = err;
}

static void viommu_say_failures(struct viommu_domain *vdom, const struct viommu_failures *failures)
{
	if (failures->nr)
		dev_err_ratelimited(vdom->viommu->dev,
				    "domain %u: UNMAP of %u mappings from 0x%llx on is not confirmed (%pe): the device may still reach them; the memory of %u is held back\n",
				    vdom->id, failures->nr, failures->iova,
				    ERR_PTR(failures->err), failures->nr_held);
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

/*
 * Whether a mapping is gone from the device, whose answer to UNMAP was @err. A
 * refusal does not matter of a domain that is gone, which the device may say
 * before its endpoint's attach does.
 */
static bool viommu_is_gone(const struct viommu_domain *vdom, const struct viommu_mapping *mapping,
			   int err)
{
	if (!err || !viommu_domain_told(vdom, mapping))
		return true;
	return vdom->state == VIOMMU_DOMAIN_LEAVING && err == -ENOENT;
}

static void viommu_reap_one(struct viommu_domain *vdom, struct viommu_mapping *gone, int err,
			    struct viommu_failures *failures)
{
	if (viommu_is_gone(vdom, gone, err)) {
		viommu_mapping_drop(vdom, gone);
		return;
	}
	viommu_unconfirmed(vdom, gone, err);
	gone->held = viommu_hold_pages(gone);
	viommu_note_failure(failures, vdom, gone, err);
}

/* Dispose of what leaves from *@iova on, and move *@iova past it; true if there is more. */
static bool viommu_reap_batch(struct viommu_domain *vdom, u64 *iova, u64 last, int err)
{
	unsigned int left = VIOMMU_WALK_BATCH;
	struct viommu_failures failures = {};
	struct viommu_mapping *mapping;
	unsigned long flags;
	bool more;

	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_mapping_first(&vdom->mappings, *iova);
	while (mapping && mapping->iova <= last && left--) {
		struct viommu_mapping *gone = mapping;

		*iova = gone->last + 1;
		mapping = viommu_mapping_next(gone);
		if (gone->state == VIOMMU_LEAVING)
			viommu_reap_one(vdom, gone, err, &failures);
	}
	more = mapping && mapping->iova <= last;
	spin_unlock_irqrestore(&vdom->lock, flags);
	viommu_say_failures(vdom, &failures);
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
	struct viommu_failures failures = {};
	unsigned long flags;

	spin_lock_irqsave(&vdom->lock, flags);
	while (left-- && (mapping = viommu_next_answered(vdom))) {
		int err = READ_ONCE(mapping->result);

		if (viommu_is_gone(vdom, mapping, err)) {
			viommu_mapping_drop(vdom, mapping);
			continue;
		}
		viommu_unconfirmed(vdom, mapping, err);
		viommu_note_failure(&failures, vdom, mapping, err);
	}
	spin_unlock_irqrestore(&vdom->lock, flags);
	viommu_say_failures(vdom, &failures);
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

static struct viommu_mapping *
viommu_find_unconfirmed(struct viommu_domain *vdom, u64 iova, u64 last)
{
	struct viommu_mapping *mapping = NULL;

	lockdep_assert_held(&vdom->lock);

	if (vdom->nr_unconfirmed)
		mapping = viommu_mapping_first(&vdom->mappings, iova);
	while (mapping && mapping->iova <= last && mapping->state != VIOMMU_UNCONFIRMED)
		mapping = viommu_mapping_next(mapping);
	return mapping && mapping->iova <= last ? mapping : NULL;
}

/* Send the UNMAP of the first in a range again, unless somebody has; false without one. */
static bool viommu_ask_again(struct viommu_domain *vdom, u64 iova, u64 last, u64 *start)
{
	struct viommu_mapping *mapping;
	struct viommu_slot *slot;
	unsigned long flags;

	slot = viommu_domain_lock(vdom, &flags);
	mapping = viommu_find_unconfirmed(vdom, iova, last);
	if (mapping)
		*start = mapping->iova;
	if (mapping && READ_ONCE(mapping->result) != -EINPROGRESS) {
		viommu_post_unmap(vdom, slot, mapping->iova, mapping->last, &mapping->result);
		slot = NULL;
	}
	viommu_domain_unlock(vdom, slot, flags);
	return mapping;
}

/* What has come of it: 0 if nothing is in the way at @start any more. */
static int viommu_hear_again(struct viommu_domain *vdom, u64 start)
{
	struct viommu_mapping *mapping;
	unsigned long flags;
	int err = 0;

	viommu_queue_wait(&vdom->viommu->requests, &vdom->flight, false);
	spin_lock_irqsave(&vdom->lock, flags);
	mapping = viommu_find_unconfirmed(vdom, start, start);
	if (mapping)
		err = READ_ONCE(mapping->result);
	if (mapping && err != -EINPROGRESS && viommu_is_gone(vdom, mapping, err)) {
		viommu_settled(vdom, mapping, true);
		err = 0;
	}
	if (err && vdom->state == VIOMMU_DOMAIN_LEAVING)
		err = -EAGAIN;
	spin_unlock_irqrestore(&vdom->lock, flags);
	return err;
}

/**
 * viommu_unmap_again() - Make another attempt at what was not confirmed
 * @vdom: the domain
 * @iova: first address that somebody wants
 * @last: the last one, inclusive
 *
 * Context: Any that may spin for a while.
 * Return: Whether nothing that is unconfirmed is in the way any more.
 */
bool viommu_unmap_again(struct viommu_domain *vdom, u64 iova, u64 last)
{
	unsigned int patience = VIOMMU_ASK_AGAIN;
	u64 start;
	int err;

	while (viommu_ask_again(vdom, iova, last, &start)) {
		err = viommu_hear_again(vdom, start);
		/* Asked again by somebody else; or its domain is about to go */
		if (!err || err == -EINPROGRESS || (err == -EAGAIN && patience--))
			continue;
		dev_err_ratelimited(vdom->viommu->dev,
				    "domain %u: 0x%llx cannot be mapped: the device has not confirmed to have unmapped it (%pe)\n",
				    vdom->id, start, ERR_PTR(err));
		return false;
	}
	return true;
}

/**
 * viommu_unmap_stays() - Say what has been held back of: its domain stays
 * @vdom: a domain that was leaving
 *
 * Context: Process, under viommu->lock.
 */
void viommu_unmap_stays(struct viommu_domain *vdom)
{
	unsigned int nr;

	lockdep_assert_held(&vdom->viommu->lock);

	spin_lock_irq(&vdom->lock);
	nr = vdom->nr_unconfirmed;
	spin_unlock_irq(&vdom->lock);
	if (nr)
		dev_err(vdom->viommu->dev,
			"domain %u: %u mappings were not confirmed to be unmapped\n",
			vdom->id, nr);
}

/**
 * viommu_unmap_gone() - Forget what leaves: the device has forgotten the domain
 * @vdom: a domain that is DETACHED or DEAD, without requests in flight
 * @forgotten: it has for certain; else held memory stays held
 *
 * Context: Process, under viommu->lock.
 */
void viommu_unmap_gone(struct viommu_domain *vdom, bool forgotten)
{
	struct viommu_mapping *mapping;
	bool more = true;

	lockdep_assert_held(&vdom->viommu->lock);

	while (viommu_flush_batch(vdom))
		;
	while (more) {
		spin_lock_irq(&vdom->lock);
		mapping = viommu_find_unconfirmed(vdom, 0, U64_MAX);
		if (mapping)
			viommu_settled(vdom, mapping, forgotten);
		more = mapping;
		spin_unlock_irq(&vdom->lock);
	}
}
