// SPDX-License-Identifier: GPL-2.0
/*
 * R37 to R41: events.
 *
 * What a driver makes of a fault it tells the world in the log, if nowhere
 * else. Each fault is given an address that nobody else would print: a line
 * that has it is about that fault. Nobody prescribes words, so that lines are
 * only ever compared with each other.
 *
 * Drivers limit how much they say, in a few seconds. So a fault that has to be
 * told of is raised again until it is; one that must be ignored goes between
 * two that are told of.
 */
#include <linux/delay.h>
#include <linux/iopoll.h>
#include <linux/sprintf.h>
#include <linux/string.h>

#include "conformance.h"

#define ID		0x60
#define SAID_AGAIN_MS	500
#define SAID_TRIES	16
#define BACK_US		(10 * USEC_PER_SEC)

#define READ_AT		(VIRTIO_IOMMU_FAULT_F_READ | VIRTIO_IOMMU_FAULT_F_ADDRESS)

/* A fault of reading @address, of the reason that most have */
static struct virtio_iommu_fault read_fault(u64 address)
{
	return (struct virtio_iommu_fault) {
		.reason = VIRTIO_IOMMU_FAULT_R_MAPPING,
		.flags = cpu_to_le32(READ_AT),
		.endpoint = cpu_to_le32(ID),
		.address = cpu_to_le64(address),
	};
}

/* Addresses of decimal digits alone: no matter how a driver prints hexadecimal. */
static u64 marked(unsigned int number)
{
	return 0x471100990000ULL + (number << 12);
}

static struct mock *start_with_endpoint(struct kunit *test)
{
	struct mock *mock = conform_start(test, test->param_value);

	mock_endpoint(mock, ID);
	KUNIT_ASSERT_GT(test, mock_event_buffers(mock), 0);
	return mock;
}

/* Raises an event, and waits until the driver has given its buffer back. */
static void raise_event(struct kunit *test, struct mock *mock,
			const struct virtio_iommu_fault *fault)
{
	const unsigned int before = mock_event_buffers(mock);
	unsigned int now;

	KUNIT_ASSERT_EQ(test, mock_event(mock, fault, sizeof(*fault)), 0);
	KUNIT_ASSERT_EQ_MSG(test, read_poll_timeout(mock_event_buffers, now, now >= before,
						    USEC_PER_MSEC, BACK_US, false, mock), 0,
			    "an event buffer does not come back");
}

static bool is_told(struct conform_log *log, const struct virtio_iommu_fault *fault)
{
	char address[2 * sizeof(u64) + 1];

	snprintf(address, sizeof(address), "%llx", le64_to_cpu(fault->address));
	return conform_log_find(log, address);
}

/* Raises a fault until the driver tells of it; the line is in @log. */
static void raise_until_told(struct kunit *test, struct mock *mock,
			     const struct virtio_iommu_fault *fault, struct conform_log *log)
{
	unsigned int tries;

	for (tries = 0; tries < SAID_TRIES; tries++) {
		conform_log_begin(log);
		raise_event(test, mock, fault);
		if (is_told(log, fault))
			return;
		msleep(SAID_AGAIN_MS);
	}
	KUNIT_FAIL_AND_ABORT(test, "a fault at 0x%llx is not reported",
			     le64_to_cpu(fault->address));
}

/* Raises another fault: what the driver tells of it is the same. */
static void expect_told_alike(struct kunit *test, struct mock *mock,
			      const struct virtio_iommu_fault *strange,
			      const struct virtio_iommu_fault *plain)
{
	struct conform_log *log = kunit_kcalloc(test, 2, sizeof(*log), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, log);
	raise_until_told(test, mock, plain, &log[0]);
	raise_until_told(test, mock, strange, &log[1]);
	KUNIT_EXPECT_STREQ(test, log[1].line, log[0].line);
}

/* A driver that reports such an event tells of an address that it should not have read. */
void R37_event_head(struct kunit *test)
{
	struct mock *mock = start_with_endpoint(test);
	struct conform_log *log = kunit_kcalloc(test, 2, sizeof(*log), GFP_KERNEL);
	struct virtio_iommu_fault good = read_fault(marked(1)), forged = read_fault(marked(2));
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, log);
	conform_log_begin(&log[0]);
	for (i = 0; i < sizeof(forged.reserved); i++) {
		memset(forged.reserved, 0, sizeof(forged.reserved));
		forged.reserved[i] = 0x80 >> i;
		raise_until_told(test, mock, &good, &log[1]);
		raise_event(test, mock, &forged);
		raise_until_told(test, mock, &good, &log[1]);
		KUNIT_EXPECT_FALSE_MSG(test, is_told(&log[0], &forged),
				       "an event with head.reserved[%u] is reported", i);
	}
}

/* A driver that takes the event for another, or for none, does not tell of it as of a plain one. */
void R38_event_reserved(struct kunit *test)
{
	struct mock *mock = start_with_endpoint(test);
	struct virtio_iommu_fault plain = read_fault(marked(3)), strange = plain;

	memset(&strange.reserved2, 0xff, sizeof(strange.reserved2));
	expect_told_alike(test, mock, &strange, &plain);
	memset(&strange.reserved2, 0, sizeof(strange.reserved2));
	*(u8 *)&strange.reserved2 = 1;
	expect_told_alike(test, mock, &strange, &plain);
}

/* As R38. */
void R39_event_flags(struct kunit *test)
{
	/* EXEC is in no specification, but in the kernel's header: to be fair */
	const u32 defined = VIRTIO_IOMMU_FAULT_F_READ | VIRTIO_IOMMU_FAULT_F_WRITE |
			    VIRTIO_IOMMU_FAULT_F_EXEC | VIRTIO_IOMMU_FAULT_F_ADDRESS;
	struct mock *mock = start_with_endpoint(test);
	struct virtio_iommu_fault plain = read_fault(marked(4)), strange = plain;

	strange.flags |= cpu_to_le32(~defined);
	expect_told_alike(test, mock, &strange, &plain);
	plain.flags = cpu_to_le32(VIRTIO_IOMMU_FAULT_F_WRITE | VIRTIO_IOMMU_FAULT_F_ADDRESS);
	strange.flags = plain.flags | cpu_to_le32(BIT(31));
	expect_told_alike(test, mock, &strange, &plain);
}

/* A driver that drops what it does not know, or takes it for a known reason, tells so. */
void R40_event_reason(struct kunit *test)
{
	static const u8 reasons[] = { 3, 4, 0x80, 0xff };
	struct mock *mock = start_with_endpoint(test);
	struct virtio_iommu_fault plain = read_fault(marked(5)), strange = plain;
	unsigned int i;

	plain.reason = VIRTIO_IOMMU_FAULT_R_UNKNOWN;
	for (i = 0; i < ARRAY_SIZE(reasons); i++) {
		strange.reason = reasons[i];
		expect_told_alike(test, mock, &strange, &plain);
	}
}

/* Raises events until there is no buffer left; and all come back. */
static void use_up_buffers(struct kunit *test, struct mock *mock,
			   const struct virtio_iommu_fault *fault, unsigned int all)
{
	unsigned int now, raised = 0;

	while (raised < 4 * all && !mock_event(mock, fault, sizeof(*fault)))
		raised++;
	KUNIT_EXPECT_GT(test, raised, 0);
	KUNIT_ASSERT_EQ_MSG(test, read_poll_timeout(mock_event_buffers, now, now >= all,
						    USEC_PER_MSEC, BACK_US, false, mock), 0,
			    "of %u event buffers, not all come back", all);
}

/*
 * A driver that does not fill the queue, loses a buffer with an event it does
 * not like, or trips over a missing address, runs out of buffers.
 */
void R41_event_buffers(struct kunit *test)
{
	struct mock *mock = start_with_endpoint(test);
	const unsigned int all = mock_event_buffers(mock);
	struct virtio_iommu_fault fault = read_fault(marked(6));
	unsigned int round;

	use_up_buffers(test, mock, &fault, all);
	fault.flags = cpu_to_le32(VIRTIO_IOMMU_FAULT_F_WRITE);
	use_up_buffers(test, mock, &fault, all);
	fault.flags = 0;
	fault.reserved[0] = 1;
	for (round = 0; round < 3; round++)
		use_up_buffers(test, mock, &fault, all);
	conform_judged(test, mock, 41);
}
