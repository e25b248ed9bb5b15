// The allocation of a helper that others may sleep in takes its flags from the caller.
//- drivers/example/pool.h
struct slot { int n; };
struct pool { spinlock_t lock; struct slot *first; };

struct slot *slot_new(struct pool *p);
//- drivers/example/pool.c
#include "pool.h"

struct slot *slot_new(struct pool *p)
{
	struct slot *s;

	s = kzalloc(sizeof(*s), GFP_KERNEL);
	if (!s)
		return NULL;
	s->n = 1;
	return s;
}
//- drivers/example/use.c
#include "pool.h"

void pool_grow(struct pool *p)
{
	p->first = slot_new(p);
}

void pool_refill(struct pool *p)
{
	spin_lock(&p->lock);
	if (!p->first)
		p->first = slot_new(p);
	spin_unlock(&p->lock);
}
//- drivers/example/own.h
struct ring { spinlock_t lock; char *page; };

static int ring_fill(struct ring *, int size);
//- drivers/example/own.c
#include "own.h"

int ring_open(struct ring *r)
{
	return ring_fill(r, 64);
}

int ring_restart(struct ring *r)
{
	int err;

	spin_lock(&r->lock);
	err = ring_fill(r, 16);
	spin_unlock(&r->lock);
	return err;
}

static int ring_fill(struct ring *r, int size)
{
	r->page = kmalloc(size, GFP_KERNEL);
	return r->page ? 0 : -ENOMEM;
}
