// SPDX-License-Identifier: GPL-2.0
/*
 * The event queue: what the driver makes of faults, true and forged, and that
 * the device has all its buffers back whatever it wrote into them.
 */
#include <kunit/test.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/iommu.h>
#include <linux/kmsg_dump.h>
#include <linux/kthread.h>
#include <linux/string.h>
#include <linux/virtio.h>

#include "core.h"
#include "mock/mock.h"

#define EP		1
#define EP_OTHER	2
#define EP_GOES		3
#define EP_NOBODY	0xdead

#define ADDRESS		0xabcd0123ULL
#define FLOOD		10000u

/* How long the driver may take to read what it was sent */
#define PATIENCE_MS	10000

#define F_READ		VIRTIO_IOMMU_FAULT_F_READ
#define F_WRITE		VIRTIO_IOMMU_FAULT_F_WRITE
#define F_ADDRESS	VIRTIO_IOMMU_FAULT_F_ADDRESS
#define R_MAPPING	VIRTIO_IOMMU_FAULT_R_MAPPING

/* ---- A device, an endpoint, and a driver that wants to hear of faults ------- */

/**
 * struct world - who raises faults, and who hears of them
 * @test: the case
 * @mock: the device
 * @dev: the endpoint
 * @domain: what it is attached to
 * @buffers: how many event buffers the device has when none is in use
 * @heard: how many faults the endpoint's driver was told of
 * @address: where the last of them was
 * @flags: IOMMU_FAULT_* of it
 * @who: whose it was
 * @log: where the log was when the world began
 */
struct world {
	struct kunit *test;
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;
	unsigned int buffers;
	atomic_t heard;
	u64 address;
	int flags;
	struct device *who;
	struct kmsg_dump_iter log;
};

static int hear(struct iommu_domain *domain, struct device *dev, unsigned long iova, int flags,
		void *data)
{
	struct world *w = data;

	w->address = iova;
	w->flags = flags;
	w->who = dev;
	atomic_inc(&w->heard);
	return 0;
}

/* Lines of the log since the world began that have both texts in them */
static unsigned int log_lines(struct world *w, const char *one, const char *other)
{
	struct kmsg_dump_iter iter = w->log;
	unsigned int lines = 0;
	char line[256];
	size_t len;

	kmsg_dump_rewind(&iter);
	iter.cur_seq = max(iter.cur_seq, w->log.next_seq);
	while (kmsg_dump_get_line(&iter, false, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		lines += strstr(line, one) && strstr(line, other);
	}
	return lines;
}

static void attach(struct world *w)
{
	w->domain = core_domain(w->test, w->dev);
	iommu_set_fault_handler(w->domain, hear, w);
	KUNIT_ASSERT_EQ(w->test, core_attach(w->test, w->domain, w->dev), 0);
}

static struct world *begin_with(struct kunit *test, struct mock *mock)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	kmsg_dump_rewind(&w->log);
	w->test = test;
	w->mock = mock;
	w->buffers = mock_event_buffers(mock);
	w->dev = mock_endpoint(mock, EP);
	KUNIT_ASSERT_GE(test, w->buffers, 16);
	attach(w);
	return w;
}

static struct world *begin(struct kunit *test)
{
	return begin_with(test, mock_start(test, mock_strict));
}

/* The driver has read everything: a buffer is given back when it has been. */
static void expect_buffers(struct kunit *test, struct mock *mock, unsigned int nr)
{
	const ktime_t end = ktime_add_ms(ktime_get(), PATIENCE_MS);

	while (mock_event_buffers(mock) < nr && ktime_before(ktime_get(), end))
		usleep_range(1000, 2000);
	KUNIT_EXPECT_EQ(test, mock_event_buffers(mock), nr);
}

static void expect_read(struct world *w)
{
	expect_buffers(w->test, w->mock, w->buffers);
}

static struct virtio_iommu_fault fault_of(u32 endpoint)
{
	return (struct virtio_iommu_fault) {
		.reason = R_MAPPING,
		.flags = cpu_to_le32(F_WRITE | F_ADDRESS),
		.endpoint = cpu_to_le32(endpoint),
		.address = cpu_to_le64(ADDRESS),
	};
}

/* One event; whether the endpoint's driver heard of it */
static bool is_heard(struct world *w, const struct virtio_iommu_fault *fault, size_t len)
{
	const int before = atomic_read(&w->heard);

	KUNIT_EXPECT_EQ(w->test, mock_event(w->mock, fault, len), 0);
	expect_read(w);
	return atomic_read(&w->heard) == before + 1;
}

/* ---- True faults ------------------------------------------------------------ */

static void fault_is_heard(struct kunit *test)
{
	struct world *w = begin(test);
	u8 byte = 0;

	KUNIT_EXPECT_EQ(test, mock_dma_read(w->dev, CORE_IOVA + 5, &byte, 1), -EFAULT);
	expect_read(w);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 1);
	KUNIT_EXPECT_EQ(test, w->address, CORE_IOVA + 5);
	KUNIT_EXPECT_EQ(test, w->flags, IOMMU_FAULT_READ);
	KUNIT_EXPECT_PTR_EQ(test, w->who, w->dev);
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(w->dev), "DMA fault: read from 0x1000005"), 1);

	KUNIT_EXPECT_EQ(test, mock_dma_write(w->dev, CORE_IOVA, &byte, 1), -EFAULT);
	expect_read(w);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 2);
	KUNIT_EXPECT_EQ(test, w->address, CORE_IOVA);
	KUNIT_EXPECT_EQ(test, w->flags, IOMMU_FAULT_WRITE);
}

static void fault_of_second_id(struct kunit *test)
{
	static const u32 ids[] = { EP_OTHER, EP_GOES };
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP_GOES);
	struct device *first = w->dev;

	core_detach(test, first);
	w->dev = mock_endpoint_ids(w->mock, ids, ARRAY_SIZE(ids));
	KUNIT_ASSERT_EQ(test, core_attach(test, w->domain, w->dev), 0);
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_PTR_EQ(test, w->who, w->dev);
}

static void fault_without_address(struct kunit *test)
{
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP);

	fault.flags = cpu_to_le32(F_READ);
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, w->address, 0);
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(w->dev), "an unknown address"), 1);
}

/* An endpoint that nobody maps anything for: there is no one to tell */
static void fault_of_blocked(struct kunit *test)
{
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP);

	core_detach(test, w->dev);
	KUNIT_ASSERT_EQ(test, core_claim(test, w->dev), 0);
	KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(w->dev), "DMA fault"), 1);
	core_release(test, w->dev);
	KUNIT_EXPECT_EQ(test, core_dma(w->dev), 0);
}

static void fault_of_identity(struct kunit *test)
{
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP);

	core_detach(test, w->dev);
	KUNIT_ASSERT_EQ(test, core_set_type(w->dev, "identity"), 0);
	KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(w->dev), "DMA fault"), 1);
}

/* ---- Forged ones ------------------------------------------------------------ */

/* Virtio specification: a fault is 24 bytes. What is shorter is none. */
static void event_of_every_length(struct kunit *test)
{
	struct world *w = begin(test);
	const struct virtio_iommu_fault fault = fault_of(EP);
	size_t len;

	for (len = 0; len <= sizeof(fault); len++) {
		KUNIT_EXPECT_EQ_MSG(test, is_heard(w, &fault, len), len == sizeof(fault),
				    "an event of %zu bytes", len);
	}
}

/* The device says that it wrote more than there is room for. */
static void event_too_long(struct kunit *test)
{
	static const size_t lengths[] = { 25, 32, 4096, S32_MAX, U32_MAX };
	struct world *w = begin(test);
	const struct virtio_iommu_fault fault = fault_of(EP);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++)
		KUNIT_EXPECT_TRUE_MSG(test, is_heard(w, &fault, lengths[i]),
				      "an event of %zu bytes", lengths[i]);
}

/* R37: that is another kind of event, to come */
static void event_of_another_kind(struct kunit *test)
{
	struct world *w = begin(test);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		struct virtio_iommu_fault fault = fault_of(EP);

		fault.reserved[i] = 1;
		KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
		fault.reserved[i] = 0x80;
		KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
	}
}

/* R38 to R40: what is odd, and a fault all the same */
static void event_with_oddities(struct kunit *test)
{
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP);

	memset(fault.reserved2, 0xff, sizeof(fault.reserved2));
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));

	fault.flags = cpu_to_le32(~0u);
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, w->address, ADDRESS);
	fault.flags = cpu_to_le32(~(u32)(F_READ | F_WRITE | F_ADDRESS));
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, w->address, 0);

	fault.reason = 3;
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));
	fault.reason = 255;
	KUNIT_EXPECT_TRUE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(w->dev), "unknown reason"), 2);
}

static void event_of_nobody(struct kunit *test)
{
	static const u32 ids[] = { 0, EP + 1, EP_NOBODY, U32_MAX };
	struct world *w = begin(test);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		struct virtio_iommu_fault fault = fault_of(ids[i]);

		KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
	}
}

/* The endpoint is known, but nobody uses it any more. */
static void event_of_released(struct kunit *test)
{
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP_GOES);

	mock_endpoint_remove(mock_endpoint(w->mock, EP_GOES));
	KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
}

/* Of an ID that two devices had: whose it was first is gone, the other is named */
static void event_of_shared(struct kunit *test)
{
	static const u32 ids[] = { EP_OTHER, EP_GOES };
	struct world *w = begin(test);
	struct virtio_iommu_fault fault = fault_of(EP_GOES);
	struct device *gone = mock_endpoint(w->mock, EP_GOES);
	struct device *stays = mock_endpoint_ids(w->mock, ids, ARRAY_SIZE(ids));

	mock_endpoint_remove(gone);
	KUNIT_EXPECT_FALSE(test, is_heard(w, &fault, sizeof(fault)));
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(stays), "DMA fault"), 1);
}

/* ---- Before its time -------------------------------------------------------- */

static void event_before_probe_is_through(struct kunit *test)
{
	struct mock *mock = mock_create(test, mock_strict);
	struct world *w;

	mock_early_fault(mock, EP, ADDRESS);
	mock_register(mock);
	KUNIT_ASSERT_TRUE(test, mock_bound(mock));
	/* By when somebody could hear of it, it has been read */
	expect_buffers(test, mock, mock_event_buffers(mock_start(test, mock_strict)));
	w = begin_with(test, mock);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 0);
	KUNIT_EXPECT_EQ(test, mock_fault(mock, R_MAPPING, F_READ, EP, 0), 0);
	expect_read(w);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 1);
}

/* ---- Floods ----------------------------------------------------------------- */

/* Raise a fault as soon as there is a buffer for it. */
static void raise(struct world *w, u32 endpoint, unsigned int nr)
{
	const ktime_t end = ktime_add_ms(ktime_get(), 6 * PATIENCE_MS);

	while (nr && ktime_before(ktime_get(), end)) {
		if (mock_fault(w->mock, R_MAPPING, F_READ | F_ADDRESS, endpoint, nr))
			usleep_range(20, 100);
		else
			nr--;
	}
	KUNIT_EXPECT_EQ(w->test, nr, 0);
	expect_read(w);
}

/* Each fault is heard of; the log has a few, and room for those of others. */
static void flood_is_cut_off(struct kunit *test)
{
	struct world *w = begin(test);
	struct device *other = mock_endpoint(w->mock, EP_OTHER);
	const ktime_t start = ktime_get();
	unsigned int lines, limit;

	raise(w, EP, FLOOD);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), FLOOD);

	lines = log_lines(w, dev_name(w->dev), "DMA fault");
	/* Ten in five seconds */
	limit = 10 * (2 + ktime_ms_delta(ktime_get(), start) / 5000);
	KUNIT_EXPECT_GE(test, lines, 1);
	KUNIT_EXPECT_LE(test, lines, limit);

	raise(w, EP_OTHER, 1);
	KUNIT_EXPECT_EQ(test, log_lines(w, dev_name(other), "DMA fault"), 1);
}

static void flood_of_nobody(struct kunit *test)
{
	struct world *w = begin(test);
	const ktime_t start = ktime_get();

	raise(w, EP_NOBODY, FLOOD / 10);
	KUNIT_EXPECT_LE(test, log_lines(w, "DMA fault of unknown endpoint", "0xdead"),
			10 * (2 + ktime_ms_delta(ktime_get(), start) / 5000));
	raise(w, EP, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 1);
}

/* ---- While things change ---------------------------------------------------- */

struct storm {
	struct mock *mock;
	u32 endpoint;
};

static int storm_thread(void *data)
{
	struct storm *storm = data;

	while (!kthread_should_stop()) {
		mock_fault(storm->mock, R_MAPPING, F_READ | F_ADDRESS, storm->endpoint, ADDRESS);
		usleep_range(10, 50);
	}
	return 0;
}

static void stop_storm(void *thread)
{
	kthread_stop(thread);
}

static void start_storm(struct kunit *test, struct storm *storm)
{
	struct task_struct *thread = kthread_run(storm_thread, storm, "storm");

	KUNIT_ASSERT_FALSE(test, IS_ERR(thread));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, stop_storm, thread), 0);
}

static void endpoint_goes_in_a_storm(struct kunit *test)
{
	struct world *w = begin(test);
	struct storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, storm);
	*storm = (struct storm) { w->mock, EP_GOES };
	start_storm(test, storm);
	for (i = 0; i < 50; i++)
		mock_endpoint_remove(mock_endpoint(w->mock, EP_GOES));
}

static void domain_goes_in_a_storm(struct kunit *test)
{
	struct world *w = begin(test);
	struct storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, storm);
	*storm = (struct storm) { w->mock, EP };
	start_storm(test, storm);
	for (i = 0; i < 50; i++) {
		core_detach(test, w->dev);
		core_free(test, w->domain);
		attach(w);
		usleep_range(100, 200);
	}
	KUNIT_EXPECT_GT(test, atomic_read(&w->heard), 0);
}

static void unbinds_in_a_storm(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct storm *storm = kunit_kzalloc(test, sizeof(*storm), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, storm);
	*storm = (struct storm) { mock, EP };
	start_storm(test, storm);
	for (i = 0; i < 10; i++) {
		mock_unbind(mock);
		KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
	}
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, EP)), 0);
}

/* ---- A ring that breaks ----------------------------------------------------- */

/*
 * Without the event queue there are no faults, which is no reason to stop
 * translating. The buffers that were lost are there again with the driver.
 */
static void lost_buffers_come_back(struct kunit *test)
{
	struct world *w = begin(test);
	struct virtqueue *vq;

	virtio_device_for_each_vq(mock_virtio(w->mock), vq) {
		if (vq->index == 1)
			__virtqueue_break(vq);
	}
	mock_fault(w->mock, R_MAPPING, F_READ, EP, 0);
	msleep(20);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(w->mock, EP_OTHER)), 0);

	core_detach(test, w->dev);
	core_free(test, w->domain);
	mock_unbind(w->mock);
	KUNIT_ASSERT_EQ(test, mock_bind(w->mock), 0);
	expect_read(w);

	w->dev = mock_endpoint(w->mock, EP);
	attach(w);
	raise(w, EP, 1);
	KUNIT_EXPECT_EQ(test, atomic_read(&w->heard), 1);
}

/* ---- Who tells the device ---------------------------------------------------- */

static void expect_notified(struct kunit *test, struct mock *mock, unsigned int before)
{
	const ktime_t end = ktime_add_ms(ktime_get(), PATIENCE_MS);

	while (mock_event_notifications(mock) == before && ktime_before(ktime_get(), end))
		usleep_range(1000, 2000);
	KUNIT_ASSERT_GT(test, mock_event_notifications(mock), before);
}

/* A device that drops faults until it is told that there are buffers, at first and later on */
static void device_is_told_of_buffers(struct kunit *test)
{
	struct mock *mock = mock_start_features(test, mock_strict, 0,
						BIT_ULL(VIRTIO_RING_F_EVENT_IDX));
	unsigned int told;

	expect_notified(test, mock, 0);
	usleep_range(10000, 20000);	/* if there are more of the first */
	told = mock_event_notifications(mock);
	KUNIT_ASSERT_EQ(test, mock_fault(mock, R_MAPPING, F_READ, EP_NOBODY, 0), 0);
	expect_notified(test, mock, told);
}

/* ---- The suite -------------------------------------------------------------- */

static struct kunit_case event_cases[] = {
	KUNIT_CASE(fault_is_heard),
	KUNIT_CASE(fault_of_second_id),
	KUNIT_CASE(fault_without_address),
	KUNIT_CASE(fault_of_blocked),
	KUNIT_CASE(fault_of_identity),
	KUNIT_CASE(event_of_every_length),
	KUNIT_CASE(event_too_long),
	KUNIT_CASE(event_of_another_kind),
	KUNIT_CASE(event_with_oddities),
	KUNIT_CASE(event_of_nobody),
	KUNIT_CASE(event_of_released),
	KUNIT_CASE(event_of_shared),
	KUNIT_CASE(event_before_probe_is_through),
	KUNIT_CASE(flood_is_cut_off),
	KUNIT_CASE(flood_of_nobody),
	KUNIT_CASE(endpoint_goes_in_a_storm),
	KUNIT_CASE(domain_goes_in_a_storm),
	KUNIT_CASE(unbinds_in_a_storm),
	KUNIT_CASE(lost_buffers_come_back),
	KUNIT_CASE(device_is_told_of_buffers),
	{}
};

static struct kunit_suite event_suite = {
	.name = "viommu_event",
	.test_cases = event_cases,
};

kunit_test_suite(event_suite);
MODULE_DESCRIPTION("Faults, true and forged");
MODULE_LICENSE("GPL");
