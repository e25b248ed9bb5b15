/** Kinds of candidate class macros in an outline's `macros` columns (name, kind * 2 + function-like, target). */
export const MacroKind = {
  None: 0,
  /** Nothing in the replacement. */
  Empty: 1,
  /** Only `__attribute__((…))`. */
  Attribute: 2,
  /** Storage words and qualifiers, with or without attributes. */
  Storage: 3,
  /** A control statement's header: the body comes from the user. */
  Loop: 4,
  /** Nothing but another macro (`target`), with or without arguments. */
  Via: 5,
  /** Storage words or attributes and one other macro (`target`). */
  StorageVia: 6,
  /** One of several words that the replacement consists of (`target`); all must be attributes. */
  AllOf: 7,
  /** The replacement ends in a semicolon: used without one. */
  Bare: 8,
} as const;
export const MACRO_STRIDE = 3;
