/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The list of nodes that both the ACPI table and the topology in a device's
 * config space are: each begins with its type and length.
 *
 * Inline, since the two decoders may be in different modules.
 */
#ifndef _VIOT_WALK_H
#define _VIOT_WALK_H

#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>

#include "viot_index.h"

struct viot_wire_node {
	u8	type;
	u8	reserved;
	__le16	length;
} __packed;

/**
 * struct viot_walk - a walk over nodes
 * @bytes: what they are part of; hostile, and of any alignment
 * @end: bytes at @bytes that may be read
 * @offset: of the next node, at most @end; @end itself after a node that
 *	does not tell where the next one lies
 * @left: nodes from there on, says the header
 * @sink: gets the findings; may be NULL
 */
struct viot_walk {
	const u8		*bytes;
	u32			end;
	u32			offset;
	u32			left;
	const struct viot_sink	*sink;
};

/* Nothing more can be read. */
static inline bool viot_walk_stop(struct viot_walk *w, enum viot_code why)
{
	viot_report(w->sink, why, w->offset, 0);
	w->offset = w->end;
	w->left = 0;
	return false;
}

/* The next node, whatever it is. */
static inline bool viot_walk_step(struct viot_walk *w,
				  struct viot_wire_node *head, u32 *offset)
{
	u32 rest = w->end - w->offset;
	u32 len;

	if (!w->left)
		return false;
	if (rest < sizeof(*head))
		return viot_walk_stop(w, VIOT_NODES_MISSING);
	memcpy(head, w->bytes + w->offset, sizeof(*head));
	len = le16_to_cpu(head->length);
	if (len < sizeof(*head))
		return viot_walk_stop(w, VIOT_NODE_ENDLESS);
	if (len > rest)
		return viot_walk_stop(w, VIOT_NODE_CUT);
	*offset = w->offset;
	w->offset += len;
	w->left--;
	return true;
}

/**
 * viot_walk_next - go to the next node that has a known type and its length
 * @w: the walk
 * @bytes_of: how long a node of a type is; 0 if the type is not known
 * @node: where as many bytes of the node are copied to
 * @offset: where its offset is put
 *
 * Reports what is in the way.
 *
 * Context: any that the walk's sink can be called from.
 * Return: false if there is none.
 */
static inline bool viot_walk_next(struct viot_walk *w, u32 (*bytes_of)(u8 type),
				  void *node, u32 *offset)
{
	struct viot_wire_node head;

	while (viot_walk_step(w, &head, offset)) {
		u32 len = le16_to_cpu(head.length);
		u32 need = bytes_of(head.type);

		if (!need) {
			viot_report(w->sink, VIOT_NODE_UNKNOWN, *offset, 0);
			continue;
		}
		if (len < need) {
			viot_report(w->sink, VIOT_NODE_SHORT, *offset, 0);
			continue;
		}
		if (len > need)
			viot_report(w->sink, VIOT_NODE_LONG, *offset, 0);
		memcpy(node, w->bytes + *offset, need);
		return true;
	}
	return false;
}

#endif /* _VIOT_WALK_H */
