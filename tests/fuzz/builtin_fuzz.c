// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a config space with a topology in it. The decoder must neither
 * read nor write where it must not, which the sanitizers see, nor answer
 * otherwise than the model.
 *
 * The first byte of an input says which features the device offers, and what
 * kind of device it is; the rest is its config space. The device's address is
 * taken from the start of that, which has no meaning for the topology.
 *
 * Seeds called device-*, defect-*, draft-* and sample-* are what the unit test
 * has in its tables of such.
 */

#include <stdio.h>
#include <stdlib.h>

#include "../host/builtin_model.h"

/* The model is quadratic. */
#define LONGEST		4096

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct viot_iommu self = { .offset = 0x17 };
	const char *differ;
	u64 features;

	if (len < 9 || len > LONGEST)
		return 0;
	features = (u64)(data[0] & 7) << 6;	/* bits 6 to 8 */
	self.kind = (data[0] >> 3) % 3;
	data++;
	self.address = model_le(data, self.kind == VIOT_IOMMU_PCI ? 4 : 8);
	differ = builtin_model_compare(data, len - 1, features, &self);
	if (!differ)
		return 0;
	fprintf(stderr, "decoder and model differ: %s\n", differ);
	abort();
}
