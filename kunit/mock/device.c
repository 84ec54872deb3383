// SPDX-License-Identifier: GPL-2.0
/*
 * The device's life: on the virtio bus, its registers, and its end.
 *
 * A struct mock is the test's and the virtio device's; domains of a driver
 * may keep the latter for longer than the test lasts.
 */
#include <linux/cpumask.h>
#include <linux/irq_work.h>
#include <linux/kthread.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>
#include <linux/virtio_ring.h>

#include <uapi/linux/virtio_mmio.h>

#include "internal.h"

/* Register blocks are somewhere above memory. */
#define MOCK_BLOCKS	0x7000000000ULL

static struct mock *to_mock(struct virtio_device *vdev)
{
	return container_of(vdev, struct mock, vdev);
}

/* ---- Registers ----------------------------------------------------------------- */

static void mock_config_get(struct virtio_device *vdev, unsigned int offset, void *buf,
			    unsigned int len)
{
	struct mock *mock = to_mock(vdev);
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	if (mock_require(mock, MOCK_OTHER_RULES,
			 offset + len <= mock->profile.config_size && len <= MOCK_MAX_CONFIG,
			 "reads config space at %u, %u bytes", offset, len))
		memcpy(buf, mock->config + offset, len);
	else
		memset(buf, 0xff, len);
	spin_unlock_irqrestore(&mock->lock, irq);
}

static void mock_config_set(struct virtio_device *vdev, unsigned int offset, const void *buf,
			    unsigned int len)
{
	const unsigned int bypass = offsetof(struct virtio_iommu_config, bypass);
	struct mock *mock = to_mock(vdev);
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock_judge_config_write(mock, offset, buf, len);
	if (offset == bypass && len == 1 && mock->profile.config_size > bypass) {
		mock->config[bypass] = *(const u8 *)buf;
		mock->bypass_written = true;
	}
	spin_unlock_irqrestore(&mock->lock, irq);
}

static u8 mock_get_status(struct virtio_device *vdev)
{
	return READ_ONCE(to_mock(vdev)->status);
}

static void mock_set_status(struct virtio_device *vdev, u8 status)
{
	struct mock *mock = to_mock(vdev);
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock_judge_status(mock, status);
	if (status & ~mock->status & VIRTIO_CONFIG_S_FEATURES_OK)
		mock_judge_features(mock);
	mock->status = status;
	if (status & VIRTIO_CONFIG_S_DRIVER_OK && mock->ring[MOCK_REQUESTS].vq && !mock->running) {
		mock->running = true;
		mock_event_early(mock);
	}
	spin_unlock_irqrestore(&mock->lock, irq);
}

static void mock_reset(struct virtio_device *vdev)
{
	struct mock *mock = to_mock(vdev);
	struct mock_ep *ep;
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock->status = 0;
	mock->running = false;
	mock_drop_answers(mock);
	if (!mock_has_quirk(mock, MOCK_Q_SURVIVES_RESET))
		mock_forget_all(mock);
	list_for_each_entry(ep, &mock->endpoints, link)
		ep->probed = false;
	spin_unlock_irqrestore(&mock->lock, irq);
}

static u64 mock_get_features(struct virtio_device *vdev)
{
	return to_mock(vdev)->profile.features;
}

static int mock_finalize_features(struct virtio_device *vdev)
{
	vring_transport_features(vdev);
	return 0;
}

/* ---- Virtqueues ------------------------------------------------------------------ */

static bool mock_notify_requests(struct virtqueue *vq)
{
	mock_notified(to_mock(vq->vdev));
	return true;
}

static bool mock_notify_events(struct virtqueue *vq)
{
	struct mock *mock = to_mock(vq->vdev);
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock->event_notifications++;
	mock_event_early(mock);
	spin_unlock_irqrestore(&mock->lock, irq);
	return true;
}

static void mock_del_vqs(struct virtio_device *vdev)
{
	struct mock *mock = to_mock(vdev);
	struct virtqueue *vq, *next;
	unsigned long irq;
	unsigned int i;

	spin_lock_irqsave(&mock->lock, irq);
	mock->running = false;
	for (i = 0; i < MOCK_NR_QUEUES; i++)
		mock->ring[i].vq = NULL;
	spin_unlock_irqrestore(&mock->lock, irq);

	for (i = 0; i < MOCK_NR_QUEUES; i++)
		irq_work_sync(&mock->interrupt[i]);
	list_for_each_entry_safe(vq, next, &vdev->vqs, list)
		vring_del_virtqueue(vq);
}

static struct virtqueue *mock_new_vq(struct mock *mock, unsigned int i,
				     const struct virtqueue_info *info)
{
	bool (*notify)(struct virtqueue *vq) =
		i == MOCK_REQUESTS ? mock_notify_requests : mock_notify_events;

	return vring_create_virtqueue(i, mock->profile.ring, SMP_CACHE_BYTES, &mock->vdev, true,
				      false, info->ctx, notify, info->callback, info->name);
}

static int mock_find_vqs(struct virtio_device *vdev, unsigned int nr, struct virtqueue *vqs[],
			 struct virtqueue_info infos[], struct irq_affinity *affinity)
{
	struct mock *mock = to_mock(vdev);
	unsigned int i;

	if (nr > MOCK_NR_QUEUES)
		return -ENOENT;
	for (i = 0; i < nr; i++) {
		vqs[i] = mock_new_vq(mock, i, &infos[i]);
		if (!vqs[i]) {
			mock_del_vqs(vdev);
			return -ENOMEM;
		}
		mock_ring_init(&mock->ring[i], vqs[i], vdev->features);
	}
	return 0;
}

static void mock_synchronize_cbs(struct virtio_device *vdev)
{
	unsigned int i;

	for (i = 0; i < MOCK_NR_INTERRUPTS; i++)
		irq_work_sync(&to_mock(vdev)->interrupt[i]);
}

static const char *mock_bus_name(struct virtio_device *vdev)
{
	return dev_name(vdev->dev.parent);
}

static const struct virtio_config_ops mock_config_ops = {
	.get			= mock_config_get,
	.set			= mock_config_set,
	.get_status		= mock_get_status,
	.set_status		= mock_set_status,
	.reset			= mock_reset,
	.find_vqs		= mock_find_vqs,
	.del_vqs		= mock_del_vqs,
	.synchronize_cbs	= mock_synchronize_cbs,
	.get_features		= mock_get_features,
	.finalize_features	= mock_finalize_features,
	.bus_name		= mock_bus_name,
};

/* ---- Interrupts -------------------------------------------------------------------- */

static void mock_interrupt_requests(struct irq_work *work)
{
	struct mock *mock = container_of(work, struct mock, interrupt[MOCK_REQUESTS]);
	struct virtqueue *vq = READ_ONCE(mock->ring[MOCK_REQUESTS].vq);

	if (vq)
		vring_interrupt(0, vq);
}

static void mock_interrupt_events(struct irq_work *work)
{
	struct mock *mock = container_of(work, struct mock, interrupt[MOCK_EVENTS]);
	struct virtqueue *vq = READ_ONCE(mock->ring[MOCK_EVENTS].vq);

	if (vq)
		vring_interrupt(0, vq);
}

static void mock_interrupt_config(struct irq_work *work)
{
	virtio_config_changed(&container_of(work, struct mock, interrupt[MOCK_CONFIG])->vdev);
}

void mock_config_changed(struct mock *mock)
{
	mock_interrupt(mock, MOCK_CONFIG);
	irq_work_sync(&mock->interrupt[MOCK_CONFIG]);
}

/* mock_needs_reset_locked() - as mock_needs_reset(), the device's lock held */
void mock_needs_reset_locked(struct mock *mock)
{
	mock->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	mock_interrupt(mock, MOCK_CONFIG);
}

void mock_needs_reset(struct mock *mock)
{
	unsigned long irq;

	spin_lock_irqsave(&mock->lock, irq);
	mock_needs_reset_locked(mock);
	spin_unlock_irqrestore(&mock->lock, irq);
	irq_work_sync(&mock->interrupt[MOCK_CONFIG]);
}

/* ---- Birth --------------------------------------------------------------------------- */

static void mock_fill_config(struct mock *mock)
{
	struct virtio_iommu_config *config = (void *)mock->config;
	const struct mock_profile *profile = &mock->profile;

	config->page_size_mask = cpu_to_le64(profile->page_size_mask);
	config->input_range.start = cpu_to_le64(profile->input_start);
	config->input_range.end = cpu_to_le64(profile->input_last);
	config->domain_range.start = cpu_to_le32(profile->domain_first);
	config->domain_range.end = cpu_to_le32(profile->domain_last);
	config->probe_size = cpu_to_le32(profile->probe_size);
	config->bypass = profile->bypass;
	if (profile->config)
		memcpy(mock->config + profile->config_at, profile->config,
		       min_t(size_t, profile->config_len, MOCK_MAX_CONFIG - profile->config_at));
}

static void mock_init(struct mock *mock, struct kunit *test, const struct mock_profile *profile)
{
	kref_init(&mock->ref);
	spin_lock_init(&mock->lock);
	init_waitqueue_head(&mock->wake);
	INIT_LIST_HEAD(&mock->devices);
	INIT_LIST_HEAD(&mock->delayed);
	INIT_LIST_HEAD(&mock->held);
	INIT_LIST_HEAD(&mock->turned);
	INIT_LIST_HEAD(&mock->domains);
	INIT_LIST_HEAD(&mock->endpoints);
	init_irq_work(&mock->interrupt[MOCK_REQUESTS], mock_interrupt_requests);
	init_irq_work(&mock->interrupt[MOCK_EVENTS], mock_interrupt_events);
	init_irq_work(&mock->interrupt[MOCK_CONFIG], mock_interrupt_config);
	mock->test = test;
	mock->vdev.config = &mock_config_ops;
	mock->fatal = true;
	mock->profile = *profile;
	mock->profile.ring = profile->ring ?: 256;
	mock->profile.config_size = profile->config_size ?: sizeof(struct virtio_iommu_config);
	mock_fill_config(mock);
}

static void mock_free(struct kref *ref)
{
	struct mock *mock = container_of(ref, struct mock, ref);
	struct mock_ep *ep, *next;

	/* Not before: the parent, which a domain may hold, looks at it when it goes */
	if (!IS_ERR_OR_NULL(mock->fwnode))
		fwnode_remove_software_node(mock->fwnode);
	mock_drop_answers(mock);
	mock_forget_all(mock);
	list_for_each_entry_safe(ep, next, &mock->endpoints, link)
		kfree(ep);
	kvfree(mock->records);
	kfree(mock);
}

static void mock_release_vdev(struct device *dev)
{
	kref_put(&to_mock(dev_to_virtio(dev))->ref, mock_free);
}

static void mock_stop_threads(struct mock *mock)
{
	unsigned int i;

	for (i = 0; i < MOCK_MAX_THREADS; i++) {
		if (!IS_ERR_OR_NULL(mock->thread[i]))
			kthread_stop(mock->thread[i]);
		mock->thread[i] = NULL;
	}
}

static int mock_start_threads(struct mock *mock)
{
	unsigned int cpu;

	for_each_online_cpu(cpu) {
		if (cpu >= MOCK_MAX_THREADS)
			break;
		mock->thread[cpu] = kthread_create(mock_thread, mock, "viommu-mock/%u", cpu);
		if (IS_ERR(mock->thread[cpu]))
			return PTR_ERR(mock->thread[cpu]);
		kthread_bind(mock->thread[cpu], cpu);
		wake_up_process(mock->thread[cpu]);
	}
	return 0;
}

static void mock_end(void *data)
{
	struct mock *mock = data;
	const bool bound = mock_bound(mock);

	mock_remove_devices(mock);
	if (mock->fatal && bound)
		KUNIT_EXPECT_EQ_MSG(mock->test, mock_nr_mappings(mock), 0,
				    "mappings were left on the device");
	mock_unregister(mock);
	mock_check_end(mock);
	mock_stop_threads(mock);
	kref_put(&mock->ref, mock_free);
}

static int mock_alloc(struct mock *mock)
{
	mock->records = kvcalloc(MOCK_RECORDS, sizeof(*mock->records), GFP_KERNEL);
	if (!mock->records)
		return -ENOMEM;
	return mock_start_threads(mock);
}

struct mock *mock_create(struct kunit *test, const struct mock_profile *profile)
{
	struct mock *mock = kzalloc(sizeof(*mock), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, mock);
	mock_init(mock, test, profile);
	if (mock_alloc(mock)) {
		mock_stop_threads(mock);
		kref_put(&mock->ref, mock_free);
		KUNIT_FAIL_AND_ABORT(test, "no memory for a device");
	}
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, mock_end, mock), 0);
	return mock;
}

/*
 * What is behind a virtio-mmio device: the length of its register block tells
 * how long config space is. Nothing is at that address, nor is it accessed.
 */
static struct resource mock_block(const struct mock *mock)
{
	static atomic_t made;
	const u64 start = MOCK_BLOCKS + (u64)atomic_inc_return(&made) * SZ_4K;

	return DEFINE_RES_MEM(start, VIRTIO_MMIO_CONFIG + mock->profile.config_size);
}

static void mock_make_parent(struct mock *mock)
{
	const struct resource block = mock_block(mock);
	struct platform_device_info info = {
		.name = "viommu-mock", .id = PLATFORM_DEVID_AUTO, .res = &block, .num_res = 1,
	};

	if (!mock_has_quirk(mock, MOCK_Q_NO_FWNODE)) {
		mock->fwnode = fwnode_create_software_node(NULL, NULL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(mock->test, mock->fwnode);
		info.fwnode = mock->fwnode;
	}
	mock->parent = platform_device_register_full(&info);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(mock->test, mock->parent);
}

void mock_register_at(struct mock *mock, struct device *parent)
{
	int err;

	mock->vdev.id.device = VIRTIO_ID_IOMMU;
	mock->vdev.id.vendor = VIRTIO_DEV_ANY_ID;
	mock->vdev.dev.parent = parent;
	mock->vdev.dev.release = mock_release_vdev;
	kref_get(&mock->ref);
	err = register_virtio_device(&mock->vdev);
	if (err)
		put_device(&mock->vdev.dev);
	mock->registered = !err;
	KUNIT_ASSERT_EQ(mock->test, err, 0);
}

void mock_register(struct mock *mock)
{
	mock_make_parent(mock);
	mock_register_at(mock, &mock->parent->dev);
}

struct mock *mock_start(struct kunit *test, const struct mock_profile *profile)
{
	struct mock *mock = mock_create(test, profile);

	mock_register(mock);
	KUNIT_ASSERT_TRUE_MSG(test, mock_bound(mock), "no driver took the device");
	return mock;
}

struct mock *mock_start_features(struct kunit *test, const struct mock_profile *profile,
				 u64 with, u64 without)
{
	struct mock_profile other = *profile;

	other.features = (profile->features | with) & ~without;
	return mock_start(test, &other);
}

/* ---- Death ----------------------------------------------------------------------------- */

void mock_unregister(struct mock *mock)
{
	mock_remove_devices(mock);
	if (mock->registered) {
		mock->registered = false;
		unregister_virtio_device(&mock->vdev);
		mock_synchronize_cbs(&mock->vdev);
	}
	if (!IS_ERR_OR_NULL(mock->parent))
		platform_device_unregister(mock->parent);
	mock->parent = NULL;
}

void mock_unbind(struct mock *mock)
{
	device_release_driver(&mock->vdev.dev);
}

int mock_bind(struct mock *mock)
{
	int bound = device_attach(&mock->vdev.dev);

	return bound > 0 ? 0 : bound ?: -ENODEV;
}

/* ---- What tests ask ---------------------------------------------------------------------- */

bool mock_bound(struct mock *mock)
{
	return mock->registered && device_is_bound(&mock->vdev.dev);
}

bool mock_negotiated(struct mock *mock, unsigned int feature)
{
	return mock->vdev.features & BIT_ULL(feature);
}

struct virtio_device *mock_virtio(struct mock *mock)
{
	return &mock->vdev;
}

struct fwnode_handle *mock_fwnode(struct mock *mock)
{
	return mock->fwnode;
}

const struct mock_profile *mock_profile(struct mock *mock)
{
	return &mock->profile;
}

u8 mock_config_bypass(struct mock *mock)
{
	return READ_ONCE(mock->config[offsetof(struct virtio_iommu_config, bypass)]);
}
