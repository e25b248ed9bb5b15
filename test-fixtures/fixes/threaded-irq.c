// A hard interrupt handler that sleeps becomes a thread, wherever it is registered; not where it is called otherwise.
#include <linux/interrupt.h>

struct key { struct mutex lock; int irq; };

static irqreturn_t key_irq(int irq, void *data)
{
	struct key *k = data;

	mutex_lock(&k->lock);
	key_report(k);
	mutex_unlock(&k->lock);
	return IRQ_HANDLED;
}

int key_probe(struct device *dev, struct key *k)
{
	return devm_request_irq(dev, k->irq, key_irq, IRQF_TRIGGER_LOW | IRQF_SHARED, "key", k);
}

int key_resume(struct key *k)
{
	return request_irq(k->irq, key_irq, 0, "key", k);
}
