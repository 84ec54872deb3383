/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the parts of the program have in common: the commands, their exit
 * statuses, and what util.c has for all of them.
 */
#ifndef _VIOMMU_H
#define _VIOMMU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <linux/compiler.h>

enum {
	EXIT_GOOD	= 0,
	EXIT_FINDINGS	= 1,	/* done as asked, and what was looked at is wrong */
	EXIT_TROUBLE	= 2,	/* not done: bad usage, or it cannot be read or written */
};

/* The arguments start with the command's name. The return is the exit status. */
int cmd_viot(int argc, char **argv);
int cmd_topology(int argc, char **argv);

/**
 * struct blob - bytes that grow
 * @bytes: the bytes
 * @len: how many there are
 * @room: how many there is memory for, from blob_add()
 */
struct blob {
	unsigned char	*bytes;
	size_t		len;
	size_t		room;
};

bool blob_read(struct blob *b, const char *path, size_t max);
bool blob_write(const struct blob *b, const char *path);
void blob_add(struct blob *b, const void *bytes, size_t len);
void blob_free(struct blob *b);

__printf(1, 2) void complain(const char *fmt, ...);
void *xrealloc(void *old, size_t size);
void put_text(FILE *out, const void *bytes, size_t len);

#endif /* _VIOMMU_H */
