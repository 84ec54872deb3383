// SPDX-License-Identifier: GPL-2.0
/*
 * Judges requests and carries them out: domains, endpoints and mappings, as the
 * device has them. Everything that the specification has a device refuse is
 * refused, and held against the driver, which ought not to have asked. A test
 * may have a request not carried out; it is judged all the same.
 */
#include <linux/slab.h>
#include <linux/unaligned.h>

#include "internal.h"

#define MOCK_MAP_FLAGS	(VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE | \
			 VIRTIO_IOMMU_MAP_F_MMIO)

/* From wherever the driver notifies; a device that is short of memory says so. */
static void *mock_zalloc(size_t size)
{
	return kzalloc(size, GFP_ATOMIC | __GFP_NOWARN);
}

u64 mock_granule(const struct mock *mock)
{
	return mock->profile.page_size_mask & -mock->profile.page_size_mask;
}

static bool mock_accepted(const struct mock *mock, unsigned int feature)
{
	return mock->vdev.features & BIT_ULL(feature);
}

/* ---- Endpoints and domains ---------------------------------------------------- */

static struct mock_ep *mock_get_ep(struct mock *mock, u32 id)
{
	struct mock_ep *ep;

	list_for_each_entry(ep, &mock->endpoints, link) {
		if (ep->id == id)
			return ep;
	}
	return NULL;
}

/* mock_find_ep() - finds an endpoint, or makes one; NULL without memory */
struct mock_ep *mock_find_ep(struct mock *mock, u32 id)
{
	struct mock_ep *ep = mock_get_ep(mock, id);

	if (ep)
		return ep;
	ep = mock_zalloc(sizeof(*ep));
	if (ep) {
		ep->id = id;
		list_add_tail(&ep->link, &mock->endpoints);
	}
	return ep;
}

static struct mock_domain *mock_get_domain(struct mock *mock, u32 id)
{
	struct mock_domain *domain;

	list_for_each_entry(domain, &mock->domains, link) {
		if (domain->id == id)
			return domain;
	}
	return NULL;
}

static struct mock_domain *mock_new_domain(struct mock *mock, u32 id, bool bypass)
{
	struct mock_domain *domain;

	if (mock->profile.max_domains && mock->nr_domains >= mock->profile.max_domains)
		return NULL;
	domain = mock_zalloc(sizeof(*domain));
	if (!domain)
		return NULL;
	domain->id = id;
	domain->bypass = bypass;
	domain->mappings = RB_ROOT_CACHED;
	list_add(&domain->link, &mock->domains);
	mock->nr_domains++;
	return domain;
}

static struct mock_mapping *mock_first(struct mock_domain *domain, u64 start, u64 last)
{
	struct interval_tree_node *node = interval_tree_iter_first(&domain->mappings, start, last);

	return node ? container_of(node, struct mock_mapping, node) : NULL;
}

static void mock_remove(struct mock_domain *domain, struct mock_mapping *mapping)
{
	interval_tree_remove(&mapping->node, &domain->mappings);
	domain->nr_mappings--;
	kfree(mapping);
}

static void mock_free_domain(struct mock *mock, struct mock_domain *domain)
{
	struct mock_mapping *mapping;

	while ((mapping = mock_first(domain, 0, ULONG_MAX)))
		mock_remove(domain, mapping);
	list_del(&domain->link);
	mock->nr_domains--;
	kfree(domain);
}

static void mock_leave(struct mock *mock, struct mock_ep *ep)
{
	struct mock_domain *domain = ep->domain;

	ep->domain = NULL;
	if (domain && !--domain->nr_endpoints)
		mock_free_domain(mock, domain);
}

/* mock_forget_all() - a device reset, or the end of the device */
void mock_forget_all(struct mock *mock)
{
	struct mock_ep *ep;

	list_for_each_entry(ep, &mock->endpoints, link)
		mock_leave(mock, ep);
}

static bool mock_judge_domain(struct mock *mock, u32 id)
{
	if (!mock_offers(mock, VIRTIO_IOMMU_F_DOMAIN_RANGE))
		return true;
	return mock_require(mock, 20, id >= mock->profile.domain_first &&
			    id <= mock->profile.domain_last, "domain %u", id);
}

/* ---- ATTACH, DETACH ----------------------------------------------------------- */

/* R15, the other way round: mappings that are there when an endpoint comes */
static void mock_judge_mappings(struct mock *mock, struct mock_domain *domain)
{
	unsigned int i;

	if (mock->profile.probe_size < sizeof(struct virtio_iommu_probe_resv_mem))
		return;
	for (i = 0; i < mock->profile.nr_regions; i++)
		mock_require(mock, 15, !mock_first(domain, mock->profile.regions[i].start,
						   mock->profile.regions[i].last),
			     "an endpoint meets a mapping in one of its reserved regions");
}

static bool mock_judge_flags(struct mock *mock, const struct mock_request *request)
{
	const struct mock_domain *domain = mock_get_domain(mock, request->domain);
	const bool bypass = request->flags & VIRTIO_IOMMU_ATTACH_F_BYPASS;
	bool good;

	good = mock_judge_domain(mock, request->domain);
	if (request->flags)
		good &= mock_require(mock, 24,
				     request->flags == VIRTIO_IOMMU_ATTACH_F_BYPASS &&
				     mock_accepted(mock, VIRTIO_IOMMU_F_BYPASS_CONFIG),
				     "ATTACH with flags %x", request->flags);
	if (domain && domain->nr_endpoints)
		good &= mock_require(mock, 23, domain->bypass == bypass,
				     "ATTACH to domain %u, which is %s bypass one", domain->id,
				     domain->bypass ? "a" : "no");
	return good;
}

static u8 mock_judge_attach(struct mock *mock, const struct mock_request *request)
{
	struct mock_domain *domain = mock_get_domain(mock, request->domain);
	struct mock_ep *ep = mock_find_ep(mock, request->endpoint);

	if (!ep)
		return VIRTIO_IOMMU_S_NOMEM;
	if (mock_accepted(mock, VIRTIO_IOMMU_F_PROBE))
		mock_require(mock, 6, ep->probed, "ATTACH of endpoint %x before its PROBE", ep->id);
	if (!mock_judge_flags(mock, request))
		return VIRTIO_IOMMU_S_INVAL;
	if (request->flags && mock_has_quirk(mock, MOCK_Q_NO_ATTACH_FLAGS))
		return VIRTIO_IOMMU_S_INVAL;
	if (ep->unknown)
		return VIRTIO_IOMMU_S_NOENT;
	if (domain)
		mock_judge_mappings(mock, domain);
	return VIRTIO_IOMMU_S_OK;
}

static u8 mock_attach(struct mock *mock, const struct mock_request *request)
{
	struct mock_domain *domain = mock_get_domain(mock, request->domain);
	struct mock_ep *ep = mock_get_ep(mock, request->endpoint);

	if (ep->domain && ep->domain == domain && !mock_has_quirk(mock, MOCK_Q_EMPTIES))
		return VIRTIO_IOMMU_S_OK;
	if (ep->domain && mock_has_quirk(mock, MOCK_Q_STAYS))
		return VIRTIO_IOMMU_S_UNSUPP;
	if (domain && mock_has_quirk(mock, MOCK_Q_ALONE))
		return VIRTIO_IOMMU_S_UNSUPP;

	mock_leave(mock, ep);
	domain = mock_get_domain(mock, request->domain) ?:
		 mock_new_domain(mock, request->domain,
				 request->flags & VIRTIO_IOMMU_ATTACH_F_BYPASS);
	if (!domain)
		return VIRTIO_IOMMU_S_NOMEM;
	domain->nr_endpoints++;
	ep->domain = domain;
	return VIRTIO_IOMMU_S_OK;
}

static u8 mock_judge_detach(struct mock *mock, const struct mock_request *request)
{
	const struct mock_ep *ep = mock_get_ep(mock, request->endpoint);

	mock_judge_domain(mock, request->domain);
	if (!ep || ep->unknown)
		return VIRTIO_IOMMU_S_NOENT;
	if (!ep->domain)
		return VIRTIO_IOMMU_S_INVAL;
	if (ep->domain->id != request->domain && !mock_has_quirk(mock, MOCK_Q_ANY_DETACH))
		return VIRTIO_IOMMU_S_INVAL;
	return VIRTIO_IOMMU_S_OK;
}

static u8 mock_detach(struct mock *mock, const struct mock_request *request)
{
	if (mock_has_quirk(mock, MOCK_Q_STAYS))
		return VIRTIO_IOMMU_S_UNSUPP;
	mock_leave(mock, mock_get_ep(mock, request->endpoint));
	return VIRTIO_IOMMU_S_OK;
}

/* ---- MAP, UNMAP ----------------------------------------------------------------- */

static bool mock_judge_map_flags(struct mock *mock, const struct mock_request *request)
{
	bool good;

	good = mock_require(mock, 26, !(request->flags & ~MOCK_MAP_FLAGS), "MAP with flags %x",
			    request->flags);
	if (request->flags & VIRTIO_IOMMU_MAP_F_MMIO)
		good &= mock_require(mock, 31, mock_accepted(mock, VIRTIO_IOMMU_F_MMIO),
				     "MMIO without the feature");
	return good;
}

static bool mock_judge_map_range(struct mock *mock, const struct mock_request *request)
{
	const u64 mask = mock_granule(mock) - 1;
	bool good;

	good = mock_require(mock, 32, !((request->virt_start | request->phys_start |
					 (request->virt_end + 1)) & mask),
			    "MAP %llx-%llx to %llx is off the granule", request->virt_start,
			    request->virt_end, request->phys_start);
	if (mock_offers(mock, VIRTIO_IOMMU_F_INPUT_RANGE))
		good &= mock_require(mock, 19, mock_in_input_range(mock, request->virt_start,
								   request->virt_end),
				     "MAP %llx-%llx", request->virt_start, request->virt_end);
	if (mock_has_quirk(mock, MOCK_Q_NO_TOP_PAGE) && request->virt_end == U64_MAX)
		return false;
	return good || mock_has_quirk(mock, MOCK_Q_LAX_MAP);
}

static u8 mock_judge_map(struct mock *mock, const struct mock_request *request)
{
	struct mock_domain *domain = mock_get_domain(mock, request->domain);

	mock_require(mock, 2, mock_accepted(mock, VIRTIO_IOMMU_F_MAP_UNMAP),
		     "MAP without the feature");
	mock_judge_domain(mock, request->domain);
	if (!mock_judge_map_flags(mock, request))
		return VIRTIO_IOMMU_S_INVAL;
	if (!mock_require(mock, 28, request->virt_end > request->virt_start, "MAP %llx-%llx",
			  request->virt_start, request->virt_end))
		return VIRTIO_IOMMU_S_INVAL;
	if (!mock_require(mock, 32, domain, "MAP in domain %u, which is not there",
			  request->domain))
		return VIRTIO_IOMMU_S_NOENT;
	if (!mock_require(mock, 27, !domain->bypass, "MAP in bypass domain %u", domain->id))
		return VIRTIO_IOMMU_S_INVAL;
	if (!mock_judge_map_range(mock, request))
		return VIRTIO_IOMMU_S_RANGE;
	if (!mock_require(mock, 32, !mock_first(domain, request->virt_start, request->virt_end),
			  "MAP %llx-%llx overlaps", request->virt_start, request->virt_end))
		return VIRTIO_IOMMU_S_INVAL;
	mock_require(mock, 15, !mock_in_region(mock, request->virt_start, request->virt_end),
		     "MAP %llx-%llx in a reserved region", request->virt_start, request->virt_end);
	return VIRTIO_IOMMU_S_OK;
}

static u8 mock_map(struct mock *mock, const struct mock_request *request)
{
	struct mock_domain *domain = mock_get_domain(mock, request->domain);
	struct mock_mapping *mapping = mock_zalloc(sizeof(*mapping));

	if (!mapping)
		return VIRTIO_IOMMU_S_NOMEM;
	mapping->node.start = request->virt_start;
	mapping->node.last = request->virt_end;
	mapping->phys = request->phys_start;
	mapping->flags = request->flags;
	interval_tree_insert(&mapping->node, &domain->mappings);
	domain->nr_mappings++;
	return VIRTIO_IOMMU_S_OK;
}

/* R35: neither end inside a mapping that goes on past it */
static bool mock_splits(struct mock_domain *domain, u64 start, u64 last)
{
	struct mock_mapping *mapping = mock_first(domain, start, start);

	if (mapping && mapping->node.start < start)
		return true;
	mapping = mock_first(domain, last, last);
	return mapping && mapping->node.last > last;
}

static void mock_unmap_inside(struct mock_domain *domain, u64 start, u64 last)
{
	struct mock_mapping *mapping, *next;

	for (mapping = mock_first(domain, start, last); mapping; mapping = next) {
		struct interval_tree_node *node =
			interval_tree_iter_next(&mapping->node, start, last);

		next = node ? container_of(node, struct mock_mapping, node) : NULL;
		if (mapping->node.start >= start && mapping->node.last <= last)
			mock_remove(domain, mapping);
	}
}

static bool mock_judge_unmap_range(struct mock *mock, const struct mock_request *request)
{
	mock_judge_domain(mock, request->domain);
	if (mock_offers(mock, VIRTIO_IOMMU_F_INPUT_RANGE))
		mock_require(mock, 19, mock_in_input_range(mock, request->virt_start,
							   request->virt_end),
			     "UNMAP %llx-%llx", request->virt_start, request->virt_end);
	return mock_require(mock, 34, request->virt_end > request->virt_start, "UNMAP %llx-%llx",
			    request->virt_start, request->virt_end);
}

static u8 mock_judge_unmap(struct mock *mock, const struct mock_request *request)
{
	struct mock_domain *domain = mock_get_domain(mock, request->domain);

	if (!mock_judge_unmap_range(mock, request))
		return VIRTIO_IOMMU_S_INVAL;
	if (!domain)
		return VIRTIO_IOMMU_S_NOENT;
	if (!mock_require(mock, 36, !domain->bypass, "UNMAP in bypass domain %u", domain->id))
		return VIRTIO_IOMMU_S_INVAL;
	if (!mock_require(mock, 35, !mock_splits(domain, request->virt_start, request->virt_end),
			  "UNMAP %llx-%llx splits a mapping", request->virt_start,
			  request->virt_end) && !mock_has_quirk(mock, MOCK_Q_SPLIT_REMOVES))
		return VIRTIO_IOMMU_S_RANGE;
	return VIRTIO_IOMMU_S_OK;
}

static u8 mock_unmap(struct mock *mock, const struct mock_request *request)
{
	struct mock_domain *domain = mock_get_domain(mock, request->domain);
	const bool splits = mock_splits(domain, request->virt_start, request->virt_end);

	mock_unmap_inside(domain, request->virt_start, request->virt_end);
	if (splits)
		return VIRTIO_IOMMU_S_RANGE;
	return mock_has_quirk(mock, MOCK_Q_UNMAP_INVAL) ? VIRTIO_IOMMU_S_INVAL : VIRTIO_IOMMU_S_OK;
}

/* ---- PROBE ------------------------------------------------------------------------ */

/**
 * mock_properties() - What PROBE says of an endpoint
 * @mock: the device
 * @buf: where it goes
 * @len: how much room there is
 *
 * Return: bytes written; what follows is zero, the end of the list.
 */
size_t mock_properties(const struct mock *mock, u8 *buf, size_t len)
{
	struct virtio_iommu_probe_resv_mem *mem = (void *)buf;
	unsigned int i, nr = min_t(size_t, mock->profile.nr_regions, len / sizeof(*mem));

	memset(buf, 0, len);
	for (i = 0; i < nr; i++) {
		mem[i].head.type = cpu_to_le16(VIRTIO_IOMMU_PROBE_T_RESV_MEM);
		mem[i].head.length = cpu_to_le16(sizeof(*mem) - sizeof(mem->head));
		mem[i].subtype = mock->profile.regions[i].subtype;
		mem[i].start = cpu_to_le64(mock->profile.regions[i].start);
		mem[i].end = cpu_to_le64(mock->profile.regions[i].last);
	}
	return nr * sizeof(*mem);
}

/* Also one that is not carried out: it was asked for, and that is all that R6 wants. */
static u8 mock_judge_probe(struct mock *mock, const struct mock_request *request)
{
	struct mock_ep *ep = mock_find_ep(mock, request->endpoint);

	if (!mock_require(mock, MOCK_OTHER_RULES, mock_accepted(mock, VIRTIO_IOMMU_F_PROBE),
			  "PROBE without the feature"))
		return VIRTIO_IOMMU_S_UNSUPP;
	if (!ep)
		return VIRTIO_IOMMU_S_NOMEM;
	ep->probed = true;
	return ep->unknown ? VIRTIO_IOMMU_S_NOENT : VIRTIO_IOMMU_S_OK;
}

/* ---- All of them --------------------------------------------------------------------- */

static void mock_decode(const u8 *out, struct mock_request *request)
{
	switch (request->type) {
	case VIRTIO_IOMMU_T_ATTACH:
		request->flags = get_unaligned_le32(out + 12);
		fallthrough;
	case VIRTIO_IOMMU_T_DETACH:
		request->domain = get_unaligned_le32(out + 4);
		request->endpoint = get_unaligned_le32(out + 8);
		break;
	case VIRTIO_IOMMU_T_MAP:
		request->phys_start = get_unaligned_le64(out + 24);
		request->flags = get_unaligned_le32(out + 32);
		fallthrough;
	case VIRTIO_IOMMU_T_UNMAP:
		request->domain = get_unaligned_le32(out + 4);
		request->virt_start = get_unaligned_le64(out + 8);
		request->virt_end = get_unaligned_le64(out + 16);
		break;
	case VIRTIO_IOMMU_T_PROBE:
		request->endpoint = get_unaligned_le32(out + 4);
		break;
	}
}

/* mock_read() - finds out what a request asks for; @out has room for the longest */
void mock_read(const u8 *out, struct mock_request *request)
{
	request->type = out[0];
	mock_decode(out, request);
}

/**
 * mock_judge_request() - Hold the driver to the specification by what it asks for
 * @mock: the device, its lock held
 * @request: what mock_read() has found
 *
 * Return: a status; if it is not OK, the request must not be carried out.
 */
u8 mock_judge_request(struct mock *mock, const struct mock_request *request)
{
	switch (request->type) {
	case VIRTIO_IOMMU_T_ATTACH:
		return mock_judge_attach(mock, request);
	case VIRTIO_IOMMU_T_DETACH:
		return mock_judge_detach(mock, request);
	case VIRTIO_IOMMU_T_MAP:
		return mock_judge_map(mock, request);
	case VIRTIO_IOMMU_T_UNMAP:
		return mock_judge_unmap(mock, request);
	case VIRTIO_IOMMU_T_PROBE:
		return mock_judge_probe(mock, request);
	default:
		return VIRTIO_IOMMU_S_UNSUPP;
	}
}

/**
 * mock_carry_out() - Do what was asked for
 * @mock: the device, its lock held since mock_judge_request() returned OK
 * @request: what that was told
 *
 * Return: a status. Of a PROBE, mock_properties() has the rest.
 */
u8 mock_carry_out(struct mock *mock, const struct mock_request *request)
{
	switch (request->type) {
	case VIRTIO_IOMMU_T_ATTACH:
		return mock_attach(mock, request);
	case VIRTIO_IOMMU_T_DETACH:
		return mock_detach(mock, request);
	case VIRTIO_IOMMU_T_MAP:
		return mock_map(mock, request);
	case VIRTIO_IOMMU_T_UNMAP:
		return mock_unmap(mock, request);
	default:
		return VIRTIO_IOMMU_S_OK;
	}
}

/* ---- Translation ---------------------------------------------------------------------- */

/* Virtio specification, "Device operations": which unattached endpoints bypass */
static bool mock_unattached_bypasses(const struct mock *mock)
{
	if (mock_accepted(mock, VIRTIO_IOMMU_F_BYPASS))
		return true;
	if (mock_has_quirk(mock, MOCK_Q_BYPASS_UNWRITTEN) && !mock->bypass_written)
		return true;
	return mock_offers(mock, VIRTIO_IOMMU_F_BYPASS_CONFIG) &&
	       mock->config[offsetof(struct virtio_iommu_config, bypass)] & 1;
}

static bool mock_bypasses(struct mock *mock, u32 endpoint)
{
	const struct mock_ep *ep = mock_get_ep(mock, endpoint);

	if (ep && ep->domain)
		return ep->domain->bypass;
	return mock_unattached_bypasses(mock);
}

/* mock_translate_locked() - as mock_translate(), the device's lock held */
int mock_translate_locked(struct mock *mock, u32 id, u64 iova, u32 flags, u64 *phys)
{
	const struct mock_ep *ep = mock_get_ep(mock, id);
	const struct mock_mapping *mapping;

	if (mock_bypasses(mock, id)) {
		*phys = iova;
		return 0;
	}
	if (!ep || !ep->domain)
		return -EFAULT;
	mapping = mock_first(ep->domain, iova, iova);
	if (!mapping || (mapping->flags & flags) != flags)
		return -EFAULT;
	*phys = mapping->phys + (iova - mapping->node.start);
	return 0;
}

int mock_translate(struct mock *mock, u32 endpoint, u64 iova, u32 flags, u64 *phys)
{
	unsigned long irq;
	int err;

	spin_lock_irqsave(&mock->lock, irq);
	err = mock_translate_locked(mock, endpoint, iova, flags, phys);
	spin_unlock_irqrestore(&mock->lock, irq);
	return err;
}

/* ---- What tests ask ------------------------------------------------------------------- */

unsigned int mock_nr_domains(struct mock *mock)
{
	return READ_ONCE(mock->nr_domains);
}

unsigned int mock_nr_mappings(struct mock *mock)
{
	struct mock_domain *domain;
	unsigned long irq;
	unsigned int nr = 0;

	spin_lock_irqsave(&mock->lock, irq);
	list_for_each_entry(domain, &mock->domains, link)
		nr += domain->nr_mappings;
	spin_unlock_irqrestore(&mock->lock, irq);
	return nr;
}

bool mock_attached(struct mock *mock, u32 endpoint, u32 *domain)
{
	const struct mock_ep *ep;
	unsigned long irq;
	bool attached;

	spin_lock_irqsave(&mock->lock, irq);
	ep = mock_get_ep(mock, endpoint);
	attached = ep && ep->domain;
	if (attached && domain)
		*domain = ep->domain->id;
	spin_unlock_irqrestore(&mock->lock, irq);
	return attached;
}

bool mock_is_bypass(struct mock *mock, u32 endpoint)
{
	unsigned long irq;
	bool bypass;

	spin_lock_irqsave(&mock->lock, irq);
	bypass = mock_bypasses(mock, endpoint);
	spin_unlock_irqrestore(&mock->lock, irq);
	return bypass;
}
