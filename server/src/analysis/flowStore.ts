/** Flow facts asked for and kept: one request a file, in path order, so that workers read each file once a round. */
import { Flow } from "../facts/flow.js";
import { packHeads } from "../facts/heads.js";
import type { FactsPort, FlowRequest } from "../facts/ports.js";
import type { Program } from "../program/program.js";

export class FlowStore {
  private readonly flows = new Map<number, Flow | null>();

  constructor(
    private readonly program: Program,
    private readonly facts: FactsPort,
  ) {}

  /** Facts of a function; null where there is no body that could be read, undefined when not fetched. */
  get(fn: number): Flow | null | undefined {
    return this.flows.get(fn);
  }

  /** Functions whose facts hold one of these names, whatever they do with it. */
  mentioning(names: ReadonlySet<number>): number[] {
    if (names.size === 0) return [];
    const texts = new Set([...names].map((name) => this.program.names.text(name)));
    const found: number[] = [];
    for (const [fn, flow] of this.flows) if (flow?.names.some((text) => texts.has(text))) found.push(fn);
    return found;
  }

  drop(fn: number): void {
    this.flows.delete(fn);
  }

  /** Gets what is not there yet. Rejects with an AbortError when the signal fires. */
  async fetch(fns: Iterable<number>, signal?: AbortSignal): Promise<void> {
    const byFile = new Map<number, number[]>();
    const wanted: number[] = [];
    for (const fn of fns) {
      if (this.flows.has(fn)) continue;
      wanted.push(fn);
      const f = this.program.fnFile(fn);
      const list = byFile.get(f.index);
      if (list) list.push(fn);
      else byFile.set(f.index, [fn]);
    }
    const requests: FlowRequest[] = [];
    for (const index of [...byFile.keys()].sort((a, b) => a - b)) {
      const list = byFile.get(index)!.sort((a, b) => a - b);
      requests.push({
        file: this.program.files[index]!.path,
        fns: list.map((fn) => this.program.fnIndex(fn)),
        heads: (fns) => packHeads(fns.map((i) => this.program.head(this.program.files[index]!, i))),
      });
    }
    if (requests.length === 0) return;
    await this.facts.flows(
      requests,
      (path, indices, facts) => {
        const file = this.program.file(path);
        if (!file) return;
        indices.forEach((i, k) => {
          const f = facts[k];
          this.flows.set(file.fns[i], f ? new Flow(f) : null);
        });
      },
      signal,
    );
    for (const fn of wanted) if (!this.flows.has(fn)) this.flows.set(fn, null);
  }
}
