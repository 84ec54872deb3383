// SPDX-License-Identifier: GPL-2.0
/*
 * What the machine's firmware says of the topology: device tree and ACPI VIOT.
 *
 * Owns a decoded copy of the VIOT, which does not change. Only answers; what
 * follows from the answers is topology.c's business.
 */
#include <linux/acpi.h>
#include <linux/of.h>
#include <linux/overflow.h>
#include <linux/pci.h>
#include <linux/platform_device.h>
#include <linux/slab.h>

#include "../../acpi/viot_table.h"
#include "viommu.h"

/* The machine's VIOT, or NULL */
static struct viot_table *viommu_viot;

/* ---- ACPI VIOT ------------------------------------------------------------------ */

#ifdef CONFIG_ACPI
static void viommu_report_viot(const struct viot_finding *finding, void *ctx)
{
	unsigned int *count = ctx;

	if (finding->severity < VIOT_WARNING || (*count)++ >= VIOMMU_MAX_FINDINGS)
		return;
	pr_warn(FW_BUG "VIOT: at 0x%x: %s\n", finding->offset, viot_finding_text(finding->code));
}

static struct viot_table *viommu_decode_viot(const void *acpi, size_t len)
{
	unsigned int count = 0;
	/* In a kernel tree of ours, drivers/acpi has said it already */
	const struct viot_sink sink = { viommu_report_viot, &count };
	const bool silent = viommu_compat_reads_viot() && !viommu_compat_offers_all();
	size_t size = viot_table_size(acpi, len);
	struct viot_table *table = kvzalloc(size, GFP_KERNEL);

	if (!table)
		return NULL;
	if (viot_table_parse(acpi, len, table, size, silent ? NULL : &sink)) {
		kvfree(table);
		return NULL;
	}
	if (count > VIOMMU_MAX_FINDINGS)
		pr_warn("VIOT: %u more findings\n", count - VIOMMU_MAX_FINDINGS);
	return table;
}
#endif

/**
 * viommu_firmware_init() - Read the VIOT, if there is one
 *
 * A table that is missing or broken means that it puts nothing behind an IOMMU.
 *
 * Context: Process, when the module is loaded.
 */
void viommu_firmware_init(void)
{
#ifdef CONFIG_ACPI
	struct acpi_table_header *header;

	if (acpi_disabled || ACPI_FAILURE(acpi_get_table(VIOT_SIGNATURE, 0, &header)))
		return;
	viommu_viot = viommu_decode_viot(header, header->length);
	acpi_put_table(header);
#endif
}

/**
 * viommu_firmware_exit() - Forget the VIOT
 *
 * Context: Process, when the module is unloaded.
 */
void viommu_firmware_exit(void)
{
	kvfree(viommu_viot);
}

/**
 * viommu_firmware_has_viot() - Say whether there is a VIOT to go by
 *
 * Context: Any.
 * Return: Whether a table has been read that names any IOMMU.
 */
bool viommu_firmware_has_viot(void)
{
	return viommu_viot && viommu_viot->nr.iommus;
}

/* Is this the IOMMU that a node of the table describes? */
static bool viommu_is_viot_iommu(const struct viommu *viommu, const struct viot_iommu *node)
{
	struct device *parent = viommu->dev->parent;
	const struct resource *block;
	unsigned int i;

	if (dev_is_pci(parent))
		return node == viot_find_iommu_pci(viommu_viot,
						   pci_domain_nr(to_pci_dev(parent)->bus),
						   pci_dev_id(to_pci_dev(parent)));
	for (i = 0; (block = viommu_topology_block(parent, i)); i++) {
		if (node == viot_find_iommu_mmio(viommu_viot, block->start, block->end))
			return true;
	}
	return false;
}

/* What an entry of the table means to an IOMMU. */
static enum viommu_listed viommu_viot_listed(const struct viommu *viommu,
					     const struct viot_endpoint *ep, u32 *id)
{
	if (!viommu_is_viot_iommu(viommu, &viommu_viot->iommus[ep->iommu]))
		return VIOMMU_LISTED_ELSEWHERE;
	*id = ep->id;
	return VIOMMU_LISTED_HERE;
}

static enum viommu_listed viommu_viot_rid(const struct viommu *viommu, struct pci_dev *pdev,
					  u16 rid, u32 *id)
{
	struct viot_endpoint ep;

	if (!viommu_viot || !viot_lookup_pci(viommu_viot, pci_domain_nr(pdev->bus), rid, &ep))
		return VIOMMU_UNLISTED;
	return viommu_viot_listed(viommu, &ep, id);
}

/**
 * viommu_firmware_block() - Ask the VIOT for a device that is not on PCI
 * @viommu: an IOMMU
 * @block: registers of the device
 * @id: where its endpoint ID goes
 *
 * Context: Process.
 * Return: Whether the device is listed, and here or behind another IOMMU.
 */
enum viommu_listed viommu_firmware_block(const struct viommu *viommu,
					 const struct resource *block, u32 *id)
{
	struct viot_endpoint ep;

	if (!viommu_viot || !viot_lookup_mmio(viommu_viot, block->start, block->end, &ep))
		return VIOMMU_UNLISTED;
	return viommu_viot_listed(viommu, &ep, id);
}

/* ---- Device tree ------------------------------------------------------------------ */

static struct device_node *viommu_of_host(struct pci_dev *pdev)
{
	struct device *host;

	if (!IS_ENABLED(CONFIG_PCI))
		return NULL;
	host = pci_find_host_bridge(pdev->bus)->dev.parent;
	return host ? host->of_node : NULL;
}

/* The cells of an entry of iommu-map, where an IOMMU has one cell. */
struct viommu_of_entry {
	u32 rid;
	u32 iommu;
	u32 id;
	u32 length;
};

/* False: there are no more. */
static bool viommu_of_entry(struct device_node *host, unsigned int i,
			    struct viommu_of_entry *entry)
{
	const __be32 *cells;
	int len;

	cells = of_get_property(host, "iommu-map", &len);
	if (!cells || (i + 1) * 4 * sizeof(*cells) > len)
		return false;
	entry->rid = be32_to_cpu(cells[4 * i]);
	entry->iommu = be32_to_cpu(cells[4 * i + 1]);
	entry->id = be32_to_cpu(cells[4 * i + 2]);
	entry->length = be32_to_cpu(cells[4 * i + 3]);
	return true;
}

static u32 viommu_of_cells(const struct device_node *iommu)
{
	u32 cells;

	return of_property_read_u32(iommu, "#iommu-cells", &cells) ? 0 : cells;
}

/* The entry of iommu-map that a requester ID is in; false if there is none. */
static bool viommu_of_find_entry(struct device_node *host, u32 rid,
				 struct viommu_of_entry *entry)
{
	unsigned int i;

	for (i = 0; viommu_of_entry(host, i, entry); i++) {
		if (rid >= entry->rid && rid - entry->rid < entry->length)
			return true;
	}
	return false;
}

/*
 * The kernel's own lookup has a line for the log each time that there is no
 * entry, and lets IDs wrap around at 32 bits.
 */
static enum viommu_listed viommu_of_rid(const struct viommu *viommu, struct pci_dev *pdev,
					u16 rid, u32 *id)
{
	struct device_node *iommu = to_of_node(viommu->iommu.fwnode);
	struct device_node *host = viommu_of_host(pdev);
	struct viommu_of_entry entry;
	u32 masked = rid, mask;

	if (!host)
		return VIOMMU_UNLISTED;
	if (!of_property_read_u32(host, "iommu-map-mask", &mask))
		masked &= mask;
	if (!viommu_of_find_entry(host, masked, &entry))
		return VIOMMU_UNLISTED;
	if (!iommu || entry.iommu != iommu->phandle || viommu_of_cells(iommu) != 1 ||
	    check_add_overflow(entry.id, masked - entry.rid, id))
		return VIOMMU_LISTED_ELSEWHERE;
	return VIOMMU_LISTED_HERE;
}

/**
 * viommu_firmware_of_device() - Ask the device tree for a device that is not on PCI
 * @viommu: an IOMMU
 * @dev: the device
 *
 * Context: Process.
 * Return: Whether the device is behind @viommu.
 */
bool viommu_firmware_of_device(const struct viommu *viommu, struct device *dev)
{
	struct device_node *iommu = of_parse_phandle(dev->of_node, "iommus", 0);

	of_node_put(iommu);
	return iommu && iommu == to_of_node(viommu->iommu.fwnode);
}

/*
 * Does a function's entry of iommu-map run past 32 bits before it comes to the
 * function? The kernel lets the ID wrap around, to that of some other device.
 */
static bool viommu_of_wraps(struct pci_dev *pdev)
{
	struct device_node *host = viommu_of_host(pdev);
	u32 rid = pci_dev_id(pdev), mask, id;
	struct viommu_of_entry entry;

	if (!of_property_read_u32(host, "iommu-map-mask", &mask))
		rid &= mask;
	return viommu_of_find_entry(host, rid, &entry) &&
	       check_add_overflow(entry.id, rid - entry.rid, &id);
}

/**
 * viommu_of_xlate() - Take an ID from the device tree
 * @dev: the device
 * @args: the IOMMU and one cell, the endpoint ID
 *
 * Context: Process.
 * Return: 0, -EINVAL or -ENOMEM.
 */
int viommu_of_xlate(struct device *dev, const struct of_phandle_args *args)
{
	u32 id = args->args[0];

	/* Not every kernel looks at it when it reads an iommu-map */
	if (args->args_count != 1 || viommu_of_cells(args->np) != 1) {
		dev_err(dev, "not translated: #iommu-cells of %pOF is %u, a virtio-iommu has 1\n",
			args->np, viommu_of_cells(args->np));
		return -EINVAL;
	}
	if (dev_is_pci(dev) && viommu_of_wraps(to_pci_dev(dev))) {
		dev_err(dev, "not translated: its iommu-map has IDs beyond 32 bits\n");
		return -EINVAL;
	}
	return iommu_fwspec_add_ids(dev, &id, 1);
}

/* ---- Either ------------------------------------------------------------------------- */

/**
 * viommu_firmware_rid() - Ask for a PCI function
 * @viommu: an IOMMU
 * @pdev: the function
 * @rid: requester ID that it does DMA under
 * @id: where the endpoint ID goes
 *
 * Context: Process.
 * Return: Whether DMA under @rid is listed, and here or elsewhere, which is also
 * where an entry leads that is wrong.
 */
enum viommu_listed viommu_firmware_rid(const struct viommu *viommu, struct pci_dev *pdev,
				       u16 rid, u32 *id)
{
	enum viommu_listed listed = viommu_of_rid(viommu, pdev, rid, id);

	return listed == VIOMMU_UNLISTED ? viommu_viot_rid(viommu, pdev, rid, id) : listed;
}
