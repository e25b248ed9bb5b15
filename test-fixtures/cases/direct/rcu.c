// RCU readers must not sleep; sleepable RCU readers may.
void reader(void)
{
	rcu_read_lock();
	synchronize_rcu();
//      ^^^^^^^^^^^^^^^ sleep-in-atomic[high] under rcu: reader > synchronize_rcu
	rcu_read_unlock();
	synchronize_rcu();
}

void sleepable_reader(void)
{
	int idx = srcu_read_lock(&srcu);

	msleep(1);
	srcu_read_unlock(&srcu, idx);
}
