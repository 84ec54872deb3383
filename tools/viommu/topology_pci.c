// SPDX-License-Identifier: GPL-2.0
/*
 * PCI functions: their names, the root bus they are below, and what a bridge
 * makes of the IDs of those behind it, as read from configuration space.
 */

#include <stdlib.h>
#include <string.h>

#include "topology.h"

/* Configuration space: offsets and values; PCI and PCI Express specifications. */
enum {
	PCI_COMMAND		= 0x04,
	PCI_COMMAND_MASTER	= 0x04,
	PCI_STATUS		= 0x06,
	PCI_STATUS_CAPS		= 0x10,
	PCI_SECONDARY_BUS	= 0x19,
	PCI_CAP_LIST		= 0x34,
	PCI_FIRST_CAP		= 0x40,
	PCI_CAP_EXPRESS		= 0x10,
	PCI_EXPRESS_TO_PCI	= 7,
	PCI_PCI_TO_EXPRESS	= 8,
};

/* What everybody may read; root reads all. */
#define PCI_HEADER_BYTES	64

/* Capabilities are four bytes at least, so no list without a loop has more. */
#define PCI_MAX_CAPS		48

static bool hex(const char **p, size_t least, size_t most, char end, u32 *value)
{
	size_t nr = strspn(*p, "0123456789abcdef");

	if (nr < least || nr > most || (*p)[nr] != end)
		return false;
	*value = strtoul(*p, NULL, 16);
	*p += nr + !!end;
	return true;
}

/**
 * pci_parse - understand the kernel's name of a PCI function
 * @name: "0000:00:1f.2"
 * @segment: goes there
 * @bdf: likewise
 *
 * Return: false if it is none.
 */
bool pci_parse(const char *name, u32 *segment, u16 *bdf)
{
	u32 bus, slot, function;

	if (!hex(&name, 4, 8, ':', segment) || !hex(&name, 2, 2, ':', &bus) ||
	    !hex(&name, 2, 2, '.', &slot) || !hex(&name, 1, 1, 0, &function) ||
	    slot > 31 || function > 7)
		return false;
	*bdf = bus << 8 | slot << 3 | function;
	return true;
}

/* The number of a root bus, "pci0000:00/..." */
static bool is_root_bus(const char *name, u8 *bus)
{
	u32 segment, number;

	if (strncmp(name, "pci", 3))
		return false;
	name += 3;
	if (!hex(&name, 4, 8, ':', &segment) || !hex(&name, 2, 2, '/', &number))
		return false;
	*bus = number;
	return true;
}

/**
 * pci_root - find the root bus that a function is below
 * @t: topology
 * @path: of the function; the last of several root buses is its own
 * @bus: number of the bus
 *
 * Return: path of its directory, or NULL.
 */
const char *pci_root(struct topology *t, const char *path, u8 *bus)
{
	const char *p, *end = NULL;

	for (p = strchr(path, '/'); p; p = strchr(p + 1, '/'))
		if (is_root_bus(p + 1, bus))
			end = strchr(p + 1, '/');
	return end ? topo_say(t, "%.*s", (int)(end - path), path) : NULL;
}

/* Offset of a capability, or 0; *unknown if it cannot be seen from here. */
static size_t find_cap(const struct topo_pci *pci, u8 id, bool *unknown)
{
	const u8 *config = pci->config;
	size_t at, nr;

	*unknown = pci->config_len < PCI_HEADER_BYTES;
	if (*unknown || !(config[PCI_STATUS] & PCI_STATUS_CAPS))
		return 0;
	at = config[PCI_CAP_LIST] & ~3;
	for (nr = 0; at >= PCI_FIRST_CAP && nr < PCI_MAX_CAPS; nr++) {
		*unknown = at + 4 > pci->config_len;
		if (*unknown)
			return 0;
		if (config[at] == id)
			return at;
		at = config[at + 1] & ~3;
	}
	return 0;
}

/**
 * pci_alias - the requester ID that a bridge puts in place of others'
 * @bridge: above the function that does DMA
 * @bdf: the ID
 * @unknown: whether that cannot be told; only root may read capabilities
 *
 * PCI Express to PCI/PCI-X Bridge specification, "Requester ID".
 *
 * Return: false for ports of a PCI Express hierarchy, which pass IDs on.
 */
bool pci_alias(const struct topo_pci *bridge, u16 *bdf, bool *unknown)
{
	size_t cap = find_cap(bridge, PCI_CAP_EXPRESS, unknown);
	u8 type;

	if (*unknown)
		return false;
	*bdf = bridge->bdf;
	if (!cap)
		return true;
	type = bridge->config[cap + 2] >> 4;
	if (type == PCI_EXPRESS_TO_PCI)
		*bdf = bridge->config[PCI_SECONDARY_BUS] << 8;
	return type == PCI_EXPRESS_TO_PCI || type == PCI_PCI_TO_EXPRESS;
}

/**
 * pci_is_bridge - say whether a function is there for others' sake
 * @pci: function
 *
 * Return: whether it is.
 */
bool pci_is_bridge(const struct topo_pci *pci)
{
	return pci->class >> 16 == 0x06;
}

static void read_config(struct topology *t, struct topo_pci *pci, const char *path)
{
	struct blob b;

	/* More than this has extended capabilities only. */
	if (topo_read(t, topo_say(t, "sys/%s/config", path), 4096, &b))
		return;
	pci->config_len = b.len < sizeof(pci->config) ? b.len : sizeof(pci->config);
	memcpy(pci->config, b.bytes ?: pci->config, pci->config_len);
	blob_free(&b);
}

/**
 * pci_read - read what is special to a PCI function
 * @t: topology
 * @name: of the function
 * @path: likewise
 *
 * Return: it, or NULL if the name is none of a PCI function.
 */
struct topo_pci *pci_read(struct topology *t, const char *name, const char *path)
{
	struct topo_pci *pci = topo_alloc(t, sizeof(*pci));
	u32 value;

	if (!pci_parse(name, &pci->segment, &pci->bdf))
		return NULL;
	pci->vendor = topo_number(t, path, "vendor", &value) ? value : 0xffff;
	pci->device = topo_number(t, path, "device", &value) ? value : 0xffff;
	pci->class = topo_number(t, path, "class", &value) ? value : 0;
	pci->root = pci_root(t, path, &pci->root_bus);
	read_config(t, pci, path);
	pci->master = pci->config_len < PCI_HEADER_BYTES ||
		      pci->config[PCI_COMMAND] & PCI_COMMAND_MASTER;
	return pci;
}
