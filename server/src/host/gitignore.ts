/**
 * The patterns of .gitignore files, read here and not asked of git: git need not be installed, and running it in a folder
 * would let that folder's configuration decide what is executed.
 */

interface Rule {
  /** Matches a path relative to the folder of the .gitignore. */
  pattern: RegExp;
  negated: boolean;
  directoriesOnly: boolean;
}

/** One .gitignore and where it stands. */
export interface IgnoreFile {
  /** Root-relative folder with a trailing slash, "" for the root. */
  folder: string;
  rules: Rule[];
}

function globToRegExp(glob: string, anchored: boolean): RegExp {
  let out = anchored ? "^" : "(?:^|/)";
  for (let i = 0; i < glob.length; i++) {
    const c = glob[i];
    if (c === "*") {
      if (glob[i + 1] !== "*") {
        out += "[^/]*";
        continue;
      }
      while (glob[i + 1] === "*") i++;
      if (glob[i + 1] === "/") {
        i++;
        out += "(?:.*/)?";
      } else {
        out += ".*";
      }
    } else if (c === "?") {
      out += "[^/]";
    } else if (c === "[") {
      const close = glob.indexOf("]", i + 2);
      if (close < 0) {
        out += "\\[";
        continue;
      }
      const set = glob
        .slice(i + 1, close)
        .replace(/\\/g, "\\\\")
        .replace(/^!/, "^");
      out += `[${set}]`;
      i = close;
    } else {
      if (c === "\\" && i + 1 < glob.length) i++;
      out += glob[i].replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
    }
  }
  return new RegExp(`${out}$`);
}

/** Reads the text of a .gitignore; lines that are no usable pattern are left out. */
export function parseGitignore(text: string, folder: string): IgnoreFile {
  const rules: Rule[] = [];
  for (const raw of text.split(/\r?\n/)) {
    let line = raw.replace(/(?<!\\)\s+$/, "");
    if (line === "" || line.startsWith("#")) continue;
    const negated = line.startsWith("!");
    if (negated) line = line.slice(1);
    const directoriesOnly = line.endsWith("/");
    if (directoriesOnly) line = line.slice(0, -1);
    const anchored = line.includes("/");
    if (line.startsWith("/")) line = line.slice(1);
    if (line === "") continue;
    try {
      rules.push({ pattern: globToRegExp(line, anchored), negated, directoriesOnly });
    } catch {
      // A character set that is no regular expression either: git would not match it, nor do we.
    }
  }
  return { folder, rules };
}

/** Whether the innermost rule that speaks about the path ignores it. `files` from the root down to the path's folder. */
export function isIgnored(path: string, isDirectory: boolean, files: readonly IgnoreFile[]): boolean {
  for (let f = files.length - 1; f >= 0; f--) {
    const { folder, rules } = files[f];
    const inside = path.slice(folder.length);
    for (let r = rules.length - 1; r >= 0; r--) {
      const rule = rules[r];
      if (rule.directoriesOnly && !isDirectory) continue;
      if (rule.pattern.test(inside)) return !rule.negated;
    }
  }
  return false;
}
