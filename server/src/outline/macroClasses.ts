/** Macro classes: what identifiers mean to the grammar, harvested over the whole tree from outlines alone. */
import { type FileOutline, FN_STRIDE, Fn, FnFlag, type MacroClasses } from "../facts/outline.js";
import { MACRO_STRIDE, MacroKind } from "./macroKinds.js";

/** What the kernel has always had; single files without their headers parse with these. */
const BASE_ATTRIBUTE =
  "__init __exit __initdata __initconst __exitdata __meminit __memexit __cpuinit __cpuexit __devinit __devexit __devinitdata " +
  "__net_init __net_exit __ref __refdata __refconst __user __kernel __iomem __percpu __rcu __force __private __safe __nocast " +
  "__bitwise __must_check __maybe_unused __always_unused __unused __used __pure __attribute_const__ __weak __visible __cold " +
  "__hot __malloc __packed __aligned __section __printf __scanf __noreturn __deprecated __sched __kprobes __lockfunc __cpuidle " +
  "__irq_entry __softirq_entry __read_mostly __ro_after_init __cacheline_aligned ____cacheline_aligned " +
  "____cacheline_aligned_in_smp __cacheline_aligned_in_smp __acquires __releases __must_hold __cond_acquires __cleanup __free " +
  "__counted_by __always_inline __no_kcsan __no_sanitize_address __no_kasan_or_inline __nocapture __naked __flatten __alias " +
  "__copy __assume_aligned __bpf_kfunc __latent_entropy __randomize_layout __designated_init __nonstring __noclone " +
  "notrace noinline noinstr noinline_for_stack asmlinkage nokprobe_inline __inline_maybe_unused __fallthrough __compiletime_error " +
  "__compiletime_warning __noinitretpoline __no_stack_protector __init_or_module __init_memblock __page_aligned_data " +
  "__page_aligned_bss __kprobes __must_hold_shared __function_aligned __alloc_size __realloc_size __noscs __nocfi";
const BASE_LOOP =
  "list_for_each list_for_each_entry list_for_each_entry_safe list_for_each_entry_rcu list_for_each_safe " +
  "hlist_for_each_entry hlist_for_each_entry_rcu for_each_cpu for_each_online_cpu for_each_possible_cpu for_each_set_bit " +
  "scoped_guard scoped_cond_guard if_not_guard llist_for_each_entry rb_for_each xa_for_each idr_for_each_entry";
const BASE_STORAGE = "STATIC INIT EXTERN";

/** A candidate's effect on the word it defines. */
interface Votes {
  attribute: boolean;
  loop: boolean;
  storage: boolean;
  bare: boolean;
  via: Set<string>;
  all: Set<string>;
}

export interface HarvestedClasses {
  classes: MacroClasses;
  /** Names that could be in a class, were there no function of that name, or were what they stand for in one. */
  candidates: ReadonlySet<string>;
}

/** A file whose outline has the names with these numbers in the place of its own. */
interface Numbered {
  path: string;
  outline: Pick<FileOutline, "fn" | "macros">;
}

/** Joins the candidates of all outlines. */
export function harvestMacroClasses(
  files: Iterable<{ path: string; outline: FileOutline }>,
): HarvestedClasses {
  const texts: string[] = [];
  const ids = new Map<string, number>();
  const id = (name: string): number => {
    let known = ids.get(name);
    if (known === undefined) {
      known = texts.push(name) - 1;
      ids.set(name, known);
    }
    return known;
  };
  const numbered: Numbered[] = [];
  for (const { path, outline } of files) {
    const { names } = outline;
    const macros = outline.macros.slice();
    for (let i = 0; i < macros.length; i += MACRO_STRIDE)
      for (const c of [0, 2]) macros[i + c] = id(names[macros[i + c]]);
    const fn = outline.fn.slice();
    for (let i = 0; i < fn.length; i += FN_STRIDE) fn[i + Fn.name] = id(names[fn[i + Fn.name]]);
    numbered.push({ path, outline: { macros, fn } });
  }
  return harvestNumbered(numbered, { text: (n) => texts[n], count: texts.length });
}

/**
 * The same of outlines that were joined. Files are visited in the order of their paths, so that the result (and its digest)
 * depends on the tree only.
 */
export function harvestNumbered(
  files: Iterable<Numbered>,
  names: { text(id: number): string; readonly count: number },
): HarvestedClasses {
  const votesOf = new Map<number, Votes>();
  const targets = new Set<number>();
  /** Names that are also functions, or macros that stand for a value or code: no attributes. */
  const isOther = new Uint8Array(names.count);
  for (const { path, outline } of files) {
    if (isForeign(path)) continue;
    const { macros, fn } = outline;
    const seen = new Set<number>();
    for (let i = 0; i < macros.length; i += MACRO_STRIDE) {
      const name = macros[i];
      seen.add(name);
      let v = votesOf.get(name);
      if (v === undefined) {
        v = { attribute: false, loop: false, storage: false, bare: false, via: new Set(), all: new Set() };
        votesOf.set(name, v);
      }
      const kind = macros[i + 1] >> 1;
      // An empty word without underscores that one driver defines is most likely a switch: `#define vector`.
      if (kind === MacroKind.Empty) v.attribute ||= names.text(name).startsWith("__") || isShared(path);
      else if (kind === MacroKind.Attribute) v.attribute = true;
      else if (kind === MacroKind.Storage) v.storage = true;
      else if (kind === MacroKind.Loop) v.loop = true;
      else if (kind === MacroKind.Bare) v.bare = true;
      else if (kind === MacroKind.AllOf) v.all.add(names.text(macros[i + 2]));
      else {
        v.via.add(names.text(macros[i + 2]));
        targets.add(macros[i + 2]);
      }
    }
    for (let i = 0; i < fn.length; i += FN_STRIDE) {
      const isMacro = (fn[i + Fn.flags] & (FnFlag.Macro | FnFlag.ObjectMacro)) !== 0;
      if (!isMacro || !seen.has(fn[i + Fn.name])) isOther[fn[i + Fn.name]] = 1;
    }
  }
  const votes = new Map<string, Votes>();
  for (const [name, v] of votesOf) votes.set(names.text(name), v);
  const others = new Set<string>();
  for (let name = 0; name < isOther.length; name++) {
    // Asked about are words that have votes, and those that such words stand for.
    if (isOther[name] === 1 && (votesOf.has(name) || targets.has(name))) others.add(names.text(name));
  }
  for (const [name, v] of votes) {
    // What is an attribute here and stands for a function there is none.
    for (const target of v.via) if (others.has(target) && !votes.has(target)) others.add(name);
  }
  const attribute = new Set(BASE_ATTRIBUTE.split(" "));
  const loop = new Set(BASE_LOOP.split(" "));
  const storage = new Set(BASE_STORAGE.split(" "));
  const bare = new Set<string>();
  for (const [name, v] of votes) {
    if (v.loop) loop.add(name);
    if (v.bare && !v.loop) bare.add(name);
    if (others.has(name)) continue;
    if (v.storage) storage.add(name);
    else if (v.attribute) attribute.add(name);
  }
  // What stands for nothing but members of a class is a member; a few rounds reach the end of every chain.
  for (let round = 0; round < 10; round++) {
    let grew = false;
    for (const [name, v] of votes) {
      for (const target of v.via) {
        if (loop.has(target) && !loop.has(name)) {
          loop.add(name);
          grew = true;
        }
        if (others.has(name)) continue;
        if (attribute.has(target) && !attribute.has(name) && !storage.has(name)) {
          attribute.add(name);
          grew = true;
        } else if (storage.has(target) && !storage.has(name)) {
          storage.add(name);
          grew = true;
        }
      }
      if (
        v.all.size > 0 &&
        !attribute.has(name) &&
        !others.has(name) &&
        [...v.all].every((x) => attribute.has(x) || storage.has(x))
      ) {
        attribute.add(name);
        grew = true;
      }
    }
    if (!grew) break;
  }
  const candidates = new Set(votes.keys());
  for (const v of votes.values()) for (const target of v.via) candidates.add(target);
  return { classes: sealed(attribute, loop, storage, bare), candidates };
}

/** All that a file has to say about classes, when these are the candidates: equal texts have equal classes. */
export function macrosText(o: FileOutline, isCandidate: (name: string) => boolean): string {
  const words: string[] = [];
  for (let i = 0; i < o.macros.length; i += MACRO_STRIDE)
    words.push(`${o.names[o.macros[i]]} ${o.macros[i + 1]} ${o.names[o.macros[i + 2]]}`);
  for (let i = 0; i < o.fn.length; i += FN_STRIDE) {
    const name = o.names[o.fn[i + Fn.name]];
    if (isCandidate(name)) words.push(`${name} ${o.fn[i + Fn.flags] & (FnFlag.Macro | FnFlag.ObjectMacro)}`);
  }
  return words.join("\n");
}

/** Classes of a file without a tree. */
export function baselineMacroClasses(): MacroClasses {
  return sealed(
    new Set(BASE_ATTRIBUTE.split(" ")),
    new Set(BASE_LOOP.split(" ")),
    new Set(BASE_STORAGE.split(" ")),
    new Set(),
  );
}

/** Trees of their own (user space tools, boot loaders' stubs) whose macros must not speak for the kernel. */
const isForeign = (path: string): boolean => /^(?:tools|scripts|samples|usr|Documentation)\//.test(path);

const isShared = (path: string): boolean => /^include\//.test(path);

function sealed(
  attribute: Set<string>,
  loop: Set<string>,
  storage: Set<string>,
  bare: Set<string>,
): MacroClasses {
  const part = (s: Set<string>): string => [...s].sort().join(" ");
  const all = `a ${part(attribute)}\nl ${part(loop)}\ns ${part(storage)}\nb ${part(bare)}`;
  return { attribute, loop, storage, bare, digest: digestOf(all) };
}

/** 128 bits of a text as hexadecimal; four FNV-like lanes are enough for a cache key that nobody attacks. */
function digestOf(s: string): string {
  const lanes = [0x811c9dc5, 0x01000193, 0x9e3779b9, 0x85ebca6b];
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    for (let l = 0; l < 4; l++)
      lanes[l] = Math.imul(lanes[l] ^ (c + l * 0x3d), 0x01000193 + l * 0x5bd1e8) ^ (lanes[l] >>> 15);
  }
  return lanes.map((x) => (x >>> 0).toString(16).padStart(8, "0")).join("");
}
