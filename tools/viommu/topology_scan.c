// SPDX-License-Identifier: GPL-2.0
/*
 * What the kernel has: devices, their groups and IOMMUs, the firmware's tables,
 * and the driver. Nothing is concluded here.
 *
 * Devices are known by their path, "devices/pci0000:00/0000:00:02.0", which is
 * what the links of all buses, classes and groups have in common.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"

#define MAX_IOMEM		(16 << 20)
#define MAX_MODULES		(64 << 20)

/* The virtio specification's. */
#define VIRTIO_ID_IOMMU		23
#define VIRTIO_PCI_VENDOR	0x1af4
#define VIRTIO_PCI_IOMMU	0x1057
#define BIT_IOMMU_TOPOLOGY	8
#define BIT_VERSION_1		32
#define BIT_ACCESS_PLATFORM	33

/* ---- Paths ------------------------------------------------------------------ */

static const char *last_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *parent_path(struct topology *t, const char *path)
{
	const char *slash = strrchr(path, '/');

	return topo_say(t, "%.*s", slash ? (int)(slash - path) : 0, path);
}

/**
 * topo_device_at - find a device by its path
 * @t: topology
 * @path: "devices/..."
 *
 * Return: the device, or NULL.
 */
struct topo_device *topo_device_at(const struct topology *t, const char *path)
{
	struct topo_device *dev;

	topo_for_each(dev, &t->devices)
		if (!strcmp(dev->path, path))
			return dev;
	return NULL;
}

/* ---- The machine ------------------------------------------------------------ */

static bool has_entries(struct topology *t, const char *path)
{
	struct topo_list names;
	bool some = topo_names(t, path, &names) && names.nr;

	free(names.items);
	return some;
}

static void scan_viot(struct topology *t)
{
	const char *dir = "firmware/acpi/tables", *name = "VIOT";

	/* Of several tables, numbered then, the kernel reads the first. */
	if (!topo_exists(t, dir, name))
		name = "VIOT1";
	if (!topo_exists(t, dir, name))
		return;
	t->table = TABLE_UNREADABLE;
	if (topo_read(t, topo_say(t, "sys/%s/%s", dir, name), VIOT_MAX_BYTES,
		      &t->viot.bytes))
		return;
	doc_decode(&t->viot);
	t->table = t->viot.decoded && t->viot.table->nr.iommus ? TABLE_GOOD : TABLE_BROKEN;
	if (t->viot.nr_of[VIOT_ERROR])
		topo_note(t, "VIOT has errors: viommu viot --lint lists them");
}

static void scan_firmware(struct topology *t)
{
	t->has_acpi = has_entries(t, "firmware/acpi/tables");
	if (topo_exists(t, "firmware/acpi/tables", "DMAR"))
		t->foreign = "DMAR";
	else if (topo_exists(t, "firmware/acpi/tables", "IVRS"))
		t->foreign = "IVRS";
	scan_viot(t);
	dt_scan(t);
	topo_read(t, "proc/iomem", MAX_IOMEM, &t->iomem);
	blob_add(&t->iomem, "", 1);
}

/* Does a line "first-last : name name" name it? */
static bool names_device(const char *line, size_t len, const char *name)
{
	const char *p = memmem(line, len, " : ", 3), *end = line + len;
	size_t word, wanted = strlen(name);

	for (p = p ? p + 3 : end; p < end; p += word + 1) {
		word = 0;
		while (p + word < end && p[word] != ' ')
			word++;
		if (word == wanted && !memcmp(p, name, word))
			return true;
	}
	return false;
}

/**
 * topo_registers - find a block of a platform device's registers
 * @t: topology, scanned
 * @name: of the device
 * @index: of the block
 * @first: address
 * @last: likewise
 *
 * Return: false if it has no more, or they are not known: to all but root, they
 * are 0.
 */
bool topo_registers(const struct topology *t, const char *name, size_t index, u64 *first,
		    u64 *last)
{
	const char *p = (const char *)t->iomem.bytes;
	size_t len;

	for (; p && *p; p += len + !!p[len]) {
		len = strcspn(p, "\n");
		if (names_device(p, len, name) && !index--)
			return sscanf(p, " %llx-%llx :", first, last) == 2 &&
			       *last && *first <= *last;
	}
	return false;
}

/* Has VIOT an entry for it? */
static bool in_viot(const struct topology *t, const char *name)
{
	struct viot_endpoint ep;
	u64 first, last;
	size_t i;

	if (t->table != TABLE_GOOD || !t->viot.table->nr.mmio)
		return false;
	for (i = 0; topo_registers(t, name, i, &first, &last); i++)
		if (viot_lookup_mmio(t->viot.table, first, last, &ep))
			return true;
	return false;
}

/* Each line of a list of modules starts with a path, "a/b.ko.xz:". */
static bool lists_module(const struct blob *list, const char *name)
{
	size_t len = strlen(name);
	const char *p, *start = (const char *)list->bytes, *end = start + list->len;

	for (p = start; end - p >= (ptrdiff_t)len; p++) {
		p = memmem(p, end - p, name, len);
		if (!p)
			return false;
		if (p == start || p[-1] == '/' || p[-1] == '\n')
			return true;
	}
	return false;
}

static enum topo_module scan_module(struct topology *t)
{
	enum topo_module module;
	struct blob list;

	if (topo_exists(t, "bus/virtio/drivers", "virtio_iommu") ||
	    topo_exists(t, "bus/virtio/drivers", "virtio-iommu") ||
	    topo_exists(t, "module", "virtio_iommu"))
		return MODULE_READY;
	if (!t->release ||
	    topo_read(t, topo_say(t, "lib/modules/%s/modules.dep", t->release),
		      MAX_MODULES, &list))
		return MODULE_UNKNOWN;
	module = lists_module(&list, "virtio-iommu.ko") ||
		 lists_module(&list, "virtio_iommu.ko") ? MODULE_INSTALLED : MODULE_MISSING;
	blob_free(&list);
	return module;
}

static void scan_kernel(struct topology *t)
{
	t->release = topo_string(t, "../proc/sys/kernel", "osrelease");
	t->has_core = topo_exists(t, "kernel", "iommu_groups");
	t->module = scan_module(t);
	/* The kernel's own has none. */
	t->driver_is_ours = topo_exists(t, "module/virtio_iommu", "version");
}

/* ---- virtio devices --------------------------------------------------------- */

/* "0010...": a character for each bit, the lowest first. */
static bool has_feature(const char *features, size_t bit)
{
	return features && strlen(features) > bit && features[bit] == '1';
}

static void scan_virtio_device(struct topology *t, const char *name)
{
	const char *path = topo_device_path(t, "bus/virtio/devices", name);
	struct topo_virtio *virtio = topo_alloc(t, sizeof(*virtio));
	const char *features;

	if (!path)
		return;
	features = topo_string(t, path, "features");
	virtio->name = name;
	virtio->path = parent_path(t, path);
	virtio->driver = topo_link_name(t, path, "driver");
	topo_number(t, path, "device", &virtio->id);
	virtio->legacy = !has_feature(features, BIT_VERSION_1);
	virtio->translated = has_feature(features, BIT_ACCESS_PLATFORM);
	virtio->builtin = has_feature(features, BIT_IOMMU_TOPOLOGY);
	topo_add(&t->virtio, virtio);
}

static void scan_virtio(struct topology *t)
{
	struct topo_list names;
	const char *name;

	topo_names(t, "bus/virtio/devices", &names);
	topo_for_each(name, &names)
		scan_virtio_device(t, name);
	free(names.items);
}

static struct topo_virtio *virtio_on(const struct topology *t, const char *path)
{
	struct topo_virtio *virtio;

	topo_for_each(virtio, &t->virtio)
		if (!strcmp(virtio->path, path))
			return virtio;
	return NULL;
}

/* ---- Groups ----------------------------------------------------------------- */

static void scan_regions(struct topology *t, struct topo_group *group, const char *dir)
{
	const char *line = topo_string(t, dir, "reserved_regions");
	struct topo_region region, *kept;
	char type[32];

	for (; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (sscanf(line, "%llx %llx %31s", &region.start, &region.last, type) != 3)
			continue;
		region.type = topo_say(t, "%s", type);
		kept = topo_alloc(t, sizeof(*kept));
		*kept = region;
		topo_add(&group->regions, kept);
	}
}

static void scan_group(struct topology *t, const char *number)
{
	const char *dir = topo_say(t, "kernel/iommu_groups/%s", number);
	struct topo_group *group;
	const char *name;
	u64 id;

	if (!parse_u64(number, UINT32_MAX, &id))
		return;
	group = topo_alloc(t, sizeof(*group));
	group->id = id;
	group->type = topo_string(t, dir, "type");
	name = topo_string(t, dir, "name");
	group->noiommu = name && !strcmp(name, "vfio-noiommu");
	scan_regions(t, group, dir);
	topo_add(&t->groups, group);
}

static int compare_groups(const void *a, const void *b)
{
	const struct topo_group *l = *(void *const *)a, *r = *(void *const *)b;

	return l->id < r->id ? -1 : l->id > r->id;
}

static void scan_groups(struct topology *t)
{
	struct topo_list numbers;
	const char *number;

	topo_names(t, "kernel/iommu_groups", &numbers);
	topo_for_each(number, &numbers)
		scan_group(t, number);
	free(numbers.items);
	if (t->groups.nr)
		qsort(t->groups.items, t->groups.nr, sizeof(void *), compare_groups);
}

static struct topo_group *group_of(struct topology *t, const char *path)
{
	const char *number = topo_link_name(t, path, "iommu_group");
	struct topo_group *group;
	u64 id;

	if (!number || !parse_u64(number, UINT32_MAX, &id))
		return NULL;
	topo_for_each(group, &t->groups)
		if (group->id == id)
			return group;
	return NULL;
}

/* ---- Devices ---------------------------------------------------------------- */

static void add_device(struct topology *t, const char *bus, const char *name,
		       const char *path)
{
	struct topo_device *dev;

	if (!path || topo_device_at(t, path))
		return;
	dev = topo_alloc(t, sizeof(*dev));
	dev->name = name;
	dev->bus = bus;
	dev->path = path;
	dev->driver = topo_link_name(t, path, "driver");
	dev->group = group_of(t, path);
	dev->virtio = virtio_on(t, path);
	if (!strcmp(bus, "pci"))
		dev->pci = pci_read(t, name, path);
	topo_add(&t->devices, dev);
}

static void scan_pci(struct topology *t)
{
	struct topo_list names;
	const char *name;

	topo_names(t, "bus/pci/devices", &names);
	topo_for_each(name, &names)
		add_device(t, "pci", name, topo_device_path(t, "bus/pci/devices", name));
	free(names.items);
}

/* Most platform devices do no DMA; these may, or the firmware says that they do. */
static bool does_dma(struct topology *t, const char *name, const char *path)
{
	return topo_exists(t, path, "iommu_group") || topo_exists(t, path, "of_node/iommus") ||
	       virtio_on(t, path) || in_viot(t, name);
}

static void scan_platform(struct topology *t)
{
	struct topo_list names;
	const char *name, *path;

	topo_names(t, "bus/platform/devices", &names);
	topo_for_each(name, &names) {
		path = topo_device_path(t, "bus/platform/devices", name);
		if (path && does_dma(t, name, path))
			add_device(t, "platform", name, path);
	}
	free(names.items);
}

/* Whatever bus they are on. */
static void scan_members(struct topology *t, const struct topo_group *group)
{
	const char *name, *path, *bus;
	struct topo_list names;
	const char *dir;

	dir = topo_say(t, "kernel/iommu_groups/%u/devices", group->id);
	topo_names(t, dir, &names);
	topo_for_each(name, &names) {
		path = topo_device_path(t, dir, name);
		bus = path ? topo_link_name(t, path, "subsystem") : NULL;
		add_device(t, bus ?: "unknown", name, path);
	}
	free(names.items);
}

static int compare_devices(const void *a, const void *b)
{
	const struct topo_device *l = *(void *const *)a, *r = *(void *const *)b;

	if (!l->pci || !r->pci)
		return !!r->pci - !!l->pci ?: strcmp(l->bus, r->bus) ?:
		       strcmp(l->name, r->name) ?: strcmp(l->path, r->path);
	if (l->pci->segment != r->pci->segment)
		return l->pci->segment < r->pci->segment ? -1 : 1;
	return (int)l->pci->bdf - r->pci->bdf;
}

static void scan_devices(struct topology *t)
{
	struct topo_group *group;

	scan_pci(t);
	scan_platform(t);
	topo_for_each(group, &t->groups)
		scan_members(t, group);
	if (t->devices.nr)
		qsort(t->devices.items, t->devices.nr, sizeof(void *), compare_devices);
}

/* ---- IOMMUs ----------------------------------------------------------------- */

static struct topo_iommu *add_iommu(struct topology *t, const char *name)
{
	struct topo_iommu *iommu = topo_alloc(t, sizeof(*iommu));

	iommu->name = name;
	topo_add(&t->iommus, iommu);
	return iommu;
}

static void set_virtio(struct topo_iommu *iommu, const struct topo_virtio *virtio)
{
	iommu->kind = "virtio-iommu";
	iommu->is_virtio = true;
	iommu->path = virtio->path;
	iommu->device = last_name(virtio->path);
	iommu->virtio = virtio->name;
	iommu->driver = virtio->driver;
	iommu->builtin = virtio->driver && virtio->builtin;
}

static const char *foreign_kind(struct topology *t, const struct topo_iommu *iommu)
{
	const char *dir = topo_say(t, "class/iommu/%s", iommu->name);

	if (topo_exists(t, dir, "intel-iommu"))
		return "intel-iommu";
	if (topo_exists(t, dir, "amd-iommu"))
		return "amd-iommu";
	return iommu->driver ?: "unknown";
}

/* The virtio device that an IOMMU is registered for: "PATH/virtio0" */
static struct topo_virtio *virtio_at(struct topology *t, const char *path)
{
	const char *carrier = parent_path(t, path);
	struct topo_virtio *virtio;

	topo_for_each(virtio, &t->virtio)
		if (!strcmp(virtio->name, last_name(path)) &&
		    !strcmp(virtio->path, carrier))
			return virtio;
	return NULL;
}

/* Registered as "PARENT/iommu/NAME"; without a parent, below "virtual". */
static void scan_registered(struct topology *t, const char *name)
{
	const char *path = topo_device_path(t, "class/iommu", name);
	struct topo_iommu *iommu = add_iommu(t, name);
	struct topo_virtio *virtio;

	iommu->kind = "unknown";
	if (!path)
		return;
	path = parent_path(t, parent_path(t, path));
	virtio = virtio_at(t, path);
	if (virtio) {
		set_virtio(iommu, virtio);
		return;
	}
	if (strcmp(path, "devices/virtual")) {
		iommu->path = path;
		iommu->device = last_name(path);
		iommu->driver = topo_link_name(t, path, "driver");
	}
	iommu->kind = foreign_kind(t, iommu);
}

static struct topo_iommu *iommu_at(const struct topology *t, const char *path)
{
	struct topo_iommu *iommu;

	topo_for_each(iommu, &t->iommus)
		if (iommu->path && !strcmp(iommu->path, path))
			return iommu;
	return NULL;
}

/* There, but not registered: no driver, or not even a transport. */
static void scan_idle(struct topology *t)
{
	struct topo_virtio *virtio;
	struct topo_device *dev;
	struct topo_iommu *iommu;

	topo_for_each(virtio, &t->virtio)
		if (virtio->id == VIRTIO_ID_IOMMU && !iommu_at(t, virtio->path))
			set_virtio(add_iommu(t, NULL), virtio);
	topo_for_each(dev, &t->devices) {
		if (!dev->pci || dev->pci->vendor != VIRTIO_PCI_VENDOR ||
		    dev->pci->device != VIRTIO_PCI_IOMMU || iommu_at(t, dev->path))
			continue;
		iommu = add_iommu(t, NULL);
		iommu->kind = "virtio-iommu";
		iommu->is_virtio = true;
		iommu->path = dev->path;
		iommu->device = dev->name;
	}
}

/* As the kernel has it: each device names its IOMMU. */
static void link_devices(struct topology *t)
{
	struct topo_device *dev;
	struct topo_iommu *iommu;
	const char *name;

	topo_for_each(dev, &t->devices) {
		name = topo_link_name(t, dev->path, "iommu");
		topo_for_each(iommu, &t->iommus)
			if (name && iommu->name && !strcmp(iommu->name, name))
				dev->iommu = iommu;
	}
}

static void scan_iommus(struct topology *t)
{
	struct topo_list names;
	const char *name;

	topo_names(t, "class/iommu", &names);
	topo_for_each(name, &names)
		scan_registered(t, name);
	free(names.items);
	scan_idle(t);
	link_devices(t);
}

/**
 * topo_scan - gather what the kernel has
 * @t: topology, opened
 */
void topo_scan(struct topology *t)
{
	scan_kernel(t);
	scan_firmware(t);
	scan_virtio(t);
	scan_groups(t);
	scan_devices(t);
	scan_iommus(t);
}
