/* SPDX-License-Identifier: GPL-2.0 */
/* A device for tests of the DMA API, strict or lazy, and what it sees of a buffer. */
#ifndef _DMA_BENCH_H
#define _DMA_BENCH_H

#include <linux/delay.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/vmalloc.h>

#include "core.h"

#define ID	0x51

/* Lazy unmaps are flushed by a timer of 10 ms; emulated guests are slow. */
#define FLUSH_MS	2000

static const char *const modes[] = { "DMA", "DMA-FQ" };

static inline void mode_describe(const char *const *mode, char *desc)
{
	strscpy(desc, *mode, KUNIT_PARAM_DESC_SIZE);
}

KUNIT_ARRAY_PARAM(mode, modes, mode_describe);

static inline bool is_lazy(const char *mode)
{
	return !strcmp(mode, "DMA-FQ");
}

/* A device in the mode that a case has for its parameter */
struct bench {
	struct mock *mock;
	struct device *dev;
	bool lazy;
};

static inline struct bench start_as(struct kunit *test, const struct mock_profile *profile,
				    const char *mode)
{
	struct bench bench = { .lazy = is_lazy(mode) };

	bench.mock = mock_start(test, profile);
	bench.dev = mock_endpoint(bench.mock, ID);
	if (!(profile->quirks & MOCK_Q_STAYS))
		KUNIT_ASSERT_EQ(test, core_set_type(bench.dev, mode), 0);
	mock_mark(bench.mock);
	return bench;
}

static inline struct bench start(struct kunit *test)
{
	return start_as(test, mock_strict, *(const char *const *)test->param_value);
}

static inline u8 *buffer(struct kunit *test, size_t size)
{
	u8 *ram = kunit_kmalloc(test, size, GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, ram);
	get_random_bytes(ram, size);
	return ram;
}

/* Wait for what the device still has to be flushed: whether that came about */
static inline bool flushed(struct bench *bench)
{
	ktime_t end = ktime_add_ms(ktime_get(), bench->lazy ? FLUSH_MS : 0);

	while (mock_nr_mappings(bench->mock) && ktime_before(ktime_get(), end))
		msleep(20);
	return !mock_nr_mappings(bench->mock);
}

static inline bool may(struct bench *bench, dma_addr_t dma, u32 flags)
{
	return core_reaches_as(bench->mock, ID, dma, flags) != CORE_REFUSED;
}

static inline void check_device_reads(struct kunit *test, struct bench *bench, dma_addr_t dma,
				      const u8 *ram, size_t size)
{
	u8 *seen = vmalloc(size);

	KUNIT_ASSERT_NOT_NULL(test, seen);
	KUNIT_EXPECT_EQ(test, mock_dma_read(bench->dev, dma, seen, size), 0);
	KUNIT_EXPECT_EQ(test, memcmp(seen, ram, size), 0);
	vfree(seen);
}

#endif /* _DMA_BENCH_H */
