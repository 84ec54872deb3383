// SPDX-License-Identifier: GPL-2.0
/*
 * Either side of a virtqueue breaks the rules, and the other has to notice:
 * the kernel's side, which the mock is to put to the test, and the mock's own,
 * whose driver may be one that does not work yet.
 */
#include <linux/unaligned.h>

#include "mock_ring_bench.h"

KUNIT_ARRAY_PARAM(layouts, layouts, layout_name);

/* ---- A device that misbehaves ------------------------------------------------- */

static void given_back_twice_is_noticed(struct kunit *test)
{
	struct bench *bench = open_layout(test, 8);
	struct mock_chain chain;

	add_some(test, bench, 1);
	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	push(bench, &chain);
	push(bench, &chain);
	KUNIT_EXPECT_TRUE(test, interrupt(bench));
	KUNIT_EXPECT_EQ(test, get_all(test, bench), 1);
	KUNIT_EXPECT_TRUE(test, virtqueue_is_broken(bench->vq));
}

/* IN_ORDER makes the ID that of the last of a batch: the driver may look at it late. */
static void an_id_that_is_none_is_noticed(struct kunit *test)
{
	struct bench *bench = open_layout(test, 8);
	struct mock_chain chain;

	add_some(test, bench, 1);
	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	chain.id = 0xffff;
	push(bench, &chain);
	KUNIT_EXPECT_TRUE(test, interrupt(bench));
	KUNIT_EXPECT_EQ(test, get_all(test, bench), bench->ring.in_order);
	KUNIT_EXPECT_TRUE(test, virtqueue_is_broken(bench->vq));
}

/* More than there is room for is no reason to leave the ring. */
static void a_flood_stays_in_the_ring(struct kunit *test)
{
	struct bench *bench = open_layout(test, 8);
	struct mock_chain chain;
	unsigned int i;

	add_some(test, bench, 1);
	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	for (i = 0; i < 100; i++) {
		chain.descs = i;
		push(bench, &chain);
		KUNIT_ASSERT_LT(test, bench->ring.packed ? bench->ring.next_used : 0, 8);
	}
	KUNIT_EXPECT_TRUE(test, interrupt(bench));
	get_all(test, bench);
	KUNIT_EXPECT_TRUE(test, virtqueue_is_broken(bench->vq));
}

/* ---- A driver that misbehaves -------------------------------------------------- */

static u8 *descriptor(struct bench *bench, unsigned int i)
{
	return (u8 *)bench->ring.desc + i * sizeof(struct vring_desc);
}

static void forge_addr(u8 *desc, u64 addr)
{
	put_unaligned_le64(addr, desc + offsetof(struct vring_desc, addr));
}

static void forge_len(u8 *desc, u32 len)
{
	put_unaligned_le32(len, desc + offsetof(struct vring_desc, len));
}

static void forge_flags(struct bench *bench, u8 *desc, u16 clear, u16 set)
{
	u8 *flags = desc + (bench->ring.packed ? offsetof(struct vring_packed_desc, flags) :
						 offsetof(struct vring_desc, flags));

	put_unaligned_le16((get_unaligned_le16(flags) & ~clear) | set, flags);
}

static void forge_next(u8 *desc, u16 next)
{
	put_unaligned_le16(next, desc + offsetof(struct vring_desc, next));
}

static u8 *table(struct bench *bench)
{
	return phys_to_virt(get_unaligned_le64(descriptor(bench, 0)));
}

static void no_memory(struct bench *bench)
{
	forge_addr(descriptor(bench, 1), 1ULL << 50);
}

static void past_the_end(struct bench *bench)
{
	forge_addr(descriptor(bench, 1), U64_MAX - 6);
}

static void empty(struct bench *bench)
{
	forge_len(descriptor(bench, 1), 0);
}

static void readable_last(struct bench *bench)
{
	forge_flags(bench, descriptor(bench, 3), VRING_DESC_F_WRITE, 0);
}

static void round_in_circles(struct bench *bench)
{
	forge_flags(bench, descriptor(bench, 3), 0, VRING_DESC_F_NEXT);
	forge_next(descriptor(bench, 3), 3);
}

static void unfinished(struct bench *bench)
{
	forge_flags(bench, descriptor(bench, 3), 0, VRING_DESC_F_NEXT);
}

static void next_outside(struct bench *bench)
{
	forge_next(descriptor(bench, 1), bench->ring.num);
}

static void head_outside(struct bench *bench)
{
	((struct vring_avail *)bench->ring.driver)->ring[0] =
		cpu_to_virtio16(&bench->vdev, bench->ring.num);
}

static void leap(struct bench *bench)
{
	((struct vring_avail *)bench->ring.driver)->idx =
		cpu_to_virtio16(&bench->vdev, bench->ring.num + 1);
}

static void table_not_negotiated(struct bench *bench)
{
	forge_flags(bench, descriptor(bench, 0), VRING_DESC_F_NEXT, VRING_DESC_F_INDIRECT);
}

static void table_and_next(struct bench *bench)
{
	forge_flags(bench, descriptor(bench, 0), 0, VRING_DESC_F_NEXT);
}

static void odd_table(struct bench *bench)
{
	forge_len(descriptor(bench, 0), 4 * sizeof(struct vring_desc) - 1);
}

static void no_table(struct bench *bench)
{
	forge_len(descriptor(bench, 0), 0);
}

static void table_nowhere(struct bench *bench)
{
	forge_addr(descriptor(bench, 0), 1ULL << 50);
}

static void entry_nowhere(struct bench *bench)
{
	forge_addr(table(bench) + 16, 1ULL << 50);
}

static void nested_tables(struct bench *bench)
{
	forge_flags(bench, table(bench) + 16, 0, VRING_DESC_F_INDIRECT);
}

static void next_outside_table(struct bench *bench)
{
	forge_next(table(bench) + 16, 4);
}

static void table_in_circles(struct bench *bench)
{
	forge_next(table(bench), 0);
}

/* What a driver may get wrong with a chain of 2 and 2 at the beginning of a ring */
static const struct forgery {
	void (*forge)(struct bench *bench);
	const char *name;
	u64 features;
} forgeries[] = {
#define FORGERY(f, features) { f, #f, features }
	FORGERY(no_memory, SPLIT),
	FORGERY(no_memory, PACKED),
	FORGERY(past_the_end, SPLIT),
	FORGERY(past_the_end, PACKED),
	FORGERY(empty, SPLIT),
	FORGERY(empty, PACKED),
	FORGERY(readable_last, SPLIT),
	FORGERY(readable_last, PACKED),
	FORGERY(round_in_circles, SPLIT),
	FORGERY(unfinished, PACKED),
	FORGERY(next_outside, SPLIT),
	FORGERY(head_outside, SPLIT),
	FORGERY(leap, SPLIT),
	FORGERY(table_not_negotiated, SPLIT),
	FORGERY(table_not_negotiated, PACKED),
	FORGERY(table_and_next, SPLIT | INDIR),
	FORGERY(table_and_next, PACKED | INDIR),
	FORGERY(odd_table, SPLIT | INDIR),
	FORGERY(odd_table, PACKED | INDIR),
	FORGERY(no_table, SPLIT | INDIR),
	FORGERY(no_table, PACKED | INDIR),
	FORGERY(table_nowhere, SPLIT | INDIR),
	FORGERY(table_nowhere, PACKED | INDIR),
	FORGERY(entry_nowhere, SPLIT | INDIR),
	FORGERY(entry_nowhere, PACKED | INDIR),
	FORGERY(nested_tables, SPLIT | INDIR),
	FORGERY(next_outside_table, SPLIT | INDIR),
	FORGERY(table_in_circles, SPLIT | INDIR),
};

static void forgery_name(const struct forgery *forgery, char *name)
{
	snprintf(name, KUNIT_PARAM_DESC_SIZE, "%s %s", forgery->name,
		 forgery->features & PACKED ? "packed" : "split");
}

KUNIT_ARRAY_PARAM(forgeries, forgeries, forgery_name);

/*
 * The driver's end reads some of it when it takes buffers back: it finds all
 * as it was, and the ring goes on.
 */
static void broken_rules_are_refused(struct kunit *test)
{
	const struct forgery *forgery = test->param_value;
	struct bench *bench = open_bench(test, forgery->features, 8);
	size_t ring = bench->ring.packed ? 8 * 16 : vring_size(8, SMP_CACHE_BYTES);
	u8 *was = kunit_kmalloc(test, ring, GFP_KERNEL);
	u8 entries[4 * 16];
	struct mock_chain chain;

	KUNIT_ASSERT_NOT_NULL(test, was);
	KUNIT_ASSERT_EQ(test, add(bench, 2, 2), 0);
	memcpy(was, bench->ring.desc, ring);
	if (bench->ring.indirect)
		memcpy(entries, table(bench), sizeof(entries));

	forgery->forge(bench);
	KUNIT_EXPECT_EQ(test, pop(bench, &chain), -EINVAL);
	KUNIT_EXPECT_EQ(test, pop(bench, &chain), -EINVAL);
	KUNIT_EXPECT_NE(test, mock_ring_available(&bench->ring), 0);

	memcpy(bench->ring.desc, was, ring);
	if (bench->ring.indirect)
		memcpy(table(bench), entries, sizeof(entries));
	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	push(bench, &chain);
	KUNIT_EXPECT_EQ(test, get_all(test, bench), 1);
}

static void chains_have_an_end(struct kunit *test)
{
	struct bench *bench = open_layout(test, MAX_NUM);
	struct scatterlist sg[MOCK_RING_PARTS + 1], *sgs[] = { sg };
	struct mock_chain chain;
	unsigned int i;

	sg_init_table(sg, ARRAY_SIZE(sg));
	for (i = 0; i < ARRAY_SIZE(sg); i++)
		sg_set_buf(&sg[i], bench->request, sizeof(u64));
	KUNIT_ASSERT_EQ(test, 0, virtqueue_add_sgs(bench->vq, sgs, 0, 1, bench, GFP_KERNEL));
	KUNIT_EXPECT_EQ(test, pop(bench, &chain), -EINVAL);
}

static struct kunit_case mock_ring_rules_cases[] = {
	KUNIT_CASE_PARAM(given_back_twice_is_noticed, layouts_gen_params),
	KUNIT_CASE_PARAM(an_id_that_is_none_is_noticed, layouts_gen_params),
	KUNIT_CASE_PARAM(a_flood_stays_in_the_ring, layouts_gen_params),
	KUNIT_CASE_PARAM(broken_rules_are_refused, forgeries_gen_params),
	KUNIT_CASE_PARAM(chains_have_an_end, layouts_gen_params),
	{ }
};

static struct kunit_suite mock_ring_rules_suite = {
	.name = "viommu_mock_ring_rules",
	.test_cases = mock_ring_rules_cases,
};

kunit_test_suite(mock_ring_rules_suite);
