// A header of the driver speaks for the files that include it; the same name in a sibling driver is another function.
//- drivers/net/radio/radio.h
#define radio_poll(dev, reg) __radio_poll(&(dev)->core, reg)
//- drivers/net/radio/pci/mac.h
#include "../radio.h"
//- drivers/net/radio/pci/mac.c
#include "mac.h"
static DEFINE_SPINLOCK(lock);

void pci_set(struct dev *dev)
{
	spin_lock(&lock);
	radio_poll(dev, 4);
	radio_wake(dev);
	spin_unlock(&lock);
}
//- drivers/net/radio/pci/power.c
void radio_wake(struct dev *dev)
{
	udelay(3);
}
//- drivers/net/radio/usb/core.c
bool radio_poll(struct dev *dev, int reg)
{
	msleep(1);
}
//- drivers/net/radio/usb/compat/wake.h
static inline void radio_wake(struct dev *dev)
{
	msleep(1);
}
//- drivers/net/radio/usb/mac.c
static DEFINE_SPINLOCK(usb_lock);

void usb_set(struct dev *dev)
{
	spin_lock(&usb_lock);
	radio_poll(dev, 4);
//      ^^^^^^^^^^ sleep-in-atomic[high] under spinlock usb_lock: usb_set > radio_poll > msleep
	spin_unlock(&usb_lock);
}
