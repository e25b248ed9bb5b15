/** Prints one line a check and counts them; a check that throws has failed, with its reason. */
let passed = 0;
const failures = [];
const skipped = [];

export async function check(name, run) {
  const began = Date.now();
  try {
    await run();
    passed++;
    console.log(`ok   ${name} (${Date.now() - began} ms)`);
    return true;
  } catch (error) {
    failures.push(name);
    console.log(
      `FAIL ${name}\n     ${String(error?.stack ?? error)
        .split("\n")
        .slice(0, 12)
        .join("\n     ")}`,
    );
    return false;
  }
}

/** Takes over the lines `ok NAME` and `FAIL NAME: why` that a test inside an editor printed. */
export function adopt(prefix, output) {
  let lines = 0;
  for (const line of output.split("\n")) {
    const match = /^(ok|FAIL)\s+(.*)$/.exec(line.trim());
    if (!match) continue;
    lines++;
    console.log(`${match[1].padEnd(4)} ${prefix}: ${match[2]}`);
    if (match[1] === "ok") passed++;
    else failures.push(`${prefix}: ${match[2]}`);
  }
  return lines;
}

export function skip(name, why) {
  skipped.push(name);
  console.log(`skip ${name}: ${why}`);
}

export function summary() {
  if (skipped.length > 0) console.log(`${skipped.length} skipped`);
  for (const name of failures) console.log(`failed: ${name}`);
  console.log(`${passed} passed, ${failures.length} failed`);
  return failures.length === 0 ? 0 : 1;
}

export function equal(actual, expected, what = "value") {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`${what}: expected ${e}, got ${a}`);
}

export function matches(text, pattern, what = "text") {
  if (!pattern.test(text)) throw new Error(`${what}: ${JSON.stringify(text)} does not match ${pattern}`);
}
