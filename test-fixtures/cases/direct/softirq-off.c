// Code with bottom halves off must not sleep.
void f(void)
{
	local_bh_disable();
	flush_work(&w);
//      ^^^^^^^^^^ sleep-in-atomic[high] under softirq-off: f > flush_work
	local_bh_enable();
	flush_work(&w);
}
