/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_LINUX_SORT_H
#define _SHIM_LINUX_SORT_H

#include <stdlib.h>

#define sort(base, num, size, cmp, swap)	qsort(base, num, size, cmp)

/* glibc declares it for _GNU_SOURCE only; with the arguments of the kernel's. */
void qsort_r(void *base, size_t num, size_t size,
	     int (*cmp)(const void *, const void *, void *), void *arg);

/* The kernel's comparison takes a pointer to const: the same to call. */
struct shim_sort {
	int		(*cmp)(const void *a, const void *b, const void *priv);
	const void	*priv;
};

static inline int shim_sort_cmp(const void *a, const void *b, void *arg)
{
	const struct shim_sort *s = arg;

	return s->cmp(a, b, s->priv);
}

#define sort_r(base, num, size, cmp, swap, priv) \
	qsort_r(base, num, size, shim_sort_cmp, &(struct shim_sort){ cmp, priv })

#endif
