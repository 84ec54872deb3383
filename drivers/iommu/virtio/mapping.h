/* SPDX-License-Identifier: GPL-2.0 */
/* The mappings of one domain: IOVA ranges and what lies behind them. */
#ifndef _VIOMMU_MAPPING_H
#define _VIOMMU_MAPPING_H

#include <linux/list.h>
#include <linux/rbtree.h>
#include <linux/types.h>

/**
 * enum viommu_mapping_state - what is to become of a mapping
 * @VIOMMU_MAPPED: it stays
 * @VIOMMU_LEAVING: it has been unmapped, which the device has yet to confirm
 * @VIOMMU_UNCONFIRMED: the device has not: its addresses are not used again
 */
enum viommu_mapping_state {
	VIOMMU_MAPPED,
	VIOMMU_LEAVING,
	VIOMMU_UNCONFIRMED,
};

/**
 * struct viommu_mapping - what one MAP request creates
 * @node: place in the store
 * @iova: first IOVA
 * @last: last IOVA, inclusive
 * @paddr: physical address behind @iova
 * @flags: VIRTIO_IOMMU_MAP_F_*
 * @state: what is to become of it
 * @held: its memory is kept from being used for something else
 * @told: when the device was told of it: equal to what its domain counts, if
 *	  the device knows of it or is about to
 * @result: of its MAP, or when it leaves, of its UNMAP: 0, a negative errno, or
 *	    -EINPROGRESS while the device has the request; a mapping the device
 *	    was never told of has 0
 * @link: on a list of the owner's, when it leaves
 */
struct viommu_mapping {
	struct rb_node node;
	u64 iova;
	u64 last;
	u64 paddr;
	u32 flags : 16;
	enum viommu_mapping_state state : 8;
	bool held : 1;
	u32 told;
	int result;
	struct list_head link;
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
