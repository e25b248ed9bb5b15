// Every case of a switch is a way of its own, with fallthrough.
static DEFINE_SPINLOCK(lock);

void f(int state)
{
	spin_lock(&lock);
	switch (state) {
	case 1:
		spin_unlock(&lock);
		msleep(1);
		return;
	case 2:
		spin_unlock(&lock);
		fallthrough;
	case 3:
		use(state);
		break;
	default:
		msleep(4);
//              ^^^^^^ sleep-in-atomic[high] under spinlock lock: f > msleep
		break;
	}
	if (state != 2)
		spin_unlock(&lock);
}
