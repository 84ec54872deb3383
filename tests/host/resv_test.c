// SPDX-License-Identifier: GPL-2.0
/*
 * Reserved regions, against bitmaps: 64 cells stand for all of a small world
 * of addresses, or for the whole address space in 64 parts. What bitmaps
 * cannot show, regions with ends anywhere, is asked address by address.
 */

#include <errno.h>
#include <stdlib.h>

#include <linux/array_size.h>
#include <linux/limits.h>

#include "../../drivers/iommu/virtio/resv.h"
#include "check.h"

#define CELLS		64

/* Room for @max regions and not one more, for ASan. */
static struct viommu_regions *new_table(unsigned int max)
{
	struct viommu_regions *t = calloc(1, sizeof(*t));

	t->max = max;
	t->region = malloc(max * sizeof(*t->region));
	return t;
}

static void free_table(struct viommu_regions *t)
{
	free(t->region);
	free(t);
}

static int add(struct viommu_regions *t, u64 start, u64 last, bool msi)
{
	const struct viommu_region region = { start, last, msi };

	return viommu_regions_add(t, &region);
}

/* ---- Worlds of 64 cells ----------------------------------------------------- */

/* A base is a multiple of 32 cells, the largest granule tried. */
static const struct scale {
	const char	*name;
	u64		base;
	u64		cell;
} scales[] = {
	{ "addresses from 0", 0, 1 },
	{ "addresses up to 2^64 - 1", U64_MAX - 63, 1 },
	{ "pages around 2^63", (1ULL << 63) - 32 * 4096, 4096 },
	{ "the whole address space", 0, 1ULL << 58 },
};

static u64 cell_start(const struct scale *s, unsigned int cell)
{
	return s->base + cell * s->cell;
}

static u64 cell_last(const struct scale *s, unsigned int cell)
{
	return cell_start(s, cell) + (s->cell - 1);
}

/* What is reserved, by kind: a bit for each cell. */
struct bitmaps {
	u64	kind[2];
};

static bool bit(u64 map, unsigned int i)
{
	return i < CELLS && map >> i & 1;
}

static u64 bits(unsigned int first, unsigned int last)
{
	u64 map = 0;

	for (; first <= last; first++)
		map |= 1ULL << first;
	return map;
}

/* The runs of each kind, by start; where both begin, reserved comes first. */
static unsigned int model_regions(const struct scale *s, const struct bitmaps *b,
				  struct viommu_region *region)
{
	unsigned int i, j, kind, nr = 0;

	for (i = 0; i < CELLS; i++) {
		for (kind = 0; kind < 2; kind++) {
			if (!bit(b->kind[kind], i) || (i && bit(b->kind[kind], i - 1)))
				continue;
			for (j = i; bit(b->kind[kind], j + 1);)
				j++;
			region[nr++] = (struct viommu_region){
				cell_start(s, i), cell_last(s, j), kind,
			};
		}
	}
	return nr;
}

static void expect_regions(const struct viommu_regions *t, const struct scale *s,
			   const struct bitmaps *b)
{
	static struct viommu_region want[CELLS + 1];
	unsigned int i, nr = model_regions(s, b, want);

	EXPECT_EQ(t->nr, nr);
	for (i = 0; i < t->nr && i < nr; i++) {
		EXPECT_EQ(t->region[i].start, want[i].start);
		EXPECT_EQ(t->region[i].last, want[i].last);
		EXPECT_EQ(t->region[i].msi, want[i].msi);
	}
	EXPECT_EQ(viommu_regions_has_msi(t), b->kind[1] != 0);
}

static int add_cells(struct viommu_regions *t, const struct scale *s, struct bitmaps *b,
		     unsigned int first, unsigned int last, bool msi)
{
	b->kind[msi] |= bits(first, last);
	return add(t, cell_start(s, first), cell_last(s, last), msi);
}

/* Up to @nr regions, most of them short. */
static void add_random_cells(struct viommu_regions *t, const struct scale *s,
			     struct bitmaps *b, unsigned int nr)
{
	unsigned int first, last;

	while (nr--) {
		first = check_random(CELLS);
		last = first + check_random(check_random(8) ? 6 : CELLS);
		EXPECT_EQ(add_cells(t, s, b, first, last < CELLS ? last : CELLS - 1,
				    !check_random(3)), 0);
	}
}

/* ---- Adding --------------------------------------------------------------- */

static void expect_relation(const struct scale *s, unsigned int base, unsigned int one,
			    unsigned int other, bool msi)
{
	const unsigned int a = one / 8, b = one % 8, c = other / 8, d = other % 8;
	struct viommu_regions *t;
	struct bitmaps map = { 0 };

	if (a > b || c > d)
		return;
	check_row("%s: %u to %u, %u to %u, MSI %d", s->name, a, b, c, d, msi);
	t = new_table(2);
	EXPECT_EQ(add_cells(t, s, &map, base + a, base + b, false), 0);
	EXPECT_EQ(add_cells(t, s, &map, base + c, base + d, msi), 0);
	expect_regions(t, s, &map);
	free_table(t);
}

/* All pairs of regions of 8 cells at either end, of one kind or of two. */
static void every_relation_of_two(void)
{
	unsigned int i, one, other;

	for (i = 0; i < 4 * ARRAY_SIZE(scales); i++)
		for (one = 0; one < 64; one++)
			for (other = 0; other < 64; other++)
				expect_relation(&scales[i / 4], i & 2 ? CELLS - 8 : 0, one, other,
						i & 1);
}

static void random_regions_like_bitmaps(void)
{
	unsigned int round, i;
	const struct scale *s;
	struct viommu_regions *t;
	struct bitmaps b;

	for (round = 0; round < check_rounds(8000); round++) {
		s = &scales[round % ARRAY_SIZE(scales)];
		b = (struct bitmaps){ 0 };
		t = new_table(CELLS + 1);
		for (i = 0; i < 24; i++) {
			check_row("round %u, %s, region %u", round, s->name, i);
			add_random_cells(t, s, &b, 1);
			expect_regions(t, s, &b);
		}
		free_table(t);
	}
}

/* One that fills gaps takes in all it reaches, before and behind. */
static void a_region_joins_those_on_either_side(void)
{
	static const struct viommu_region want[] = {
		{ 0, 9, false }, { 15, 16, true }, { 90, U64_MAX, false },
	};
	struct viommu_regions *t = new_table(6);
	unsigned int i;

	add(t, 0, 1, false);
	add(t, 4, 5, false);
	add(t, 8, 9, false);
	add(t, 15, 16, true);
	add(t, U64_MAX, U64_MAX, false);
	EXPECT_EQ(t->nr, 5);
	add(t, 90, U64_MAX - 1, false);
	EXPECT_EQ(t->nr, 5);
	add(t, 2, 7, false);
	EXPECT_EQ(t->nr, ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++)
		EXPECT(!memcmp(&t->region[i].start, &want[i].start, 16) &&
		       t->region[i].msi == want[i].msi);
	free_table(t);
}

/* Kinds differ: the core is told of both. */
static void regions_of_two_kinds_stay_apart(void)
{
	struct viommu_regions *t = new_table(3);

	EXPECT_EQ(add(t, 0x1000, 0x1fff, false), 0);
	EXPECT_EQ(add(t, 0x1800, 0x27ff, true), 0);
	EXPECT_EQ(add(t, 0x2800, 0x2fff, false), 0);
	EXPECT_EQ(t->nr, 3);
	free_table(t);
}

static void a_full_table_takes_no_more_and_stays_as_it_is(void)
{
	struct viommu_regions *t = new_table(2);

	EXPECT_EQ(add(t, 10, 19, false), 0);
	EXPECT_EQ(add(t, 30, 39, true), 0);
	EXPECT_EQ(add(t, 50, 59, false), -ENOSPC);
	EXPECT_EQ(add(t, 0, 8, false), -ENOSPC);
	EXPECT_EQ(add(t, 10, 19, true), -ENOSPC);
	EXPECT_EQ(t->nr, 2);
	EXPECT_EQ(t->region[0].start, 10);
	EXPECT_EQ(t->region[1].start, 30);
	/* But what joins one takes no room. */
	EXPECT_EQ(add(t, 20, 25, false), 0);
	EXPECT_EQ(t->nr, 2);
	EXPECT_EQ(t->region[0].last, 25);
	free_table(t);

	t = new_table(0);
	EXPECT_EQ(add(t, 0, 0, false), -ENOSPC);
	free_table(t);
}

/* ---- Regions with ends anywhere --------------------------------------------- */

static u64 random_address(void)
{
	static const u64 odd[] = {
		0, 1, 0xfff, 0x1000, U32_MAX, 1ULL << 32, 1ULL << 63, (1ULL << 63) - 1,
		U64_MAX - 0x1000, U64_MAX - 0xfff, U64_MAX - 1, U64_MAX,
	};
	u64 high = check_random(0x7fffffff), low = check_random(0x7fffffff);

	return check_random(3) ? odd[check_random(ARRAY_SIZE(odd))]
			       : high << 33 ^ low << 8 ^ low >> 20;
}

static bool holds(const struct viommu_region *region, unsigned int nr, u64 address, bool msi)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (region[i].start <= address && address <= region[i].last &&
		    region[i].msi == msi)
			return true;
	return false;
}

static void expect_invariants(const struct viommu_regions *t)
{
	unsigned int i, j;

	for (i = 0; i < t->nr; i++) {
		EXPECT(t->region[i].start <= t->region[i].last);
		EXPECT(!i || t->region[i - 1].start <= t->region[i].start);
		for (j = 0; j < i; j++)
			if (t->region[j].msi == t->region[i].msi)
				EXPECT(t->region[j].last != U64_MAX &&
				       t->region[j].last + 1 < t->region[i].start);
	}
}

static void random_regions_address_by_address(void)
{
	struct viommu_region added[12];
	struct viommu_regions *t;
	unsigned int round, i, j;
	u64 a, b;

	for (round = 0; round < check_rounds(10000); round++) {
		t = new_table(ARRAY_SIZE(added));
		for (i = 0; i < ARRAY_SIZE(added); i++) {
			a = random_address();
			b = check_random(2) ? a : random_address();
			added[i] = (struct viommu_region){
				a < b ? a : b, a < b ? b : a, check_random(2),
			};
			EXPECT_EQ(viommu_regions_add(t, &added[i]), 0);
		}
		check_row("round %u", round);
		expect_invariants(t);
		for (i = 0; i < 6 * ARRAY_SIZE(added); i++) {
			j = i / 6;
			a = (i & 1 ? added[j].start : added[j].last) + i / 2 % 3 - 1;
			EXPECT_EQ(holds(t->region, t->nr, a, false),
				  holds(added, ARRAY_SIZE(added), a, false));
			EXPECT_EQ(holds(t->region, t->nr, a, true),
				  holds(added, ARRAY_SIZE(added), a, true));
		}
		free_table(t);
	}
}

/* ---- Comparing ------------------------------------------------------------ */

static void tables_are_equal_if_all_of_all_regions_is(void)
{
	static const struct {
		const char		*name;
		struct viommu_region	region[2];
		unsigned int		nr;
		bool			equal;
	} rows[] = {
		{ "the same", { { 5, 9, false }, { 20, 29, true } }, 2, true },
		{ "another start", { { 4, 9, false }, { 20, 29, true } }, 2, false },
		{ "another end", { { 5, 10, false }, { 20, 29, true } }, 2, false },
		{ "another kind", { { 5, 9, true }, { 20, 29, true } }, 2, false },
		{ "the last differs", { { 5, 9, false }, { 20, 28, true } }, 2, false },
		{ "the first alone", { { 5, 9, false } }, 1, false },
		{ "nothing", { }, 0, false },
	};
	struct viommu_regions *a = new_table(3), *b;
	size_t i, j;

	add(a, 5, 9, false);
	add(a, 20, 29, true);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("%s", rows[i].name);
		b = new_table(2);
		for (j = 0; j < rows[i].nr; j++)
			viommu_regions_add(b, &rows[i].region[j]);
		EXPECT_EQ(viommu_regions_equal(a, b), rows[i].equal);
		EXPECT_EQ(viommu_regions_equal(b, a), rows[i].equal);
		free_table(b);
	}
	free_table(a);
}

/* Or devices with the same regions would not find each other's domain. */
static void the_order_of_adding_does_not_matter(void)
{
	const struct scale *s = &scales[0];
	struct viommu_regions *a, *b;
	struct viommu_region r[6];
	unsigned int round, i, first;

	for (round = 0; round < check_rounds(20000); round++) {
		a = new_table(ARRAY_SIZE(r));
		b = new_table(ARRAY_SIZE(r));
		for (i = 0; i < ARRAY_SIZE(r); i++) {
			first = check_random(8);
			r[i] = (struct viommu_region){
				cell_start(s, first), cell_last(s, first + check_random(4)),
				check_random(2),
			};
			viommu_regions_add(a, &r[i]);
		}
		while (i--)
			viommu_regions_add(b, &r[i]);
		check_row("round %u", round);
		EXPECT(viommu_regions_equal(a, b));
		free_table(a);
		free_table(b);
	}
}

/* ---- What a device may ask for ---------------------------------------------- */

static void regions_are_checked(void)
{
	static const struct {
		struct viommu_region	region;
		int			err;
	} rows[] = {
		{ { 0, 0, false }, 0 },
		{ { 0, U64_MAX - 1, false }, 0 },
		{ { 1, U64_MAX, false }, 0 },
		{ { U64_MAX, U64_MAX, true }, 0 },
		{ { 0, U64_MAX, false }, -EINVAL },
		{ { 0, U64_MAX, true }, -EINVAL },
		{ { 0xfee00000, 0xfeefffff, true }, 0 },
		{ { 0, VIOMMU_MAX_MSI_SIZE - 1, true }, 0 },
		{ { 0, VIOMMU_MAX_MSI_SIZE, true }, -E2BIG },
		{ { 0, VIOMMU_MAX_MSI_SIZE, false }, 0 },
		{ { U64_MAX - VIOMMU_MAX_MSI_SIZE + 1, U64_MAX, true }, 0 },
		{ { U64_MAX - VIOMMU_MAX_MSI_SIZE, U64_MAX, true }, -E2BIG },
		{ { 0, U64_MAX - 1, true }, -E2BIG },
		{ { 1, U64_MAX, true }, -E2BIG },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 msi = 0;

		check_row("%#llx to %#llx", rows[i].region.start, rows[i].region.last);
		EXPECT_EQ(viommu_regions_check(&rows[i].region, &msi), rows[i].err);
		EXPECT_EQ(msi, rows[i].region.msi && !rows[i].err ?
			       rows[i].region.last - rows[i].region.start + 1 : 0);
	}
}

static void doorbells_count_together(void)
{
	static const struct viommu_region half = { 0, VIOMMU_MAX_MSI_SIZE / 2 - 1, true };
	static const struct viommu_region memory = { 0, U64_MAX - 1, false };
	static const struct viommu_region byte = { 5, 5, true };
	u64 msi = 0;

	EXPECT_EQ(viommu_regions_check(&half, &msi), 0);
	EXPECT_EQ(viommu_regions_check(&memory, &msi), 0);
	EXPECT_EQ(viommu_regions_check(&half, &msi), 0);
	EXPECT_EQ(msi, VIOMMU_MAX_MSI_SIZE);
	EXPECT_EQ(viommu_regions_check(&byte, &msi), -E2BIG);
}

/* ---- Holes ---------------------------------------------------------------- */

/* Holes as they come; the callback has enough of number @enough, from 1. */
struct holes {
	struct {
		u64	start;
		u64	last;
	} list[CELLS / 2 + 1];
	unsigned int	nr;
	unsigned int	enough;
};

static int see_hole(u64 start, u64 last, void *ctx)
{
	struct holes *h = ctx;

	if (h->nr < ARRAY_SIZE(h->list)) {
		h->list[h->nr].start = start;
		h->list[h->nr].last = last;
	}
	return ++h->nr == h->enough ? -ECANCELED : 0;
}

/* Whole granules of free cells, and as many of them in a row as there are. */
static void model_holes(const struct scale *s, u64 free, unsigned int granule, struct holes *h)
{
	unsigned int i, j;

	for (i = 0; i < CELLS; i += granule) {
		for (j = i; j < i + granule && bit(free, j); j++)
			;
		if (j < i + granule)
			continue;
		if (h->nr && h->list[h->nr - 1].last == cell_start(s, i) - 1)
			h->list[h->nr - 1].last = cell_last(s, j - 1);
		else
			see_hole(cell_start(s, i), cell_last(s, j - 1), h);
	}
}

static void expect_holes(const struct viommu_regions *t, const struct scale *s,
			 const struct bitmaps *b, unsigned int first, unsigned int last,
			 unsigned int granule)
{
	struct holes got = { 0 }, want = { 0 };
	unsigned int i;

	check_row("%s, %u to %u by %u of %016llx", s->name, first, last, granule,
		  ~(b->kind[0] | b->kind[1]));
	model_holes(s, bits(first, last) & ~(b->kind[0] | b->kind[1]), granule, &want);
	EXPECT_EQ(viommu_regions_walk_holes(t, cell_start(s, first), cell_last(s, last),
					       granule * s->cell, see_hole, &got), 0);
	EXPECT_EQ(got.nr, want.nr);
	for (i = 0; i < got.nr && i < want.nr; i++) {
		EXPECT_EQ(got.list[i].start, want.list[i].start);
		EXPECT_EQ(got.list[i].last, want.list[i].last);
	}
}

/*
 * R15: nothing is mapped inside a region of either kind. R19: nor outside of
 * the input range. R32: and what is mapped is aligned.
 */
static void r15_r19_r32_holes_are_all_that_is_free(void)
{
	unsigned int round, first, last;
	const struct scale *s;
	struct viommu_regions *t;
	struct bitmaps b;

	for (round = 0; round < check_rounds(60000); round++) {
		s = &scales[round % ARRAY_SIZE(scales)];
		b = (struct bitmaps){ 0 };
		t = new_table(CELLS + 1);
		add_random_cells(t, s, &b, check_random(8));
		first = check_random(4) ? check_random(CELLS) : 0;
		last = check_random(4) ? check_random(CELLS) : CELLS - 1;
		expect_holes(t, s, &b, first < last ? first : last, first < last ? last : first,
			     1 << check_random(6));
		free_table(t);
	}
}

/* One region, and the holes beside it: pairs of first and last. */
static const struct {
	const char		*name;
	u64			first, last, granule;
	struct viommu_region	region;
	unsigned int		nr;
	u64			hole[4];
} odd_holes[] = {
	{ "a part of each page", 0, 0x4fff, 0x1000, { 0x1001, 0x2ffe, false }, 2,
	  { 0, 0xfff, 0x3000, 0x4fff } },
	{ "one byte in a page", 0, 0x2fff, 0x1000, { 0x1800, 0x1800, false }, 2,
	  { 0, 0xfff, 0x2000, 0x2fff } },
	{ "the first byte", 0, 0x2fff, 0x1000, { 0, 0, true }, 1, { 0x1000, 0x2fff } },
	{ "all but the last page", 0, U64_MAX, 0x1000, { 0, U64_MAX - 0x1000, false }, 1,
	  { U64_MAX - 0xfff, U64_MAX } },
	{ "all but a byte too few of the last page", 0, U64_MAX, 0x1000,
	  { 0, U64_MAX - 0xfff, false }, 0, { } },
	{ "the last byte", 0, U64_MAX, 0x1000, { U64_MAX, U64_MAX, false }, 1,
	  { 0, U64_MAX - 0x1000 } },
	{ "from the second byte on", 0, U64_MAX, 0x1000, { 1, U64_MAX, false }, 0, { } },
	{ "the last byte, in halves", 0, U64_MAX, 1ULL << 63, { U64_MAX, U64_MAX, false }, 1,
	  { 0, U64_MAX >> 1 } },
	{ "the middle, in halves", 0, U64_MAX, 1ULL << 63,
	  { U64_MAX >> 1, (U64_MAX >> 1) + 1, false }, 0, { } },
	{ "all", 0, U64_MAX, 0x1000, { 0, U64_MAX, false }, 0, { } },
	{ "below the range", 0x10000, 0x1ffff, 0x1000, { 0, 0x3fff, false }, 1,
	  { 0x10000, 0x1ffff } },
	{ "above the range", 0x10000, 0x1ffff, 0x1000, { 0x20000, U64_MAX, false }, 1,
	  { 0x10000, 0x1ffff } },
	{ "a range that is less than a page", 0x10001, 0x10fff, 0x1000,
	  { 0, 0, false }, 0, { } },
	{ "a range that is less than the first page", 0, 0xffe, 0x1000,
	  { U64_MAX, U64_MAX, false }, 0, { } },
	{ "a range that is less than the last page", U64_MAX - 0xffe, U64_MAX, 0x1000,
	  { 0, 0, false }, 0, { } },
};

static void holes_between_odd_addresses(void)
{
	struct viommu_regions *t;
	struct holes got;
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(odd_holes); i++) {
		t = new_table(1);
		viommu_regions_add(t, &odd_holes[i].region);
		got = (struct holes){ 0 };
		check_row("%s", odd_holes[i].name);
		EXPECT_EQ(viommu_regions_walk_holes(t, odd_holes[i].first, odd_holes[i].last,
						       odd_holes[i].granule, see_hole, &got), 0);
		EXPECT_EQ(got.nr, odd_holes[i].nr);
		for (j = 0; j < got.nr && j < odd_holes[i].nr; j++) {
			EXPECT_EQ(got.list[j].start, odd_holes[i].hole[2 * j]);
			EXPECT_EQ(got.list[j].last, odd_holes[i].hole[2 * j + 1]);
		}
		free_table(t);
	}
}

static void the_callback_ends_the_walk(void)
{
	struct viommu_regions *t = new_table(2);
	struct holes h;
	unsigned int enough;

	add(t, 0x1000, 0x1fff, false);
	add(t, 0x3000, 0x3fff, true);
	for (enough = 1; enough <= 4; enough++) {
		check_row("hole %u", enough);
		h = (struct holes){ .enough = enough };
		EXPECT_EQ(viommu_regions_walk_holes(t, 0, U64_MAX, 0x1000, see_hole, &h),
			  enough <= 3 ? -ECANCELED : 0);
		EXPECT_EQ(h.nr, enough <= 3 ? enough : 3);
	}
	free_table(t);
}

/* ---- A window for MSIs ------------------------------------------------------ */

#define MSI_SIZE	VIOMMU_SW_MSI_SIZE

static bool window_is_free(const struct viommu_regions *t, u128 at, u64 first, u64 last)
{
	unsigned int i;

	if (at < first || at + MSI_SIZE - 1 > last)
		return false;
	for (i = 0; i < t->nr; i++)
		if (t->region[i].start <= at + MSI_SIZE - 1 && at <= t->region[i].last)
			return false;
	return true;
}

/* At @at or above. */
static u128 next_window(u128 at)
{
	return (at + MSI_SIZE - 1) / MSI_SIZE * MSI_SIZE;
}

/* The lowest of all places where one might begin; false if there is none. */
static bool model_place_msi(const struct viommu_regions *t, u64 first, u64 last, u64 *base)
{
	u128 at, best = (u128)U64_MAX + 1;
	unsigned int i;

	for (i = 0; i <= t->nr + 1; i++) {
		at = i == t->nr ? VIOMMU_SW_MSI_BASE :
		     i == t->nr + 1 ? next_window(first) : next_window((u128)t->region[i].last + 1);
		if (at >= VIOMMU_SW_MSI_BASE && at < best && window_is_free(t, at, first, last))
			best = at;
	}
	*base = best;
	return best <= U64_MAX;
}

static void expect_placed(const struct viommu_regions *t, u64 first, u64 last)
{
	u64 want, got = 1;
	bool room = model_place_msi(t, first, last, &want);

	EXPECT_EQ(viommu_regions_place_msi(t, first, last, &got), room ? 0 : -ENOSPC);
	EXPECT_EQ(got, room ? want : 1);
}

static const struct {
	const char		*name;
	u64			first, last;
	struct viommu_region	region;
	int			err;
	u64			base;
} windows[] = {
	{ "by convention", 0, U64_MAX, { 0, 0, false }, 0, 0x8000000 },
	{ "up to the last address of the range", 0, 0x80fffff, { 0, 0, false }, 0, 0x8000000 },
	{ "from the first address of the range", 0x8000000, U64_MAX, { 0, 0, false }, 0,
	  0x8000000 },
	{ "beside a region below", 0, U64_MAX, { 0, 0x7ffffff, false }, 0, 0x8000000 },
	{ "beside a region above", 0, U64_MAX, { 0x8100000, U64_MAX, false }, 0, 0x8000000 },
	{ "behind a byte at its beginning", 0, U64_MAX, { 0, 0x8000000, false }, 0, 0x8100000 },
	{ "behind a byte at its end", 0, U64_MAX, { 0x80fffff, 0x80fffff, false }, 0,
	  0x8100000 },
	{ "behind a byte in its midst", 0, U64_MAX, { 0x8080000, 0x8080000, true }, 0,
	  0x8100000 },
	{ "behind 2^63", 0, U64_MAX, { 0, 1ULL << 63, false }, 0, (1ULL << 63) + 0x100000 },
	{ "at the top", 0, U64_MAX, { 0, U64_MAX - 0x100000, false }, 0, U64_MAX - 0xfffff },
	{ "at the top, beside a region that ends with a window", 0, U64_MAX,
	  { 0, U64_MAX - 0x1fffff, false }, 0, U64_MAX - 0x1fffff + 0x100000 },
	{ "in a range that begins above", 0x8000001, U64_MAX, { 0, 0, false }, 0, 0x8100000 },
	{ "in a range of the topmost window", U64_MAX - 0xfffff, U64_MAX, { 0, 0, false }, 0,
	  U64_MAX - 0xfffff },
	{ "nowhere: a byte too few", 0, 0x80ffffe, { 0, 0, false }, -ENOSPC, 0 },
	{ "nowhere: all reserved from there", 0, U64_MAX, { 0x8000000, U64_MAX, false },
	  -ENOSPC, 0 },
	{ "nowhere: a byte too much at the top", 0, U64_MAX, { 0, U64_MAX - 0xfffff, false },
	  -ENOSPC, 0 },
	{ "nowhere: a range below it", 0, 0x7ffffff, { 0, 0, false }, -ENOSPC, 0 },
	{ "nowhere: a range that begins in the topmost window", U64_MAX - 0xffffe, U64_MAX,
	  { 0, 0, false }, -ENOSPC, 0 },
	{ "nowhere: a range of one address", U64_MAX, U64_MAX, { 0, 0, false }, -ENOSPC, 0 },
};

static void the_msi_window_has_its_place(void)
{
	struct viommu_regions *t;
	unsigned int i;
	u64 base;

	for (i = 0; i < ARRAY_SIZE(windows); i++) {
		check_row("%s", windows[i].name);
		t = new_table(1);
		base = 0;
		viommu_regions_add(t, &windows[i].region);
		EXPECT_EQ(viommu_regions_place_msi(t, windows[i].first, windows[i].last, &base),
			  windows[i].err);
		EXPECT_EQ(base, windows[i].base);
		expect_placed(t, windows[i].first, windows[i].last);
		free_table(t);
	}
}

/* Around the conventional place, or at the top of all. */
static u64 random_place(void)
{
	static const u64 around[] = {
		VIOMMU_SW_MSI_BASE - 2 * MSI_SIZE, U64_MAX - 8 * MSI_SIZE + 1,
	};

	return around[check_random(2)] + check_random(8) * MSI_SIZE + check_random(2) * 0x40000 -
	       check_random(2);
}

static void random_places_like_the_model(void)
{
	unsigned int round, i;
	struct viommu_regions *t;
	u64 a, b;

	for (round = 0; round < check_rounds(100000); round++) {
		t = new_table(8);
		for (i = check_random(8); i; i--) {
			a = random_place();
			b = check_random(2) ? a : random_place();
			add(t, a < b ? a : b, a < b ? b : a, check_random(2));
		}
		check_row("round %u", round);
		a = check_random(2) ? 0 : random_place();
		b = check_random(2) ? U64_MAX : random_place();
		expect_placed(t, a < b ? a : b, a < b ? b : a);
		free_table(t);
	}
}

static const struct check_case cases[] = {
	CASE(every_relation_of_two),
	CASE(random_regions_like_bitmaps),
	CASE(a_region_joins_those_on_either_side),
	CASE(regions_of_two_kinds_stay_apart),
	CASE(a_full_table_takes_no_more_and_stays_as_it_is),
	CASE(random_regions_address_by_address),
	CASE(tables_are_equal_if_all_of_all_regions_is),
	CASE(the_order_of_adding_does_not_matter),
	CASE(regions_are_checked),
	CASE(doorbells_count_together),
	CASE(r15_r19_r32_holes_are_all_that_is_free),
	CASE(holes_between_odd_addresses),
	CASE(the_callback_ends_the_walk),
	CASE(the_msi_window_has_its_place),
	CASE(random_places_like_the_model),
};

CHECK_SUITE(resv, cases);
