/* SPDX-License-Identifier: GPL-2.0 */
/*
 * virtio-iommu: what the files of the driver know of each other.
 *
 * Vocabulary: an *endpoint* is an ID that the device knows; a *master* is a
 * device of the kernel, which issues DMA as one endpoint or more; a *domain*
 * is an address space; a *mapping* is what one MAP created. "last" is
 * inclusive, "end" exclusive, "size" and "len" count bytes.
 *
 * Lock order, outermost first:
 *
 *   iommu_probe_device_lock, group->mutex	(the IOMMU core's)
 *     viommu->lock		who is attached to what; sleeps
 *       viommu_domain->lock	mappings and state of a domain; interrupts off
 *         viommu_queue->lock	the ring and its slots; interrupts off
 *
 * viommu_list_lock is a leaf: it is held over walks of the list only.
 */
#ifndef _VIOMMU_H
#define _VIOMMU_H

#include <linux/idr.h>
#include <linux/iommu.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/ratelimit.h>
#include <linux/scatterlist.h>
#include <linux/spinlock.h>
#include <linux/virtio.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "builtin.h"
#include "compat/compat.h"
#include "mapping.h"
#include "proto.h"
#include "resv.h"

struct viommu;
struct viommu_domain;
struct viommu_endpoint;
struct viommu_master;

#define VIOMMU_VERSION	"0.1"

/* ---- queue.c: the request queue ---------------------------------------- */

/**
 * struct viommu_flight - requests that somebody waits for together
 * @slots: those in flight, oldest first
 * @leaving: the domain they belong to is about to vanish from the device,
 *	     which may refuse them for that: a MAP that fails is -EAGAIN
 * @map_errors: how many MAPs failed, ever
 * @map_error: why the last of them did
 *
 * All of it under the queue's lock.
 */
struct viommu_flight {
	struct list_head slots;
	bool leaving;
	unsigned int map_errors;
	int map_error;
};

/**
 * struct viommu_slot - room for one request
 * @link: on the list of free slots, or on its flight
 * @flight: whom it was posted for; NULL while it is free or being filled in
 * @seq: number of the request, by order of posting
 * @result: where its outcome goes, or NULL
 * @len: bytes the device reads
 * @in: what the device writes, the tail at its end
 * @in_len: bytes the device writes
 * @out_sg: describes @req to the ring
 * @in_sg: describes @in to the ring
 * @req: what the device reads
 * @tail: what the device writes, for requests that have no more than that
 */
struct viommu_slot {
	struct list_head link;
	struct viommu_flight *flight;
	u64 seq;
	int *result;
	size_t len;
	void *in;
	size_t in_len;
	struct scatterlist out_sg;
	struct scatterlist in_sg;

	/* Shared with the device: cache lines of their own */
	union viommu_request req ____cacheline_aligned;
	struct virtio_iommu_req_tail tail ____cacheline_aligned;
};

/**
 * struct viommu_queue - the request queue
 * @dev: whom messages name
 * @vq: the ring
 * @slots: all slots; DMA memory
 * @nr_slots: how many
 * @lock: protects the ring and everything below
 * @free: slots nobody uses
 * @broken: the device is dead, or gone: every request fails at once
 * @lost: the ring has not taken a request, as the transport has broken it
 * @kickers: how many CPUs are in the middle of a notification
 * @posted: number of the last request in the ring
 * @decided: number of the last request for which a notification was decided on
 * @notified: number of the last request the device has been notified of
 */
struct viommu_queue {
	struct device *dev;
	struct virtqueue *vq;
	struct viommu_slot *slots;
	unsigned int nr_slots;

	spinlock_t lock;
	struct list_head free;
	bool broken;
	bool lost;
	unsigned int kickers;
	u64 posted;
	u64 decided;
	u64 notified;
};

int viommu_queue_init(struct viommu_queue *queue, struct device *dev, struct virtqueue *vq);
void viommu_queue_stop(struct viommu_queue *queue);
void viommu_queue_free(struct viommu_queue *queue);
bool viommu_queue_broken(struct viommu_queue *queue);

void viommu_flight_init(struct viommu_flight *flight);
void viommu_flight_set_leaving(struct viommu_queue *queue, struct viommu_flight *flight,
			       bool leaving);

struct viommu_slot *viommu_queue_get_slot(struct viommu_queue *queue);
void viommu_queue_put_slot(struct viommu_queue *queue, struct viommu_slot *slot);
void viommu_queue_make_room(struct viommu_queue *queue);
void viommu_queue_post(struct viommu_queue *queue, struct viommu_slot *slot,
		       struct viommu_flight *flight, int *result);
void viommu_queue_wait(struct viommu_queue *queue, struct viommu_flight *flight,
		       bool may_sleep);
int viommu_queue_run(struct viommu_queue *queue, const union viommu_request *req, size_t len,
		     void *in, size_t in_len);

/* ---- config.c: features and config space -------------------------------- */

/**
 * struct viommu_config - what the device offers, checked
 * @pgsize_bitmap: page sizes told to the IOMMU core
 * @granule: smallest page, at most PAGE_SIZE
 * @input_first: lowest IOVA
 * @input_last: highest IOVA, inclusive
 * @domain_first: lowest domain ID
 * @domain_last: highest domain ID, inclusive
 * @probe_size: bytes of properties, 0 without PROBE
 * @size: bytes of config space that may be read
 * @builtin: how the device describes its endpoints by itself, if it does
 * @has_mmio: MAP_F_MMIO may be used
 * @has_bypass: config.bypass and ATTACH_F_BYPASS may be used
 * @bypass: unattached endpoints bypassed when the driver was probed
 */
struct viommu_config {
	unsigned long pgsize_bitmap;
	u64 granule;
	u64 input_first;
	u64 input_last;
	u32 domain_first;
	u32 domain_last;
	u32 probe_size;
	size_t size;
	enum viommu_builtin builtin;
	bool has_mmio;
	bool has_bypass;
	bool bypass;
};

/* Findings printed of a broken description; the rest is for a tool to list */
#define VIOMMU_MAX_FINDINGS	16

int viommu_config_validate(struct virtio_device *vdev);
int viommu_config_read(struct virtio_device *vdev, struct viommu_config *config);
int viommu_config_topology(struct virtio_device *vdev, const struct viommu_config *config,
			   struct viot_table **table);
void viommu_config_set_bypass(struct virtio_device *vdev, bool bypass);

/* ---- fault.c: the event queue -------------------------------------------- */

/**
 * struct viommu_events - the event queue
 * @vq: the ring
 * @buffers: event buffers, all of them with the device or being read
 * @nr: how many
 * @work: reads events
 * @ignored: events that were short, reserved or of an unknown endpoint
 * @running: events are read
 */
struct viommu_events {
	struct virtqueue *vq;
	struct virtio_iommu_fault *buffers;
	unsigned int nr;
	struct work_struct work;
	unsigned int ignored;
	bool running;
};

int viommu_events_init(struct viommu *viommu, struct virtqueue *vq);
void viommu_events_start(struct viommu *viommu);
void viommu_events_stop(struct viommu *viommu);
void viommu_events_free(struct viommu *viommu);
void viommu_events_callback(struct virtqueue *vq);

/* ---- domain.c: address spaces --------------------------------------------- */

/**
 * enum viommu_domain_state - whether the device is told of mappings
 * @VIOMMU_DOMAIN_DETACHED: no endpoint, no domain: it knows of none
 * @VIOMMU_DOMAIN_LIVE: it is told of new ones
 * @VIOMMU_DOMAIN_LEAVING: it may forget all at any moment: not of new ones
 * @VIOMMU_DOMAIN_DEAD: it was to forget all, and may not have: no UNMAP is sent
 *			any more, and none succeeds
 */
enum viommu_domain_state {
	VIOMMU_DOMAIN_DETACHED,
	VIOMMU_DOMAIN_LIVE,
	VIOMMU_DOMAIN_LEAVING,
	VIOMMU_DOMAIN_DEAD,
};

/**
 * struct viommu_domain - a domain, as the core and the device know it
 * @domain: the core's part
 * @viommu: whose it is, with a reference; NULL until it is known
 * @id: domain ID, if @has_id
 * @has_id: an ID has been taken out of domain_range
 * @tainted: the device may still have an endpoint in the domain that it was
 *	     asked to take out: the ID is never used again
 * @bypass: attached with ATTACH_F_BYPASS; never has mappings
 * @nr_endpoints: how many are attached; under viommu->lock
 * @flight: its requests in flight
 * @lock: protects the rest
 * @state: whether the device is told of mappings
 * @life: how often it has been DETACHED, and one; see viommu_mapping.told
 * @lost: a device that should be attached is blocked: nothing can be mapped
 * @mappings: the mappings
 * @leaving: those that lazy unmaps have left, oldest first
 * @nr_unconfirmed: how many are UNCONFIRMED
 * @regions: for an emulated identity domain: what its mappings leave out
 * @link: on viommu->identities, for an emulated identity domain
 */
struct viommu_domain {
	struct iommu_domain domain;
	struct viommu *viommu;
	u32 id;
	bool has_id;
	bool tainted;
	bool bypass;
	unsigned int nr_endpoints;
	struct viommu_flight flight;

	spinlock_t lock;
	enum viommu_domain_state state;
	u32 life;
	bool lost;
	struct viommu_mappings mappings;
	struct list_head leaving;
	unsigned int nr_unconfirmed;

	struct viommu_regions regions;
	struct list_head link;
};

int viommu_domain_setup(void);
void viommu_domain_teardown(void);

struct viommu_domain *viommu_domain_create(struct viommu *viommu);
void viommu_domain_destroy(struct viommu_domain *vdom);
void viommu_domain_finalise(struct viommu_domain *vdom, struct viommu *viommu);
int viommu_domain_add_identity(struct viommu_domain *vdom, u64 start, u64 last);
int viommu_domain_take_id(struct viommu_domain *vdom);
void viommu_domain_drop_id(struct viommu_domain *vdom);
int viommu_domain_go_live(struct viommu_domain *vdom);
bool viommu_domain_is_dead(const struct viommu_domain *vdom);
void viommu_domain_leaving(struct viommu_domain *vdom);
int viommu_domain_stays(struct viommu_domain *vdom);
int viommu_domain_again(struct viommu_domain *vdom);
void viommu_domain_gone(struct viommu_domain *vdom, bool forgotten);
void viommu_domain_set_lost(struct viommu_domain *vdom, bool lost);

bool viommu_domain_told(const struct viommu_domain *vdom, const struct viommu_mapping *mapping);
struct viommu_slot *viommu_domain_lock(struct viommu_domain *vdom, unsigned long *flags);
void viommu_domain_unlock(struct viommu_domain *vdom, struct viommu_slot *slot,
			  unsigned long flags);
void viommu_mapping_drop(struct viommu_domain *vdom, struct viommu_mapping *mapping);

static inline struct viommu_domain *to_viommu_domain(struct iommu_domain *domain)
{
	return container_of(domain, struct viommu_domain, domain);
}

extern const struct iommu_ops viommu_ops;

/* ---- unmap.c: mappings that go ---------------------------------------------- */

/* Mappings looked at before interrupts are let in */
#define VIOMMU_WALK_BATCH	64

size_t viommu_unmap_pages(struct iommu_domain *domain, unsigned long iova, size_t pgsize,
			  size_t pgcount, struct iommu_iotlb_gather *gather);
void viommu_iotlb_sync(struct iommu_domain *domain, struct iommu_iotlb_gather *gather);
void viommu_flush_iotlb_all(struct iommu_domain *domain);
bool viommu_unmap_again(struct viommu_domain *vdom, u64 iova, u64 last);
void viommu_unmap_gone(struct viommu_domain *vdom, bool forgotten);
void viommu_unmap_stays(struct viommu_domain *vdom);

/* ---- attach.c: which domain each endpoint is attached to ------------------ */

int viommu_attach_first(struct viommu_master *master, struct viommu_master *mate);
void viommu_attach_forget(struct viommu_master *master);
void viommu_attach_evict(struct viommu_domain *vdom);
int viommu_attach_master(struct viommu_master *master, struct viommu_domain *vdom);
int viommu_attach_identity(struct viommu_master *master);
int viommu_attach_blocked(struct viommu_master *master);
int viommu_attach_init(struct viommu *viommu);
void viommu_attach_exit(struct viommu *viommu);

/* ---- endpoint.c: devices behind the IOMMU --------------------------------- */

/**
 * struct viommu_endpoint - an ID the device knows; all under viommu->lock
 * @id: the ID
 * @users: how many masters use it; aliases are shared. With none it is kept
 *	   for as long as it is attached, which a released endpoint is
 * @master: one of them, who is named in faults; NULL without users
 * @domain: what it is attached to; NULL if to nothing
 * @before: what it was attached to before the attach that is under way
 * @stuck: it has been abandoned in a domain where there is something to reach
 */
struct viommu_endpoint {
	u32 id;
	unsigned int users;
	struct viommu_master *master;
	struct viommu_domain *domain;
	struct viommu_domain *before;
	bool stuck;
};

/**
 * struct viommu_master - a device of the kernel behind the IOMMU
 * @dev: the device
 * @viommu: its IOMMU
 * @link: on viommu->masters
 * @parked: domain its endpoints wait in until the core attaches them; or NULL
 * @no_identity: the device refuses to let it bypass
 * @regions: reserved regions of all its endpoints
 * @faults: limits its messages
 * @nr_endpoints: how many endpoints it has, each once
 * @endpoint: its endpoints
 */
struct viommu_master {
	struct device *dev;
	struct viommu *viommu;
	struct list_head link;
	struct viommu_domain *parked;
	bool no_identity;
	struct viommu_regions regions;
	struct ratelimit_state faults;
	unsigned int nr_endpoints;
	struct viommu_endpoint *endpoint[];
};

bool viommu_endpoint_unknown(int err);
void viommu_master_drop(struct viommu_master *master, unsigned int i, int err);
void viommu_link_supplier(struct viommu *viommu, struct device *dev);

struct iommu_device *viommu_probe_device(struct device *dev);
void viommu_release_device(struct device *dev);
struct iommu_group *viommu_device_group(struct device *dev);
int viommu_def_domain_type(struct device *dev);
void viommu_get_resv_regions(struct device *dev, struct list_head *head);

/* ---- firmware.c: what device tree and VIOT say ----------------------------- */

/**
 * enum viommu_listed - what the firmware has to say of a device
 * @VIOMMU_UNLISTED: nothing
 * @VIOMMU_LISTED_HERE: it is behind the IOMMU in question
 * @VIOMMU_LISTED_ELSEWHERE: it is behind another, whether that is there or not
 */
enum viommu_listed {
	VIOMMU_UNLISTED,
	VIOMMU_LISTED_HERE,
	VIOMMU_LISTED_ELSEWHERE,
};

void viommu_firmware_init(void);
void viommu_firmware_exit(void);
bool viommu_firmware_has_viot(void);
enum viommu_listed viommu_firmware_rid(const struct viommu *viommu, struct pci_dev *pdev,
				       u16 rid, u32 *id);
enum viommu_listed viommu_firmware_block(const struct viommu *viommu,
					 const struct resource *block, u32 *id);
bool viommu_firmware_of_device(const struct viommu *viommu, struct device *dev);
int viommu_of_xlate(struct device *dev, const struct of_phandle_args *args);

/* ---- topology.c: which device is behind which IOMMU ----------------------- */

void viommu_topology_init(void);
void viommu_topology_exit(void);
struct viommu *viommu_topology_find(struct device *dev);
const struct resource *viommu_topology_block(struct device *dev, unsigned int i);
void viommu_topology_claim(struct viommu *viommu);
bool viommu_topology_does_dma(struct device *dev);
void viommu_topology_report_late(struct viommu *viommu);
int viommu_topology_own_fwnode(struct viommu *viommu);
void viommu_topology_put_fwnode(struct viommu *viommu);

/* ---- main.c: the virtio driver --------------------------------------------- */

/**
 * struct viommu - one virtio-iommu device
 * @ref: held by the driver while bound, by each device taken in, by each domain
 * @iommu: the core's part
 * @vdev: the virtio device, with a reference
 * @dev: its struct device, whom messages name
 * @link: on viommu_list
 * @config: what the device offers
 * @requests: request queue
 * @events: event queue
 * @probe_buf: properties and tail of a PROBE; under @lock
 * @fwnode: made for an IOMMU that the firmware gave none, or NULL
 * @builtin: endpoints that the device describes by itself, or NULL
 * @domain_ids: domain IDs in use, counted from config.domain_first
 * @lock: who is attached to what, and everything below
 * @endpoints: by ID; struct viommu_endpoint
 * @masters: all masters
 * @blocked: the empty domain that blocked endpoints share
 * @bypass: the bypass domain that passthrough endpoints share
 * @identities: emulated identity domains
 */
struct viommu {
	struct kref ref;
	struct iommu_device iommu;
	struct virtio_device *vdev;
	struct device *dev;
	struct list_head link;
	struct viommu_config config;
	struct viommu_queue requests;
	struct viommu_events events;
	void *probe_buf;
	struct fwnode_handle *fwnode;
	struct viot_table *builtin;
	struct ida domain_ids;

	struct mutex lock;
	struct xarray endpoints;
	struct list_head masters;
	struct viommu_domain *blocked;
	struct viommu_domain *bypass;
	struct list_head identities;
};

extern struct list_head viommu_list;
extern struct mutex viommu_list_lock;
extern unsigned int viommu_timeout_ms;

struct viommu *viommu_get(struct viommu *viommu);
void viommu_put(struct viommu *viommu);

#endif /* _VIOMMU_H */
