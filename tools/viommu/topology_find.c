// SPDX-License-Identifier: GPL-2.0
/*
 * What the firmware says: which IOMMU each device is behind, and under which
 * IDs. The same lookups as the driver's, in the driver's own decoder where that
 * is VIOT; the device tree goes first, and no machine has both.
 *
 * IOMMUs that are described and are not there are added to the list.
 */

#include <stdlib.h>
#include <string.h>

#include "topology.h"

/* ---- Which IOMMU is which ----------------------------------------------------- */

static bool has_phandle(struct topology *t, const char *path, u32 phandle)
{
	struct blob b;
	bool same;
	u32 cell;

	if (topo_read(t, topo_say(t, "sys/%s/of_node/phandle", path), 4, &b))
		return false;
	same = dt_cell(&b, 0, &cell) && cell == phandle;
	blob_free(&b);
	return same;
}

static bool has_address(const struct topology *t, const char *name, u64 address)
{
	u64 first, last;
	size_t i;

	for (i = 0; topo_registers(t, name, i, &first, &last); i++)
		if (address >= first && address <= last)
			return true;
	return false;
}

/* A platform device without a driver, from which one cannot tell what it is. */
static void find_platform_device(struct topology *t, struct topo_iommu *iommu,
				 const struct dt_node *node, const struct viot_iommu *viot)
{
	struct topo_list names;
	const char *name, *path;

	topo_names(t, "bus/platform/devices", &names);
	topo_for_each(name, &names) {
		path = topo_device_path(t, "bus/platform/devices", name);
		if (!path || !(node ? has_phandle(t, path, node->phandle) :
			       has_address(t, name, viot->address)))
			continue;
		iommu->device = name;
		iommu->path = path;
		iommu->driver = topo_link_name(t, path, "driver");
		break;
	}
	free(names.items);
}

/* One that is described, and that no driver has taken, if it is there at all. */
static struct topo_iommu *add_claimed(struct topology *t, bool is_virtio)
{
	struct topo_iommu *iommu = topo_alloc(t, sizeof(*iommu));

	iommu->is_virtio = is_virtio;
	iommu->kind = is_virtio ? "virtio-iommu" : "unknown";
	topo_add(&t->iommus, iommu);
	return iommu;
}

static bool is_viot_iommu(const struct topology *t, const struct topo_iommu *iommu, u32 index)
{
	const struct viot_iommu *node = &t->viot.table->iommus[index];
	u32 segment;
	u16 bdf;

	if (!iommu->is_virtio || !iommu->device)
		return false;
	if (pci_parse(iommu->device, &segment, &bdf))
		return node == viot_find_iommu_pci(t->viot.table, segment, bdf);
	return node->kind == VIOT_IOMMU_MMIO && has_address(t, iommu->device, node->address);
}

static void match_viot(struct topology *t, u32 index)
{
	const struct viot_iommu *viot = &t->viot.table->iommus[index];
	struct topo_iommu *iommu, *found = NULL;

	topo_for_each(iommu, &t->iommus)
		if (!iommu->in_viot && is_viot_iommu(t, iommu, index))
			found = iommu;
	if (!found) {
		found = add_claimed(t, true);
		if (viot->kind == VIOT_IOMMU_MMIO)
			find_platform_device(t, found, NULL, viot);
	}
	found->claim = topo_say(t, "%s", iommu_name(viot));
	found->in_viot = true;
	found->viot = index;
}

static void match_dt(struct topology *t, const struct dt_node *node)
{
	struct topo_iommu *iommu, *found = NULL;

	topo_for_each(iommu, &t->iommus)
		if (!iommu->node && iommu->path && has_phandle(t, iommu->path, node->phandle))
			found = iommu;
	if (!found) {
		found = add_claimed(t, node->is_virtio);
		find_platform_device(t, found, node, NULL);
	}
	found->claim = node->path;
	found->node = node;
}

static void match_iommus(struct topology *t)
{
	const struct dt_node *node;
	u32 i;

	topo_for_each(node, &t->nodes)
		match_dt(t, node);
	for (i = 0; t->table == TABLE_GOOD && i < t->viot.table->nr.iommus; i++)
		match_viot(t, i);
}

static struct topo_iommu *by_viot(const struct topology *t, u32 index)
{
	struct topo_iommu *iommu;

	topo_for_each(iommu, &t->iommus)
		if (iommu->in_viot && iommu->viot == index)
			return iommu;
	return NULL;
}

static struct topo_iommu *by_phandle(const struct topology *t, u32 phandle)
{
	struct topo_iommu *iommu;

	topo_for_each(iommu, &t->iommus)
		if (iommu->node && iommu->node->phandle == phandle)
			return iommu;
	return NULL;
}

/* ---- IDs ---------------------------------------------------------------------- */

/*
 * One more ID of a device, unless it has it already, or it is behind another
 * IOMMU than the first.
 */
static void add_endpoint(struct topology *t, struct topo_device *dev,
			 struct topo_iommu *iommu, const struct topo_endpoint *found)
{
	struct topo_endpoint *ep;

	if (!dev->described)
		dev->described = iommu;
	if (dev->described != iommu) {
		topo_note(t, "%s: an ID of it is behind another IOMMU, and left out",
			  dev->name);
		return;
	}
	topo_for_each(ep, &dev->endpoints)
		if (ep->id == found->id)
			return;
	ep = topo_alloc(t, sizeof(*ep));
	*ep = *found;
	topo_add(&dev->endpoints, ep);
}

/* Ask a source for one requester ID of a PCI function. */
typedef void (*rid_lookup)(struct topology *t, struct topo_device *dev, u16 rid,
			   bool alias);

/*
 * A function's own ID, and those that bridges make of it. The first that is
 * described decides on the IOMMU.
 */
static void find_rids(struct topology *t, struct topo_device *dev, rid_lookup lookup)
{
	const char *slash, *path = dev->path;
	struct topo_device *above;
	bool unknown;
	u16 rid;

	lookup(t, dev, dev->pci->bdf, false);
	while (!dev->broken && (slash = strrchr(path, '/'))) {
		path = topo_say(t, "%.*s", (int)(slash - path), path);
		above = topo_device_at(t, path);
		if (!above || !above->pci)
			break;
		if (pci_alias(above->pci, &rid, &unknown))
			lookup(t, dev, rid, true);
		if (unknown)
			topo_note(t, "bridges' IDs may be missing: only root sees their kind");
	}
}

/* ---- VIOT --------------------------------------------------------------------- */

static void viot_rid(struct topology *t, struct topo_device *dev, u16 rid, bool alias)
{
	struct topo_endpoint found = { .requester = rid, .alias = alias };
	struct viot_endpoint ep;

	if (!viot_lookup_pci(t->viot.table, dev->pci->segment, rid, &ep))
		return;
	found.id = ep.id;
	dev->source = SOURCE_VIOT;
	add_endpoint(t, dev, by_viot(t, ep.iommu), &found);
}

/* Is any function of its root bus described? */
static bool viot_has_bus(const struct viot_table *viot, const struct topo_pci *pci)
{
	u32 i;

	for (i = 0; i < viot->nr.pci; i++) {
		const struct viot_pci_range *range = &viot->pci[i];

		if (pci->segment >= range->segment_start &&
		    pci->segment <= range->segment_last &&
		    pci->root_bus >= range->bdf_start >> 8 &&
		    pci->root_bus <= range->bdf_last >> 8)
			return true;
	}
	return false;
}

static void viot_mmio(struct topology *t, struct topo_device *dev)
{
	struct topo_endpoint found = { 0 };
	struct viot_endpoint ep;
	u64 first, last;
	size_t i;

	if (!t->viot.table->nr.mmio)
		return;
	for (i = 0; topo_registers(t, dev->name, i, &first, &last); i++) {
		if (!viot_lookup_mmio(t->viot.table, first, last, &ep))
			continue;
		found.id = ep.id;
		dev->source = SOURCE_VIOT;
		add_endpoint(t, dev, by_viot(t, ep.iommu), &found);
		return;
	}
	if (!i)
		topo_note(t, "%s: not looked up in VIOT: only root sees its address",
			  dev->name);
}

static void find_viot(struct topology *t, struct topo_device *dev)
{
	if (!dev->pci) {
		viot_mmio(t, dev);
		return;
	}
	find_rids(t, dev, viot_rid);
	if (dev->source == SOURCE_NONE)
		dev->unmapped = viot_has_bus(t->viot.table, dev->pci);
}

/* ---- Device tree -------------------------------------------------------------- */

/* The virtio binding has one cell, and an entry of iommu-map room for no more. */
static bool dt_usable(struct topology *t, struct topo_device *dev,
		      const struct dt_node *node, u32 phandle)
{
	if (!node)
		dev->broken = topo_say(t, "phandle 0x%x is no IOMMU's", phandle);
	else if (node->cells != 1 && (node->is_virtio || dev->pci))
		dev->broken = topo_say(t, "#iommu-cells of %s is %u, not 1", node->path,
				       node->cells);
	return !dev->broken;
}

/* The device tree's node of the host bridge that a function is below. */
static const char *dt_host(struct topology *t, const struct topo_pci *pci)
{
	const char *slash = pci->root ? strrchr(pci->root, '/') : NULL;

	return slash ? topo_say(t, "sys/%.*s/of_node", (int)(slash - pci->root),
				pci->root) : NULL;
}

static enum dt_answer dt_ask(struct topology *t, struct topo_device *dev, u16 rid,
			     struct dt_id *id)
{
	const char *host = dt_host(t, dev->pci);
	enum dt_answer answer = DT_BROKEN;
	struct blob map, mask;
	u32 bits = ~0;

	if (!host || topo_read(t, topo_say(t, "%s/iommu-map", host), DT_MAX_PROPERTY, &map))
		return DT_NOTHING;
	dev->unmapped = true;
	if (topo_read(t, topo_say(t, "%s/iommu-map-mask", host), 4, &mask) ||
	    dt_cell(&mask, 0, &bits))
		answer = dt_map(&map, bits, rid, id);
	if (answer == DT_BROKEN)
		dev->broken = "iommu-map of its host bridge cannot be meant";
	blob_free(&mask);
	blob_free(&map);
	return answer;
}

static void dt_rid(struct topology *t, struct topo_device *dev, u16 rid, bool alias)
{
	struct topo_endpoint found = { .requester = rid, .alias = alias };
	struct dt_id id;

	if (dt_ask(t, dev, rid, &id) != DT_FOUND ||
	    !dt_usable(t, dev, dt_find(t, id.phandle), id.phandle))
		return;
	found.id = id.id;
	dev->source = SOURCE_DT;
	add_endpoint(t, dev, by_phandle(t, id.phandle), &found);
}

/* One entry of "iommus", an IOMMU and the cells of an ID: true if it can be. */
static bool dt_entry(struct topology *t, struct topo_device *dev,
		     const struct blob *iommus, size_t *index)
{
	const struct dt_node *node;
	struct topo_endpoint found = { 0 };
	u32 phandle;

	if (!dt_cell(iommus, (*index)++, &phandle))
		return false;
	node = dt_find(t, phandle);
	if (!dt_usable(t, dev, node, phandle) || node->cells > iommus->len / 4 - *index)
		return false;
	if (node->cells)
		dt_cell(iommus, *index, &found.id);
	*index += node->cells;
	dev->source = SOURCE_DT;
	add_endpoint(t, dev, by_phandle(t, phandle), &found);
	return true;
}

static void dt_iommus(struct topology *t, struct topo_device *dev)
{
	struct blob iommus;
	size_t index = 0;

	if (topo_read(t, topo_say(t, "sys/%s/of_node/iommus", dev->path),
		      DT_MAX_PROPERTY, &iommus))
		return;
	while (!dev->broken && index * 4 < iommus.len)
		if (!dt_entry(t, dev, &iommus, &index) && !dev->broken)
			dev->broken = "its iommus property cannot be meant";
	blob_free(&iommus);
}

static void find_dt(struct topology *t, struct topo_device *dev)
{
	if (dev->pci)
		find_rids(t, dev, dt_rid);
	else
		dt_iommus(t, dev);
}

/* ---- All ---------------------------------------------------------------------- */

static void compare_with_kernel(struct topology *t, const struct topo_device *dev)
{
	if (dev->iommu && dev->described && dev->iommu != dev->described)
		topo_note(t, "%s: behind %s, although the firmware says %s", dev->name,
			  topo_iommu_name(dev->iommu), topo_iommu_name(dev->described));
}

/**
 * topo_find - look all devices up
 * @t: topology, scanned
 */
void topo_find(struct topology *t)
{
	struct topo_device *dev;

	match_iommus(t);
	topo_for_each(dev, &t->devices) {
		if (t->has_tree)
			find_dt(t, dev);
		if (dev->source == SOURCE_NONE && !dev->broken && t->table == TABLE_GOOD)
			find_viot(t, dev);
		if (dev->source == SOURCE_NONE && dev->iommu && dev->iommu->builtin)
			dev->source = SOURCE_BUILTIN;
		compare_with_kernel(t, dev);
	}
}
