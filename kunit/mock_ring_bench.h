/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtqueue with both of its ends in reach: the kernel's, drivers/virtio, and
 * the mock's. The device is never registered: rings need not know who uses them.
 */
#ifndef _MOCK_RING_BENCH_H
#define _MOCK_RING_BENCH_H

#include <kunit/resource.h>
#include <kunit/test.h>
#include <linux/prandom.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
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

static inline void layout_name(const struct layout *layout, char *name)
{
	strscpy(name, layout->name, KUNIT_PARAM_DESC_SIZE);
}

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

static inline struct bench *to_bench(struct virtqueue *vq)
{
	return container_of(vq->vdev, struct bench, vdev);
}

static inline void wake(struct bench *bench, bool *reason)
{
	WRITE_ONCE(*reason, true);
	wake_up(&bench->wait);
}

static inline bool count_notification(struct virtqueue *vq)
{
	to_bench(vq)->notifications++;
	wake(to_bench(vq), &to_bench(vq)->notified);
	return true;
}

static inline void count_interrupt(struct virtqueue *vq)
{
	to_bench(vq)->interrupts++;
	wake(to_bench(vq), &to_bench(vq)->interrupted);
}

static inline void close_bench(void *bench)
{
	struct virtqueue *vq = ((struct bench *)bench)->vq;

	while (virtqueue_detach_unused_buf(vq))
		;
	vring_del_virtqueue(vq);
}

static inline void set_features(struct kunit *test, struct virtio_device *vdev, u64 features)
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

static inline struct bench *open_bench(struct kunit *test, u64 features, unsigned int num)
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

static inline struct bench *open_layout(struct kunit *test, unsigned int num)
{
	const struct layout *layout = test->param_value;

	return open_bench(test, layout->features, num);
}

static inline unsigned int below(struct bench *bench, unsigned int limit)
{
	return prandom_u32_state(&bench->rnd) % limit;
}

/* ---- The driver's end ------------------------------------------------------ */

/* 0, or -ENOSPC if the ring is full */
static inline int add(struct bench *bench, unsigned int nr_out, unsigned int nr_in)
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

static inline int add_any(struct bench *bench)
{
	unsigned int parts = min_t(unsigned int, MAX_PARTS, bench->ring.num / 2);

	return add(bench, 1 + below(bench, parts), 1 + below(bench, parts));
}

static inline struct request *get(struct kunit *test, struct bench *bench)
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

static inline unsigned int get_all(struct kunit *test, struct bench *bench)
{
	unsigned int count = 0;

	while (get(test, bench))
		count++;
	return count;
}

/* ---- The device's end ------------------------------------------------------ */

static inline int pop(struct bench *bench, struct mock_chain *chain)
{
	return mock_ring_pop(&bench->ring, chain);
}

/* Fills what is for the device to write; the bytes written. */
static inline u32 carry_out(const struct mock_chain *chain)
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

static inline void push(struct bench *bench, const struct mock_chain *chain)
{
	mock_ring_push(&bench->ring, chain, carry_out(chain));
}

/* One interrupt if the driver wants one; whether it did. */
static inline bool interrupt(struct bench *bench)
{
	bool wanted = mock_ring_wants_interrupt(&bench->ring);

	if (wanted)
		vring_interrupt(0, bench->vq);
	return wanted;
}

/* Takes all there are, and gives them back in any order that is allowed. */
static inline unsigned int serve(struct kunit *test, struct bench *bench, struct mock_chain *chain)
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

static inline struct mock_chain *chains(struct kunit *test)
{
	struct mock_chain *chain;

	chain = kunit_kcalloc(test, MAX_NUM + 1, sizeof(*chain), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, chain);
	return chain;
}

static inline void carry_one(struct kunit *test, struct bench *bench)
{
	struct mock_chain chain;

	KUNIT_ASSERT_EQ(test, pop(bench, &chain), 1);
	push(bench, &chain);
}

static inline void add_some(struct kunit *test, struct bench *bench, unsigned int nr)
{
	while (nr--)
		KUNIT_ASSERT_EQ(test, add(bench, 1, 1), 0);
}

#endif /* _MOCK_RING_BENCH_H */
