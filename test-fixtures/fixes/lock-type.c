// Every user of a lock is given the other type: declaration, set-up, calls, flags variables, header; not where it is taken atomic.
#include <linux/module.h>
#include <linux/spinlock.h>

struct port {
	spinlock_t lock;
	spinlock_t irq_lock;
	struct mutex table_lock;
	int users, errors;
};

static void port_count(struct port *p)
{
	mutex_lock(&p->table_lock);
	p->users++;
	mutex_unlock(&p->table_lock);
}

void port_open(struct port *p)
{
	unsigned long flags;

	spin_lock_irqsave(&p->lock, flags);
	p->errors = 0;
	msleep(100);
	spin_unlock_irqrestore(&p->lock, flags);
}

int port_poll(struct port *p)
{
	unsigned long flags, now = 0;

	if (!spin_trylock(&p->lock))
		return 0;
	p->errors++;
	spin_unlock(&p->lock);
	spin_lock_irqsave(&p->lock, flags);
	now += p->errors;
	spin_unlock_irqrestore(&p->lock, flags);
	return now;
}

void port_init(struct port *p)
{
	spin_lock_init(&p->lock);
	spin_lock_init(&p->irq_lock);
	mutex_init(&p->table_lock);
}

static irqreturn_t port_irq(int irq, void *data)
{
	struct port *p = data;

	spin_lock(&p->irq_lock);
	p->errors++;
	spin_unlock(&p->irq_lock);
	return IRQ_HANDLED;
}

/* Taken by an interrupt handler too: it stays a spinlock. */
int port_start(struct port *p, int irq)
{
	spin_lock_irq(&p->irq_lock);
	msleep(100);
	spin_unlock_irq(&p->irq_lock);
	return request_irq(irq, port_irq, IRQF_SHARED, "port", p);
}

static DEFINE_SPINLOCK(ports_lock);

void port_add(struct port *p)
{
	spin_lock(&ports_lock);
	port_count(p);
	spin_unlock(&ports_lock);
}
