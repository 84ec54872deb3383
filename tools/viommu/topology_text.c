// SPDX-License-Identifier: GPL-2.0
/*
 * The topology for people: IOMMUs, their groups, the devices in them; then what
 * is not translated, by reason.
 */

#include <string.h>

#include "topology.h"

/* Where in the tree a line is: what its children's lines begin with. */
#define PREFIX_BYTES	32

static void put_line(FILE *out, char *prefix, bool last)
{
	fprintf(out, "%s%s", prefix, last ? "`-- " : "|-- ");
	strcat(prefix, last ? "    " : "|   ");
}

static void put_endpoints(FILE *out, const struct topo_device *dev)
{
	const struct topo_endpoint *ep;
	const char *word = ", endpoint";

	topo_for_each(ep, &dev->endpoints) {
		fprintf(out, "%s 0x%x", word, ep->id);
		if (ep->alias)
			fprintf(out, " (as %s)", pci_name(dev->pci->segment, ep->requester));
		word = " and";
	}
	if (dev->source == SOURCE_BUILTIN)
		fputs(", endpoint known to the IOMMU only", out);
}

static void put_device(FILE *out, const struct topo_device *dev)
{
	fputs(dev->name, out);
	if (dev->pci && dev->pci->vendor != 0xffff)
		fprintf(out, " [%04x:%04x]", dev->pci->vendor, dev->pci->device);
	else if (!dev->pci)
		fprintf(out, " [%s]", dev->bus);
	put_endpoints(out, dev);
	fprintf(out, ", %s", dev->driver ?: "no driver");
	if (dev->virtio)
		fprintf(out, ", %s %s", dev->virtio->name, dev->virtio->driver ?: "without driver");
	if (dev->pci && !dev->pci->master && dev->state == STATE_UNTRANSLATED)
		fputs(", DMA off", out);
}

/* ---- Behind an IOMMU ---------------------------------------------------------- */

static bool is_in(const struct topo_device *dev, const struct topo_group *group,
		  const struct topo_iommu *iommu)
{
	return dev->group == group && dev->iommu == iommu;
}

static bool has_members(const struct topology *t, const struct topo_group *group,
			const struct topo_iommu *iommu)
{
	const struct topo_device *dev;

	topo_for_each(dev, &t->devices)
		if (is_in(dev, group, iommu))
			return true;
	return false;
}

/* More devices of the group from this one on? */
static bool is_last_member(const struct topology *t, size_t at)
{
	const struct topo_device *dev = t->devices.items[at], *other;

	for (at++; at < t->devices.nr; at++) {
		other = t->devices.items[at];
		if (is_in(other, dev->group, dev->iommu))
			return false;
	}
	return true;
}

static void put_group(FILE *out, const struct topo_group *group)
{
	const struct topo_region *region;
	const char *word = ", reserved";

	fprintf(out, "group %u: %s", group->id, group->type ?: "domain unknown");
	topo_for_each(region, &group->regions) {
		fprintf(out, "%s 0x%llx-0x%llx %s", word, region->start, region->last,
			region->type);
		word = ",";
	}
	putc('\n', out);
}

static void text_group(const struct topology *t, const struct topo_group *group,
		       const struct topo_iommu *iommu, bool last, FILE *out)
{
	char prefix[PREFIX_BYTES] = "";
	const struct topo_device *dev;

	put_line(out, prefix, last);
	put_group(out, group);
	topo_for_each(dev, &t->devices) {
		char below[PREFIX_BYTES];

		if (!is_in(dev, group, iommu))
			continue;
		strcpy(below, prefix);
		put_line(out, below, is_last_member(t, dev_at));
		put_device(out, dev);
		fputs(dev->state == STATE_UNTRANSLATED ? ", NOT TRANSLATED\n" : "\n", out);
	}
}

static void text_groups(const struct topology *t, const struct topo_iommu *iommu, FILE *out)
{
	const struct topo_group *group, *last = NULL;

	topo_for_each(group, &t->groups)
		if (has_members(t, group, iommu))
			last = group;
	topo_for_each(group, &t->groups)
		if (has_members(t, group, iommu))
			text_group(t, group, iommu, group == last, out);
}

static void text_iommu(const struct topo_iommu *iommu, FILE *out)
{
	fprintf(out, "%s: %s", topo_iommu_name(iommu), iommu->kind);
	if (iommu->device)
		fprintf(out, " at %s", iommu->device);
	else if (!iommu->name)
		fputs(", not there", out);
	if (iommu->device && iommu->driver)
		fprintf(out, ", driver %s", iommu->driver);
	else if (iommu->device)
		fputs(", NO DRIVER", out);
	if (iommu->in_viot)
		fputs(", described by VIOT", out);
	if (iommu->node)
		fprintf(out, ", described by the device tree (%s)", iommu->node->path);
	if (iommu->builtin)
		fputs(", describes its endpoints itself", out);
	putc('\n', out);
}

/* ---- Not behind one ----------------------------------------------------------- */

static bool has_reason(const struct topo_device *dev, const char *text)
{
	size_t i;

	for (i = 0; i < dev->nr_reasons; i++)
		if (!strcmp(dev->reasons[i].text, text))
			return true;
	return false;
}

static const struct topo_device *first_with(const struct topology *t, const char *text)
{
	const struct topo_device *dev;

	topo_for_each(dev, &t->devices)
		if (has_reason(dev, text))
			return dev;
	return NULL;
}

static void text_devices_with(const struct topology *t, const char *text, FILE *out)
{
	const struct topo_device *dev, *last = NULL;

	topo_for_each(dev, &t->devices)
		if (has_reason(dev, text))
			last = dev;
	topo_for_each(dev, &t->devices) {
		char prefix[PREFIX_BYTES] = "";

		if (!has_reason(dev, text))
			continue;
		put_line(out, prefix, dev == last);
		put_device(out, dev);
		putc('\n', out);
	}
}

/* Each reason once, with those that have it; for IOMMUs, or for all others. */
static void text_reasons(const struct topology *t, bool of_iommus, FILE *out)
{
	const struct topo_device *dev;
	size_t i;

	topo_for_each(dev, &t->devices) {
		bool is_iommu = dev->state == STATE_IOMMU;

		if (is_iommu != of_iommus)
			continue;
		for (i = 0; i < dev->nr_reasons; i++) {
			const char *text = dev->reasons[i].text;

			if (first_with(t, text) != dev)
				continue;
			fprintf(out, "\nnot translated: %s\n", text);
			text_devices_with(t, text, out);
		}
	}
}

/**
 * topo_text - print the topology for people
 * @t: topology, judged
 * @out: where to
 */
void topo_text(const struct topology *t, FILE *out)
{
	const struct topo_iommu *iommu;
	const char *note;

	if (!t->iommus.nr)
		fputs("no IOMMU\n", out);
	topo_for_each(iommu, &t->iommus) {
		text_iommu(iommu, out);
		text_groups(t, iommu, out);
	}
	/* Groups without an IOMMU are VFIO's, or those of an older kernel. */
	text_groups(t, NULL, out);
	text_reasons(t, false, out);
	text_reasons(t, true, out);
	if (t->notes.nr)
		putc('\n', out);
	topo_for_each(note, &t->notes)
		fprintf(out, "note: %s\n", note);
}
