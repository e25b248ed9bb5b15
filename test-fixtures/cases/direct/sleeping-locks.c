// Locks that sleep themselves do not make code atomic.
void f(void)
{
	mutex_lock(&m);
	msleep(1);
	mutex_unlock(&m);

	down_read(&sem);
	msleep(1);
	up_read(&sem);

	rtnl_lock();
	msleep(1);
	rtnl_unlock();

	migrate_disable();
	msleep(1);
	migrate_enable();
}
