// SPDX-License-Identifier: GPL-2.0
/*
 * Everything at once, for a while: eight threads map, have the device read and
 * write, and unmap, while it refuses some of it and takes its time; and the
 * driver is taken from the IOMMU and given back in the middle of that. In the
 * end nothing may be left, and no byte may have been wrong.
 *
 * viommu_stress.seconds says for how long each case goes on.
 */
#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/moduleparam.h>
#include <linux/platform_device.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/scatterlist.h>
#include <linux/workqueue.h>

#include "core.h"

#undef MODULE_PARAM_PREFIX
#define MODULE_PARAM_PREFIX	"viommu_stress."

#define ID		0x91
#define WORKERS		8
#define ROOM		SZ_16K	/* of each worker */
#define PIECES		4	/* of a scatter list */
#define FLUSH_MS	5000	/* within which lazy mode has come to an end */

static unsigned int seconds = 2;
module_param(seconds, uint, 0444);
MODULE_PARM_DESC(seconds, "how long each case goes on");

static struct workqueue_struct *threads;

/* ---- Workers ---------------------------------------------------------------------- */

struct stress;

struct worker {
	struct work_struct work;
	struct stress *stress;
	struct device *dev;
	struct rnd_state rnd;
	u8 *ram;		/* what the device is let at */
	u8 *seen;		/* what it has seen of that */
	unsigned int done;
	unsigned int refused;
};

struct stress {
	struct kunit *test;
	struct mock *mock;
	struct rnd_state rnd;
	ktime_t end;
	bool stop;
	const char *complaint;
	struct worker worker[WORKERS];
};

static void complain(struct worker *worker, const char *complaint)
{
	cmpxchg(&worker->stress->complaint, NULL, complaint);
}

static u32 below(struct rnd_state *rnd, u32 limit)
{
	return prandom_u32_state(rnd) % limit;
}

/* The device reads what is there, and writes something else to it. */
static bool device_agrees(struct worker *worker, dma_addr_t dma, u8 *ram, size_t len)
{
	if (mock_dma_read(worker->dev, dma, worker->seen, len) ||
	    memcmp(worker->seen, ram, len))
		return false;
	prandom_bytes_state(&worker->rnd, worker->seen, len);
	return !mock_dma_write(worker->dev, dma, worker->seen, len) &&
	       !memcmp(worker->seen, ram, len);
}

static void one_buffer(struct worker *worker)
{
	size_t offset = below(&worker->rnd, ROOM), len = 1 + below(&worker->rnd, ROOM - offset);
	u8 *ram = worker->ram + offset;
	dma_addr_t dma = dma_map_single(worker->dev, ram, len, DMA_BIDIRECTIONAL);

	if (dma_mapping_error(worker->dev, dma)) {
		worker->refused++;
		return;
	}
	if (!device_agrees(worker, dma, ram, len))
		complain(worker, "the device and a buffer do not agree");
	dma_unmap_single(worker->dev, dma, len, DMA_BIDIRECTIONAL);
	worker->done++;
}

/* A piece for each quarter of the room, in reverse: none continues the one before. */
static void cut_up(struct worker *worker, struct scatterlist *sg)
{
	const size_t quarter = ROOM / PIECES;
	unsigned int i;

	sg_init_table(sg, PIECES);
	for (i = 0; i < PIECES; i++) {
		size_t offset = below(&worker->rnd, quarter);

		sg_set_buf(&sg[i], worker->ram + (PIECES - 1 - i) * quarter + offset,
			   1 + below(&worker->rnd, quarter - offset));
	}
}

/* Read all of a list as the device sees it; the bytes there were */
static size_t read_list(struct worker *worker, struct scatterlist *sg, int mapped)
{
	struct scatterlist *piece;
	size_t len = 0;
	int i;

	for_each_sg(sg, piece, mapped, i) {
		if (len + sg_dma_len(piece) > ROOM ||
		    mock_dma_read(worker->dev, sg_dma_address(piece), worker->seen + len,
				  sg_dma_len(piece)))
			return 0;
		len += sg_dma_len(piece);
	}
	return len;
}

static bool device_has_list(struct worker *worker, struct scatterlist *sg, int mapped)
{
	size_t len = read_list(worker, sg, mapped), at = 0;
	unsigned int i;

	for (i = 0; i < PIECES; i++) {
		if (at + sg[i].length > len ||
		    memcmp(worker->seen + at, sg_virt(&sg[i]), sg[i].length))
			return false;
		at += sg[i].length;
	}
	return at == len;
}

static void one_list(struct worker *worker)
{
	struct scatterlist sg[PIECES];
	int mapped;

	cut_up(worker, sg);
	mapped = dma_map_sg(worker->dev, sg, PIECES, DMA_BIDIRECTIONAL);
	if (!mapped) {
		worker->refused++;
		return;
	}
	if (!device_has_list(worker, sg, mapped))
		complain(worker, "the device and a scatter list do not agree");
	dma_unmap_sg(worker->dev, sg, PIECES, DMA_BIDIRECTIONAL);
	worker->done++;
}

/* Those who wait do so busily. The one who answers shares their processors, and goes first. */
static void worker_work(struct work_struct *work)
{
	struct worker *worker = container_of(work, struct worker, work);

	set_user_nice(current, MAX_NICE);
	while (!READ_ONCE(worker->stress->stop)) {
		if (below(&worker->rnd, 2))
			one_buffer(worker);
		else
			one_list(worker);
		cond_resched();
	}
	set_user_nice(current, 0);
}

static void start_workers(struct stress *stress, struct device *dev, unsigned int first,
			  unsigned int nr)
{
	unsigned int i;

	for (i = first; i < first + nr; i++) {
		stress->worker[i].dev = dev;
		INIT_WORK(&stress->worker[i].work, worker_work);
		queue_work(threads, &stress->worker[i].work);
	}
}

static void stop_workers(struct stress *stress, unsigned int first, unsigned int nr)
{
	unsigned int i;

	WRITE_ONCE(stress->stop, true);
	for (i = first; i < first + nr; i++)
		flush_work(&stress->worker[i].work);
}

static struct stress *new_stress(struct kunit *test, u64 rings)
{
	struct stress *stress = kunit_kzalloc(test, sizeof(*stress), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, stress);
	stress->test = test;
	stress->mock = mock_start_features(test, mock_strict, rings, 0);
	stress->end = ktime_add_ms(ktime_get(), seconds * MSEC_PER_SEC);
	prandom_seed_state(&stress->rnd, 42);
	for (i = 0; i < WORKERS; i++) {
		struct worker *worker = &stress->worker[i];

		worker->stress = stress;
		worker->ram = kunit_kzalloc(test, ROOM, GFP_KERNEL);
		worker->seen = kunit_kzalloc(test, ROOM, GFP_KERNEL);
		KUNIT_ASSERT_NOT_NULL(test, worker->ram);
		KUNIT_ASSERT_NOT_NULL(test, worker->seen);
		prandom_seed_state(&worker->rnd, 4242 + i);
		prandom_bytes_state(&worker->rnd, worker->ram, ROOM);
	}
	return stress;
}

static bool time_is_up(struct stress *stress)
{
	return ktime_after(ktime_get(), stress->end) || READ_ONCE(stress->complaint);
}

static void expect_good_work(struct stress *stress)
{
	const char *complaint = READ_ONCE(stress->complaint);
	unsigned int i, done = 0, refused = 0;

	for (i = 0; i < WORKERS; i++) {
		done += stress->worker[i].done;
		refused += stress->worker[i].refused;
	}
	if (complaint)
		KUNIT_FAIL(stress->test, "%s", complaint);
	KUNIT_EXPECT_GT(stress->test, done, WORKERS);
	KUNIT_EXPECT_GT(stress->test, refused, 0);
	kunit_info(stress->test, "%u mapped and unmapped, %u refused", done, refused);
}

/* ---- Faults ------------------------------------------------------------------------- */

static void refuse_some(struct stress *stress)
{
	const struct mock_script refuse = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY,
		.skip = below(&stress->rnd, 20), .count = 1 + below(&stress->rnd, 3),
		.how = MOCK_DO_NOT | MOCK_STATUS,
		.status = VIRTIO_IOMMU_S_IOERR + below(&stress->rnd, VIRTIO_IOMMU_S_NOMEM),
	};

	mock_script(stress->mock, &refuse);
}

static void delay_one(struct stress *stress)
{
	const struct mock_script delay = {
		.endpoint = MOCK_ANY, .skip = below(&stress->rnd, 20), .count = 1,
		.how = MOCK_DELAY, .delay_ms = 1 + below(&stress->rnd, 5),
	};

	mock_script(stress->mock, &delay);
}

/*
 * Not in lazy mode: its timers wait where nobody else can run, and once one of
 * them is on each of the guest's processors, nor can what answers.
 */
static void answer_late(struct stress *stress)
{
	if (below(&stress->rnd, 2))
		mock_answer_at_once(stress->mock);
	else
		mock_answer_later(stress->mock, 10 + below(&stress->rnd, 200),
				  below(&stress->rnd, 2), below(&stress->rnd, 2));
	delay_one(stress);
}

/* Some MAPs are refused, for whatever reason; some answers are late. */
static void another_mood(struct stress *stress, bool lazy)
{
	mock_script_clear(stress->mock);
	refuse_some(stress);
	if (!lazy)
		answer_late(stress);
}

static void be_good(struct stress *stress)
{
	mock_script_clear(stress->mock);
	mock_answer_at_once(stress->mock);
}

/* ---- Eight threads ------------------------------------------------------------------- */

#define PACKED		BIT_ULL(VIRTIO_F_RING_PACKED)
#define IN_ORDER	BIT_ULL(VIRTIO_F_IN_ORDER)

/* @rings: features of theirs; without IN_ORDER, answers that are late are overtaken */
struct setting {
	const char *name;
	const char *type;
	bool lazy;
	u64 rings;
};

static const struct setting settings[] = {
	{ "strict, split", "DMA", false, 0 },
	{ "lazy, split, in order", "DMA-FQ", true, IN_ORDER },
	{ "strict, packed, in order", "DMA", false, PACKED | IN_ORDER },
	{ "lazy, packed", "DMA-FQ", true, PACKED },
};

KUNIT_ARRAY_PARAM_DESC(setting, settings, name);

static bool nothing_is_mapped(struct mock *mock)
{
	ktime_t end = ktime_add_ms(ktime_get(), FLUSH_MS);

	while (mock_nr_mappings(mock) && ktime_before(ktime_get(), end))
		msleep(20);
	return !mock_nr_mappings(mock);
}

static void eight_threads_and_a_moody_device(struct kunit *test)
{
	const struct setting *setting = test->param_value;
	struct stress *stress = new_stress(test, setting->rings);
	struct device *dev = mock_endpoint(stress->mock, ID);
	unsigned int domains;

	KUNIT_ASSERT_EQ(test, core_set_type(dev, setting->type), 0);
	domains = mock_nr_domains(stress->mock);
	start_workers(stress, dev, 0, WORKERS);
	do {
		another_mood(stress, setting->lazy);
		msleep(20);
	} while (!time_is_up(stress));
	be_good(stress);
	stop_workers(stress, 0, WORKERS);

	expect_good_work(stress);
	KUNIT_EXPECT_TRUE(test, nothing_is_mapped(stress->mock));
	KUNIT_EXPECT_EQ(test, mock_nr_domains(stress->mock), domains);
	KUNIT_EXPECT_EQ(test, core_dma(dev), 0);
}

/* ---- The driver goes and comes --------------------------------------------------------- */

/* The driver of endpoints: it has half of the workers for each. */
static struct stress *tenants;

static int tenant_probe(struct platform_device *pdev)
{
	const unsigned int first = tenants->worker[0].dev ? WORKERS / 2 : 0;

	platform_set_drvdata(pdev, &tenants->worker[first]);
	start_workers(tenants, &pdev->dev, first, WORKERS / 2);
	return 0;
}

static void tenant_remove(struct platform_device *pdev)
{
	struct worker *first = platform_get_drvdata(pdev);

	stop_workers(tenants, first - tenants->worker, WORKERS / 2);
	first->dev = NULL;
}

static struct platform_driver tenant_driver = {
	.probe = tenant_probe,
	.remove = tenant_remove,
	.driver.name = "viommu-mock-device",
};

static void tenants_leave(void *unused)
{
	platform_driver_unregister(&tenant_driver);
}

/* A type is chosen before there is a driver. */
static void tenants_come(struct stress *stress, struct device **dev, const char *type)
{
	struct kunit *test = stress->test;
	unsigned int i;

	WRITE_ONCE(stress->stop, false);
	for (i = 0; i < 2; i++) {
		dev[i] = mock_endpoint(stress->mock, ID + i);
		KUNIT_ASSERT_EQ(test, core_set_type(dev[i], type), 0);
	}
	KUNIT_ASSERT_EQ(test, platform_driver_register(&tenant_driver), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, tenants_leave, NULL), 0);
}

static void rebind_once(struct stress *stress, const struct setting *setting)
{
	struct kunit *test = stress->test;
	struct mock *mock = stress->mock;
	struct device *dev[2];
	unsigned int i;

	tenants_come(stress, dev, setting->type);
	for (i = 0; i < 5; i++) {
		another_mood(stress, setting->lazy);
		msleep(20);
	}
	mock_script_clear(mock);	/* of the moods, speed and order stay */
	mock_unbind(mock);
	KUNIT_EXPECT_EQ(test, mock_nr_domains(mock), 0);
	for (i = 0; i < 2; i++) {
		KUNIT_EXPECT_FALSE(test, mock_translated(dev[i]));
		mock_endpoint_remove(dev[i]);
	}
	kunit_release_action(test, tenants_leave, NULL);
	KUNIT_ASSERT_EQ(test, mock_bind(mock), 0);
}

static void unbound_and_bound_under_load(struct kunit *test)
{
	const struct setting *setting = test->param_value;
	struct stress *stress = new_stress(test, setting->rings);
	unsigned int rounds = 0;

	tenants = stress;
	do {
		rebind_once(stress, setting);
		rounds++;
	} while (!time_is_up(stress));
	be_good(stress);

	expect_good_work(stress);
	kunit_info(test, "%u times", rounds);
	KUNIT_EXPECT_EQ(test, mock_nr_mappings(stress->mock), 0);
	KUNIT_EXPECT_EQ(test, mock_nr_domains(stress->mock), 0);
	KUNIT_EXPECT_EQ(test, core_dma(mock_endpoint(stress->mock, ID)), 0);
}

/* ---- The suite -------------------------------------------------------------------------- */

static int stress_suite_init(struct kunit_suite *suite)
{
	threads = alloc_workqueue("viommu-stress", WQ_UNBOUND, 0);
	return threads ? 0 : -ENOMEM;
}

static void stress_suite_exit(struct kunit_suite *suite)
{
	if (threads)
		destroy_workqueue(threads);
}

static struct kunit_case stress_cases[] = {
	KUNIT_CASE_PARAM_ATTR(eight_threads_and_a_moody_device, setting_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	KUNIT_CASE_PARAM_ATTR(unbound_and_bound_under_load, setting_gen_params,
			      { .speed = KUNIT_SPEED_SLOW }),
	{ }
};

static struct kunit_suite stress_suite = {
	.name = "viommu_stress",
	.suite_init = stress_suite_init,
	.suite_exit = stress_suite_exit,
	.test_cases = stress_cases,
};

kunit_test_suite(stress_suite);
