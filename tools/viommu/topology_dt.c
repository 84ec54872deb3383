// SPDX-License-Identifier: GPL-2.0
/*
 * The device tree, as /sys/firmware/devicetree/base has it: which of its nodes
 * are IOMMUs, and what "iommu-map" and "iommus" say of an ID.
 *
 * Properties are big-endian cells of 32 bits. They may have any length and any
 * content; what cannot be meant is DT_BROKEN.
 */

#include <stdlib.h>
#include <string.h>

#include "topology.h"

/* Nodes within each other; hardware has less than ten. */
#define DT_MAX_DEPTH		32

#define DT_ROOT			"firmware/devicetree/base"

#define MAP_ENTRY_CELLS		4

/**
 * dt_cell - read a cell of a property
 * @property: bytes
 * @index: of the cell
 * @cell: its value
 *
 * Return: false if it lies behind the end.
 */
bool dt_cell(const struct blob *property, size_t index, u32 *cell)
{
	const u8 *p = property->bytes;

	if (index >= property->len / 4)
		return false;
	p += index * 4;
	*cell = (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
	return true;
}

/* One entry: first ID on the bus, IOMMU, ID there, and how many. */
static enum dt_answer dt_map_entry(const struct blob *map, size_t index, u32 mask,
				   u32 rid, struct dt_id *id)
{
	u32 first, phandle, base, length;

	if (!dt_cell(map, index, &first) || !dt_cell(map, index + 1, &phandle) ||
	    !dt_cell(map, index + 2, &base) || !dt_cell(map, index + 3, &length))
		return DT_BROKEN;
	if (first & ~mask)
		return DT_BROKEN;
	if (rid < first || rid - first >= length)
		return DT_NOTHING;
	*id = (struct dt_id){ phandle, base + (rid - first) };
	return id->id < base ? DT_BROKEN : DT_FOUND;
}

/**
 * dt_map - ask an iommu-map for a function
 * @map: the property
 * @mask: iommu-map-mask; all ones without one
 * @rid: bus << 8 | device << 3 | function
 * @id: what it is mapped to
 *
 * The first entry that has it counts, and one that cannot be meant ends the
 * search; Documentation/devicetree/bindings/pci/pci-iommu.txt.
 *
 * Return: the answer; @id is only filled in with DT_FOUND.
 */
enum dt_answer dt_map(const struct blob *map, u32 mask, u32 rid, struct dt_id *id)
{
	enum dt_answer answer = DT_NOTHING;
	size_t i;

	if (map->len % (4 * MAP_ENTRY_CELLS))
		return DT_BROKEN;
	for (i = 0; answer == DT_NOTHING && i < map->len / 4; i += MAP_ENTRY_CELLS)
		answer = dt_map_entry(map, i, mask, rid & mask, id);
	return answer;
}

static bool dt_number(struct topology *t, const char *dir, const char *name, u32 *value)
{
	struct blob b;
	bool found;

	if (topo_read(t, topo_say(t, "sys/%s/%s", dir, name), DT_MAX_PROPERTY, &b))
		return false;
	found = b.len == 4 && dt_cell(&b, 0, value);
	blob_free(&b);
	return found;
}

/* Does one of the strings of "compatible" start so? */
static bool dt_compatible(struct topology *t, const char *dir, const char *start)
{
	size_t at, len = strlen(start);
	bool found = false;
	struct blob b;

	if (topo_read(t, topo_say(t, "sys/%s/compatible", dir), DT_MAX_PROPERTY, &b))
		return false;
	for (at = 0; !found && at < b.len; at += strnlen((char *)b.bytes + at, b.len - at) + 1)
		found = b.len - at >= len && !memcmp(b.bytes + at, start, len);
	blob_free(&b);
	return found;
}

static void dt_add(struct topology *t, const char *dir)
{
	struct dt_node node = { 0 }, *kept;
	const char *status;

	if (!dt_number(t, dir, "#iommu-cells", &node.cells) ||
	    !dt_number(t, dir, "phandle", &node.phandle))
		return;
	status = topo_string(t, dir, "status");
	node.disabled = status && strcmp(status, "okay") && strcmp(status, "ok");
	node.is_virtio = dt_compatible(t, dir, "virtio,") ||
			 dt_compatible(t, dir, "pci1af4,1057");
	node.path = topo_say(t, "%s", dir + strlen(DT_ROOT));
	kept = topo_alloc(t, sizeof(*kept));
	*kept = node;
	topo_add(&t->nodes, kept);
}

static void dt_walk(struct topology *t, const char *dir, unsigned int depth)
{
	struct topo_list children;
	const char *child;

	if (!topo_folders(t, dir, &children))
		return;
	if (depth)
		dt_add(t, dir);
	if (depth == DT_MAX_DEPTH)
		topo_note(t, "the device tree is too deep; what is below is left out");
	else
		topo_for_each(child, &children)
			dt_walk(t, topo_say(t, "%s/%s", dir, child), depth + 1);
	free(children.items);
}

/**
 * dt_scan - find the IOMMUs of the device tree
 * @t: topology
 */
void dt_scan(struct topology *t)
{
	struct topo_list names;

	/* The directory is there without a tree, and then it is empty. */
	t->has_tree = topo_names(t, DT_ROOT, &names) && names.nr;
	free(names.items);
	if (t->has_tree)
		dt_walk(t, DT_ROOT, 0);
}

/**
 * dt_find - find the IOMMU that a phandle means
 * @t: topology, scanned
 * @phandle: of its node
 *
 * Return: the node, or NULL.
 */
const struct dt_node *dt_find(const struct topology *t, u32 phandle)
{
	const struct dt_node *node;

	topo_for_each(node, &t->nodes)
		if (node->phandle == phandle)
			return node;
	return NULL;
}
