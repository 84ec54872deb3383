/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Requests, properties and faults, as the device sees them.
 *
 * Depends on types alone, so that proto.c is tested in user space.
 */
#ifndef _VIOMMU_PROTO_H
#define _VIOMMU_PROTO_H

#include <linux/types.h>

/* Relative: a kernel that ships a header of this name has it first in its path */
#include "../../../include/uapi/linux/virtio_iommu.h"

/* What a PROBE may carry; no known device needs more than 512 bytes. */
#define VIOMMU_MAX_PROBE_SIZE	65536

/* The device-readable part of a PROBE, the longest request there is. */
#define VIOMMU_PROBE_LEN	72

/**
 * union viommu_request - device-readable part of any request
 * @head: what all of them start with
 * @attach: ATTACH
 * @detach: DETACH
 * @map: MAP
 * @unmap: UNMAP
 * @probe: PROBE, without its properties
 *
 * The tails inside the structures are not used: what the device writes has
 * a buffer of its own.
 */
union viommu_request {
	struct virtio_iommu_req_head head;
	struct virtio_iommu_req_attach attach;
	struct virtio_iommu_req_detach detach;
	struct virtio_iommu_req_map map;
	struct virtio_iommu_req_unmap unmap;
	__u8 probe[VIOMMU_PROBE_LEN];
};

/**
 * struct viommu_resv_mem - a decoded RESV_MEM property
 * @start: first address
 * @last: last address, inclusive; never below @start
 * @msi: a doorbell that is not translated, rather than an address never to map
 */
struct viommu_resv_mem {
	u64 start;
	u64 last;
	bool msi;
};

/**
 * struct viommu_fault - a decoded fault event
 * @reason: VIRTIO_IOMMU_FAULT_R_*, unknown ones already read as UNKNOWN
 * @flags: defined VIRTIO_IOMMU_FAULT_F_* only
 * @endpoint: who did it
 * @address: where, if @flags has VIRTIO_IOMMU_FAULT_F_ADDRESS; else 0
 */
struct viommu_fault {
	u8 reason;
	u32 flags;
	u32 endpoint;
	u64 address;
};

/* Called for each RESV_MEM of a PROBE; a negative errno ends the walk. */
typedef int (*viommu_resv_mem_fn)(const struct viommu_resv_mem *mem, void *ctx);

size_t viommu_build_attach(union viommu_request *req, u32 domain, u32 endpoint, u32 flags);
size_t viommu_build_detach(union viommu_request *req, u32 domain, u32 endpoint);
size_t viommu_build_map(union viommu_request *req, u32 domain, u64 iova, u64 last,
			u64 paddr, u32 flags);
size_t viommu_build_unmap(union viommu_request *req, u32 domain, u64 iova, u64 last);
size_t viommu_build_probe(union viommu_request *req, u32 endpoint);

int viommu_status_to_errno(u8 status);

int viommu_walk_properties(const void *properties, size_t size,
			   viommu_resv_mem_fn fn, void *ctx);

int viommu_decode_fault(const void *event, size_t len, struct viommu_fault *fault);
const char *viommu_fault_reason(const struct viommu_fault *fault);

#endif /* _VIOMMU_PROTO_H */
