// SPDX-License-Identifier: GPL-2.0
/*
 * Holds the kernel's virtio-iommu driver, whichever it is, to the requirements
 * R1 to R42 that the specification has for drivers, as
 * Documentation/conformance.rst numbers them: one case for each, for each
 * device that the mock can be.
 *
 * A case brings about what its requirement is about, sees to it that it
 * happened, and looks at what the driver did: at the device (the mock notes
 * what is against a requirement), at what the IOMMU core was told, and at the
 * log. All of it through interfaces that any driver has. Above each case
 * stands how a driver is found out that does it wrong.
 *
 * What the mock cannot see:
 *
 * - The transport. Config space has no access widths, the queues no limits of
 *   a bus; the mock hands out rings in memory as virtio-mmio and virtio-pci do.
 * - Whether memory is shared with the device before it is given and not after:
 *   it reads and writes as the CPU does, in the order of one.
 * - What depends on the order in which requests are carried out: it answers in
 *   any order, but carries out in that of the ring.
 * - A driver that writes config.bypass (R3, R4) only when somebody asks it to,
 *   by a way of its own: no public interface does.
 * - What a driver does with the reserved regions of endpoints that somebody
 *   else maps for (R15): VFIO and iommufd are told by the core, and keep clear
 *   of them by themselves.
 * - Endpoints that buses do not isolate (R22): the core groups PCI functions.
 *   Here they are platform devices that share an ID.
 * - A DETACH (R25) of drivers that never send one.
 * - Faults (R37 to R40) but by what the driver writes to the log. A driver that
 *   writes nothing cannot be told from one that ignores them, and fails.
 * - Registers and memory side by side (R29): whether reads of a device that
 *   were meant (R30) were allowed is judged by what the core was asked for.
 */
#include "conformance.h"

MOCK_PARAM_PROFILES;

static struct kunit_case conformance_cases[] = {
	KUNIT_CASE_PROFILES(R01_features),
	KUNIT_CASE_PROFILES(R02_map_unmap),
	KUNIT_CASE_PROFILES(R03_config_writes),
	KUNIT_CASE_PROFILES(R04_bypass_bits),
	KUNIT_CASE_PROFILES(R05_handshake),
	KUNIT_CASE_PROFILES(R06_probe_first),
	KUNIT_CASE_PROFILES(R07_probe_size),
	KUNIT_CASE_PROFILES(R08_probe_reserved),
	KUNIT_CASE_PROFILES(R09_unknown_property),
	KUNIT_CASE_PROFILES(R10_step_by_length),
	KUNIT_CASE_PROFILES(R11_reserved_type_bits),
	KUNIT_CASE_PROFILES(R12_and_go_on),
	KUNIT_CASE_PROFILES(R13_resv_mem_reserved),
	KUNIT_CASE_PROFILES(R14_unknown_subtype),
	KUNIT_CASE_PROFILES(R15_reserved_regions),
	KUNIT_CASE_PROFILES(R16_head_reserved),
	KUNIT_CASE_PROFILES(R17_tail_reserved),
	KUNIT_CASE_PROFILES(R18_used_length),
	KUNIT_CASE_PROFILES(R19_input_range),
	KUNIT_CASE_PROFILES(R20_domain_range),
	KUNIT_CASE_PROFILES(R21_attach_reserved),
	KUNIT_CASE_PROFILES(R22_share_domain),
	KUNIT_CASE_PROFILES(R23_bypass_flag),
	KUNIT_CASE_PROFILES(R24_bypass_feature),
	KUNIT_CASE_PROFILES(R25_detach_reserved),
	KUNIT_CASE_PROFILES(R26_map_flags),
	KUNIT_CASE_PROFILES(R27_no_map_in_bypass),
	KUNIT_CASE_PROFILES(R28_map_range),
	KUNIT_CASE_PROFILES(R29_mmio_type),
	KUNIT_CASE_PROFILES(R30_read_flag),
	KUNIT_CASE_PROFILES(R31_mmio_feature),
	KUNIT_CASE_PROFILES(R32_map_alignment),
	KUNIT_CASE_PROFILES(R33_unmap_reserved),
	KUNIT_CASE_PROFILES(R34_unmap_whole),
	KUNIT_CASE_PROFILES(R35_unmap_no_split),
	KUNIT_CASE_PROFILES(R36_no_unmap_in_bypass),
	KUNIT_CASE_PROFILES(R37_event_head),
	KUNIT_CASE_PROFILES(R38_event_reserved),
	KUNIT_CASE_PROFILES(R39_event_flags),
	KUNIT_CASE_PROFILES(R40_event_reason),
	KUNIT_CASE_PROFILES(R41_event_buffers),
	KUNIT_CASE_PROFILES(R42_rings),
	{ }
};

static struct kunit_suite conformance_suite = {
	.name = "viommu_conformance",
	.test_cases = conformance_cases,
};

kunit_test_suite(conformance_suite);
