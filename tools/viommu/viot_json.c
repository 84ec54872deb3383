// SPDX-License-Identifier: GPL-2.0
/*
 * A table as JSON, for programs: Documentation/admin-guide/viommu.rst has the
 * keys, which stay as they are.
 */

#include <asm/byteorder.h>

#include "json.h"
#include "viot.h"

static void key_u64(struct json *j, const char *key, u64 value)
{
	json_key(j, key);
	json_u64(j, value);
}

static void key_string(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	json_string(j, value);
}

static void key_text(struct json *j, const char *key, const void *bytes, size_t len)
{
	json_key(j, key);
	json_bytes(j, bytes, len);
}

static void json_header(struct json *j, const struct viot_doc *doc)
{
	struct viot_wire_header h;

	json_key(j, "table");
	if (!doc_header(doc, &h)) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	key_text(j, "signature", h.signature, sizeof(h.signature));
	key_u64(j, "length", le32_to_cpu(h.length));
	key_u64(j, "revision", h.revision);
	key_u64(j, "checksum", h.checksum);
	json_key(j, "checksum_good");
	json_bool(j, doc->checksum_good);
	key_text(j, "oem_id", h.oem_id, sizeof(h.oem_id));
	key_text(j, "oem_table_id", h.oem_table_id, sizeof(h.oem_table_id));
	key_u64(j, "oem_revision", le32_to_cpu(h.oem_revision));
	key_text(j, "creator_id", h.creator_id, sizeof(h.creator_id));
	key_u64(j, "creator_revision", le32_to_cpu(h.creator_revision));
	key_u64(j, "node_count", le16_to_cpu(h.node_count));
	key_u64(j, "node_offset", le16_to_cpu(h.node_offset));
	json_object_end(j);
}

static void json_pci_range(struct json *j, const struct viot_pci_range *r)
{
	json_object_begin(j);
	key_u64(j, "node", r->offset);
	key_string(j, "first", pci_name(r->segment_start, r->bdf_start));
	key_string(j, "last", pci_name(r->segment_last, r->bdf_last));
	key_u64(j, "segment_first", r->segment_start);
	key_u64(j, "segment_last", r->segment_last);
	key_u64(j, "bdf_first", r->bdf_start);
	key_u64(j, "bdf_last", r->bdf_last);
	key_u64(j, "endpoint_first", r->endpoint_start);
	json_object_end(j);
}

static void json_mmio(struct json *j, const struct viot_mmio *m)
{
	json_object_begin(j);
	key_u64(j, "node", m->offset);
	json_key(j, "address");
	json_hex(j, m->base);
	key_u64(j, "endpoint", m->endpoint);
	json_object_end(j);
}

static void json_section(struct json *j, const struct viot_section *s)
{
	bool pci = s->iommu->kind == VIOT_IOMMU_PCI;
	u32 i;

	json_object_begin(j);
	key_u64(j, "node", s->iommu->offset);
	key_string(j, "kind", pci ? "pci" : "mmio");
	key_string(j, pci ? "function" : "address", iommu_name(s->iommu));
	json_key(j, "pci");
	json_array_begin(j);
	for (i = 0; i < s->nr_pci; i++)
		json_pci_range(j, &s->pci[i]);
	json_array_end(j);
	json_key(j, "mmio");
	json_array_begin(j);
	for (i = 0; i < s->nr_mmio; i++)
		json_mmio(j, &s->mmio[i]);
	json_array_end(j);
	json_object_end(j);
}

static void json_finding(struct json *j, const struct viot_finding *f)
{
	const char *code = viot_code_name(f->code);

	json_object_begin(j);
	key_string(j, "severity", viot_severity_name(f->severity));
	key_string(j, "code", code ?: "OTHER");
	key_u64(j, "offset", f->offset);
	json_key(j, "other");
	if (f->other || f->code == VIOT_BAD_OUTPUT)
		json_u64(j, f->other);
	else
		json_null(j);
	key_string(j, "text", viot_finding_text(f->code));
	json_object_end(j);
}

/**
 * viot_json - write a table for programs
 * @doc: decoded document
 * @out: where to
 */
void viot_json(const struct viot_doc *doc, FILE *out)
{
	struct viot_section s = { 0 };
	struct json j;
	size_t i;

	json_init(&j, out);
	json_object_begin(&j);
	json_header(&j, doc);
	json_key(&j, "decoded");
	json_bool(&j, doc->decoded);
	json_key(&j, "iommus");
	json_array_begin(&j);
	while (doc_next(doc, &s))
		json_section(&j, &s);
	json_array_end(&j);
	json_key(&j, "findings");
	json_array_begin(&j);
	for (i = 0; i < doc->nr_findings; i++)
		json_finding(&j, &doc->findings[i]);
	json_array_end(&j);
	json_object_end(&j);
}
