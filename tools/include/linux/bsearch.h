/* SPDX-License-Identifier: GPL-2.0 */
/* bsearch() is the same in both. */
#ifndef _SHIM_LINUX_BSEARCH_H
#define _SHIM_LINUX_BSEARCH_H

#include <stdlib.h>

#endif
