// SPDX-License-Identifier: GPL-2.0
/*
 * The topology as a drawing for Graphviz, along the way that DMA takes: from
 * devices, in a box for each group, through their IOMMU to memory; or past it,
 * and then in red, with the reason.
 */

#include <string.h>

#include "topology.h"

static void put_quoted(FILE *out, const char *text)
{
	putc('"', out);
	put_text(out, text, strlen(text));
	putc('"', out);
}

static void put_name(FILE *out, const char *prefix, const char *name)
{
	putc('"', out);
	fputs(prefix, out);
	put_text(out, name, strlen(name));
	putc('"', out);
}

static void dot_node(const struct topo_device *dev, const char *indent, FILE *out)
{
	const struct topo_endpoint *ep;

	fputs(indent, out);
	put_quoted(out, dev->path);
	fputs(" [label=\"", out);
	put_text(out, dev->name, strlen(dev->name));
	if (dev->driver) {
		fputs("\\n", out);
		put_text(out, dev->driver, strlen(dev->driver));
	}
	topo_for_each(ep, &dev->endpoints)
		fprintf(out, "\\nendpoint 0x%x%s", ep->id, ep->alias ? " (alias)" : "");
	fprintf(out, "\"%s];\n", topo_unprotected(dev) ? ", color=red" : "");
}

static void dot_group(const struct topology *t, const struct topo_group *group, FILE *out)
{
	const struct topo_device *dev;

	fprintf(out, "\tsubgraph cluster_group%u {\n\t\tlabel=\"group %u\\n", group->id,
		group->id);
	put_text(out, group->type ?: "?", strlen(group->type ?: "?"));
	fputs("\";\n", out);
	topo_for_each(dev, &t->devices)
		if (dev->group == group)
			dot_node(dev, "\t\t", out);
	fputs("\t}\n", out);
}

static void dot_iommu(const struct topo_iommu *iommu, FILE *out)
{
	fputc('\t', out);
	put_name(out, "iommu ", topo_iommu_name(iommu));
	fputs(" [shape=hexagon, label=\"", out);
	put_text(out, topo_iommu_name(iommu), strlen(topo_iommu_name(iommu)));
	fputs("\\n", out);
	put_text(out, iommu->kind, strlen(iommu->kind));
	fprintf(out, "\"%s];\n", iommu->name ? "" : ", style=dashed");
	if (!iommu->name)
		return;
	fputc('\t', out);
	put_name(out, "iommu ", topo_iommu_name(iommu));
	fputs(" -> memory;\n", out);
}

/* The way of its DMA, if it does any. */
static void dot_way(const struct topo_device *dev, FILE *out)
{
	size_t i;

	if (dev->state == STATE_BLOCKED || dev->state == STATE_IOMMU)
		return;
	fputc('\t', out);
	put_quoted(out, dev->path);
	fputs(" -> ", out);
	if (dev->iommu && dev->state != STATE_UNTRANSLATED)
		put_name(out, "iommu ", topo_iommu_name(dev->iommu));
	else
		fputs("memory", out);
	if (dev->nr_reasons) {
		fprintf(out, " [%sfontsize=10, label=\"",
			topo_unprotected(dev) ? "color=red, " : "style=dotted, ");
		for (i = 0; i < dev->nr_reasons; i++)
			fprintf(out, "%s%s", i ? "\\n" : "", dev->reasons[i].code);
		fputs("\"]", out);
	}
	fputs(";\n", out);
}

/**
 * topo_dot - print the topology as a drawing
 * @t: topology, judged
 * @out: where to
 */
void topo_dot(const struct topology *t, FILE *out)
{
	const struct topo_device *dev;
	const struct topo_group *group;
	const struct topo_iommu *iommu;

	fputs("digraph topology {\n\trankdir=LR;\n\tnode [shape=box];\n"
	      "\tmemory [shape=cylinder];\n", out);
	topo_for_each(iommu, &t->iommus)
		dot_iommu(iommu, out);
	topo_for_each(group, &t->groups)
		dot_group(t, group, out);
	topo_for_each(dev, &t->devices)
		if (!dev->group && dev->state != STATE_IOMMU)
			dot_node(dev, "\t", out);
	topo_for_each(dev, &t->devices)
		dot_way(dev, out);
	fputs("}\n", out);
}
