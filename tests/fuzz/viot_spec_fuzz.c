// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the description of a table, and as a table. The builder must
 * do no harm, and whatever the bytes of a table are, their description must
 * give the same bytes again.
 */

#include <stdlib.h>
#include <string.h>

#include "../../tools/viommu/viot.h"

static FILE *nowhere;

static void describe_and_build(const struct blob *bytes)
{
	struct viot_doc doc = { 0 };
	struct blob spec = { 0 }, table;
	char *text;
	FILE *f;

	if (bytes->len < sizeof(struct viot_wire_header))
		return;
	blob_add(&doc.bytes, bytes->bytes, bytes->len);
	doc_decode(&doc);
	viot_text(&doc, nowhere);
	viot_json(&doc, nowhere);
	viot_lint(&doc, "fuzz", nowhere);
	f = open_memstream(&text, &spec.len);
	viot_spec(&doc, f);
	fclose(f);
	spec.bytes = (unsigned char *)text;
	if (!viot_build(&spec, "fuzz", &table, nowhere) || table.len != bytes->len ||
	    memcmp(table.bytes, bytes->bytes, table.len)) {
		fprintf(stderr, "built from this is not the same table:\n%s", text);
		viot_build(&spec, "fuzz", &table, stderr);
		abort();
	}
	blob_free(&table);
	doc_free(&doc);
	free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct blob input = { (u8 *)data, len, len }, table;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	if (viot_build(&input, "fuzz", &table, nowhere)) {
		describe_and_build(&table);
		blob_free(&table);
	}
	describe_and_build(&input);
	return 0;
}
