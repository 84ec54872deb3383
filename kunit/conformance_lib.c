// SPDX-License-Identifier: GPL-2.0
/*
 * What the tests of conformance share; see conformance.h.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mount.h>
#include <linux/slab.h>
#include <linux/sprintf.h>
#include <linux/string.h>
#include <linux/virtio.h>

#include "conformance.h"

/* ---- Devices ------------------------------------------------------------------- */

/**
 * conform_profile() - A copy of the test's profile, to be changed
 * @test: the test
 *
 * What the device does not have has a value all the same, for a test that adds
 * the feature.
 *
 * Return: the copy, for as long as the test lasts.
 */
struct mock_profile *conform_profile(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;
	struct mock_profile *copy = kunit_kmalloc(test, sizeof(*copy), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, copy);
	*copy = *profile;
	if (!(copy->features & BIT_ULL(VIRTIO_IOMMU_F_INPUT_RANGE)))
		copy->input_last = U64_MAX;
	if (!(copy->features & BIT_ULL(VIRTIO_IOMMU_F_DOMAIN_RANGE)))
		copy->domain_last = U32_MAX;
	return copy;
}

/**
 * conform_start_unchecked() - A device for the driver, whether it takes it or not
 * @test: the test
 * @profile: what the device is to be
 *
 * Each requirement is judged by its own test: violations of others count, but
 * do not fail it.
 *
 * Return: the device.
 */
struct mock *conform_start_unchecked(struct kunit *test, const struct mock_profile *profile)
{
	struct mock *mock = mock_create(test, profile);

	mock_judge(mock, false);
	mock_register(mock);
	return mock;
}

/**
 * conform_start() - A device that the driver has to take
 * @test: the test
 * @profile: what the device is to be
 *
 * Return: the device.
 */
struct mock *conform_start(struct kunit *test, const struct mock_profile *profile)
{
	struct mock *mock = conform_start_unchecked(test, profile);

	KUNIT_ASSERT_TRUE_MSG(test, mock_bound(mock), "no driver took the device");
	return mock;
}

/* conform_moves() - says whether the profile's endpoints can change their domain */
bool conform_moves(struct kunit *test)
{
	const struct mock_profile *profile = test->param_value;

	return !(profile->quirks & MOCK_Q_STAYS);
}

/**
 * conform_need() - Skip a test of what the profile does not offer
 * @test: the test
 * @feature: VIRTIO_IOMMU_F_*
 * @name: how it is called
 */
void conform_need(struct kunit *test, unsigned int feature, const char *name)
{
	const struct mock_profile *profile = test->param_value;

	if (!(profile->features & BIT_ULL(feature)))
		kunit_skip(test, "the device does not offer %s", name);
}

/* ---- Verdicts ------------------------------------------------------------------ */

/* conform_verdict() - the driver did nothing against the requirement that the mock saw */
void conform_verdict(struct kunit *test, struct mock *mock, unsigned int requirement)
{
	KUNIT_EXPECT_EQ_MSG(test, mock_violations(mock, requirement), 0,
			    "R%u was violated, by %u of %u", requirement,
			    mock_violations(mock, requirement),
			    mock_exercised(mock, requirement));
}

/* conform_judged() - ... and did something that the requirement is about */
void conform_judged(struct kunit *test, struct mock *mock, unsigned int requirement)
{
	KUNIT_EXPECT_GT_MSG(test, mock_exercised(mock, requirement), 0,
			    "there was no occasion to judge R%u", requirement);
	conform_verdict(test, mock, requirement);
}

/* ---- Mapping ------------------------------------------------------------------- */

static void conform_free_memory(void *pages)
{
	free_pages((unsigned long)pages, 2);
}

/* conform_memory() - four pages in a row, which nobody else has while the test lasts */
phys_addr_t conform_memory(struct kunit *test)
{
	void *pages = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, 2);

	KUNIT_ASSERT_NOT_NULL(test, pages);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, conform_free_memory, pages), 0);
	return virt_to_phys(pages);
}

/*
 * conform_map() - maps in whatever paging domain the device is attached to
 *
 * Its default domain will do, at addresses that the DMA API was not asked for:
 * there are devices whose endpoints never change their domain.
 */
int conform_map(struct device *dev, u64 iova, phys_addr_t phys, size_t size, int prot)
{
	return iommu_map(iommu_get_domain_for_dev(dev), iova, phys, size, prot, GFP_KERNEL);
}

/* conform_unmap() - the other way round */
size_t conform_unmap(struct device *dev, u64 iova, size_t size)
{
	return iommu_unmap(iommu_get_domain_for_dev(dev), iova, size);
}

/* conform_reaches() - says whether an endpoint finds @phys at @iova, to read */
bool conform_reaches(struct mock *mock, u32 id, u64 iova, phys_addr_t phys)
{
	u64 found;

	return !mock_translate(mock, id, iova, VIRTIO_IOMMU_MAP_F_READ, &found) && found == phys;
}

/**
 * conform_live() - An endpoint comes, and is mapped and unmapped for
 * @test: the test, which fails if anything of that does
 * @mock: the device
 * @id: the endpoint
 *
 * Return: the endpoint's device.
 */
struct device *conform_live(struct kunit *test, struct mock *mock, u32 id)
{
	struct device *dev = mock_endpoint(mock, id);
	phys_addr_t phys = conform_memory(test);

	KUNIT_EXPECT_EQ(test, conform_map(dev, CONFORM_IOVA, phys, 2 * PAGE_SIZE, CONFORM_RW), 0);
	KUNIT_EXPECT_TRUE(test, conform_reaches(mock, id, CONFORM_IOVA + PAGE_SIZE,
						phys + PAGE_SIZE));
	KUNIT_EXPECT_EQ(test, conform_unmap(dev, CONFORM_IOVA, 2 * PAGE_SIZE), 2 * PAGE_SIZE);
	KUNIT_EXPECT_FALSE(test, conform_reaches(mock, id, CONFORM_IOVA, phys));
	return dev;
}

/* ---- Domains ------------------------------------------------------------------- */

static void conform_free_domain(void *data)
{
	struct conform_domain *own = data;

	conform_detach(own);
	iommu_domain_free(own->domain);
}

/**
 * conform_domain_try() - A paging domain of the test's own, if there is one to be had
 * @test: the test
 * @dev: whom it is for; not attached
 *
 * Return: the domain, which is detached and freed when the test ends, before
 * @dev goes; or NULL.
 */
struct conform_domain *conform_domain_try(struct kunit *test, struct device *dev)
{
	struct conform_domain *own = kunit_kzalloc(test, sizeof(*own), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, own);
	own->dev = dev;
	own->domain = iommu_paging_domain_alloc(dev);
	if (IS_ERR_OR_NULL(own->domain))
		return NULL;
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, conform_free_domain, own), 0);
	return own;
}

/* conform_domain() - as conform_domain_try(), if there has to be one */
struct conform_domain *conform_domain(struct kunit *test, struct device *dev)
{
	struct conform_domain *own = conform_domain_try(test, dev);

	KUNIT_ASSERT_NOT_NULL(test, own);
	return own;
}

/* conform_domain_free() - frees it before the test ends, detached */
void conform_domain_free(struct kunit *test, struct conform_domain *own)
{
	kunit_release_action(test, conform_free_domain, own);
}

/* conform_attach() - attaches the domain's device; 0 or what the core says */
int conform_attach(struct conform_domain *own)
{
	int err = iommu_attach_device(own->domain, own->dev);

	if (!err)
		own->attached = true;
	return err;
}

/* conform_detach() - gives the device its default domain back, if it was attached */
void conform_detach(struct conform_domain *own)
{
	if (own->attached)
		iommu_detach_device(own->domain, own->dev);
	own->attached = false;
}

/**
 * conform_refuse_move() - Have the IOMMU refuse the next ATTACH, with UNSUPP
 * @mock: the IOMMU
 *
 * As a device may that lets no endpoint move from one domain to another: DETACH
 * is the only other way to get there.
 */
void conform_refuse_move(struct mock *mock)
{
	const struct mock_script refuse = {
		.type = VIRTIO_IOMMU_T_ATTACH, .endpoint = MOCK_ANY, .count = 1,
		.how = MOCK_DO_NOT | MOCK_STATUS, .status = VIRTIO_IOMMU_S_UNSUPP,
	};

	mock_script(mock, &refuse);
}

/**
 * conform_everything() - Have the driver send requests of all types
 * @test: the test
 * @mock: the device
 *
 * More than once, and in turns: what it leaves of one request in the memory
 * for another has to show. Not every driver sends DETACH.
 */
void conform_everything(struct kunit *test, struct mock *mock)
{
	struct conform_domain *own;
	u32 id;

	for (id = 0x31; id < 0x34; id++) {
		own = conform_domain(test, conform_live(test, mock, id));
		conform_refuse_move(mock);
		conform_attach(own);
		mock_script_clear(mock);
		conform_domain_free(test, own);
	}
}

/* ---- The kind of a default domain, through sysfs --------------------------------- */

static struct file *conform_open_sysfs(struct vfsmount *sysfs, const char *path)
{
	return file_open_root_mnt(sysfs, path, O_WRONLY, 0);
}

static ssize_t conform_write_sysfs(const char *path, const char *text)
{
	struct file_system_type *type = get_fs_type("sysfs");
	struct vfsmount *sysfs;
	struct file *file;
	loff_t at = 0;
	ssize_t done;

	if (!type)
		return -ENODEV;
	sysfs = kern_mount(type);
	put_filesystem(type);
	if (IS_ERR(sysfs))
		return PTR_ERR(sysfs);
	file = conform_open_sysfs(sysfs, path);
	done = PTR_ERR_OR_ZERO(file);
	if (!done) {
		done = kernel_write(file, text, strlen(text), &at);
		__fput_sync(file);
	}
	kern_unmount(sysfs);
	return done;
}

/**
 * conform_set_type() - Give a device another kind of default domain
 * @dev: the device, which has no driver
 * @type: "identity", "DMA", "DMA-FQ"
 *
 * Return: 0 or an error of the core's.
 */
int conform_set_type(struct device *dev, const char *type)
{
	struct iommu_group *group = iommu_group_get(dev);
	char path[48];
	ssize_t done;

	if (!group)
		return -ENODEV;
	snprintf(path, sizeof(path), "kernel/iommu_groups/%d/type", iommu_group_id(group));
	iommu_group_put(group);
	done = conform_write_sysfs(path, type);
	return done < 0 ? done : 0;
}

/* ---- The log --------------------------------------------------------------------- */

/* conform_log_begin() - reads the log from here on */
void conform_log_begin(struct conform_log *log)
{
	kmsg_dump_rewind(&log->iter);
	log->iter.cur_seq = log->iter.next_seq;
}

/* Past the time, and whoever said it */
static const char *conform_log_text(const char *line)
{
	const char *end;

	while (*line == '[') {
		end = strchr(line, ']');
		if (!end)
			break;
		line = skip_spaces(end + 1);
	}
	return line;
}

/**
 * conform_log_find() - Look for the next line that has something in it
 * @log: what was begun; goes on after the line
 * @what: what it has
 *
 * Return: whether there is one, which is in @log->line then.
 */
bool conform_log_find(struct conform_log *log, const char *what)
{
	char line[sizeof(log->line)];
	size_t len;

	while (kmsg_dump_get_line(&log->iter, false, line, sizeof(line) - 1, &len)) {
		line[len] = '\0';
		if (!strstr(line, what))
			continue;
		strscpy(log->line, conform_log_text(line), sizeof(log->line));
		return true;
	}
	return false;
}
