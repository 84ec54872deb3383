/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _SHIM_LINUX_EXPORT_H
#define _SHIM_LINUX_EXPORT_H

#define EXPORT_SYMBOL(s)	extern int shim_export_##s
#define EXPORT_SYMBOL_GPL(s)	EXPORT_SYMBOL(s)

#endif
