// SPDX-License-Identifier: GPL-2.0
/*
 * The event queue: faults, from the device's buffers to the log and to drivers.
 *
 * Buffers go to the device when the driver starts and each goes back as soon
 * as it has been read, whatever it held. Reading happens in a work item, for
 * it names the endpoint's device under viommu->lock; a storm keeps the work
 * item busy a ring at a time, and the log quiet but for a few lines a device.
 */
#include <linux/device.h>
#include <linux/iommu.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>

#include "viommu.h"

/* Faults that can wait to be read; beyond that the device drops them. */
#define VIOMMU_MAX_EVENTS	64u

static int viommu_events_give(struct viommu_events *events, struct virtio_iommu_fault *buffer)
{
	struct scatterlist sg;

	sg_init_one(&sg, buffer, sizeof(*buffer));
	return virtqueue_add_inbuf(events->vq, &sg, 1, buffer, GFP_KERNEL);
}

static void viommu_log_fault(struct viommu *viommu, struct viommu_master *master,
			     const struct viommu_fault *fault, const struct viommu_domain *vdom)
{
	const char *access = fault->flags & VIRTIO_IOMMU_FAULT_F_WRITE ? "write to" :
			     fault->flags & VIRTIO_IOMMU_FAULT_F_READ ? "read from" : "access to";
	char address[2 + 16 + 1] = "an unknown address";
	char domain[sizeof("domain 4294967295")] = "no domain";

	if (!__ratelimit(&master->faults))
		return;
	if (fault->flags & VIRTIO_IOMMU_FAULT_F_ADDRESS)
		snprintf(address, sizeof(address), "0x%llx", fault->address);
	if (vdom)
		snprintf(domain, sizeof(domain), "domain %u", vdom->id);
	dev_err(master->dev, "DMA fault: %s %s, %s (%s, endpoint 0x%x, IOMMU %s)\n",
		access, address, viommu_fault_reason(fault), domain, fault->endpoint,
		dev_name(viommu->dev));
}

/* A driver that asked to be told is told; only paging domains have such. */
static void viommu_report_fault(struct viommu_master *master, struct viommu_domain *vdom,
				const struct viommu_fault *fault)
{
	if (!vdom || !(vdom->domain.type & __IOMMU_DOMAIN_PAGING))
		return;
	report_iommu_fault(&vdom->domain, master->dev, fault->address,
			   fault->flags & VIRTIO_IOMMU_FAULT_F_WRITE ? IOMMU_FAULT_WRITE :
								       IOMMU_FAULT_READ);
}

static void viommu_handle_event(struct viommu *viommu, const void *event, unsigned int len)
{
	struct viommu_endpoint *ep;
	struct viommu_fault fault;

	if (viommu_decode_fault(event, len, &fault)) {
		viommu->events.ignored++;
		dev_warn_ratelimited(viommu->dev, "ignored an event of %u bytes\n", len);
		return;
	}

	mutex_lock(&viommu->lock);
	ep = xa_load(&viommu->endpoints, fault.endpoint);
	if (ep && ep->master) {
		viommu_log_fault(viommu, ep->master, &fault, ep->domain);
		viommu_report_fault(ep->master, ep->domain, &fault);
	} else {
		viommu->events.ignored++;
		dev_err_ratelimited(viommu->dev, "DMA fault of unknown endpoint 0x%x at 0x%llx\n",
				    fault.endpoint, fault.address);
	}
	mutex_unlock(&viommu->lock);
}

static void viommu_events_work(struct work_struct *work)
{
	struct viommu_events *events = container_of(work, struct viommu_events, work);
	struct viommu *viommu = container_of(events, struct viommu, events);
	struct virtio_iommu_fault *buffer;
	unsigned int len, i;

	for (i = 0; i < events->nr; i++) {
		if (!READ_ONCE(events->running))
			return;
		buffer = virtqueue_get_buf(events->vq, &len);
		if (!buffer)
			break;
		viommu_handle_event(viommu, buffer, len);
		if (viommu_events_give(events, buffer))
			dev_warn_once(viommu->dev, "an event buffer is lost\n");
	}
	virtqueue_kick(events->vq);

	/* A full ring's worth, or an event that came in between: let others run */
	if (i == events->nr || !virtqueue_enable_cb(events->vq))
		schedule_work(&events->work);
}

/**
 * viommu_events_callback() - The device has used event buffers
 * @vq: the event queue
 *
 * Context: Interrupt; may come before viommu_events_start().
 */
void viommu_events_callback(struct virtqueue *vq)
{
	struct viommu *viommu = vq->vdev->priv;

	if (!READ_ONCE(viommu->events.running))
		return;
	virtqueue_disable_cb(vq);
	schedule_work(&viommu->events.work);
}

/**
 * viommu_events_init() - Set the event queue up
 * @viommu: the IOMMU
 * @vq: the ring
 *
 * Context: Process.
 * Return: 0 or -ENOMEM.
 */
int viommu_events_init(struct viommu *viommu, struct virtqueue *vq)
{
	struct viommu_events *events = &viommu->events;

	INIT_WORK(&events->work, viommu_events_work);
	events->vq = vq;
	events->nr = min(virtqueue_get_vring_size(vq), VIOMMU_MAX_EVENTS);
	events->buffers = kcalloc(events->nr, sizeof(*events->buffers), GFP_KERNEL);
	return events->buffers ? 0 : -ENOMEM;
}

/**
 * viommu_events_start() - Give the device all buffers
 * @viommu: the IOMMU, its device ready
 *
 * Context: Process.
 */
void viommu_events_start(struct viommu *viommu)
{
	struct viommu_events *events = &viommu->events;
	unsigned int i;

	for (i = 0; i < events->nr; i++) {
		if (viommu_events_give(events, &events->buffers[i]))
			break;
	}
	if (i < events->nr)
		dev_warn(viommu->dev, "only %u of %u event buffers fit\n", i, events->nr);
	WRITE_ONCE(events->running, true);
	/* Notifies the device, and reads what came before "running" */
	schedule_work(&events->work);
}

/**
 * viommu_events_stop() - Read no more events
 * @viommu: the IOMMU, its device reset
 *
 * Context: Process; sleeps.
 */
void viommu_events_stop(struct viommu *viommu)
{
	WRITE_ONCE(viommu->events.running, false);
	virtio_synchronize_cbs(viommu->vdev);
	cancel_work_sync(&viommu->events.work);
}

/**
 * viommu_events_free() - Free the buffers
 * @viommu: the IOMMU
 *
 * Context: Process.
 */
void viommu_events_free(struct viommu *viommu)
{
	kfree(viommu->events.buffers);
}
