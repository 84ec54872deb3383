// SPDX-License-Identifier: GPL-2.0
/*
 * A table from a description: Documentation/admin-guide/viommu.rst has the
 * language, one statement a line.
 *
 * Owns the language and where things go in the table. What a table must not
 * have, overlapping ranges for instance, is for the decoder to find: it reads
 * each table before it is given away, and its errors are errors of the lines
 * that nodes came from. A description with the statement "broken" is one for
 * tests of those who read tables; it may lie about lengths and offsets, and
 * must indeed give a table that has errors.
 */

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/array_size.h>
#include <linux/build_bug.h>
#include <asm/byteorder.h>

#include "viot.h"

#define HEADER_BYTES	sizeof(struct viot_wire_header)
#define HEADER_AT(field) offsetof(struct viot_wire_header, field)

/* After that many complaints, the rest may well follow from them. */
#define ENOUGH_ERRORS	20

/* A name for the node at @offset. */
struct label {
	const char	*name;
	u32		offset;
	unsigned int	line;
};

/* An output_node, at @offset, that awaits the place of @label. */
struct fixup {
	const char	*label;
	u32		offset;
	unsigned int	line;
};

/* All from @offset on, up to the next, is of @line. */
struct origin {
	u32		offset;
	unsigned int	line;
};

struct spec {
	const char	*name;
	FILE		*complaints;
	unsigned int	errors;
	unsigned int	line;
	char		*rest;			/* of the line */
	struct blob	out;
	u32		nodes;
	u32		first_node;
	unsigned int	line_of[HEADER_BYTES];	/* by field of the header, 0: default */
	unsigned int	broken;			/* the line that says so */
	unsigned int	size_line;
	u64		file_size;
	struct label	*labels;
	size_t		nr_labels;
	struct fixup	*fixups;
	size_t		nr_fixups;
	struct origin	*origins;
	size_t		nr_origins;
};

static_assert(offsetof(struct viot_wire_pci_range, output_node) ==
	      offsetof(struct viot_wire_mmio, output_node));
static_assert(offsetof(struct viot_wire_pci_range, endpoint_start) ==
	      offsetof(struct viot_wire_mmio, endpoint));

/* A node in the making. */
struct node {
	u8		type;
	u8		wire[sizeof(struct viot_wire_pci_range)];
	bool		endpoint;
	bool		output;
	const char	*behind;
	u64		length;
	u64		size;
};

/* Room for one more in an array that has @nr, which is full at powers of two. */
static void *one_more(void *items, size_t nr, size_t size)
{
	return nr & (nr - 1) ? items : xrealloc(items, 2 * (nr + 1) * size);
}

static void add_label(struct spec *s, const char *name, u32 offset)
{
	s->labels = one_more(s->labels, s->nr_labels, sizeof(*s->labels));
	s->labels[s->nr_labels++] = (struct label){ name, offset, s->line };
}

static void add_fixup(struct spec *s, const char *label, u32 offset)
{
	s->fixups = one_more(s->fixups, s->nr_fixups, sizeof(*s->fixups));
	s->fixups[s->nr_fixups++] = (struct fixup){ label, offset, s->line };
}

static void add_origin(struct spec *s)
{
	s->origins = one_more(s->origins, s->nr_origins, sizeof(*s->origins));
	s->origins[s->nr_origins++] = (struct origin){ s->out.len, s->line };
}

/*
 * Complaints
 */

static void say(const struct spec *s, unsigned int line, const char *severity)
{
	fputs(s->name, s->complaints);
	if (line)
		fprintf(s->complaints, ":%u", line);
	fprintf(s->complaints, ": %s: ", severity);
}

static void complain_of(struct spec *s, unsigned int line, const char *fmt,
			va_list args)
{
	s->errors++;
	say(s, line, "error");
	vfprintf(s->complaints, fmt, args);
	putc('\n', s->complaints);
}

/* About another line than that which is being read. */
__printf(3, 4)
static void bad_line(struct spec *s, unsigned int line, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain_of(s, line, fmt, args);
	va_end(args);
}

/* False, for the caller to return. */
__printf(2, 3)
static bool bad(struct spec *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	complain_of(s, s->line, fmt, args);
	va_end(args);
	return false;
}

/*
 * Words
 */

/* The next word of the line, NULL at its end. */
static char *word(struct spec *s)
{
	char *begin = s->rest + strspn(s->rest, " \t");
	size_t len = strcspn(begin, " \t");

	if (!*begin || *begin == '#') {
		s->rest = begin;
		return NULL;
	}
	s->rest = begin + len + !!begin[len];
	begin[len] = '\0';
	return begin;
}

static bool parse_number(struct spec *s, const char *what, u64 max, u64 *value)
{
	const char *w = word(s);

	if (!w)
		return bad(s, "%s is missing", what);
	if (!parse_u64(w, max, value))
		return bad(s, "%s is not a number up to 0x%llx: %s", what, max, w);
	return true;
}

/* A character of a quoted string, which ends at a quote: -1; -2 is no good. */
static int quoted_char(char **p)
{
	unsigned int hex;
	char c = *(*p)++;

	if (c == '"')
		return -1;
	if (!c)
		return -2;
	if (c != '\\')
		return (u8)c;
	c = *(*p)++;
	if (c == '\\' || c == '"')
		return (u8)c;
	if (c != 'x' || strspn(*p, "0123456789abcdefABCDEF") < 2 ||
	    sscanf(*p, "%2x", &hex) != 1)
		return -2;
	*p += 2;
	return hex;
}

/* A quoted string of at most @max bytes, filled up with blanks. */
static bool parse_string(struct spec *s, u8 *bytes, size_t max)
{
	char *p = s->rest + strspn(s->rest, " \t");
	size_t len = 0;
	int c;

	memset(bytes, ' ', max);
	if (*p++ != '"')
		return bad(s, "a string in quotes is missing");
	while ((c = quoted_char(&p)) >= 0) {
		if (len == max)
			return bad(s, "the string has more than %zu bytes", max);
		bytes[len++] = c;
	}
	if (c == -2)
		return bad(s, "the string has no end, or escapes other than \\\\ \\\" \\xHH");
	s->rest = p;
	return true;
}

/* Bytes as pairs of hexadecimal digits, to the end of the line. */
static bool hex_bytes(struct spec *s, struct blob *b)
{
	const char *w;

	while ((w = word(s))) {
		if (strlen(w) % 2 || strspn(w, "0123456789abcdefABCDEF") != strlen(w))
			return bad(s, "not pairs of hexadecimal digits: %s", w);
		for (; *w; w += 2) {
			char pair[] = { w[0], w[1], '\0' };
			u8 byte = strtoul(pair, NULL, 16);

			blob_add(b, &byte, 1);
		}
	}
	return true;
}

/*
 * The header, and the file
 */

struct statement {
	const char	*keyword;
	bool		(*parse)(struct spec *s, const struct statement *what);
	u8		at;	/* of the header's fields: where, and how long */
	u8		bytes;
};

static void put_le(u8 *p, u64 value, size_t bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*p++ = value;
}

static bool once(struct spec *s, const struct statement *what, unsigned int *line)
{
	if (*line)
		return bad(s, "%s is in line %u already", what->keyword, *line);
	*line = s->line;
	return true;
}

static bool parse_text_field(struct spec *s, const struct statement *what)
{
	return once(s, what, &s->line_of[what->at]) &&
	       parse_string(s, s->out.bytes + what->at, what->bytes);
}

static bool parse_number_field(struct spec *s, const struct statement *what)
{
	u64 max = ~0ULL >> (64 - 8 * what->bytes), value;

	if (!once(s, what, &s->line_of[what->at]) ||
	    !parse_number(s, what->keyword, max, &value))
		return false;
	put_le(s->out.bytes + what->at, value, what->bytes);
	return true;
}

static bool parse_reserved(struct spec *s, const struct statement *what)
{
	struct blob b = { 0 };
	bool ok = once(s, what, &s->line_of[what->at]) && hex_bytes(s, &b);

	if (ok && b.len != what->bytes)
		ok = bad(s, "%s has %u bytes", what->keyword, what->bytes);
	if (ok)
		memcpy(s->out.bytes + what->at, b.bytes, b.len);
	blob_free(&b);
	return ok;
}

static bool parse_broken(struct spec *s, const struct statement *what)
{
	return once(s, what, &s->broken);
}

static bool parse_file_size(struct spec *s, const struct statement *what)
{
	return once(s, what, &s->size_line) &&
	       parse_number(s, what->keyword, VIOT_MAX_BYTES, &s->file_size);
}

/* What comes next lies at a certain place, behind all there is. */
static bool parse_offset(struct spec *s, const struct statement *what)
{
	u64 offset;

	if (!parse_number(s, what->keyword, VIOT_MAX_BYTES, &offset))
		return false;
	if (offset < s->out.len)
		return bad(s, "there are %zu bytes already", s->out.len);
	blob_add(&s->out, NULL, offset - s->out.len);
	return true;
}

/*
 * Nodes
 */

static void begin_node(struct spec *s)
{
	if (!s->nodes++)
		s->first_node = s->out.len;
	add_origin(s);
}

/* Append a node that parse_tail() has completed; its place is the return. */
static u32 add_node(struct spec *s, struct node *n)
{
	u32 natural = doc_type_bytes(n->type), at = s->out.len;
	const u32 output = offsetof(struct viot_wire_pci_range, output_node);

	begin_node(s);
	n->wire[0] = n->type;
	put_le(n->wire + 2, n->length, 2);
	blob_add(&s->out, n->wire, n->size < natural ? n->size : natural);
	if (n->size > natural)
		blob_add(&s->out, NULL, n->size - natural);
	if (n->behind && n->size >= output + 2)
		add_fixup(s, n->behind, at + output);
	return at;
}

static bool parse_output(struct spec *s, struct node *n)
{
	u64 offset;

	if (!parse_number(s, "output", 0xffff, &offset))
		return false;
	put_le(n->wire + offsetof(struct viot_wire_pci_range, output_node), offset, 2);
	n->output = true;
	return true;
}

static bool parse_endpoint(struct spec *s, struct node *n)
{
	u64 id;

	if (!parse_number(s, "endpoint", 0xffffffff, &id))
		return false;
	put_le(n->wire + offsetof(struct viot_wire_pci_range, endpoint_start), id, 4);
	n->endpoint = true;
	return true;
}

static bool parse_behind(struct spec *s, struct node *n)
{
	n->behind = word(s);
	return n->behind || bad(s, "behind which IOMMU?");
}

/* What comes after the node's own fields, in any order. */
static bool parse_tail(struct spec *s, struct node *n)
{
	bool endpoint = n->type == VIOT_NODE_PCI_RANGE || n->type == VIOT_NODE_MMIO;
	const u64 unset = ~0ULL;
	bool ok = true;
	const char *w;

	n->size = doc_type_bytes(n->type);
	n->length = unset;
	while (ok && (w = word(s))) {
		if (!strcmp(w, "length"))
			ok = parse_number(s, w, 0xffff, &n->length);
		else if (!strcmp(w, "size"))
			ok = parse_number(s, w, 0xffff, &n->size);
		else if (endpoint && !strcmp(w, "endpoint"))
			ok = parse_endpoint(s, n);
		else if (endpoint && !strcmp(w, "output"))
			ok = parse_output(s, n);
		else if (endpoint && !strcmp(w, "behind"))
			ok = parse_behind(s, n);
		else
			ok = bad(s, "%s has no meaning here", w);
	}
	if (ok && endpoint && n->output == !!n->behind)
		ok = bad(s, "say either behind IOMMU or output OFFSET");
	if (n->length == unset)
		n->length = n->size;
	return ok;
}

static bool parse_iommu_pci(struct spec *s, struct node *n)
{
	const char *w = word(s);
	u16 segment, first, last;

	n->type = VIOT_NODE_VIRTIO_IOMMU_PCI;
	if (!w || !parse_pci(w, &segment, &first, &last) || first != last)
		return bad(s, "not a PCI function, such as 0000:00:02.0: %s", w ?: "");
	put_le(n->wire + offsetof(struct viot_wire_iommu_pci, segment), segment, 2);
	put_le(n->wire + offsetof(struct viot_wire_iommu_pci, bdf), first, 2);
	return true;
}

static bool parse_iommu_mmio(struct spec *s, struct node *n)
{
	u64 base;

	n->type = VIOT_NODE_VIRTIO_IOMMU_MMIO;
	if (!parse_number(s, "the address", ~0ULL, &base))
		return false;
	put_le(n->wire + offsetof(struct viot_wire_iommu_mmio, base_address), base, 8);
	return true;
}

static bool parse_iommu(struct spec *s, const struct statement *what)
{
	struct node n = { 0 };
	const char *name = word(s), *kind = word(s);
	bool ok;

	if (kind && !strcmp(kind, "pci"))
		ok = parse_iommu_pci(s, &n);
	else if (kind && !strcmp(kind, "mmio"))
		ok = parse_iommu_mmio(s, &n);
	else
		ok = bad(s, "%s has a name and then pci or mmio", what->keyword);
	if (!ok || !parse_tail(s, &n))
		return false;
	add_label(s, name, add_node(s, &n));
	return true;
}

/* What comes behind a hyphen, which may be a word of its own. */
static const char *behind_hyphen(struct spec *s, const char *hyphen)
{
	const char *w = hyphen[1] ? hyphen + 1 : word(s);

	return w ?: "";
}

static bool bad_function(struct spec *s, const char *w)
{
	return bad(s, "neither a PCI function (0000:00:02.0) nor a bus (0000:00): %s", w);
}

/* FIRST-LAST, FIRST - LAST, or FIRST alone, which may be a bus. */
static bool parse_range(struct spec *s, struct viot_pci_range *r)
{
	char *first = word(s) ?: "", *hyphen = strchr(first, '-');
	const char *last = NULL;
	u16 ignored;

	if (hyphen) {
		last = behind_hyphen(s, hyphen);
		*hyphen = '\0';
	} else if (s->rest[strspn(s->rest, " \t")] == '-') {
		last = behind_hyphen(s, word(s));
	}
	if (!parse_pci(first, &r->segment_start, &r->bdf_start, &r->bdf_last))
		return bad_function(s, first);
	r->segment_last = r->segment_start;
	if (last && !parse_pci(last, &r->segment_last, &ignored, &r->bdf_last))
		return bad_function(s, last);
	return true;
}

static bool parse_pci_range(struct spec *s, const struct statement *what)
{
	struct node n = { .type = VIOT_NODE_PCI_RANGE };
	struct viot_wire_pci_range wire = { 0 };
	struct viot_pci_range r;

	(void)what;
	if (!parse_range(s, &r))
		return false;
	wire.endpoint_start = cpu_to_le32(viot_pci_address(r.segment_start, r.bdf_start));
	wire.segment_start = cpu_to_le16(r.segment_start);
	wire.segment_end = cpu_to_le16(r.segment_last);
	wire.bdf_start = cpu_to_le16(r.bdf_start);
	wire.bdf_end = cpu_to_le16(r.bdf_last);
	memcpy(n.wire, &wire, sizeof(wire));
	if (!parse_tail(s, &n))
		return false;
	add_node(s, &n);
	return true;
}

static bool parse_mmio(struct spec *s, const struct statement *what)
{
	struct node n = { .type = VIOT_NODE_MMIO };
	u64 base;

	(void)what;
	if (!parse_number(s, "the address", ~0ULL, &base))
		return false;
	put_le(n.wire + offsetof(struct viot_wire_mmio, base_address), base, 8);
	if (!parse_tail(s, &n))
		return false;
	if (!n.endpoint)
		return bad(s, "endpoint ID is missing");
	add_node(s, &n);
	return true;
}

/* A node of any type, whose header is written for it. */
static bool parse_node(struct spec *s, const struct statement *what)
{
	struct blob b = { 0 };
	u8 head[4] = { 0 };
	u64 type;
	bool ok;

	if (!parse_number(s, "type", 0xff, &type))
		return false;
	ok = hex_bytes(s, &b);
	if (ok && b.len > 0xffff - sizeof(head))
		ok = bad(s, "a %s has no more than 65535 bytes", what->keyword);
	if (ok) {
		begin_node(s);
		head[0] = type;
		put_le(head + 2, sizeof(head) + b.len, 2);
		blob_add(&s->out, head, sizeof(head));
		blob_add(&s->out, b.bytes, b.len);
	}
	blob_free(&b);
	return ok;
}

/* A node as it is, header and all. */
static bool parse_raw(struct spec *s, const struct statement *what)
{
	(void)what;
	begin_node(s);
	return hex_bytes(s, &s->out);
}

/* What is no node. */
static bool parse_bytes(struct spec *s, const struct statement *what)
{
	(void)what;
	add_origin(s);
	return hex_bytes(s, &s->out);
}

/*
 * Lines
 */

static const struct statement statements[] = {
	{ "iommu", parse_iommu, 0, 0 },
	{ "pci", parse_pci_range, 0, 0 },
	{ "mmio", parse_mmio, 0, 0 },
	{ "node", parse_node, 0, 0 },
	{ "raw", parse_raw, 0, 0 },
	{ "bytes", parse_bytes, 0, 0 },
	{ "offset", parse_offset, 0, 0 },
	{ "broken", parse_broken, 0, 0 },
	{ "file-size", parse_file_size, 0, 0 },
	{ "signature", parse_text_field, HEADER_AT(signature), 4 },
	{ "table-length", parse_number_field, HEADER_AT(length), 4 },
	{ "revision", parse_number_field, HEADER_AT(revision), 1 },
	{ "checksum", parse_number_field, HEADER_AT(checksum), 1 },
	{ "oem-id", parse_text_field, HEADER_AT(oem_id), 6 },
	{ "oem-table-id", parse_text_field, HEADER_AT(oem_table_id), 8 },
	{ "oem-revision", parse_number_field, HEADER_AT(oem_revision), 4 },
	{ "creator-id", parse_text_field, HEADER_AT(creator_id), 4 },
	{ "creator-revision", parse_number_field, HEADER_AT(creator_revision), 4 },
	{ "node-count", parse_number_field, HEADER_AT(node_count), 2 },
	{ "node-offset", parse_number_field, HEADER_AT(node_offset), 2 },
	{ "reserved", parse_reserved, HEADER_AT(reserved), 8 },
};

static bool parse_statement(struct spec *s)
{
	const struct statement *what = statements, *end = what + ARRAY_SIZE(statements);
	const char *w = word(s);

	if (!w)
		return true;
	while (what < end && strcmp(what->keyword, w))
		what++;
	if (what == end)
		return bad(s, "there is no statement %s", w);
	if (!what->parse(s, what))
		return false;
	w = word(s);
	if (w)
		return bad(s, "%s is too much here", w);
	if (s->out.len > VIOT_MAX_BYTES)
		return bad(s, "the table has more than %u bytes", VIOT_MAX_BYTES);
	return true;
}

/* What is no text is not shown in complaints either. */
static bool is_text(const char *line, size_t len)
{
	const u8 *p = (const u8 *)line;

	for (; len; len--, p++)
		if ((*p < ' ' && *p != '\t') || *p == 0x7f)
			return false;
	return true;
}

static void parse_lines(struct spec *s, char *text, size_t len)
{
	char *end = text + len, *line, *next;

	for (line = text; line < end && s->errors < ENOUGH_ERRORS; line = next) {
		char *eol = memchr(line, '\n', end - line) ?: end;

		next = eol + 1;
		if (eol > line && eol[-1] == '\r')
			eol--;
		*eol = '\0';
		s->line++;
		s->rest = line;
		if (is_text(line, eol - line))
			parse_statement(s);
		else
			bad(s, "this is not text");
		if (s->out.len > VIOT_MAX_BYTES)
			return;
	}
	if (line < end)
		fprintf(s->complaints, "%s: the rest has not been looked at\n", s->name);
}

/*
 * Completing the table
 */

static int compare_labels(const void *a, const void *b)
{
	const struct label *l = a, *r = b;

	return strcmp(l->name, r->name);
}

static void check_labels(struct spec *s)
{
	const struct label *l = s->labels;
	size_t i;

	if (s->nr_labels)
		qsort(s->labels, s->nr_labels, sizeof(*l), compare_labels);
	for (i = 1; i < s->nr_labels; i++)
		if (!strcmp(l[i - 1].name, l[i].name))
			bad_line(s, l[i].line, "another IOMMU is called %s, in line %u",
				 l[i].name, l[i - 1].line);
}

static void apply_fixup(struct spec *s, const struct fixup *f)
{
	const struct label key = { .name = f->label };
	const struct label *l = s->nr_labels ?
		bsearch(&key, s->labels, s->nr_labels, sizeof(key),
			compare_labels) : NULL;

	if (!l)
		bad_line(s, f->line, "no IOMMU is called %s", f->label);
	else if (l->offset > 0xffff)
		bad_line(s, f->line, "IOMMU %s is too far down, at offset %u: move line %u up",
			 f->label, l->offset, l->line);
	else
		put_le(s->out.bytes + f->offset, l->offset, 2);
}

/* A field of the header that has not been given. */
static void complete_field(struct spec *s, u8 at, u64 value, u8 bytes,
			   const char *what)
{
	if (s->line_of[at])
		return;
	if (value >> (8 * bytes))
		bad_line(s, 0, "%s does not fit into the header: %llu", what, value);
	put_le(s->out.bytes + at, value, bytes);
}

static void complete_checksum(struct spec *s)
{
	u32 i, end = s->out.len;
	u8 sum = 0;
	__le32 length;

	memcpy(&length, s->out.bytes + HEADER_AT(length), sizeof(length));
	if (le32_to_cpu(length) < end)
		end = le32_to_cpu(length);
	for (i = 0; i < end; i++)
		sum += s->out.bytes[i];
	complete_field(s, HEADER_AT(checksum), (u8)-sum, 1, "checksum");
}

static void complete(struct spec *s)
{
	size_t i;

	check_labels(s);
	for (i = 0; i < s->nr_fixups && s->errors < ENOUGH_ERRORS; i++)
		apply_fixup(s, &s->fixups[i]);
	complete_field(s, HEADER_AT(length), s->out.len, 4, "the length");
	complete_field(s, HEADER_AT(node_count), s->nodes, 2, "the number of nodes");
	complete_field(s, HEADER_AT(node_offset), s->first_node, 2,
		       "the offset of the first node");
	complete_checksum(s);
	if (!s->size_line)
		return;
	if (s->file_size > s->out.len)
		blob_add(&s->out, NULL, s->file_size - s->out.len);
	s->out.len = s->file_size;
}

/*
 * Judging it
 */

/* The line that has put a byte there, 0 for none. */
static unsigned int line_at(const struct spec *s, u32 offset)
{
	const struct origin *o = s->origins;
	size_t low = 0, high = s->nr_origins;

	if (offset < HEADER_BYTES)
		return s->line_of[offset];
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (o[mid].offset <= offset)
			low = mid + 1;
		else
			high = mid;
	}
	return low ? o[low - 1].line : 0;
}

static void tell_finding(struct spec *s, const struct viot_finding *f)
{
	say(s, line_at(s, f->offset), viot_severity_name(f->severity));
	fputs(viot_finding_text(f->code), s->complaints);
	if (f->other && f->code != VIOT_BAD_OUTPUT)
		fprintf(s->complaints, "; the other: line %u", line_at(s, f->other));
	putc('\n', s->complaints);
	s->errors += f->severity == VIOT_ERROR;
}

static void judge(struct spec *s)
{
	struct viot_doc doc = { .bytes = s->out };
	size_t i;

	doc_decode(&doc);
	for (i = 0; i < doc.nr_findings && !s->broken; i++)
		if (doc.findings[i].severity > VIOT_NOTE && s->errors < ENOUGH_ERRORS)
			tell_finding(s, &doc.findings[i]);
	if (s->broken && !doc.nr_of[VIOT_ERROR])
		bad_line(s, s->broken, "nothing is wrong with this table");
	doc.bytes = (struct blob){ 0 };
	doc_free(&doc);
}

static void begin_header(struct spec *s)
{
	const struct viot_wire_header h = {
		.signature = VIOT_SIGNATURE,
		.oem_id = "VIOMMU",
		.oem_table_id = "VIRTUAL ",
		.oem_revision = cpu_to_le32(1),
		.creator_id = "VIOM",
		.creator_revision = cpu_to_le32(1),
	};

	blob_add(&s->out, &h, sizeof(h));
	s->first_node = sizeof(h);
}

/**
 * viot_build - make a table
 * @spec: its description
 * @name: of the description's file, for complaints
 * @table: where the table goes; blob_free() it
 * @complaints: gets a line for each thing wrong with the description
 *
 * Return: false if anything is wrong; there is no table then.
 */
bool viot_build(const struct blob *spec, const char *name, struct blob *table,
		FILE *complaints)
{
	struct spec s = { .name = name, .complaints = complaints };
	char *text = xrealloc(NULL, spec->len + 1);

	if (spec->len)
		memcpy(text, spec->bytes, spec->len);
	text[spec->len] = '\0';
	begin_header(&s);
	parse_lines(&s, text, spec->len);
	if (!s.errors)
		complete(&s);
	if (!s.errors)
		judge(&s);
	*table = (struct blob){ 0 };
	if (!s.errors)
		*table = s.out;
	else
		blob_free(&s.out);
	free(s.labels);
	free(s.fixups);
	free(s.origins);
	free(text);
	return !s.errors;
}

/*
 * The command
 */

static void show_usage(FILE *out)
{
	fputs("usage: viommu viot build SPEC|- -o FILE\n\n"
	      "Makes the ACPI VIOT table that SPEC describes, and writes it to FILE (- for\n"
	      "standard output).  For example:\n\n"
	      "  iommu main pci 0000:00:02.0\n"
	      "  pci 0000:00 - 0000:3f endpoint 0 behind main     # whole buses\n"
	      "  pci 0001:00:03.0 endpoint 0x10018 behind main    # one function\n"
	      "  mmio 0x10001000 endpoint 0x20000 behind main\n\n"
	      "Exit status: 0 made, 1 SPEC is wrong and no FILE was written, 2 trouble.\n",
	      out);
}

static bool parse_options(int argc, char **argv, const char **spec, const char **output)
{
	int c;

	while ((c = getopt(argc, argv, "o:")) != -1) {
		if (c != 'o')
			return false;
		*output = optarg;
	}
	if (optind + 1 != argc || !*output) {
		complain("say what to build from, and -o FILE");
		return false;
	}
	*spec = argv[optind];
	return true;
}

/**
 * cmd_viot_build - the command
 * @argc: number of arguments
 * @argv: arguments, "build" first
 *
 * Return: exit status.
 */
int cmd_viot_build(int argc, char **argv)
{
	const char *path = NULL, *output = NULL;
	struct blob spec, table;
	int status = EXIT_FINDINGS;

	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		show_usage(stdout);
		return EXIT_GOOD;
	}
	if (!parse_options(argc, argv, &path, &output)) {
		show_usage(stderr);
		return EXIT_TROUBLE;
	}
	if (!blob_read(&spec, path, VIOT_MAX_BYTES))
		return EXIT_TROUBLE;
	if (viot_build(&spec, path, &table, stderr)) {
		status = blob_write(&table, output) ? EXIT_GOOD : EXIT_TROUBLE;
		blob_free(&table);
	}
	blob_free(&spec);
	return status;
}
