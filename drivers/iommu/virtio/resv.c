// SPDX-License-Identifier: GPL-2.0
/*
 * Reserved regions: keeps them sorted and merged, finds the room between them.
 *
 * A pure table over memory that the caller provides. Invariants: start <= last
 * in each; ascending by start, and a reserved one before an MSI one that starts
 * with it; two regions of one kind neither overlap nor touch. So the same
 * addresses make the same table, whoever was first. Regions of different kinds
 * may overlap, the IOMMU core copes. No locks: a table belongs to one device and
 * is complete before it is shared.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>

#include "resv.h"

/**
 * viommu_regions_check() - Say whether a region from the device is sane
 * @region: start <= last, as proto.c guarantees
 * @msi: bytes of MSI regions seen so far; counts this one
 *
 * Context: Any.
 * Return: 0, -EINVAL for the whole address space (it would leave nothing, and
 * its length is 0 in 64 bits), -E2BIG when the device's MSI regions take more
 * than VIOMMU_MAX_MSI_SIZE.
 */
int viommu_regions_check(const struct viommu_region *region, u64 *msi)
{
	u64 left = VIOMMU_MAX_MSI_SIZE - *msi;

	if (!region->start && region->last == U64_MAX)
		return -EINVAL;
	if (!region->msi)
		return 0;
	if (region->last - region->start >= left)
		return -E2BIG;
	*msi += region->last - region->start + 1;
	return 0;
}

static bool viommu_region_joins(const struct viommu_region *a, const struct viommu_region *b)
{
	if (a->msi != b->msi)
		return false;
	return a->start <= b->last ? b->start <= a->last || b->start - 1 == a->last
				   : a->start - 1 == b->last;
}

/* Two can start together if their kinds differ: one order all the same. */
static bool viommu_region_precedes(const struct viommu_region *a, const struct viommu_region *b)
{
	return a->start < b->start || (a->start == b->start && a->msi < b->msi);
}

static void viommu_regions_drop(struct viommu_regions *regions, unsigned int i)
{
	regions->nr--;
	memmove(&regions->region[i], &regions->region[i + 1],
		(regions->nr - i) * sizeof(*regions->region));
}

/**
 * viommu_regions_add() - Add a region, merging what it overlaps or touches
 * @regions: table with room for one more
 * @new: the region; start <= last
 *
 * Context: Any.
 * Return: 0, or -ENOSPC if the table is full.
 */
int viommu_regions_add(struct viommu_regions *regions, const struct viommu_region *new)
{
	struct viommu_region merged = *new;
	unsigned int i = 0;

	while (i < regions->nr) {
		const struct viommu_region *here = &regions->region[i];

		if (!viommu_region_joins(here, &merged)) {
			i++;
			continue;
		}
		if (here->start < merged.start)
			merged.start = here->start;
		if (here->last > merged.last)
			merged.last = here->last;
		/* Those passed over are apart from this one, so they stay apart */
		viommu_regions_drop(regions, i);
	}

	if (regions->nr == regions->max)
		return -ENOSPC;
	for (i = 0; i < regions->nr && viommu_region_precedes(&regions->region[i], &merged); i++)
		;
	memmove(&regions->region[i + 1], &regions->region[i],
		(regions->nr - i) * sizeof(*regions->region));
	regions->region[i] = merged;
	regions->nr++;
	return 0;
}

/**
 * viommu_regions_equal() - Compare two tables
 * @a: one
 * @b: the other
 *
 * Context: Any.
 * Return: Whether both hold the same regions.
 */
bool viommu_regions_equal(const struct viommu_regions *a, const struct viommu_regions *b)
{
	unsigned int i;

	if (a->nr != b->nr)
		return false;
	for (i = 0; i < a->nr; i++) {
		if (a->region[i].start != b->region[i].start ||
		    a->region[i].last != b->region[i].last ||
		    a->region[i].msi != b->region[i].msi)
			return false;
	}
	return true;
}

/**
 * viommu_regions_has_msi() - Say whether the device told where its doorbell is
 * @regions: table
 *
 * Context: Any.
 * Return: Whether there is an MSI region.
 */
bool viommu_regions_has_msi(const struct viommu_regions *regions)
{
	unsigned int i;

	for (i = 0; i < regions->nr; i++) {
		if (regions->region[i].msi)
			return true;
	}
	return false;
}

/**
 * viommu_regions_place_msi() - Find room for a software MSI window
 * @regions: what it must not touch
 * @first: lowest IOVA
 * @last: highest IOVA, inclusive
 * @base: where the window begins, a multiple of its size
 *
 * The conventional place is taken if it is free; else the first free one
 * above it.
 *
 * Context: Any.
 * Return: 0, or -ENOSPC if there is no room.
 */
int viommu_regions_place_msi(const struct viommu_regions *regions, u64 first, u64 last,
			     u64 *base)
{
	u64 start = VIOMMU_SW_MSI_BASE;
	unsigned int i;

	if (start < first) {
		if (first > U64_MAX - (VIOMMU_SW_MSI_SIZE - 1))
			return -ENOSPC;
		start = (first + VIOMMU_SW_MSI_SIZE - 1) & ~(VIOMMU_SW_MSI_SIZE - 1);
	}
	for (i = 0; i < regions->nr; i++) {
		const struct viommu_region *here = &regions->region[i];

		if (here->last < start || here->start > start + VIOMMU_SW_MSI_SIZE - 1)
			continue;
		if (here->last > U64_MAX - VIOMMU_SW_MSI_SIZE)
			return -ENOSPC;
		start = (here->last + VIOMMU_SW_MSI_SIZE) & ~(VIOMMU_SW_MSI_SIZE - 1);
	}
	if (start > last || last - start < VIOMMU_SW_MSI_SIZE - 1)
		return -ENOSPC;
	*base = start;
	return 0;
}

static int viommu_emit_hole(u64 start, u64 last, u64 granule, viommu_hole_fn fn, void *ctx)
{
	u64 mask = granule - 1;
	u64 up = (start + mask) & ~mask;

	/* Whole granules only; the end rounds down, and 2^64 - 1 is the end of one */
	if ((last & mask) != mask) {
		if (last < granule)
			return 0;
		last = (last & ~mask) - 1;
	}
	if (up < start || up > last)
		return 0;
	return fn(up, last, ctx);
}

/**
 * viommu_regions_walk_holes() - Visit what is not reserved
 * @regions: table
 * @first: lowest address to consider
 * @last: highest address to consider, inclusive
 * @granule: a power of two; holes consist of whole granules
 * @fn: called for each hole, by ascending address
 * @ctx: handed to @fn
 *
 * Context: Any that @fn allows.
 * Return: 0, or what @fn returned.
 */
int viommu_regions_walk_holes(const struct viommu_regions *regions, u64 first, u64 last,
			      u64 granule, viommu_hole_fn fn, void *ctx)
{
	u64 next = first;
	unsigned int i;
	int err;

	for (i = 0; i < regions->nr && next <= last; i++) {
		const struct viommu_region *here = &regions->region[i];

		if (here->start > last)
			break;
		if (here->start > next) {
			err = viommu_emit_hole(next, here->start - 1, granule, fn, ctx);
			if (err)
				return err;
		}
		if (here->last == U64_MAX)
			return 0;
		if (here->last >= next)
			next = here->last + 1;
	}
	return next <= last ? viommu_emit_hole(next, last, granule, fn, ctx) : 0;
}
