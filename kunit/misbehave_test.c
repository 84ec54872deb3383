// SPDX-License-Identifier: GPL-2.0
/*
 * A device that answers wrongly: every kind of request with every kind of
 * answer.
 *
 * A case is a request, its parameters are the answers, so each cell of the
 * matrix is a line. In each, the guest stays alive, the caller hears the error
 * that the IOMMU core's contract and the driver's kernel-doc promise, nothing
 * leaks, and no wait passes its deadline. Where the device lives on, another
 * round of DMA then works; where it is given up, everything fails at once,
 * unbinding works, and so does the next device.
 *
 * The other cases are what no single answer can be: a ring that breaks,
 * NEEDS_RESET and changes of config space at any time.
 */
#include <kunit/test.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/virtio.h>

#include "core.h"
#include "mock/mock.h"

/* The shortest deadline that the driver accepts, and what a wait may take at most */
#define SHORT_MS	100
#define PATIENCE_MS	(45 * SHORT_MS)
/* The driver's own, for what is to succeed however busy the machine is */
#define LONG_MS		"5000"

/* Endpoints: the one that works, one that has been there, one that comes */
#define EP		1
#define EP_BEFORE	2
#define EP_NEW		3

/* ---- Answers ---------------------------------------------------------------- */

enum outcome {
	WORKS,		/* odd, but good */
	REFUSED,	/* failed; the device lives on */
	DIES,		/* given up, and the request has failed */
	BREAKS,		/* given up now or later: the request may have been answered */
};

/**
 * struct answer - how a request is answered
 * @name: of the cell
 * @how: MOCK_*
 * @outcome: what that is
 * @err: what a caller hears who hears it all; 0: any error
 * @status: for MOCK_STATUS
 * @beyond: @length counts from the end of the buffer
 * @length: for MOCK_LENGTH
 * @delay_ms: for MOCK_DELAY
 */
struct answer {
	const char *name;
	u32 how;
	enum outcome outcome;
	int err;
	u8 status;
	bool beyond;
	u32 length;
	unsigned int delay_ms;
};

#define STATUS(value, errno)							\
	{ .name = "status_" #value, .how = MOCK_DO_NOT | MOCK_STATUS,		\
	  .status = (value), .outcome = REFUSED, .err = (errno) }
#define SHORT(text, ...)							\
	{ .name = text, .how = MOCK_DO_NOT | MOCK_LENGTH, .outcome = REFUSED,	\
	  .err = -EBADMSG, __VA_ARGS__ }

static const struct answer answers[] = {
	STATUS(1, -EIO),
	STATUS(2, -EOPNOTSUPP),
	STATUS(3, -EIO),
	STATUS(4, -EINVAL),
	STATUS(5, -ERANGE),
	STATUS(6, -ENOENT),
	STATUS(7, -EFAULT),
	STATUS(8, -ENOMEM),
	STATUS(9, -EIO),
	STATUS(255, -EIO),
	SHORT("length_0", .length = 0),
	SHORT("length_1", .length = 1),
	SHORT("length_3", .length = 3),
	SHORT("length_one_short", .beyond = true, .length = -1),
	{ .name = "length_one_long", .how = MOCK_LENGTH, .beyond = true, .length = 1 },
	{ .name = "length_huge", .how = MOCK_LENGTH, .length = U32_MAX },
	{ .name = "no_answer", .how = MOCK_DO_NOT | MOCK_NO_ANSWER, .outcome = DIES,
	  .err = -ETIMEDOUT },
	{ .name = "done_no_answer", .how = MOCK_NO_ANSWER, .outcome = DIES,
	  .err = -ETIMEDOUT },
	{ .name = "late", .how = MOCK_DELAY, .delay_ms = SHORT_MS / 4 },
	{ .name = "too_late", .how = MOCK_HOLD, .outcome = DIES, .err = -ETIMEDOUT },
	{ .name = "held", .how = MOCK_HOLD },
	{ .name = "twice", .how = MOCK_TWICE, .outcome = BREAKS },
	{ .name = "bad_id", .how = MOCK_BAD_ID, .outcome = DIES, .err = -EIO },
	{ .name = "no_tail", .how = MOCK_DO_NOT | MOCK_NO_TAIL, .outcome = REFUSED },
	{ .name = "reserved", .how = MOCK_RESERVED },
	{ .name = "needs_reset", .how = MOCK_RESET, .outcome = DIES },
};

KUNIT_ARRAY_PARAM_DESC(answers, answers, name);

/* Only these codes mean something to whoever attaches; see iommu_attach_group() */
static int attach_errno(int err)
{
	if (err == -EINVAL || err == -EOPNOTSUPP)
		return -EINVAL;
	return err == -ENOMEM ? err : err ? -ENODEV : 0;
}

/* ---- The world a request is made in ----------------------------------------- */

/**
 * struct world - a device, an endpoint that does DMA, and an answer to come
 * @test: the case
 * @mock: the device
 * @answer: the answer
 * @dev: the endpoint
 * @page: what it reaches
 * @dma: where
 * @domains: how many the device had before
 * @mappings: how many mappings
 * @meanwhile: what happens while the request is waited for
 * @start: when the request was made
 */
struct world {
	struct kunit *test;
	struct mock *mock;
	const struct answer *answer;
	struct device *dev;
	struct page *page;
	dma_addr_t dma;
	unsigned int domains;
	unsigned int mappings;
	void (*meanwhile)(struct world *w);
	ktime_t start;
};

/*
 * What somebody else does, every few milliseconds while the request is waited
 * for. A thread, and no work item: who waits may keep a CPU's timers waiting.
 */
static int meanwhile_thread(void *data)
{
	struct world *w = data;

	while (!kthread_should_stop()) {
		usleep_range(10000, 11000);
		w->meanwhile(w);
	}
	return 0;
}

static void stop_meanwhile(void *thread)
{
	kthread_stop(thread);
}

static void start_meanwhile(struct world *w, void (*meanwhile)(struct world *w))
{
	struct task_struct *thread;

	w->meanwhile = meanwhile;
	thread = kthread_run(meanwhile_thread, w, "meanwhile");
	KUNIT_ASSERT_FALSE(w->test, IS_ERR(thread));
	KUNIT_ASSERT_EQ(w->test, kunit_add_action_or_reset(w->test, stop_meanwhile, thread), 0);
}

static void give_back(struct world *w)
{
	mock_release(w->mock);
}

/* All UNMAPs of a lazy domain, confirmed or not */
static void flush(struct device *dev)
{
	iommu_flush_iotlb_all(iommu_get_domain_for_dev(dev));
}

static void count_world(struct world *w)
{
	flush(w->dev);
	w->domains = mock_nr_domains(w->mock);
	w->mappings = mock_nr_mappings(w->mock);
}

static struct world *begin(struct kunit *test)
{
	struct world *w = kunit_kzalloc(test, sizeof(*w), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, w);
	w->test = test;
	w->answer = test->param_value;
	w->mock = mock_start(test, mock_strict);
	w->dev = mock_endpoint(w->mock, EP);
	w->page = core_page(test);
	w->dma = dma_map_page(w->dev, w->page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	KUNIT_ASSERT_FALSE(test, dma_mapping_error(w->dev, w->dma));
	/* From now on, the device has all the domains that it will have */
	mock_endpoint_remove(mock_endpoint(w->mock, EP_BEFORE));
	count_world(w);
	return w;
}

static void set_deadline(struct kunit *test, const char *ms)
{
	KUNIT_ASSERT_EQ(test, core_set_param("virtio_iommu.timeout_ms", ms), 0);
}

/* From here on, the next request of @type is answered as the cell says. */
static void go_wrong(struct world *w, u8 type)
{
	const struct answer *answer = w->answer;
	struct mock_script script = {
		.type = type, .endpoint = MOCK_ANY, .count = 1, .how = answer->how,
		.status = answer->status, .length = answer->length,
		.delay_ms = answer->delay_ms,
	};

	if (answer->beyond)
		script.length += sizeof(struct virtio_iommu_req_tail);
	if (answer->beyond && type == VIRTIO_IOMMU_T_PROBE)
		script.length += mock_profile(w->mock)->probe_size;
	if (answer->outcome == DIES || answer->outcome == BREAKS)
		set_deadline(w->test, __stringify(SHORT_MS));
	if (answer->how & MOCK_HOLD && answer->outcome == WORKS)
		start_meanwhile(w, give_back);
	/* UNSUPP may mean "detach it first": it does not */
	if (type == VIRTIO_IOMMU_T_ATTACH && answer->err == -EOPNOTSUPP)
		script.count = 2;
	mock_script(w->mock, &script);
	w->start = ktime_get();
}

static bool is_alive(const struct world *w)
{
	return w->answer->outcome == WORKS || w->answer->outcome == REFUSED;
}

/* There was such a request, and nobody waits for its answer any more. */
static void expect_prompt(struct world *w)
{
	KUNIT_EXPECT_GT(w->test, mock_script_hits(w->mock), 0);
	if (!is_alive(w))
		KUNIT_EXPECT_LT(w->test, ktime_ms_delta(ktime_get(), w->start), PATIENCE_MS);
}

/* Whether the request has come to what it should; @err as the caller heard it */
static void expect_error(struct world *w, int err, int expected)
{
	expect_prompt(w);
	switch (w->answer->outcome) {
	case WORKS:
		KUNIT_EXPECT_EQ(w->test, err, 0);
		break;
	case REFUSED:
	case DIES:
		if (w->answer->err)
			KUNIT_EXPECT_EQ(w->test, err, expected);
		else
			KUNIT_EXPECT_LT(w->test, err, 0);
		break;
	case BREAKS:
		break;
	}
}

/* The endpoint's DMA is as it was before the request. */
static void expect_as_before(struct world *w)
{
	KUNIT_EXPECT_EQ(w->test, core_reaches(w->mock, EP, w->dma), page_to_phys(w->page));
}

/* ---- After it --------------------------------------------------------------- */

static void expect_alive(struct world *w)
{
	flush(w->dev);
	KUNIT_EXPECT_EQ(w->test, mock_nr_domains(w->mock), w->domains);
	KUNIT_EXPECT_EQ(w->test, mock_nr_mappings(w->mock), w->mappings);
	expect_as_before(w);
	KUNIT_EXPECT_EQ(w->test, core_dma(w->dev), 0);
	dma_unmap_page(w->dev, w->dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
}

/* Everything fails at once; unbinding works, and so does another device. */
static void expect_dead(struct world *w)
{
	const u32 id = EP_NEW + 1;
	ktime_t start = ktime_get();
	struct mock *next;

	/* Nobody wants to hear what comes now */
	mock_release(w->mock);
	KUNIT_EXPECT_NE(w->test, core_dma(w->dev), 0);
	KUNIT_EXPECT_FALSE(w->test, mock_translated(mock_endpoint_try(w->mock, &id, 1)));
	dma_unmap_page(w->dev, w->dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	mock_unbind(w->mock);
	KUNIT_EXPECT_FALSE(w->test, mock_bound(w->mock));
	KUNIT_EXPECT_LT(w->test, ktime_ms_delta(ktime_get(), start), PATIENCE_MS);
	mock_unregister(w->mock);

	set_deadline(w->test, LONG_MS);
	next = mock_start(w->test, mock_strict);
	KUNIT_EXPECT_EQ(w->test, core_dma(mock_endpoint(next, EP)), 0);
}

static void end(struct world *w)
{
	mock_script_clear(w->mock);
	if (is_alive(w))
		expect_alive(w);
	else
		expect_dead(w);
}

/* ---- ATTACH, DETACH --------------------------------------------------------- */

static void misbehave_attach_first(struct kunit *test)
{
	struct world *w = begin(test);
	const u32 id = EP_NEW;
	struct device *dev;

	go_wrong(w, VIRTIO_IOMMU_T_ATTACH);
	dev = mock_endpoint_try(w->mock, &id, 1);
	expect_error(w, mock_translated(dev) ? 0 : -ENODEV, -ENODEV);
	if (w->answer->outcome == WORKS)
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	mock_endpoint_remove(dev);
	end(w);
}

static void attach_and_judge(struct world *w, struct iommu_domain *domain)
{
	int err = iommu_attach_group(domain, w->dev->iommu_group);

	expect_error(w, err, attach_errno(w->answer->err));
	if (err && is_alive(w))
		expect_as_before(w);
	if (!err)
		iommu_detach_group(domain, w->dev->iommu_group);
}

static void misbehave_attach_move(struct kunit *test)
{
	struct world *w = begin(test);
	struct iommu_domain *domain = core_domain(test, w->dev);

	go_wrong(w, VIRTIO_IOMMU_T_ATTACH);
	attach_and_judge(w, domain);
	core_free(test, domain);
	end(w);
}

static void misbehave_detach(struct kunit *test)
{
	static const struct mock_script stays = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = EP, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_UNSUPP,
	};
	struct world *w = begin(test);
	struct iommu_domain *domain = core_domain(test, w->dev);

	mock_script(w->mock, &stays);
	go_wrong(w, VIRTIO_IOMMU_T_DETACH);
	attach_and_judge(w, domain);
	core_free(test, domain);
	end(w);
}

/* ---- MAP -------------------------------------------------------------------- */

static void misbehave_map(struct kunit *test)
{
	struct world *w = begin(test);
	struct iommu_domain *domain = core_domain(test, w->dev);
	int err;

	KUNIT_ASSERT_EQ(test, iommu_attach_group(domain, w->dev->iommu_group), 0);
	go_wrong(w, VIRTIO_IOMMU_T_MAP);
	err = iommu_map(domain, CORE_IOVA, CORE_PHYS, PAGE_SIZE, CORE_RW, GFP_KERNEL);
	expect_error(w, err, w->answer->err);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA), err ? 0 : CORE_PHYS);
	if (is_alive(w))
		KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, CORE_IOVA),
				err ? CORE_REFUSED : CORE_PHYS);

	if (!err)
		KUNIT_EXPECT_EQ(test, iommu_unmap(domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	iommu_detach_group(domain, w->dev->iommu_group);
	core_free(test, domain);
	end(w);
}

static void misbehave_map_dma(struct kunit *test)
{
	struct world *w = begin(test);
	struct page *page = core_page(test);
	dma_addr_t dma;
	int err;

	go_wrong(w, VIRTIO_IOMMU_T_MAP);
	dma = dma_map_page(w->dev, page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);
	err = dma_mapping_error(w->dev, dma);
	/* The caller learns that it failed, not why */
	expect_error(w, err, err);
	if (w->answer->outcome == REFUSED || w->answer->outcome == DIES)
		KUNIT_EXPECT_NE(test, err, 0);
	if (!err && is_alive(w))
		KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, dma), page_to_phys(page));
	if (!err)
		dma_unmap_page(w->dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	end(w);
}

/* Three mappings that the device is told of when the domain is attached */
static void misbehave_replay(struct kunit *test)
{
	struct world *w = begin(test);
	struct iommu_domain *domain = core_domain(test, w->dev);

	KUNIT_ASSERT_EQ(test, core_scatter(domain, 0, 3), 0);
	go_wrong(w, VIRTIO_IOMMU_T_MAP);
	attach_and_judge(w, domain);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, core_scatter_iova(1)),
			core_scatter_phys(1));

	/* The mappings are the domain's all the same */
	mock_script_clear(w->mock);
	if (is_alive(w)) {
		KUNIT_EXPECT_EQ(test, iommu_attach_group(domain, w->dev->iommu_group), 0);
		KUNIT_EXPECT_EQ(test, core_scattered(w->mock, EP, 0, 3), 3);
		iommu_detach_group(domain, w->dev->iommu_group);
	}
	core_free(test, domain);
	end(w);
}

/* ---- UNMAP ------------------------------------------------------------------ */

static void misbehave_unmap(struct kunit *test)
{
	struct world *w = begin(test);
	struct iommu_domain *domain = core_domain(test, w->dev);
	struct page *page = core_page(test);

	KUNIT_ASSERT_EQ(test, iommu_attach_group(domain, w->dev->iommu_group), 0);
	KUNIT_ASSERT_EQ(test, iommu_map(domain, CORE_IOVA, page_to_phys(page), PAGE_SIZE, CORE_RW,
					GFP_KERNEL), 0);
	go_wrong(w, VIRTIO_IOMMU_T_UNMAP);
	/* It cannot fail */
	KUNIT_EXPECT_EQ(test, iommu_unmap(domain, CORE_IOVA, PAGE_SIZE), PAGE_SIZE);
	expect_prompt(w);
	KUNIT_EXPECT_EQ(test, iommu_iova_to_phys(domain, CORE_IOVA), 0);
	KUNIT_EXPECT_FALSE(test, core_exposed(w->mock, EP, CORE_IOVA, page));
	if (w->answer->outcome == WORKS)
		KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, CORE_IOVA), CORE_REFUSED);

	/* What was there does not return with the domain */
	iommu_detach_group(domain, w->dev->iommu_group);
	mock_script_clear(w->mock);
	if (is_alive(w)) {
		KUNIT_EXPECT_EQ(test, page_count(page), 1);
		KUNIT_EXPECT_EQ(test, iommu_attach_group(domain, w->dev->iommu_group), 0);
		KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, CORE_IOVA), CORE_REFUSED);
		iommu_detach_group(domain, w->dev->iommu_group);
	}
	core_free(test, domain);
	end(w);
}

static void misbehave_unmap_dma(struct kunit *test)
{
	struct world *w = begin(test);
	struct page *page = core_page(test);
	dma_addr_t dma = dma_map_page(w->dev, page, 0, PAGE_SIZE, DMA_BIDIRECTIONAL);

	KUNIT_ASSERT_FALSE(test, dma_mapping_error(w->dev, dma));
	go_wrong(w, VIRTIO_IOMMU_T_UNMAP);
	dma_unmap_page(w->dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	flush(w->dev);
	expect_prompt(w);
	if (w->answer->outcome == WORKS)
		KUNIT_EXPECT_EQ(test, core_reaches(w->mock, EP, dma), CORE_REFUSED);
	/* The device may have kept the one mapping, and do so for ever */
	w->mappings = is_alive(w) ? mock_nr_mappings(w->mock) : 0;
	end(w);
}

/* ---- PROBE ------------------------------------------------------------------ */

static void misbehave_probe(struct kunit *test)
{
	struct world *w = begin(test);
	const u32 id = EP_NEW;
	struct device *dev;

	go_wrong(w, VIRTIO_IOMMU_T_PROBE);
	dev = mock_endpoint_try(w->mock, &id, 1);
	expect_error(w, mock_translated(dev) ? 0 : -ENODEV, -ENODEV);
	if (w->answer->outcome == WORKS)
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	mock_endpoint_remove(dev);
	end(w);
}

/* ---- At any time ------------------------------------------------------------ */

/* The device says that config space has changed, which means nothing. */
static void config_changes(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);
	unsigned int i;

	for (i = 0; i < 100; i++) {
		mock_config_changed(mock);
		KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
	}
	mock_unbind(mock);
	mock_config_changed(mock);
	KUNIT_EXPECT_EQ(test, mock_bind(mock), 0);
}

/* NEEDS_RESET out of the blue: whether DMA goes on is the device's choice. */
static void needs_reset_idle(struct kunit *test)
{
	struct mock *mock = mock_start(test, mock_strict);
	struct device *dev = mock_endpoint(mock, EP);

	set_deadline(test, __stringify(SHORT_MS));
	mock_needs_reset(mock);
	core_dma(dev);
	mock_unbind(mock);
	KUNIT_EXPECT_FALSE(test, mock_bound(mock));
	KUNIT_EXPECT_EQ(test, mock_bind(mock), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(mock, EP_NEW)), 0);
}

static void break_ring(struct world *w)
{
	virtio_break_device(mock_virtio(w->mock));
}

/* The transport breaks the ring while somebody waits: he waits no longer. */
static void ring_breaks_in_flight(struct kunit *test)
{
	static const struct answer never = { .how = MOCK_NO_ANSWER, .outcome = DIES };
	static const struct mock_script script = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .how = MOCK_NO_ANSWER,
	};
	struct world *w = begin(test);
	ktime_t start = ktime_get();

	w->answer = &never;
	mock_script(w->mock, &script);
	start_meanwhile(w, break_ring);
	KUNIT_EXPECT_NE(test, core_dma(w->dev), 0);
	/* Not the deadline, which is 5 s, but the ring */
	KUNIT_EXPECT_LT(test, ktime_ms_delta(ktime_get(), start), 4000);
	end(w);
}

static void ring_breaks_idle(struct kunit *test)
{
	static const struct answer never = { .how = MOCK_NO_ANSWER, .outcome = DIES };
	struct world *w = begin(test);

	w->answer = &never;
	virtio_break_device(mock_virtio(w->mock));
	end(w);
}

/* ---- The suite -------------------------------------------------------------- */

static void misbehave_exit(struct kunit *test)
{
	core_set_param("virtio_iommu.timeout_ms", LONG_MS);
}

static struct kunit_case misbehave_cases[] = {
	KUNIT_CASE_PARAM(misbehave_attach_first, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_attach_move, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_detach, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_map, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_map_dma, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_replay, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_unmap, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_unmap_dma, answers_gen_params),
	KUNIT_CASE_PARAM(misbehave_probe, answers_gen_params),
	KUNIT_CASE(config_changes),
	KUNIT_CASE(needs_reset_idle),
	KUNIT_CASE(ring_breaks_in_flight),
	KUNIT_CASE(ring_breaks_idle),
	{}
};

static struct kunit_suite misbehave_suite = {
	.name = "viommu_misbehave",
	.exit = misbehave_exit,
	.test_cases = misbehave_cases,
};

kunit_test_suite(misbehave_suite);
MODULE_DESCRIPTION("Every request answered wrongly");
MODULE_LICENSE("GPL");
