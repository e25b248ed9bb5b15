// SPDX-License-Identifier: MIT
/*
 * LRU lists of the put-super example: destroying one waits for a semaphore and takes a mutex, and says so nowhere.
 */
#include "../include/super.h"

static LIST_HEAD(all_lrus);
static DEFINE_MUTEX(lrus_mutex);
static DECLARE_RWSEM(cache_ids_sem);

/* Keeps the number of memory cgroups from growing. */
void memcg_get_cache_ids(void)
{
	down_read(&cache_ids_sem);
}

void memcg_put_cache_ids(void)
{
	up_read(&cache_ids_sem);
}

static void list_lru_unregister(struct list_lru *lru)
{
	mutex_lock(&lrus_mutex);
	list_del(&lru->registered);
	mutex_unlock(&lrus_mutex);
}

static void free_memcg_arrays(struct list_lru *lru)
{
	int nid;

	for (nid = 0; nid < lru->nr_nodes; nid++)
		kvfree(lru->memcg_arrays[nid]);
}

void list_lru_destroy(struct list_lru *lru)
{
	/* Nothing to do when it was never set up, or when it was destroyed before. */
	if (!lru->node)
		return;

	memcg_get_cache_ids();
	list_lru_unregister(lru);
	free_memcg_arrays(lru);
	kfree(lru->node);
	lru->node = NULL;
	memcg_put_cache_ids();
}
