// SPDX-License-Identifier: GPL-2.0
/*
 * The JSON writer of tools/viommu: layout to the byte, and strings of any
 * bytes, with iconv() as the judge of what is UTF-8.
 */

#include <iconv.h>

#include "check.h"
#include "../../tools/viommu/json.h"

/* What is written between these two, as a string that the caller frees. */
static char *written;
static size_t written_bytes;

static void begin(struct json *j)
{
	json_init(j, open_memstream(&written, &written_bytes));
}

static void end(struct json *j)
{
	fclose(j->out);
}

static void expect(const char *what)
{
	if (!EXPECT(!strcmp(written, what)))
		check_note("written: %s", written);
	free(written);
}

static void values_alone(void)
{
	struct json j;

	begin(&j);
	json_u64(&j, 18446744073709551615ULL);
	end(&j);
	expect("18446744073709551615");
	begin(&j);
	json_hex(&j, 0xfee00000);
	end(&j);
	expect("\"0xfee00000\"");
	begin(&j);
	json_string(&j, "");
	end(&j);
	expect("\"\"");
}

static void empty_containers_have_one_line(void)
{
	struct json j;

	begin(&j);
	json_object_begin(&j);
	json_object_end(&j);
	end(&j);
	expect("{}\n");
	begin(&j);
	json_array_begin(&j);
	json_array_end(&j);
	end(&j);
	expect("[]\n");
}

static void layout(void)
{
	struct json j;

	begin(&j);
	json_object_begin(&j);
	json_key(&j, "a");
	json_array_begin(&j);
	json_u64(&j, 1);
	json_array_begin(&j);
	json_array_end(&j);
	json_object_begin(&j);
	json_key(&j, "b");
	json_bool(&j, true);
	json_key(&j, "c");
	json_null(&j);
	json_object_end(&j);
	json_bool(&j, false);
	json_array_end(&j);
	json_key(&j, "d \"quoted\"");
	json_string(&j, "e");
	json_object_end(&j);
	end(&j);
	expect("{\n"
	       "  \"a\": [\n"
	       "    1,\n"
	       "    [],\n"
	       "    {\n"
	       "      \"b\": true,\n"
	       "      \"c\": null\n"
	       "    },\n"
	       "    false\n"
	       "  ],\n"
	       "  \"d \\\"quoted\\\"\": \"e\"\n"
	       "}\n");
}

static void neighbours(void)
{
	struct json j;
	int i;

	begin(&j);
	json_array_begin(&j);
	for (i = 0; i < 3; i++) {
		json_array_begin(&j);
		if (i < 2)
			json_u64(&j, i);
		json_array_end(&j);
	}
	json_array_end(&j);
	end(&j);
	expect("[\n"
	       "  [\n"
	       "    0\n"
	       "  ],\n"
	       "  [\n"
	       "    1\n"
	       "  ],\n"
	       "  []\n"
	       "]\n");
}

static void as_deep_as_it_may_be(void)
{
	struct json j;
	int i;

	begin(&j);
	for (i = 0; i < JSON_DEPTH - 1; i++)
		json_array_begin(&j);
	for (i = 0; i < JSON_DEPTH - 1; i++)
		json_array_end(&j);
	end(&j);
	EXPECT_EQ(j.depth, 0);
	EXPECT_EQ(written[written_bytes - 2], ']');
	free(written);
}

static void strings(void)
{
	static const struct {
		const char	*bytes;
		size_t		len;
		const char	*json;
	} rows[] = {
		{ "plain", 5, "\"plain\"" },
		{ "a\0b", 3, "\"a\\u0000b\"" },
		{ "\"\\/", 3, "\"\\\"\\\\/\"" },
		{ "\n\t\x1b[31m\x7f", 8, "\"\\u000a\\u0009\\u001b[31m\\u007f\"" },
		{ "gr\xc3\xbc\xc3\x9f", 6, "\"gr\xc3\xbc\xc3\x9f\"" },
		{ "\xe2\x82\xac\xf0\x9f\x98\x80", 7, "\"\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\x80", 1, "\"\\ufffd\"" },
		{ "a\xffz", 3, "\"a\\ufffdz\"" },
		{ "\xc3", 1, "\"\\ufffd\"" },
		{ "\xc3(", 2, "\"\\ufffd(\"" },
		{ "\xe2\x82", 2, "\"\\ufffd\\ufffd\"" },
		{ "\xc0\x80", 2, "\"\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"" },
	};
	struct json j;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("row %zu", i);
		begin(&j);
		json_bytes(&j, rows[i].bytes, rows[i].len);
		end(&j);
		expect(rows[i].json);
	}
}

/* Whether @len bytes at @bytes are UTF-8, by somebody else's judgement. */
static int valid(iconv_t judge, char *bytes, size_t len)
{
	char out[256], *to = out;
	size_t room = sizeof(out);

	iconv(judge, NULL, NULL, NULL, NULL);
	return iconv(judge, &bytes, &len, &to, &room) == 0;
}

static void compare(iconv_t judge, const unsigned char *bytes, size_t len)
{
	char copy[8] = { 0 };
	struct json j;

	memcpy(copy, bytes, len);
	begin(&j);
	json_bytes(&j, bytes, len);
	end(&j);
	EXPECT_EQ(!strstr(written, "\\ufffd"), valid(judge, copy, len));
	/* The result is UTF-8 in any case. */
	EXPECT(valid(judge, written, written_bytes));
	free(written);
}

static void what_is_utf8(void)
{
	/* Those where a byte changes from good to bad, and one between. */
	static const unsigned char edges[] = {
		0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1,
		0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3,
		0xf4, 0xf5, 0xf7, 0xf8, 0xff,
	};
	const size_t nr = ARRAY_SIZE(edges);
	iconv_t judge = iconv_open("UTF-16LE", "UTF-8");
	size_t i, all = nr * nr * nr * nr;

	if (!EXPECT(judge != (iconv_t)-1))
		return;
	for (i = 0; i < all; i++) {
		unsigned char bytes[] = {
			edges[i % nr], edges[i / nr % nr],
			edges[i / nr / nr % nr], edges[i / nr / nr / nr],
		};

		check_row("%02x %02x %02x %02x", bytes[0], bytes[1], bytes[2], bytes[3]);
		compare(judge, bytes, 4);
		if (!bytes[3])
			compare(judge, bytes, 3);
		if (!bytes[3] && !bytes[2])
			compare(judge, bytes, 2);
	}
	iconv_close(judge);
}

static const struct check_case cases[] = {
	CASE(values_alone),
	CASE(empty_containers_have_one_line),
	CASE(layout),
	CASE(neighbours),
	CASE(as_deep_as_it_may_be),
	CASE(strings),
	CASE(what_is_utf8),
};

CHECK_SUITE(json, cases);
