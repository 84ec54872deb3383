/* SPDX-License-Identifier: GPL-2.0 */
/* The mappings of one domain: IOVA ranges and what lies behind them. */
#ifndef _VIOMMU_MAPPING_H
#define _VIOMMU_MAPPING_H

#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * struct viommu_mapping - what one MAP request creates
 * @node: place in the store
 * @iova: first IOVA
 * @last: last IOVA, inclusive
 * @paddr: physical address behind @iova
 * @flags: VIRTIO_IOMMU_MAP_F_*
 * @result: of its MAP: 0, a negative errno, or -EINPROGRESS while the device
 *	    has the request; a mapping the device was never told of has 0
 */
struct viommu_mapping {
	struct rb_node node;
	u64 iova;
	u64 last;
	u64 paddr;
	u32 flags;
	int result;
};

/**
 * struct viommu_mappings - a store of mappings that do not overlap
 * @root: ordered by IOVA
 */
struct viommu_mappings {
	struct rb_root root;
};

int viommu_mapping_insert(struct viommu_mappings *store, struct viommu_mapping *mapping);
void viommu_mapping_remove(struct viommu_mappings *store, struct viommu_mapping *mapping);
struct viommu_mapping *viommu_mapping_first(const struct viommu_mappings *store, u64 iova);
struct viommu_mapping *viommu_mapping_next(const struct viommu_mapping *mapping);
struct viommu_mapping *viommu_mapping_find(const struct viommu_mappings *store, u64 iova);

#endif /* _VIOMMU_MAPPING_H */
