/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The topology that a device may have in its own config space.
 *
 * Depends on types alone, so that builtin.c is tested in user space.
 */
#ifndef _VIOMMU_BUILTIN_H
#define _VIOMMU_BUILTIN_H

#include <linux/types.h>

#include "../../acpi/viot_index.h"

/* As far as the 16-bit offset of the nodes reaches; no more is looked at. */
#define VIOMMU_BUILTIN_MAX_CONFIG	65536

/* All that viommu_builtin_find() reads of it. */
#define VIOMMU_BUILTIN_HEAD		40

/**
 * enum viommu_builtin - which kind of built-in topology a device has
 * @VIOMMU_BUILTIN_NONE: none; feature bit 6 is BYPASS_CONFIG
 * @VIOMMU_BUILTIN_EXTENSION: feature bit 8; bit 6 is BYPASS_CONFIG
 * @VIOMMU_BUILTIN_DRAFT: as in the drafts of 2020 and 2021; feature bit 6 means
 *	just that, there is no BYPASS_CONFIG, and no byte @bypass
 */
enum viommu_builtin {
	VIOMMU_BUILTIN_NONE,
	VIOMMU_BUILTIN_EXTENSION,
	VIOMMU_BUILTIN_DRAFT,
};

enum viommu_builtin viommu_builtin_find(const void *config, size_t len, u64 features);
size_t viommu_builtin_size(enum viommu_builtin kind, const void *config, size_t len);
int viommu_builtin_parse(enum viommu_builtin kind, const void *config, size_t len,
			 const struct viot_iommu *self, struct viot_table *t,
			 size_t size, const struct viot_sink *sink);

#endif /* _VIOMMU_BUILTIN_H */
