/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device's side of a virtqueue, split or packed: takes what the driver
 * has made available, gives it back.
 */
#ifndef _MOCK_RING_H
#define _MOCK_RING_H

#include <linux/types.h>
#include <linux/virtio.h>

/* More buffers than this in one chain, and the ring is taken to be broken */
#define MOCK_RING_PARTS	16

/**
 * struct mock_part - one buffer of a chain
 * @addr: where it is
 * @len: bytes, never 0
 * @write: for the device to write
 */
struct mock_part {
	void *addr;
	u32 len;
	bool write;
};

/**
 * struct mock_chain - what the driver has made available in one go
 * @id: how to give it back
 * @descs: descriptors of the ring it takes (a packed ring needs to know)
 * @indirect: it came as an indirect table
 * @nr: how many parts
 * @part: in order, readable ones first
 */
struct mock_chain {
	u16 id;
	u16 descs;
	bool indirect;
	unsigned int nr;
	struct mock_part part[MOCK_RING_PARTS];
};

/**
 * struct mock_ring - the device's side of one virtqueue
 * @vq: the driver's side
 * @num: descriptors
 * @packed: RING_PACKED was negotiated
 * @event_idx: EVENT_IDX was
 * @indirect: INDIRECT_DESC was
 * @in_order: IN_ORDER was; it is for the owner to keep to it
 * @desc: split: vring_desc[]; packed: vring_packed_desc[]
 * @driver: split: available ring; packed: driver event suppression
 * @device: split: used ring; packed: device event suppression
 * @last_avail: what is popped next; split: counts on, packed: below @num
 * @avail_wrap: packed: wrap counter that goes with it
 * @next_used: where is pushed next, likewise
 * @used_wrap: packed: wrap counter that goes with it
 * @fresh: by how much @next_used has moved since an interrupt was decided on
 *
 * All of it under a lock of the owner's.
 */
struct mock_ring {
	struct virtqueue *vq;
	unsigned int num;
	bool packed;
	bool event_idx;
	bool indirect;
	bool in_order;
	void *desc;
	void *driver;
	void *device;
	u16 last_avail;
	bool avail_wrap;
	u16 next_used;
	bool used_wrap;
	unsigned int fresh;
};

void mock_ring_init(struct mock_ring *ring, struct virtqueue *vq, u64 features);
int mock_ring_pop(struct mock_ring *ring, struct mock_chain *chain);
unsigned int mock_ring_available(const struct mock_ring *ring);
void mock_ring_push(struct mock_ring *ring, const struct mock_chain *chain, u32 len);
bool mock_ring_wants_interrupt(struct mock_ring *ring);
void mock_ring_notify_me(struct mock_ring *ring, bool wanted);

#endif /* _MOCK_RING_H */
