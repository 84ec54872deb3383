// SPDX-License-Identifier: GPL-2.0
#include "viommu.h"

int cmd_viot(int argc, char **argv)
{
	(void)argc;
	complain("there is no %s yet", argv[0]);
	return EXIT_TROUBLE;
}
