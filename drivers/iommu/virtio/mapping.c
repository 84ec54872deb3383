// SPDX-License-Identifier: GPL-2.0
/*
 * The mapping store: from IOVA to physical address.
 *
 * Owns the order of a domain's mappings and nothing else: no locks, no
 * memory, no knowledge of the device. Invariants: mappings never overlap,
 * each has iova <= last, and each goes in as one piece and out as one piece,
 * as the device has it. The last page of the address space is an address like
 * any other, hence inclusive ends. The domain's lock serialises all callers.
 */
#include <linux/errno.h>
#include <linux/stddef.h>

#include "mapping.h"

/**
 * viommu_mapping_insert() - Add a mapping
 * @store: where
 * @mapping: iova, last and the rest filled in; iova <= last
 *
 * Context: The caller's lock. Does not allocate.
 * Return: 0, or -EEXIST if any of its addresses is mapped already.
 */
int viommu_mapping_insert(struct viommu_mappings *store, struct viommu_mapping *mapping)
{
	struct rb_node **link = &store->root.rb_node;
	struct rb_node *parent = NULL;

	while (*link) {
		struct viommu_mapping *here = rb_entry(*link, struct viommu_mapping, node);

		parent = *link;
		if (mapping->last < here->iova)
			link = &parent->rb_left;
		else if (mapping->iova > here->last)
			link = &parent->rb_right;
		else
			return -EEXIST;
	}
	rb_link_node(&mapping->node, parent, link);
	rb_insert_color(&mapping->node, &store->root);
	return 0;
}

/**
 * viommu_mapping_remove() - Take a mapping out
 * @store: where it is
 * @mapping: which; the caller frees it
 *
 * Context: The caller's lock. Cannot fail.
 */
void viommu_mapping_remove(struct viommu_mappings *store, struct viommu_mapping *mapping)
{
	rb_erase(&mapping->node, &store->root);
}

/**
 * viommu_mapping_first() - Find where a walk begins
 * @store: where to look
 * @iova: any address
 *
 * Context: The caller's lock.
 * Return: The first mapping that does not end below @iova; NULL if none.
 */
struct viommu_mapping *viommu_mapping_first(const struct viommu_mappings *store, u64 iova)
{
	struct rb_node *node = store->root.rb_node;
	struct viommu_mapping *best = NULL;

	while (node) {
		struct viommu_mapping *here = rb_entry(node, struct viommu_mapping, node);

		if (here->last < iova) {
			node = node->rb_right;
		} else {
			best = here;
			node = node->rb_left;
		}
	}
	return best;
}

/**
 * viommu_mapping_next() - Go on with a walk
 * @mapping: where the walk is
 *
 * Context: The caller's lock.
 * Return: The mapping with the next higher IOVA; NULL after the last.
 */
struct viommu_mapping *viommu_mapping_next(const struct viommu_mapping *mapping)
{
	struct rb_node *node = rb_next(&mapping->node);

	return node ? rb_entry(node, struct viommu_mapping, node) : NULL;
}

/**
 * viommu_mapping_find() - Look an address up
 * @store: where to look
 * @iova: any address
 *
 * Context: The caller's lock.
 * Return: The mapping that holds @iova; NULL if it is not mapped.
 */
struct viommu_mapping *viommu_mapping_find(const struct viommu_mappings *store, u64 iova)
{
	struct viommu_mapping *mapping = viommu_mapping_first(store, iova);

	return mapping && mapping->iova <= iova ? mapping : NULL;
}
