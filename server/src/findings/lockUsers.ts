/** Who uses a lock, as plain data: critical sections with what they touch, and functions that rely on it being held. */
import type { FunctionRef } from "./explain.js";
import type { ChainStep, Site } from "./types.js";

/** A field or file-level variable: `struct foo.count`, `mm/list_lru.c:list_lrus`. */
export interface Access extends Site {
  name: string;
}

/** What is done where the lock is held. */
export interface Touches {
  reads: Access[];
  writes: Access[];
  calls: Access[];
}

export interface CriticalSection extends Touches {
  /** Where it is taken; for a section of a caller's lock, the function's name. */
  acquire: Site;
  /** Primitive, wrapper or guard that takes it. */
  how: string;
  /** Lock expression as written. */
  lock: string;
  /** When a callee took it: the way to the acquire. */
  through: ChainStep[];
  /** Where it is given back; empty when the function returns with it. */
  releases: { site: Site; how: string }[];
  shared: boolean;
  /** Other locks and contexts that are held when it is taken, as class or kind. */
  under: string[];
  /** One of those forbids sleeping. */
  atomic: boolean;
  /** Returns with the lock on some way. */
  leaks: boolean;
}

/** A call that is given the lock, whatever it does with it. */
export interface LockMention extends Site {
  function: string;
  call: string;
  /** One past the call's argument list. */
  callEnd: number;
}

/** A function that takes the lock. */
export interface LockingFunction {
  function: FunctionRef;
  sections: CriticalSection[];
}

/** A function that needs the lock to be held when it is called. */
export interface RelyingFunction extends Touches {
  function: FunctionRef;
  /** It says so itself, by assertion or annotation; or every call of it that was seen is made with the lock held. */
  why: "assertion" | "annotation" | "callers";
  /** The assertion, the annotation's function, or the calls. */
  sites: (Site & { function: string })[];
  /** It gives the lock up, and takes it again or not. */
  drops: boolean;
}

export interface LockIdentity {
  /** `mm/list_lru.c:list_lrus_mutex`, `struct foo.lock`, or the primitive of a lock without an object. */
  cls: string;
  /** Type as declared: spinlock_t, mutex …; "" when there is none. */
  type: string;
  /** File that declares it. */
  file: string;
}

export interface LockUsers {
  lock: LockIdentity;
  functions: LockingFunction[];
  relying: RelyingFunction[];
  /** Functions that are called with the lock held and from elsewhere too. */
  alsoCalled: { function: string; sites: Site[] }[];
  /** Every call that the lock is passed to: what takes it, sets it up, or does something else with it. */
  mentions: LockMention[];
  /** Places where the lock's address is stored: from there on its users are not known. */
  escapes: Site[];
  /** Functions whose text names the lock and could not be followed. */
  unread: FunctionRef[];
}

/** Locks that a typed name can mean, and names that are like it when there are none. */
export interface LockMatches {
  locks: LockIdentity[];
  similar: string[];
}
