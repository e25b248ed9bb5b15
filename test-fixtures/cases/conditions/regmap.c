// Whether a register map sleeps depends on a property of the map that is not seen here.
//- min-confidence: low
static DEFINE_SPINLOCK(lock);

void f(struct regmap *map)
{
	spin_lock(&lock);
	regmap_write(map, 0, 1);
//      ^^^^^^^^^^^^ sleep-in-atomic[low, object-property] under spinlock lock: f > regmap_write
	spin_unlock(&lock);
}
