/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The mock with no driver in the way: a test writes to its registers and puts
 * requests into its ring, as they are, right or wrong. The device is never
 * registered, so that no driver of the kernel's sees it.
 */
#ifndef _MOCK_RAW_H
#define _MOCK_RAW_H

#include <kunit/resource.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/unaligned.h>
#include <linux/virtio.h>
#include <linux/virtio_ring.h>

#include "mock/internal.h"

#define RAW_WORDS	17	/* of the longest request, behind its type */
#define RAW_MAX_OUT	(2 * MOCK_MAX_REQUEST)
#define RAW_MAX_IN	1024
#define RAW_NO_ANSWER	0xff
#define RAW_NR_RULES	(MOCK_NR_REQUIREMENTS + 1)	/* and MOCK_OTHER_RULES */

/* What a driver writes to the status, one after the other */
#define RAW_ACKNOWLEDGE	VIRTIO_CONFIG_S_ACKNOWLEDGE
#define RAW_DRIVER	(RAW_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER)
#define RAW_FEATURES_OK	(RAW_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK)
#define RAW_DRIVER_OK	(RAW_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

/**
 * struct raw_request - a request as it is sent
 * @type: VIRTIO_IOMMU_T_*
 * @len: bytes of the readable part
 * @word: what follows the head, 32 bits each
 */
struct raw_request {
	u8 type;
	u8 len;
	u32 word[RAW_WORDS];
};

/**
 * struct raw - a device and its rings
 * @test: the test
 * @mock: the device; what is against its rules is only counted
 * @vq: requests, events
 * @out: what is sent next
 * @in: what was answered last
 */
struct raw {
	struct kunit *test;
	struct mock *mock;
	struct virtqueue *vq[MOCK_NR_QUEUES];
	u8 out[RAW_MAX_OUT];
	u8 in[RAW_MAX_IN];
};

static inline void raw_status(struct raw *raw, u8 status)
{
	raw->mock->vdev.config->set_status(&raw->mock->vdev, status);
}

static inline struct raw *raw_create(struct kunit *test, const struct mock_profile *profile)
{
	struct raw *raw = kunit_kzalloc(test, sizeof(*raw), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, raw);
	raw->test = test;
	raw->mock = mock_create(test, profile);
	mock_judge(raw->mock, false);
	for (i = 0; i < RAW_NR_RULES; i++)
		mock_expect_violation(raw->mock, i);
	raw->mock->vdev.dev.init_name = "raw";
	INIT_LIST_HEAD(&raw->mock->vdev.vqs);
	spin_lock_init(&raw->mock->vdev.vqs_list_lock);
	return raw;
}

/* ---- Rings ------------------------------------------------------------------ */

static inline void raw_close(void *data)
{
	struct raw *raw = data;
	unsigned int i;

	raw->mock->vdev.config->reset(&raw->mock->vdev);
	for (i = 0; i < MOCK_NR_QUEUES; i++) {
		while (virtqueue_detach_unused_buf(raw->vq[i]))
			;
	}
	raw->mock->vdev.config->del_vqs(&raw->mock->vdev);
}

static inline void raw_open(struct raw *raw)
{
	struct virtqueue_info infos[MOCK_NR_QUEUES] = { { "request" }, { "event" } };
	struct virtio_device *vdev = &raw->mock->vdev;
	struct kunit *test = raw->test;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, virtio_find_vqs(vdev, MOCK_NR_QUEUES, raw->vq, infos, NULL), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, raw_close, raw), 0);
	for (i = 0; i < MOCK_NR_QUEUES; i++)
		__virtqueue_unbreak(raw->vq[i]);
}

/* A device that works, with these features, and its rings */
static inline struct raw *raw_start(struct kunit *test, const struct mock_profile *profile,
				    u64 accepted)
{
	struct raw *raw = raw_create(test, profile);

	raw->mock->vdev.features = accepted;
	vring_transport_features(&raw->mock->vdev);
	if (raw->mock->vdev.features != accepted)
		kunit_skip(test, "this kernel's rings do not know all of %llx", accepted);
	raw_status(raw, RAW_ACKNOWLEDGE);
	raw_status(raw, RAW_DRIVER);
	raw_status(raw, RAW_FEATURES_OK);
	raw_open(raw);
	raw_status(raw, RAW_DRIVER_OK);
	return raw;
}

/* ---- Requests ----------------------------------------------------------------- */

static inline void raw_write(u8 *out, const struct raw_request *request)
{
	unsigned int i;

	memset(out, 0, RAW_MAX_OUT);
	out[0] = request->type;
	for (i = 0; i < RAW_WORDS; i++)
		put_unaligned_le32(request->word[i], out + 4 * (i + 1));
}

static inline u32 raw_room(const struct raw *raw, u8 type)
{
	return sizeof(struct virtio_iommu_req_tail) +
	       (type == VIRTIO_IOMMU_T_PROBE ? raw->mock->profile.probe_size : 0);
}

/* Puts @out into the ring, in one readable part or two, and tells the device. */
static inline void raw_send(struct raw *raw, const u8 *out, u32 out_len, u8 *in, u32 in_len,
			    u32 cut)
{
	struct scatterlist sg[3], *sgs[] = { &sg[0], &sg[1], &sg[2] };
	unsigned int nr = 0;

	if (cut)
		sg_init_one(&sg[nr++], out, cut);
	sg_init_one(&sg[nr++], out + cut, out_len - cut);
	sg_init_one(&sg[nr], in, in_len);
	KUNIT_ASSERT_EQ(raw->test, 0,
			virtqueue_add_sgs(raw->vq[MOCK_REQUESTS], sgs, nr, 1, in, GFP_KERNEL));
	virtqueue_kick(raw->vq[MOCK_REQUESTS]);
}

/* Where the next answer has been put, or NULL if there is none */
static inline u8 *raw_get(struct raw *raw)
{
	unsigned int len;

	return virtqueue_get_buf(raw->vq[MOCK_REQUESTS], &len);
}

/* Sends raw->out; the status, or RAW_NO_ANSWER */
static inline u8 raw_ask(struct raw *raw, u32 out_len, u32 in_len, u32 cut)
{
	raw_send(raw, raw->out, out_len, raw->in, in_len, cut);
	if (!raw_get(raw))
		return RAW_NO_ANSWER;
	return raw->in[in_len - sizeof(struct virtio_iommu_req_tail)];
}

static inline u8 raw_request(struct raw *raw, const struct raw_request *request)
{
	raw_write(raw->out, request);
	return raw_ask(raw, request->len, raw_room(raw, request->type), 0);
}

#endif /* _MOCK_RAW_H */
