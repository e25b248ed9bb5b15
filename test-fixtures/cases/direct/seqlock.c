// The write side of a seqlock holds a spinlock; its read side holds nothing.
static DEFINE_SEQLOCK(clock_lock);

void set(void)
{
	write_seqlock(&clock_lock);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under seqlock clock_lock: set > msleep
	write_sequnlock(&clock_lock);
}

void get(void)
{
	unsigned int seq;

	do {
		seq = read_seqbegin(&clock_lock);
		msleep(1);
	} while (read_seqretry(&clock_lock, seq));
}
