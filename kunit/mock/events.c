// SPDX-License-Identifier: GPL-2.0
/*
 * The event queue: faults, true and forged.
 */
#include <linux/string.h>

#include "internal.h"

/* R41: every buffer is for the device to write, and holds a fault */
static bool mock_judge_buffer(struct mock *mock, const struct mock_chain *chain)
{
	u32 room = 0;
	unsigned int i;
	bool writable = true;

	for (i = 0; i < chain->nr; i++) {
		writable &= chain->part[i].write;
		room += chain->part[i].len;
	}
	return mock_require(mock, 41, writable && room >= sizeof(struct virtio_iommu_fault),
			    "an event buffer of %u bytes%s", room,
			    writable ? "" : ", some of them read-only");
}

static void mock_write_event(const struct mock_chain *chain, const u8 *event, size_t len)
{
	unsigned int i;

	for (i = 0; i < chain->nr && len; i++) {
		size_t piece = min_t(size_t, len, chain->part[i].len);

		memcpy(chain->part[i].addr, event, piece);
		event += piece;
		len -= piece;
	}
}

/* mock_event_locked() - as mock_event(), the device's lock held */
int mock_event_locked(struct mock *mock, const void *event, size_t len)
{
	struct mock_ring *ring = &mock->ring[MOCK_EVENTS];
	struct mock_chain chain;

	if (!mock->running || !ring->vq || mock_ring_pop(ring, &chain) != 1)
		return -EAGAIN;
	if (mock_judge_buffer(mock, &chain))
		mock_write_event(&chain, event, len);
	mock_ring_push(ring, &chain, len);
	if (mock_ring_wants_interrupt(ring))
		mock_interrupt(mock, MOCK_EVENTS);
	return 0;
}

int mock_event(struct mock *mock, const void *event, size_t len)
{
	unsigned long irq;
	int err;

	spin_lock_irqsave(&mock->lock, irq);
	err = mock_event_locked(mock, event, len);
	spin_unlock_irqrestore(&mock->lock, irq);
	return err;
}

static struct virtio_iommu_fault mock_fault_bytes(u8 reason, u32 flags, u32 endpoint, u64 address)
{
	return (struct virtio_iommu_fault) {
		.reason = reason,
		.flags = cpu_to_le32(flags),
		.endpoint = cpu_to_le32(endpoint),
		.address = cpu_to_le64(address),
	};
}

int mock_fault(struct mock *mock, u8 reason, u32 flags, u32 endpoint, u64 address)
{
	const struct virtio_iommu_fault fault = mock_fault_bytes(reason, flags, endpoint, address);

	return mock_event(mock, &fault, sizeof(fault));
}

/* mock_refused() - reports DMA that was refused; the device's lock is held */
void mock_refused(struct mock *mock, u32 endpoint, u64 iova, u32 flags)
{
	u32 said = VIRTIO_IOMMU_FAULT_F_ADDRESS;
	struct virtio_iommu_fault fault;

	if (mock_has_quirk(mock, MOCK_Q_NO_FAULTS))
		return;
	if (!mock_has_quirk(mock, MOCK_Q_FLAGLESS_FAULT))
		said |= flags & VIRTIO_IOMMU_MAP_F_WRITE ? VIRTIO_IOMMU_FAULT_F_WRITE :
							   VIRTIO_IOMMU_FAULT_F_READ;
	fault = mock_fault_bytes(VIRTIO_IOMMU_FAULT_R_MAPPING, said, endpoint, iova);
	mock_event_locked(mock, &fault, sizeof(fault));
}

unsigned int mock_event_buffers(struct mock *mock)
{
	unsigned int nr = 0;
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	if (mock->ring[MOCK_EVENTS].vq)
		nr = mock_ring_available(&mock->ring[MOCK_EVENTS]);
	spin_unlock_irqrestore(&mock->lock, irq);
	return nr;
}

unsigned int mock_event_notifications(struct mock *mock)
{
	return READ_ONCE(mock->event_notifications);
}

void mock_early_fault(struct mock *mock, u32 endpoint, u64 address)
{
	mock->early_fault = true;
	mock->early_endpoint = endpoint;
	mock->early_address = address;
}

/* mock_event_early() - raises that fault, once the driver has given a buffer */
void mock_event_early(struct mock *mock)
{
	const struct virtio_iommu_fault fault =
		mock_fault_bytes(VIRTIO_IOMMU_FAULT_R_MAPPING,
				 VIRTIO_IOMMU_FAULT_F_READ | VIRTIO_IOMMU_FAULT_F_ADDRESS,
				 mock->early_endpoint, mock->early_address);

	if (mock->early_fault && !mock_event_locked(mock, &fault, sizeof(fault)))
		mock->early_fault = false;
}
