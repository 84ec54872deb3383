// SPDX-License-Identifier: GPL-2.0
/*
 * Takes requests from the ring and answers them: at once, in the middle of
 * the driver's notification, or later, by a thread; in order or not; as they
 * deserve, or as a script has it.
 */
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/slab.h>

#include "internal.h"

/* How long a thread sleeps when it has something to do, but for a delay of the test's */
#define MOCK_POLL_US	20

void mock_interrupt(struct mock *mock, unsigned int queue)
{
	irq_work_queue(&mock->interrupt[queue]);
}

/* ---- One request ---------------------------------------------------------------- */

/* The readable part, as far as there is room; returns how long it is. */
static u32 mock_gather(const struct mock_chain *chain, u8 *out, u32 room)
{
	u32 len = 0;
	unsigned int i;

	for (i = 0; i < chain->nr; i++) {
		const struct mock_part *part = &chain->part[i];

		if (part->write)
			continue;
		if (len < room)
			memcpy(out + len, part->addr, min(part->len, room - len));
		len += part->len;
	}
	return len;
}

static u32 mock_writable(const struct mock_chain *chain)
{
	u32 len = 0;
	unsigned int i;

	for (i = 0; i < chain->nr; i++)
		len += chain->part[i].write ? chain->part[i].len : 0;
	return len;
}

/* Write into the writable part, @at bytes into it. */
static void mock_scatter(const struct mock_chain *chain, u32 at, const u8 *buf, u32 len)
{
	unsigned int i;

	for (i = 0; i < chain->nr && len; i++) {
		const struct mock_part *part = &chain->part[i];
		u32 piece;

		if (!part->write)
			continue;
		if (at >= part->len) {
			at -= part->len;
			continue;
		}
		piece = min(len, part->len - at);
		memcpy(part->addr + at, buf, piece);
		buf += piece;
		len -= piece;
		at = 0;
	}
}

static void mock_write_properties(struct mock *mock, const struct mock_answer *answer, u32 room)
{
	u8 properties[8 * sizeof(struct virtio_iommu_probe_resv_mem)];
	size_t len;

	if (answer->how & MOCK_FILL) {
		mock_scatter(&answer->chain, 0, answer->fill,
			     min_t(size_t, answer->fill_len, room));
		return;
	}
	len = mock_properties(mock, properties, min_t(size_t, sizeof(properties), room));
	mock_scatter(&answer->chain, 0, properties, len);
}

static void mock_write_tail(const struct mock_answer *answer, u32 at)
{
	struct virtio_iommu_req_tail tail = { .status = answer->status };

	if (answer->how & MOCK_RESERVED)
		memset(tail.reserved, 0xa5, sizeof(tail.reserved));
	if (!(answer->how & MOCK_NO_TAIL))
		mock_scatter(&answer->chain, at, (u8 *)&tail, sizeof(tail));
}

/* Only now does the device write, and gives the request back. */
static void mock_give(struct mock *mock, struct mock_answer *answer)
{
	struct mock_ring *ring = &mock->ring[MOCK_REQUESTS];
	const u32 tail = sizeof(struct virtio_iommu_req_tail);

	if (answer->in_len >= tail && answer->used) {
		if (answer->in_len > tail)
			mock_write_properties(mock, answer, answer->in_len - tail);
		mock_write_tail(answer, answer->in_len - tail);
	}
	if (answer->how & MOCK_BAD_ID)
		answer->chain.id = ring->num + 7;
	mock_ring_push(ring, &answer->chain, answer->used);
	if (answer->how & MOCK_TWICE)
		mock_ring_push(ring, &answer->chain, answer->used);
}

static void mock_keep(const struct mock_answer *answer, struct list_head *list)
{
	struct mock_answer *kept = kmemdup(answer, sizeof(*answer), GFP_ATOMIC);

	/* Newest first: in a batch that is turned round, that is all there is to do */
	if (!WARN_ON(!kept))
		list_add(&kept->link, list);
}

static bool mock_in_order(const struct mock *mock)
{
	return mock->ring[MOCK_REQUESTS].in_order;
}

/*
 * Where an answer waits, or NULL. With IN_ORDER, it does so for those before
 * it as well; what is delayed is always older than what is held.
 */
static struct list_head *mock_waits(struct mock *mock, const struct mock_answer *answer)
{
	const bool in_order = mock_in_order(mock);

	if (answer->how & MOCK_HOLD || (in_order && !list_empty(&mock->held)))
		return &mock->held;
	if (answer->how & MOCK_DELAY || (in_order && !list_empty(&mock->delayed)))
		return &mock->delayed;
	return mock->reorder ? &mock->turned : NULL;
}

static void mock_answer(struct mock *mock, struct mock_answer *answer)
{
	struct list_head *list = mock_waits(mock, answer);

	if (answer->how & MOCK_RESET)
		mock_needs_reset_locked(mock);
	if (answer->how & (MOCK_RESET | MOCK_NO_ANSWER))
		mock->mute = mock_in_order(mock);
	else if (mock->mute)
		return;
	else if (list)
		mock_keep(answer, list);
	else
		mock_give(mock, answer);
	wake_up(&mock->wake);
}

static void mock_follow(struct mock_answer *answer, const struct mock_script *script)
{
	if (!script)
		return;
	answer->how = script->how;
	answer->fill = script->fill;
	answer->fill_len = script->fill_len;
	answer->due = ktime_add_ms(ktime_get(), script->delay_ms);
	if (script->how & MOCK_STATUS)
		answer->status = script->status;
	if (script->how & MOCK_LENGTH)
		answer->used = script->length;
}

static void mock_record(struct mock *mock, const struct mock_request *request)
{
	mock->records[mock->received++ % MOCK_RECORDS] = *request;
	mock->count[request->type < MOCK_NR_TYPES ? request->type : 0]++;
}

static u8 mock_status(struct mock *mock, const struct mock_chain *chain,
		      const struct mock_request *request, const struct mock_script *script)
{
	const u8 status = mock_judge_request(mock, request);

	if (script && script->how & MOCK_DO_NOT)
		return VIRTIO_IOMMU_S_OK;
	if (chain->nr != 2 && mock_has_quirk(mock, MOCK_Q_TWO_DESCRIPTORS))
		return VIRTIO_IOMMU_S_DEVERR;
	return status ?: mock_carry_out(mock, request);
}

static void mock_take(struct mock *mock, const struct mock_chain *chain)
{
	struct mock_answer answer = { .chain = *chain, .in_len = mock_writable(chain) };
	struct mock_request request = { .in_len = answer.in_len };
	const struct mock_script *script;
	u8 out[MOCK_MAX_REQUEST] = {};
	u32 out_len = mock_gather(chain, out, sizeof(out));

	mock_judge_framing(mock, chain, out, out_len, answer.in_len);
	mock_read(out, &request);
	script = mock_script_match(mock, &request);
	answer.status = mock_status(mock, chain, &request, script);
	answer.used = answer.in_len;
	if (answer.status && mock_has_quirk(mock, MOCK_Q_SILENT_FAILURE))
		answer.used = 0;
	mock_follow(&answer, script);
	request.status = answer.status;
	mock_record(mock, &request);
	mock_answer(mock, &answer);
}

/* ---- All that there are ------------------------------------------------------------- */

static void mock_give_kept(struct mock *mock, struct mock_answer *answer)
{
	list_del(&answer->link);
	mock_give(mock, answer);
	kfree(answer);
}

/* Newest first, but with IN_ORDER */
static void mock_give_all(struct mock *mock, struct list_head *list)
{
	while (!list_empty(list))
		mock_give_kept(mock, mock_in_order(mock) ?
			       list_last_entry(list, struct mock_answer, link) :
			       list_first_entry(list, struct mock_answer, link));
}

/* Those that are due, oldest first; with IN_ORDER, up to the first that is not */
static void mock_give_due(struct mock *mock)
{
	struct mock_answer *answer, *next;
	const ktime_t now = ktime_get();

	list_for_each_entry_safe_reverse(answer, next, &mock->delayed, link) {
		if (!ktime_after(answer->due, now))
			mock_give_kept(mock, answer);
		else if (mock_in_order(mock))
			break;
	}
}

static void mock_take_all(struct mock *mock)
{
	struct mock_ring *ring = &mock->ring[MOCK_REQUESTS];
	struct mock_chain chain;
	int got;

	while ((got = mock_ring_pop(ring, &chain)) == 1 && mock->running)
		mock_take(mock, &chain);
	if (got < 0)
		mock_require(mock, MOCK_OTHER_RULES, false, "the ring makes no sense");
}

static void mock_tell(struct mock *mock)
{
	if (mock_ring_wants_interrupt(&mock->ring[MOCK_REQUESTS]))
		mock_interrupt(mock, MOCK_REQUESTS);
}

/* mock_serve() - takes all requests that are there; the device's lock is held */
void mock_serve(struct mock *mock)
{
	struct mock_ring *ring = &mock->ring[MOCK_REQUESTS];

	if (!mock->running || mock->paused || !ring->vq)
		return;
	do {
		mock_take_all(mock);
		mock_ring_notify_me(ring, !mock->polling);
	} while (!mock->polling && mock_ring_available(ring));
	mock_give_all(mock, &mock->turned);
	mock_tell(mock);
}

static void mock_wait_held_up(struct mock *mock)
{
	if (!READ_ONCE(mock->hold_up) || !xchg(&mock->hold_up, false))
		return;
	WRITE_ONCE(mock->held_up, true);
	wait_event(mock->wake, !READ_ONCE(mock->held_up));
}

/* mock_notified() - the driver has notified the request queue. Context: any. */
void mock_notified(struct mock *mock)
{
	unsigned long irq;

	mock_wait_held_up(mock);
	spin_lock_irqsave(&mock->lock, irq);
	mock->notifications++;
	mock_require(mock, MOCK_OTHER_RULES, mock->running, "a notification before DRIVER_OK");
	mock->notified = true;
	if (!mock->later)
		mock_serve(mock);
	spin_unlock_irqrestore(&mock->lock, irq);
	wake_up(&mock->wake);
}

static void mock_drop(struct list_head *list)
{
	struct mock_answer *answer, *next;

	list_for_each_entry_safe(answer, next, list, link)
		kfree(answer);
	INIT_LIST_HEAD(list);
}

/* mock_drop_answers() - a device reset: nothing is given back any more */
void mock_drop_answers(struct mock *mock)
{
	mock_drop(&mock->held);
	mock_drop(&mock->delayed);
	mock_drop(&mock->turned);
	mock->mute = false;
	mock->notified = false;
}

void mock_release(struct mock *mock)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	if (mock->running) {
		if (mock_in_order(mock))
			mock_give_all(mock, &mock->delayed);
		mock_give_all(mock, &mock->held);
		mock_tell(mock);
	}
	spin_unlock_irqrestore(&mock->lock, irq);
}

/*
 * ---- The threads ------------------------------------------------------------------------
 *
 * One for each CPU: a driver may wait for its answer where it cannot be put
 * aside, with interrupts off or for a timer. Whichever comes first, answers.
 */

static bool mock_has_work(struct mock *mock)
{
	return kthread_should_stop() || READ_ONCE(mock->polling) || !list_empty(&mock->delayed) ||
	       (READ_ONCE(mock->later) && READ_ONCE(mock->notified) && !READ_ONCE(mock->paused));
}

static void mock_work(struct mock *mock)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	if (mock->running) {
		mock_give_due(mock);
		mock_tell(mock);
	}
	if (mock->later && (mock->notified || mock->polling)) {
		mock->notified = false;
		mock_serve(mock);
	}
	spin_unlock_irqrestore(&mock->lock, irq);
}

/* mock_thread() - answers what is not answered at once, on its CPU */
int mock_thread(void *data)
{
	struct mock *mock = data;
	unsigned int pause;

	while (!kthread_should_stop()) {
		wait_event_interruptible(mock->wake, mock_has_work(mock));
		pause = READ_ONCE(mock->delay_us) ?: MOCK_POLL_US;
		usleep_range(pause, pause + pause / 4);
		mock_work(mock);
	}
	return 0;
}

/* ---- What tests choose ------------------------------------------------------------------- */

static void mock_set_answers(struct mock *mock, bool later, unsigned int delay_us, bool reorder,
			     bool polling)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock->later = later;
	mock->delay_us = delay_us;
	mock->reorder = reorder && !mock_offers(mock, VIRTIO_F_IN_ORDER);
	mock->polling = polling;
	mock_serve(mock);	/* with the notifications that are wanted from now on */
	spin_unlock_irqrestore(&mock->lock, irq);
	wake_up(&mock->wake);
}

void mock_answer_at_once(struct mock *mock)
{
	mock_set_answers(mock, false, 0, false, false);
}

void mock_answer_later(struct mock *mock, unsigned int delay_us, bool reorder, bool polling)
{
	mock_set_answers(mock, true, delay_us, reorder, polling);
}

void mock_pause(struct mock *mock)
{
	WRITE_ONCE(mock->paused, true);
}

void mock_resume(struct mock *mock)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock->paused = false;
	mock->notified = true;
	if (!mock->later)
		mock_serve(mock);
	spin_unlock_irqrestore(&mock->lock, irq);
	wake_up(&mock->wake);
}

void mock_hold_up(struct mock *mock)
{
	WRITE_ONCE(mock->hold_up, true);
}

bool mock_held_up(struct mock *mock)
{
	return READ_ONCE(mock->held_up);
}

void mock_let_through(struct mock *mock)
{
	WRITE_ONCE(mock->hold_up, false);
	WRITE_ONCE(mock->held_up, false);
	wake_up(&mock->wake);
}

/* ---- What tests ask ------------------------------------------------------------------------ */

void mock_mark(struct mock *mock)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock->mark = mock->received;
	memset(mock->count, 0, sizeof(mock->count));
	mock->notifications = 0;
	spin_unlock_irqrestore(&mock->lock, irq);
}

unsigned int mock_count(struct mock *mock, u8 type)
{
	if (!type)
		return READ_ONCE(mock->received) - READ_ONCE(mock->mark);
	return type < MOCK_NR_TYPES ? READ_ONCE(mock->count[type]) : 0;
}

unsigned int mock_marked(struct mock *mock)
{
	return READ_ONCE(mock->mark);
}

unsigned int mock_received(struct mock *mock)
{
	return READ_ONCE(mock->received);
}

unsigned int mock_notifications(struct mock *mock)
{
	return READ_ONCE(mock->notifications);
}

static bool mock_request_locked(struct mock *mock, unsigned int number,
				struct mock_request *request)
{
	const unsigned int age = mock->received - number;

	if (!age || age > MOCK_RECORDS || age > mock->received)
		return false;
	*request = mock->records[number % MOCK_RECORDS];
	return true;
}

bool mock_request(struct mock *mock, unsigned int number, struct mock_request *request)
{
	unsigned long irq;
	bool there;

	spin_lock_irqsave(&mock->lock, irq);
	there = mock_request_locked(mock, number, request);
	spin_unlock_irqrestore(&mock->lock, irq);
	return there;
}

bool mock_last(struct mock *mock, u8 type, struct mock_request *request)
{
	unsigned int number = mock_received(mock);

	while (number != mock_marked(mock)) {
		if (!mock_request(mock, --number, request))
			return false;
		if (!type || request->type == type)
			return true;
	}
	return false;
}
