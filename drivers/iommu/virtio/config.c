// SPDX-License-Identifier: GPL-2.0
/*
 * Features and config space: what the device offers, checked before anybody
 * uses it.
 *
 * Everything here comes from the host and may be nonsense. What the driver
 * cannot work with is refused with one message that says why; what is merely
 * strange is cut down to what makes sense. Called by main.c alone.
 */
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pci.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <uapi/linux/virtio_mmio.h>
#include <uapi/linux/virtio_pci.h>
#include <uapi/linux/virtio_ring.h>

#include "viommu.h"

/**
 * viommu_config_validate() - Look at the features before they are accepted
 * @vdev: the device
 *
 * Context: Process; the virtio core's validate callback.
 * Return: 0, or -ENODEV for a device that the driver cannot drive.
 * Virtio specification, "Device Initialization" and "Feature bits" of device 23.
 */
int viommu_config_validate(struct virtio_device *vdev)
{
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1)) {
		dev_err(&vdev->dev, "refused: the device does not offer VERSION_1\n");
		return -ENODEV;
	}
	if (!virtio_has_feature(vdev, VIRTIO_IOMMU_F_MAP_UNMAP)) {
		dev_err(&vdev->dev, "refused: the device does not offer MAP_UNMAP\n");
		return -ENODEV;
	}
	/* Indirect descriptors would be allocated for each request */
	__virtio_clear_bit(vdev, VIRTIO_RING_F_INDIRECT_DESC);
	return 0;
}

/*
 * The length of the config space that a PCI capability describes; 0 if none.
 * The virtio core maps a page of it at most, and nothing past the BAR's end.
 */
static u32 viommu_cap_config_size(struct pci_dev *pdev, int pos)
{
	u32 offset, len;
	u8 type, bar;

	pci_read_config_byte(pdev, pos + VIRTIO_PCI_CAP_CFG_TYPE, &type);
	pci_read_config_byte(pdev, pos + VIRTIO_PCI_CAP_BAR, &bar);
	pci_read_config_dword(pdev, pos + VIRTIO_PCI_CAP_OFFSET, &offset);
	pci_read_config_dword(pdev, pos + VIRTIO_PCI_CAP_LENGTH, &len);
	/* What the virtio core passes over does not count */
	if (type != VIRTIO_PCI_CAP_DEVICE_CFG || bar >= PCI_STD_NUM_BARS ||
	    offset >= pci_resource_len(pdev, bar) ||
	    !(pci_resource_flags(pdev, bar) & (IORESOURCE_MEM | IORESOURCE_IO)))
		return 0;
	return min3((u64)len, (u64)PAGE_SIZE, (u64)pci_resource_len(pdev, bar) - offset);
}

/* What the capabilities describe, of which the shortest counts. */
static size_t viommu_pci_config_size(struct pci_dev *pdev)
{
	size_t size = SIZE_MAX;
	u32 len;
	int pos;

	for (pos = pci_find_capability(pdev, PCI_CAP_ID_VNDR); pos;
	     pos = pci_find_next_capability(pdev, pos, PCI_CAP_ID_VNDR)) {
		len = viommu_cap_config_size(pdev, pos);
		if (len)
			size = min_t(size_t, size, len);
	}
	return size == SIZE_MAX ? 0 : size;
}

/* Bytes of config space that the negotiated features promise. */
static size_t viommu_config_promised(struct virtio_device *vdev)
{
	if (virtio_has_feature(vdev, VIRTIO_IOMMU_F_BYPASS_CONFIG))
		return offsetofend(struct virtio_iommu_config, bypass);
	if (virtio_has_feature(vdev, VIRTIO_IOMMU_F_PROBE))
		return offsetofend(struct virtio_iommu_config, probe_size);
	if (virtio_has_feature(vdev, VIRTIO_IOMMU_F_DOMAIN_RANGE))
		return offsetofend(struct virtio_iommu_config, domain_range);
	if (virtio_has_feature(vdev, VIRTIO_IOMMU_F_INPUT_RANGE))
		return offsetofend(struct virtio_iommu_config, input_range);
	return offsetofend(struct virtio_iommu_config, page_size_mask);
}

/*
 * How long the config space is, for certain: it is the device's choice, and
 * the virtio core takes reading past the end for a bug of the driver's. What
 * is behind neither of the two transports is as long as it has to be.
 */
static size_t viommu_config_size(struct virtio_device *vdev)
{
	struct device *transport = vdev->dev.parent;
	const struct resource *block;

	if (transport && dev_is_pci(transport))
		return viommu_pci_config_size(to_pci_dev(transport));
	block = transport ? viommu_topology_block(transport, 0) : NULL;
	if (!block)
		return viommu_config_promised(vdev);
	return resource_size(block) > VIRTIO_MMIO_CONFIG ?
	       resource_size(block) - VIRTIO_MMIO_CONFIG : 0;
}

/*
 * The core needs the granule; larger sizes only make it cut buffers up, so it
 * is told just those that coherent buffers and guest RAM profit from.
 */
static int viommu_read_page_sizes(struct virtio_device *vdev, struct viommu_config *config)
{
	u64 mask;

	virtio_cread_le(vdev, struct virtio_iommu_config, page_size_mask, &mask);
	if (!mask) {
		dev_err(&vdev->dev, "refused: page_size_mask is 0\n");
		return -EINVAL;
	}
	config->granule = 1ULL << __ffs64(mask);
	if (config->granule > PAGE_SIZE) {
		dev_err(&vdev->dev, "refused: the granule of %llu bytes is larger than a page of %lu\n",
			config->granule, PAGE_SIZE);
		return -EINVAL;
	}
	/* Multiples of the granule are fine; nobody gains from less than 4 KiB */
	config->granule = max_t(u64, config->granule, SZ_4K);
	config->pgsize_bitmap = config->granule | (mask & (SZ_2M | SZ_1G));
	return 0;
}

static int viommu_read_input_range(struct virtio_device *vdev, struct viommu_config *config)
{
	u64 first = 0, last = U64_MAX;

	virtio_cread_le_feature(vdev, VIRTIO_IOMMU_F_INPUT_RANGE, struct virtio_iommu_config,
				input_range.start, &first);
	virtio_cread_le_feature(vdev, VIRTIO_IOMMU_F_INPUT_RANGE, struct virtio_iommu_config,
				input_range.end, &last);

	config->input_first = first;
	config->input_last = last;
	if (first <= U64_MAX - config->granule)
		config->input_first = ALIGN(first, config->granule);
	/*
	 * Whole granules only. The very last one of the address space stays
	 * unused: cloud-hypervisor cannot map it.
	 */
	if (last > U64_MAX - config->granule)
		config->input_last = U64_MAX - config->granule;
	else
		config->input_last = ALIGN_DOWN(last + 1, config->granule) - 1;

	if (first > last || last - first < config->granule - 1 ||
	    config->input_first > config->input_last) {
		dev_err(&vdev->dev, "refused: input_range 0x%llx - 0x%llx leaves no room\n",
			first, last);
		return -EINVAL;
	}
	return 0;
}

static int viommu_read_domain_range(struct virtio_device *vdev, struct viommu_config *config)
{
	config->domain_first = 0;
	config->domain_last = U32_MAX;
	virtio_cread_le_feature(vdev, VIRTIO_IOMMU_F_DOMAIN_RANGE, struct virtio_iommu_config,
				domain_range.start, &config->domain_first);
	virtio_cread_le_feature(vdev, VIRTIO_IOMMU_F_DOMAIN_RANGE, struct virtio_iommu_config,
				domain_range.end, &config->domain_last);
	if (config->domain_first > config->domain_last) {
		dev_err(&vdev->dev, "refused: domain_range %u - %u is empty\n",
			config->domain_first, config->domain_last);
		return -EINVAL;
	}
	return 0;
}

static int viommu_read_probe_size(struct virtio_device *vdev, struct viommu_config *config)
{
	config->probe_size = 0;
	virtio_cread_le_feature(vdev, VIRTIO_IOMMU_F_PROBE, struct virtio_iommu_config,
				probe_size, &config->probe_size);
	if (config->probe_size > VIOMMU_MAX_PROBE_SIZE) {
		dev_err(&vdev->dev, "refused: probe_size of %u bytes, more than %u\n",
			config->probe_size, VIOMMU_MAX_PROBE_SIZE);
		return -EINVAL;
	}
	return 0;
}

static void viommu_read_bypass(struct virtio_device *vdev, struct viommu_config *config)
{
	u8 bypass = 0;

	config->has_bypass = virtio_has_feature(vdev, VIRTIO_IOMMU_F_BYPASS_CONFIG) &&
			     config->builtin != VIOMMU_BUILTIN_DRAFT;
	if (config->has_bypass)
		virtio_cread_le(vdev, struct virtio_iommu_config, bypass, &bypass);
	config->bypass = bypass & 1;
}

/* Two kinds of devices mean different things by feature bit 6. */
static enum viommu_builtin viommu_read_builtin(struct virtio_device *vdev, size_t size)
{
	u8 head[VIOMMU_BUILTIN_HEAD];

	virtio_cread_bytes(vdev, 0, head, min(size, sizeof(head)));
	return viommu_builtin_find(head, size, vdev->features);
}

/**
 * viommu_config_read() - Read config space and check it
 * @vdev: the device, its features negotiated
 * @config: the result
 *
 * Context: Process.
 * Return: 0, or -EINVAL with a message for what the driver cannot work with.
 * Virtio specification, "Device configuration layout" of device 23.
 */
int viommu_config_read(struct virtio_device *vdev, struct viommu_config *config)
{
	size_t promised = viommu_config_promised(vdev);
	size_t size = viommu_config_size(vdev);
	int err;

	if (size < promised) {
		dev_err(&vdev->dev, "refused: %zu bytes of config space, the features promise %zu\n",
			size, promised);
		return -EINVAL;
	}

	err = viommu_read_page_sizes(vdev, config);
	if (!err)
		err = viommu_read_input_range(vdev, config);
	if (!err)
		err = viommu_read_domain_range(vdev, config);
	if (!err)
		err = viommu_read_probe_size(vdev, config);
	if (err)
		return err;

	config->size = size;
	config->builtin = viommu_read_builtin(vdev, size);
	viommu_read_bypass(vdev, config);
	config->has_mmio = virtio_has_feature(vdev, VIRTIO_IOMMU_F_MMIO);
	return 0;
}

/* ---- Built-in topology -------------------------------------------------------------- */

struct viommu_findings {
	struct virtio_device *vdev;
	unsigned int count;
};

static void viommu_report_finding(const struct viot_finding *finding, void *ctx)
{
	struct viommu_findings *seen = ctx;

	if (finding->severity >= VIOT_WARNING && seen->count++ < VIOMMU_MAX_FINDINGS)
		dev_warn(&seen->vdev->dev, "built-in topology, at 0x%x: %s\n",
			 finding->offset, viot_finding_text(finding->code));
}

/* How the IOMMU itself would look in its own description. */
static struct viot_iommu viommu_config_self(struct virtio_device *vdev)
{
	struct device *transport = vdev->dev.parent;
	struct viot_iommu self = { .kind = VIOT_IOMMU_OTHER };
	const struct resource *block;

	if (transport && dev_is_pci(transport)) {
		self.kind = VIOT_IOMMU_PCI;
		self.address = viot_pci_address(pci_domain_nr(to_pci_dev(transport)->bus),
						pci_dev_id(to_pci_dev(transport)));
		return self;
	}
	block = transport ? viommu_topology_block(transport, 0) : NULL;
	if (block) {
		self.kind = VIOT_IOMMU_MMIO;
		self.address = block->start;
	}
	return self;
}

static struct viot_table *viommu_decode_topology(struct virtio_device *vdev,
						 enum viommu_builtin kind,
						 const void *bytes, size_t len)
{
	const struct viot_iommu self = viommu_config_self(vdev);
	struct viommu_findings seen = { vdev };
	const struct viot_sink sink = { viommu_report_finding, &seen };
	size_t size = viommu_builtin_size(kind, bytes, len);
	struct viot_table *table = kvzalloc(size, GFP_KERNEL);

	if (!table)
		return NULL;
	if (viommu_builtin_parse(kind, bytes, len, &self, table, size, &sink))
		dev_warn(&vdev->dev, "built-in topology: nothing in it can be used\n");
	if (seen.count > VIOMMU_MAX_FINDINGS)
		dev_warn(&vdev->dev, "built-in topology: %u more findings\n",
			 seen.count - VIOMMU_MAX_FINDINGS);
	return table;
}

/**
 * viommu_config_topology() - Read which endpoints the device says it translates
 * @vdev: the device, its features negotiated
 * @config: from viommu_config_read()
 * @table: where the table goes, for the caller to kvfree(); NULL if the device
 *	describes none
 *
 * A description with errors counts as far as it is good.
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int viommu_config_topology(struct virtio_device *vdev, const struct viommu_config *config,
			   struct viot_table **table)
{
	size_t len = min_t(size_t, config->size, VIOMMU_BUILTIN_MAX_CONFIG);
	void *bytes;

	*table = NULL;
	if (config->builtin == VIOMMU_BUILTIN_NONE)
		return 0;
	bytes = kvzalloc(len, GFP_KERNEL);
	if (!bytes)
		return -ENOMEM;
	virtio_cread_bytes(vdev, 0, bytes, len);
	*table = viommu_decode_topology(vdev, config->builtin, bytes, len);
	kvfree(bytes);
	if (!*table)
		return -ENOMEM;
	dev_info(&vdev->dev, "describes its endpoints by itself: %u PCI ranges, %u others\n",
		 (*table)->nr.pci, (*table)->nr.mmio);
	return 0;
}

/**
 * viommu_config_set_bypass() - Decide about endpoints that are not attached
 * @vdev: the device, with BYPASS_CONFIG negotiated
 * @bypass: whether they bypass or are blocked
 *
 * Context: Process.
 */
void viommu_config_set_bypass(struct virtio_device *vdev, bool bypass)
{
	u8 value = bypass;

	virtio_cwrite_le(vdev, struct virtio_iommu_config, bypass, &value);
}
