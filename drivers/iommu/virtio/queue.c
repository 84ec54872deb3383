// SPDX-License-Identifier: GPL-2.0
/*
 * The request queue: posts requests, notifies the device, reaps answers, waits.
 *
 * Owns the ring and a fixed set of slots, half as many as the ring has
 * descriptors, so that whoever holds a slot can post without failing and
 * without allocating. Knows nothing of what requests mean beyond that MAPs
 * that fail are counted.
 *
 * Rules:
 *  - Ring and slots are touched under the lock; it is held with interrupts
 *    off for the time it takes to post one request or to reap a few.
 *  - Notifying and waiting happen outside the lock. A CPU takes the decision
 *    to notify for all requests posted so far. Whoever waits for a request
 *    while some decision is not carried out in time notifies by itself: the
 *    decider may have been interrupted, and by the very one that waits.
 *  - Whoever waits reaps for all. An outcome is stored where its owner looks
 *    for it, under the lock, before the slot leaves its flight.
 *  - Every wait has a deadline. Passing it, or a ring that the virtio core
 *    calls broken, ends the queue: all requests in flight fail, later ones
 *    fail at once. Slots that the device still has are never used again; they
 *    are freed after the device has been reset.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/slab.h>
#include <linux/virtio.h>

#include "viommu.h"

/* More slots than this would only hold memory, in one piece: requests are short-lived. */
#define VIOMMU_MAX_SLOTS	256u

/* Answers reaped before interrupts are let in. */
#define VIOMMU_REAP_BATCH	16

/*
 * Time in which nobody looked does not count against the device beyond this: a
 * guest that was stopped, or whose CPU was, finds the clock far ahead.
 */
#define VIOMMU_BLINK_NS		(10 * NSEC_PER_MSEC)

/* How long to wait for another CPU's notification before doing it oneself. */
#define VIOMMU_KICK_PATIENCE_NS	(50 * NSEC_PER_USEC)

/* A shorter timeout would take a busy host for a dead device. */
#define VIOMMU_MIN_TIMEOUT_MS	100u

/* First and longest pause of a sleeping wait: answers mostly take microseconds. */
#define VIOMMU_SLEEP_MIN_US	20u
#define VIOMMU_SLEEP_MAX_US	1000u

/* What stands in a tail that the device has not written to; no status is as high. */
#define VIOMMU_S_NONE			0xff

static void viommu_slot_free(struct viommu_queue *queue, struct viommu_slot *slot)
{
	lockdep_assert_held(&queue->lock);

	slot->flight = NULL;
	list_add(&slot->link, &queue->free);
}

/* Store the outcome of a request; the slot leaves its flight. */
static void viommu_slot_done(struct viommu_queue *queue, struct viommu_slot *slot, int err)
{
	struct viommu_flight *flight = slot->flight;

	lockdep_assert_held(&queue->lock);

	if (err && slot->req.head.type == VIRTIO_IOMMU_T_MAP) {
		if (flight->leaving && !queue->broken)
			err = -EAGAIN;
		else
			flight->map_errors++;
		flight->map_error = err;
	}
	if (slot->result)
		WRITE_ONCE(*slot->result, err);
	list_del(&slot->link);
}

static struct virtio_iommu_req_tail *viommu_slot_tail(const struct viommu_slot *slot)
{
	return slot->in + slot->in_len - sizeof(struct virtio_iommu_req_tail);
}

/*
 * What a device says of a request. One that did not write as far as the tail
 * has refused it, whatever the buffer holds: cloud-hypervisor returns every
 * failed request with a used length of 0.
 */
static int viommu_slot_outcome(const struct viommu_slot *slot, unsigned int written)
{
	if (written < slot->in_len)
		return -EBADMSG;
	return viommu_status_to_errno(READ_ONCE(viommu_slot_tail(slot)->status));
}

/* Take up to a batch of answers from the ring; true if there may be more. */
static bool viommu_reap(struct viommu_queue *queue)
{
	struct viommu_slot *slot;
	unsigned int i, len;

	lockdep_assert_held(&queue->lock);

	if (queue->broken)
		return false;
	for (i = 0; i < VIOMMU_REAP_BATCH; i++) {
		slot = virtqueue_get_buf(queue->vq, &len);
		if (!slot)
			return false;
		viommu_slot_done(queue, slot, viommu_slot_outcome(slot, len));
		viommu_slot_free(queue, slot);
	}
	return true;
}

/* Fail everything in flight and all that is to come. False if that was so already. */
static bool viommu_break(struct viommu_queue *queue, int err)
{
	unsigned int i;

	lockdep_assert_held(&queue->lock);

	if (queue->broken)
		return false;
	queue->broken = true;
	for (i = 0; i < queue->nr_slots; i++) {
		struct viommu_slot *slot = &queue->slots[i];

		if (!slot->flight)
			continue;
		viommu_slot_done(queue, slot, err);
		/* The device may still write to it: not to be freed yet */
		slot->flight = NULL;
	}
	return true;
}

/* Stop waiting for a device that will not answer. */
static void viommu_give_up(struct viommu_queue *queue, int err)
{
	unsigned long flags;
	bool first;

	spin_lock_irqsave(&queue->lock, flags);
	first = viommu_break(queue, err);
	spin_unlock_irqrestore(&queue->lock, flags);

	if (!first)
		return;
	if (err == -ETIMEDOUT)
		dev_err(queue->dev,
			"the device did not answer within %u ms; giving it up: all further requests fail, mappings stay as they are\n",
			viommu_timeout_ms);
	else if (system_state <= SYSTEM_RUNNING)
		dev_err(queue->dev, "the request queue is broken: all further requests fail\n");
}

/* Carry out a notification for all up to @seq; the caller has counted itself. */
static void viommu_notify(struct viommu_queue *queue, u64 seq)
{
	unsigned long flags;

	virtqueue_notify(queue->vq);

	spin_lock_irqsave(&queue->lock, flags);
	queue->kickers--;
	queue->notified = queue->kickers ? max(queue->notified, seq) : queue->decided;
	spin_unlock_irqrestore(&queue->lock, flags);
}

/*
 * Notify the device of all that is in the ring, if it wants that and nobody
 * else has. That it does not want it counts on earlier decisions: it may not
 * know of this request because somebody has yet to tell it of another one.
 */
static void viommu_kick(struct viommu_queue *queue)
{
	unsigned long flags;
	bool notify = false;
	u64 seq;

	spin_lock_irqsave(&queue->lock, flags);
	seq = queue->posted;
	if (!queue->broken && queue->decided != seq) {
		notify = virtqueue_kick_prepare(queue->vq);
		queue->decided = seq;
		if (notify)
			queue->kickers++;
		else if (!queue->kickers)
			queue->notified = seq;
	}
	spin_unlock_irqrestore(&queue->lock, flags);

	if (notify)
		viommu_notify(queue, seq);
}

/* Somebody decided to notify the device of @seq: if that has not happened, do it. */
static void viommu_kick_again(struct viommu_queue *queue, u64 seq)
{
	unsigned long flags;
	bool notify;

	spin_lock_irqsave(&queue->lock, flags);
	notify = !queue->broken && queue->notified < seq;
	if (notify)
		queue->kickers++;
	spin_unlock_irqrestore(&queue->lock, flags);

	if (notify)
		viommu_notify(queue, seq);
}

/**
 * struct viommu_wait - a wait for the device
 * @seq: the last request that had been posted when it began
 * @last: when somebody looked last
 * @left: nanoseconds until the device is given up
 * @patience: until when somebody else's notification is waited for
 */
struct viommu_wait {
	u64 seq;
	ktime_t last;
	s64 left;
	ktime_t patience;
};

static void viommu_wait_begin(struct viommu_queue *queue, struct viommu_wait *wait)
{
	unsigned int timeout = max(READ_ONCE(viommu_timeout_ms), VIOMMU_MIN_TIMEOUT_MS);

	wait->seq = READ_ONCE(queue->posted);
	wait->last = ktime_get();
	wait->left = (s64)timeout * NSEC_PER_MSEC;
	wait->patience = ktime_add_ns(wait->last, VIOMMU_KICK_PATIENCE_NS);
	/* Who was in flight alone has nothing to wait for, and would not find out */
	if (READ_ONCE(queue->lost))
		viommu_give_up(queue, -EIO);
	viommu_kick(queue);
}

/* To be called in every turn: gives the device up, or notifies it, when it is time. */
static void viommu_wait_turn(struct viommu_queue *queue, struct viommu_wait *wait)
{
	ktime_t now = ktime_get();

	wait->left -= min_t(s64, ktime_sub(now, wait->last), VIOMMU_BLINK_NS);
	wait->last = now;
	if (virtqueue_is_broken(queue->vq)) {
		viommu_give_up(queue, -EIO);
	} else if (wait->left <= 0) {
		viommu_give_up(queue, -ETIMEDOUT);
	} else if (ktime_after(now, wait->patience)) {
		viommu_kick_again(queue, wait->seq);
		wait->patience = ktime_add_ns(now, VIOMMU_KICK_PATIENCE_NS);
	}
}

/**
 * viommu_queue_init() - Set a request queue up
 * @queue: the queue
 * @dev: whom messages name
 * @vq: the ring
 *
 * Context: Process.
 * Return: 0, -ENOMEM, or -EINVAL for a ring too short for one request.
 */
int viommu_queue_init(struct viommu_queue *queue, struct device *dev, struct virtqueue *vq)
{
	unsigned int i;

	spin_lock_init(&queue->lock);
	INIT_LIST_HEAD(&queue->free);
	queue->dev = dev;
	queue->vq = vq;
	/* One descriptor out, one in */
	queue->nr_slots = min(virtqueue_get_vring_size(vq) / 2, VIOMMU_MAX_SLOTS);
	if (!queue->nr_slots) {
		dev_err(dev, "refused: a request needs two descriptors, the queue has %u\n",
			virtqueue_get_vring_size(vq));
		return -EINVAL;
	}

	queue->slots = kcalloc(queue->nr_slots, sizeof(*queue->slots), GFP_KERNEL);
	if (!queue->slots)
		return -ENOMEM;
	for (i = 0; i < queue->nr_slots; i++)
		list_add_tail(&queue->slots[i].link, &queue->free);
	return 0;
}

/**
 * viommu_queue_stop() - End a queue
 * @queue: the queue
 *
 * Fails what is in flight and keeps everybody off the ring from here on, so
 * that it may be deleted.
 *
 * Context: Process, after the device has been reset.
 */
void viommu_queue_stop(struct viommu_queue *queue)
{
	unsigned int kickers;

	do {
		spin_lock_irq(&queue->lock);
		viommu_break(queue, -EIO);
		kickers = queue->kickers;
		spin_unlock_irq(&queue->lock);
		if (kickers)
			usleep_range(VIOMMU_SLEEP_MIN_US, VIOMMU_SLEEP_MAX_US);
	} while (kickers); /* each is in the middle of one register write */
}

/**
 * viommu_queue_free() - Free the slots
 * @queue: a queue that was stopped, or never started
 *
 * Context: Process.
 */
void viommu_queue_free(struct viommu_queue *queue)
{
	kfree(queue->slots);
	queue->slots = NULL;
}

/**
 * viommu_queue_broken() - Say whether the device is dead or gone
 * @queue: the queue
 *
 * Context: Any.
 * Return: Whether every request fails at once.
 */
bool viommu_queue_broken(struct viommu_queue *queue)
{
	return READ_ONCE(queue->broken);
}

/**
 * viommu_flight_init() - Set a flight up
 * @flight: the flight
 *
 * Context: Any.
 */
void viommu_flight_init(struct viommu_flight *flight)
{
	*flight = (struct viommu_flight) {};
	INIT_LIST_HEAD(&flight->slots);
}

/**
 * viommu_flight_set_leaving() - Say whether failures are to be expected
 * @queue: the queue
 * @flight: requests of one domain
 * @leaving: the domain may vanish from the device at any moment
 *
 * Context: Any.
 */
void viommu_flight_set_leaving(struct viommu_queue *queue, struct viommu_flight *flight,
			       bool leaving)
{
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	flight->leaving = leaving;
	spin_unlock_irqrestore(&queue->lock, flags);
}

static struct viommu_slot *viommu_get_slot_locked(struct viommu_queue *queue)
{
	struct viommu_slot *slot;

	lockdep_assert_held(&queue->lock);

	if (list_empty(&queue->free))
		viommu_reap(queue);
	if (queue->broken)
		return ERR_PTR(-EIO);
	slot = list_first_entry_or_null(&queue->free, struct viommu_slot, link);
	if (slot) {
		list_del(&slot->link);
		slot->in = &slot->tail;
		slot->in_len = sizeof(slot->tail);
	}
	return slot;
}

/**
 * viommu_queue_get_slot() - Take a slot, so that posting cannot fail
 * @queue: the queue
 *
 * Context: Under a domain's lock, which is held until viommu_queue_post() or
 * viommu_queue_put_slot(), lest an interrupt waits for the last slot while
 * what it interrupted has it. Does not wait.
 * Return: A slot whose req and len are to be filled in; NULL if all are in
 * flight (see viommu_queue_make_room()); -EIO if the queue is broken.
 */
struct viommu_slot *viommu_queue_get_slot(struct viommu_queue *queue)
{
	struct viommu_slot *slot;
	unsigned long flags;

	spin_lock_irqsave(&queue->lock, flags);
	slot = viommu_get_slot_locked(queue);
	spin_unlock_irqrestore(&queue->lock, flags);
	return slot;
}

/**
 * viommu_queue_put_slot() - Give a slot back unused
 * @queue: the queue
 * @slot: from viommu_queue_get_slot(); may be NULL or an error
 *
 * Context: As viommu_queue_get_slot().
 */
void viommu_queue_put_slot(struct viommu_queue *queue, struct viommu_slot *slot)
{
	unsigned long flags;

	if (IS_ERR_OR_NULL(slot))
		return;
	spin_lock_irqsave(&queue->lock, flags);
	viommu_slot_free(queue, slot);
	spin_unlock_irqrestore(&queue->lock, flags);
}

static bool viommu_has_room(struct viommu_queue *queue)
{
	unsigned long flags;
	bool room;

	spin_lock_irqsave(&queue->lock, flags);
	viommu_reap(queue);
	room = queue->broken || !list_empty(&queue->free);
	spin_unlock_irqrestore(&queue->lock, flags);
	return room;
}

/**
 * viommu_queue_make_room() - Wait until there is a slot to be had
 * @queue: the queue
 *
 * Context: Any that may spin for a while; no lock of the driver's that is
 * below viommu->lock.
 */
void viommu_queue_make_room(struct viommu_queue *queue)
{
	struct viommu_wait wait;

	viommu_wait_begin(queue, &wait);
	while (!viommu_has_room(queue)) {
		viommu_wait_turn(queue, &wait);
		cpu_relax();
	}
}

static void viommu_post_locked(struct viommu_queue *queue, struct viommu_slot *slot,
			       struct viommu_flight *flight, int *result)
{
	struct scatterlist *sgs[] = { &slot->out_sg, &slot->in_sg };
	int err = -EIO;

	lockdep_assert_held(&queue->lock);

	sg_init_one(&slot->out_sg, &slot->req, slot->len);
	sg_init_one(&slot->in_sg, slot->in, slot->in_len);
	viommu_slot_tail(slot)->status = VIOMMU_S_NONE;
	slot->result = result;
	slot->flight = flight;
	list_add_tail(&slot->link, &flight->slots);

	if (!queue->broken)
		err = virtqueue_add_sgs(queue->vq, sgs, 1, 1, slot, GFP_ATOMIC);
	if (!err) {
		slot->seq = ++queue->posted;
	} else {
		if (!queue->broken && virtqueue_is_broken(queue->vq))
			WRITE_ONCE(queue->lost, true);
		viommu_slot_done(queue, slot, err);
		viommu_slot_free(queue, slot);
	}
}

/**
 * viommu_queue_post() - Put a request into the ring
 * @queue: the queue
 * @slot: from viommu_queue_get_slot(), its req and len filled in; may be an
 *	  error, which is a request that fails
 * @flight: whom it belongs to
 * @result: where its outcome goes, -EINPROGRESS until then; or NULL
 *
 * The device is notified by whoever waits next, or by whoever finds no slot.
 *
 * Context: As viommu_queue_get_slot(). Does not wait.
 */
void viommu_queue_post(struct viommu_queue *queue, struct viommu_slot *slot,
		       struct viommu_flight *flight, int *result)
{
	unsigned long flags;

	if (result)
		WRITE_ONCE(*result, IS_ERR(slot) ? -EIO : -EINPROGRESS);
	if (IS_ERR(slot))
		return;

	spin_lock_irqsave(&queue->lock, flags);
	viommu_post_locked(queue, slot, flight, result);
	spin_unlock_irqrestore(&queue->lock, flags);
}

/* Reap once; true if nothing up to @seq is in flight any more. */
static bool viommu_flight_landed(struct viommu_queue *queue, struct viommu_flight *flight,
				 u64 seq)
{
	struct viommu_slot *oldest;
	unsigned long flags;
	bool landed;

	spin_lock_irqsave(&queue->lock, flags);
	viommu_reap(queue);
	oldest = list_first_entry_or_null(&flight->slots, struct viommu_slot, link);
	landed = !oldest || oldest->seq > seq;
	spin_unlock_irqrestore(&queue->lock, flags);

	return landed;
}

/**
 * viommu_queue_wait() - Wait until the device has answered
 * @queue: the queue
 * @flight: whose requests; those posted before the call count
 * @may_sleep: whether to sleep, for operations that take their time
 *
 * Returns when each of the requests has an outcome, which for a device that
 * does not answer in time is -ETIMEDOUT.
 *
 * Context: Any that may spin for a while; process if @may_sleep.
 */
void viommu_queue_wait(struct viommu_queue *queue, struct viommu_flight *flight,
		       bool may_sleep)
{
	unsigned int pause = VIOMMU_SLEEP_MIN_US;
	struct viommu_wait wait;

	viommu_wait_begin(queue, &wait);
	while (!viommu_flight_landed(queue, flight, wait.seq)) {
		viommu_wait_turn(queue, &wait);
		if (may_sleep) {
			usleep_range(pause, 2 * pause);
			pause = min(2 * pause, VIOMMU_SLEEP_MAX_US);
		} else {
			cpu_relax();
		}
	}
}

/* Post a request that comes with its buffers; false if there is no room for it. */
static bool viommu_try_run(struct viommu_queue *queue, const union viommu_request *req,
			   size_t len, void *in, size_t in_len, struct viommu_flight *flight,
			   int *result)
{
	struct viommu_slot *slot;

	spin_lock_irq(&queue->lock);
	slot = viommu_get_slot_locked(queue);
	if (!IS_ERR_OR_NULL(slot)) {
		slot->req = *req;
		slot->len = len;
		if (in) {
			slot->in = in;
			slot->in_len = in_len;
		}
		viommu_post_locked(queue, slot, flight, result);
	}
	spin_unlock_irq(&queue->lock);
	return slot;
}

/**
 * viommu_queue_run() - Carry out one request
 * @queue: the queue
 * @req: the request
 * @len: bytes the device reads
 * @in: where the device writes, with the tail at its end; NULL if it writes
 *	nothing else
 * @in_len: bytes the device writes; with @in
 *
 * Context: Process, sleeps.
 * Return: What the device answered, as a negative errno: -EBADMSG for an
 * answer that does not reach the tail, -ETIMEDOUT for none, -EIO for a broken
 * queue, else as viommu_status_to_errno(). After -ETIMEDOUT the device may
 * still write to @in.
 */
int viommu_queue_run(struct viommu_queue *queue, const union viommu_request *req, size_t len,
		     void *in, size_t in_len)
{
	struct viommu_flight flight;
	int result = -EIO;

	might_sleep();

	viommu_flight_init(&flight);
	while (!viommu_try_run(queue, req, len, in, in_len, &flight, &result))
		viommu_queue_make_room(queue);
	viommu_queue_wait(queue, &flight, true);
	return result;
}
