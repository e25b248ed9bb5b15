/** Which files of a tree say most about some open ones. */
import { expect, it } from "vitest";
import { nearFiles } from "../../src/host/nearFiles.js";

const TREE: Record<string, string> = {
  "arch/arm64/include/asm/bug.h": "",
  "arch/x86/include/asm/bug.h": "",
  "arch/x86/kernel/phy.c": "",
  "drivers/base/core.c": "",
  "drivers/gpu/drm/drm_drv.c": "",
  "drivers/net/phy/phy.c": "",
  "drivers/net/phy/phy_device.c": "",
  "drivers/net/wireless/a/main.c":
    '#include <linux/phy.h>\n#include <net/wifi.h>\n  #  include "../shared.h"\n#include "deep/own.h"\n#include "gone.h"\n',
  "drivers/net/wireless/a/other.c": "",
  "drivers/net/wireless/b/main.c": "",
  "drivers/net/wireless/deep/own.h": "",
  "drivers/net/wireless/shared.h": "#include <net/more.h>\n",
  "drivers/usb/core/hub.c": "",
  "drivers/usb/serial/serial.c": "#include <linux/usb.h>\n",
  "fs/ext4/super.c": "",
  "fs/super.c": "",
  "include/linux/phy.h": "",
  "include/net/more.h": "#include <net/wifi.h>\n",
  "include/net/unrelated.h": "",
  "include/net/wifi.h": "#include <net/more.h>\n",
  "kernel/locking/mutex.c": "",
  "mm/slab.c": "",
};
const all = Object.keys(TREE).sort();
const near = (...open: string[]): string[] => nearFiles(open, all, (file) => TREE[file] ?? null);
const CORE = [
  "drivers/base/core.c",
  "fs/super.c",
  "include/linux/phy.h",
  "kernel/locking/mutex.c",
  "mm/slab.c",
];

it("are the core, its folder, what it includes, and what implements that", () => {
  const found = near("drivers/net/wireless/a/main.c");
  expect(found).toEqual(expect.arrayContaining(CORE));
  expect(found).toEqual(
    expect.arrayContaining([
      "arch/x86/include/asm/bug.h",
      "drivers/net/phy/phy.c",
      "drivers/net/phy/phy_device.c",
      "drivers/net/wireless/a/other.c",
      "drivers/net/wireless/deep/own.h",
      "drivers/net/wireless/shared.h",
      "include/net/more.h",
      "include/net/wifi.h",
    ]),
  );
  for (const far of [
    "arch/x86/kernel/phy.c",
    "drivers/gpu/drm/drm_drv.c",
    "drivers/net/wireless/b/main.c",
    "fs/ext4/super.c",
    "include/net/unrelated.h",
  ])
    expect(found).not.toContain(far);
});

it("are in the order of the tree, and the open file is among them", () => {
  const found = near("fs/ext4/super.c");
  expect(found).toContain("fs/ext4/super.c");
  expect(found).toEqual([...found].sort());
});

it("include the core of a subsystem that a header has the name of", () => {
  expect(near("drivers/usb/serial/serial.c")).toContain("drivers/usb/core/hub.c");
});

it("have the headers of the file's own architecture", () => {
  const found = nearFiles(["arch/arm64/mm/fault.c"], [...all, "arch/arm64/mm/fault.c"].sort(), () => "");
  expect(found).toContain("arch/arm64/include/asm/bug.h");
  expect(found).not.toContain("arch/x86/include/asm/bug.h");
});
