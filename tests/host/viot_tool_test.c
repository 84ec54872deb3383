// SPDX-License-Identifier: GPL-2.0
/*
 * What "viommu viot" does to tables: the language of its builder, each
 * complaint of it with the line, tables that are wrong on purpose, and the
 * way back from any table to a description that gives the same bytes.
 */

#include "check.h"
#include "viot_build.h"
#include "viot_fixtures.h"
#include "../../tools/viommu/viot.h"

/* With sanitizers and on a slow machine. */
#define SECONDS_AT_MOST	2.0

/* What the builder said last. */
static char *said;

static bool build_spec(const void *text, size_t len, struct blob *table)
{
	struct blob spec = { (u8 *)text, len, len };
	size_t bytes;
	FILE *complaints;
	bool ok;

	free(said);
	complaints = open_memstream(&said, &bytes);
	ok = viot_build(&spec, "x", table, complaints);
	fclose(complaints);
	return ok;
}

static bool build_text(const char *text, struct blob *table)
{
	return build_spec(text, strlen(text), table);
}

static struct viot_doc decode(const void *bytes, size_t len)
{
	struct viot_doc doc = { 0 };

	blob_add(&doc.bytes, bytes, len);
	/* As long as it is, so that ASan sees a byte too much. */
	doc.bytes.bytes = xrealloc(doc.bytes.bytes, len);
	doc.bytes.room = len;
	doc_decode(&doc);
	return doc;
}

/*
 * Good descriptions
 */

/* The header that the builder makes, over one of the tests' own tables. */
static void seal(struct build *b)
{
	memcpy(b->bytes + 10, "VIOMMUVIRTUAL ", 14);
	build_put(b->bytes + 24, 1, 4);
	memcpy(b->bytes + 28, "VIOM", 4);
	build_put(b->bytes + 32, 1, 4);
	build_seal(b);
}

static void expect_table(const char *text, struct build *want)
{
	struct blob table;

	seal(want);
	if (EXPECT(build_text(text, &table))) {
		EXPECT_EQ(table.len, want->len);
		EXPECT(table.len == want->len &&
		       !memcmp(table.bytes, want->bytes, want->len));
		blob_free(&table);
	} else {
		check_note("%s", said);
	}
	free(want->bytes);
}

static void nothing_gives_an_empty_table(void)
{
	struct build b = build_table();

	expect_table("", &b);
	b = build_table();
	expect_table("\n  # nothing\n\t\n", &b);
}

static void every_kind_of_node(void)
{
	struct build b = build_table();

	build_iommu_pci(&b, 0x10, 0x0312);
	build_iommu_mmio(&b, 0x123456789abcdef0);
	build_pci(&b, 48, 0x40, 1, 3, 0x0008, 0x01ff);
	build_mmio(&b, 64, 4294967295U, 0xfffffffffffff000);
	expect_table("iommu one pci 0010:03:02.2\n"
		     "iommu two mmio 0x123456789ABCDEF0\n"
		     "pci 0001:00:01.0 - 0003:01:1f.7 endpoint 64 behind one\n"
		     "mmio 0xfffffffffffff000 endpoint 0xffffffff behind two", &b);
}

static void iommus_may_come_last(void)
{
	struct build b = build_table();

	build_pci(&b, 96, 0, 0, 0, 0, 0xff);
	build_mmio(&b, 112, 5, 0x1000);
	build_iommu_pci(&b, 0, 8);
	build_iommu_mmio(&b, 0x2000);
	expect_table("pci 0000:00 behind a\r\n"
		     "mmio 4096 behind b endpoint 5\r\n"
		     "iommu a pci 0000:00:01.0\r\n"
		     "iommu b mmio 8192\r\n", &b);
}

static void ways_to_write_a_range(void)
{
	static const struct {
		const char	*text;
		u32		id;
		u16		s0, s1, b0, b1;
	} rows[] = {
		{ "0000:01:02.3", 0x113, 0, 0, 0x113, 0x113 },
		{ "0000:01:02.3-0000:01:02.4", 0x113, 0, 0, 0x113, 0x114 },
		{ "0000:01:02.3 - 0000:ff:1f.7", 0x113, 0, 0, 0x113, 0xffff },
		{ "0000:01:02.3 -0000:01:02.4 ", 0x113, 0, 0, 0x113, 0x114 },
		{ "0002:80", 0x28000, 2, 2, 0x8000, 0x80ff },
		{ "0002:80-0002:ff", 0x28000, 2, 2, 0x8000, 0xffff },
		{ "0002:80 - 0004:80:00.1", 0x28000, 2, 4, 0x8000, 0x8001 },
		{ "0:1:2.3 endpoint 7", 7, 0, 0, 0x113, 0x113 },
		{ "FFFE:FE:1F.7", 0xfffefeff, 0xfffe, 0xfffe, 0xfeff, 0xfeff },
	};
	struct build b;
	char text[256];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("%s", rows[i].text);
		snprintf(text, sizeof(text), "iommu x mmio 1\npci %s behind x\n",
			 rows[i].text);
		b = build_table();
		build_iommu_mmio(&b, 1);
		build_pci(&b, 48, rows[i].id, rows[i].s0, rows[i].s1,
			  rows[i].b0, rows[i].b1);
		expect_table(text, &b);
	}
}

static void headers(void)
{
	struct blob table;

	if (!EXPECT(build_text("oem-id \"ab\"\noem-table-id \"#\\\"\\\\\\x00\\xfF\" # id\n"
			       "oem-revision 0xffffffff\ncreator-id \"\"\n"
			       "creator-revision 258\nrevision 1\n"
			       "reserved 01020304 05 06 0708\n", &table)))
		return;
	EXPECT(!memcmp(table.bytes + 10, "ab    ", 6));
	EXPECT(!memcmp(table.bytes + 16, "#\"\\\0\xff   ", 8));
	EXPECT(!memcmp(table.bytes + 24, "\xff\xff\xff\xff    \2\1\0\0", 12));
	EXPECT_EQ(table.bytes[8], 1);
	EXPECT(!memcmp(table.bytes + 40, "\1\2\3\4\5\6\7\10", 8));
	EXPECT(viot_check_checksum(table.bytes, table.len, NULL));
	blob_free(&table);
}

/*
 * Bad descriptions
 */

static void bad_lines_are_named(void)
{
	static const struct {
		const char	*text;
		const char	*says;
	} rows[] = {
		{ "what\n", "x:1: error: there is no statement what\n" },
		{ "\n\niommu\n", "x:3: error: iommu has a name and then pci or mmio\n" },
		{ "iommu a usb 1\n", "x:1: error: iommu has a name and then pci or mmio\n" },
		{ "iommu a pci\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 0000:00\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 00:02.0\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 0000:00:20.0\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 0000:00:02.8\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 0000:00:02.0.0\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 10000:00:02.0\n", "x:1: error: not a PCI function" },
		{ "iommu a pci 0000:100:02.0\n", "x:1: error: not a PCI function" },
		{ "iommu a pci -1:00:02.0\n", "x:1: error: not a PCI function" },
		{ "iommu a mmio\n", "x:1: error: the address is missing\n" },
		{ "iommu a mmio 0x\n", "x:1: error: the address is not a number up to 0xffffffffffffffff: 0x\n" },
		{ "iommu a mmio 0x10000000000000000\n", "not a number up to" },
		{ "iommu a mmio 18446744073709551616\n", "not a number up to" },
		{ "iommu a mmio -1\n", "not a number up to" },
		{ "iommu a mmio 12ab\n", "not a number up to" },
		{ "iommu a mmio +1\n", "not a number up to" },
		{ "iommu a mmio 1 endpoint 2\n", "x:1: error: endpoint has no meaning here\n" },
		{ "iommu a mmio 1 behind a\n", "x:1: error: behind has no meaning here\n" },
		{ "iommu a mmio 1\niommu b mmio 2\niommu a mmio 3\n",
		  "another IOMMU is called a, in line" },
		{ "pci\n", "x:1: error: neither a PCI function" },
		{ "pci 0000:00:00.0-\n", "x:1: error: neither a PCI function" },
		{ "pci 0000:00:00.0 -\n", "x:1: error: neither a PCI function" },
		{ "pci - 0000:00:00.0\n", "x:1: error: neither a PCI function" },
		{ "pci 0000:00:00.0-0-1\n", "x:1: error: neither a PCI function" },
		{ "pci 0000:00\n", "x:1: error: say either behind IOMMU or output OFFSET\n" },
		{ "pci 0000:00 behind a output 48\n", "say either behind IOMMU or output OFFSET\n" },
		{ "pci 0000:00 behind\n", "x:1: error: behind which IOMMU?\n" },
		{ "pci 0000:00 behind b\n", "x:1: error: no IOMMU is called b\n" },
		{ "pci 0000:00 output 65536\n", "x:1: error: output is not a number up to 0xffff: 65536\n" },
		{ "pci 0000:00 endpoint 0x100000000 behind a\n", "x:1: error: endpoint is not a number up to 0xffffffff" },
		{ "pci 0000:00 behind a size 65536\n", "x:1: error: size is not a number up to 0xffff" },
		{ "pci 0000:00 behind a length\n", "x:1: error: length is missing\n" },
		{ "mmio 1 endpoint 1\n", "say either behind IOMMU or output OFFSET\n" },
		{ "iommu a mmio 1\nmmio 2 behind a\n", "x:2: error: endpoint ID is missing\n" },
		{ "node\n", "x:1: error: type is missing\n" },
		{ "node 256\n", "x:1: error: type is not a number up to 0xff: 256\n" },
		{ "raw 1\n", "x:1: error: not pairs of hexadecimal digits: 1\n" },
		{ "bytes 0x12\n", "x:1: error: not pairs of hexadecimal digits: 0x12\n" },
		{ "offset 47\n", "x:1: error: there are 48 bytes already\n" },
		{ "offset 16777217\n", "x:1: error: offset is not a number up to 0x1000000: 16777217\n" },
		{ "offset 16777216\nbytes 00\n", "x:2: error: the table has more than 16777216 bytes\n" },
		{ "revision 256\n", "x:1: error: revision is not a number up to 0xff: 256\n" },
		{ "revision 0\n#\nrevision 0\n", "x:3: error: revision is in line 1 already\n" },
		{ "broken\nbroken\n", "x:2: error: broken is in line 1 already\n" },
		{ "broken yes\n", "x:1: error: yes is too much here\n" },
		{ "broken\n", "x:1: error: nothing is wrong with this table\n" },
		{ "oem-id ab\n", "x:1: error: a string in quotes is missing\n" },
		{ "oem-id\n", "x:1: error: a string in quotes is missing\n" },
		{ "oem-id \"1234567\"\n", "x:1: error: the string has more than 6 bytes\n" },
		{ "oem-id \"123\n", "x:1: error: the string has no end" },
		{ "oem-id \"\\n\"\n", "x:1: error: the string has no end, or escapes" },
		{ "oem-id \"\\x1\"\n", "x:1: error: the string has no end, or escapes" },
		{ "oem-id \"\\", "x:1: error: the string has no end, or escapes" },
		{ "oem-id \"a\" \"b\"\n", "x:1: error: \"b\" is too much here\n" },
		{ "reserved 00\n", "x:1: error: reserved has 8 bytes\n" },
		{ "# \x1b[31m\n", "x:1: error: this is not text\n" },
		{ "what?\n# \x7f\n", "x:2: error: this is not text\n" },
	};
	struct blob table;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("row %zu", i);
		if (EXPECT(!build_text(rows[i].text, &table)) &&
		    EXPECT(strstr(said, rows[i].says)))
			continue;
		check_note("%s: %s", rows[i].text, said);
		blob_free(&table);
	}
}

static void every_bad_line_is_named_up_to_a_limit(void)
{
	struct blob table;

	EXPECT(!build_text("what\nrevision 1\noffset\n", &table));
	EXPECT(!strcmp(said, "x:1: error: there is no statement what\n"
			     "x:3: error: offset is missing\n"));
	EXPECT(!build_text("a\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\na\n"
			   "not even looked at\n", &table));
	EXPECT(strstr(said, "x:20: error"));
	EXPECT(!strstr(said, "x:21: error"));
	EXPECT(strstr(said, "x: the rest has not been looked at\n"));
}

static void expect_finding(const char *where, enum viot_code code, const char *rest)
{
	char want[256];

	snprintf(want, sizeof(want), "%s: %s%s\n", where, viot_finding_text(code), rest);
	if (!EXPECT(!strcmp(said, want)))
		check_note("%s", said);
}

static void what_the_decoder_refuses_is_named_by_line(void)
{
	static const struct {
		const char	*text;
		unsigned int	line;
		enum viot_code	code;
		const char	*rest;
	} rows[] = {
		{ "iommu a mmio 1\npci 0000:00 behind a\n\npci 0000:00:03.0 behind a\n",
		  4, VIOT_PCI_OVERLAP, "; the other: line 2" },
		{ "iommu a mmio 1\nmmio 2 endpoint 1 behind a\nmmio 2 endpoint 2 behind a\n",
		  3, VIOT_MMIO_TWICE, "; the other: line 2" },
		{ "iommu a mmio 1\nmmio 1 endpoint 1 behind a\n",
		  2, VIOT_MMIO_SELF, "; the other: line 1" },
		{ "iommu a mmio 1\npci 0000:01-0000:00 behind a\n",
		  2, VIOT_BDFS_REVERSED, "" },
		{ "iommu a mmio 1\npci 0001:00-0000:01 behind a\n",
		  2, VIOT_SEGMENTS_REVERSED, "" },
		{ "iommu a mmio 1\npci 0000:00 endpoint 0xffffff01 behind a\n",
		  2, VIOT_ENDPOINT_OVERFLOW, "" },
		{ "pci 0000:00 output 48\n", 1, VIOT_BAD_OUTPUT, "" },
		{ "revision 0\nchecksum 1\n", 2, VIOT_BAD_CHECKSUM, "" },
		{ "table-length 49\n", 1, VIOT_BAD_LENGTH, "" },
		{ "\nnode-offset 40\n", 2, VIOT_BAD_NODE_OFFSET, "" },
		{ "signature \"VIOR\"\n", 1, VIOT_BAD_SIGNATURE, "" },
	};
	struct blob table;
	char where[32];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("row %zu", i);
		EXPECT(!build_text(rows[i].text, &table));
		snprintf(where, sizeof(where), "x:%u: error", rows[i].line);
		expect_finding(where, rows[i].code, rows[i].rest);
	}
}

static void warnings_do_not_stop_it(void)
{
	struct blob table;

	if (EXPECT(build_text("iommu a mmio 1\niommu b mmio 1\nrevision 1\n", &table)))
		blob_free(&table);
	expect_finding("x:2: warning", VIOT_IOMMU_TWICE, "; the other: line 1");
}

static void an_iommu_too_far_down_is_named(void)
{
	struct blob table;

	EXPECT(!build_text("pci 0000:00 behind far\noffset 65536\niommu far mmio 1\n",
			   &table));
	EXPECT(!strcmp(said, "x:1: error: IOMMU far is too far down, at offset 65536: move line 3 up\n"));
	if (EXPECT(build_text("pci 0000:00 behind far size 65484\nbytes 00000000\n"
			      "node-offset 48\nbroken\n", &table) == false))
		EXPECT(strstr(said, "no IOMMU is called far"));
	if (EXPECT(build_text("node 9\nbroken\nnode-count 2\npci 0000:00 behind near\n"
			      "offset 65535\niommu near mmio 1\n", &table)))
		blob_free(&table);
}

static void what_follows_a_short_node_stays(void)
{
	struct blob table;

	if (!EXPECT(build_text("broken\npci 0000:00 behind a size 17\n"
			       "bytes ffffff\niommu a mmio 1\n", &table)))
		return;
	EXPECT(!memcmp(table.bytes + 48 + 16, "\0\xff\xff\xff", 4));
	blob_free(&table);
	if (!EXPECT(build_text("broken\npci 0000:00 behind a size 18\n"
			       "bytes ffffff\niommu a mmio 1\n", &table)))
		return;
	EXPECT(!memcmp(table.bytes + 48 + 16, "\x45\0\xff\xff\xff", 5));
	blob_free(&table);
}

static void more_nodes_than_a_header_can_count(void)
{
	struct blob text = { 0 }, table;
	int i;

	for (i = 0; i < 65535; i++)
		blob_add(&text, "node 9\n", 7);
	if (EXPECT(build_spec(text.bytes, text.len, &table)))
		blob_free(&table);
	blob_add(&text, "node 9\n", 7);
	EXPECT(!build_spec(text.bytes, text.len, &table));
	EXPECT(!strcmp(said, "x: error: the number of nodes does not fit into the header: 65536\n"));
	blob_free(&text);
}

static void nothing_else_fits_into_the_header(void)
{
	struct blob table;

	EXPECT(!build_text("offset 65536\nnode 9\n", &table));
	EXPECT(strstr(said, "the offset of the first node does not fit into the header: 65536\n"));
}

/*
 * Tables that are wrong on purpose
 */

static void every_finding_can_be_had(void)
{
	static const struct {
		enum viot_code	code;
		const char	*text;
	} rows[] = {
		{ VIOT_NO_HEADER, "broken\nfile-size 47\n" },
		{ VIOT_BAD_SIGNATURE, "broken\nsignature \"IORT\"\n" },
		{ VIOT_BAD_LENGTH, "broken\ntable-length 47\n" },
		{ VIOT_BAD_LENGTH, "broken\nfile-size 63\niommu a mmio 1\n" },
		{ VIOT_BAD_CHECKSUM, "broken\nchecksum 0xaa\n" },
		{ VIOT_NEW_REVISION, "revision 1\n" },
		{ VIOT_EXTRA_BYTES, "file-size 49\n" },
		{ VIOT_BAD_NODE_OFFSET, "broken\nnode-offset 49\n" },
		{ VIOT_NODES_MISSING, "broken\nnode-count 2\nnode 9\n" },
		{ VIOT_NODES_UNCOUNTED, "node-count 1\nnode 9\nnode 9\n" },
		{ VIOT_NODES_UNCOUNTED, "node 9\nbytes 00\n" },
		{ VIOT_NODE_ENDLESS, "broken\niommu a mmio 1 length 3\n" },
		{ VIOT_NODE_CUT, "broken\niommu a mmio 1 length 17\n" },
		{ VIOT_NODE_CUT, "broken\nraw 04 00 10 00\n" },
		{ VIOT_NODE_SHORT, "broken\niommu a mmio 1 size 15\n" },
		{ VIOT_NODE_LONG, "iommu a mmio 1 size 17\n" },
		{ VIOT_NODE_UNKNOWN, "node 0\n" },
		{ VIOT_NODE_UNKNOWN, "node 0x80 0102 03\n" },
		{ VIOT_IOMMU_TWICE, "iommu a mmio 1\niommu b mmio 1\n" },
		{ VIOT_BAD_OUTPUT, "broken\npci 0000:00 output 0\n" },
		{ VIOT_BAD_OUTPUT, "broken\niommu a mmio 1\nmmio 9 endpoint 9 output 52\n" },
		{ VIOT_SEGMENTS_REVERSED, "broken\niommu a mmio 1\npci 0001:00 - 0000:00 behind a\n" },
		{ VIOT_BDFS_REVERSED, "broken\niommu a mmio 1\npci 0000:01 - 0000:00 behind a\n" },
		{ VIOT_ENDPOINT_OVERFLOW,
		  "broken\niommu a mmio 1\npci 0000:00 endpoint 0xffffffff behind a\n" },
		{ VIOT_PCI_OVERLAP, "broken\niommu a mmio 1\npci 0000:00 behind a\npci 0000:00 behind a\n" },
		{ VIOT_MMIO_TWICE,
		  "broken\niommu a mmio 1\nmmio 2 endpoint 1 behind a\nmmio 2 endpoint 2 behind a\n" },
		{ VIOT_MMIO_SELF, "broken\niommu a mmio 1\nmmio 1 endpoint 1 behind a\n" },
	};
	bool had[VIOT_NR_CODES] = { false };
	struct viot_doc doc;
	struct blob table;
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("%s", rows[i].text);
		if (!EXPECT(build_text(rows[i].text, &table))) {
			check_note("%s", said);
			continue;
		}
		doc = decode(table.bytes, table.len);
		for (j = 0; j < doc.nr_findings; j++)
			if (doc.findings[j].code == rows[i].code)
				break;
		EXPECT(j < doc.nr_findings);
		had[rows[i].code] = true;
		doc_free(&doc);
		blob_free(&table);
	}
	for (i = 0; i < VIOT_NR_CODES; i++) {
		check_row("%zu", i);
		EXPECT(had[i]);
	}
}

static void every_finding_has_a_name(void)
{
	unsigned int i, j;

	for (i = 0; i < VIOT_NR_CODES; i++) {
		check_row("%u", i);
		if (!EXPECT(viot_code_name(i)))
			continue;
		for (j = 0; j < i; j++)
			EXPECT(strcmp(viot_code_name(i), viot_code_name(j) ?: ""));
	}
	EXPECT(!viot_code_name(VIOT_NR_CODES));
}

/*
 * There and back
 */

/* In every way there is, to nowhere: the sanitizers look on. */
static void show(const struct viot_doc *doc)
{
	FILE *nowhere = fopen("/dev/null", "w");

	viot_text(doc, nowhere);
	viot_json(doc, nowhere);
	viot_lint(doc, "x", nowhere);
	fclose(nowhere);
}

/* The description of @bytes gives @bytes again. */
static void expect_round_trip(const void *bytes, size_t len)
{
	struct viot_doc doc = decode(bytes, len);
	struct blob table = { 0 };
	size_t text_bytes;
	char *text;
	FILE *f = open_memstream(&text, &text_bytes);
	bool ok = viot_spec(&doc, f);

	fclose(f);
	show(&doc);
	if (!EXPECT(ok) || !EXPECT(build_spec(text, text_bytes, &table)))
		check_note("%s", said);
	else if (!EXPECT(table.len == len && !memcmp(table.bytes, bytes, len)))
		check_note("%s", text);
	blob_free(&table);
	doc_free(&doc);
	free(text);
}

static struct build copy_of(const u8 *bytes, size_t len)
{
	struct build b = { 0 };

	memcpy(build_more(&b, len), bytes, len);
	return b;
}

static struct build crowded_table(void)
{
	struct build b = build_table();

	build_pci(&b, 72, 0, 0, 0, 0, 0xff);
	build_iommu_mmio(&b, 0x1000);
	build_node(&b, 9, 8);
	build_iommu_pci(&b, 2, 0x08);
	build_iommu_mmio(&b, 0x1000);
	build_pci(&b, 72, 0x100, 0, 2, 0x80, 0x180);
	build_mmio(&b, 112, 1, 0x2000);
	build_mmio(&b, 72, 3, 0x1000);
	build_node(&b, 1, 20);
	build_node(&b, 3, 32);
	build_pci(&b, 50, 0, 7, 3, 0, 1);
	build_seal(&b);
	return b;
}

static struct build some_table(int i)
{
	return i == 0 ? copy_of(viot_q35, sizeof(viot_q35)) :
	       i == 1 ? copy_of(viot_virt, sizeof(viot_virt)) : crowded_table();
}

#define SOME_TABLES	3

static void there_and_back(void)
{
	struct build b;
	int i;

	for (i = 0; i < SOME_TABLES; i++) {
		check_row("table %d", i);
		b = some_table(i);
		expect_round_trip(b.bytes, b.len);
		free(b.bytes);
	}
}

static void there_and_back_of_odd_headers(void)
{
	u8 bytes[64] = { 0 };

	/* A table that ends before its checksum, which is then any byte. */
	bytes[9] = 5;
	expect_round_trip(bytes, sizeof(bytes));
	/* What looks like a node in the header. */
	memcpy(bytes, "VIOT", 4);
	bytes[4] = sizeof(bytes);
	bytes[36] = 2;
	bytes[38] = 40;
	memcpy(bytes + 40, "\x09\x00\x08\x00", 4);
	memcpy(bytes + 48, "\x04\x00\x10\x00", 4);
	expect_round_trip(bytes, sizeof(bytes));
}

static void there_and_back_cut_anywhere(void)
{
	struct build b;
	size_t len;
	int i;

	for (i = 0; i < SOME_TABLES; i++) {
		b = some_table(i);
		for (len = sizeof(struct viot_wire_header); len < b.len; len++) {
			check_row("table %d, %zu bytes", i, len);
			expect_round_trip(b.bytes, len);
		}
		free(b.bytes);
	}
}

static void there_and_back_with_a_byte_changed(void)
{
	static const u8 flips[] = { 0x01, 0x02, 0x04, 0x10, 0x20, 0x80, 0xff };
	struct build b;
	size_t at, j;
	int i;

	for (i = 0; i < SOME_TABLES; i++) {
		b = some_table(i);
		for (at = 0; at < b.len; at++)
			for (j = 0; j < ARRAY_SIZE(flips); j++) {
				check_row("table %d, byte %zu ^ 0x%02x", i, at, flips[j]);
				b.bytes[at] ^= flips[j];
				expect_round_trip(b.bytes, b.len);
				b.bytes[at] ^= flips[j];
			}
		free(b.bytes);
	}
}

static void there_and_back_of_noise(void)
{
	u8 bytes[200];
	size_t i, len;
	int round;

	for (round = 0; round < 3000; round++) {
		len = 48 + check_random(sizeof(bytes) - 48);
		for (i = 0; i < len; i++)
			bytes[i] = check_random(check_random(4) ? 5 : 256);
		memcpy(bytes, "VIOT", 4);
		build_put(bytes + 4, len - check_random(2), 4);
		build_put(bytes + 36, check_random(6), 2);
		build_put(bytes + 38, 48 + 4 * check_random(3), 2);
		check_row("round %d", round);
		expect_round_trip(bytes, len);
	}
}

/* As many nodes as there can be IOMMUs below 64 KiB, and endpoints for them. */
static void time_10000_nodes(void)
{
	struct blob text = { 0 }, table = { 0 };
	unsigned long long start;
	char line[96];
	double seconds;
	int i, len;

	for (i = 0; i < 10000; i++) {
		len = i < 4000 ?
		      snprintf(line, sizeof(line), "iommu n%d mmio 0x%x\n", i, i) :
		      snprintf(line, sizeof(line), "pci %04x:%02x endpoint %d behind n%d\n",
			       i >> 8, i & 0xff, i << 8, i - 4000 < 4000 ? i - 4000 : 0);
		blob_add(&text, line, len);
	}
	start = check_nanoseconds();
	EXPECT(build_spec(text.bytes, text.len, &table));
	seconds = (check_nanoseconds() - start) / 1e9;
	check_note("10000 nodes built in %.1f ms", seconds * 1e3);
	EXPECT(seconds < SECONDS_AT_MOST);
	start = check_nanoseconds();
	if (table.len)
		expect_round_trip(table.bytes, table.len);
	seconds = (check_nanoseconds() - start) / 1e9;
	check_note("described, shown and built again in %.1f ms", seconds * 1e3);
	EXPECT(seconds < SECONDS_AT_MOST);
	blob_free(&text);
	blob_free(&table);
}

/*
 * What people write and read
 */

static void numbers(void)
{
	static const struct {
		const char	*text;
		u64		max;
		bool		good;
		u64		value;
	} rows[] = {
		{ "0", 0, true, 0 },
		{ "010", 10, true, 10 },
		{ "0x10", 16, true, 16 },
		{ "0XfF", 255, true, 255 },
		{ "256", 255, false, 0 },
		{ "18446744073709551615", ~0ULL, true, ~0ULL },
		{ "18446744073709551616", ~0ULL, false, 0 },
		{ "0xffffffffffffffff", ~0ULL, true, ~0ULL },
		{ "0x1ffffffffffffffff", ~0ULL, false, 0 },
		{ "", 9, false, 0 }, { "x", 9, false, 0 }, { "0x", 9, false, 0 },
		{ " 1", 9, false, 0 }, { "1 ", 9, false, 0 }, { "-1", ~0ULL, false, 0 },
		{ "0x-1", ~0ULL, false, 0 }, { "1h", 99, false, 0 },
	};
	u64 value;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("'%s'", rows[i].text);
		value = 0;
		EXPECT_EQ(parse_u64(rows[i].text, rows[i].max, &value), rows[i].good);
		if (rows[i].good)
			EXPECT_EQ(value, rows[i].value);
	}
}

static void names_of_functions_and_back(void)
{
	u16 segment, first, last;
	u32 bdf;

	for (bdf = 0; bdf < 0x10000; bdf++) {
		check_row("%04x", bdf);
		EXPECT(parse_pci(pci_name(bdf ^ 0x55aa, bdf), &segment, &first, &last));
		EXPECT_EQ(segment, bdf ^ 0x55aa);
		EXPECT_EQ(first, bdf);
		EXPECT_EQ(last, bdf);
	}
}

static void text_of(const struct viot_doc *doc, char **text)
{
	size_t bytes;
	FILE *f = open_memstream(text, &bytes);

	viot_text(doc, f);
	fclose(f);
}

static void no_byte_of_a_table_reaches_the_terminal(void)
{
	struct build b = copy_of(viot_q35, sizeof(viot_q35));
	struct viot_doc doc;
	char *text, *p;
	int i;

	for (i = 0; i < 36; i++)
		if (i < 4 || i >= 8)
			b.bytes[i] = "\x1b\x07\x9b\r\0"[i % 5];
	doc = decode(b.bytes, b.len);
	text_of(&doc, &text);
	for (p = text; *p; p++)
		EXPECT(*p == '\n' || (*p >= ' ' && *p <= '~'));
	EXPECT(strstr(text, "\\x1b"));
	free(text);
	doc_free(&doc);
	free(b.bytes);
}

static void text_of_many_segments_and_findings_ends(void)
{
	struct blob table;
	struct viot_doc doc;
	char *text;

	if (!EXPECT(build_text("iommu a pci 0001:00:01.0\n"
			       "pci 0000:00 - ffff:ff endpoint 0 behind a\n", &table)))
		return;
	doc = decode(table.bytes, table.len);
	text_of(&doc, &text);
	EXPECT(strlen(text) < 2000);
	free(text);
	doc_free(&doc);
	blob_free(&table);
}

static const struct check_case cases[] = {
	CASE(nothing_gives_an_empty_table),
	CASE(every_kind_of_node),
	CASE(iommus_may_come_last),
	CASE(ways_to_write_a_range),
	CASE(headers),
	CASE(bad_lines_are_named),
	CASE(every_bad_line_is_named_up_to_a_limit),
	CASE(what_the_decoder_refuses_is_named_by_line),
	CASE(warnings_do_not_stop_it),
	CASE(an_iommu_too_far_down_is_named),
	CASE(what_follows_a_short_node_stays),
	CASE(more_nodes_than_a_header_can_count),
	CASE(nothing_else_fits_into_the_header),
	CASE(every_finding_can_be_had),
	CASE(every_finding_has_a_name),
	CASE(there_and_back),
	CASE(there_and_back_of_odd_headers),
	CASE(there_and_back_cut_anywhere),
	CASE(there_and_back_with_a_byte_changed),
	CASE(there_and_back_of_noise),
	CASE(time_10000_nodes),
	CASE(numbers),
	CASE(names_of_functions_and_back),
	CASE(no_byte_of_a_table_reaches_the_terminal),
	CASE(text_of_many_segments_and_findings_ends),
};

CHECK_SUITE(viot_tool, cases);
