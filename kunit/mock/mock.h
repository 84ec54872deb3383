/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A virtio-iommu device inside the kernel, for tests of whatever driver the
 * kernel has for it.
 *
 * It is a virtio_device with rings of the ordinary kind. It carries requests
 * out as the specification tells a device to, records them and holds the
 * driver to the specification's requirements, by the numbers R1 to R42 of
 * Documentation/conformance.rst. It also has endpoints, platform devices
 * whose DMA goes through it, and misbehaves as told to.
 *
 * Nothing here knows the driver under test: only the virtio bus, the IOMMU
 * core and the specification.
 */
#ifndef _MOCK_H
#define _MOCK_H

#include <kunit/test.h>
#include <linux/device.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>

#include <uapi/linux/virtio_iommu.h>
#include <uapi/linux/virtio_ring.h>

struct mock;

#define MOCK_NR_REQUIREMENTS	42

/* Addresses that profiles reserve and tests stay clear of */
#define MOCK_MSI_START		0xfee00000ULL
#define MOCK_MSI_LAST		0xfeefffffULL

/* ---- profiles.c: devices there are ----------------------------------------- */

/* What devices do differently from one another, within the specification or not. */
#define MOCK_Q_SILENT_FAILURE	BIT(0)	/* a failed request has a used length of 0 */
#define MOCK_Q_SURVIVES_RESET	BIT(1)	/* domains and mappings outlive a device reset */
#define MOCK_Q_TWO_DESCRIPTORS	BIT(2)	/* other than one readable, one writable fails */
#define MOCK_Q_NO_ATTACH_FLAGS	BIT(3)	/* ATTACH.flags must be 0 */
#define MOCK_Q_STAYS		BIT(4)	/* what is attached neither moves nor detaches: UNSUPP */
#define MOCK_Q_ALONE		BIT(5)	/* one endpoint a domain, the second is UNSUPP */
#define MOCK_Q_SPLIT_REMOVES	BIT(6)	/* a split UNMAP is RANGE after it removed some */
#define MOCK_Q_LAX_MAP		BIT(7)	/* a MAP off the granule or the range is carried out */
#define MOCK_Q_NO_TOP_PAGE	BIT(8)	/* the last page of 2^64 cannot be mapped */
#define MOCK_Q_NO_FAULTS	BIT(9)	/* refused DMA is not reported */
#define MOCK_Q_FLAGLESS_FAULT	BIT(10)	/* "no mapping" comes without READ or WRITE */
#define MOCK_Q_ANY_DETACH	BIT(11)	/* DETACH does not look at the domain */
#define MOCK_Q_UNMAP_INVAL	BIT(12)	/* UNMAP is carried out and still answered INVAL */
#define MOCK_Q_NO_FWNODE	BIT(13)	/* firmware does not describe the IOMMU */
#define MOCK_Q_BYPASS_UNWRITTEN	BIT(14)	/* bypasses until config.bypass is written */
#define MOCK_Q_EMPTIES		BIT(15)	/* ATTACH to where it is alone already empties that */

/**
 * struct mock_region - a region that PROBE reports
 * @subtype: VIRTIO_IOMMU_RESV_MEM_T_*, or one that nobody knows
 * @start: first address
 * @last: last address, inclusive
 */
struct mock_region {
	u8 subtype;
	u64 start;
	u64 last;
};

/**
 * struct mock_profile - a device to be
 * @name: for messages and parameters
 * @features: what it offers, ring bits and VERSION_1 as well
 * @ring: descriptors of each queue; 0 for 256
 * @config_size: bytes of config space; 0 for 40
 * @page_size_mask: as in config space
 * @input_start: as in config space; without bit 0, everything
 * @input_last: as in config space, inclusive
 * @domain_first: as in config space; without bit 1, everything
 * @domain_last: as in config space, inclusive
 * @probe_size: as in config space
 * @bypass: as in config space, after a system reset
 * @max_domains: NOMEM beyond so many; 0 for any number
 * @quirks: MOCK_Q_*
 * @regions: what PROBE reports of every endpoint
 * @nr_regions: how many
 * @config: bytes for config space from @config_at on, or NULL
 * @config_at: where they go
 * @config_len: how many
 */
struct mock_profile {
	const char *name;
	u64 features;
	unsigned int ring;
	size_t config_size;
	u64 page_size_mask;
	u64 input_start;
	u64 input_last;
	u32 domain_first;
	u32 domain_last;
	u32 probe_size;
	u8 bypass;
	unsigned int max_domains;
	u32 quirks;
	const struct mock_region *regions;
	unsigned int nr_regions;
	const void *config;
	size_t config_at;
	size_t config_len;
};

#define MOCK_NR_PROFILES	5

/*
 * qemu, cloud-hypervisor, crosvm and bhyve as they are, and "strict", which
 * offers everything and refuses all that the specification lets a device
 * refuse. It reserves MOCK_RESV_START to MOCK_RESV_LAST, too.
 */
extern const struct mock_profile mock_profiles[MOCK_NR_PROFILES];
extern const struct mock_profile *const mock_strict;	/* the one for most tests */

#define MOCK_RESV_START		0x40000000ULL
#define MOCK_RESV_LAST		0x400fffffULL

void mock_describe(const struct mock_profile *profile, char *desc);

/*
 * KUNIT_CASE_PROFILES(f): a case that runs once for each profile, which is
 * test->param_value. A file that has one says MOCK_PARAM_PROFILES; before its
 * table of cases.
 */
#define MOCK_PARAM_PROFILES	KUNIT_ARRAY_PARAM(mock, mock_profiles, mock_describe)
#define KUNIT_CASE_PROFILES(f)	KUNIT_CASE_PARAM(f, mock_gen_params)

/* ---- device.c: the device's life ----------------------------------------------- */

/*
 * mock_create() makes a device that nobody sees yet, mock_register() lets the
 * driver have it; mock_register_at() likewise, on a transport of the test's.
 * mock_start() does both and fails the test if no driver takes the device.
 * What a test leaves behind is taken down when it ends: endpoints, then the
 * device; and the test fails if the driver violated a requirement that was not
 * expected (mock_expect_violation()), or left the device with endpoints
 * attached to a paging domain that has mappings.
 *
 * Context of everything here, unless said: process, sleeps.
 */
struct mock *mock_create(struct kunit *test, const struct mock_profile *profile);
void mock_register(struct mock *mock);
void mock_register_at(struct mock *mock, struct device *parent);
struct mock *mock_start(struct kunit *test, const struct mock_profile *profile);
struct mock *mock_start_features(struct kunit *test, const struct mock_profile *profile,
				 u64 with, u64 without);	/* a copy with other features */
void mock_unregister(struct mock *mock);	/* also unregisters endpoints; twice is fine */

bool mock_bound(struct mock *mock);		/* the driver's probe succeeded */
void mock_unbind(struct mock *mock);		/* as if through sysfs; the device stays */
int mock_bind(struct mock *mock);		/* the driver again; 0 or its error */
bool mock_negotiated(struct mock *mock, unsigned int feature);
struct virtio_device *mock_virtio(struct mock *mock);
struct fwnode_handle *mock_fwnode(struct mock *mock);
const struct mock_profile *mock_profile(struct mock *mock);

void mock_config_changed(struct mock *mock);	/* interrupt: config space has changed */
void mock_needs_reset(struct mock *mock);	/* NEEDS_RESET and that interrupt */
u8 mock_config_bypass(struct mock *mock);	/* config.bypass as it is now */

/* ---- How it answers ------------------------------------------------------------- */

/*
 * By default the device answers at once, before a notification returns; an
 * interrupt then follows on the same CPU. With mock_answer_later(), a thread
 * of its own answers @delay_us after the notification or more; @reorder: the
 * last request in the ring first (never with IN_ORDER). @polling: the thread
 * looks at the ring all the time and asks for no notifications.
 */
void mock_answer_at_once(struct mock *mock);
void mock_answer_later(struct mock *mock, unsigned int delay_us, bool reorder, bool polling);

/* Not looking at the ring at all, until mock_resume(). Context: any. */
void mock_pause(struct mock *mock);
void mock_resume(struct mock *mock);

/*
 * The next notification of requests is held up on its way to the device, as if
 * its sender had been interrupted, until mock_let_through(). The sender sleeps.
 */
void mock_hold_up(struct mock *mock);
bool mock_held_up(struct mock *mock);		/* it was sent, and waits */
void mock_let_through(struct mock *mock);

/* ---- script.c: misbehaviour ------------------------------------------------------ */

#define MOCK_DO_NOT	BIT(0)	/* the request is judged, but not carried out */
#define MOCK_STATUS	BIT(1)	/* answered with @status */
#define MOCK_LENGTH	BIT(2)	/* answered with a used length of @length */
#define MOCK_NO_ANSWER	BIT(3)	/* never given back */
#define MOCK_DELAY	BIT(4)	/* answered @delay_ms later, by a thread */
#define MOCK_TWICE	BIT(5)	/* given back twice */
#define MOCK_FILL	BIT(6)	/* @fill is what stands before the tail (PROBE) */
#define MOCK_BAD_ID	BIT(7)	/* given back under an ID that is none */
#define MOCK_RESERVED	BIT(8)	/* tail.reserved is not 0 */
#define MOCK_HOLD	BIT(9)	/* given back when mock_release() is called */
#define MOCK_NO_TAIL	BIT(10)	/* the tail is not written to */
#define MOCK_RESET	BIT(11)	/* NEEDS_RESET, and no answer */

/*
 * With IN_ORDER, a request that waits keeps those behind it waiting; behind one
 * that is never given back, none is.
 */

/* Matches every endpoint */
#define MOCK_ANY	0xffffffffU

/**
 * struct mock_script - what to do with some requests
 * @type: VIRTIO_IOMMU_T_*, or 0 for all
 * @endpoint: only for this one (ATTACH, DETACH, PROBE), or MOCK_ANY
 * @skip: how many that match go through before
 * @count: for how many it holds; 0: for all
 * @how: MOCK_DO_NOT to MOCK_RESET
 * @status: for MOCK_STATUS
 * @length: for MOCK_LENGTH
 * @delay_ms: for MOCK_DELAY
 * @fill: for MOCK_FILL; stays with the caller
 * @fill_len: bytes
 */
struct mock_script {
	u8 type;
	u32 endpoint;
	unsigned int skip;
	unsigned int count;
	u32 how;
	u8 status;
	u32 length;
	unsigned int delay_ms;
	const void *fill;
	size_t fill_len;
};

/* The first that matches is followed. Context: any. Up to 16. */
void mock_script(struct mock *mock, const struct mock_script *script);
void mock_script_clear(struct mock *mock);
unsigned int mock_script_hits(struct mock *mock);	/* requests that followed one, ever */
void mock_release(struct mock *mock);			/* gives back what MOCK_HOLD has */

/* ---- events.c: faults -------------------------------------------------------------- */

/* Raw bytes into an event buffer; used length @len. 0, or -EAGAIN without a buffer. */
int mock_event(struct mock *mock, const void *event, size_t len);
int mock_fault(struct mock *mock, u8 reason, u32 flags, u32 endpoint, u64 address);
unsigned int mock_event_buffers(struct mock *mock);	/* how many the driver has given */
unsigned int mock_event_notifications(struct mock *mock);	/* that it has, ever */
/* Raise this fault as soon as the driver sets DRIVER_OK; before mock_register() */
void mock_early_fault(struct mock *mock, u32 endpoint, u64 address);

/* ---- requests.c, judge.c: what was asked for ------------------------------------------ */

/**
 * struct mock_request - one request, as it was received and answered
 * @type: VIRTIO_IOMMU_T_*
 * @status: what it was answered with
 * @domain: 0 if it has none
 * @endpoint: 0 if it has none
 * @virt_start: MAP, UNMAP
 * @virt_end: MAP, UNMAP, inclusive
 * @phys_start: MAP
 * @flags: ATTACH, MAP
 * @in_len: bytes of the writable part
 */
struct mock_request {
	u8 type;
	u8 status;
	u32 domain;
	u32 endpoint;
	u64 virt_start;
	u64 virt_end;
	u64 phys_start;
	u32 flags;
	u32 in_len;
};

#define MOCK_RECORDS	4096	/* as many are kept */

/*
 * Requests are numbered from 0. mock_count() counts those of a type (0: all)
 * since mock_mark(); mock_request() copies one, false if it is gone or not
 * there yet; mock_last() copies the newest of a type since mock_mark().
 * Context: any.
 */
void mock_mark(struct mock *mock);
unsigned int mock_count(struct mock *mock, u8 type);
unsigned int mock_marked(struct mock *mock);		/* number of the first since then */
unsigned int mock_received(struct mock *mock);		/* number of the next */
bool mock_request(struct mock *mock, unsigned int number, struct mock_request *request);
bool mock_last(struct mock *mock, u8 type, struct mock_request *request);
unsigned int mock_notifications(struct mock *mock);	/* for requests, since mock_mark() */

/*
 * Requirements. mock_violations() counts what the driver did against one
 * since the device was made; mock_exercised() how often there was an occasion
 * to judge it at all. mock_expect_violation(): it does not fail the test.
 * mock_judge(): violations fail the test (the default), or are counted only.
 */
unsigned int mock_violations(struct mock *mock, unsigned int requirement);
unsigned int mock_exercised(struct mock *mock, unsigned int requirement);
void mock_expect_violation(struct mock *mock, unsigned int requirement);
void mock_judge(struct mock *mock, bool fatal);

/* What the device has. Context: any. */
unsigned int mock_nr_domains(struct mock *mock);
unsigned int mock_nr_mappings(struct mock *mock);	/* of all domains */
bool mock_attached(struct mock *mock, u32 endpoint, u32 *domain);
bool mock_is_bypass(struct mock *mock, u32 endpoint);	/* its DMA is not translated now */
/* 0 and the address, or -EFAULT; @flags VIRTIO_IOMMU_MAP_F_READ or WRITE or both */
int mock_translate(struct mock *mock, u32 endpoint, u64 iova, u32 flags, u64 *phys);

/* ---- endpoint.c: devices behind it ------------------------------------------------------- */

/*
 * A platform device with a 64-bit DMA mask, whose DMA goes out as any of @ids.
 * mock_endpoint() fails the test if it did not get an IOMMU;
 * mock_endpoint_try() returns it anyway. They go when the test ends, or with
 * mock_endpoint_remove(). mock_endpoint_unknown(): PROBE and ATTACH of an ID
 * answer NOENT; otherwise the device knows every ID.
 */
struct device *mock_endpoint(struct mock *mock, u32 id);
struct device *mock_endpoint_ids(struct mock *mock, const u32 *ids, unsigned int nr);
struct device *mock_endpoint_try(struct mock *mock, const u32 *ids, unsigned int nr);
/* Without fwspec: with a register block, for a driver that finds out by itself */
struct device *mock_endpoint_plain(struct mock *mock, u64 base, u32 id);
void mock_endpoint_remove(struct device *dev);
void mock_endpoint_unknown(struct mock *mock, u32 id);
bool mock_translated(struct device *dev);		/* an IOMMU has taken it in */

/*
 * DMA of @dev as its first ID (or as @id): through the IOMMU, as the device
 * sees memory. Refused DMA raises a fault, unless the profile never does.
 * Context: any. Return: 0 or -EFAULT; then part of it may be done.
 */
int mock_dma_read(struct device *dev, u64 iova, void *buf, size_t len);
int mock_dma_write(struct device *dev, u64 iova, const void *buf, size_t len);
int mock_dma_read_as(struct mock *mock, u32 id, u64 iova, void *buf, size_t len);
int mock_dma_write_as(struct mock *mock, u32 id, u64 iova, const void *buf, size_t len);

#endif /* _MOCK_H */
