// A driver that calls a pointer of its core is not taken to reach what a sibling driver has put there.
//- include/linux/bus.h
struct bus_ops {
	int (*read)(struct bus *b, int reg);
};
struct bus {
	const struct bus_ops *ops;
};
//- drivers/net/chip/core.c
int core_read(struct bus *b, int reg)
{
	return b->ops->read(b, reg);
}
//- drivers/net/chip/pci.c
static DEFINE_SPINLOCK(pci_lock);

static int pci_read(struct bus *b, int reg)
{
	return readl(b->mem + reg);
}
static const struct bus_ops pci_ops = { .read = pci_read };

void pci_poll(struct bus *b)
{
	spin_lock(&pci_lock);
	core_read(b, 4);
	spin_unlock(&pci_lock);
}
//- drivers/net/chip/usb.c
static DEFINE_SPINLOCK(usb_lock);

static int usb_read(struct bus *b, int reg)
{
	msleep(1);
	return 0;
}
static const struct bus_ops usb_ops = { .read = usb_read };

void usb_poll(struct bus *b)
{
	spin_lock(&usb_lock);
	core_read(b, 4);
//      ^^^^^^^^^ sleep-in-atomic[medium, function-pointer] under spinlock usb_lock: usb_poll > core_read > usb_read > msleep
	spin_unlock(&usb_lock);
}
