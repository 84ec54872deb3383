/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * Virtio IOMMU (virtio device 23): what the driver and the device agree on.
 *
 * Names and layouts are those Linux guests and VMMs know. Every multi-byte
 * field is little-endian. In a request, everything in front of @tail is
 * device-readable, the tail (and the properties of a PROBE) device-writable.
 */
#ifndef _UAPI_LINUX_VIRTIO_IOMMU_H
#define _UAPI_LINUX_VIRTIO_IOMMU_H

#include <linux/types.h>

/* Feature bits */
#define VIRTIO_IOMMU_F_INPUT_RANGE		0	/* input_range is valid */
#define VIRTIO_IOMMU_F_DOMAIN_RANGE		1	/* domain_range is valid */
#define VIRTIO_IOMMU_F_MAP_UNMAP		2	/* MAP and UNMAP exist */
#define VIRTIO_IOMMU_F_BYPASS			3	/* unattached endpoints bypass */
#define VIRTIO_IOMMU_F_PROBE			4	/* PROBE exists */
#define VIRTIO_IOMMU_F_MMIO			5	/* MAP_F_MMIO may be used */
#define VIRTIO_IOMMU_F_BYPASS_CONFIG		6	/* bypass is valid */

/* Both ends inclusive */
struct virtio_iommu_range_64 {
	__le64					start;
	__le64					end;
};

struct virtio_iommu_range_32 {
	__le32					start;
	__le32					end;
};

struct virtio_iommu_config {
	/* The lowest bit is the granule, the bits above it are hints */
	__le64					page_size_mask;
	/* IOVAs that MAP and UNMAP accept, with F_INPUT_RANGE */
	struct virtio_iommu_range_64		input_range;
	/* Domain IDs that requests accept, with F_DOMAIN_RANGE */
	struct virtio_iommu_range_32		domain_range;
	/* Bytes of properties a PROBE request carries, with F_PROBE */
	__le32					probe_size;
	/* 1: unattached endpoints bypass, 0: they are blocked; F_BYPASS_CONFIG */
	__u8					bypass;
	__u8					reserved[3];
};

/*
 * Built-in topology: which endpoints the device translates, told in its own
 * config space. THIS IS NO PART OF THE VIRTIO STANDARD.
 *
 * It was drafted for the standard as feature bit 6, with its header where
 * @bypass is now, and never adopted: bit 6 has become F_BYPASS_CONFIG. Devices
 * that follow the drafts exist. They are told apart by the header's offset,
 * which lies in what devices with F_BYPASS_CONFIG keep 0.
 *
 * Bit 8 and a header behind struct virtio_iommu_config are an extension by
 * this driver, for devices that have both.
 */
#define VIRTIO_IOMMU_F_TOPOLOGY			8	/* the extension */
#define VIRTIO_IOMMU_F_TOPOLOGY_DRAFT		6	/* the drafts */

/* Where struct virtio_iommu_topology is, from the start of the config space */
#define VIRTIO_IOMMU_TOPOLOGY_HEADER		40	/* the extension */
#define VIRTIO_IOMMU_TOPOLOGY_DRAFT_HEADER	36	/* the drafts */

/* What @offset is a multiple of */
#define VIRTIO_IOMMU_TOPOLOGY_ALIGN		8

struct virtio_iommu_topology {
	/* Nodes, one behind the other */
	__le16					count;
	/* Of the first one, from the start of the config space */
	__le16					offset;
};

/* Types of nodes; a driver skips those that it does not know */
#define VIRTIO_IOMMU_TOPOLOGY_T_PCI_RANGE	1
#define VIRTIO_IOMMU_TOPOLOGY_T_MMIO		2

struct virtio_iommu_topology_node {
	__u8					type;
	__u8					reserved;
	__le16					length;	/* of the whole node */
};

/*
 * PCI functions; all ends inclusive. Function @bdf of @segment is endpoint
 * endpoint_start + ((segment - segment_start) << 16) + bdf - bdf_start.
 */
struct virtio_iommu_topology_pci_range {
	struct virtio_iommu_topology_node	head;
	__le32					endpoint_start;
	__le16					segment_start;
	__le16					segment_end;
	__le16					bdf_start;
	__le16					bdf_end;
};

/* The same in drafts up to "v3" of 2020; "v4" of 2021 has the one above */
struct virtio_iommu_topology_pci_range_v3 {
	struct virtio_iommu_topology_node	head;
	__le32					endpoint_start;
	__le16					segment;
	__le16					bdf_start;
	__le16					bdf_end;
	__le16					padding;
};

/* A device that is no PCI function, known by the address of its registers */
struct virtio_iommu_topology_mmio {
	struct virtio_iommu_topology_node	head;
	__le32					endpoint;
	__le64					address;
};

/* Request types */
#define VIRTIO_IOMMU_T_ATTACH			0x01
#define VIRTIO_IOMMU_T_DETACH			0x02
#define VIRTIO_IOMMU_T_MAP			0x03
#define VIRTIO_IOMMU_T_UNMAP			0x04
#define VIRTIO_IOMMU_T_PROBE			0x05

/* Status of a request */
#define VIRTIO_IOMMU_S_OK			0x00
#define VIRTIO_IOMMU_S_IOERR			0x01
#define VIRTIO_IOMMU_S_UNSUPP			0x02
#define VIRTIO_IOMMU_S_DEVERR			0x03
#define VIRTIO_IOMMU_S_INVAL			0x04
#define VIRTIO_IOMMU_S_RANGE			0x05
#define VIRTIO_IOMMU_S_NOENT			0x06
#define VIRTIO_IOMMU_S_FAULT			0x07
#define VIRTIO_IOMMU_S_NOMEM			0x08

struct virtio_iommu_req_head {
	__u8					type;
	__u8					reserved[3];
};

struct virtio_iommu_req_tail {
	__u8					status;
	__u8					reserved[3];
};

/* The domain is one of bypass; with F_BYPASS_CONFIG */
#define VIRTIO_IOMMU_ATTACH_F_BYPASS		(1 << 0)

struct virtio_iommu_req_attach {
	struct virtio_iommu_req_head		head;
	__le32					domain;
	__le32					endpoint;
	__le32					flags;
	__u8					reserved[4];
	struct virtio_iommu_req_tail		tail;
};

struct virtio_iommu_req_detach {
	struct virtio_iommu_req_head		head;
	__le32					domain;
	__le32					endpoint;
	__u8					reserved[8];
	struct virtio_iommu_req_tail		tail;
};

#define VIRTIO_IOMMU_MAP_F_READ			(1 << 0)
#define VIRTIO_IOMMU_MAP_F_WRITE		(1 << 1)
#define VIRTIO_IOMMU_MAP_F_MMIO			(1 << 2)	/* with F_MMIO */

#define VIRTIO_IOMMU_MAP_F_MASK			(VIRTIO_IOMMU_MAP_F_READ |	\
						 VIRTIO_IOMMU_MAP_F_WRITE |	\
						 VIRTIO_IOMMU_MAP_F_MMIO)

struct virtio_iommu_req_map {
	struct virtio_iommu_req_head		head;
	__le32					domain;
	__le64					virt_start;
	__le64					virt_end;	/* inclusive */
	__le64					phys_start;
	__le32					flags;
	struct virtio_iommu_req_tail		tail;
};

struct virtio_iommu_req_unmap {
	struct virtio_iommu_req_head		head;
	__le32					domain;
	__le64					virt_start;
	__le64					virt_end;	/* inclusive */
	__u8					reserved[4];
	struct virtio_iommu_req_tail		tail;
};

/* Property types; a type has 12 bits, the four above it are reserved */
#define VIRTIO_IOMMU_PROBE_T_NONE		0	/* ends the list */
#define VIRTIO_IOMMU_PROBE_T_RESV_MEM		1

#define VIRTIO_IOMMU_PROBE_T_MASK		0xfff

struct virtio_iommu_probe_property {
	__le16					type;
	__le16					length;	/* without this header */
};

#define VIRTIO_IOMMU_RESV_MEM_T_RESERVED	0	/* never map this */
#define VIRTIO_IOMMU_RESV_MEM_T_MSI		1	/* a doorbell, untranslated */

struct virtio_iommu_probe_resv_mem {
	struct virtio_iommu_probe_property	head;
	__u8					subtype;
	__u8					reserved[3];
	__le64					start;
	__le64					end;	/* inclusive */
};

struct virtio_iommu_req_probe {
	struct virtio_iommu_req_head		head;
	__le32					endpoint;
	__u8					reserved[64];

	/*
	 * probe_size bytes of properties, then a struct virtio_iommu_req_tail;
	 * both device-writable.
	 */
	__u8					properties[];
};

/* Fault reasons */
#define VIRTIO_IOMMU_FAULT_R_UNKNOWN		0
#define VIRTIO_IOMMU_FAULT_R_DOMAIN		1	/* not attached */
#define VIRTIO_IOMMU_FAULT_R_MAPPING		2	/* not mapped, or no permission */

/* Fault flags */
#define VIRTIO_IOMMU_FAULT_F_READ		(1 << 0)
#define VIRTIO_IOMMU_FAULT_F_WRITE		(1 << 1)
#define VIRTIO_IOMMU_FAULT_F_EXEC		(1 << 2)
#define VIRTIO_IOMMU_FAULT_F_ADDRESS		(1 << 8)	/* address is valid */

struct virtio_iommu_fault {
	__u8					reason;
	__u8					reserved[3];
	__le32					flags;
	__le32					endpoint;
	__u8					reserved2[4];
	__le64					address;
};

#endif /* _UAPI_LINUX_VIRTIO_IOMMU_H */
