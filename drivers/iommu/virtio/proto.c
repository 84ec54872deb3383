// SPDX-License-Identifier: GPL-2.0
/*
 * The wire format: builds requests, reads statuses, properties and faults.
 *
 * Pure functions over bytes. Everything little-endian is converted here and
 * nowhere else, and everything the device wrote is distrusted here first: no
 * length is used before it has been compared with what is left of the buffer.
 * Any file of the driver may call in; this one calls nobody.
 */
#include <asm/byteorder.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/stddef.h>
#include <linux/string.h>

#include "proto.h"

static_assert(sizeof(struct virtio_iommu_config) == 40);
static_assert(sizeof(struct virtio_iommu_req_attach) == 24);
static_assert(sizeof(struct virtio_iommu_req_detach) == 24);
static_assert(sizeof(struct virtio_iommu_req_map) == 40);
static_assert(sizeof(struct virtio_iommu_req_unmap) == 32);
static_assert(sizeof(struct virtio_iommu_req_probe) == VIOMMU_PROBE_LEN);
static_assert(sizeof(struct virtio_iommu_probe_resv_mem) == 24);
static_assert(sizeof(struct virtio_iommu_fault) == 24);

/**
 * viommu_build_attach() - Fill in an ATTACH request
 * @req: where
 * @domain: domain ID, inside domain_range
 * @endpoint: endpoint ID
 * @flags: 0 or VIRTIO_IOMMU_ATTACH_F_BYPASS
 *
 * Context: Any.
 * Return: Bytes the device reads. Virtio specification, "ATTACH request".
 */
size_t viommu_build_attach(union viommu_request *req, u32 domain, u32 endpoint, u32 flags)
{
	req->attach = (struct virtio_iommu_req_attach) {
		.head.type = VIRTIO_IOMMU_T_ATTACH,
		.domain = cpu_to_le32(domain),
		.endpoint = cpu_to_le32(endpoint),
		.flags = cpu_to_le32(flags),
	};
	return offsetof(struct virtio_iommu_req_attach, tail);
}

/**
 * viommu_build_detach() - Fill in a DETACH request
 * @req: where
 * @domain: ID of the domain the endpoint is attached to
 * @endpoint: endpoint ID
 *
 * Context: Any.
 * Return: Bytes the device reads. Virtio specification, "DETACH request".
 */
size_t viommu_build_detach(union viommu_request *req, u32 domain, u32 endpoint)
{
	req->detach = (struct virtio_iommu_req_detach) {
		.head.type = VIRTIO_IOMMU_T_DETACH,
		.domain = cpu_to_le32(domain),
		.endpoint = cpu_to_le32(endpoint),
	};
	return offsetof(struct virtio_iommu_req_detach, tail);
}

/**
 * viommu_build_map() - Fill in a MAP request
 * @req: where
 * @domain: domain ID
 * @iova: first address to map, aligned to the granule
 * @last: last address to map, inclusive, above @iova
 * @paddr: guest-physical address behind @iova, aligned to the granule
 * @flags: VIRTIO_IOMMU_MAP_F_*
 *
 * Context: Any.
 * Return: Bytes the device reads. Virtio specification, "MAP request".
 */
size_t viommu_build_map(union viommu_request *req, u32 domain, u64 iova, u64 last,
			u64 paddr, u32 flags)
{
	req->map = (struct virtio_iommu_req_map) {
		.head.type = VIRTIO_IOMMU_T_MAP,
		.domain = cpu_to_le32(domain),
		.virt_start = cpu_to_le64(iova),
		.virt_end = cpu_to_le64(last),
		.phys_start = cpu_to_le64(paddr),
		.flags = cpu_to_le32(flags),
	};
	return offsetof(struct virtio_iommu_req_map, tail);
}

/**
 * viommu_build_unmap() - Fill in an UNMAP request
 * @req: where
 * @domain: domain ID
 * @iova: first address to unmap
 * @last: last address to unmap, inclusive; no mapping may continue past it
 *
 * Context: Any.
 * Return: Bytes the device reads. Virtio specification, "UNMAP request".
 */
size_t viommu_build_unmap(union viommu_request *req, u32 domain, u64 iova, u64 last)
{
	req->unmap = (struct virtio_iommu_req_unmap) {
		.head.type = VIRTIO_IOMMU_T_UNMAP,
		.domain = cpu_to_le32(domain),
		.virt_start = cpu_to_le64(iova),
		.virt_end = cpu_to_le64(last),
	};
	return offsetof(struct virtio_iommu_req_unmap, tail);
}

/**
 * viommu_build_probe() - Fill in a PROBE request
 * @req: where
 * @endpoint: endpoint ID
 *
 * Context: Any.
 * Return: Bytes the device reads. Virtio specification, "PROBE request".
 */
size_t viommu_build_probe(union viommu_request *req, u32 endpoint)
{
	const struct virtio_iommu_req_probe probe = {
		.head.type = VIRTIO_IOMMU_T_PROBE,
		.endpoint = cpu_to_le32(endpoint),
	};

	memcpy(req->probe, &probe, VIOMMU_PROBE_LEN);
	return VIOMMU_PROBE_LEN;
}

/**
 * viommu_status_to_errno() - Read the status of a request
 * @status: as the device wrote it, any byte
 *
 * The codes are those that callers of the IOMMU API know how to take: -EINVAL
 * from an attach, for one, asks the caller to try another domain.
 *
 * Context: Any.
 * Return: 0 for OK, a negative errno for everything else.
 */
int viommu_status_to_errno(u8 status)
{
	switch (status) {
	case VIRTIO_IOMMU_S_OK:
		return 0;
	case VIRTIO_IOMMU_S_UNSUPP:
		return -EOPNOTSUPP;
	case VIRTIO_IOMMU_S_INVAL:
		return -EINVAL;
	case VIRTIO_IOMMU_S_RANGE:
		return -ERANGE;
	case VIRTIO_IOMMU_S_NOENT:
		return -ENOENT;
	case VIRTIO_IOMMU_S_FAULT:
		return -EFAULT;
	case VIRTIO_IOMMU_S_NOMEM:
		return -ENOMEM;
	default: /* IOERR, DEVERR and what no specification names */
		return -EIO;
	}
}

static int viommu_read_resv_mem(const void *property, size_t size,
				viommu_resv_mem_fn fn, void *ctx)
{
	struct virtio_iommu_probe_resv_mem raw;
	struct viommu_resv_mem mem;

	if (size < sizeof(raw))
		return -EINVAL;
	memcpy(&raw, property, sizeof(raw));

	mem.start = le64_to_cpu(raw.start);
	mem.last = le64_to_cpu(raw.end);
	/* A subtype nobody knows yet is at least an address not to touch */
	mem.msi = raw.subtype == VIRTIO_IOMMU_RESV_MEM_T_MSI;
	if (mem.start > mem.last)
		return -EINVAL;

	return fn(&mem, ctx);
}

/**
 * viommu_walk_properties() - Visit what a PROBE brought back
 * @properties: the properties, as the device wrote them
 * @size: how many bytes of them it wrote, at most probe_size
 * @fn: called for each reserved region; a negative errno ends the walk
 * @ctx: handed to @fn
 *
 * Properties are stepped over by their length. One whose four reserved type
 * bits are set, or whose type is unknown, is passed over. One that does not
 * fit makes the whole answer invalid: what follows cannot be trusted, and an
 * unseen reserved region is worse than an endpoint that is not used.
 *
 * Context: Any that @fn allows.
 * Return: 0, -EINVAL for a malformed list, or what @fn returned.
 * Virtio specification, "PROBE properties".
 */
int viommu_walk_properties(const void *properties, size_t size,
			   viommu_resv_mem_fn fn, void *ctx)
{
	const u8 *pos = properties;
	size_t left = size;

	while (left >= sizeof(struct virtio_iommu_probe_property)) {
		struct virtio_iommu_probe_property head;
		size_t step;
		u16 type;
		int err;

		memcpy(&head, pos, sizeof(head));
		type = le16_to_cpu(head.type);
		step = sizeof(head) + le16_to_cpu(head.length);

		if (type == VIRTIO_IOMMU_PROBE_T_NONE)
			return 0;
		if (step > left)
			return -EINVAL;
		if (type == VIRTIO_IOMMU_PROBE_T_RESV_MEM) {
			err = viommu_read_resv_mem(pos, step, fn, ctx);
			if (err)
				return err;
		}
		pos += step;
		left -= step;
	}
	return 0;
}

/**
 * viommu_decode_fault() - Read a fault event
 * @event: as the device wrote it
 * @len: how many bytes it wrote
 * @fault: the result
 *
 * Context: Any.
 * Return: 0, -EMSGSIZE for a short event, -EINVAL for one to be ignored.
 * Virtio specification, "Fault reporting".
 */
int viommu_decode_fault(const void *event, size_t len, struct viommu_fault *fault)
{
	struct virtio_iommu_fault raw;

	if (len < sizeof(raw))
		return -EMSGSIZE;
	memcpy(&raw, event, sizeof(raw));

	/* Reserved for other kinds of events, to come */
	if (raw.reserved[0] || raw.reserved[1] || raw.reserved[2])
		return -EINVAL;

	fault->reason = raw.reason <= VIRTIO_IOMMU_FAULT_R_MAPPING ?
			raw.reason : VIRTIO_IOMMU_FAULT_R_UNKNOWN;
	fault->flags = le32_to_cpu(raw.flags) & (VIRTIO_IOMMU_FAULT_F_READ |
						 VIRTIO_IOMMU_FAULT_F_WRITE |
						 VIRTIO_IOMMU_FAULT_F_ADDRESS);
	fault->endpoint = le32_to_cpu(raw.endpoint);
	fault->address = fault->flags & VIRTIO_IOMMU_FAULT_F_ADDRESS ?
			 le64_to_cpu(raw.address) : 0;
	return 0;
}

/**
 * viommu_fault_reason() - Say why a fault happened
 * @fault: from viommu_decode_fault()
 *
 * Context: Any.
 * Return: A constant string.
 */
const char *viommu_fault_reason(const struct viommu_fault *fault)
{
	switch (fault->reason) {
	case VIRTIO_IOMMU_FAULT_R_DOMAIN:
		return "not attached to a domain";
	case VIRTIO_IOMMU_FAULT_R_MAPPING:
		return "no mapping";
	default:
		return "unknown reason";
	}
}
