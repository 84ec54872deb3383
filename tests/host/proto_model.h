/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Lists of properties and fault events read a second time, byte by byte, as
 * the specification tells it, and compared with what the driver makes of them.
 * Shared by the tests and the fuzz target.
 */
#ifndef _PROTO_MODEL_H
#define _PROTO_MODEL_H

#include <errno.h>
#include <string.h>

#include "../../drivers/iommu/virtio/proto.h"

/* As many as the largest list can hold. */
#define MODEL_MAX_VISITS	(VIOMMU_MAX_PROBE_SIZE / 24)

/* What a callback says that has had enough. */
#define MODEL_ENOUGH		(-ECANCELED)

/* The regions a walk came by; the callback fails on number @enough, from 1. */
struct visits {
	struct viommu_resv_mem	list[MODEL_MAX_VISITS];
	size_t			nr;
	size_t			enough;
	int			err;
};

static inline int visit(const struct viommu_resv_mem *mem, void *ctx)
{
	struct visits *v = ctx;

	if (v->nr < MODEL_MAX_VISITS)
		v->list[v->nr] = *mem;
	return ++v->nr == v->enough ? MODEL_ENOUGH : 0;
}

static inline u64 model_get(const u8 *p, int bytes)
{
	u64 value = 0;

	while (bytes--)
		value = value << 8 | p[bytes];
	return value;
}

static inline void model_put(u8 *p, u64 value, int bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*p++ = value;
}

/* A RESV_MEM of @length bytes behind its header. */
static inline int model_resv_mem(const u8 *p, u16 length, struct visits *v)
{
	struct viommu_resv_mem mem;

	if (length < 20)
		return -EINVAL;
	mem.start = model_get(p + 8, 8);
	mem.last = model_get(p + 16, 8);
	mem.msi = p[4] == 1;
	return mem.last < mem.start ? -EINVAL : visit(&mem, v);
}

/* The 4 reserved bits are not masked: with any of them, no type is known. */
static inline int model_walk(const u8 *p, u64 size, struct visits *v)
{
	u64 at, type, length;
	int err = 0;

	for (at = 0; !err && at + 4 <= size; at += 4 + length) {
		type = model_get(p + at, 2);
		length = model_get(p + at + 2, 2);
		if (!type)
			break;
		if (at + 4 + length > size)
			return -EINVAL;
		if (type == 1)
			err = model_resv_mem(p + at, length, v);
	}
	return err;
}

/* What the driver and the model disagree on; NULL if on nothing. */
static inline const char *model_compare_walk(const void *p, size_t size, size_t enough)
{
	static struct visits got, want;
	size_t i;

	got.nr = 0;
	want.nr = 0;
	got.enough = enough;
	want.enough = enough;
	got.err = viommu_walk_properties(p, size, visit, &got);
	want.err = model_walk(p, size, &want);
	if (got.err != want.err)
		return "the result of the walk";
	if (got.nr != want.nr)
		return "the number of regions";
	for (i = 0; i < want.nr; i++) {
		if (got.list[i].start != want.list[i].start)
			return "the start of a region";
		if (got.list[i].last != want.list[i].last)
			return "the end of a region";
		if (got.list[i].msi != want.list[i].msi)
			return "the kind of a region";
	}
	return NULL;
}

static inline int model_fault(const u8 *p, size_t len, struct viommu_fault *fault)
{
	if (len < 24)
		return -EMSGSIZE;
	if (p[1] | p[2] | p[3])
		return -EINVAL;
	fault->reason = p[0] > 2 ? 0 : p[0];
	fault->flags = model_get(p + 4, 4) & 0x103;
	fault->endpoint = model_get(p + 8, 4);
	fault->address = p[5] & 1 ? model_get(p + 16, 8) : 0;
	return 0;
}

static inline const char *model_compare_fault(const void *p, size_t len)
{
	struct viommu_fault got, want;
	int err = viommu_decode_fault(p, len, &got);

	if (err != model_fault(p, len, &want))
		return "whether it is a fault";
	if (err)
		return NULL;
	if (got.reason != want.reason)
		return "the reason of a fault";
	if (got.flags != want.flags)
		return "the flags of a fault";
	if (got.endpoint != want.endpoint)
		return "the endpoint of a fault";
	return got.address == want.address ? NULL : "the address of a fault";
}

#endif /* _PROTO_MODEL_H */
