// A bit spinlock is named by the word that holds its bit.
struct page_state {
	unsigned long flags;
};

void change(struct page_state *s)
{
	bit_spin_lock(3, &s->flags);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under bit-spinlock s->flags: change > msleep
	bit_spin_unlock(3, &s->flags);
	msleep(1);
}
