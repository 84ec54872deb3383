/* SPDX-License-Identifier: GPL-2.0 */
/*
 * PCI functions that are nowhere but in this memory, for tests of who is
 * behind what: a host bridge of its own, on a segment of its own. They have a
 * config space, bridges too; nobody answers at their BARs.
 */
#ifndef _FAKE_PCI_H
#define _FAKE_PCI_H

#include <kunit/test.h>
#include <linux/acpi.h>
#include <linux/pci.h>
#include <uapi/linux/virtio_pci.h>

struct fake_pci;

#define FAKE_VENDOR	0x1b36		/* of devices that QEMU makes up */
#define FAKE_DEVICE	0x00fe		/* all that say nothing else */

/* What the kernel takes for a virtio-iommu */
#define FAKE_VIRTIO	PCI_VENDOR_ID_REDHAT_QUMRANET
#define FAKE_IOMMU	0x1057

/* Of BAR 0, where a function has capabilities that point into it */
#define FAKE_BAR	0x1000

#define FAKE_MAX_CAPS	4

/* A capability that says where a virtio device's config space is */
#define FAKE_CONFIG_CAP(what, number, from, bytes) {					\
	.cap_len = sizeof(struct virtio_pci_cap), .cfg_type = what, .bar = number,	\
	.offset = cpu_to_le32(from), .length = cpu_to_le32(bytes),			\
}

/**
 * struct fake_function - a function to be
 * @bus: number of its bus
 * @devfn: device and function
 * @device: device ID, of FAKE_VENDOR; FAKE_IOMMU of FAKE_VIRTIO; 0 for FAKE_DEVICE
 * @express: it has the capability of PCI Express
 * @port: PCI_EXP_TYPE_*, if so
 * @below: of a bridge, the bus below it; 0 if it is none
 * @last: of a bridge, the last bus below it; 0 for @below
 * @caps: capabilities of the vendor's; their IDs and links are filled in
 * @nr_caps: how many, up to FAKE_MAX_CAPS
 * @hidden: not there before fake_pci_plug()
 */
struct fake_function {
	u8 bus;
	u8 devfn;
	u16 device;
	bool express;
	u8 port;
	u8 below;
	u8 last;
	struct virtio_pci_cap caps[FAKE_MAX_CAPS];
	unsigned int nr_caps;
	bool hidden;
};

#define FAKE_MAX_FUNCTIONS	20

/*
 * fake_pci_start() has the kernel find the functions. They go when the test
 * ends. @segment is kept to on x86, elsewhere it is the next that is free;
 * fake_pci_segment() tells. @companion: what ACPI calls the host bridge, or NULL.
 * fake_pci_dev() fails the test if the function is not there.
 *
 * Context: Process, sleeps.
 */
struct fake_pci *fake_pci_start(struct kunit *test, u16 segment,
				const struct fake_function *functions, unsigned int nr,
				struct acpi_device *companion);
u16 fake_pci_segment(const struct fake_pci *pci);
struct pci_dev *fake_pci_dev(struct fake_pci *pci, u8 bus, u8 devfn);
struct pci_dev *fake_pci_plug(struct fake_pci *pci, u8 bus, u8 devfn);
void fake_pci_unplug(struct fake_pci *pci, u8 bus, u8 devfn);

#endif /* _FAKE_PCI_H */
