// SPDX-License-Identifier: GPL-2.0
/*
 * The wire format: requests byte for byte, every status, lists of properties
 * with every defect there can be, fault events.
 *
 * A number such as r16 in a name is that of a requirement for drivers, which
 * the test or the comment above it says in words.
 */

#include <stdlib.h>

#include <linux/array_size.h>
#include <linux/limits.h>

#include "check.h"
#include "proto_model.h"

/* ---- Requests ------------------------------------------------------------- */

#define MAX_FIELDS	5

/* A request as the specification's table has it: all other bytes are 0. */
struct layout {
	const char	*name;
	size_t		(*build)(union viommu_request *req, const u64 *args);
	u8		type;
	u8		len;
	struct {
		u8	offset;
		u8	bytes;
	} field[MAX_FIELDS];
};

static size_t build_attach(union viommu_request *req, const u64 *a)
{
	return viommu_build_attach(req, a[0], a[1], a[2]);
}

static size_t build_detach(union viommu_request *req, const u64 *a)
{
	return viommu_build_detach(req, a[0], a[1]);
}

static size_t build_map(union viommu_request *req, const u64 *a)
{
	return viommu_build_map(req, a[0], a[1], a[2], a[3], a[4]);
}

static size_t build_unmap(union viommu_request *req, const u64 *a)
{
	return viommu_build_unmap(req, a[0], a[1], a[2]);
}

static size_t build_probe(union viommu_request *req, const u64 *a)
{
	return viommu_build_probe(req, a[0]);
}

static const struct layout attach = {
	"ATTACH", build_attach, 1, 20, { { 4, 4 }, { 8, 4 }, { 12, 4 } },
};

static const struct layout detach = {
	"DETACH", build_detach, 2, 20, { { 4, 4 }, { 8, 4 } },
};

static const struct layout map = {
	"MAP", build_map, 3, 36, { { 4, 4 }, { 8, 8 }, { 16, 8 }, { 24, 8 }, { 32, 4 } },
};

static const struct layout unmap = {
	"UNMAP", build_unmap, 4, 28, { { 4, 4 }, { 8, 8 }, { 16, 8 } },
};

static const struct layout probe = {
	"PROBE", build_probe, 5, 72, { { 4, 4 } },
};

static u64 random_u64(void)
{
	u64 high = check_random(0x7fffffff), low = check_random(0x7fffffff);

	switch (check_random(8)) {
	case 0:
		return 0;
	case 1:
		return U64_MAX;
	default:
		return high << 33 ^ low << 8 ^ low >> 20;
	}
}

/* A slot of the queue is used again and again: nothing of before may be left. */
static void expect_request(const struct layout *l, const u64 *args, u8 before)
{
	union viommu_request *req = malloc(sizeof(*req));
	u8 want[VIOMMU_PROBE_LEN] = { l->type };
	unsigned int i;

	for (i = 0; i < MAX_FIELDS; i++)
		model_put(want + l->field[i].offset, args[i], l->field[i].bytes);
	memset(req, before, sizeof(*req));
	EXPECT_EQ(l->build(req, args), l->len);
	for (i = 0; i < l->len; i++) {
		check_row("%s over %#x, byte %u", l->name, before, i);
		EXPECT_EQ(req->probe[i], want[i]);
	}
	free(req);
}

static void expect_layout(const struct layout *l)
{
	u64 args[MAX_FIELDS];
	unsigned int round, i;

	for (round = 0; round < check_rounds(3000); round++) {
		for (i = 0; i < MAX_FIELDS; i++)
			args[i] = random_u64();
		expect_request(l, args, round % 3 ? check_random(256) : 0xff);
	}
}

/* R16: head.reserved is 0, here and below. R21: so is reserved. */
static void r16_r21_attach_is_its_table_and_zeros(void)
{
	expect_layout(&attach);
}

/* R25: reserved is 0. */
static void r16_r25_detach_is_its_table_and_zeros(void)
{
	expect_layout(&detach);
}

/* R26: no flags but those asked for. */
static void r16_r26_map_is_its_table_and_zeros(void)
{
	expect_layout(&map);
}

/* R33: reserved is 0. */
static void r16_r33_unmap_is_its_table_and_zeros(void)
{
	expect_layout(&unmap);
}

/* R8: reserved is 0, all 64 bytes of it. */
static void r8_r16_probe_is_its_table_and_zeros(void)
{
	expect_layout(&probe);
}

/* Once with no arithmetic at all, neither the driver's nor the tests'. */
static void requests_spelled_out(void)
{
	static const u64 args[MAX_FIELDS] = {
		0x14131211, 0x2827262524232221, 0x3837363534333231, 0x4847464544434241, 7,
	};
	static const struct {
		const struct layout	*layout;
		const char		*bytes;
	} rows[] = {
		{ &attach, "\1\0\0\0\x11\x12\x13\x14\x21\x22\x23\x24\x31\x32\x33\x34\0\0\0\0" },
		{ &detach, "\2\0\0\0\x11\x12\x13\x14\x21\x22\x23\x24\0\0\0\0\0\0\0\0" },
		{ &map, "\3\0\0\0\x11\x12\x13\x14\x21\x22\x23\x24\x25\x26\x27\x28"
			"\x31\x32\x33\x34\x35\x36\x37\x38"
			"\x41\x42\x43\x44\x45\x46\x47\x48\7\0\0\0" },
		{ &unmap, "\4\0\0\0\x11\x12\x13\x14\x21\x22\x23\x24\x25\x26\x27\x28"
			  "\x31\x32\x33\x34\x35\x36\x37\x38\0\0\0\0" },
		{ &probe, "\5\0\0\0\x11\x12\x13\x14" },
	};
	union viommu_request req;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("%s", rows[i].layout->name);
		memset(&req, 0xa5, sizeof(req));
		EXPECT_EQ(rows[i].layout->build(&req, args), rows[i].layout->len);
		EXPECT(!memcmp(&req, rows[i].bytes, rows[i].layout == &probe ?
			       8 : rows[i].layout->len));
	}
}

static void every_status_is_an_errno(void)
{
	static const int known[] = {
		0, -EIO, -EOPNOTSUPP, -EIO, -EINVAL, -ERANGE, -ENOENT, -EFAULT, -ENOMEM,
	};
	unsigned int status;

	for (status = 0; status < 256; status++) {
		check_row("status %u", status);
		EXPECT_EQ(viommu_status_to_errno(status),
			  status < ARRAY_SIZE(known) ? known[status] : -EIO);
	}
}

/* ---- Properties ----------------------------------------------------------- */

#define LE16(x)		(x) & 0xff, (x) >> 8 & 0xff
#define LE32(x)		LE16(x), LE16((x) >> 16)
#define LE64(x)		LE32((u64)(x) & U32_MAX), LE32((u64)(x) >> 32)

#define END			0, 0, 0, 0
#define PROPERTY(type, length)	LE16(type), LE16(length)
#define RESV_MEM_OF(length, subtype, start, last) \
	PROPERTY(1, length), subtype, 0, 0, 0, LE64(start), LE64(last)
#define RESV_MEM(subtype, start, last)	RESV_MEM_OF(20, subtype, start, last)
#define LIST(...)	(const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ })

#define MAX_REGIONS	3

/* What a device answers a PROBE, and what must come of it. */
struct answer {
	const char			*name;
	const u8			*bytes;
	size_t				size;
	int				err;
	struct viommu_resv_mem		regions[MAX_REGIONS];
	size_t				nr;
};

/* The copy is as long as the list, so that ASan sees a byte too much. */
static u8 *copy(const void *p, size_t len)
{
	return memcpy(malloc(len), p, len);
}

static void expect_answer(const struct answer *a)
{
	static struct visits got;
	u8 *bytes = copy(a->bytes, a->size);
	size_t i;

	check_row("%s", a->name);
	got.nr = 0;
	EXPECT_EQ(viommu_walk_properties(bytes, a->size, visit, &got), a->err);
	EXPECT_EQ(got.nr, a->nr);
	for (i = 0; i < got.nr && i < a->nr; i++) {
		EXPECT_EQ(got.list[i].start, a->regions[i].start);
		EXPECT_EQ(got.list[i].last, a->regions[i].last);
		EXPECT_EQ(got.list[i].msi, a->regions[i].msi);
	}
	EXPECT(!model_compare_walk(bytes, a->size, 0));
	free(bytes);
}

static void expect_answers(const struct answer *answers, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		expect_answer(&answers[i]);
}

/* The same region wherever it does not matter which. */
#define SOME_RESV_MEM	RESV_MEM(0, 0x1000, 0x1fff)
#define SOME_REGION	{ 0x1000, 0x1fff, false }

static void properties_of_devices(void)
{
	const struct answer answers[] = {
		{ "QEMU, q35", LIST(RESV_MEM(1, 0xfee00000, 0xfeefffff), END), 0,
		  { { 0xfee00000, 0xfeefffff, true } }, 1 },
		{ "QEMU, virt with regions of the user's",
		  LIST(RESV_MEM(1, 0x8000000, 0x80fffff),
		       RESV_MEM(0, 0x20000000, 0x200fffff), END), 0,
		  { { 0x8000000, 0x80fffff, true }, { 0x20000000, 0x200fffff, false } }, 2 },
		{ "cloud-hypervisor: 24 bytes, all used",
		  LIST(RESV_MEM(1, 0xfee00000, 0xfeefffff)), 0,
		  { { 0xfee00000, 0xfeefffff, true } }, 1 },
		{ "bhyve: 16 bytes, none used", LIST(END, END, END, END), 0, { }, 0 },
		{ "nothing at all", LIST(), 0, { }, 0 },
	};

	expect_answers(answers, ARRAY_SIZE(answers));
}

static void regions_of_all_sizes(void)
{
	const struct answer answers[] = {
		{ "one address", LIST(RESV_MEM(0, 5, 5)), 0, { { 5, 5, false } }, 1 },
		{ "address 0", LIST(RESV_MEM(0, 0, 0)), 0, { { 0, 0, false } }, 1 },
		{ "the last address", LIST(RESV_MEM(1, U64_MAX, U64_MAX)), 0,
		  { { U64_MAX, U64_MAX, true } }, 1 },
		{ "all addresses", LIST(RESV_MEM(0, 0, U64_MAX)), 0,
		  { { 0, U64_MAX, false } }, 1 },
		{ "bytes in order",
		  LIST(RESV_MEM(0, 0x0102030405060708, 0x1112131415161718)), 0,
		  { { 0x0102030405060708, 0x1112131415161718, false } }, 1 },
		{ "start above last", LIST(RESV_MEM(0, 6, 5)), -EINVAL, { }, 0 },
		{ "start above last, as far as can be", LIST(RESV_MEM(0, U64_MAX, 0)), -EINVAL,
		  { }, 0 },
		{ "start above last, of an MSI region", LIST(RESV_MEM(1, 6, 5)), -EINVAL,
		  { }, 0 },
		{ "start above last, then a good one", LIST(RESV_MEM(0, 6, 5), SOME_RESV_MEM),
		  -EINVAL, { }, 0 },
	};

	expect_answers(answers, ARRAY_SIZE(answers));
}

static void lists_end_at_type_0_or_with_the_bytes(void)
{
	const struct answer answers[] = {
		{ "at the last byte", LIST(SOME_RESV_MEM, SOME_RESV_MEM), 0,
		  { SOME_REGION, SOME_REGION }, 2 },
		{ "with a property of no length", LIST(SOME_RESV_MEM, PROPERTY(7, 0)), 0,
		  { SOME_REGION }, 1 },
		{ "at type 0, before a region", LIST(SOME_RESV_MEM, END, SOME_RESV_MEM), 0,
		  { SOME_REGION }, 1 },
		{ "at type 0 in the first place", LIST(END, SOME_RESV_MEM), 0, { }, 0 },
		{ "at type 0 of length 0xffff", LIST(SOME_RESV_MEM, PROPERTY(0, 0xffff)), 0,
		  { SOME_REGION }, 1 },
		{ "one byte early", LIST(SOME_RESV_MEM, 1), 0, { SOME_REGION }, 1 },
		{ "two bytes early", LIST(SOME_RESV_MEM, 1, 0), 0, { SOME_REGION }, 1 },
		{ "three bytes early", LIST(SOME_RESV_MEM, 1, 0, 20), 0, { SOME_REGION }, 1 },
		{ "before there is a header", LIST(1, 0, 20), 0, { }, 0 },
	};

	expect_answers(answers, ARRAY_SIZE(answers));
}

/* What follows cannot be trusted: better no device than an unseen region. */
static void lists_that_do_not_fit_are_refused(void)
{
	const struct answer answers[] = {
		{ "a byte of a region missing", LIST(PROPERTY(1, 20), 0, 0, 0, 0, LE64(0),
						     0, 0x10, 0, 0, 0, 0, 0), -EINVAL, { }, 0 },
		{ "a header and no region", LIST(SOME_RESV_MEM, PROPERTY(1, 20)), -EINVAL,
		  { SOME_REGION }, 1 },
		{ "an unknown type, too long by one byte", LIST(PROPERTY(2, 5), 0, 0, 0, 0),
		  -EINVAL, { }, 0 },
		{ "an unknown type, too long by all there can be", LIST(PROPERTY(2, 0xffff)),
		  -EINVAL, { }, 0 },
		{ "an ignored type, too long", LIST(PROPERTY(0x1001, 5), 0, 0, 0, 0), -EINVAL,
		  { }, 0 },
		{ "a region that claims a byte too much",
		  LIST(RESV_MEM_OF(21, 0, 0x1000, 0x1fff)), -EINVAL, { }, 0 },
		{ "a short region", LIST(RESV_MEM_OF(19, 0, 0x1000, 0x1fff), END, END),
		  -EINVAL, { }, 0 },
		{ "a region of no length", LIST(PROPERTY(1, 0), SOME_RESV_MEM), -EINVAL, { }, 0 },
		{ "a short region behind a good one",
		  LIST(SOME_RESV_MEM, PROPERTY(1, 4), END, SOME_RESV_MEM), -EINVAL,
		  { SOME_REGION }, 1 },
	};

	expect_answers(answers, ARRAY_SIZE(answers));
}

/* R9: an unknown type is skipped, and what follows is read. */
static void r9_unknown_types_are_passed_over(void)
{
	unsigned int type;

	for (type = 2; type < 0x1000; type++) {
		const struct answer answer = {
			"unknown type", LIST(PROPERTY(type, 4), 1, 0, 20, 0, SOME_RESV_MEM), 0,
			{ SOME_REGION }, 1,
		};

		expect_answer(&answer);
	}
}

/* R10: the next property is where the length says, whatever the type. */
static void r10_steps_go_by_length(void)
{
	u8 bytes[600] = { 0 };
	struct answer answer = { "length", bytes, 0, 0, { SOME_REGION, SOME_REGION }, 0 };
	const u8 region[] = { SOME_RESV_MEM };
	unsigned int length, type;

	for (type = 1; type <= 2; type++) {
		for (length = type == 1 ? 20 : 0; length < 500; length++) {
			memset(bytes, 0, sizeof(bytes));
			memcpy(bytes, region, type == 1 ? sizeof(region) : 0);
			model_put(bytes, type, 2);
			model_put(bytes + 2, length, 2);
			memcpy(bytes + 4 + length, region, sizeof(region));
			answer.size = 4 + length + sizeof(region);
			answer.nr = type == 1 ? 2 : 1;
			expect_answer(&answer);
		}
	}
}

/* R11, R12: a property with reserved type bits is ignored, the next is not. */
static void r11_r12_reserved_type_bits_make_a_property_unknown(void)
{
	unsigned int bits, type;

	for (bits = 0x1000; bits < 0x10000; bits += 0x1000) {
		for (type = 0; type < 3; type++) {
			const struct answer answer = {
				"reserved bits",
				LIST(PROPERTY(bits | type, 20), 1, 0, 0, 0, LE64(9), LE64(8),
				     SOME_RESV_MEM, END), 0, { SOME_REGION }, 1,
			};

			expect_answer(&answer);
		}
	}
}

/* R13: the reserved bytes of a RESV_MEM are ignored. */
static void r13_reserved_bytes_of_a_region_are_ignored(void)
{
	unsigned int i, value;

	for (i = 5; i < 8; i++) {
		for (value = 0; value < 256; value++) {
			u8 bytes[] = { RESV_MEM(1, 0x1000, 0x1fff) };
			const struct answer answer = {
				"reserved byte", bytes, sizeof(bytes), 0,
				{ { 0x1000, 0x1fff, true } }, 1,
			};

			bytes[i] = value;
			expect_answer(&answer);
		}
	}
}

/* R14: an unknown subtype is RESERVED. */
static void r14_unknown_subtypes_are_reserved(void)
{
	unsigned int subtype;

	for (subtype = 0; subtype < 256; subtype++) {
		const struct answer answer = {
			"subtype", LIST(RESV_MEM(subtype, 0x1000, 0x1fff), SOME_RESV_MEM), 0,
			{ { 0x1000, 0x1fff, subtype == 1 }, SOME_REGION }, 2,
		};

		expect_answer(&answer);
	}
}

static void the_callback_ends_the_walk(void)
{
	const u8 list[] = { SOME_RESV_MEM, PROPERTY(9, 0), SOME_RESV_MEM, SOME_RESV_MEM };
	static struct visits got;
	size_t enough;

	for (enough = 1; enough <= 4; enough++) {
		check_row("callback %zu fails", enough);
		got.nr = 0;
		got.enough = enough;
		EXPECT_EQ(viommu_walk_properties(list, sizeof(list), visit, &got),
			  enough <= 3 ? MODEL_ENOUGH : 0);
		EXPECT_EQ(got.nr, enough <= 3 ? enough : 3);
	}
}

/* ---- Properties, all of a kind, against the model --------------------------- */

static void expect_like_model(const u8 *p, size_t size)
{
	const char *differ = model_compare_walk(p, size, 0);

	if (differ) {
		check_note("%s", differ);
		EXPECT(!differ);
	}
}

/* A region with all that may surround one. */
static const u8 crowded[] = {
	PROPERTY(5, 3), 1, 0, 20, RESV_MEM(1, 0xfee00000, 0xfeefffff),
	PROPERTY(0x1000, 4), 0, 0, 0, 0, RESV_MEM_OF(24, 7, 0, 0xfff), 1, 2, 3, 4,
	PROPERTY(2, 0), RESV_MEM(0, U64_MAX - 0xfff, U64_MAX), END, SOME_RESV_MEM,
};

/* Unknown properties of no length, from @at on; what comes before leads there. */
static void lay_out(u8 *p, size_t size, size_t at)
{
	size_t i;

	memset(p, 0, size);
	for (i = at; i < size; i += 4)
		p[i] = 9;
	if (at)
		model_put(p, 7 | (at - 4) << 16, 4);
}

/*
 * A header of either kind at every position of 96 bytes, with every length;
 * what the length leads to is a header as well, or lies askew on two.
 */
static void every_length_at_every_position(void)
{
	const size_t size = 96;
	u8 *p = malloc(size);
	unsigned int at, length, type;
	unsigned long lists = 0;

	for (at = 0; at + 4 <= size; at = at ? at + 1 : 4) {
		lay_out(p, size, at);
		for (type = 1; type <= 2; type++) {
			for (length = 0; length < 0x10000; length += check_step()) {
				model_put(p + at, type | length << 16, 4);
				check_row("type %u at %u, length %#x", type, at, length);
				expect_like_model(p, size);
				lists++;
			}
		}
	}
	free(p);
	check_note("%lu lists", lists);
}

/* As above where every length fits, or nearly. */
static void every_length_in_a_large_list(void)
{
	static const size_t sizes[] = { VIOMMU_MAX_PROBE_SIZE, VIOMMU_MAX_PROBE_SIZE - 1, 512 };
	const u8 region[] = { SOME_RESV_MEM };
	unsigned int i, type, length;
	size_t at;
	u8 *p;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		p = calloc(1, sizes[i]);
		memcpy(p, region, sizeof(region));
		for (type = 1; type <= 2; type++) {
			for (length = 0; length < 0x10000; length += check_step()) {
				at = 4 + length;
				model_put(p, type | length << 16, 4);
				if (at >= sizeof(region) && at + sizeof(region) <= sizes[i])
					memcpy(p + at, region, sizeof(region));
				check_row("type %u in %zu, length %#x", type, sizes[i], length);
				expect_like_model(p, sizes[i]);
				if (at >= sizeof(region) && at + sizeof(region) <= sizes[i])
					memset(p + at, 0, sizeof(region));
			}
		}
		free(p);
	}
}

static void every_truncation(void)
{
	size_t len;
	u8 *cut;

	for (len = 0; len <= sizeof(crowded); len++) {
		check_row("%zu bytes", len);
		cut = copy(crowded, len);
		expect_like_model(cut, len);
		free(cut);
	}
}

static void every_change_of_a_byte(void)
{
	u8 *bytes = copy(crowded, sizeof(crowded));
	unsigned int change;
	size_t at;

	for (at = 0; at < sizeof(crowded); at++) {
		for (change = 0; change < 256; change++) {
			check_row("byte %zu ^ %#x", at, change);
			bytes[at] ^= change;
			expect_like_model(bytes, sizeof(crowded));
			bytes[at] ^= change;
		}
	}
	free(bytes);
}

/* Numbers that come as a property or as a length, now and then as neither. */
static unsigned int some_number(void)
{
	static const unsigned int odd[] = { 0, 1, 1, 1, 20, 20, 20, 19, 21, 0x1001, 0x100, 0xffff };

	return check_random(16) ? odd[check_random(ARRAY_SIZE(odd))] : check_random(0x10000);
}

static void random_lists(void)
{
	unsigned int round;
	size_t size, at;
	u8 *p;

	for (round = 0; round < check_rounds(300000); round++) {
		size = check_random(200);
		p = malloc(size);
		for (at = 0; at + 2 <= size; at += 2)
			model_put(p + at, some_number(), 2);
		if (at < size)
			p[at] = check_random(256);
		check_row("round %u", round);
		expect_like_model(p, size);
		free(p);
	}
}

/* Each step takes 4 bytes or more: the longest list has that many steps. */
static void no_list_is_endless(void)
{
	const u8 region[] = { SOME_RESV_MEM };
	const size_t size = VIOMMU_MAX_PROBE_SIZE;
	static struct visits got;
	u8 *p = malloc(size);
	size_t at;

	for (at = 0; at < size; at += 4)
		model_put(p + at, 9, 4);
	memcpy(p + size - sizeof(region), region, sizeof(region));
	EXPECT_EQ(viommu_walk_properties(p, size, visit, &got), 0);
	EXPECT_EQ(got.nr, 1);

	memset(p, 0, size);
	for (at = 0; at + sizeof(region) <= size; at += sizeof(region))
		memcpy(p + at, region, sizeof(region));
	got.nr = 0;
	EXPECT_EQ(viommu_walk_properties(p, size, visit, &got), 0);
	EXPECT_EQ(got.nr, MODEL_MAX_VISITS);
	expect_like_model(p, size);
	free(p);
}

static void lists_need_not_be_aligned(void)
{
	u8 *bytes = malloc(sizeof(crowded) + 8);
	int shift;

	for (shift = 0; shift < 8; shift++) {
		check_row("shift %d", shift);
		memcpy(bytes + shift, crowded, sizeof(crowded));
		expect_like_model(bytes + shift, sizeof(crowded));
	}
	free(bytes);
}

/* ---- Faults --------------------------------------------------------------- */

#define EVENT_LEN	24

/* No byte of which is 0, but for head.reserved. */
static const u8 whole_event[EVENT_LEN] = {
	2, 0, 0, 0, 0x03, 0x01, 0, 0, 0x21, 0x22, 0x23, 0x24, 0x31, 0x32, 0x33, 0x34,
	0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48,
};

static void expect_fault(const u8 *event, size_t len, const struct viommu_fault *want)
{
	struct viommu_fault got;
	u8 *bytes = copy(event, len);

	if (EXPECT_EQ(viommu_decode_fault(bytes, len, &got), 0)) {
		EXPECT_EQ(got.reason, want->reason);
		EXPECT_EQ(got.flags, want->flags);
		EXPECT_EQ(got.endpoint, want->endpoint);
		EXPECT_EQ(got.address, want->address);
	}
	EXPECT(!model_compare_fault(bytes, len));
	free(bytes);
}

/* What whole_event says. */
static const struct viommu_fault whole_fault = {
	.reason = VIRTIO_IOMMU_FAULT_R_MAPPING,
	.flags = VIRTIO_IOMMU_FAULT_F_READ | VIRTIO_IOMMU_FAULT_F_WRITE |
		 VIRTIO_IOMMU_FAULT_F_ADDRESS,
	.endpoint = 0x24232221,
	.address = 0x4847464544434241,
};

/* QEMU 11.1: no mapping for a read of 0x2345000 by 00:05.0. */
static void a_fault_of_qemu(void)
{
	static const u8 event[EVENT_LEN] = {
		2, 0, 0, 0, 0, 1, 0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 0x34, 2,
	};
	const struct viommu_fault fault = {
		VIRTIO_IOMMU_FAULT_R_MAPPING, VIRTIO_IOMMU_FAULT_F_ADDRESS, 0x28, 0x2345000,
	};

	expect_fault(event, sizeof(event), &fault);
}

static void short_events_are_refused_longer_ones_read(void)
{
	u8 bytes[EVENT_LEN + 40] = { 0 };
	struct viommu_fault fault;
	size_t len;
	u8 *cut;

	memcpy(bytes, whole_event, sizeof(whole_event));
	memset(bytes + EVENT_LEN, 0xee, sizeof(bytes) - EVENT_LEN);
	for (len = 0; len <= sizeof(bytes); len++) {
		check_row("%zu bytes", len);
		if (len >= EVENT_LEN) {
			expect_fault(bytes, len, &whole_fault);
			continue;
		}
		cut = copy(bytes, len);
		EXPECT_EQ(viommu_decode_fault(cut, len, &fault), -EMSGSIZE);
		free(cut);
	}
}

/* R37: an event whose head.reserved is not 0 is ignored. */
static void r37_events_with_a_reserved_head_are_ignored(void)
{
	u8 bytes[EVENT_LEN];
	struct viommu_fault fault;
	unsigned int i, value;

	for (i = 1; i < 4; i++) {
		for (value = 1; value < 256; value++) {
			memcpy(bytes, whole_event, sizeof(bytes));
			bytes[i] = value;
			check_row("byte %u is %#x", i, value);
			EXPECT_EQ(viommu_decode_fault(bytes, sizeof(bytes), &fault), -EINVAL);
		}
	}
}

/* R38: the second reserved field is ignored. */
static void r38_the_second_reserved_field_is_ignored(void)
{
	u8 bytes[EVENT_LEN];
	unsigned int i, value;

	memcpy(bytes, whole_event, sizeof(bytes));
	for (i = 12; i < 16; i++) {
		for (value = 0; value < 256; value++) {
			bytes[i] = value;
			check_row("byte %u is %#x", i, value);
			expect_fault(bytes, sizeof(bytes), &whole_fault);
		}
	}
}

/* R39: undefined flags are ignored. */
static void r39_undefined_flags_are_ignored(void)
{
	struct viommu_fault want = whole_fault;
	u8 bytes[EVENT_LEN];
	unsigned int round;
	u32 flags;

	memcpy(bytes, whole_event, sizeof(bytes));
	for (round = 0; round < 1000; round++) {
		flags = round < 32 ? 1U << round : (u32)random_u64();
		model_put(bytes + 4, flags, 4);
		want.flags = flags & 0x103;
		want.address = flags & 0x100 ? whole_fault.address : 0;
		check_row("flags %#x", flags);
		expect_fault(bytes, sizeof(bytes), &want);
	}
}

/* R40: an unknown reason is UNKNOWN. */
static void r40_unknown_reasons_are_unknown(void)
{
	struct viommu_fault want = whole_fault;
	u8 bytes[EVENT_LEN];
	unsigned int reason;

	memcpy(bytes, whole_event, sizeof(bytes));
	for (reason = 0; reason < 256; reason++) {
		bytes[0] = reason;
		want.reason = reason <= 2 ? reason : 0;
		check_row("reason %u", reason);
		expect_fault(bytes, sizeof(bytes), &want);
	}
}

/* R41: ADDRESS may be absent; the field is not an address then. */
static void r41_without_the_flag_there_is_no_address(void)
{
	struct viommu_fault want = whole_fault;
	u8 bytes[EVENT_LEN];

	memcpy(bytes, whole_event, sizeof(bytes));
	bytes[5] = 0;
	want.flags = VIRTIO_IOMMU_FAULT_F_READ | VIRTIO_IOMMU_FAULT_F_WRITE;
	want.address = 0;
	expect_fault(bytes, sizeof(bytes), &want);
}

static void random_events(void)
{
	u8 bytes[EVENT_LEN];
	unsigned int round, i;

	for (round = 0; round < check_rounds(100000); round++) {
		for (i = 0; i < EVENT_LEN; i++)
			bytes[i] = check_random(2) ? 0 : check_random(256);
		check_row("round %u", round);
		EXPECT(!model_compare_fault(bytes, sizeof(bytes)));
	}
}

static void every_reason_has_words_of_its_own(void)
{
	struct viommu_fault a = { 0 }, b = { 0 };

	for (a.reason = 0; a.reason < 3; a.reason++)
		for (b.reason = 0; b.reason < a.reason; b.reason++)
			EXPECT(strcmp(viommu_fault_reason(&a), viommu_fault_reason(&b)));
	EXPECT(strstr(viommu_fault_reason(&(struct viommu_fault){ .reason = 0 }), "unknown"));
	EXPECT(strstr(viommu_fault_reason(&(struct viommu_fault){ .reason = 1 }), "domain"));
	EXPECT(strstr(viommu_fault_reason(&(struct viommu_fault){ .reason = 2 }), "mapping"));
}

static const struct check_case cases[] = {
	CASE(r16_r21_attach_is_its_table_and_zeros),
	CASE(r16_r25_detach_is_its_table_and_zeros),
	CASE(r16_r26_map_is_its_table_and_zeros),
	CASE(r16_r33_unmap_is_its_table_and_zeros),
	CASE(r8_r16_probe_is_its_table_and_zeros),
	CASE(requests_spelled_out),
	CASE(every_status_is_an_errno),
	CASE(properties_of_devices),
	CASE(regions_of_all_sizes),
	CASE(lists_end_at_type_0_or_with_the_bytes),
	CASE(lists_that_do_not_fit_are_refused),
	CASE(r9_unknown_types_are_passed_over),
	CASE(r10_steps_go_by_length),
	CASE(r11_r12_reserved_type_bits_make_a_property_unknown),
	CASE(r13_reserved_bytes_of_a_region_are_ignored),
	CASE(r14_unknown_subtypes_are_reserved),
	CASE(the_callback_ends_the_walk),
	CASE(every_length_at_every_position),
	CASE(every_length_in_a_large_list),
	CASE(every_truncation),
	CASE(every_change_of_a_byte),
	CASE(random_lists),
	CASE(no_list_is_endless),
	CASE(lists_need_not_be_aligned),
	CASE(a_fault_of_qemu),
	CASE(short_events_are_refused_longer_ones_read),
	CASE(r37_events_with_a_reserved_head_are_ignored),
	CASE(r38_the_second_reserved_field_is_ignored),
	CASE(r39_undefined_flags_are_ignored),
	CASE(r40_unknown_reasons_are_unknown),
	CASE(r41_without_the_flag_there_is_no_address),
	CASE(random_events),
	CASE(every_reason_has_words_of_its_own),
};

CHECK_SUITE(proto, cases);
