// Short waits of constant length become busy waits with the right unit; long ones are only talked about.
#define RESET_MS 5
struct chip { spinlock_t lock; void *regs; };

static void chip_reset(struct chip *c)
{
	spin_lock(&c->lock);
	write_reset(c->regs);
	usleep_range(20, 40);
	write_start(c->regs);
	spin_unlock(&c->lock);
}

static void chip_restart(struct chip *c)
{
	spin_lock(&c->lock);
	write_reset(c->regs);
	msleep(RESET_MS);
	write_start(c->regs);
	spin_unlock(&c->lock);
}

static void chip_cool(struct chip *c)
{
	spin_lock(&c->lock);
	write_reset(c->regs);
	msleep(500);
	write_start(c->regs);
	spin_unlock(&c->lock);
}

static void chip_settle(struct chip *c)
{
	spin_lock(&c->lock);
	write_reset(c->regs);
	usleep_range(1500, 2000);
	write_start(c->regs);
	spin_unlock(&c->lock);
}
