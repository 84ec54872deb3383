// SPDX-License-Identifier: GPL-2.0
/*
 * The mapping store, against a list that is searched from end to end: all
 * relations of two ranges, every end of the address space, and random
 * operations on ranges from a page to half of all addresses. And against a
 * bitmap, which is quick enough for millions of them.
 */

#include <errno.h>
#include <stdlib.h>

#include <linux/array_size.h>
#include <linux/limits.h>

#include "../../drivers/iommu/virtio/mapping.h"
#include "check.h"

#define PAGE		4096ULL
#define LAST_PAGE	(U64_MAX - PAGE + 1)

static struct viommu_mapping *new_mapping(u64 iova, u64 last)
{
	struct viommu_mapping *m = malloc(sizeof(*m));

	memset(m, 0xa5, sizeof(*m));
	m->iova = iova;
	m->last = last;
	return m;
}

/* ---- A model: no order, no tree --------------------------------------------- */

#define MODEL_MAX	128

struct model {
	struct viommu_mapping	*mapping[MODEL_MAX];
	unsigned int		nr;
};

static bool overlap(const struct viommu_mapping *a, const struct viommu_mapping *b)
{
	return a->iova <= b->last && b->iova <= a->last;
}

static bool model_has_room(const struct model *m, const struct viommu_mapping *new)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		if (overlap(m->mapping[i], new))
			return false;
	return true;
}

/* The one of lowest IOVA, of those that end at @iova or above. */
static struct viommu_mapping *model_first(const struct model *m, u64 iova)
{
	struct viommu_mapping *first = NULL;
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		if (m->mapping[i]->last >= iova &&
		    (!first || m->mapping[i]->iova < first->iova))
			first = m->mapping[i];
	return first;
}

static struct viommu_mapping *model_find(const struct model *m, u64 iova)
{
	unsigned int i;

	for (i = 0; i < m->nr; i++)
		if (m->mapping[i]->iova <= iova && iova <= m->mapping[i]->last)
			return m->mapping[i];
	return NULL;
}

/* ---- A store and its model -------------------------------------------------- */

struct world {
	struct viommu_mappings	store;
	struct model		model;
};

static void expect_answers_at(const struct world *w, u64 iova)
{
	EXPECT(viommu_mapping_first(&w->store, iova) == model_first(&w->model, iova));
	EXPECT(viommu_mapping_find(&w->store, iova) == model_find(&w->model, iova));
}

/* From the first to the last, each once, by ascending IOVA. */
static void expect_walk_of_all(const struct world *w)
{
	const struct viommu_mapping *m, *before = NULL;
	unsigned int nr = 0;

	for (m = viommu_mapping_first(&w->store, 0); m; m = viommu_mapping_next(m)) {
		EXPECT(model_find(&w->model, m->iova) == m);
		EXPECT(!before || before->last < m->iova);
		before = m;
		if (++nr > w->model.nr)
			break;
	}
	EXPECT_EQ(nr, w->model.nr);
}

/* Answers change at the ends of mappings, and beside them, only. */
static void expect_like_model(const struct world *w)
{
	unsigned int i;

	expect_walk_of_all(w);
	expect_answers_at(w, 0);
	expect_answers_at(w, U64_MAX);
	for (i = 0; i < w->model.nr; i++) {
		expect_answers_at(w, w->model.mapping[i]->iova - 1);
		expect_answers_at(w, w->model.mapping[i]->iova);
		expect_answers_at(w, w->model.mapping[i]->last);
		expect_answers_at(w, w->model.mapping[i]->last + 1);
	}
}

/* What is refused stays the caller's, as it was. */
static bool add(struct world *w, u64 iova, u64 last)
{
	struct viommu_mapping *m = new_mapping(iova, last), before = *m;
	int want = model_has_room(&w->model, m) ? 0 : -EEXIST;
	int err = viommu_mapping_insert(&w->store, m);

	EXPECT_EQ(err, want);
	EXPECT_EQ(m->iova, iova);
	EXPECT_EQ(m->last, last);
	EXPECT_EQ(m->paddr, before.paddr);
	EXPECT_EQ(m->flags, before.flags);
	EXPECT_EQ(m->result, before.result);
	if (!err)
		w->model.mapping[w->model.nr++] = m;
	else
		free(m);
	return !err;
}

/* Freed at once, so that ASan sees who still knows it. */
static void take(struct world *w, unsigned int i)
{
	struct viommu_mapping *m = w->model.mapping[i];

	w->model.mapping[i] = w->model.mapping[--w->model.nr];
	viommu_mapping_remove(&w->store, m);
	free(m);
}

static void take_all(struct world *w)
{
	while (w->model.nr)
		take(w, 0);
	EXPECT(!viommu_mapping_first(&w->store, 0));
}

/* ---- Cases ---------------------------------------------------------------- */

static void an_empty_store_holds_nothing(void)
{
	struct world w = { 0 };

	EXPECT(!viommu_mapping_first(&w.store, 0));
	EXPECT(!viommu_mapping_first(&w.store, U64_MAX));
	EXPECT(!viommu_mapping_find(&w.store, 0));
	EXPECT(!viommu_mapping_find(&w.store, U64_MAX));
}

static void one_mapping_alone(void)
{
	static const struct {
		const char	*name;
		u64		iova, last;
	} rows[] = {
		{ "the first page", 0, PAGE - 1 },
		{ "the second page", PAGE, 2 * PAGE - 1 },
		{ "the last page", LAST_PAGE, U64_MAX },
		{ "the last page but one", LAST_PAGE - PAGE, LAST_PAGE - 1 },
		{ "the lower half", 0, U64_MAX / 2 },
		{ "the upper half", U64_MAX / 2 + 1, U64_MAX },
		{ "all addresses", 0, U64_MAX },
		{ "across the middle", U64_MAX / 2 - PAGE + 1, U64_MAX / 2 + PAGE },
	};
	struct world w = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		check_row("%s", rows[i].name);
		EXPECT(add(&w, rows[i].iova, rows[i].last));
		expect_like_model(&w);
		expect_answers_at(&w, rows[i].iova / 2 + rows[i].last / 2);
		EXPECT(!add(&w, rows[i].iova, rows[i].last));
		take_all(&w);
	}
}

static void neighbours_do_not_overlap(void)
{
	struct world w = { 0 };

	EXPECT(add(&w, PAGE, 2 * PAGE - 1));
	EXPECT(add(&w, 0, PAGE - 1));
	EXPECT(add(&w, 2 * PAGE, LAST_PAGE - 1));
	EXPECT(add(&w, LAST_PAGE, U64_MAX));
	expect_like_model(&w);
	take_all(&w);
}

/* Where the 8 units lie whose ranges are tried: pages, and addresses. */
static const struct line {
	u64	base;
	u64	unit;
} lines[] = {
	{ 0, PAGE }, { 8 * PAGE, PAGE }, { 1ULL << 63, PAGE }, { U64_MAX - 8 * PAGE + 1, PAGE },
	{ 0, 1 }, { 1ULL << 63, 1 }, { U64_MAX - 7, 1 },
};

static bool add_units(struct world *w, const struct line *l, unsigned int first,
		      unsigned int last)
{
	return add(w, l->base + first * l->unit, l->base + last * l->unit + (l->unit - 1));
}

static void expect_relation(const struct line *l, unsigned int one, unsigned int other)
{
	const unsigned int a = one / 8, b = one % 8, c = other / 8, d = other % 8;
	struct world w = { 0 };

	if (a > b || c > d)
		return;
	check_row("%#llx: %u to %u, %u to %u", l->base, a, b, c, d);
	EXPECT(add_units(&w, l, a, b));
	EXPECT_EQ(add_units(&w, l, c, d), c > b || a > d);
	expect_like_model(&w);
	take_all(&w);
}

/* R32: a mapping never overlaps a live one. All pairs of ranges of 8 units. */
static void r32_every_overlap_of_two_is_refused(void)
{
	unsigned int i, one, other;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		for (one = 0; one < 64; one++)
			for (other = 0; other < 64; other++)
				expect_relation(&lines[i], one, other);
}

/* As UNMAP, iova_to_phys and a replay visit what they are about. */
static void a_range_is_walked_from_first_by_next(void)
{
	struct world w = { 0 };
	const struct viommu_mapping *m;
	u64 pages = 0, iova;

	for (iova = 0; iova < 64; iova += 2)
		add(&w, iova * PAGE, iova * PAGE + PAGE - 1);
	/* Begins in a mapping and ends in a gap. */
	for (m = viommu_mapping_first(&w.store, 10 * PAGE + 1);
	     m && m->iova <= 20 * PAGE - 1; m = viommu_mapping_next(m))
		pages |= 1ULL << m->iova / PAGE;
	EXPECT_EQ(pages, 0x55400);
	take_all(&w);
}

/* One of each size: together, all addresses but the first page. */
static void sizes_from_a_page_to_2_63(void)
{
	struct world w = { 0 };
	unsigned int bit;

	for (bit = 12; bit < 64; bit++)
		EXPECT(add(&w, 1ULL << bit, (1ULL << bit) + ((1ULL << bit) - 1)));
	expect_like_model(&w);
	EXPECT(add(&w, 0, PAGE - 1));
	for (bit = 12; bit < 64; bit++)
		EXPECT(!add(&w, 1ULL << bit, 1ULL << bit));
	EXPECT(!add(&w, 0, U64_MAX));
	expect_like_model(&w);
	take_all(&w);
}

/* The lowest is known at any time, in whatever order they come and go. */
static void all_orders_of_coming_and_going(void)
{
	unsigned int step, i;
	struct world w = { 0 };

	for (step = 1; step < 61; step++) {
		check_row("step %u", step);
		for (i = 0; i < 61; i++)
			EXPECT(add(&w, i * step % 61 * PAGE, i * step % 61 * PAGE + PAGE - 1));
		expect_walk_of_all(&w);
		for (i = 0; i < 61; i++) {
			EXPECT(viommu_mapping_first(&w.store, 0) == model_first(&w.model, 0));
			take(&w, (i * step + step) % w.model.nr);
		}
		EXPECT(!viommu_mapping_first(&w.store, 0));
	}
}

/* ---- Random operations ------------------------------------------------------ */

static u64 random_u64(void)
{
	u64 high = check_random(0x7fffffff), low = check_random(0x7fffffff);

	return high << 33 ^ low << 8 ^ low >> 20;
}

/* Whole pages, as always. */
struct iova_range {
	u64	iova;
	u64	last;
};

/* Few pages at one end or the other: most of them meet. */
static struct iova_range crowded_range(void)
{
	u64 at = check_random(64) * PAGE, len = (1 + check_random(6)) * PAGE;
	u64 base = check_random(2) ? 0 : U64_MAX - 64 * PAGE + 1;

	if (at + len > 64 * PAGE)
		len = PAGE;
	return (struct iova_range){ base + at, base + at + len - 1 };
}

/* Aligned to its size, which is any from a page to 2^63. */
static struct iova_range aligned_range(void)
{
	u64 size = PAGE << check_random(52), iova = random_u64() & ~(size - 1);

	return (struct iova_range){ iova, iova + (size - 1) };
}

/* Anywhere, from one page to another. */
static struct iova_range wide_range(void)
{
	u64 iova = random_u64() & ~(PAGE - 1);
	u64 last = iova + (random_u64() >> check_random(52) | (PAGE - 1));

	return (struct iova_range){ iova, last < iova ? U64_MAX : last };
}

static void random_operations(struct iova_range (*random_range)(void))
{
	struct world w = { 0 };
	struct iova_range r;
	unsigned int i, added = 0, refused = 0;

	for (i = 0; i < 12000; i++) {
		check_row("operation %u, %u mappings", i, w.model.nr);
		r = random_range();
		/* Grows for a while, then shrinks for a while. */
		if (w.model.nr && (w.model.nr == MODEL_MAX || check_random(4) < i / 1000 % 4))
			take(&w, check_random(w.model.nr));
		else if (add(&w, r.iova, r.last))
			added++;
		else
			refused++;
		expect_answers_at(&w, r.iova);
		expect_answers_at(&w, r.last);
		if (i % (4 * CHECK_SHARE) == 0)
			expect_like_model(&w);
	}
	EXPECT(added > 500 && refused > 500);
	check_note("%u added, %u refused", added, refused);
	take_all(&w);
}

static void random_operations_at_the_ends(void)
{
	random_operations(crowded_range);
}

static void random_operations_of_every_size(void)
{
	random_operations(aligned_range);
}

static void random_operations_anywhere(void)
{
	random_operations(wide_range);
}

/* ---- Millions of operations, against a bitmap --------------------------------- */

#define CELLS		64

/*
 * The address space, or a part of it, in cells: a bit of the bitmap each. A
 * mapping is some cells in a row, its place in memory that of the first.
 */
struct cells {
	struct viommu_mappings	store;
	unsigned int		nr;
	u64			first[CELLS];
	u64			last[CELLS];
	u64			mapped;
	struct viommu_mapping	*owner[CELLS];
	struct viommu_mapping	mapping[CELLS];
};

static struct cells *new_cells(unsigned int nr)
{
	struct cells *c = malloc(sizeof(*c));

	memset(c, 0, sizeof(*c));
	c->nr = nr;
	return c;
}

static struct cells *equal_cells(u64 base, u64 size)
{
	struct cells *c = new_cells(CELLS);
	unsigned int i;

	for (i = 0; i < CELLS; i++) {
		c->first[i] = base + i * size;
		c->last[i] = c->first[i] + (size - 1);
	}
	return c;
}

/* Each from the next power of two on: a page, a page, two pages, ... 2^63. */
static struct cells *growing_cells(void)
{
	struct cells *c = new_cells(CELLS - 12 + 1);
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		c->first[i] = i ? PAGE << (i - 1) : 0;
		c->last[i] = (PAGE << i) - 1;
	}
	c->last[c->nr - 1] = U64_MAX;
	return c;
}

/* The same from the other end: 2^63, ... two pages, a page, the last page. */
static struct cells *shrinking_cells(void)
{
	struct cells *grow = growing_cells(), *c = new_cells(grow->nr);
	unsigned int i;

	for (i = 0; i < c->nr; i++) {
		c->first[i] = ~grow->last[c->nr - 1 - i];
		c->last[i] = ~grow->first[c->nr - 1 - i];
	}
	free(grow);
	return c;
}

static u64 cell_bits(unsigned int from, unsigned int to)
{
	return (U64_MAX >> (CELLS - 1 - (to - from))) << from;
}

/* The lowest mapping that has the cell, or one above; NULL if none. */
static struct viommu_mapping *owner_from(const struct cells *c, unsigned int cell)
{
	const u64 above = c->mapped >> cell;

	return above ? c->owner[cell + __builtin_ctzll(above)] : NULL;
}

static void own(struct cells *c, unsigned int from, unsigned int to,
		struct viommu_mapping *owner)
{
	if (owner)
		c->mapped |= cell_bits(from, to);
	else
		c->mapped &= ~cell_bits(from, to);
	for (; from <= to; from++)
		c->owner[from] = owner;
}

/* A second mapping with the same first cell has nowhere to be but the stack. */
static void map_cells(struct cells *c, unsigned int from, unsigned int to)
{
	const bool taken = c->mapped & cell_bits(from, to);
	struct viommu_mapping spare, *m = taken ? &spare : &c->mapping[from];

	m->iova = c->first[from];
	m->last = c->last[to];
	EXPECT_EQ(viommu_mapping_insert(&c->store, m), taken ? -EEXIST : 0);
	if (!taken)
		own(c, from, to, m);
}

/* What is taken out is made unusable, for whoever still knows it. */
static void unmap_one(struct cells *c, struct viommu_mapping *m)
{
	const unsigned int from = m - c->mapping;
	unsigned int to = from;

	while (to + 1 < c->nr && c->owner[to + 1] == m)
		to++;
	viommu_mapping_remove(&c->store, m);
	own(c, from, to, NULL);
	memset(m, 0xa5, sizeof(*m));
}

/*
 * R35: as an UNMAP, which meets all mappings that have a cell in the range, by
 * ascending IOVA. Those that go on beyond either end are not split: they stay.
 */
static void unmap_cells(struct cells *c, unsigned int from, unsigned int to)
{
	struct viommu_mapping *m = viommu_mapping_first(&c->store, c->first[from]), *next;
	unsigned int cell = from;

	for (; m && m->iova <= c->last[to]; m = next) {
		if (!EXPECT(m == owner_from(c, cell)))
			return;
		next = viommu_mapping_next(m);
		while (cell <= to && (c->owner[cell] == m || !c->owner[cell]))
			cell++;
		if (m->iova >= c->first[from] && m->last <= c->last[to])
			unmap_one(c, m);
	}
	EXPECT(cell > to || !(c->mapped & cell_bits(cell, to)));
}

/* Anywhere in a cell: at its first address, at its last, or between. */
static void look_up(struct cells *c, unsigned int cell)
{
	const u64 size = c->last[cell] - c->first[cell];
	u64 iova = check_random(2) ? c->first[cell] : c->last[cell];

	if (size && !check_random(3))
		iova = c->first[cell] + random_u64() % size;
	EXPECT(viommu_mapping_first(&c->store, iova) == owner_from(c, cell));
	EXPECT(viommu_mapping_find(&c->store, iova) == c->owner[cell]);
}

/* Mostly few cells, now and then most; where one mapping begins or ends, or not. */
static void one_operation(struct cells *c)
{
	const unsigned int from = check_random(c->nr), left = c->nr - from;
	const unsigned int few = left < 4 ? left : 4;
	const unsigned int to = from + check_random(check_random(8) ? few : left);

	if (check_random(2))
		map_cells(c, from, to);
	else
		unmap_cells(c, from, to);
	look_up(c, from);
	look_up(c, check_random(c->nr));
}

static void million_operations(struct cells *c)
{
	unsigned int i;

	for (i = 0; i < check_rounds(1000000); i++) {
		if (i % 1000 == 0)
			check_row("operation %u on", i);
		one_operation(c);
	}
	unmap_cells(c, 0, c->nr - 1);
	EXPECT(!c->mapped);
	EXPECT(!viommu_mapping_first(&c->store, 0));
	free(c);
}

static void a_million_operations_on_the_first_pages(void)
{
	million_operations(equal_cells(0, PAGE));
}

static void a_million_operations_on_the_last_pages(void)
{
	million_operations(equal_cells(U64_MAX - CELLS * PAGE + 1, PAGE));
}

static void a_million_operations_on_all_addresses(void)
{
	million_operations(equal_cells(0, 1ULL << 58));
}

static void a_million_operations_on_pages_to_2_63(void)
{
	million_operations(growing_cells());
}

static void a_million_operations_on_2_63_to_pages(void)
{
	million_operations(shrinking_cells());
}

static const struct check_case cases[] = {
	CASE(an_empty_store_holds_nothing),
	CASE(one_mapping_alone),
	CASE(neighbours_do_not_overlap),
	CASE(r32_every_overlap_of_two_is_refused),
	CASE(a_range_is_walked_from_first_by_next),
	CASE(sizes_from_a_page_to_2_63),
	CASE(all_orders_of_coming_and_going),
	CASE(random_operations_at_the_ends),
	CASE(random_operations_of_every_size),
	CASE(random_operations_anywhere),
	CASE(a_million_operations_on_the_first_pages),
	CASE(a_million_operations_on_the_last_pages),
	CASE(a_million_operations_on_all_addresses),
	CASE(a_million_operations_on_pages_to_2_63),
	CASE(a_million_operations_on_2_63_to_pages),
};

CHECK_SUITE(mapping, cases);
