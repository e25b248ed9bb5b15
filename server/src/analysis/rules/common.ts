/** What the pages of all rules say alike. */

const suppression = (id: string): string =>
  `A finding that is accepted is silenced where it stands: \`/* lockctx-ignore ${id}: reason */\` on its line or the line ` +
  "above. The reason is required; several rules are separated by commas, `all` stands for every rule. Suppressed findings " +
  "are counted.";

const CONFIDENCE =
  "`--min-confidence high|medium|low` chooses what is reported; `medium` is the default, and the number of hidden findings is " +
  "always said.";

export const configurationOf = (id: string): readonly string[] => [CONFIDENCE, suppression(id)];

export const COMMON_LIMITS: readonly string[] = [
  "Calls through a function pointer are followed only to functions that are stored in a field of that struct's type, or " +
    "passed as an argument; with more than 24 such functions not at all.",
  "Conditions on an object's state are not decided: the path is told with `state-guarded`, at medium confidence.",
  "Code that one configuration leaves out is analysed with all the rest: `config-dependent` is said where that matters.",
];
