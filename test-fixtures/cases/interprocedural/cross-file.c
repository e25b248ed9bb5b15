// A chain goes through global functions of other files and inline functions of headers.
//- include/linux/parts.h
static inline void part_wait(struct part *p)
{
	wait_for_completion(&p->done);
}

void part_stop(struct part *p);
//- drivers/a/part.c
#include <linux/parts.h>

void part_stop(struct part *p)
{
	part_wait(p);
}
//- drivers/a/whole.c
#include <linux/parts.h>

static DEFINE_SPINLOCK(parts_lock);

void stop_all(struct part *p)
{
	spin_lock(&parts_lock);
	part_stop(p);
//      ^^^^^^^^^ sleep-in-atomic[high] under spinlock parts_lock: stop_all > part_stop > part_wait > wait_for_completion
	spin_unlock(&parts_lock);
}
