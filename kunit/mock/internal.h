/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the mock's files know of each other. One lock, mock->lock, protects
 * all of a device; it is taken with interrupts off, from wherever the driver
 * notifies, and nothing of the driver's is called under it.
 */
#ifndef _MOCK_INTERNAL_H
#define _MOCK_INTERNAL_H

#include <linux/interval_tree.h>
#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/platform_device.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/wait.h>

#include "mock.h"
#include "ring.h"

enum { MOCK_REQUESTS, MOCK_EVENTS, MOCK_NR_QUEUES };

/* And what else interrupts */
enum { MOCK_CONFIG = MOCK_NR_QUEUES, MOCK_NR_INTERRUPTS };

#define MOCK_MAX_CONFIG		256
#define MOCK_MAX_THREADS	8
#define MOCK_MAX_SCRIPTS	16
/* Rules of the virtio specification that are not among R1 to R42 */
#define MOCK_OTHER_RULES	0
/* The longest request, PROBE */
#define MOCK_MAX_REQUEST	72
/* No request type is as high as this */
#define MOCK_NR_TYPES		6

struct mock_domain {
	struct list_head link;
	u32 id;
	bool bypass;
	unsigned int nr_endpoints;
	unsigned int nr_mappings;
	struct rb_root_cached mappings;
};

struct mock_mapping {
	struct interval_tree_node node;
	u64 phys;
	u32 flags;
};

/* An ID that was mentioned */
struct mock_ep {
	struct list_head link;
	u32 id;
	bool unknown;
	bool probed;
	struct mock_domain *domain;
};

/* A platform device behind the IOMMU */
struct mock_device {
	struct list_head link;
	struct mock *mock;
	struct platform_device *pdev;
	u32 id;
};

struct mock_rule {
	struct mock_script script;
	unsigned int matched;
};

/* How one request is answered */
struct mock_answer {
	struct list_head link;
	struct mock_chain chain;
	u32 how;
	u8 status;
	u32 in_len;
	u32 used;
	const void *fill;
	size_t fill_len;
	ktime_t due;
};

struct mock {
	struct kref ref;
	struct kunit *test;
	struct mock_profile profile;
	struct virtio_device vdev;
	struct platform_device *parent;
	struct fwnode_handle *fwnode;
	bool registered;
	bool checked;
	struct list_head devices;	/* struct mock_device; the test's thread only */

	spinlock_t lock;		/* protects everything below */
	u8 status;
	u8 config[MOCK_MAX_CONFIG];
	bool bypass_written;
	bool running;			/* DRIVER_OK, and the rings are there */
	bool paused;
	struct mock_ring ring[MOCK_NR_QUEUES];
	struct irq_work interrupt[MOCK_NR_INTERRUPTS];

	/* How it answers */
	struct task_struct *thread[MOCK_MAX_THREADS];
	wait_queue_head_t wake;
	bool later, reorder, polling, notified;
	bool hold_up, held_up;
	unsigned int delay_us;
	struct list_head delayed;	/* struct mock_answer */
	struct list_head held;
	struct list_head turned;	/* answered last come first */
	bool mute;			/* IN_ORDER, and one is never answered */
	struct mock_rule rule[MOCK_MAX_SCRIPTS];
	unsigned int nr_rules;
	unsigned int script_hits;
	unsigned int event_notifications;
	bool early_fault;
	u32 early_endpoint;
	u64 early_address;

	/* What the driver has built */
	struct list_head domains;
	struct list_head endpoints;
	unsigned int nr_domains;

	/* What it was seen to do */
	struct mock_request *records;
	unsigned int received;
	unsigned int mark;
	unsigned int count[MOCK_NR_TYPES];
	unsigned int notifications;
	unsigned int violations[MOCK_NR_REQUIREMENTS + 1];
	unsigned int exercised[MOCK_NR_REQUIREMENTS + 1];
	bool expected[MOCK_NR_REQUIREMENTS + 1];
	bool fatal;
};

static inline bool mock_offers(const struct mock *mock, unsigned int feature)
{
	return mock->profile.features & BIT_ULL(feature);
}

static inline bool mock_has_quirk(const struct mock *mock, u32 quirk)
{
	return mock->profile.quirks & quirk;
}

/* judge.c */
__printf(4, 5)
bool mock_require(struct mock *mock, unsigned int requirement, bool kept, const char *format, ...);
void mock_judge_features(struct mock *mock);
void mock_judge_status(struct mock *mock, u8 status);
void mock_judge_config_write(struct mock *mock, unsigned int offset, const u8 *buf,
			     unsigned int len);
void mock_judge_framing(struct mock *mock, const struct mock_chain *chain, const u8 *out,
			u32 out_len, u32 in_len);
bool mock_in_input_range(const struct mock *mock, u64 start, u64 last);
bool mock_in_region(const struct mock *mock, u64 start, u64 last);
void mock_check_end(struct mock *mock);

/* requests.c */
void mock_read(const u8 *out, struct mock_request *request);
u8 mock_judge_request(struct mock *mock, const struct mock_request *request);
u8 mock_carry_out(struct mock *mock, const struct mock_request *request);
size_t mock_properties(const struct mock *mock, u8 *buf, size_t len);
struct mock_ep *mock_find_ep(struct mock *mock, u32 id);
void mock_forget_all(struct mock *mock);
u64 mock_granule(const struct mock *mock);
int mock_translate_locked(struct mock *mock, u32 id, u64 iova, u32 flags, u64 *phys);

/* answer.c */
void mock_serve(struct mock *mock);
void mock_notified(struct mock *mock);
void mock_drop_answers(struct mock *mock);
int mock_thread(void *mock);
void mock_interrupt(struct mock *mock, unsigned int queue);

/* script.c */
const struct mock_script *mock_script_match(struct mock *mock, const struct mock_request *request);

/* events.c */
int mock_event_locked(struct mock *mock, const void *event, size_t len);
void mock_refused(struct mock *mock, u32 endpoint, u64 iova, u32 flags);
void mock_event_early(struct mock *mock);

/* endpoint.c */
void mock_remove_devices(struct mock *mock);

/* device.c */
void mock_needs_reset_locked(struct mock *mock);

#endif /* _MOCK_INTERNAL_H */
