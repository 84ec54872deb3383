// SPDX-License-Identifier: GPL-2.0
/*
 * Who translates a certain device, by the driver's own lookup.
 */

#include <string.h>

#include "viot.h"

/**
 * viot_find - write who translates a device
 * @doc: decoded document
 * @device: a PCI function or an address
 * @out: where to
 *
 * Return: exit status: good if there is an IOMMU for the device.
 */
int viot_find(const struct viot_doc *doc, const char *device, FILE *out)
{
	struct viot_endpoint ep;
	u16 segment, bdf, last;
	bool found;
	u64 base;

	if (strchr(device, '.') && parse_pci(device, &segment, &bdf, &last)) {
		found = viot_lookup_pci(doc->table, segment, bdf, &ep);
	} else if (parse_u64(device, ~0ULL, &base)) {
		found = viot_lookup_mmio(doc->table, base, base, &ep);
	} else {
		complain("neither a PCI function, such as 0000:00:02.0, nor an address: %s",
			 device);
		return EXIT_TROUBLE;
	}
	if (found)
		fprintf(out, "%s: endpoint 0x%x of IOMMU %s\n", device, ep.id,
			iommu_name(&doc->table->iommus[ep.iommu]));
	else
		fprintf(out, "%s: not translated\n", device);
	return found ? EXIT_GOOD : EXIT_FINDINGS;
}
