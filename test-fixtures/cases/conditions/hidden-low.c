// What is of low confidence is not said unless asked for.
static DEFINE_SPINLOCK(lock);

void f(struct regmap *map)
{
	spin_lock(&lock);
	regmap_write(map, 0, 1);
	spin_unlock(&lock);
}
