// Interrupts that are off locally make code atomic without any lock.
void disable(void)
{
	local_irq_disable();
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under irq-off: disable > msleep
	local_irq_enable();
	msleep(1);
}

void save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	msleep(1);
//      ^^^^^^ sleep-in-atomic[high] under irq-off: save > msleep
	local_irq_restore(flags);
	msleep(1);
}
