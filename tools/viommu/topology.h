/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The command "topology": which device of the running guest is behind which
 * IOMMU, as the kernel has it, beside what the firmware says; and for each
 * device that is not, why not.
 *
 * What the kernel has comes from sysfs, below a root that may be a copy of
 * another machine's. All of it is gathered first (topology_scan.c), then looked
 * up in the firmware's description (topology_find.c), then judged
 * (topology_why.c), and only then shown.
 *
 * Everything here lives as long as its struct topology. Strings that came from
 * the machine are printable ASCII.
 *
 * Vocabulary: the driver's and the decoder's. A "carrier" is the device that a
 * virtio device is on: a PCI function, or a platform device (virtio-mmio).
 */
#ifndef _TOPOLOGY_H
#define _TOPOLOGY_H

#include "viot.h"

/* ---- What is gathered ----------------------------------------------------- */

/* Pointers to objects of one kind. */
struct topo_list {
	void	**items;
	size_t	nr;
};

static inline void *topo_item(const struct topo_list *list, size_t at)
{
	return at < list->nr ? list->items[at] : NULL;
}

/* topo_for_each(object, &list): each in turn, the index in object_at. */
#define topo_for_each(o, list) \
	for (size_t o##_at = 0; ((o) = topo_item(list, o##_at)); o##_at++)

/**
 * struct dt_node - a node of the device tree that devices may be behind
 * @path: below the tree's root, "/pcie@10000000/..."
 * @phandle: how others refer to it
 * @cells: cells of an ID; #iommu-cells
 * @is_virtio: is it a virtio-iommu, as far as its "compatible" tells?
 * @disabled: its status says that it is not there
 */
struct dt_node {
	const char	*path;
	u32		phandle;
	u32		cells;
	bool		is_virtio;
	bool		disabled;
};

/**
 * struct topo_iommu - an IOMMU that is there, or that the firmware claims is
 * @name: in /sys/class/iommu; NULL while no driver has registered it
 * @kind: "virtio-iommu", "intel-iommu", ..., or its driver's name
 * @device: the (carrying) device; NULL if it has none, or none is there
 * @path: of that device, "devices/..."
 * @virtio: the virtio device; NULL if it is none, or its transport is not bound
 * @driver: of the IOMMU; NULL if none is bound
 * @claim: what the firmware calls it, if it does
 * @is_virtio: a virtio-iommu, or likely to be one
 * @builtin: the driver reads the device's own list of endpoints
 * @node: in the device tree
 * @in_viot: VIOT describes it
 * @viot: then its index in the decoded table
 */
struct topo_iommu {
	const char		*name;
	const char		*kind;
	const char		*device;
	const char		*path;
	const char		*virtio;
	const char		*driver;
	const char		*claim;
	bool			is_virtio;
	bool			builtin;
	const struct dt_node	*node;
	bool			in_viot;
	u32			viot;
};

/**
 * struct topo_region - IOVAs that the group's devices must not use
 * @start: first
 * @last: last
 * @type: "msi", "direct", "reserved", ...
 */
struct topo_region {
	u64		start;
	u64		last;
	const char	*type;
};

/**
 * struct topo_group - devices that the IOMMU cannot tell, or keep, apart
 * @id: the kernel's number
 * @type: of its default domain: "DMA", "DMA-FQ", "identity", ...; NULL: unknown
 * @noiommu: made by VFIO, without an IOMMU
 * @regions: struct topo_region; reserved
 */
struct topo_group {
	u32			id;
	const char		*type;
	bool			noiommu;
	struct topo_list	regions;
};

/**
 * struct topo_virtio - a virtio device
 * @name: "virtio3"
 * @path: of its carrier
 * @driver: NULL if none is bound
 * @id: of the specification: 23 is an IOMMU
 * @legacy: driven without VIRTIO_F_VERSION_1; only known with a driver
 * @translated: driven with VIRTIO_F_ACCESS_PLATFORM
 * @builtin: driven with VIRTIO_IOMMU_F_TOPOLOGY, if it is an IOMMU
 */
struct topo_virtio {
	const char	*name;
	const char	*path;
	const char	*driver;
	u32		id;
	bool		legacy;
	bool		translated;
	bool		builtin;
};

/**
 * struct topo_pci - what is special to PCI functions
 * @segment: also above 16 bits, where the kernel made it up
 * @bdf: bus << 8 | device << 3 | function
 * @vendor: of the device; 0xffff if it cannot be read
 * @device: likewise
 * @class: 24 bits
 * @root: directory of its root bus, "devices/pci0000:00"
 * @root_bus: number of that bus
 * @master: may it do DMA now, as its command register says? unknown counts
 * @config: the start of its configuration space
 * @config_len: bytes of it that could be read
 */
struct topo_pci {
	u32		segment;
	u16		bdf;
	u16		vendor;
	u16		device;
	u32		class;
	const char	*root;
	u8		root_bus;
	bool		master;
	u8		config[256];
	size_t		config_len;
};

/* Where an endpoint's ID comes from. */
enum topo_source {
	SOURCE_NONE,
	SOURCE_VIOT,
	SOURCE_DT,
	SOURCE_BUILTIN,		/* known only to the driver */
};

/**
 * struct topo_endpoint - an ID that a device's DMA may carry
 * @id: for the IOMMU
 * @requester: for a PCI function, the ID on the bus
 * @alias: a bridge's, in place of the function's own
 */
struct topo_endpoint {
	u32	id;
	u16	requester;
	bool	alias;
};

/* Whether the device's DMA goes through an IOMMU. */
enum topo_state {
	STATE_UNTRANSLATED,
	STATE_TRANSLATED,
	STATE_IDENTITY,		/* through it, but on purpose unchanged */
	STATE_BLOCKED,		/* it may do none */
	STATE_IOMMU,		/* it is one itself */
};

/**
 * struct topo_reason - why a device is not translated
 * @code: stable, for programs
 * @text: for people
 */
struct topo_reason {
	const char	*code;
	const char	*text;
};

#define TOPO_REASONS	2

/**
 * struct topo_device - a device that may do DMA
 * @name: on its bus
 * @bus: "pci", "platform", ...
 * @path: "devices/..."
 * @driver: NULL if none is bound
 * @pci: NULL if it is on another bus
 * @virtio: the virtio device that it carries
 * @group: NULL if it is in none
 * @iommu: that it is behind, says the kernel
 * @described: IOMMU that it is behind, says @source; else NULL
 * @source: what describes it
 * @endpoints: struct topo_endpoint; its own first, if they are known
 * @unmapped: others below its root bus are described, and it is not
 * @broken: what is wrong with its description, if it cannot be used
 * @state: of its DMA
 * @reasons: why it is not translated
 * @nr_reasons: how many
 */
struct topo_device {
	const char		*name;
	const char		*bus;
	const char		*path;
	const char		*driver;
	struct topo_pci		*pci;
	struct topo_virtio	*virtio;
	struct topo_group	*group;
	struct topo_iommu	*iommu;
	struct topo_iommu	*described;
	enum topo_source	source;
	struct topo_list	endpoints;
	bool			unmapped;
	const char		*broken;
	enum topo_state		state;
	struct topo_reason	reasons[TOPO_REASONS];
	size_t			nr_reasons;
};

/* What there is of the driver of virtio-iommus. */
enum topo_module {
	MODULE_READY,		/* it waits for devices */
	MODULE_INSTALLED,
	MODULE_MISSING,
	MODULE_UNKNOWN,		/* not loaded; no list of modules */
};

/* What there is of an ACPI table. */
enum topo_table {
	TABLE_NONE,
	TABLE_GOOD,
	TABLE_BROKEN,		/* nothing of it could be used */
	TABLE_UNREADABLE,
};

/**
 * struct topology - all of it
 * @root: file descriptor of the root that everything is read below
 * @confined: symbolic links do not lead out of it
 * @memory: all that was allocated
 * @iommus: struct topo_iommu; working ones first, then others
 * @groups: struct topo_group, by number
 * @devices: struct topo_device; PCI functions by address, then others by name
 * @virtio: struct topo_virtio
 * @nodes: struct dt_node
 * @notes: strings; what could not be found out, or is odd
 * @iomem: who is at which address
 * @release: of the kernel
 * @has_core: the kernel knows IOMMUs
 * @has_tree: it has a device tree
 * @has_acpi: it has ACPI tables
 * @foreign: name of an ACPI table that describes IOMMUs of another kind
 * @table: what there is of VIOT
 * @viot: its content
 * @module: what there is of the driver
 * @driver_is_ours: it is this project's, not the kernel's own
 */
struct topology {
	int			root;
	bool			confined;
	struct topo_list	memory;
	struct topo_list	iommus;
	struct topo_list	groups;
	struct topo_list	devices;
	struct topo_list	virtio;
	struct topo_list	nodes;
	struct topo_list	notes;
	struct blob		iomem;
	const char		*release;
	bool			has_core;
	bool			has_tree;
	bool			has_acpi;
	const char		*foreign;
	enum topo_table		table;
	struct viot_doc		viot;
	enum topo_module	module;
	bool			driver_is_ours;
};

/* ---- topology_root.c: memory, and files below the root -------------------- */

bool topo_open(struct topology *t, const char *root);
void topo_close(struct topology *t);

void *topo_alloc(struct topology *t, size_t size);
void topo_add(struct topo_list *list, void *item);
__printf(2, 3) const char *topo_say(struct topology *t, const char *fmt, ...);
__printf(2, 3) void topo_note(struct topology *t, const char *fmt, ...);

int topo_read(struct topology *t, const char *path, size_t max, struct blob *b);
const char *topo_string(struct topology *t, const char *dir, const char *name);
bool topo_number(struct topology *t, const char *dir, const char *name, u32 *value);
const char *topo_link(struct topology *t, const char *dir, const char *name);
const char *topo_device_path(struct topology *t, const char *dir, const char *name);
const char *topo_link_name(struct topology *t, const char *dir, const char *name);
bool topo_exists(struct topology *t, const char *dir, const char *name);
bool topo_names(struct topology *t, const char *path, struct topo_list *names);
bool topo_folders(struct topology *t, const char *path, struct topo_list *names);

/* ---- topology_pci.c: names, buses and bridges ----------------------------- */

bool pci_parse(const char *name, u32 *segment, u16 *bdf);
const char *pci_root(struct topology *t, const char *path, u8 *bus);
bool pci_alias(const struct topo_pci *bridge, u16 *bdf, bool *unknown);
bool pci_is_bridge(const struct topo_pci *pci);
struct topo_pci *pci_read(struct topology *t, const char *name, const char *path);

/* ---- topology_dt.c: the device tree --------------------------------------- */

/* Room for an iommu-map of thousands of entries. */
#define DT_MAX_PROPERTY		0x100000

/* What a property says of an ID. */
enum dt_answer {
	DT_NOTHING,
	DT_FOUND,
	DT_BROKEN,
};

/**
 * struct dt_id - an ID behind an IOMMU
 * @phandle: the IOMMU's
 * @id: the endpoint's
 */
struct dt_id {
	u32	phandle;
	u32	id;
};

enum dt_answer dt_map(const struct blob *map, u32 mask, u32 rid, struct dt_id *id);
bool dt_cell(const struct blob *property, size_t index, u32 *cell);
void dt_scan(struct topology *t);
const struct dt_node *dt_find(const struct topology *t, u32 phandle);

/* ---- The steps, in their order -------------------------------------------- */

void topo_scan(struct topology *t);
void topo_find(struct topology *t);
void topo_judge(struct topology *t);
bool topo_unprotected(const struct topo_device *dev);

struct topo_device *topo_device_at(const struct topology *t, const char *path);
bool topo_registers(const struct topology *t, const char *name, size_t index, u64 *first,
		    u64 *last);
const char *topo_iommu_name(const struct topo_iommu *iommu);
const char *topo_source_name(enum topo_source source);
const char *topo_state_name(enum topo_state state);

/* ---- The ways to show it -------------------------------------------------- */

void topo_text(const struct topology *t, FILE *out);
void topo_json(const struct topology *t, FILE *out);
void topo_dot(const struct topology *t, FILE *out);

#endif /* _TOPOLOGY_H */
