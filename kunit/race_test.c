// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that get in each other's way: domains are mapped and unmapped while
 * they are attached and detached, as iommufd does it; replays, failures and
 * answers cross.
 *
 * What may never be: that the device reaches a page after it was unmapped;
 * that it does not have what is mapped, or has it twice, once all threads
 * have come to rest. The mock sees to the latter: overlapping MAPs are a
 * violation of R32.
 */
#include <linux/bitmap.h>
#include <linux/delay.h>
#include <linux/prandom.h>
#include <linux/sched.h>
#include <linux/sched/prio.h>
#include <linux/workqueue.h>

#include "core.h"

#define ID		0x51
#define OTHER		0x52
#define MAPPERS		3
#define PAGES		16	/* of each mapper */
#define STEPS		40	/* of each mapper in each round */
#define ROUNDS		2

static struct workqueue_struct *threads;

/* ---- What all have in common ------------------------------------------------------ */

struct race;

/* Maps and unmaps pages of its own. @phys: where they are mapped to, or 0 */
struct mapper {
	struct work_struct work;
	struct race *race;
	struct rnd_state rnd;
	unsigned int first;
	unsigned int serial;
	u64 phys[PAGES];
};

struct race {
	struct kunit *test;
	struct mock *mock;
	struct device *dev;
	struct iommu_domain *domain;
	bool attached;
	bool maps_fail;
	bool crossed;
	const char *complaint;
	struct mapper mapper[MAPPERS];
};

/* Threads cannot end a test: the first complaint is kept. */
static void complain(struct race *race, const char *complaint)
{
	cmpxchg(&race->complaint, NULL, complaint);
}

static void expect_no_complaint(struct race *race)
{
	const char *complaint = xchg(&race->complaint, NULL);

	if (complaint)
		KUNIT_FAIL(race->test, "%s", complaint);
}

/* How the device answers: at once there is hardly a window, later there is */
struct timing {
	const char *name;
	bool later;
	unsigned int delay_us;
	bool reorder;
	bool polling;
};

static const struct timing timings[] = {
	{ .name = "at once" },
	{ .name = "soon", .later = true, .delay_us = 20 },
	{ .name = "late", .later = true, .delay_us = 500 },
	{ .name = "the last first", .later = true, .delay_us = 200, .reorder = true },
	{ .name = "polling", .later = true, .delay_us = 50, .polling = true },
};

KUNIT_ARRAY_PARAM_DESC(timing, timings, name);

static void set_timing(struct mock *mock, const struct timing *timing)
{
	if (timing->later)
		mock_answer_later(mock, timing->delay_us, timing->reorder, timing->polling);
	else
		mock_answer_at_once(mock);
}

/* Without IN_ORDER, so that answers may come in any. */
static struct race *new_race(struct kunit *test, const struct timing *timing)
{
	struct race *race = kunit_kzalloc(test, sizeof(*race), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, race);
	race->test = test;
	race->mock = mock_start_features(test, mock_strict, 0, BIT_ULL(VIRTIO_F_IN_ORDER));
	race->crossed = true;
	race->dev = mock_endpoint(race->mock, ID);
	KUNIT_ASSERT_EQ(test, core_claim(test, race->dev), 0);
	race->domain = core_domain(test, race->dev);
	for (i = 0; i < MAPPERS; i++) {
		race->mapper[i].race = race;
		race->mapper[i].first = i * PAGES;
		prandom_seed_state(&race->mapper[i].rnd, 1000 + i);
	}
	if (timing)
		set_timing(race->mock, timing);
	return race;
}

/* ---- Those who map ------------------------------------------------------------------ */

static u64 page_iova(const struct mapper *mapper, unsigned int page)
{
	return core_scatter_iova(mapper->first + page);
}

/* No two mappings lead to the same place, at whatever time. */
static u64 next_phys(struct mapper *mapper)
{
	return CORE_PHYS + (((u64)mapper->first << 32) + ++mapper->serial) * PAGE_SIZE;
}

static void check_reached(struct mapper *mapper, unsigned int page, const char *complaint)
{
	u64 reached = core_reaches(mapper->race->mock, ID, page_iova(mapper, page));

	if (reached != CORE_REFUSED && reached != mapper->phys[page])
		complain(mapper->race, complaint);
}

static void map_page(struct mapper *mapper, unsigned int page)
{
	struct race *race = mapper->race;
	u64 phys = next_phys(mapper);
	int err = iommu_map(race->domain, page_iova(mapper, page), phys, PAGE_SIZE, CORE_RW,
			    GFP_KERNEL);

	if (!err)
		mapper->phys[page] = phys;
	else if (!race->maps_fail)
		complain(race, "a page cannot be mapped");
	check_reached(mapper, page, "a page that was mapped leads elsewhere");
}

static void unmap_page(struct mapper *mapper, unsigned int page)
{
	struct race *race = mapper->race;

	if (iommu_unmap(race->domain, page_iova(mapper, page), PAGE_SIZE) != PAGE_SIZE)
		complain(race, "a page cannot be unmapped");
	mapper->phys[page] = 0;
	check_reached(mapper, page, "the device reaches a page that was unmapped");
}

static void step(struct mapper *mapper)
{
	unsigned int page = prandom_u32_state(&mapper->rnd) % PAGES;

	if (mapper->phys[page])
		unmap_page(mapper, page);
	else
		map_page(mapper, page);
}

/* Those who wait do so busily. The one who answers shares their processors, and goes first. */
static void mapper_work(struct work_struct *work)
{
	struct mapper *mapper = container_of(work, struct mapper, work);
	unsigned int i;

	set_user_nice(current, MAX_NICE);
	for (i = 0; i < STEPS || !READ_ONCE(mapper->race->crossed); i++)
		step(mapper);
	set_user_nice(current, 0);
}

static void start_mappers(struct race *race)
{
	unsigned int i;

	for (i = 0; i < MAPPERS; i++) {
		INIT_WORK(&race->mapper[i].work, mapper_work);
		queue_work(threads, &race->mapper[i].work);
	}
}

/* They go on until somebody has come in between at least once, and said so. */
static void start_mappers_to_cross(struct race *race)
{
	race->crossed = false;
	start_mappers(race);
}

static bool mappers_run(struct race *race)
{
	unsigned int i, running = 0;

	for (i = 0; i < MAPPERS; i++)
		running |= work_busy(&race->mapper[i].work);
	return running;
}

static void await_mappers(struct race *race)
{
	unsigned int i;

	for (i = 0; i < MAPPERS; i++)
		flush_work(&race->mapper[i].work);
}

/* ---- Those who attach --------------------------------------------------------------- */

static void attach(struct race *race)
{
	if (iommu_attach_group(race->domain, race->dev->iommu_group))
		complain(race, "the domain cannot be attached");
	else
		race->attached = true;
}

static void detach(struct race *race)
{
	if (race->attached)
		iommu_detach_group(race->domain, race->dev->iommu_group);
	race->attached = false;
}

static void detach_action(void *race)
{
	detach(race);
}

/* ---- At rest -------------------------------------------------------------------------- */

static unsigned int check_mapper(struct race *race, const struct mapper *mapper, u32 id)
{
	unsigned int page, mapped = 0;

	for (page = 0; page < PAGES; page++) {
		u64 iova = page_iova(mapper, page);
		u64 phys = mapper->phys[page];

		KUNIT_EXPECT_EQ(race->test, iommu_iova_to_phys(race->domain, iova), phys);
		KUNIT_EXPECT_EQ(race->test, core_reaches(race->mock, id, iova),
				race->attached && phys ? phys : CORE_REFUSED);
		mapped += !!phys;
	}
	return mapped;
}

/* The device has the domain's mappings, exactly, or none. */
static void check_at_rest(struct race *race, u32 id)
{
	unsigned int i, mapped = 0;

	for (i = 0; i < MAPPERS; i++)
		mapped += check_mapper(race, &race->mapper[i], id);
	KUNIT_EXPECT_EQ(race->test, mock_nr_mappings(race->mock), race->attached ? mapped : 0);
	expect_no_complaint(race);
}

/* ---- Attach against map and unmap ------------------------------------------------------ */

static void mapped_while_attached_and_detached(struct kunit *test)
{
	struct race *race = new_race(test, test->param_value);
	unsigned int round;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	for (round = 0; round < ROUNDS; round++) {
		start_mappers_to_cross(race);
		while (mappers_run(race)) {
			attach(race);
			usleep_range(10, 300);
			detach(race);
			WRITE_ONCE(race->crossed, true);
		}
		await_mappers(race);
		KUNIT_EXPECT_TRUE(test, race->crossed);
		check_at_rest(race, ID);
		attach(race);
		check_at_rest(race, ID);
		detach(race);
		check_at_rest(race, ID);
	}
}

/* Once it is attached for good, it has what was mapped in the meantime. */
static void mapped_while_replayed(struct kunit *test)
{
	struct race *race = new_race(test, test->param_value);
	unsigned int round;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	for (round = 0; round < ROUNDS; round++) {
		start_mappers(race);
		attach(race);
		await_mappers(race);
		check_at_rest(race, ID);
		start_mappers(race);
		detach(race);
		await_mappers(race);
		check_at_rest(race, ID);
	}
}

/* A second endpoint comes and goes, and nobody is to notice. */
static void mapped_while_another_joins_and_leaves(struct kunit *test)
{
	struct race *race = new_race(test, test->param_value);
	struct device *other = mock_endpoint(race->mock, OTHER);

	KUNIT_ASSERT_EQ(test, core_claim(test, other), 0);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	attach(race);
	start_mappers_to_cross(race);
	while (mappers_run(race)) {
		KUNIT_EXPECT_EQ(test, iommu_attach_group(race->domain, other->iommu_group), 0);
		usleep_range(10, 300);
		iommu_detach_group(race->domain, other->iommu_group);
		WRITE_ONCE(race->crossed, true);
	}
	await_mappers(race);
	KUNIT_EXPECT_TRUE(test, race->crossed);
	check_at_rest(race, ID);
	KUNIT_ASSERT_EQ(test, core_attach(test, race->domain, other), 0);
	check_at_rest(race, OTHER);

	/* And the first may leave the second alone */
	detach(race);
	race->attached = true;
	check_at_rest(race, OTHER);
	race->attached = false;
	core_detach(test, other);
	check_at_rest(race, OTHER);
}

/* An attach that fails leaves no count wrong, whatever happened meanwhile. */
static void mapped_while_attaching_fails(struct kunit *test)
{
	const struct mock_script refuse = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = ID, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	struct race *race = new_race(test, test->param_value);

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	start_mappers_to_cross(race);
	while (mappers_run(race)) {
		mock_script(race->mock, &refuse);
		KUNIT_EXPECT_EQ(test, -ENOMEM,
				iommu_attach_group(race->domain, race->dev->iommu_group));
		mock_script_clear(race->mock);
		WRITE_ONCE(race->crossed, true);
	}
	await_mappers(race);
	KUNIT_EXPECT_TRUE(test, race->crossed);
	check_at_rest(race, ID);
	attach(race);
	check_at_rest(race, ID);
	detach(race);
	check_at_rest(race, ID);
}

/* Everything is unmapped while it goes: neither is held up, nothing is left. */
static void unmapped_while_detached(struct kunit *test)
{
	struct race *race = new_race(test, test->param_value);
	unsigned int round, i, page;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	for (round = 0; round < ROUNDS; round++) {
		for (i = 0; i < MAPPERS; i++)
			for (page = 0; page < PAGES; page++)
				if (!race->mapper[i].phys[page])
					map_page(&race->mapper[i], page);
		attach(race);
		start_mappers(race);	/* all is mapped: their steps begin with unmapping */
		detach(race);
		await_mappers(race);
		check_at_rest(race, ID);
	}
}

/* ---- A replay that hangs ----------------------------------------------------------------- */

struct replay {
	struct work_struct work;
	struct race *race;
};

static void replay_work(struct work_struct *work)
{
	attach(container_of(work, struct replay, work)->race);
}

/* Half of a replay has been carried out, one of its MAPs takes its time. */
static void start_slow_replay(struct race *race, struct replay *replay)
{
	const struct mock_script slow = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .skip = PAGES / 2, .count = 1,
		.how = MOCK_DELAY, .delay_ms = 100,
	};
	unsigned int page;

	for (page = 0; page < PAGES; page++)
		map_page(&race->mapper[1], page);
	mock_script(race->mock, &slow);
	replay->race = race;
	INIT_WORK_ONSTACK(&replay->work, replay_work);
	queue_work(threads, &replay->work);
	while (!mock_script_hits(race->mock))
		usleep_range(10, 50);
}

static void mapped_below_and_above_a_replay(struct kunit *test)
{
	struct race *race = new_race(test, NULL);
	struct replay replay;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	start_slow_replay(race, &replay);
	map_page(&race->mapper[0], 0);
	map_page(&race->mapper[2], 0);
	flush_work(&replay.work);
	destroy_work_on_stack(&replay.work);
	check_at_rest(race, ID);
}

static void unmapped_under_a_replay(struct kunit *test)
{
	struct race *race = new_race(test, NULL);
	struct replay replay;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	start_slow_replay(race, &replay);
	unmap_page(&race->mapper[1], 0);		/* the device has it */
	unmap_page(&race->mapper[1], PAGES / 2);	/* whose MAP is not answered */
	unmap_page(&race->mapper[1], PAGES - 1);	/* not yet, or just */
	flush_work(&replay.work);
	destroy_work_on_stack(&replay.work);
	check_at_rest(race, ID);
}

/* ---- Whose answer is it? ------------------------------------------------------------------- */

/*
 * Whoever waits reaps for all. One MAP in some fails, and the one who asked
 * for it, and nobody else, is to hear of it.
 */
static void each_hears_of_his_own_failures(struct kunit *test)
{
	struct race *race = new_race(test, test->param_value);
	struct mock_script fail = {
		.type = VIRTIO_IOMMU_T_MAP, .endpoint = MOCK_ANY, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_NOMEM,
	};
	unsigned int i;

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	attach(race);
	race->maps_fail = true;
	for (i = 0; i < 16; i++) {
		fail.skip = 2 * i;	/* of those that the scripts before leave over */
		mock_script(race->mock, &fail);
	}
	start_mappers(race);
	await_mappers(race);
	KUNIT_EXPECT_EQ(test, mock_script_hits(race->mock), 16);
	check_at_rest(race, ID);
}

/* ---- Answers that the one who is waited for does not see ----------------------------------- */

struct flusher {
	struct work_struct work;
	struct race *race;
	bool stop;
};

/* Somebody who only ever waits, and so takes what is for others */
static void flusher_work(struct work_struct *work)
{
	struct flusher *flusher = container_of(work, struct flusher, work);

	while (!READ_ONCE(flusher->stop)) {
		iommu_flush_iotlb_all(flusher->race->domain);
		cond_resched();
	}
}

static void somebody_takes_all_answers(struct kunit *test)
{
	struct race *race = new_race(test, test->param_value);
	struct flusher flusher = { .race = race };

	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, detach_action, race), 0);
	attach(race);
	INIT_WORK_ONSTACK(&flusher.work, flusher_work);
	queue_work(threads, &flusher.work);
	start_mappers(race);
	await_mappers(race);
	WRITE_ONCE(flusher.stop, true);
	flush_work(&flusher.work);
	destroy_work_on_stack(&flusher.work);
	check_at_rest(race, ID);
}

/* ---- The suite -------------------------------------------------------------------------- */

static int race_suite_init(struct kunit_suite *suite)
{
	threads = alloc_workqueue("viommu-race", WQ_UNBOUND, 0);
	return threads ? 0 : -ENOMEM;
}

static void race_suite_exit(struct kunit_suite *suite)
{
	if (threads)
		destroy_workqueue(threads);
}

static struct kunit_case race_cases[] = {
	KUNIT_CASE_PARAM(mapped_while_attached_and_detached, timing_gen_params),
	KUNIT_CASE_PARAM(mapped_while_replayed, timing_gen_params),
	KUNIT_CASE_PARAM(mapped_while_another_joins_and_leaves, timing_gen_params),
	KUNIT_CASE_PARAM(mapped_while_attaching_fails, timing_gen_params),
	KUNIT_CASE_PARAM(unmapped_while_detached, timing_gen_params),
	KUNIT_CASE(mapped_below_and_above_a_replay),
	KUNIT_CASE(unmapped_under_a_replay),
	KUNIT_CASE_PARAM(each_hears_of_his_own_failures, timing_gen_params),
	KUNIT_CASE_PARAM(somebody_takes_all_answers, timing_gen_params),
	{ }
};

static struct kunit_suite race_suite = {
	.name = "viommu_race",
	.suite_init = race_suite_init,
	.suite_exit = race_suite_exit,
	.test_cases = race_cases,
};

kunit_test_suite(race_suite);
