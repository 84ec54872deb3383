// SPDX-License-Identifier: GPL-2.0
/*
 * JSON, written as it comes: see json.h.
 *
 * Owns commas, indentation and escapes. What comes out is JSON whatever bytes
 * a string has: those that are not UTF-8 are written as U+FFFD.
 */

#include <assert.h>
#include <string.h>

#include "json.h"

/**
 * json_init - begin a document
 * @j: to set up
 * @out: where it goes
 */
void json_init(struct json *j, FILE *out)
{
	*j = (struct json){ .out = out };
}

static void json_indent(const struct json *j)
{
	fprintf(j->out, "\n%*s", 2 * j->depth, "");
}

/* What comes before a value or a key: a comma, a line of its own. */
static void json_separate(struct json *j)
{
	if (j->keyed) {
		j->keyed = false;
		return;
	}
	if (j->filled >> j->depth & 1)
		putc(',', j->out);
	if (j->depth)
		json_indent(j);
	j->filled |= 1ULL << j->depth;
}

static void json_open(struct json *j, char bracket)
{
	json_separate(j);
	putc(bracket, j->out);
	j->depth++;
	assert(j->depth < JSON_DEPTH);
	j->filled &= ~(1ULL << j->depth);
}

static void json_close(struct json *j, char bracket)
{
	bool filled = j->filled >> j->depth & 1;

	assert(j->depth && !j->keyed);
	j->depth--;
	if (filled)
		json_indent(j);
	putc(bracket, j->out);
	if (!j->depth)
		putc('\n', j->out);
}

/**
 * json_object_begin - open an object
 * @j: document
 */
void json_object_begin(struct json *j)
{
	json_open(j, '{');
}

/**
 * json_object_end - close the innermost object
 * @j: document
 */
void json_object_end(struct json *j)
{
	json_close(j, '}');
}

/**
 * json_array_begin - open an array
 * @j: document
 */
void json_array_begin(struct json *j)
{
	json_open(j, '[');
}

/**
 * json_array_end - close the innermost array
 * @j: document
 */
void json_array_end(struct json *j)
{
	json_close(j, ']');
}

static bool utf8_follows(const unsigned char *p, size_t len)
{
	for (; len; len--, p++)
		if ((*p & 0xc0) != 0x80)
			return false;
	return true;
}

/*
 * Bytes of the character at @p, or 0 if it is none: too long for what it says,
 * a surrogate, above U+10FFFF, or cut.
 */
static size_t utf8_bytes(const unsigned char *p, size_t len)
{
	size_t need = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;

	if (need == 1)
		return 1;
	if (*p < 0xc2 || *p > 0xf4 || need > len || !utf8_follows(p + 1, need - 1))
		return 0;
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	return need;
}

static void json_ascii(FILE *out, unsigned char c)
{
	if (c == '"' || c == '\\')
		fprintf(out, "\\%c", c);
	else if (c < 0x20 || c == 0x7f)
		fprintf(out, "\\u%04x", c);
	else
		putc(c, out);
}

static void json_quote(FILE *out, const unsigned char *p, size_t len)
{
	size_t n;

	putc('"', out);
	for (; len; p += n, len -= n) {
		n = utf8_bytes(p, len);
		if (n == 1) {
			json_ascii(out, *p);
		} else if (n) {
			fwrite(p, 1, n, out);
		} else {
			fputs("\\ufffd", out);
			n = 1;
		}
	}
	putc('"', out);
}

/**
 * json_key - name the value that comes next
 * @j: document, in an object
 * @key: its name
 */
void json_key(struct json *j, const char *key)
{
	assert(j->depth && !j->keyed);
	json_separate(j);
	json_quote(j->out, (const unsigned char *)key, strlen(key));
	fputs(": ", j->out);
	j->keyed = true;
}

/**
 * json_bytes - write a string that may have any bytes
 * @j: document
 * @s: its bytes
 * @len: how many
 */
void json_bytes(struct json *j, const void *s, size_t len)
{
	json_separate(j);
	json_quote(j->out, s, len);
}

/**
 * json_string - write a string
 * @j: document
 * @s: with a NUL at its end
 */
void json_string(struct json *j, const char *s)
{
	json_bytes(j, s, strlen(s));
}

/**
 * json_u64 - write a number
 * @j: document
 * @value: many readers keep only the upper 53 bits: see json_hex()
 */
void json_u64(struct json *j, unsigned long long value)
{
	json_separate(j);
	fprintf(j->out, "%llu", value);
}

/**
 * json_hex - write a number as a string, "0x..."
 * @j: document
 * @value: an address, say
 */
void json_hex(struct json *j, unsigned long long value)
{
	json_separate(j);
	fprintf(j->out, "\"0x%llx\"", value);
}

/**
 * json_bool - write true or false
 * @j: document
 * @value: which
 */
void json_bool(struct json *j, bool value)
{
	json_separate(j);
	fputs(value ? "true" : "false", j->out);
}

/**
 * json_null - write null
 * @j: document
 */
void json_null(struct json *j)
{
	json_separate(j);
	fputs("null", j->out);
}
