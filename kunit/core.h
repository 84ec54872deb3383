/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What suites ask of the IOMMU core, of the DMA API and of sysfs, and how it is
 * undone when a test ends, however it ends. Knows the mock, no driver.
 */
#ifndef _CORE_H
#define _CORE_H

#include <kunit/resource.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/iommu.h>
#include <linux/kernfs.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>
#include <linux/workqueue.h>

#include "mock/mock.h"

/* An IOVA and a physical address that no profile reserves; nothing need be there */
#define CORE_IOVA	0x1000000ULL
#define CORE_PHYS	0x2000000000ULL

#define CORE_RW		(IOMMU_READ | IOMMU_WRITE)
#define CORE_DEVICE_RW	(VIRTIO_IOMMU_MAP_F_READ | VIRTIO_IOMMU_MAP_F_WRITE)

/* ---- What the device reaches ----------------------------------------------------- */

/* Where an endpoint's access ends up; all ones if it is refused */
#define CORE_REFUSED	U64_MAX

static inline u64 core_reaches_as(struct mock *mock, u32 id, u64 iova, u32 flags)
{
	u64 phys;

	return mock_translate(mock, id, iova, flags, &phys) ? CORE_REFUSED : phys;
}

static inline u64 core_reaches(struct mock *mock, u32 id, u64 iova)
{
	return core_reaches_as(mock, id, iova, CORE_DEVICE_RW);
}

/* The domain an endpoint is attached to; all ones if to none */
static inline u32 core_domain_id(struct mock *mock, u32 id)
{
	u32 domain;

	return mock_attached(mock, id, &domain) ? domain : U32_MAX;
}

/* A page is mapped, read and written by the device, and unmapped: 0 if so. */
static inline int core_dma(struct device *dev)
{
	static const char sent[] = "once around";
	char *ram = kzalloc(PAGE_SIZE, GFP_KERNEL);
	char got[sizeof(sent)] = {};
	dma_addr_t dma;
	int err;

	if (!ram)
		return -ENOMEM;
	dma = dma_map_single(dev, ram, PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (dma_mapping_error(dev, dma)) {
		kfree(ram);
		return -ENXIO;
	}
	err = mock_dma_write(dev, dma + 42, sent, sizeof(sent)) ?:
	      mock_dma_read(dev, dma + 42, got, sizeof(got));
	if (!err && (memcmp(ram + 42, sent, sizeof(sent)) || memcmp(got, sent, sizeof(sent))))
		err = -EIO;
	dma_unmap_single(dev, dma, PAGE_SIZE, DMA_BIDIRECTIONAL);
	kfree(ram);
	return err;
}

/* A page that is freed when the test ends */
static inline void core_page_action(void *page)
{
	__free_page(page);
}

static inline struct page *core_page(struct kunit *test)
{
	struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);

	KUNIT_ASSERT_NOT_NULL(test, page);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, core_page_action, page), 0);
	return page;
}

/* Whether an endpoint reaches a page that nothing keeps from whoever wants one */
static inline bool core_exposed(struct mock *mock, u32 id, u64 iova, struct page *page)
{
	return core_reaches(mock, id, iova) == page_to_phys(page) && page_count(page) == 1;
}

/* ---- Settings ----------------------------------------------------------------------- */

/* As if somebody wrote to a file: there are no files without user space. */
static inline int core_store(struct kernfs_node *dir, const char *name, const char *value)
{
	struct kernfs_node *file = kernfs_find_and_get(dir, name);
	struct kobject *kobj = dir->priv;
	ssize_t done;

	if (!file)
		return -ENOENT;
	done = kobj->ktype->sysfs_ops->store(kobj, file->priv, value, strlen(value));
	kernfs_put(file);
	return done < 0 ? done : 0;
}

/* The default domain of a device's group: "identity", "DMA", "DMA-FQ" */
static inline int core_set_type(struct device *dev, const char *type)
{
	struct kernfs_node *group = kernfs_find_and_get(dev->kobj.sd, "iommu_group");
	int err;

	if (!group)
		return -ENOENT;
	err = core_store(group->symlink.target_kn, "type", type);
	kernfs_put(group);
	return err;
}

/* A parameter of what is built in, "module.name", as if on the command line */
static inline int core_set_param(const char *name, const char *value)
{
	const struct kernel_param *param;
	int err = -ENOENT;

	for (param = __start___param; param < __stop___param; param++) {
		if (strcmp(param->name, name))
			continue;
		kernel_param_lock(param->mod);
		err = param->ops->set(value, param);
		kernel_param_unlock(param->mod);
	}
	return err;
}

/* ---- Domains of a test's own ----------------------------------------------------- */

static inline void core_free_action(void *domain)
{
	iommu_domain_free(domain);
}

/* An empty domain, attached to nothing; freed when the test ends */
static inline struct iommu_domain *core_domain(struct kunit *test, struct device *dev)
{
	struct iommu_domain *domain = iommu_paging_domain_alloc(dev);

	KUNIT_ASSERT_FALSE(test, IS_ERR_OR_NULL(domain));
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, core_free_action, domain), 0);
	return domain;
}

static inline void core_free(struct kunit *test, struct iommu_domain *domain)
{
	kunit_release_action(test, core_free_action, domain);
}

static inline void core_detach_action(void *data)
{
	struct device *dev = data;

	iommu_detach_group(iommu_get_domain_for_dev(dev), dev->iommu_group);
}

/* Attach a device's group; it is detached when the test ends, or by core_detach(). */
static inline int core_attach(struct kunit *test, struct iommu_domain *domain,
			      struct device *dev)
{
	int err = iommu_attach_group(domain, dev->iommu_group);

	return err ?: kunit_add_action_or_reset(test, core_detach_action, dev);
}

static inline void core_detach(struct kunit *test, struct device *dev)
{
	kunit_release_action(test, core_detach_action, dev);
}

static inline void core_release_action(void *data)
{
	struct device *dev = data;

	iommu_group_release_dma_owner(dev->iommu_group);
}

/* Block a device's group, until the test ends or core_release() is called. */
static inline int core_claim(struct kunit *test, struct device *dev)
{
	int err = iommu_group_claim_dma_owner(dev->iommu_group, test);

	return err ?: kunit_add_action_or_reset(test, core_release_action, dev);
}

static inline void core_release(struct kunit *test, struct device *dev)
{
	kunit_release_action(test, core_release_action, dev);
}

/* ---- What somebody else does in the meantime --------------------------------------- */

/**
 * struct core_deed - an attach, a detach or a map by a thread of its own
 * @work: for the thread
 * @domain: of this domain
 * @dev: to attach its group, or NULL: to map
 * @detach: to detach its group
 * @iova: what is mapped
 * @phys: to where; a page
 * @err: what came of it, after core_join()
 */
struct core_deed {
	struct work_struct work;
	struct iommu_domain *domain;
	struct device *dev;
	bool detach;
	u64 iova;
	u64 phys;
	int err;
};

static inline void core_deed_work(struct work_struct *work)
{
	struct core_deed *deed = container_of(work, struct core_deed, work);

	if (deed->detach)
		iommu_detach_group(deed->domain, deed->dev->iommu_group);
	else if (deed->dev)
		deed->err = iommu_attach_group(deed->domain, deed->dev->iommu_group);
	else
		deed->err = iommu_map(deed->domain, deed->iova, deed->phys, PAGE_SIZE, CORE_RW,
				      GFP_KERNEL);
}

static inline void core_begin(struct core_deed *deed)
{
	INIT_WORK_ONSTACK(&deed->work, core_deed_work);
	queue_work(system_unbound_wq, &deed->work);
}

static inline int core_join(struct core_deed *deed)
{
	flush_work(&deed->work);
	destroy_work_on_stack(&deed->work);
	return deed->err;
}

/* Until @nr requests have followed a script; a failure if they do not. */
static inline void core_await_hits(struct kunit *test, struct mock *mock, unsigned int nr)
{
	const ktime_t end = ktime_add_ms(ktime_get(), 10000);

	while (mock_script_hits(mock) < nr && ktime_before(ktime_get(), end))
		usleep_range(100, 200);
	KUNIT_EXPECT_GE(test, mock_script_hits(mock), nr);
}

/* Until @nr requests of a type have come since mock_mark() */
static inline void core_await_count(struct kunit *test, struct mock *mock, u8 type,
				    unsigned int nr)
{
	const ktime_t end = ktime_add_ms(ktime_get(), 10000);

	while (mock_count(mock, type) < nr && ktime_before(ktime_get(), end))
		usleep_range(100, 200);
	KUNIT_EXPECT_GE(test, mock_count(mock, type), nr);
}

/* ---- Many mappings ------------------------------------------------------------------ */

/* Map page @i of a scattered lot: no two of them are neighbours. */
static inline u64 core_scatter_iova(unsigned int i)
{
	return CORE_IOVA + 2ULL * i * PAGE_SIZE;
}

static inline u64 core_scatter_phys(unsigned int i)
{
	return CORE_PHYS + 3ULL * i * PAGE_SIZE;
}

static inline int core_scatter(struct iommu_domain *domain, unsigned int first,
			       unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = first; i < first + nr && !err; i++)
		err = iommu_map(domain, core_scatter_iova(i), core_scatter_phys(i), PAGE_SIZE,
				CORE_RW, GFP_KERNEL);
	return err;
}

/* How many of them the device reaches */
static inline unsigned int core_scattered(struct mock *mock, u32 id, unsigned int first,
					  unsigned int nr)
{
	unsigned int i, found = 0;

	for (i = first; i < first + nr; i++)
		found += core_reaches(mock, id, core_scatter_iova(i)) == core_scatter_phys(i);
	return found;
}

#endif /* _CORE_H */
