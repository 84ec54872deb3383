/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of conformance share: a device to be driven, memory to be
 * mapped, and what can be asked of any driver through the IOMMU core and the
 * log. See conformance_test.c for what they are.
 */
#ifndef _CONFORMANCE_H
#define _CONFORMANCE_H

#include <linux/iommu.h>
#include <linux/kmsg_dump.h>

#include "mock/mock.h"

/* Inside every profile's ranges, far from what any reserves */
#define CONFORM_IOVA	0x10000000UL
#define CONFORM_RW	(IOMMU_READ | IOMMU_WRITE)

/* Regions for PROBE to report, clear of those of the profiles */
#define CONFORM_X	0x50000000ULL
#define CONFORM_Y	0x60000000ULL
#define CONFORM_Z	0x70000000ULL
#define CONFORM_REGION	SZ_1M

/**
 * struct conform_log - what is said to the log from a moment on
 * @iter: the next line to be read
 * @line: the last that was found, from its first word on
 */
struct conform_log {
	struct kmsg_dump_iter iter;
	char line[256];
};

/**
 * struct conform_domain - a domain of a test's own
 * @domain: the domain
 * @dev: whom it is for
 * @attached: and it is attached to it
 */
struct conform_domain {
	struct iommu_domain *domain;
	struct device *dev;
	bool attached;
};

/* conformance_lib.c */
struct mock_profile *conform_profile(struct kunit *test);
struct mock *conform_start(struct kunit *test, const struct mock_profile *profile);
struct mock *conform_start_unchecked(struct kunit *test, const struct mock_profile *profile);
bool conform_moves(struct kunit *test);
void conform_need(struct kunit *test, unsigned int feature, const char *name);
void conform_verdict(struct kunit *test, struct mock *mock, unsigned int requirement);
void conform_judged(struct kunit *test, struct mock *mock, unsigned int requirement);
phys_addr_t conform_memory(struct kunit *test);
int conform_map(struct device *dev, u64 iova, phys_addr_t phys, size_t size, int prot);
size_t conform_unmap(struct device *dev, u64 iova, size_t size);
bool conform_reaches(struct mock *mock, u32 id, u64 iova, phys_addr_t phys);
struct device *conform_live(struct kunit *test, struct mock *mock, u32 id);
struct conform_domain *conform_domain_try(struct kunit *test, struct device *dev);
struct conform_domain *conform_domain(struct kunit *test, struct device *dev);
int conform_attach(struct conform_domain *own);
void conform_detach(struct conform_domain *own);
void conform_domain_free(struct kunit *test, struct conform_domain *own);
void conform_refuse_move(struct mock *mock);
void conform_everything(struct kunit *test, struct mock *mock);
int conform_set_type(struct device *dev, const char *type);
void conform_log_begin(struct conform_log *log);
bool conform_log_find(struct conform_log *log, const char *what);

#define CONFORM_MEMORY	(4 * PAGE_SIZE)	/* what conform_memory() gives */

/* conformance_config.c */
void R01_features(struct kunit *test);
void R02_map_unmap(struct kunit *test);
void R03_config_writes(struct kunit *test);
void R04_bypass_bits(struct kunit *test);
void R05_handshake(struct kunit *test);
void R42_rings(struct kunit *test);

/* conformance_probe.c */
void R06_probe_first(struct kunit *test);
void R07_probe_size(struct kunit *test);
void R08_probe_reserved(struct kunit *test);
void R09_unknown_property(struct kunit *test);
void R10_step_by_length(struct kunit *test);
void R11_reserved_type_bits(struct kunit *test);
void R12_and_go_on(struct kunit *test);
void R13_resv_mem_reserved(struct kunit *test);
void R14_unknown_subtype(struct kunit *test);
void R15_reserved_regions(struct kunit *test);

/* conformance_attach.c */
void R16_head_reserved(struct kunit *test);
void R17_tail_reserved(struct kunit *test);
void R18_used_length(struct kunit *test);
void R20_domain_range(struct kunit *test);
void R21_attach_reserved(struct kunit *test);
void R22_share_domain(struct kunit *test);
void R23_bypass_flag(struct kunit *test);
void R24_bypass_feature(struct kunit *test);
void R25_detach_reserved(struct kunit *test);

/* conformance_map.c */
void R19_input_range(struct kunit *test);
void R26_map_flags(struct kunit *test);
void R27_no_map_in_bypass(struct kunit *test);
void R28_map_range(struct kunit *test);
void R29_mmio_type(struct kunit *test);
void R30_read_flag(struct kunit *test);
void R31_mmio_feature(struct kunit *test);
void R32_map_alignment(struct kunit *test);
void R33_unmap_reserved(struct kunit *test);
void R34_unmap_whole(struct kunit *test);
void R35_unmap_no_split(struct kunit *test);
void R36_no_unmap_in_bypass(struct kunit *test);

/* conformance_event.c */
void R37_event_head(struct kunit *test);
void R38_event_reserved(struct kunit *test);
void R39_event_flags(struct kunit *test);
void R40_event_reason(struct kunit *test);
void R41_event_buffers(struct kunit *test);

#endif /* _CONFORMANCE_H */
