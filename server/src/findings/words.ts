/** The named values of a finding in words, for people: one wording for the terminal and the editor. */
import type { ContextKind } from "../kernel/types.js";
import type { Confidence, FindingContext, Reason } from "./types.js";

export const REASON_WORDS: Readonly<Record<Reason, string>> = {
  "registered-callback": "the function is entered in this context because of how it is registered",
  "ops-callback": "the function is entered in this context because of the ops field that it fills",
  annotation: "the context is what an annotation says",
  assertion: "the context is what an assertion says",
  "function-pointer": "a step goes through a function pointer",
  "many-targets": "a step goes through a pointer that has many targets",
  "several-definitions": "a step goes to a function that has several definitions",
  "state-guarded": "a callee returns early depending on an object's state",
  "last-reference": "sleeps only when the last reference goes",
  "maybe-vmalloc": "sleeps only if the buffer came from vmalloc",
  "object-property": "depends on a property of the object that was not seen",
  "flag-undecided": "depends on a flag whose value was not decided",
  "gfp-undecided": "depends on gfp flags whose value was not decided",
  "gfp-mixed": "one of the gfp flags that it can be called with allows blocking",
  "long-chain": "the chain has so many steps that one of them may exclude the sleep",
  "several-doubts": "several steps are uncertain, each for a reason of its own",
  "config-dependent": "sleeps in some configurations",
  "arch-dependent": "sleeps on some architectures",
  "maybe-held": "the lock is held on some ways to here only",
  "context-test": "the code tests its context in a way that does not decide it",
  "boot-only": "runs during boot only",
  table: "what the last callee does is taken from a table, not from its source",
  "null-argument": "sleeps only if a pointer that it is given is NULL, and nothing says that it is",
  "unlikely-target": "the driver or architecture that the chain comes from has a function of its own there",
  "few-targets-sleep": "few of the functions that the pointer can lead to sleep",
  "put-super-path": "depends on the order in which a superblock is torn down",
  "no-removal-seen": "nothing was found that takes elements off this list",
  "removal-lock-unknown": "who takes elements off the list was not seen to hold this lock",
  "sole-remover": "only the walk itself takes elements off the list: it must run twice at a time",
  "private-list": "the list is a local variable of the function",
  "checked-again": "a condition is tested again after the lock was taken again",
  "element-marked": "the element is marked before the lock is dropped",
  "rcu-walk": "the walk may be in an RCU read-side section of its caller",
  "dropped-by-callee": "a callee drops the lock, on some ways",
  "other-lock-kept": "another lock is held throughout, which may be the one that protects the list",
};

/** All reasons; the table above is complete by its type. */
export const REASONS = Object.keys(REASON_WORDS) as [Reason, ...Reason[]];

const KIND_WORDS: Readonly<Record<ContextKind, string>> = {
  spinlock: "spinlock",
  rwlock: "rwlock",
  "raw-spinlock": "raw spinlock",
  "bit-spinlock": "bit spinlock",
  seqlock: "seqlock",
  "preempt-off": "preemption disabled",
  "irq-off": "interrupts disabled",
  "softirq-off": "softirqs disabled",
  rcu: "RCU read-side section",
  hardirq: "hard interrupt context",
  softirq: "softirq context",
  nmi: "NMI context",
  callback: "atomic callback",
  other: "atomic context",
};

export const CONTEXT_KINDS = Object.keys(KIND_WORDS) as [ContextKind, ...ContextKind[]];

export const kindWords = (kind: ContextKind): string => KIND_WORDS[kind];

/** What kind of sleeping lock a primitive takes. */
function lockWord(how: string): string {
  if (/mutex/.test(how)) return "mutex";
  if (/down_(?:read|write)|rwsem|mmap_|inode_lock/.test(how)) return "rw semaphore";
  return "lock";
}

/** `spinlock sb_lock`, `preemption disabled`. */
export const contextWords = (context: FindingContext): string =>
  context.kind === "other" && context.lock !== undefined
    ? `${lockWord(context.how)} ${context.lock}`
    : context.lock === undefined
      ? KIND_WORDS[context.kind]
      : `${KIND_WORDS[context.kind]} ${context.lock}`;

/** What happens at the place where the context is entered. */
export function entryWords(context: FindingContext): string {
  switch (context.kind) {
    case "spinlock":
    case "rwlock":
    case "raw-spinlock":
    case "bit-spinlock":
    case "seqlock":
      return `${context.lock ?? KIND_WORDS[context.kind]} taken here`;
    case "hardirq":
    case "softirq":
    case "nmi":
    case "callback":
      return `runs in ${KIND_WORDS[context.kind]} (${context.how})`;
    case "rcu":
      return `${KIND_WORDS.rcu} entered here`;
    case "other":
      return context.lock === undefined ? `${KIND_WORDS.other} from here` : `${context.lock} taken here`;
    default:
      return `${KIND_WORDS[context.kind]} from here`;
  }
}

/** How each level stands to the truth. */
export const CONFIDENCE_WORDS: Readonly<Record<Confidence, string>> = {
  high: "every step was resolved and the sleep is unconditional",
  medium: "one or more steps rest on a condition or a declared context",
  low: "depends on something that was not seen",
};
