/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command "viot": a table that was read, what the driver's own decoder
 * makes of it, and the ways to show it; and the making of tables.
 *
 * Vocabulary: the decoder's (viot_index.h). A "node" is known by its offset in
 * the table, in findings and in what is printed.
 */
#ifndef _VIOT_H
#define _VIOT_H

#include "viot_table.h"
#include "viommu.h"

/* More than 65535 nodes can need, of types that anybody has thought of. */
#define VIOT_MAX_BYTES		(16 << 20)

/**
 * struct viot_doc - a table, decoded
 * @bytes: the table as it was read, maybe anything else
 * @table: what the decoder made of it; empty if that is nothing
 * @pci: its PCI ranges by IOMMU, then as people count; see doc_next()
 * @mmio: likewise
 * @decoded: whether it has the header of a VIOT
 * @checksum_good: whether the bytes of a decoded table add up to 0
 * @findings: all of them, by offset
 * @nr_findings: how many
 * @nr_of: how many of each severity
 */
struct viot_doc {
	struct blob		bytes;
	struct viot_table	*table;
	struct viot_pci_range	*pci;
	struct viot_mmio	*mmio;
	bool			decoded;
	bool			checksum_good;
	struct viot_finding	*findings;
	size_t			nr_findings;
	size_t			nr_of[VIOT_ERROR + 1];
};

void doc_decode(struct viot_doc *doc);
void doc_free(struct viot_doc *doc);
bool doc_header(const struct viot_doc *doc, struct viot_wire_header *header);

/**
 * struct viot_raw - a node as it lies in the table
 * @offset: where
 * @len: of all of it, as it says itself
 * @type: likewise; whether @len is enough for it is not looked at
 * @bytes: in the table, @len of them
 */
struct viot_raw {
	u32		offset;
	u16		len;
	u8		type;
	const u8	*bytes;
};

struct viot_walk doc_walk(const struct viot_doc *doc,
			  const struct viot_wire_header *header);
bool doc_node(const struct viot_doc *doc, u32 offset, struct viot_raw *node);
u32 doc_type_bytes(u8 type);

/**
 * struct viot_section - an IOMMU and what is behind it
 * @iommu: the IOMMU; NULL before the first
 * @pci: its ranges of PCI functions
 * @nr_pci: how many
 * @mmio: its other endpoints
 * @nr_mmio: how many
 */
struct viot_section {
	const struct viot_iommu		*iommu;
	const struct viot_pci_range	*pci;
	u32				nr_pci;
	const struct viot_mmio		*mmio;
	u32				nr_mmio;
};

bool doc_next(const struct viot_doc *doc, struct viot_section *s);

/* How things are called. */
#define NAME_BYTES	48

/* An expression, so that several may be printed in one call. */
#define pci_name(segment, bdf) \
	put_pci_name((char[NAME_BYTES]) { "" }, segment, bdf)
#define iommu_name(iommu) \
	put_iommu_name((char[NAME_BYTES]) { "" }, iommu)

const char *put_pci_name(char *buf, u32 segment, u16 bdf);
const char *put_iommu_name(char *buf, const struct viot_iommu *iommu);
const char *viot_severity_name(enum viot_severity severity);
const char *viot_code_name(enum viot_code code);

/* The ways to show a table. */
void viot_text(const struct viot_doc *doc, FILE *out);
void viot_json(const struct viot_doc *doc, FILE *out);
void viot_lint(const struct viot_doc *doc, const char *name, FILE *out);
bool viot_spec(const struct viot_doc *doc, FILE *out);
int viot_find(const struct viot_doc *doc, const char *device, FILE *out);

/* The making of one. */
bool viot_build(const struct blob *spec, const char *name, struct blob *table,
		FILE *complaints);
int cmd_viot_build(int argc, char **argv);

/* Reading what people write. */
bool parse_u64(const char *s, u64 max, u64 *value);
bool parse_pci(const char *s, u16 *segment, u16 *first, u16 *last);

#endif /* _VIOT_H */
