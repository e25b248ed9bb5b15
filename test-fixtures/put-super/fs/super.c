// SPDX-License-Identifier: MIT
/*
 * The bug that lockctx was born from, retold: dropping the last reference to a superblock tears down its LRU lists while
 * sb_lock, a spinlock, is held. Two calls further down, in another file, that takes a mutex.
 */
#include "../include/super.h"

static LIST_HEAD(super_blocks);
static DEFINE_SPINLOCK(sb_lock);

static void free_super_rcu(struct rcu_head *head)
{
	kfree(container_of(head, struct super_block, s_rcu));
}

/* Gives back everything that a superblock owns. */
static void destroy_super(struct super_block *sb)
{
	list_lru_destroy(&sb->s_dentry_lru);
	list_lru_destroy(&sb->s_inode_lru);
	call_rcu(&sb->s_rcu, free_super_rcu);
}

/* The caller holds sb_lock. */
static void __put_super(struct super_block *sb)
{
	sb->s_count--;
	if (sb->s_count == 0) {
		list_del_init(&sb->s_list);
		destroy_super(sb);
	}
}

/* Gives up a temporary reference. */
void put_super(struct super_block *sb)
{
	spin_lock(&sb_lock);
	__put_super(sb);
	spin_unlock(&sb_lock);
}

/* Visits every superblock that is alive, one reference at a time. */
void for_each_super(void (*visit)(struct super_block *, void *), void *arg)
{
	struct super_block *sb, *last = NULL;

	spin_lock(&sb_lock);
	list_for_each_entry(sb, &super_blocks, s_list) {
		if (sb->s_dead)
			continue;
		sb->s_count++;
		spin_unlock(&sb_lock);

		visit(sb, arg);

		spin_lock(&sb_lock);
		if (last)
			__put_super(last);
		last = sb;
	}
	if (last)
		__put_super(last);
	spin_unlock(&sb_lock);
}
