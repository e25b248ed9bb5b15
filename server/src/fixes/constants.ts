/** Values of small constant expressions, macros of the same file and of what it includes followed. */
import type { FixSource } from "./types.js";

/** The value of an expression of numbers, + - * / << and object-like macros; null when it is none. */
export function constantOf(text: string, file: string, source: FixSource, depth = 0): number | null {
  const expression = text.replace(/\/\*[\s\S]*?\*\//g, " ").trim();
  if (depth > 4 || expression.length > 120) return null;
  let failed = false;
  const replaced = expression.replace(
    /\b(0[xX][0-9a-fA-F]+|\d+)[uUlL]*\b|\b[A-Za-z_]\w*\b/g,
    (word, number) => {
      if (number !== undefined) return String(Number(number));
      const value = macroValue(word, file, source, depth);
      if (value === null) failed = true;
      return `(${value})`;
    },
  );
  if (failed || !/^[\d\s()+\-*/<>]+$/.test(replaced) || !/\d/.test(replaced)) return null;
  return new Calculator(replaced).value();
}

function macroValue(name: string, file: string, source: FixSource, depth: number): number | null {
  for (const place of [file, ...includedFiles(file, source)]) {
    const found = new RegExp(`^[ \\t]*#[ \\t]*define[ \\t]+${name}[ \\t]+([^\\n\\\\]+)$`, "m").exec(
      source.read(place) ?? "",
    );
    if (found) return constantOf(found[1].replace(/\/\/.*$/, ""), place, source, depth + 1);
  }
  return null;
}

/** Files of the tree that a file includes, by path as written: beside it, under include/. */
export function includedFiles(file: string, source: FixSource): string[] {
  const folder = file.slice(0, file.lastIndexOf("/") + 1);
  const out: string[] = [];
  for (const include of source.code.includes(file)) {
    const path = include.replace(/^"/, "");
    const candidates = include.startsWith('"')
      ? [normal(folder + path), `include/${path}`]
      : [`include/${path}`, normal(folder + path)];
    const found = candidates.find((c) => source.code.hasFile(c));
    if (found !== undefined) out.push(found);
  }
  return out;
}

function normal(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "." && part !== "") parts.push(part);
  }
  return parts.join("/");
}

/** Arithmetic by precedence; null where it is not well formed. */
class Calculator {
  private at = 0;
  private readonly tokens: string[];
  constructor(text: string) {
    this.tokens = text.match(/\d+|<<|>>|[()+\-*/]/g) ?? [];
  }
  value(): number | null {
    const value = this.sum();
    return this.at === this.tokens.length && value !== null && Number.isFinite(value) ? value : null;
  }
  private binary(
    next: () => number | null,
    ops: Record<string, (a: number, b: number) => number>,
  ): number | null {
    let left = next();
    for (;;) {
      const op = ops[this.tokens[this.at]];
      if (!op || left === null) return left;
      this.at++;
      const right = next();
      if (right === null) return null;
      left = op(left, right);
    }
  }
  private sum(): number | null {
    return this.binary(
      () =>
        this.binary(
          () => this.binary(() => this.unit(), { "*": (a, b) => a * b, "/": (a, b) => Math.trunc(a / b) }),
          { "+": (a, b) => a + b, "-": (a, b) => a - b },
        ),
      { "<<": (a, b) => a * 2 ** b, ">>": (a, b) => Math.floor(a / 2 ** b) },
    );
  }
  private unit(): number | null {
    const token = this.tokens[this.at++];
    if (token === "(") {
      const value = this.sum();
      return this.tokens[this.at++] === ")" ? value : null;
    }
    return token !== undefined && /^\d/.test(token) ? Number(token) : null;
  }
}
