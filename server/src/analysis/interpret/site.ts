/** A call as it stands in the flow program: read once, whatever the number of paths that run it. */
import { CallFlag, type Flow } from "../../facts/flow.js";

export interface CallSite {
  /** Names the call's result. */
  readonly number: number;
  /** The callee as an expression of the flow. */
  readonly callee: number;
  /** Bytes of the call in the file. */
  readonly at: number;
  readonly end: number;
  /** Arguments as expressions of the flow. */
  readonly args: readonly number[];
  /** It stands in one #if branch only. */
  readonly conditional: boolean;
}

export class CallSites {
  private readonly sites = new Map<number, CallSite>();

  constructor(private readonly flow: Flow) {}

  /** The call whose instruction stands at this index of the code. */
  at(q: number): CallSite {
    let site = this.sites.get(q);
    if (!site) {
      const c = this.flow.code;
      const args: number[] = [];
      for (let i = 0; i < c[q + 6]; i++) args.push(c[q + 7 + i]);
      const conditional = (c[q + 3] & CallFlag.Conditional) !== 0;
      site = { number: c[q + 1], callee: c[q + 2], at: c[q + 4], end: c[q + 5], args, conditional };
      this.sites.set(q, site);
    }
    return site;
  }
}
