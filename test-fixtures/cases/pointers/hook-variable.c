// A global variable that holds a function is followed to what is assigned to it anywhere.
//- kernel/reboot.c
void (*board_power_off)(void);

void machine_off(void)
{
	local_irq_disable();
	if (board_power_off)
		board_power_off();
//              ^^^^^^^^^^^^^^^ sleep-in-atomic[medium, function-pointer]: machine_off > chip_power_off > msleep
}
//- drivers/mfd/chip.c
static void chip_power_off(void)
{
	msleep(500);
}

static int chip_probe(struct device *dev)
{
	board_power_off = chip_power_off;
	return 0;
}
//- drivers/mfd/other.c
static void (*board_hook)(void);

static void quiet(void)
{
	udelay(1);
}

void other(void)
{
	board_hook = quiet;
	local_irq_disable();
	board_hook();
	local_irq_enable();
}
