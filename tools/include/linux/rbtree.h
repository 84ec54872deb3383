/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel's interface, without the balance: the same order, so the same
 * results, only slower where nodes come sorted.
 */
#ifndef _SHIM_LINUX_RBTREE_H
#define _SHIM_LINUX_RBTREE_H

#include <linux/container_of.h>

struct rb_node {
	struct rb_node	*rb_parent;
	struct rb_node	*rb_right;
	struct rb_node	*rb_left;
};

struct rb_root {
	struct rb_node	*rb_node;
};

#define RB_ROOT			((struct rb_root){ NULL, })
#define RB_EMPTY_ROOT(root)	(!(root)->rb_node)
#define RB_CLEAR_NODE(node)	((node)->rb_parent = (node))
#define RB_EMPTY_NODE(node)	((node)->rb_parent == (node))
#define rb_parent(node)		((node)->rb_parent)
#define rb_entry(p, t, m)	container_of(p, t, m)
#define rb_entry_safe(p, t, m) \
	({ struct rb_node *_n = (p); _n ? rb_entry(_n, t, m) : NULL; })

static inline void rb_link_node(struct rb_node *node, struct rb_node *parent,
				struct rb_node **link)
{
	*node = (struct rb_node){ .rb_parent = parent };
	*link = node;
}

static inline void rb_insert_color(struct rb_node *node, struct rb_root *root)
{
	(void)node;
	(void)root;
}

static inline struct rb_node *shim_rb_leftmost(struct rb_node *node)
{
	while (node && node->rb_left)
		node = node->rb_left;
	return node;
}

static inline struct rb_node *shim_rb_rightmost(struct rb_node *node)
{
	while (node && node->rb_right)
		node = node->rb_right;
	return node;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	return shim_rb_leftmost(root->rb_node);
}

static inline struct rb_node *rb_last(const struct rb_root *root)
{
	return shim_rb_rightmost(root->rb_node);
}

static inline struct rb_node *rb_next(const struct rb_node *node)
{
	if (node->rb_right)
		return shim_rb_leftmost(node->rb_right);
	while (node->rb_parent && node == node->rb_parent->rb_right)
		node = node->rb_parent;
	return node->rb_parent;
}

static inline struct rb_node *rb_prev(const struct rb_node *node)
{
	if (node->rb_left)
		return shim_rb_rightmost(node->rb_left);
	while (node->rb_parent && node == node->rb_parent->rb_left)
		node = node->rb_parent;
	return node->rb_parent;
}

/* Put @new, which may be NULL, where @old hangs. */
static inline void shim_rb_replace(struct rb_root *root, struct rb_node *old,
				   struct rb_node *new)
{
	struct rb_node *parent = old->rb_parent;

	if (!parent)
		root->rb_node = new;
	else if (parent->rb_left == old)
		parent->rb_left = new;
	else
		parent->rb_right = new;
	if (new)
		new->rb_parent = parent;
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	struct rb_node *next;

	if (!node->rb_left || !node->rb_right) {
		shim_rb_replace(root, node, node->rb_left ? node->rb_left : node->rb_right);
		return;
	}
	/* Both: the next one has no left child, and takes this one's place. */
	next = shim_rb_leftmost(node->rb_right);
	shim_rb_replace(root, next, next->rb_right);
	shim_rb_replace(root, node, next);
	next->rb_left = node->rb_left;
	next->rb_left->rb_parent = next;
	next->rb_right = node->rb_right;
	if (next->rb_right)
		next->rb_right->rb_parent = next;
}

#endif
