// SPDX-License-Identifier: GPL-2.0
/*
 * How things are called, and what people mean: PCI functions as Linux writes
 * them (segment:bus:device.function, in hexadecimal), numbers as C does.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/array_size.h>

#include "viot.h"

/**
 * put_pci_name - the name of a PCI function
 * @buf: NAME_BYTES; pci_name() brings its own
 * @segment: PCI segment
 * @bdf: BDF
 *
 * Return: @buf.
 */
const char *put_pci_name(char *buf, u32 segment, u16 bdf)
{
	snprintf(buf, NAME_BYTES, "%04x:%02x:%02x.%x", segment, bdf >> 8,
		 bdf >> 3 & 0x1f, bdf & 7);
	return buf;
}

/**
 * put_iommu_name - the name of an IOMMU
 * @buf: NAME_BYTES; iommu_name() brings its own
 * @iommu: an element of the table's
 *
 * Return: @buf.
 */
const char *put_iommu_name(char *buf, const struct viot_iommu *iommu)
{
	if (iommu->kind == VIOT_IOMMU_PCI)
		return put_pci_name(buf, iommu->address >> 16, iommu->address);
	snprintf(buf, NAME_BYTES, "0x%llx", iommu->address);
	return buf;
}

/**
 * viot_severity_name - one word for a severity
 * @severity: of a finding
 *
 * Return: the word.
 */
const char *viot_severity_name(enum viot_severity severity)
{
	static const char * const names[] = {
		[VIOT_NOTE] = "note",
		[VIOT_WARNING] = "warning",
		[VIOT_ERROR] = "error",
	};

	return names[severity];
}

/**
 * viot_code_name - a name of a finding's kind that programs may rely on
 * @code: of a finding
 *
 * Return: the name in enum viot_code, without prefix; NULL if there is none.
 */
const char *viot_code_name(enum viot_code code)
{
#define NAMED(name) { VIOT_##name, #name }
	static const struct {
		enum viot_code	code;
		const char	*name;
	} names[] = {
		NAMED(NO_HEADER), NAMED(BAD_SIGNATURE), NAMED(BAD_LENGTH),
		NAMED(BAD_CHECKSUM), NAMED(NEW_REVISION), NAMED(EXTRA_BYTES),
		NAMED(BAD_NODE_OFFSET), NAMED(NODES_MISSING),
		NAMED(NODES_UNCOUNTED), NAMED(NODE_ENDLESS), NAMED(NODE_CUT),
		NAMED(NODE_SHORT), NAMED(NODE_LONG), NAMED(NODE_UNKNOWN),
		NAMED(IOMMU_TWICE), NAMED(BAD_OUTPUT), NAMED(SEGMENTS_REVERSED),
		NAMED(BDFS_REVERSED), NAMED(ENDPOINT_OVERFLOW),
		NAMED(PCI_OVERLAP), NAMED(MMIO_TWICE), NAMED(MMIO_SELF),
	};
#undef NAMED
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].code == code)
			return names[i].name;
	return NULL;
}

/**
 * parse_u64 - what number was written
 * @s: digits, or 0x and hexadecimal digits, and nothing else
 * @max: the largest that will do
 * @value: where the number goes
 *
 * Return: false if it is none, or larger.
 */
bool parse_u64(const char *s, u64 max, u64 *value)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	const char *digits = hex ? s + 2 : s;
	size_t nr = strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789");

	if (!nr || digits[nr])
		return false;
	errno = 0;
	*value = strtoull(digits, NULL, hex ? 16 : 10);
	return !errno && *value <= max;
}

/* One to @digits hexadecimal digits and then @end; @s moves on behind it. */
static bool parse_part(const char **s, size_t digits, char end, unsigned long max,
		       unsigned long *value)
{
	size_t nr = strspn(*s, "0123456789abcdefABCDEF");

	if (!nr || nr > digits || (*s)[nr] != end)
		return false;
	*value = strtoul(*s, NULL, 16);
	*s += nr + !!end;
	return *value <= max;
}

/**
 * parse_pci - which PCI functions were named
 * @s: segment:bus:device.function, or segment:bus for all of a bus
 * @segment: where the segment goes
 * @first: where the first BDF goes
 * @last: where the last goes: equal to the first but for a bus
 *
 * Return: false if it is no such name.
 */
bool parse_pci(const char *s, u16 *segment, u16 *first, u16 *last)
{
	unsigned long seg, bus, dev, fn;
	bool whole = !strchr(s, '.');

	if (!parse_part(&s, 4, ':', 0xffff, &seg) ||
	    !parse_part(&s, 2, whole ? '\0' : ':', 0xff, &bus))
		return false;
	*segment = seg;
	*first = bus << 8;
	*last = *first | 0xff;
	if (whole)
		return true;
	if (!parse_part(&s, 2, '.', 0x1f, &dev) || !parse_part(&s, 1, '\0', 7, &fn))
		return false;
	*first |= dev << 3 | fn;
	*last = *first;
	return true;
}
