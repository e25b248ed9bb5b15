// A callee that allocates when it is given none: low, unless NULL is what it is given.
//- min-confidence: low
struct dev {
	struct sk_buff *skb;
};
static DEFINE_SPINLOCK(lock);

static int reset(struct dev *d, struct sk_buff *skb)
{
	if (!skb)
		skb = alloc_skb(64, GFP_KERNEL);
	return skb ? 0 : -ENOMEM;
}

void f(struct dev *d, struct sk_buff *skb)
{
	spin_lock(&lock);
	reset(d, d->skb);
//      ^^^^^ gfp-in-atomic[low, null-argument] under spinlock lock: f > reset > alloc_skb
	reset(d, NULL);
//      ^^^^^ gfp-in-atomic[high] under spinlock lock: f > reset > alloc_skb
	spin_unlock(&lock);
}
