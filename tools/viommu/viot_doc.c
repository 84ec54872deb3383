// SPDX-License-Identifier: GPL-2.0
/*
 * A table that was read: decoded by the driver's own decoder, its findings
 * gathered, its endpoints sorted for people, and its nodes as they lie there.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <asm/byteorder.h>

#include "viot.h"

static void doc_report(const struct viot_finding *finding, void *ctx)
{
	struct viot_doc *doc = ctx;
	size_t nr = doc->nr_findings++;

	/* Twice the room when it is full, and it is full at each power of two. */
	if (!(nr & (nr - 1)))
		doc->findings = xrealloc(doc->findings,
					 2 * (nr + 1) * sizeof(*finding));
	doc->findings[nr] = *finding;
	doc->nr_of[finding->severity]++;
}

static int compare(u64 l, u64 r)
{
	return l < r ? -1 : l > r;
}

static int compare_findings(const void *a, const void *b)
{
	const struct viot_finding *l = a, *r = b;

	return compare(l->offset, r->offset) ?: compare(l->code, r->code) ?:
	       compare(l->other, r->other);
}

static int compare_pci(const void *a, const void *b)
{
	const struct viot_pci_range *l = a, *r = b;

	return compare(l->iommu, r->iommu) ?:
	       compare(l->segment_start, r->segment_start) ?:
	       compare(l->bdf_start, r->bdf_start);
}

static int compare_mmio(const void *a, const void *b)
{
	const struct viot_mmio *l = a, *r = b;

	return compare(l->iommu, r->iommu) ?: compare(l->base, r->base);
}

/* A sorted copy of an array, which may be empty. */
static void *sorted(const void *array, size_t nr, size_t size,
		    int (*cmp)(const void *a, const void *b))
{
	void *copy = xrealloc(NULL, nr * size);

	if (nr) {
		memcpy(copy, array, nr * size);
		qsort(copy, nr, size, cmp);
	}
	return copy;
}

/**
 * doc_decode - decode a table
 * @doc: whose @bytes are read, and all else is 0; doc_free() it
 */
void doc_decode(struct viot_doc *doc)
{
	const struct viot_sink sink = { doc_report, doc };
	const void *acpi = doc->bytes.bytes;
	size_t len = doc->bytes.len;
	size_t size = viot_table_size(acpi, len);

	doc->table = xrealloc(NULL, size);
	doc->decoded = !viot_table_parse(acpi, len, doc->table, size, &sink);
	doc->checksum_good = viot_check_checksum(acpi, len, &sink);
	if (doc->nr_findings)
		qsort(doc->findings, doc->nr_findings, sizeof(*doc->findings),
		      compare_findings);
	doc->pci = sorted(doc->table->pci, doc->table->nr.pci, sizeof(*doc->pci),
			  compare_pci);
	doc->mmio = sorted(doc->table->mmio, doc->table->nr.mmio,
			   sizeof(*doc->mmio), compare_mmio);
}

/**
 * doc_free - free what a document has
 * @doc: may be used again
 */
void doc_free(struct viot_doc *doc)
{
	blob_free(&doc->bytes);
	free(doc->table);
	free(doc->pci);
	free(doc->mmio);
	free(doc->findings);
	*doc = (struct viot_doc){ 0 };
}

/**
 * doc_next - go through the IOMMUs, each with what is behind it
 * @doc: decoded document
 * @s: all 0 before the first; then left as it is
 *
 * Return: false if there are no more; @s is then the last.
 */
bool doc_next(const struct viot_doc *doc, struct viot_section *s)
{
	const struct viot_counts *nr = &doc->table->nr;
	u32 next = s->iommu ? s->iommu - doc->table->iommus + 1 : 0;

	if (next == nr->iommus)
		return false;
	s->pci = s->iommu ? s->pci + s->nr_pci : doc->pci;
	s->mmio = s->iommu ? s->mmio + s->nr_mmio : doc->mmio;
	s->iommu = &doc->table->iommus[next];
	for (s->nr_pci = 0; s->pci + s->nr_pci < doc->pci + nr->pci; s->nr_pci++)
		if (s->pci[s->nr_pci].iommu != next)
			break;
	for (s->nr_mmio = 0; s->mmio + s->nr_mmio < doc->mmio + nr->mmio; s->nr_mmio++)
		if (s->mmio[s->nr_mmio].iommu != next)
			break;
	return true;
}

/**
 * doc_header - the header, whatever there is in it
 * @doc: document
 * @header: where it goes
 *
 * Return: false if there are not enough bytes for one.
 */
bool doc_header(const struct viot_doc *doc, struct viot_wire_header *header)
{
	if (doc->bytes.len < sizeof(*header))
		return false;
	memcpy(header, doc->bytes.bytes, sizeof(*header));
	return true;
}

/**
 * doc_type_bytes - the length of nodes of a type
 * @type: any
 *
 * Return: bytes, 0 for an unknown type.
 */
u32 doc_type_bytes(u8 type)
{
	switch (type) {
	case VIOT_NODE_PCI_RANGE:
		return sizeof(struct viot_wire_pci_range);
	case VIOT_NODE_MMIO:
		return sizeof(struct viot_wire_mmio);
	case VIOT_NODE_VIRTIO_IOMMU_PCI:
		return sizeof(struct viot_wire_iommu_pci);
	case VIOT_NODE_VIRTIO_IOMMU_MMIO:
		return sizeof(struct viot_wire_iommu_mmio);
	}
	return 0;
}

/* How much of the file is the table. */
static u32 doc_end(const struct viot_doc *doc, const struct viot_wire_header *header)
{
	u32 length = le32_to_cpu(header->length);

	return length < doc->bytes.len ? length : doc->bytes.len;
}

/**
 * doc_walk - begin a walk over the nodes
 * @doc: document
 * @header: from doc_header()
 *
 * Return: the walk; it has no nodes if node_offset is not behind the header.
 */
struct viot_walk doc_walk(const struct viot_doc *doc,
			  const struct viot_wire_header *header)
{
	struct viot_walk w = {
		.bytes = doc->bytes.bytes,
		.end = doc_end(doc, header),
		.offset = le16_to_cpu(header->node_offset),
		.left = le16_to_cpu(header->node_count),
	};

	if (w.offset < sizeof(*header) || w.offset > w.end) {
		w.offset = w.end;
		w.left = 0;
	}
	return w;
}

/**
 * doc_node - a node by its place
 * @doc: document
 * @offset: any
 * @node: where the answer goes
 *
 * Return: false if there is none of a plausible length in the table.
 */
bool doc_node(const struct viot_doc *doc, u32 offset, struct viot_raw *node)
{
	struct viot_wire_header header;
	struct viot_wire_node head;
	u32 end = doc_header(doc, &header) ? doc_end(doc, &header) : 0;

	if (offset > end || end - offset < sizeof(head))
		return false;
	node->offset = offset;
	node->bytes = doc->bytes.bytes + offset;
	memcpy(&head, node->bytes, sizeof(head));
	node->type = head.type;
	node->len = le16_to_cpu(head.length);
	return node->len >= sizeof(head) && node->len <= end - offset;
}
