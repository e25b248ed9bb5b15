/* SPDX-License-Identifier: MIT */
/*
 * The types of the put-super example. Written for lockctx, modelled on the shape of Linux 4.13; not kernel source.
 */
#ifndef EXAMPLE_SUPER_H
#define EXAMPLE_SUPER_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

/* A list of reclaimable objects; `node` is NULL before it is set up and after it was destroyed. */
struct list_lru {
	struct list_head	registered;
	struct list_lru_node	*node;
	void			**memcg_arrays;
	int			nr_nodes;
};

struct super_block {
	struct list_head	s_list;
	int			s_count;
	int			s_dead;
	struct list_lru		s_dentry_lru;
	struct list_lru		s_inode_lru;
	struct rcu_head		s_rcu;
};

void list_lru_destroy(struct list_lru *lru);

void memcg_get_cache_ids(void);
void memcg_put_cache_ids(void);

#endif
