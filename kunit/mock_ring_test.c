// SPDX-License-Identifier: GPL-2.0
/*
 * The mock's side of virtqueues against the kernel's side, drivers/virtio:
 * what one puts into a ring the other must take out, of both layouts and with
 * all features in all combinations. The device is never registered: rings
 * need not know who uses them.
 */
#include <kunit/test.h>
#include <linux/kthread.h>
#include <linux/prandom.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <linux/wait.h>

#include "mock/ring.h"

#define MAX_NUM		64	/* of the rings here */
#define MAX_PARTS	3	/* of a request here, each way */

/* ---- A ring and both of its ends ------------------------------------------- */

struct layout {
	const char *name;
	u64 features;
};

#define SPLIT	0
#define PACKED	BIT_ULL(VIRTIO_F_RING_PACKED)
#define EVENT	BIT_ULL(VIRTIO_RING_F_EVENT_IDX)
#define INDIR	BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC)
#define ORDER	BIT_ULL(VIRTIO_F_IN_ORDER)
#define LAYOUT(f) { #f, f }

static const struct layout layouts[] = {
	LAYOUT(SPLIT),
	LAYOUT(SPLIT | EVENT),
	LAYOUT(SPLIT | INDIR),
	LAYOUT(SPLIT | EVENT | INDIR),
	LAYOUT(SPLIT | ORDER),
	LAYOUT(SPLIT | EVENT | ORDER),
	LAYOUT(SPLIT | INDIR | ORDER),
	LAYOUT(SPLIT | EVENT | INDIR | ORDER),
	LAYOUT(PACKED),
	LAYOUT(PACKED | EVENT),
	LAYOUT(PACKED | INDIR),
	LAYOUT(PACKED | EVENT | INDIR),
	LAYOUT(PACKED | ORDER),
	LAYOUT(PACKED | EVENT | ORDER),
	LAYOUT(PACKED | INDIR | ORDER),
	LAYOUT(PACKED | EVENT | INDIR | ORDER),
};

static void layout_name(const struct layout *layout, char *name)
{
	strscpy(name, layout->name, KUNIT_PARAM_DESC_SIZE);
}

static const struct layout counting[] = {
	LAYOUT(SPLIT),
	LAYOUT(SPLIT | EVENT),
};

KUNIT_ARRAY_PARAM(layouts, layouts, layout_name);
KUNIT_ARRAY_PARAM(counting, counting, layout_name);

/* Numbers to the device, and what it makes of them: their complements */
struct request {
	unsigned int nr_out, nr_in;
	u64 out[MAX_PARTS];
	u64 in[MAX_PARTS];
	struct list_head idle;
};

struct bench {
	struct virtio_device vdev;
	struct virtqueue *vq;
	struct mock_ring ring;
	struct rnd_state rnd;
	struct request request[MAX_NUM];
	struct list_head idle;
	unsigned int notifications;
	unsigned int interrupts;
	u64 number;
	/* With the device on another CPU */
	wait_queue_head_t wait;
	bool notified;
	bool interrupted;
};

static struct bench *to_bench(struct virtqueue *vq)
{
	return container_of(vq->vdev, struct bench, vdev);
}

static void wake(struct bench *bench, bool *reason)
{
	WRITE_ONCE(*reason, true);
	wake_up(&bench->wait);
}

static bool count_notification(struct virtqueue *vq)
{
	to_bench(vq)->notifications++;
	wake(to_bench(vq), &to_bench(vq)->notified);
	return true;
}

static void count_interrupt(struct virtqueue *vq)
{
	to_bench(vq)->interrupts++;
	wake(to_bench(vq), &to_bench(vq)->interrupted);
}

static void close_bench(void *bench)
{
	struct virtqueue *vq = ((struct bench *)bench)->vq;

	while (virtqueue_detach_unused_buf(vq))
		;
	vring_del_virtqueue(vq);
}

static void set_features(struct kunit *test, struct virtio_device *vdev, u64 features)
{
	unsigned int bit;

	features |= BIT_ULL(VIRTIO_F_VERSION_1);
	for (bit = 0; bit < 64; bit++)
		if (features & BIT_ULL(bit))
			__virtio_set_bit(vdev, bit);
	vring_transport_features(vdev);
	if (features & ORDER && !virtio_has_feature(vdev, VIRTIO_F_IN_ORDER))
		kunit_skip(test, "this kernel's rings do not know IN_ORDER");
	KUNIT_ASSERT_EQ(test, vdev->features, features);
}

static struct bench *open_bench(struct kunit *test, u64 features, unsigned int num)
{
	struct bench *bench = kunit_kzalloc(test, sizeof(*bench), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, bench);
	bench->vdev.dev.init_name = "bench";
	INIT_LIST_HEAD(&bench->vdev.vqs);
	spin_lock_init(&bench->vdev.vqs_list_lock);
	init_waitqueue_head(&bench->wait);
	INIT_LIST_HEAD(&bench->idle);
	for (i = 0; i < num; i++)
		list_add_tail(&bench->request[i].idle, &bench->idle);
	prandom_seed_state(&bench->rnd, num);
	set_features(test, &bench->vdev, features);

	bench->vq = vring_create_virtqueue(0, num, SMP_CACHE_BYTES, &bench->vdev, true,
					   false, false, count_notification,
					   count_interrupt, "bench");
	KUNIT_ASSERT_NOT_NULL(test, bench->vq);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, close_bench, bench));
	mock_ring_init(&bench->ring, bench->vq, bench->vdev.features);
	KUNIT_ASSERT_EQ(test, bench->ring.num, num);

	/* As after DRIVER_OK, and interrupts asked for as drivers ask again */
	__virtqueue_unbreak(bench->vq);
	virtqueue_disable_cb(bench->vq);
	virtqueue_enable_cb(bench->vq);
	return bench;
}

static struct bench *open_layout(struct kunit *test, unsigned int num)
{
	const struct layout *layout = test->param_value;

	return open_bench(test, layout->features, num);
}

static unsigned int below(struct bench *bench, unsigned int limit)
{
	return prandom_u32_state(&bench->rnd) % limit;
}

/* ---- The driver's end ------------------------------------------------------ */

/* 0, or -ENOSPC if the ring is full */
static int add(struct bench *bench, unsigned int nr_out, unsigned int nr_in)
{
	struct request *request = list_first_entry_or_null(&bench->idle, struct request, idle);
	struct scatterlist sg[2 * MAX_PARTS], *sgs[2 * MAX_PARTS];
	unsigned int i;
	int err;

	if (!request)
		return -ENOSPC;
	request->nr_out = nr_out;
	request->nr_in = nr_in;
	for (i = 0; i < nr_out + nr_in; i++) {
		u64 *at = i < nr_out ? &request->out[i] : &request->in[i - nr_out];

		*at = i < nr_out ? bench->number + i : 0;
		sg_init_one(&sg[i], at, sizeof(*at));
		sgs[i] = &sg[i];
	}
	err = virtqueue_add_sgs(bench->vq, sgs, nr_out, nr_in, request, GFP_KERNEL);
	if (!err) {
		list_del(&request->idle);
		bench->number += nr_out;
	}
	return err;
}

static int add_any(struct bench *bench)
{
	unsigned int parts = min_t(unsigned int, MAX_PARTS, bench->ring.num / 2);

	return add(bench, 1 + below(bench, parts), 1 + below(bench, parts));
}

static struct request *get(struct kunit *test, struct bench *bench)
{
	unsigned int len, i;
	struct request *request = virtqueue_get_buf(bench->vq, &len);

	if (!request)
		return NULL;
	if (len != request->nr_in * sizeof(u64))
		KUNIT_FAIL(test, "%u bytes used of %u parts", len, request->nr_in);
	for (i = 0; i < request->nr_in; i++)
		if (request->in[i] != ~request->out[i % request->nr_out])
			KUNIT_FAIL(test, "part %u: %llx for %llx", i, request->in[i],
				   request->out[i % request->nr_out]);
	list_add_tail(&request->idle, &bench->idle);
	return request;
}

static unsigned int get_all(struct kunit *test, struct bench *bench)
{
	unsigned int count = 0;

	while (get(test, bench))
		count++;
	return count;
}

/* ---- The device's end ------------------------------------------------------ */

static int pop(struct bench *bench, struct mock_chain *chain)
{
	return mock_ring_pop(&bench->ring, chain);
}

/* Fills what is for the device to write; the bytes written. */
static u32 carry_out(const struct mock_chain *chain)
{
	unsigned int nr_out = 0, i;
	u32 written = 0;

	while (nr_out < chain->nr && !chain->part[nr_out].write)
		nr_out++;
	for (i = nr_out; i < chain->nr; i++) {
		const u64 *from = chain->part[(i - nr_out) % nr_out].addr;

		*(u64 *)chain->part[i].addr = ~*from;
		written += chain->part[i].len;
	}
	return written;
}

static void push(struct bench *bench, const struct mock_chain *chain)
{
	mock_ring_push(&bench->ring, chain, carry_out(chain));
}

/* One interrupt if the driver wants one; whether it did. */
static bool interrupt(struct bench *bench)
{
	bool wanted = mock_ring_wants_interrupt(&bench->ring);

	if (wanted)
		vring_interrupt(0, bench->vq);
	return wanted;
}

/* Takes all there are, and gives them back in any order that is allowed. */
static unsigned int serve(struct kunit *test, struct bench *bench, struct mock_chain *chain)
{
	unsigned int nr = 0, i;

	while (nr < MAX_NUM && pop(bench, &chain[nr]) == 1)
		nr++;
	KUNIT_ASSERT_EQ(test, pop(bench, &chain[MAX_NUM]), 0);
	for (i = 0; i < nr; i++) {
		unsigned int other = bench->ring.in_order ? i : i + below(bench, nr - i);

		push(bench, &chain[other]);
		chain[other] = chain[i];
	}
	return nr;
}

static struct mock_chain *chains(struct kunit *test)
{
	struct mock_chain *chain;

	chain = kunit_kcalloc(test, MAX_NUM + 1, sizeof(*chain), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, chain);
	return chain;
}

/* ---- What is asked is answered --------------------------------------------- */

/* One batch, as many as @most; each batch is notified of once and interrupts once. */
static unsigned int batch(struct kunit *test, struct bench *bench, struct mock_chain *chain,
			  unsigned int most)
{
	unsigned int notifications = bench->notifications;
	unsigned int interrupts = bench->interrupts;
	unsigned int asked = 0;

	mock_ring_notify_me(&bench->ring, true);
	while (asked < most && !add_any(bench))
		asked++;
	notifications = bench->notifications;	/* a full ring notifies as well */
	virtqueue_kick(bench->vq);
	KUNIT_ASSERT_EQ(test, bench->notifications, notifications + 1);
	KUNIT_ASSERT_EQ(test, mock_ring_available(&bench->ring), asked);
	KUNIT_ASSERT_EQ(test, serve(test, bench, chain), asked);
	KUNIT_ASSERT_EQ(test, mock_ring_available(&bench->ring), 0);
	interrupt(bench);
	KUNIT_ASSERT_EQ(test, bench->interrupts, interrupts + 1);
	KUNIT_ASSERT_EQ(test, get_all(test, bench), asked);
	return asked;
}

static void carry(struct kunit *test, unsigned int num, unsigned int total)
{
	struct bench *bench = open_layout(test, num);
	struct mock_chain *chain = chains(test);
	unsigned int done;

	for (done = 0; done < total; ) {
		done += batch(test, bench, chain, 1 + below(bench, num));
		if (test->status != KUNIT_SUCCESS)
			return;
	}
	KUNIT_EXPECT_FALSE(test, virtqueue_is_broken(bench->vq));
}

static void requests_are_carried(struct kunit *test)
{
	carry(test, 32, 3000);
}

static void rings_of_two_will_do(struct kunit *test)
{
	carry(test, 2, 500);
}

static void rings_of_any_size_will_do(struct kunit *test)
{
	const struct layout *layout = test->param_value;

	/* of split rings it is a power of two */
	carry(test, layout->features & PACKED ? 7 : 64, 500);
}

/* Those of split rings count on and on, to the end of 16 bits. */
static void indices_wrap(struct kunit *test)
{
	struct bench *bench = open_layout(test, MAX_NUM);
	struct mock_chain *chain = chains(test);
	unsigned int done, i;

	for (done = 0; done < 0x10000 + 2 * MAX_NUM; done += MAX_NUM / 2) {
		mock_ring_notify_me(&bench->ring, true);
		for (i = 0; i < MAX_NUM / 2; i++)
			KUNIT_ASSERT_EQ(test, add(bench, 1, 1), 0);
		KUNIT_ASSERT_TRUE(test, virtqueue_kick_prepare(bench->vq));
		KUNIT_ASSERT_EQ(test, serve(test, bench, chain), MAX_NUM / 2);
		KUNIT_ASSERT_TRUE(test, interrupt(bench));
		KUNIT_ASSERT_EQ(test, get_all(test, bench), MAX_NUM / 2);
	}
}

static void tables_come_only_if_negotiated(struct kunit *test)
{
	struct bench *bench = open_layout(test, 8);
	struct mock_chain chain;

	KUNIT_ASSERT_EQ(test, add(bench, 2, 1), 0);
	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	KUNIT_EXPECT_EQ(test, chain.indirect, bench->ring.indirect);
	KUNIT_EXPECT_EQ(test, chain.descs, bench->ring.indirect ? 1 : 3);
	KUNIT_EXPECT_EQ(test, chain.nr, 3);
	KUNIT_EXPECT_FALSE(test, chain.part[1].write);
	KUNIT_EXPECT_TRUE(test, chain.part[2].write);
	KUNIT_EXPECT_EQ(test, chain.part[2].len, sizeof(u64));
}

static void what_waits_is_counted(struct kunit *test)
{
	struct bench *bench = open_layout(test, 16);
	struct mock_chain chain;
	unsigned int i;

	for (i = 0; i < 4; i++)
		KUNIT_ASSERT_EQ(test, add(bench, 2, 1), 0);
	for (i = 4; i; i--) {
		KUNIT_EXPECT_EQ(test, mock_ring_available(&bench->ring), i);
		KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	}
	KUNIT_EXPECT_EQ(test, mock_ring_available(&bench->ring), 0);
	KUNIT_EXPECT_EQ(test, pop(bench, &chain), 0);
}

static void the_length_is_what_the_device_says(struct kunit *test)
{
	static const u32 lengths[] = { 0, 1, 8, 0xffffffff };
	struct bench *bench = open_layout(test, 4);
	struct mock_chain chain;
	unsigned int i, len;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		KUNIT_ASSERT_EQ(test, add(bench, 1, 1), 0);
		KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
		mock_ring_push(&bench->ring, &chain, lengths[i]);
		KUNIT_ASSERT_NOT_NULL(test, virtqueue_get_buf(bench->vq, &len));
		KUNIT_EXPECT_EQ(test, len, lengths[i]);
	}
}

/* ---- Silence ---------------------------------------------------------------- */

static void carry_one(struct kunit *test, struct bench *bench)
{
	struct mock_chain chain;

	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	push(bench, &chain);
}

static void add_some(struct kunit *test, struct bench *bench, unsigned int nr)
{
	while (nr--)
		KUNIT_ASSERT_EQ(test, add(bench, 1, 1), 0);
}

static void nothing_pushed_is_no_interrupt(struct kunit *test)
{
	struct bench *bench = open_layout(test, 8);

	add_some(test, bench, 1);
	KUNIT_EXPECT_FALSE(test, interrupt(bench));
	carry_one(test, bench);
	KUNIT_EXPECT_TRUE(test, interrupt(bench));
	KUNIT_EXPECT_FALSE(test, interrupt(bench));
}

/*
 * With EVENT_IDX the driver asks for the next one and has not looked yet;
 * without, it wants to hear of all.
 */
static void one_interrupt_until_the_driver_looked(struct kunit *test)
{
	struct bench *bench = open_layout(test, 32);
	unsigned int i;

	for (i = 0; i < 50; i++) {
		add_some(test, bench, 2);
		carry_one(test, bench);
		KUNIT_ASSERT_TRUE(test, interrupt(bench));
		carry_one(test, bench);
		KUNIT_ASSERT_EQ(test, interrupt(bench), !bench->ring.event_idx);
		KUNIT_ASSERT_EQ(test, get_all(test, bench), 2);
	}
}

static void interrupts_can_be_put_off(struct kunit *test)
{
	struct bench *bench = open_layout(test, 32);
	unsigned int round, i;

	for (round = 0; round < 20; round++) {
		add_some(test, bench, 8);
		KUNIT_ASSERT_TRUE(test, virtqueue_enable_cb_delayed(bench->vq));
		for (i = 0; i < 8; i++) {
			carry_one(test, bench);
			/* three quarters of 8 may pass, so it is the seventh */
			KUNIT_ASSERT_EQ(test, interrupt(bench),
					!bench->ring.event_idx || i == 6);
		}
		KUNIT_ASSERT_EQ(test, get_all(test, bench), 8);
	}
}

/* A split ring's driver has no word for "none" with EVENT_IDX, and says "the first". */
static void interrupts_can_be_turned_off(struct kunit *test)
{
	struct bench *bench = open_layout(test, 16);
	unsigned int i;

	/* past the beginning, where the driver's word for "none" points */
	add_some(test, bench, 1);
	carry_one(test, bench);
	KUNIT_ASSERT_TRUE(test, mock_ring_wants_interrupt(&bench->ring));
	KUNIT_ASSERT_EQ(test, get_all(test, bench), 1);

	virtqueue_disable_cb(bench->vq);
	for (i = 0; i < 50; i++) {
		add_some(test, bench, 1);
		carry_one(test, bench);
		KUNIT_ASSERT_FALSE(test, interrupt(bench));
		KUNIT_ASSERT_EQ(test, get_all(test, bench), 1);
	}
	KUNIT_EXPECT_TRUE(test, virtqueue_enable_cb(bench->vq));
	add_some(test, bench, 1);
	carry_one(test, bench);
	KUNIT_EXPECT_TRUE(test, interrupt(bench));
}

static void notifications_can_be_turned_off(struct kunit *test)
{
	struct bench *bench = open_layout(test, 16);
	unsigned int i;

	for (i = 0; i < 50; i++) {
		mock_ring_notify_me(&bench->ring, false);
		add_some(test, bench, 1);
		KUNIT_ASSERT_FALSE(test, virtqueue_kick_prepare(bench->vq));
		carry_one(test, bench);
		KUNIT_ASSERT_EQ(test, get_all(test, bench), 1);
	}
	mock_ring_notify_me(&bench->ring, true);
	add_some(test, bench, 1);
	KUNIT_EXPECT_TRUE(test, virtqueue_kick_prepare(bench->vq));
}

/* With EVENT_IDX a device hears of what it has not looked at once. */
static void one_notification_until_the_device_looked(struct kunit *test)
{
	struct bench *bench = open_layout(test, 16);
	unsigned int i;

	for (i = 0; i < 50; i++) {
		mock_ring_notify_me(&bench->ring, true);
		add_some(test, bench, 1);
		KUNIT_ASSERT_TRUE(test, virtqueue_kick_prepare(bench->vq));
		add_some(test, bench, 1);
		KUNIT_ASSERT_EQ(test, virtqueue_kick_prepare(bench->vq), !bench->ring.event_idx);
		carry_one(test, bench);
		carry_one(test, bench);
		KUNIT_ASSERT_EQ(test, get_all(test, bench), 2);
	}
}

/* ---- Two CPUs ---------------------------------------------------------------- */

#define ROUNDS	100

/* Takes one at a time, asks to be notified when there is none. */
static int device_thread(void *data)
{
	struct bench *bench = data;
	struct mock_chain chain;
	int popped;

	while (!kthread_should_stop()) {
		mock_ring_notify_me(&bench->ring, false);
		while ((popped = pop(bench, &chain)) == 1) {
			push(bench, &chain);
			interrupt(bench);
		}
		mock_ring_notify_me(&bench->ring, true);
		if (!popped && !mock_ring_available(&bench->ring))
			wait_event(bench->wait, xchg(&bench->notified, false) ||
						kthread_should_stop());
	}
	return 0;
}

/* Whether an interrupt came, or what it would have told is seen. */
static bool await_interrupt(struct bench *bench)
{
	return !virtqueue_enable_cb(bench->vq) ||
	       wait_event_timeout(bench->wait, xchg(&bench->interrupted, false), 20 * HZ);
}

static void nobody_sleeps_through(struct kunit *test)
{
	struct bench *bench = open_layout(test, 16);
	struct task_struct *device = kthread_run(device_thread, bench, "mock-ring");
	unsigned int asked = 0, got = 0, now;

	KUNIT_ASSERT_FALSE(test, IS_ERR(device));
	while (got < ROUNDS) {
		while (asked < ROUNDS && asked - got < 6 && !add(bench, 1, 1))
			asked++;
		virtqueue_kick(bench->vq);
		virtqueue_disable_cb(bench->vq);
		now = get_all(test, bench);
		got += now;
		if (!now && !await_interrupt(bench)) {
			KUNIT_FAIL(test, "no answer: %u of %u", got, asked);
			break;
		}
	}
	kthread_stop(device);
	KUNIT_EXPECT_FALSE(test, virtqueue_is_broken(bench->vq));
}

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

static struct kunit_case mock_ring_cases[] = {
	KUNIT_CASE_PARAM(requests_are_carried, layouts_gen_params),
	KUNIT_CASE_PARAM(rings_of_two_will_do, layouts_gen_params),
	KUNIT_CASE_PARAM(rings_of_any_size_will_do, layouts_gen_params),
	KUNIT_CASE_PARAM(indices_wrap, counting_gen_params),
	KUNIT_CASE_PARAM(tables_come_only_if_negotiated, layouts_gen_params),
	KUNIT_CASE_PARAM(what_waits_is_counted, layouts_gen_params),
	KUNIT_CASE_PARAM(the_length_is_what_the_device_says, layouts_gen_params),
	KUNIT_CASE_PARAM(nothing_pushed_is_no_interrupt, layouts_gen_params),
	KUNIT_CASE_PARAM(one_interrupt_until_the_driver_looked, layouts_gen_params),
	KUNIT_CASE_PARAM(interrupts_can_be_put_off, layouts_gen_params),
	KUNIT_CASE_PARAM(interrupts_can_be_turned_off, layouts_gen_params),
	KUNIT_CASE_PARAM(notifications_can_be_turned_off, layouts_gen_params),
	KUNIT_CASE_PARAM(one_notification_until_the_device_looked, layouts_gen_params),
	KUNIT_CASE_PARAM(nobody_sleeps_through, layouts_gen_params),
	KUNIT_CASE_PARAM(given_back_twice_is_noticed, layouts_gen_params),
	KUNIT_CASE_PARAM(an_id_that_is_none_is_noticed, layouts_gen_params),
	KUNIT_CASE_PARAM(a_flood_stays_in_the_ring, layouts_gen_params),
	KUNIT_CASE_PARAM(broken_rules_are_refused, forgeries_gen_params),
	KUNIT_CASE_PARAM(chains_have_an_end, layouts_gen_params),
	{}
};

static struct kunit_suite mock_ring_suite = {
	.name = "viommu_mock_ring",
	.test_cases = mock_ring_cases,
};
kunit_test_suite(mock_ring_suite);
