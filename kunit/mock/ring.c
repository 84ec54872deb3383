// SPDX-License-Identifier: GPL-2.0
/*
 * The device's side of a virtqueue, split or packed.
 *
 * vringh, the kernel's own, can neither be made to misbehave, as by giving a
 * buffer back twice or under an ID that is none, nor does it know packed
 * rings. This follows the specification's chapters on split and packed
 * virtqueues and leaves all policy to its owner: which buffer goes back when,
 * and whether it was a proper one.
 *
 * Descriptors hold physical addresses of the kernel's linear mapping, as they
 * do without ACCESS_PLATFORM. The driver is not trusted: each descriptor is
 * read once, and nothing in it leads outside of memory or round in circles.
 *
 * Barriers are those of a driver with weak_barriers: both sides are CPUs.
 */
#include <linux/bitops.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "ring.h"

#define AVAIL	BIT(VRING_PACKED_DESC_F_AVAIL)
#define USED	BIT(VRING_PACKED_DESC_F_USED)
#define WRAP	BIT(VRING_PACKED_EVENT_F_WRAP_CTR)

/* A descriptor, split or packed, in this CPU's byte order */
struct descriptor {
	u64 addr;
	u32 len;
	u16 flags;
	u16 tag;	/* split: the next one; packed: ID of the buffer */
};

/* ---- What descriptors say ------------------------------------------------- */

static void *memory_at(u64 addr, u32 len)
{
	u64 last;

	if (!len || check_add_overflow(addr, len - 1ULL, &last))
		return NULL;
	if (!pfn_valid(PHYS_PFN(addr)) || !pfn_valid(PHYS_PFN(last)))
		return NULL;
	if (!virt_addr_valid(phys_to_virt(addr)) ||
	    !virt_addr_valid(phys_to_virt(last)))
		return NULL;
	return phys_to_virt(addr);
}

static int add_part(struct mock_chain *chain, const struct descriptor *desc)
{
	struct mock_part part = {
		.addr = memory_at(desc->addr, desc->len),
		.len = desc->len,
		.write = desc->flags & VRING_DESC_F_WRITE,
	};

	if (!part.addr || chain->nr == MOCK_RING_PARTS)
		return -EINVAL;
	if (!part.write && chain->nr && chain->part[chain->nr - 1].write)
		return -EINVAL;
	chain->part[chain->nr++] = part;
	return 0;
}

/* An indirect table and its entries in *@nr, or NULL; no matter if it has WRITE set. */
static void *indirect_table(const struct mock_ring *ring, struct mock_chain *chain,
			    const struct descriptor *desc, unsigned int *nr)
{
	BUILD_BUG_ON(sizeof(struct vring_desc) != sizeof(struct vring_packed_desc));

	if (!ring->indirect || desc->flags & VRING_DESC_F_NEXT ||
	    desc->len % sizeof(struct vring_desc))
		return NULL;
	chain->indirect = true;
	*nr = desc->len / sizeof(struct vring_desc);
	return memory_at(desc->addr, desc->len);
}

/* ---- Split ----------------------------------------------------------------- */

static u16 get16(const struct mock_ring *ring, const __virtio16 *at)
{
	return virtio16_to_cpu(ring->vq->vdev, READ_ONCE(*at));
}

static void put16(const struct mock_ring *ring, __virtio16 *at, u16 value)
{
	WRITE_ONCE(*at, cpu_to_virtio16(ring->vq->vdev, value));
}

static __virtio16 *used_event(const struct mock_ring *ring)
{
	return &((struct vring_avail *)ring->driver)->ring[ring->num];
}

static __virtio16 *avail_event(const struct mock_ring *ring)
{
	return (__virtio16 *)&((struct vring_used *)ring->device)->ring[ring->num];
}

static struct descriptor read_split(const struct mock_ring *ring, const struct vring_desc *at)
{
	struct virtio_device *vdev = ring->vq->vdev;

	return (struct descriptor) {
		.addr = virtio64_to_cpu(vdev, READ_ONCE(at->addr)),
		.len = virtio32_to_cpu(vdev, READ_ONCE(at->len)),
		.flags = virtio16_to_cpu(vdev, READ_ONCE(at->flags)),
		.tag = virtio16_to_cpu(vdev, READ_ONCE(at->next)),
	};
}

static int walk_split(const struct mock_ring *ring, struct mock_chain *chain,
		      const struct vring_desc *table, unsigned int nr, unsigned int i);

static int walk_indirect_split(const struct mock_ring *ring, struct mock_chain *chain,
			       const struct descriptor *desc)
{
	const struct vring_desc *table;
	unsigned int nr;

	table = indirect_table(ring, chain, desc, &nr);
	return table ? walk_split(ring, chain, table, nr, 0) : -EINVAL;
}

/* A chain may end with an indirect table, but tables do not nest. */
static int walk_split(const struct mock_ring *ring, struct mock_chain *chain,
		      const struct vring_desc *table, unsigned int nr, unsigned int i)
{
	struct descriptor desc;
	int err;

	do {
		if (i >= nr)
			return -EINVAL;
		desc = read_split(ring, &table[i]);
		if (!chain->indirect)
			chain->descs++;
		if (desc.flags & VRING_DESC_F_INDIRECT)
			return chain->indirect ? -EINVAL :
			       walk_indirect_split(ring, chain, &desc);
		err = add_part(chain, &desc);
		i = desc.tag;
	} while (!err && desc.flags & VRING_DESC_F_NEXT);
	return err;
}

static unsigned int available_split(const struct mock_ring *ring)
{
	struct vring_avail *avail = ring->driver;

	return (u16)(get16(ring, &avail->idx) - ring->last_avail);
}

static int pop_split(struct mock_ring *ring, struct mock_chain *chain)
{
	struct vring_avail *avail = ring->driver;
	unsigned int available = available_split(ring);
	int err;

	if (!available)
		return 0;
	if (available > ring->num)
		return -EINVAL;
	virt_rmb();	/* the index first, then what it stands for */
	chain->id = get16(ring, &avail->ring[ring->last_avail % ring->num]);
	err = walk_split(ring, chain, ring->desc, ring->num, chain->id);
	if (err)
		return err;
	ring->last_avail++;
	return 1;
}

static void push_split(struct mock_ring *ring, const struct mock_chain *chain, u32 len)
{
	struct virtio_device *vdev = ring->vq->vdev;
	struct vring_used *used = ring->device;
	struct vring_used_elem *elem = &used->ring[ring->next_used % ring->num];

	WRITE_ONCE(elem->id, cpu_to_virtio32(vdev, chain->id));
	WRITE_ONCE(elem->len, cpu_to_virtio32(vdev, len));
	virt_wmb();	/* the element first, then the index that shows it */
	put16(ring, &used->idx, ++ring->next_used);
	ring->fresh++;
}

static bool wants_interrupt_split(const struct mock_ring *ring)
{
	struct vring_avail *avail = ring->driver;

	if (!ring->event_idx)
		return !(get16(ring, &avail->flags) & VRING_AVAIL_F_NO_INTERRUPT);
	return vring_need_event(get16(ring, used_event(ring)), ring->next_used,
				ring->next_used - ring->fresh);
}

/*
 * With EVENT_IDX, flags stay 0 and silence is to ask for the entry that was
 * just passed: it is 65535 away.
 */
static void notify_me_split(struct mock_ring *ring, bool wanted)
{
	struct vring_used *used = ring->device;

	/* If not wanted: an index that no batch of the driver's comes by */
	if (ring->event_idx)
		put16(ring, avail_event(ring), ring->last_avail + (wanted ? 0 : S16_MAX + 1));
	else
		put16(ring, &used->flags, wanted ? 0 : VRING_USED_F_NO_NOTIFY);
}

/* ---- Packed ---------------------------------------------------------------- */

/* Moves on by @by, which is at most a round. */
static void advance(const struct mock_ring *ring, u16 *at, bool *wrap, unsigned int by)
{
	by += *at;
	if (by >= ring->num) {
		by -= ring->num;
		*wrap = !*wrap;
	}
	*at = by;
}

static bool is_available(u16 flags, bool wrap)
{
	return !!(flags & AVAIL) == wrap && !!(flags & USED) != wrap;
}

static struct descriptor read_packed(const struct vring_packed_desc *at)
{
	struct descriptor desc = { .flags = le16_to_cpu(READ_ONCE(at->flags)) };

	virt_rmb();	/* flags first, then what they stand for */
	desc.addr = le64_to_cpu(READ_ONCE(at->addr));
	desc.len = le32_to_cpu(READ_ONCE(at->len));
	desc.tag = le16_to_cpu(READ_ONCE(at->id));
	return desc;
}

/* All entries in order: of their flags only WRITE means something. */
static int walk_indirect_packed(const struct mock_ring *ring, struct mock_chain *chain,
				const struct descriptor *desc)
{
	const struct vring_packed_desc *table;
	struct descriptor entry;
	unsigned int nr, i;
	int err = 0;

	table = indirect_table(ring, chain, desc, &nr);
	if (!table)
		return -EINVAL;
	for (i = 0; !err && i < nr; i++) {
		entry = read_packed(&table[i]);
		err = add_part(chain, &entry);
	}
	return err;
}

/* The descriptor at *@at, which is moved on; false if it is not the device's. */
static bool next_packed(const struct mock_ring *ring, u16 *at, bool *wrap,
			struct descriptor *desc)
{
	const struct vring_packed_desc *table = ring->desc;

	*desc = read_packed(&table[*at]);
	if (!is_available(desc->flags, *wrap))
		return false;
	advance(ring, at, wrap, 1);
	return true;
}

/* @desc is the chain's first descriptor, @at behind it. The last one has the ID. */
static int walk_packed(const struct mock_ring *ring, struct mock_chain *chain,
		       struct descriptor *desc, u16 *at, bool *wrap)
{
	int err;

	for (chain->descs = 1; ; chain->descs++) {
		chain->id = desc->tag;
		if (desc->flags & VRING_DESC_F_INDIRECT)
			return walk_indirect_packed(ring, chain, desc);
		err = add_part(chain, desc);
		if (err || !(desc->flags & VRING_DESC_F_NEXT))
			return err;
		if (chain->descs == ring->num || !next_packed(ring, at, wrap, desc))
			return -EINVAL;
	}
}

static int pop_packed(struct mock_ring *ring, struct mock_chain *chain)
{
	u16 at = ring->last_avail;
	bool wrap = ring->avail_wrap;
	struct descriptor desc;
	int err;

	if (!next_packed(ring, &at, &wrap, &desc))
		return 0;
	err = walk_packed(ring, chain, &desc, &at, &wrap);
	if (err)
		return err;
	ring->last_avail = at;
	ring->avail_wrap = wrap;
	return 1;
}

/* A chain that does not end counts as well: popping it tells. */
static unsigned int available_packed(const struct mock_ring *ring)
{
	u16 at = ring->last_avail;
	bool wrap = ring->avail_wrap, begins = true;
	unsigned int i, chains = 0;
	struct descriptor desc;

	for (i = 0; i < ring->num && next_packed(ring, &at, &wrap, &desc); i++) {
		chains += begins;
		begins = !(desc.flags & VRING_DESC_F_NEXT);
	}
	return chains;
}

static void push_packed(struct mock_ring *ring, const struct mock_chain *chain, u32 len)
{
	struct vring_packed_desc *table = ring->desc;
	struct vring_packed_desc *desc = &table[ring->next_used];
	unsigned int descs = clamp_t(unsigned int, chain->descs, 1, ring->num);
	u16 flags = ring->used_wrap ? AVAIL | USED : 0;

	WRITE_ONCE(desc->id, cpu_to_le16(chain->id));
	WRITE_ONCE(desc->len, cpu_to_le32(len));
	virt_wmb();	/* all else first, then the flags that show it */
	WRITE_ONCE(desc->flags, cpu_to_le16(flags | (len ? VRING_DESC_F_WRITE : 0)));
	advance(ring, &ring->next_used, &ring->used_wrap, descs);
	ring->fresh += descs;
}

static bool wants_interrupt_packed(const struct mock_ring *ring)
{
	struct vring_packed_desc_event *driver = ring->driver;
	u16 flags = le16_to_cpu(READ_ONCE(driver->flags));
	u16 off_wrap, event;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC || !ring->event_idx)
		return flags != VRING_PACKED_EVENT_FLAG_DISABLE;
	virt_rmb();	/* the driver writes them the other way round */
	off_wrap = le16_to_cpu(READ_ONCE(driver->off_wrap));
	event = off_wrap & ~WRAP;
	if (!!(off_wrap & WRAP) != ring->used_wrap)
		event -= ring->num;
	return vring_need_event(event, ring->next_used, ring->next_used - ring->fresh);
}

static void notify_me_packed(struct mock_ring *ring, bool wanted)
{
	struct vring_packed_desc_event *device = ring->device;
	u16 flags = VRING_PACKED_EVENT_FLAG_DISABLE;

	if (wanted && ring->event_idx) {
		WRITE_ONCE(device->off_wrap, cpu_to_le16(ring->last_avail |
							 (ring->avail_wrap ? WRAP : 0)));
		virt_wmb();	/* where first, then that it counts */
		flags = VRING_PACKED_EVENT_FLAG_DESC;
	} else if (wanted) {
		flags = VRING_PACKED_EVENT_FLAG_ENABLE;
	}
	WRITE_ONCE(device->flags, cpu_to_le16(flags));
}

/* ---- Either ---------------------------------------------------------------- */

/**
 * mock_ring_init() - Begin with a fresh virtqueue
 * @ring: the device's side, overwritten
 * @vq: the driver's side, which vring_create_virtqueue() made and nobody has used
 * @features: what was negotiated, without ACCESS_PLATFORM
 *
 * Asks for notifications of everything: that is what zeroed rings do.
 *
 * Context: Any.
 */
void mock_ring_init(struct mock_ring *ring, struct virtqueue *vq, u64 features)
{
	*ring = (struct mock_ring) {
		.vq = vq,
		.num = virtqueue_get_vring_size(vq),
		.packed = features & BIT_ULL(VIRTIO_F_RING_PACKED),
		.event_idx = features & BIT_ULL(VIRTIO_RING_F_EVENT_IDX),
		.indirect = features & BIT_ULL(VIRTIO_RING_F_INDIRECT_DESC),
		.in_order = features & BIT_ULL(VIRTIO_F_IN_ORDER),
		.desc = phys_to_virt(virtqueue_get_desc_addr(vq)),
		.driver = phys_to_virt(virtqueue_get_avail_addr(vq)),
		.device = phys_to_virt(virtqueue_get_used_addr(vq)),
		.avail_wrap = true,
		.used_wrap = true,
	};
}

/**
 * mock_ring_pop() - Take the next chain that the driver has made available
 * @ring: the ring
 * @chain: where it goes
 *
 * Context: Any, under the owner's lock.
 *
 * Return: 1 and a chain; 0 if there is none; -EINVAL if the driver broke the
 * rules of rings, and it will again: nothing was taken.
 */
int mock_ring_pop(struct mock_ring *ring, struct mock_chain *chain)
{
	chain->nr = 0;
	chain->descs = 0;
	chain->indirect = false;
	return ring->packed ? pop_packed(ring, chain) : pop_split(ring, chain);
}

/**
 * mock_ring_available() - How many chains wait
 * @ring: the ring
 *
 * Context: Any, under the owner's lock.
 *
 * Return: Chains that are available and not popped. Not 0 if popping would
 * find a rule broken.
 */
unsigned int mock_ring_available(const struct mock_ring *ring)
{
	return ring->packed ? available_packed(ring) : available_split(ring);
}

/**
 * mock_ring_push() - Give a chain back
 * @ring: the ring
 * @chain: as popped; to misbehave, one that was pushed before or with another ID
 * @len: bytes written, as the driver is told
 *
 * Chains go back one by one in any order, with IN_ORDER in that in which they
 * became available.
 *
 * Context: Any, under the owner's lock.
 */
void mock_ring_push(struct mock_ring *ring, const struct mock_chain *chain, u32 len)
{
	if (ring->packed)
		push_packed(ring, chain, len);
	else
		push_split(ring, chain, len);
}

/**
 * mock_ring_wants_interrupt() - Whether to interrupt the driver
 * @ring: the ring
 *
 * Context: Any, under the owner's lock.
 *
 * Return: Whether the driver wants one for what was pushed since this was
 * asked last.
 */
bool mock_ring_wants_interrupt(struct mock_ring *ring)
{
	bool wants = ring->fresh;

	virt_mb();	/* show what is used first, then see who wants to know */
	/* more than fits: somebody misbehaves, and the arithmetic would as well */
	if (ring->fresh && ring->fresh <= ring->num)
		wants = ring->packed ? wants_interrupt_packed(ring) :
				       wants_interrupt_split(ring);
	ring->fresh = 0;
	return wants;
}

/**
 * mock_ring_notify_me() - Ask for notifications, or not to be notified
 * @ring: the ring
 * @wanted: of chains that follow the last one popped
 *
 * After asking for them, look once more: mock_ring_available(). Who does not
 * want any should say so again after having popped some.
 *
 * Context: Any, under the owner's lock.
 */
void mock_ring_notify_me(struct mock_ring *ring, bool wanted)
{
	if (ring->packed)
		notify_me_packed(ring, wanted);
	else
		notify_me_split(ring, wanted);
	virt_mb();	/* ask first, then look: the driver does it crosswise */
}
