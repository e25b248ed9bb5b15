/** The rule sleep-in-atomic-callback: a call that may sleep in a function that the kernel enters atomic. */
import { COMMON_LIMITS, configurationOf } from "./common.js";
import type { Rule } from "./rule.js";

const before = `struct port {
	struct timer_list timer;
	struct work_struct work;
	int level;
};

static void port_poll(struct port *p)
{
	p->level++;
	msleep(10);
}

static void port_timeout(struct timer_list *t)
{
	struct port *p = container_of(t, struct port, timer);

	port_poll(p);
}

void port_start(struct port *p)
{
	timer_setup(&p->timer, port_timeout, 0);
}
`;

export const sleepInAtomicCallback: Rule = {
  id: "sleep-in-atomic-callback",
  title: "a call that may sleep in a callback that the kernel runs in atomic context",
  severity: "error",
  what: [
    "Reports a call from which a sleep can be reached in a function that the kernel enters in atomic context: interrupt " +
      "handlers, timers and hrtimers, tasklets, RCU callbacks, irq_work, calls on other CPUs, URB completions and others, by the " +
      "argument with which they are registered; and functions of ops tables such as `net_device_ops.ndo_start_xmit` or " +
      "`irq_chip.irq_mask`, by the type of the struct and the field.",
    "The place of registration is part of the finding. Being a callback does not hide that a function is also called from " +
      "elsewhere; locks that it takes itself are reported as sleep-in-atomic.",
  ],
  whyBad: [
    "Such a function runs on whatever task was interrupted, or with a lock that its caller holds. If it sleeps, the interrupted " +
      "task sleeps in its place, with the locks that it had: deadlock, or corruption in code that did not expect to be left.",
  ],
  example: {
    code: before,
    finding: {
      line: 17,
      column: 2,
      confidence: "medium",
      message:
        "port_timeout() calls port_poll(), which may sleep in msleep(), in softirq context (entered by timer_setup)",
    },
    repaired: before
      .replace("\tport_poll(p);\n", "\tschedule_work(&p->work);\n")
      .replace(
        "static void port_timeout",
        "static void port_work(struct work_struct *w)\n{\n\tport_poll(container_of(w, struct port, work));\n}\n\nstatic void port_timeout",
      )
      .replace("\ttimer_setup", "\tINIT_WORK(&p->work, port_work);\n\ttimer_setup"),
  },
  repair: [
    "Do the part that sleeps in a work item (`schedule_work()`), or in a threaded interrupt handler (`request_threaded_irq()`).",
    "Use variants that do not sleep: `GFP_ATOMIC`, `udelay()`, `disable_irq_nosync()`, `del_timer()`.",
    "For an ops table with a mode for hardware that sleeps (`gpio_chip.can_sleep`, `nonatomic`, `BLK_MQ_F_BLOCKING`), set it.",
  ],
  limits: [
    "The context rests on the registration: confidence is at most medium.",
    "Callbacks are known by the tables in `server/src/kernel/data/`; a subsystem's own way of calling back is not known unless it " +
      "is written there.",
    "A property that makes an ops table's functions sleepable counts when it is set in the same file.",
    ...COMMON_LIMITS,
  ],
  configuration: configurationOf("sleep-in-atomic-callback"),
};
