// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as the answer to a PROBE, and as a fault event. Neither may be
 * read beyond its end, which the sanitizers see, nor understood otherwise than
 * by the model.
 *
 * An input is used as it is, so that what a device wrote can be a seed. Those
 * called qemu-* were cut out of the memory of guests of QEMU 11.1.3: q35; virt
 * with gic-version=3; the same with its=off and the reserved regions
 * 0x20000000 to 0x200fffff and, for MSI, 0x8000000 to 0x80fffff.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../host/proto_model.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

static void judge(const char *differ)
{
	if (!differ)
		return;
	fprintf(stderr, "driver and model differ: %s\n", differ);
	abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	size_t enough;

	if (len > VIOMMU_MAX_PROBE_SIZE)
		return 0;
	/* To the end, and with a callback that has enough after a while. */
	for (enough = 0; enough < 4; enough++)
		judge(model_compare_walk(data, len, enough));
	judge(model_compare_fault(data, len));
	return 0;
}
