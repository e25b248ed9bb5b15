// Where a header has a stub for a feature that is off, the real function counts.
//- include/linux/feature.h
#ifdef CONFIG_FEATURE
void feature_stop(struct feature *f);
#else
static inline void feature_stop(struct feature *f)
{
}
#endif
//- kernel/feature.c
#include <linux/feature.h>

void feature_stop(struct feature *f)
{
	mutex_lock(&f->m);
	mutex_unlock(&f->m);
}
//- drivers/x/user.c
#include <linux/feature.h>

static DEFINE_SPINLOCK(lock);

void f(struct feature *feature)
{
	spin_lock(&lock);
	feature_stop(feature);
//      ^^^^^^^^^^^^ sleep-in-atomic[medium] under spinlock lock: f > feature_stop > mutex_lock
	spin_unlock(&lock);
}
