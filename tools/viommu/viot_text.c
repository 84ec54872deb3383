// SPDX-License-Identifier: GPL-2.0
/*
 * A table as text that people read, and its findings.
 *
 * All that comes from the table is a number, or goes through put_text().
 */

#include <string.h>

#include <asm/byteorder.h>

#include "viot.h"

/* More findings than these are for --lint; more segments for --json. */
#define FINDINGS_SHOWN	20
#define SEGMENTS_SHOWN	8

/*
 * Findings
 */

static void put_range_node(const struct viot_raw *node, FILE *out)
{
	struct viot_wire_pci_range pci;

	memcpy(&pci, node->bytes, sizeof(pci));
	fprintf(out, "PCI %s - %s, endpoint 0x%x",
		pci_name(le16_to_cpu(pci.segment_start), le16_to_cpu(pci.bdf_start)),
		pci_name(le16_to_cpu(pci.segment_end), le16_to_cpu(pci.bdf_end)),
		le32_to_cpu(pci.endpoint_start));
}

static void put_mmio_node(const struct viot_raw *node, FILE *out)
{
	struct viot_wire_mmio mmio;

	memcpy(&mmio, node->bytes, sizeof(mmio));
	fprintf(out, "MMIO 0x%llx, endpoint 0x%x", le64_to_cpu(mmio.base_address),
		le32_to_cpu(mmio.endpoint));
}

static void put_iommu_node(const struct viot_raw *node, FILE *out)
{
	struct viot_wire_iommu_pci pci;
	struct viot_wire_iommu_mmio mmio;

	memcpy(&pci, node->bytes, sizeof(pci));
	memcpy(&mmio, node->bytes, sizeof(mmio));
	if (node->type == VIOT_NODE_VIRTIO_IOMMU_PCI)
		fprintf(out, "IOMMU %s", pci_name(le16_to_cpu(pci.segment),
						  le16_to_cpu(pci.bdf)));
	else
		fprintf(out, "IOMMU 0x%llx", le64_to_cpu(mmio.base_address));
}

/* A place in the table, and what lies there if that can be told. */
static void put_place(const struct viot_doc *doc, u32 offset, FILE *out)
{
	struct viot_raw node;

	fprintf(out, "%u", offset);
	if (offset < sizeof(struct viot_wire_header)) {
		fputs(" (header)", out);
		return;
	}
	if (!doc_node(doc, offset, &node) || node.len < doc_type_bytes(node.type))
		return;
	fputs(" (", out);
	if (node.type == VIOT_NODE_PCI_RANGE)
		put_range_node(&node, out);
	else if (node.type == VIOT_NODE_MMIO)
		put_mmio_node(&node, out);
	else if (doc_type_bytes(node.type))
		put_iommu_node(&node, out);
	else
		fprintf(out, "type %u", node.type);
	putc(')', out);
}

/* Of findings about an output_node, @other is what is in there, maybe no node. */
static void put_finding(const struct viot_doc *doc, const struct viot_finding *f,
			FILE *out)
{
	fputs("at ", out);
	put_place(doc, f->offset, out);
	fprintf(out, ": %s: %s", viot_severity_name(f->severity),
		viot_finding_text(f->code));
	if (f->code == VIOT_BAD_OUTPUT) {
		fprintf(out, "; output_node is %u", f->other);
	} else if (f->other) {
		fputs("; the other: at ", out);
		put_place(doc, f->other, out);
	}
	putc('\n', out);
}

static void put_count(size_t nr, const char *what, FILE *out)
{
	fprintf(out, "%zu %s%s", nr, what, nr == 1 ? "" : "s");
}

static void put_counts(const struct viot_doc *doc, FILE *out)
{
	put_count(doc->nr_of[VIOT_ERROR], "error", out);
	fputs(", ", out);
	put_count(doc->nr_of[VIOT_WARNING], "warning", out);
	fputs(", ", out);
	put_count(doc->nr_of[VIOT_NOTE], "note", out);
}

/**
 * viot_lint - write all findings, one a line, and their number
 * @doc: decoded document
 * @name: what each line starts with, the file's
 * @out: where to
 */
void viot_lint(const struct viot_doc *doc, const char *name, FILE *out)
{
	size_t i;

	for (i = 0; i < doc->nr_findings; i++) {
		fprintf(out, "%s: ", name);
		put_finding(doc, &doc->findings[i], out);
	}
	fprintf(out, "%s: ", name);
	put_counts(doc, out);
	putc('\n', out);
}

static void put_findings(const struct viot_doc *doc, FILE *out)
{
	size_t i;

	put_counts(doc, out);
	fputs(doc->nr_findings ? ":\n" : "\n", out);
	for (i = 0; i < doc->nr_findings && i < FINDINGS_SHOWN; i++) {
		fputs("  ", out);
		put_finding(doc, &doc->findings[i], out);
	}
	if (i < doc->nr_findings)
		fprintf(out, "  and %zu more: --lint has them all\n",
			doc->nr_findings - i);
}

/*
 * The table
 */

/* Without what fills it up. */
static void put_padded(const u8 *bytes, size_t len, FILE *out)
{
	while (len && (bytes[len - 1] == ' ' || !bytes[len - 1]))
		len--;
	putc('"', out);
	put_text(out, bytes, len);
	putc('"', out);
}

static void put_header(const struct viot_doc *doc, FILE *out)
{
	struct viot_wire_header h;

	if (!doc_header(doc, &h)) {
		fprintf(out, "%zu bytes, too few for a VIOT\n", doc->bytes.len);
		return;
	}
	put_text(out, h.signature, sizeof(h.signature));
	fprintf(out, " revision %u, %u bytes, ", h.revision, le32_to_cpu(h.length));
	if (doc->decoded)
		fprintf(out, "checksum %s, ", doc->checksum_good ? "good" : "bad");
	put_count(le16_to_cpu(h.node_count), "node", out);
	fputs("\nOEM ", out);
	put_padded(h.oem_id, sizeof(h.oem_id), out);
	fputs(", table ", out);
	put_padded(h.oem_table_id, sizeof(h.oem_table_id), out);
	fprintf(out, " revision %u, made by ", le32_to_cpu(h.oem_revision));
	put_padded(h.creator_id, sizeof(h.creator_id), out);
	fprintf(out, " revision 0x%x\n", le32_to_cpu(h.creator_revision));
}

/* Whether each ID is just the BDF, as most hypervisors choose. */
static bool ids_are_bdfs(const struct viot_pci_range *r, u32 nr)
{
	for (; nr; nr--, r++)
		if (r->segment_start != r->segment_last ||
		    r->endpoint_start != r->bdf_start)
			return false;
	return true;
}

/* What two columns have: a range, or one thing that stands for itself. */
static void put_row(const char *first, const char *last, u32 id, u32 last_id,
		    u32 node, FILE *out)
{
	char what[64], ids[32];

	snprintf(what, sizeof(what), "%s%s%s", first, last ? " - " : "", last ?: "");
	if (id == last_id)
		snprintf(ids, sizeof(ids), "0x%x", id);
	else
		snprintf(ids, sizeof(ids), "0x%x - 0x%x", id, last_id);
	fprintf(out, "  %-27s  %-23s %6u\n", what, ids, node);
}

/* One segment's part of a range. */
static void put_segment(const struct viot_pci_range *r, u32 segment, FILE *out)
{
	u32 id = r->endpoint_start + ((segment - r->segment_start) << 16);
	u32 bdfs = r->bdf_last - r->bdf_start;

	put_row(pci_name(segment, r->bdf_start),
		bdfs ? pci_name(segment, r->bdf_last) : NULL, id, id + bdfs,
		r->offset, out);
}

static void put_range(const struct viot_pci_range *r, FILE *out)
{
	u32 segment;

	for (segment = r->segment_start; segment < r->segment_last; segment++) {
		if (segment - r->segment_start == SEGMENTS_SHOWN - 1) {
			fputs("  ... likewise in each segment, IDs 0x10000 further each time\n",
			      out);
			break;
		}
		put_segment(r, segment, out);
	}
	put_segment(r, r->segment_last, out);
}

static bool range_has(const struct viot_pci_range *r, u64 address)
{
	u32 segment = address >> 16;
	u16 bdf = address;

	return segment >= r->segment_start && segment <= r->segment_last &&
	       bdf >= r->bdf_start && bdf <= r->bdf_last;
}

static void put_ranges(const struct viot_pci_range *r, u32 nr, FILE *out)
{
	fprintf(out, "  %-27s  %-23s %6s\n", "PCI functions",
		ids_are_bdfs(r, nr) ? "endpoint IDs = BDFs" : "endpoint IDs", "node");
	for (; nr; nr--, r++)
		put_range(r, out);
}

static void put_mmios(const struct viot_mmio *m, u32 nr, FILE *out)
{
	char base[32];

	fprintf(out, "  %-27s  %-23s %6s\n", "devices at", "endpoint ID", "node");
	for (; nr; nr--, m++) {
		snprintf(base, sizeof(base), "0x%llx", m->base);
		put_row(base, NULL, m->endpoint, m->endpoint, m->offset, out);
	}
}

/* What becomes of the DMA of an IOMMU that is in its own range or another's. */
static void put_self(const struct viot_doc *doc, const struct viot_section *s,
		     FILE *out)
{
	const struct viot_iommu *self = s->iommu;
	struct viot_endpoint ep;
	u32 i;

	if (self->kind != VIOT_IOMMU_PCI)
		return;
	if (viot_lookup_pci(doc->table, self->address >> 16, self->address, &ep)) {
		fprintf(out, "  It is itself endpoint 0x%x of IOMMU %s.\n", ep.id,
			iommu_name(&doc->table->iommus[ep.iommu]));
		return;
	}
	for (i = 0; i < s->nr_pci; i++)
		if (range_has(&s->pci[i], self->address))
			fprintf(out, "  Of these, %s is the IOMMU itself: not translated.\n",
				iommu_name(self));
}

static void put_section(const struct viot_doc *doc, const struct viot_section *s,
			FILE *out)
{
	fprintf(out, "\nIOMMU %s (%s, node %u)\n", iommu_name(s->iommu),
		s->iommu->kind == VIOT_IOMMU_PCI ? "PCI" : "MMIO", s->iommu->offset);
	if (s->nr_pci)
		put_ranges(s->pci, s->nr_pci, out);
	put_self(doc, s, out);
	if (s->nr_mmio)
		put_mmios(s->mmio, s->nr_mmio, out);
	if (!s->nr_pci && !s->nr_mmio)
		fputs("  Nothing is behind it.\n", out);
}

/**
 * viot_text - write a table for people
 * @doc: decoded document
 * @out: where to
 */
void viot_text(const struct viot_doc *doc, FILE *out)
{
	struct viot_section s = { 0 };

	put_header(doc, out);
	while (doc_next(doc, &s))
		put_section(doc, &s, out);
	if (doc->decoded)
		fputs(s.iommu ? "\nNothing else is behind an IOMMU.\n" :
				"\nThere is no IOMMU.\n", out);
	putc('\n', out);
	put_findings(doc, out);
}
