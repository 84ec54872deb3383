// SPDX-License-Identifier: GPL-2.0
/*
 * Devices behind the IOMMU: found, probed, grouped, released.
 *
 * Owns struct viommu_master and struct viommu_endpoint. A device comes with
 * one endpoint ID or several (its own, its PCI aliases); IDs may be shared by
 * devices behind the same bridge, so each ID is kept once, in
 * viommu->endpoints, and counts its users. A device that cannot be used is
 * refused with -ENODEV, whatever the reason: any other error makes the core
 * give up the whole IOMMU. The log has the reason.
 */
#include <linux/device.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include "viommu.h"

/* On x86, interrupts are writes to this window, which no IOMMU translates. */
#define VIOMMU_X86_MSI_START	0xfee00000ULL
#define VIOMMU_X86_MSI_LAST	0xfeefffffULL

/* Messages about faults of one device: this many, then a pause. */
#define VIOMMU_FAULT_BURST	10
#define VIOMMU_FAULT_INTERVAL	(5 * HZ)

/* ---- Endpoints ------------------------------------------------------------------ */

static struct viommu_endpoint *viommu_endpoint_get(struct viommu_master *master, u32 id)
{
	struct viommu *viommu = master->viommu;
	struct viommu_endpoint *ep = xa_load(&viommu->endpoints, id);
	int err;

	lockdep_assert_held(&viommu->lock);

	if (ep) {
		if (!ep->users++)
			ep->master = master;
		return ep;
	}
	ep = kzalloc(sizeof(*ep), GFP_KERNEL);
	if (!ep)
		return ERR_PTR(-ENOMEM);
	ep->id = id;
	ep->users = 1;
	ep->master = master;
	err = xa_err(xa_store(&viommu->endpoints, id, ep, GFP_KERNEL));
	if (err) {
		kfree(ep);
		return ERR_PTR(err);
	}
	return ep;
}

/* Find another user to name in faults; there may be none. */
static struct viommu_master *viommu_endpoint_user(struct viommu *viommu,
						  const struct viommu_endpoint *ep)
{
	struct viommu_master *master;
	unsigned int i;

	list_for_each_entry(master, &viommu->masters, link) {
		for (i = 0; i < master->nr_endpoints; i++) {
			if (master->endpoint[i] == ep)
				return master;
		}
	}
	return NULL;
}

/* The master is off viommu->masters, or has dropped the endpoint. */
static void viommu_endpoint_put(struct viommu_master *master, struct viommu_endpoint *ep)
{
	struct viommu *viommu = master->viommu;

	lockdep_assert_held(&viommu->lock);

	ep->users--;
	if (ep->master == master)
		ep->master = viommu_endpoint_user(viommu, ep);
	/* Released into the blocked domain, it stays known: it has to come out of there again */
	if (ep->users || ep->domain)
		return;
	xa_erase(&viommu->endpoints, ep->id);
	kfree(ep);
}

/**
 * viommu_endpoint_unknown() - Say whether an error means "no such endpoint"
 * @err: from a PROBE or an ATTACH
 *
 * A device that refuses without a status (cloud-hypervisor) gets the benefit
 * of the doubt.
 *
 * Context: Any.
 * Return: Whether the ID may be passed over, if the device has others.
 */
bool viommu_endpoint_unknown(int err)
{
	return err == -ENOENT || err == -EBADMSG;
}

/**
 * viommu_master_drop() - Do without an ID that the IOMMU does not know
 * @master: the device
 * @i: which of its endpoints; not attached
 * @err: what the IOMMU said
 *
 * Context: Process, under viommu->lock.
 */
void viommu_master_drop(struct viommu_master *master, unsigned int i, int err)
{
	struct viommu_endpoint *ep = master->endpoint[i];

	dev_info(master->dev, "the IOMMU does not know endpoint 0x%x: %pe\n", ep->id,
		 ERR_PTR(err));
	master->nr_endpoints--;
	memmove(&master->endpoint[i], &master->endpoint[i + 1],
		(master->nr_endpoints - i) * sizeof(master->endpoint[0]));
	viommu_endpoint_put(master, ep);
}

/* ---- PROBE -------------------------------------------------------------------------- */

static int viommu_add_resv_mem(const struct viommu_resv_mem *mem, void *ctx)
{
	struct viommu_master *master = ctx;
	const struct viommu_region region = {
		.start = mem->start, .last = mem->last, .msi = mem->msi,
	};

	return viommu_regions_add(&master->regions, &region);
}

/* All that the PROBEs brought, together: regions merge, and may merge into nonsense. */
static int viommu_check_regions(const struct viommu_master *master)
{
	const struct viommu_regions *regions = &master->regions;
	u64 msi = 0;
	unsigned int i;
	int err;

	for (i = 0; i < regions->nr; i++) {
		err = viommu_regions_check(&regions->region[i], &msi);
		if (!err)
			continue;
		dev_err(master->dev, "reserved region 0x%llx - 0x%llx makes no sense\n",
			regions->region[i].start, regions->region[i].last);
		return err;
	}
	return 0;
}

static int viommu_probe_endpoint(struct viommu_master *master, u32 id)
{
	struct viommu *viommu = master->viommu;
	const size_t size = viommu->config.probe_size;
	union viommu_request req;
	size_t len = viommu_build_probe(&req, id);
	int err;

	lockdep_assert_held(&viommu->lock);	/* and with it, probe_buf */

	/* The device may write to it for ever more */
	if (viommu_queue_broken(&viommu->requests))
		return -EIO;
	/* What the device leaves out must not look like a property */
	memset(viommu->probe_buf, 0, size);
	err = viommu_queue_run(&viommu->requests, &req, len, viommu->probe_buf,
			       size + sizeof(struct virtio_iommu_req_tail));
	return err ?: viommu_walk_properties(viommu->probe_buf, size, viommu_add_resv_mem, master);
}

/*
 * Room for all regions that PROBEs can bring, and for the x86 window. Only
 * regions of 24 bytes count: what is shorter is refused.
 */
static int viommu_alloc_regions(struct viommu_master *master)
{
	struct viommu_regions *regions = &master->regions;
	size_t each = master->viommu->config.probe_size /
		      sizeof(struct virtio_iommu_probe_resv_mem);

	regions->max = each * master->nr_endpoints + 1;
	regions->region = kcalloc(regions->max, sizeof(*regions->region), GFP_KERNEL);
	return regions->region ? 0 : -ENOMEM;
}

/* Every ID is asked; one that the device does not know is passed over. */
static int viommu_probe_endpoints(struct viommu_master *master)
{
	const struct viommu_region x86_msi = {
		.start = VIOMMU_X86_MSI_START, .last = VIOMMU_X86_MSI_LAST, .msi = true,
	};
	unsigned int i = 0;
	int err;

	err = viommu_alloc_regions(master);
	if (err)
		return err;
	if (IS_ENABLED(CONFIG_X86))
		viommu_regions_add(&master->regions, &x86_msi);
	if (!master->viommu->config.probe_size)
		return 0;

	while (i < master->nr_endpoints) {
		err = viommu_probe_endpoint(master, master->endpoint[i]->id);
		if (!err)
			i++;
		else if (viommu_endpoint_unknown(err) && master->nr_endpoints > 1)
			viommu_master_drop(master, i, err);
		else
			return err;
	}
	return viommu_check_regions(master);
}

/* ---- Masters ------------------------------------------------------------------------ */

static bool viommu_master_has(const struct viommu_master *master, u32 id)
{
	unsigned int i;

	for (i = 0; i < master->nr_endpoints; i++) {
		if (master->endpoint[i]->id == id)
			return true;
	}
	return false;
}

static int viommu_master_add_ids(struct viommu_master *master, const struct iommu_fwspec *fwspec)
{
	struct viommu_endpoint *ep;
	unsigned int i;

	for (i = 0; i < fwspec->num_ids; i++) {
		if (viommu_master_has(master, fwspec->ids[i]))
			continue;
		ep = viommu_endpoint_get(master, fwspec->ids[i]);
		if (IS_ERR(ep))
			return PTR_ERR(ep);
		master->endpoint[master->nr_endpoints++] = ep;
	}
	return master->nr_endpoints ? 0 : -ENOENT;
}

static void viommu_master_free(struct viommu_master *master)
{
	lockdep_assert_held(&master->viommu->lock);

	while (master->nr_endpoints)
		viommu_endpoint_put(master, master->endpoint[--master->nr_endpoints]);
	kfree(master->regions.region);
	kfree(master);
}

static struct viommu_master *viommu_master_alloc(struct viommu *viommu, struct device *dev)
{
	const struct iommu_fwspec *fwspec = dev_iommu_fwspec_get(dev);
	struct viommu_master *master;

	if (!fwspec)
		return ERR_PTR(-ENODEV);
	master = kzalloc(struct_size(master, endpoint, fwspec->num_ids), GFP_KERNEL);
	if (!master)
		return ERR_PTR(-ENOMEM);
	master->dev = dev;
	master->viommu = viommu;
	INIT_LIST_HEAD(&master->link);
	ratelimit_state_init(&master->faults, VIOMMU_FAULT_INTERVAL, VIOMMU_FAULT_BURST);
	return master;
}

static int viommu_master_start(struct viommu_master *master)
{
	int err;

	err = viommu_master_add_ids(master, dev_iommu_fwspec_get(master->dev));
	return err ?: viommu_probe_endpoints(master);
}

static struct viommu_master *viommu_master_create(struct viommu *viommu, struct device *dev)
{
	struct viommu_master *master = viommu_master_alloc(viommu, dev);
	int err;

	if (IS_ERR(master))
		return master;

	mutex_lock(&viommu->lock);
	err = viommu_master_start(master);
	if (err)
		viommu_master_free(master);
	else
		list_add_tail(&master->link, &viommu->masters);
	mutex_unlock(&viommu->lock);
	return err ? ERR_PTR(err) : master;
}

/**
 * viommu_link_supplier() - Tell the driver core what a device depends on
 * @viommu: the IOMMU
 * @dev: a device behind it
 *
 * Endpoints sleep and shut down before their IOMMU and wake after it, their
 * drivers wait for it, and when it loses its driver, they have lost theirs
 * already. Then the link is to go; but the driver core writes to it after it
 * has put its reference (device_links_driver_cleanup()), and somebody else may
 * have freed it by then. A second reference, which only the end of one of the
 * two devices puts, keeps it; without the first, it only orders them.
 *
 * Context: Process.
 */
void viommu_link_supplier(struct viommu *viommu, struct device *dev)
{
	if (!device_link_add(dev, viommu->dev, DL_FLAG_AUTOREMOVE_SUPPLIER) ||
	    !device_link_add(dev, viommu->dev, DL_FLAG_STATELESS))
		dev_dbg(dev, "no device link: the IOMMU itself depends on it\n");
}

static void viommu_say_refused(struct viommu *viommu, struct device *dev, int err)
{
	dev_err(dev, "not translated: IOMMU %s does not take it: %pe\n", dev_name(viommu->dev),
		ERR_PTR(err));
}

/**
 * viommu_probe_device() - Take a device in
 * @dev: any device of a bus that may have IOMMUs
 *
 * Context: Process, under iommu_probe_device_lock; sleeps.
 * Return: The IOMMU it is behind, or -ENODEV.
 */
struct iommu_device *viommu_probe_device(struct device *dev)
{
	struct viommu_master *master;
	struct viommu *viommu;

	viommu = viommu_topology_find(dev);
	if (!viommu)
		return ERR_PTR(-ENODEV);
	if (viommu_topology_does_dma(dev))
		goto out_put;

	master = viommu_master_create(viommu, dev);
	if (IS_ERR(master)) {
		viommu_say_refused(viommu, dev, PTR_ERR(master));
		goto out_put;
	}
	dev_iommu_priv_set(dev, master);
	return &viommu->iommu;

out_put:
	viommu_put(viommu);
	return ERR_PTR(-ENODEV);
}

/**
 * viommu_release_device() - Let a device go
 * @dev: a device that viommu_probe_device() took in
 *
 * Its endpoints are left blocked.
 *
 * Context: Process; sleeps. Cannot fail.
 */
void viommu_release_device(struct device *dev)
{
	struct viommu_master *master = dev_iommu_priv_get(dev);
	struct viommu *viommu = master->viommu;

	mutex_lock(&viommu->lock);
	list_del(&master->link);
	viommu_attach_forget(master);
	viommu_master_free(master);
	mutex_unlock(&viommu->lock);

	viommu_compat_release(dev);
	viommu_put(viommu);
}

/* Devices that share an ID cannot be told apart by the IOMMU. */
static struct iommu_group *viommu_alias_group(struct viommu_master *master)
{
	struct iommu_group *group = NULL;
	unsigned int i;

	mutex_lock(&master->viommu->lock);
	for (i = 0; i < master->nr_endpoints && !group; i++) {
		struct viommu_master *user = master->endpoint[i]->master;

		if (user && user != master)
			group = iommu_group_get(user->dev);
	}
	mutex_unlock(&master->viommu->lock);
	return group;
}

/* Another device of a group; it stays for as long as iommu_probe_device_lock is held. */
static struct viommu_master *viommu_group_mate(struct viommu_master *master,
					       const struct iommu_group *group)
{
	struct viommu_master *other, *mate = NULL;

	mutex_lock(&master->viommu->lock);
	list_for_each_entry(other, &master->viommu->masters, link) {
		if (other != master && other->dev->iommu_group == group)
			mate = other;
	}
	mutex_unlock(&master->viommu->lock);
	return mate;
}

static int viommu_is_elsewhere(struct device *dev, void *viommu)
{
	const struct iommu_device *iommu = dev->iommu ? dev->iommu->iommu_dev : NULL;

	return iommu && iommu != &((struct viommu *)viommu)->iommu;
}

/*
 * The group that the bus has for a device; but for one of another IOMMU, which
 * an alias that is behind that one leads to: a domain has one IOMMU.
 */
static struct iommu_group *viommu_bus_group(struct viommu_master *master)
{
	struct device *dev = master->dev;
	struct iommu_group *group;

	group = dev_is_pci(dev) ? pci_device_group(dev) : generic_device_group(dev);
	if (IS_ERR_OR_NULL(group) ||
	    !iommu_group_for_each_dev(group, master->viommu, viommu_is_elsewhere))
		return group;
	dev_warn(dev, "devices that it shares an alias with are behind another IOMMU\n");
	iommu_group_put(group);
	return iommu_group_alloc();
}

/**
 * viommu_device_group() - Find the group of a device, and attach it
 * @dev: a device that viommu_probe_device() took in
 *
 * This is the last moment at which a device that the IOMMU refuses can be told
 * from an IOMMU that does not work, and the first at which its group is known;
 * see attach.c.
 *
 * Context: Process, under iommu_probe_device_lock; sleeps.
 * Return: Its group, with a reference; -ENODEV if the IOMMU refuses it, or an
 * error of the core's.
 */
struct iommu_group *viommu_device_group(struct device *dev)
{
	struct viommu_master *master = dev_iommu_priv_get(dev);
	struct iommu_group *group = viommu_alias_group(master);
	struct viommu *viommu = master->viommu;
	int err;

	if (!group)
		group = viommu_bus_group(master);
	if (IS_ERR_OR_NULL(group))
		return group;

	err = viommu_attach_first(master, viommu_group_mate(master, group));
	if (err) {
		viommu_say_refused(viommu, dev, err);
		iommu_group_put(group);
		return ERR_PTR(-ENODEV);
	}
	/* Both on the way: a link would outlive a probe of theirs that fails */
	if (dev->links.status != DL_DEV_PROBING || viommu->dev->links.status != DL_DEV_PROBING)
		viommu_link_supplier(viommu, dev);
	return group;
}

/**
 * viommu_def_domain_type() - Say which domain a device has to have
 * @dev: a device that viommu_probe_device() took in
 *
 * Context: Any.
 * Return: IOMMU_DOMAIN_DMA for one that cannot bypass, else 0: no matter.
 */
int viommu_def_domain_type(struct device *dev)
{
	const struct viommu_master *master = dev_iommu_priv_get(dev);

	return master->no_identity ? IOMMU_DOMAIN_DMA : 0;
}

/* ---- Reserved regions, for the core ------------------------------------------------- */

/*
 * The core takes what is on the list for all there is, and has no way to be
 * told that something is missing; a hole in the reserved regions would be
 * worse than waiting for a page.
 */
static void viommu_list_region(struct list_head *head, u64 start, u64 last,
			       enum iommu_resv_type type)
{
	const int prot = IOMMU_WRITE | IOMMU_NOEXEC | IOMMU_MMIO;
	struct iommu_resv_region *region;

	region = iommu_alloc_resv_region(start, last - start + 1,
					 type == IOMMU_RESV_RESERVED ? 0 : prot, type,
					 GFP_KERNEL | __GFP_NOFAIL);
	list_add_tail(&region->list, head);
}

/**
 * viommu_get_resv_regions() - Tell the core what not to map
 * @dev: a device that viommu_probe_device() took in
 * @head: where the regions go
 *
 * Context: Process.
 */
void viommu_get_resv_regions(struct device *dev, struct list_head *head)
{
	const struct viommu_master *master = dev_iommu_priv_get(dev);
	const struct viommu_config *config = &master->viommu->config;
	const struct viommu_regions *regions = &master->regions;
	unsigned int i;
	u64 base;

	for (i = 0; i < regions->nr; i++)
		viommu_list_region(head, regions->region[i].start, regions->region[i].last,
				   regions->region[i].msi ? IOMMU_RESV_MSI : IOMMU_RESV_RESERVED);

	if (!viommu_regions_has_msi(regions)) {
		if (viommu_regions_place_msi(regions, config->input_first, config->input_last,
					     &base))
			dev_warn_once(dev, "no room for an MSI window between its reserved regions\n");
		else
			viommu_list_region(head, base, base + VIOMMU_SW_MSI_SIZE - 1,
					   IOMMU_RESV_SW_MSI);
	}
	iommu_dma_get_resv_regions(dev, head);
}
