// SPDX-License-Identifier: GPL-2.0
/*
 * The topology for programs. Keys are an interface, as are the values of those
 * that are no names: Documentation/admin-guide/viommu.rst lists them. What is
 * not known is null.
 */

#include "json.h"
#include "topology.h"

/* Goes up when a key changes its meaning; a new key does not count. */
#define TOPO_JSON_VERSION	1

static void put_string(struct json *j, const char *key, const char *value)
{
	json_key(j, key);
	if (value)
		json_string(j, value);
	else
		json_null(j);
}

static void put_bool(struct json *j, const char *key, bool value)
{
	json_key(j, key);
	json_bool(j, value);
}

static void put_iommu(struct json *j, const struct topo_iommu *iommu)
{
	json_object_begin(j);
	put_string(j, "name", topo_iommu_name(iommu));
	put_string(j, "kind", iommu->kind);
	put_bool(j, "present", iommu->path || iommu->name);
	put_bool(j, "registered", iommu->name);
	put_string(j, "device", iommu->device);
	put_string(j, "virtio", iommu->virtio);
	put_string(j, "driver", iommu->driver);
	json_key(j, "described_by");
	json_array_begin(j);
	if (iommu->in_viot)
		json_string(j, topo_source_name(SOURCE_VIOT));
	if (iommu->node)
		json_string(j, topo_source_name(SOURCE_DT));
	if (iommu->builtin)
		json_string(j, topo_source_name(SOURCE_BUILTIN));
	json_array_end(j);
	json_object_end(j);
}

static void put_region(struct json *j, const struct topo_region *region)
{
	json_object_begin(j);
	json_key(j, "start");
	json_hex(j, region->start);
	json_key(j, "end");
	json_hex(j, region->last);
	put_string(j, "type", region->type);
	json_object_end(j);
}

static void put_group(struct json *j, const struct topo_group *group)
{
	const struct topo_region *region;

	json_object_begin(j);
	json_key(j, "id");
	json_u64(j, group->id);
	put_string(j, "type", group->type);
	json_key(j, "reserved_regions");
	json_array_begin(j);
	topo_for_each(region, &group->regions)
		put_region(j, region);
	json_array_end(j);
	json_object_end(j);
}

static void put_pci(struct json *j, const struct topo_pci *pci)
{
	char buf[16];

	json_key(j, "pci");
	if (!pci) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	snprintf(buf, sizeof(buf), "%04x:%04x", pci->vendor, pci->device);
	put_string(j, "id", buf);
	snprintf(buf, sizeof(buf), "%06x", pci->class);
	put_string(j, "class", buf);
	put_bool(j, "bridge", pci_is_bridge(pci));
	put_bool(j, "bus_master", pci->master);
	json_object_end(j);
}

static void put_virtio(struct json *j, const struct topo_virtio *virtio)
{
	json_key(j, "virtio");
	if (!virtio) {
		json_null(j);
		return;
	}
	json_object_begin(j);
	put_string(j, "name", virtio->name);
	put_string(j, "driver", virtio->driver);
	/* Features are agreed on with a driver. */
	json_key(j, "access_platform");
	if (virtio->driver)
		json_bool(j, virtio->translated);
	else
		json_null(j);
	json_object_end(j);
}

static void put_endpoints(struct json *j, const struct topo_device *dev)
{
	const struct topo_endpoint *ep;

	json_key(j, "endpoints");
	json_array_begin(j);
	topo_for_each(ep, &dev->endpoints) {
		json_object_begin(j);
		json_key(j, "id");
		json_u64(j, ep->id);
		put_string(j, "alias_of", ep->alias ?
			   pci_name(dev->pci->segment, ep->requester) : NULL);
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_reasons(struct json *j, const struct topo_device *dev)
{
	size_t i;

	json_key(j, "reasons");
	json_array_begin(j);
	for (i = 0; i < dev->nr_reasons; i++) {
		json_object_begin(j);
		put_string(j, "code", dev->reasons[i].code);
		put_string(j, "text", dev->reasons[i].text);
		json_object_end(j);
	}
	json_array_end(j);
}

static void put_device(struct json *j, const struct topo_device *dev)
{
	json_object_begin(j);
	put_string(j, "name", dev->name);
	put_string(j, "bus", dev->bus);
	put_string(j, "driver", dev->driver);
	put_string(j, "state", topo_state_name(dev->state));
	put_bool(j, "unprotected", topo_unprotected(dev));
	json_key(j, "group");
	if (dev->group)
		json_u64(j, dev->group->id);
	else
		json_null(j);
	put_string(j, "iommu", dev->iommu ? topo_iommu_name(dev->iommu) : NULL);
	put_string(j, "source", topo_source_name(dev->source));
	put_string(j, "described_iommu",
		   dev->described ? topo_iommu_name(dev->described) : NULL);
	put_endpoints(j, dev);
	put_pci(j, dev->pci);
	put_virtio(j, dev->virtio);
	put_reasons(j, dev);
	json_object_end(j);
}

/**
 * topo_json - print the topology for programs
 * @t: topology, judged
 * @out: where to
 */
void topo_json(const struct topology *t, FILE *out)
{
	const struct topo_device *dev;
	const struct topo_group *group;
	const struct topo_iommu *iommu;
	const char *note;
	struct json j;

	json_init(&j, out);
	json_object_begin(&j);
	json_key(&j, "version");
	json_u64(&j, TOPO_JSON_VERSION);
	json_key(&j, "iommus");
	json_array_begin(&j);
	topo_for_each(iommu, &t->iommus)
		put_iommu(&j, iommu);
	json_array_end(&j);
	json_key(&j, "groups");
	json_array_begin(&j);
	topo_for_each(group, &t->groups)
		put_group(&j, group);
	json_array_end(&j);
	json_key(&j, "devices");
	json_array_begin(&j);
	topo_for_each(dev, &t->devices)
		put_device(&j, dev);
	json_array_end(&j);
	json_key(&j, "notes");
	json_array_begin(&j);
	topo_for_each(note, &t->notes)
		json_string(&j, note);
	json_array_end(&j);
	json_object_end(&j);
}
