// SPDX-License-Identifier: GPL-2.0
/*
 * A table as the description that viot_build() makes the same bytes of: in
 * words as far as there are such, in hexadecimal for the rest.
 */

#include <stdlib.h>
#include <string.h>

#include <asm/byteorder.h>

#include "viot.h"

static void put_hex(const u8 *bytes, size_t len, FILE *out)
{
	for (; len; len--, bytes++)
		fprintf(out, " %02x", *bytes);
	putc('\n', out);
}

static void put_string(const char *keyword, const void *bytes, size_t len, FILE *out)
{
	fprintf(out, "%s \"", keyword);
	put_text(out, bytes, len);
	fputs("\"\n", out);
}

static bool zero(const u8 *bytes, size_t len)
{
	for (; len; len--, bytes++)
		if (*bytes)
			return false;
	return true;
}

/*
 * Nodes
 */

/* A node that has words: its length is its type's, and reserved bytes are 0. */
static bool has_words(const struct viot_raw *node)
{
	if (node->len != doc_type_bytes(node->type) || node->bytes[1])
		return false;
	switch (node->type) {
	case VIOT_NODE_PCI_RANGE:
	case VIOT_NODE_MMIO:
		return zero(node->bytes + offsetof(struct viot_wire_mmio, reserved), 6);
	case VIOT_NODE_VIRTIO_IOMMU_PCI:
		return zero(node->bytes + offsetof(struct viot_wire_iommu_pci, reserved), 8);
	case VIOT_NODE_VIRTIO_IOMMU_MMIO:
		return zero(node->bytes + offsetof(struct viot_wire_iommu_mmio, reserved), 4);
	}
	return false;
}

static bool is_iommu(const struct viot_raw *node)
{
	return node->type == VIOT_NODE_VIRTIO_IOMMU_PCI ||
	       node->type == VIOT_NODE_VIRTIO_IOMMU_MMIO;
}

/* IOMMUs that have words, by offset: their names are iommu0, iommu1, ... */
struct named {
	u32	*offsets;
	size_t	nr;
};

static int compare_offsets(const void *a, const void *b)
{
	u32 l = *(const u32 *)a, r = *(const u32 *)b;

	return l < r ? -1 : l > r;
}

/* The number in the name of the IOMMU at @offset, -1 if it has none. */
static long named_number(const struct named *named, u32 offset)
{
	const u32 *at = named->nr ? bsearch(&offset, named->offsets, named->nr,
					    sizeof(offset), compare_offsets) : NULL;

	return at ? at - named->offsets : -1;
}

static void put_output(const struct named *named, __le16 output, FILE *out)
{
	long number = named_number(named, le16_to_cpu(output));

	if (number < 0)
		fprintf(out, " output %u\n", le16_to_cpu(output));
	else
		fprintf(out, " behind iommu%ld\n", number);
}

/* One end of a range, as a bus where the whole range is of such. */
static void put_end(__le16 segment, __le16 bdf, bool bus, FILE *out)
{
	if (bus)
		fprintf(out, "%04x:%02x", le16_to_cpu(segment), le16_to_cpu(bdf) >> 8);
	else
		fputs(pci_name(le16_to_cpu(segment), le16_to_cpu(bdf)), out);
}

static void put_pci_range(const struct viot_raw *node, const struct named *named,
			  FILE *out)
{
	struct viot_wire_pci_range wire;
	u16 first, last;
	bool buses;

	memcpy(&wire, node->bytes, sizeof(wire));
	first = le16_to_cpu(wire.bdf_start);
	last = le16_to_cpu(wire.bdf_end);
	buses = !(first & 0xff) && (last & 0xff) == 0xff;
	fputs("pci ", out);
	put_end(wire.segment_start, wire.bdf_start, buses, out);
	if (wire.segment_start != wire.segment_end ||
	    (buses ? first >> 8 != last >> 8 : first != last)) {
		fputs(" - ", out);
		put_end(wire.segment_end, wire.bdf_end, buses, out);
	}
	fprintf(out, " endpoint 0x%x", le32_to_cpu(wire.endpoint_start));
	put_output(named, wire.output_node, out);
}

static void put_mmio(const struct viot_raw *node, const struct named *named, FILE *out)
{
	struct viot_wire_mmio wire;

	memcpy(&wire, node->bytes, sizeof(wire));
	fprintf(out, "mmio 0x%llx endpoint 0x%x", le64_to_cpu(wire.base_address),
		le32_to_cpu(wire.endpoint));
	put_output(named, wire.output_node, out);
}

static void put_iommu(const struct viot_raw *node, const struct named *named, FILE *out)
{
	struct viot_wire_iommu_mmio mmio;
	struct viot_wire_iommu_pci pci;

	memcpy(&mmio, node->bytes, sizeof(mmio));
	memcpy(&pci, node->bytes, sizeof(pci));
	fprintf(out, "iommu iommu%ld ", named_number(named, node->offset));
	if (node->type == VIOT_NODE_VIRTIO_IOMMU_MMIO)
		fprintf(out, "mmio 0x%llx\n", le64_to_cpu(mmio.base_address));
	else
		fprintf(out, "pci %s\n", pci_name(le16_to_cpu(pci.segment),
						  le16_to_cpu(pci.bdf)));
}

static void put_node(const struct viot_raw *node, const struct named *named, FILE *out)
{
	if (!has_words(node)) {
		fputs("raw", out);
		put_hex(node->bytes, node->len, out);
	} else if (is_iommu(node)) {
		put_iommu(node, named, out);
	} else if (node->type == VIOT_NODE_MMIO) {
		put_mmio(node, named, out);
	} else {
		put_pci_range(node, named, out);
	}
}

/*
 * The table
 */

/* The node that a walk comes to. */
static bool step(struct viot_walk *w, struct viot_raw *node)
{
	struct viot_wire_node head;

	if (!viot_walk_step(w, &head, &node->offset))
		return false;
	node->bytes = w->bytes + node->offset;
	node->type = head.type;
	node->len = le16_to_cpu(head.length);
	return true;
}

static struct named name_iommus(struct viot_walk w)
{
	struct named named = { xrealloc(NULL, w.left * sizeof(*named.offsets)), 0 };
	struct viot_raw node;

	while (step(&w, &node))
		if (is_iommu(&node) && has_words(&node))
			named.offsets[named.nr++] = node.offset;
	return named;
}

/* Those bytes from @offset to @end that are no node. */
static void put_bytes(const struct viot_doc *doc, u32 offset, u32 end, FILE *out)
{
	u32 len;

	for (; offset < end; offset += len) {
		len = end - offset < 16 ? end - offset : 16;
		fputs("bytes", out);
		put_hex(doc->bytes.bytes + offset, len, out);
	}
}

static void put_header(const struct viot_doc *doc, const struct viot_wire_header *h,
		       FILE *out)
{
	if (doc->nr_of[VIOT_ERROR])
		fputs("broken\n", out);
	if (memcmp(h->signature, VIOT_SIGNATURE, sizeof(h->signature)))
		put_string("signature", h->signature, sizeof(h->signature), out);
	if (h->revision)
		fprintf(out, "revision %u\n", h->revision);
	put_string("oem-id", h->oem_id, sizeof(h->oem_id), out);
	put_string("oem-table-id", h->oem_table_id, sizeof(h->oem_table_id), out);
	fprintf(out, "oem-revision %u\n", le32_to_cpu(h->oem_revision));
	put_string("creator-id", h->creator_id, sizeof(h->creator_id), out);
	fprintf(out, "creator-revision 0x%x\n", le32_to_cpu(h->creator_revision));
	if (!zero(h->reserved, sizeof(h->reserved))) {
		fputs("reserved", out);
		put_hex(h->reserved, sizeof(h->reserved), out);
	}
}

/* Those bytes that are summed up: the table, or all there is of it. */
static u8 sum(const struct viot_doc *doc, u32 length)
{
	size_t i, end = length < doc->bytes.len ? length : doc->bytes.len;
	u8 result = 0;

	for (i = 0; i < end; i++)
		result += doc->bytes.bytes[i];
	return result;
}

/* What viot_build() would otherwise fill in, and differently. */
static void put_overrides(const struct viot_doc *doc, const struct viot_wire_header *h,
			  u32 nodes, FILE *out)
{
	u32 length = le32_to_cpu(h->length);

	if (length != doc->bytes.len)
		fprintf(out, "table-length %u\n", length);
	if (nodes != le16_to_cpu(h->node_count))
		fprintf(out, "node-count %u\n", le16_to_cpu(h->node_count));
	if (!nodes && le16_to_cpu(h->node_offset) != sizeof(*h))
		fprintf(out, "node-offset %u\n", le16_to_cpu(h->node_offset));
	if (sum(doc, length) || length <= offsetof(struct viot_wire_header, checksum))
		fprintf(out, "checksum %u\n", h->checksum);
}

/**
 * viot_spec - write a table's description
 * @doc: decoded document
 * @out: where to
 *
 * Return: false if there is not even a header; this has been said.
 */
bool viot_spec(const struct viot_doc *doc, FILE *out)
{
	u32 behind = sizeof(struct viot_wire_header), nodes = 0;
	struct viot_wire_header h;
	struct viot_raw node;
	struct named named;
	struct viot_walk w;

	if (!doc_header(doc, &h)) {
		complain("%zu bytes are too few for a table", doc->bytes.len);
		return false;
	}
	put_header(doc, &h, out);
	putc('\n', out);
	w = doc_walk(doc, &h);
	named = name_iommus(w);
	for (; step(&w, &node); nodes++, behind = node.offset + node.len) {
		put_bytes(doc, behind, node.offset, out);
		put_node(&node, &named, out);
	}
	put_bytes(doc, behind, doc->bytes.len, out);
	put_overrides(doc, &h, nodes, out);
	free(named.offsets);
	return true;
}
