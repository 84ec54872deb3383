// SPDX-License-Identifier: GPL-2.0
/*
 * The judgement: whether a device's DMA is translated, and if not, why not. The
 * first thing in the way is named, in the order in which firmware, kernel and
 * driver come to a group; once it is gone, the next may show.
 *
 * Codes are an interface: Documentation/admin-guide/viommu.rst lists them.
 */

#include <string.h>

#include <linux/array_size.h>

#include "topology.h"

static void because(struct topo_device *dev, const char *code, const char *text)
{
	if (dev->nr_reasons < TOPO_REASONS)
		dev->reasons[dev->nr_reasons++] = (struct topo_reason){ code, text };
}

/* ---- Names ---------------------------------------------------------------------- */

/**
 * topo_iommu_name - what to call an IOMMU
 * @iommu: any
 *
 * Return: the name.
 */
const char *topo_iommu_name(const struct topo_iommu *iommu)
{
	return iommu->name ?: iommu->virtio ?: iommu->device ?: iommu->claim ?: "?";
}

/**
 * topo_source_name - what to call a source
 * @source: any
 *
 * Return: the name, or NULL for none.
 */
const char *topo_source_name(enum topo_source source)
{
	static const char *const names[] = {
		[SOURCE_VIOT] = "viot",
		[SOURCE_DT] = "devicetree",
		[SOURCE_BUILTIN] = "device",
	};

	return names[source];
}

/**
 * topo_state_name - what to call a state
 * @state: any
 *
 * Return: the name, stable, for programs.
 */
const char *topo_state_name(enum topo_state state)
{
	static const char *const names[] = {
		[STATE_UNTRANSLATED] = "untranslated",
		[STATE_TRANSLATED] = "translated",
		[STATE_IDENTITY] = "identity",
		[STATE_BLOCKED] = "blocked",
		[STATE_IOMMU] = "iommu",
	};

	return names[state];
}

/* ---- Described, and in no group all the same -------------------------------------- */

/* Some promise to do no DMA of their own, and may be bound before the IOMMU. */
static bool driver_does_dma(const struct topo_device *dev)
{
	static const char *const harmless[] = { "pcieport", "pci-stub", "vfio-pci" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(harmless); i++)
		if (!strcmp(dev->driver, harmless[i]))
			return false;
	return !dev->virtio || dev->virtio->driver;
}

/*
 * Since 6.15 the core puts devices without a driver in groups, too. The driver
 * of this project does so with any core.
 */
static bool kernel_waits_for_driver(const struct topology *t)
{
	int major, minor;

	return !t->driver_is_ours && t->release &&
	       sscanf(t->release, "%d.%d", &major, &minor) == 2 &&
	       (major < 6 || (major == 6 && minor < 15));
}

static void why_no_group(struct topology *t, struct topo_device *dev)
{
	if (dev->driver && driver_does_dma(dev))
		because(dev, "bound-early",
			"its driver was bound before the IOMMU's: load virtio_iommu from the initramfs (or the IOMMU does not take it: see the kernel's log)");
	else if (!dev->driver && kernel_waits_for_driver(t))
		because(dev, "no-driver",
			"no driver is bound to it; this kernel asks for translation when one is");
	else
		because(dev, "refused",
			"the IOMMU does not take it: the kernel's log says why");
}

static void why_no_module(struct topology *t, struct topo_device *dev)
{
	const char *name = topo_iommu_name(dev->described);

	if (t->module == MODULE_READY)
		because(dev, "iommu-no-driver",
			topo_say(t, "its IOMMU %s has no driver: see the kernel's log",
				 name));
	else if (t->module == MODULE_MISSING)
		because(dev, "module-not-installed",
			topo_say(t, "kernel %s has no module virtio_iommu", t->release));
	else
		because(dev, "module-not-loaded",
			"the module virtio_iommu is not loaded; it belongs in the initramfs, before the drivers of devices");
}

static void why_no_iommu(struct topology *t, struct topo_device *dev)
{
	const struct topo_iommu *iommu = dev->described;
	const char *name = topo_iommu_name(iommu);

	if (iommu->node && iommu->node->disabled)
		because(dev, "iommu-disabled",
			topo_say(t, "its IOMMU %s is disabled in the device tree", name));
	else if (!iommu->path)
		because(dev, "iommu-absent",
			topo_say(t, "its IOMMU %s is not there", name));
	else if (iommu->is_virtio && !iommu->virtio)
		because(dev, "iommu-no-transport",
			topo_say(t, "neither virtio_pci nor virtio_mmio is bound to its IOMMU %s",
				 name));
	else if (iommu->is_virtio && !iommu->driver)
		why_no_module(t, dev);
	else if (!iommu->name)
		because(dev, "iommu-no-driver",
			topo_say(t, "its IOMMU %s is not registered: see the kernel's log", name));
	else
		why_no_group(t, dev);
}

/* ---- Not described ------------------------------------------------------------------ */

/* One that is there, not merely described. */
static const struct topo_iommu *any_iommu(const struct topology *t, bool is_virtio)
{
	const struct topo_iommu *iommu;

	topo_for_each(iommu, &t->iommus)
		if (iommu->is_virtio == is_virtio && (iommu->path || iommu->name))
			return iommu;
	return NULL;
}

static void why_no_entry(struct topology *t, struct topo_device *dev)
{
	const char *where = t->nodes.nr ? "the device tree" : "VIOT";

	if (dev->pci && !dev->unmapped)
		because(dev, "bus-bypassed",
			topo_say(t, "its root bus %s bypasses the IOMMU: %s has nothing below it",
				 dev->pci->root ? strrchr(dev->pci->root, '/') + 4 : "?",
				 where));
	else
		because(dev, "no-entry", topo_say(t, "%s has no entry for it", where));
}

static void why_no_source(struct topology *t, struct topo_device *dev)
{
	const struct topo_iommu *iommu = any_iommu(t, true);

	if (iommu && iommu->builtin)
		because(dev, "no-entry",
			topo_say(t, "%s lists its endpoints itself, and this is none of them",
				 topo_iommu_name(iommu)));
	else if (iommu && !t->has_acpi && !t->has_tree)
		because(dev, "no-firmware",
			"there is neither ACPI nor a device tree (acpi=off, or they are hidden)");
	else if (iommu)
		because(dev, "no-description",
			topo_say(t, "neither VIOT nor the device tree say what is behind %s",
				 topo_iommu_name(iommu)));
	else if (any_iommu(t, false))
		because(dev, "not-described",
			"the kernel does not find it behind any of the IOMMUs");
	else if (t->foreign)
		because(dev, "iommu-unused",
			topo_say(t, "the firmware has IOMMUs (%s) that the kernel does not use",
				 t->foreign));
	else
		because(dev, "no-iommu", "this machine has no IOMMU");
}

static void why_not_described(struct topology *t, struct topo_device *dev)
{
	if (dev->broken)
		because(dev, "bad-description",
			topo_say(t, "its description cannot be used: %s", dev->broken));
	else if (t->table == TABLE_UNREADABLE)
		because(dev, "viot-unreadable",
			"the firmware's VIOT would say, but it cannot be read; root may");
	else if (t->table == TABLE_BROKEN)
		because(dev, "viot-broken",
			"the firmware's VIOT is broken: viommu viot --lint says how");
	else if (t->table == TABLE_GOOD || t->nodes.nr)
		why_no_entry(t, dev);
	else
		why_no_source(t, dev);
}

static void judge_ungrouped(struct topology *t, struct topo_device *dev)
{
	if (!t->has_core)
		because(dev, "no-kernel-support",
			"this kernel is built without support for IOMMUs (CONFIG_IOMMU_SUPPORT)");
	else if (dev->described)
		why_no_iommu(t, dev);
	else
		why_not_described(t, dev);
}

/* ---- In a group ----------------------------------------------------------------------- */

static void judge_grouped(struct topo_device *dev)
{
	const char *type = dev->group->type ?: "unknown";

	dev->state = STATE_TRANSLATED;
	if (dev->group->noiommu) {
		dev->state = STATE_UNTRANSLATED;
		because(dev, "vfio-noiommu",
			"its group was made by VFIO without an IOMMU (enable_unsafe_noiommu_mode)");
	} else if (!strcmp(type, "identity")) {
		dev->state = STATE_IDENTITY;
		because(dev, "passthrough",
			"the kernel was told to let it pass: iommu.passthrough=1, or its group's type");
	} else if (!strcmp(type, "blocked")) {
		dev->state = STATE_BLOCKED;
	}
}

/*
 * A virtio device that was not told to use an IOMMU takes addresses as physical,
 * whatever group its function is in; and its driver sees to it that they are.
 */
static void judge_virtio(struct topo_device *dev)
{
	const struct topo_virtio *virtio = dev->virtio;

	if (!virtio || !virtio->driver || virtio->translated ||
	    (!dev->group && !dev->described))
		return;
	dev->state = STATE_UNTRANSLATED;
	if (virtio->legacy && dev->pci)
		because(dev, "virtio-legacy",
			"a legacy virtio device goes past every IOMMU (QEMU: disable-legacy=on,iommu_platform=on)");
	else if (virtio->legacy)
		because(dev, "virtio-legacy",
			"a legacy virtio device goes past every IOMMU (QEMU: -global virtio-mmio.force-legacy=off, and iommu_platform=on)");
	else
		because(dev, "virtio-no-access-platform",
			"a virtio device without VIRTIO_F_ACCESS_PLATFORM goes past every IOMMU (QEMU: iommu_platform=on)");
}

static bool is_iommu(const struct topology *t, const struct topo_device *dev)
{
	const struct topo_iommu *iommu;

	topo_for_each(iommu, &t->iommus)
		if (iommu->path && !strcmp(iommu->path, dev->path))
			return true;
	return false;
}

/**
 * topo_judge - say of each device whether it is translated, and why not
 * @t: topology, found
 */
void topo_judge(struct topology *t)
{
	struct topo_device *dev;

	topo_for_each(dev, &t->devices) {
		if (is_iommu(t, dev)) {
			dev->state = STATE_IOMMU;
			because(dev, "is-iommu", "it is an IOMMU itself");
			continue;
		}
		if (dev->group)
			judge_grouped(dev);
		else
			judge_ungrouped(t, dev);
		judge_virtio(dev);
	}
}

/**
 * topo_unprotected - say whether a device does DMA that nothing translates
 * @dev: judged
 *
 * Bridges do none of their own, a function none that may not master its bus, and
 * what has no driver none that anybody has asked it for.
 *
 * Return: whether it does.
 */
bool topo_unprotected(const struct topo_device *dev)
{
	if (dev->state != STATE_UNTRANSLATED && dev->state != STATE_IDENTITY)
		return false;
	if (!dev->driver || (dev->virtio && !dev->virtio->driver))
		return false;
	return !dev->pci || (dev->pci->master && !pci_is_bridge(dev->pci));
}
