// SPDX-License-Identifier: GPL-2.0
/*
 * The mock's side of virtqueues against the kernel's: what one puts into a
 * ring the other must take out, of both layouts and with all features in all
 * combinations, and neither is disturbed more often than it asked for.
 */
#include <linux/kthread.h>

#include "mock_ring_bench.h"

static const struct layout counting[] = {
	LAYOUT(SPLIT),
	LAYOUT(SPLIT | EVENT),
};

KUNIT_ARRAY_PARAM(layouts, layouts, layout_name);
KUNIT_ARRAY_PARAM(counting, counting, layout_name);

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
	carry(test, 32, 2000);
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
			wait_event(bench->wait,
				   xchg(&bench->notified, false) || kthread_should_stop());
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
	{ }
};

static struct kunit_suite mock_ring_suite = {
	.name = "viommu_mock_ring",
	.test_cases = mock_ring_cases,
};

kunit_test_suite(mock_ring_suite);
