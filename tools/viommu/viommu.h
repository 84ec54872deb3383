/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the program have in common: the commands, their exit
 * statuses, and how they complain.
 */
#ifndef _VIOMMU_H
#define _VIOMMU_H

enum {
	EXIT_GOOD	= 0,
	EXIT_FINDINGS	= 1,	/* done as asked, and what was looked at is wrong */
	EXIT_TROUBLE	= 2,	/* not done: bad usage, or it cannot be read or written */
};

/* The arguments start with the command's name. The return is the exit status. */
int cmd_viot(int argc, char **argv);
int cmd_topology(int argc, char **argv);

void complain(const char *fmt, ...) __attribute__((__format__(__printf__, 1, 2)));

#endif /* _VIOMMU_H */
