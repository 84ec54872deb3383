/* SPDX-License-Identifier: GPL-2.0 */
/* The addresses a device must not be given, merged over all of its endpoints. */
#ifndef _VIOMMU_RESV_H
#define _VIOMMU_RESV_H

#include <linux/types.h>

/*
 * The IOMMU core keeps one object for each page of MSI regions. Doorbells take
 * a page or two, x86's whole window takes 1 MiB. For all of a device's together.
 */
#define VIOMMU_MAX_MSI_SIZE	0x1000000ULL	/* 16 MiB */

/* Where the software MSI window of Arm systems lies by convention */
#define VIOMMU_SW_MSI_BASE	0x8000000ULL
#define VIOMMU_SW_MSI_SIZE	0x100000ULL

/**
 * struct viommu_region - a range of addresses
 * @start: first address
 * @last: last address, inclusive
 * @msi: an untranslated doorbell; else never to be mapped
 */
struct viommu_region {
	u64 start;
	u64 last;
	bool msi;
};

/**
 * struct viommu_regions - regions by ascending start; those of a kind are apart
 * @nr: how many there are
 * @max: how many there is room for
 * @region: the regions
 */
struct viommu_regions {
	unsigned int nr;
	unsigned int max;
	struct viommu_region *region;
};

/* Called for each hole between regions; a negative errno ends the walk. */
typedef int (*viommu_hole_fn)(u64 start, u64 last, void *ctx);

int viommu_regions_check(const struct viommu_region *region, u64 *msi);
int viommu_regions_add(struct viommu_regions *regions, const struct viommu_region *new);
bool viommu_regions_equal(const struct viommu_regions *a, const struct viommu_regions *b);
bool viommu_regions_has_msi(const struct viommu_regions *regions);
int viommu_regions_place_msi(const struct viommu_regions *regions, u64 first, u64 last,
			     u64 *base);
int viommu_regions_walk_holes(const struct viommu_regions *regions, u64 first, u64 last,
			      u64 granule, viommu_hole_fn fn, void *ctx);

#endif /* _VIOMMU_RESV_H */
