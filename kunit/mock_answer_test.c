// SPDX-License-Identifier: GPL-2.0
/*
 * When the mock answers: what it was told to hold, to delay or not to answer
 * at all waits, and what comes behind it waits as well with IN_ORDER alone,
 * which is not to be broken by the device.
 */
#include <linux/delay.h>
#include <linux/ktime.h>

#include "mock_raw.h"

#define NR		4	/* requests in a row */
#define IN_ORDER	BIT_ULL(VIRTIO_F_IN_ORDER)
#define PACKED		BIT_ULL(VIRTIO_F_RING_PACKED)
#define LONG_MS		10000	/* until a test gives up; or longer than it takes */

struct layout {
	const char *name;
	u64 features;
};

static const struct layout ordered[] = {
	{ "split", IN_ORDER },
	{ "packed", IN_ORDER | PACKED },
};

static const struct layout free[] = {
	{ "split", 0 },
	{ "packed", PACKED },
};

KUNIT_ARRAY_PARAM_DESC(ordered, ordered, name);
KUNIT_ARRAY_PARAM_DESC(free, free, name);

/* ---- Requests in a row ---------------------------------------------------------- */

static const u64 all_layouts = IN_ORDER | PACKED;

static struct raw *start(struct kunit *test)
{
	const struct layout *layout = test->param_value;
	struct mock_profile profile = *mock_strict;

	profile.features = (profile.features & ~all_layouts) | layout->features;
	return raw_start(test, &profile, profile.features);
}

/* Request @i of those in a row is treated like this. */
static void script(struct raw *raw, unsigned int i, u32 how, unsigned int delay_ms)
{
	const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_DETACH, .endpoint = i, .how = how, .delay_ms = delay_ms,
	};

	mock_script(raw->mock, &script);
}

static u8 *answer_of(struct raw *raw, unsigned int i)
{
	return raw->in + i * sizeof(struct virtio_iommu_req_tail);
}

/* One behind the other; endpoints are numbered like requests. */
static void send_all(struct raw *raw)
{
	struct raw_request request = { VIRTIO_IOMMU_T_DETACH, 20, { 10 } };
	unsigned int i;

	for (i = 0; i < NR; i++) {
		request.word[1] = i;
		raw_write(raw->out, &request);
		raw_send(raw, raw->out, request.len, answer_of(raw, i),
			 raw_room(raw, request.type), 0);
	}
}

/* The next that come are these, and then none. */
static void expect_answers(struct raw *raw, const char *which)
{
	for (; *which; which++)
		KUNIT_EXPECT_PTR_EQ(raw->test, raw_get(raw), answer_of(raw, *which - '0'));
	KUNIT_EXPECT_NULL(raw->test, raw_get(raw));
}

/* Until the first that waits is answered */
static void await_answer(struct raw *raw, unsigned int which)
{
	const ktime_t end = ktime_add_ms(ktime_get(), LONG_MS);
	u8 *answer = raw_get(raw);

	while (!answer && ktime_before(ktime_get(), end)) {
		usleep_range(100, 200);
		answer = raw_get(raw);
	}
	KUNIT_EXPECT_PTR_EQ(raw->test, answer, answer_of(raw, which));
}

/* ---- With IN_ORDER ----------------------------------------------------------------- */

static void held_in_order(struct kunit *test)
{
	struct raw *raw = start(test);

	script(raw, 1, MOCK_HOLD, 0);
	script(raw, 3, MOCK_HOLD, 0);
	send_all(raw);
	expect_answers(raw, "0");
	mock_release(raw->mock);
	expect_answers(raw, "123");
	mock_script_clear(raw->mock);
	send_all(raw);
	expect_answers(raw, "0123");
}

static void delayed_in_order(struct kunit *test)
{
	struct raw *raw = start(test);
	ktime_t sent = ktime_get();

	script(raw, 1, MOCK_DELAY, 50);
	script(raw, 2, MOCK_DELAY, 1);
	send_all(raw);
	await_answer(raw, 0);
	await_answer(raw, 1);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), sent), 50);
	await_answer(raw, 2);
	await_answer(raw, 3);
	expect_answers(raw, "");
}

/* What is held is behind what is delayed, and what is not is behind both. */
static void held_behind_delayed_in_order(struct kunit *test)
{
	struct raw *raw = start(test);

	script(raw, 0, MOCK_DELAY, 20);
	script(raw, 1, MOCK_HOLD, 0);
	script(raw, 2, MOCK_DELAY, 1);
	send_all(raw);
	await_answer(raw, 0);
	msleep(50);
	expect_answers(raw, "");
	mock_release(raw->mock);
	expect_answers(raw, "123");
}

/* Whoever releases what is held does not wait for what is delayed. */
static void released_before_its_time_in_order(struct kunit *test)
{
	struct raw *raw = start(test);

	script(raw, 0, MOCK_DELAY, LONG_MS);
	script(raw, 1, MOCK_HOLD, 0);
	send_all(raw);
	expect_answers(raw, "");
	mock_release(raw->mock);
	expect_answers(raw, "0123");
}

static void none_behind_the_one_that_is_lost(struct kunit *test)
{
	struct raw *raw = start(test);

	script(raw, 1, MOCK_HOLD, 0);
	script(raw, 2, MOCK_NO_ANSWER, 0);
	send_all(raw);
	expect_answers(raw, "0");
	mock_release(raw->mock);
	expect_answers(raw, "1");
	mock_script_clear(raw->mock);
	send_all(raw);
	expect_answers(raw, "");
}

/* ---- Without -------------------------------------------------------------------------- */

static void others_overtake(struct kunit *test)
{
	struct raw *raw = start(test);

	script(raw, 0, MOCK_DELAY, LONG_MS);
	script(raw, 1, MOCK_HOLD, 0);
	script(raw, 2, MOCK_NO_ANSWER, 0);
	send_all(raw);
	expect_answers(raw, "3");
	mock_release(raw->mock);
	expect_answers(raw, "1");
}

/* The newest first: it is as good an order as any, and not that of the requests. */
static void released_the_other_way_round(struct kunit *test)
{
	struct raw *raw = start(test);
	unsigned int i;

	for (i = 0; i < NR; i++)
		script(raw, i, MOCK_HOLD, 0);
	send_all(raw);
	expect_answers(raw, "");
	mock_release(raw->mock);
	expect_answers(raw, "3210");
}

static struct kunit_case mock_answer_cases[] = {
	KUNIT_CASE_PARAM(held_in_order, ordered_gen_params),
	KUNIT_CASE_PARAM(delayed_in_order, ordered_gen_params),
	KUNIT_CASE_PARAM(held_behind_delayed_in_order, ordered_gen_params),
	KUNIT_CASE_PARAM(released_before_its_time_in_order, ordered_gen_params),
	KUNIT_CASE_PARAM(none_behind_the_one_that_is_lost, ordered_gen_params),
	KUNIT_CASE_PARAM(others_overtake, free_gen_params),
	KUNIT_CASE_PARAM(released_the_other_way_round, free_gen_params),
	{ }
};

static struct kunit_suite mock_answer_suite = {
	.name = "viommu_mock_answer",
	.test_cases = mock_answer_cases,
};

kunit_test_suite(mock_answer_suite);
