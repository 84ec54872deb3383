// SPDX-License-Identifier: GPL-2.0
/*
 * Any bytes as a VIOT. The decoder must neither read nor write where it must
 * not, which the sanitizers see, nor answer otherwise than the model.
 *
 * An input is decoded as it is and once more with the header mended, since
 * little can be learnt behind a wrong signature.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../host/viot_model.h"

/* The model is quadratic. */
#define LONGEST		4096

static void compare(const u8 *p, size_t len)
{
	const char *differ = model_compare(p, len);

	if (!differ)
		return;
	fprintf(stderr, "decoder and model differ: %s\n", differ);
	abort();
}

static void mend(u8 *p, size_t len)
{
	memcpy(p, VIOT_SIGNATURE, 4);
	p[4] = len;
	p[5] = len >> 8;
	p[6] = 0;
	p[7] = 0;
	if (p[38] < 48 || p[39])
		p[38] = 48;
	p[39] = 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	u8 *mended;

	if (len > LONGEST)
		return 0;
	compare(data, len);
	if (len < sizeof(struct viot_wire_header))
		return 0;
	/* On the heap and no longer than it is, for ASan. */
	mended = malloc(len);
	memcpy(mended, data, len);
	mend(mended, len);
	compare(mended, len);
	free(mended);
	return 0;
}
