/**
 * Works out a cycle of functions that call each other: in rounds, each member in its turn, from nothing, so that what they
 * say does not depend on what they said before an edit.
 *
 * Where the cycle was worked out before, that is followed instead of done again: a member says after a round what it said
 * after it then, unless it was edited or one of those it calls says something else at that point. Only then is it run. So
 * an edit costs what it changes, and the result is that of working everything out from nothing.
 */
import type { FnResult } from "../interpret/frame.js";
import type { Pauses } from "../pauses.js";
import { type Summary, sameSummary } from "../summary.js";

/** Rounds after which a cycle that has not come to rest is left as it is: some functions would say two things in turn for ever. */
export const MOST_ROUNDS = 8;

/** What a member said from a round on. */
export interface Said {
  readonly round: number;
  readonly summary: Summary;
}

/** What a cycle asks of the rest of the solver. */
export interface CycleWorld {
  /** Functions that this one calls. */
  edgesOf(fn: number): readonly number[];
  /** Functions that call this one. */
  usersOf(fn: number): readonly number[];
  /** What is known of a function that was not run yet. */
  initial(fn: number): Summary;
  /** Null: its facts cannot be had. */
  run(fn: number): FnResult | null;
  hasFacts(fn: number): boolean;
  fetchFacts(fns: readonly number[], signal?: AbortSignal): Promise<void>;
}

/** An earlier working out of a cycle. */
export interface EarlierRun {
  /** What a member said; undefined: it was none then. */
  said(fn: number): readonly Said[] | undefined;
  /** The last round in which any member may have said something new: nothing is new after it. */
  readonly lastRound: number;
}

export class CycleRun {
  /** Members that were looked at, with what they said and since when: they may have said something else than earlier. */
  readonly histories = new Map<number, Said[]>();
  /** The last round in which any member said something new, -1 in none. */
  lastRound: number;
  private round = 0;
  private here = 0;
  /** By place: the last round in which it was looked at, what it says since, and whether that is not what it said earlier. */
  private readonly lookedAt: Int32Array;
  private readonly now: (Summary | undefined)[];
  private readonly differs: Uint8Array;
  /** The result of the run that `now` comes from; undefined: it is what was said earlier. */
  private readonly results: (FnResult | null | undefined)[];
  /** When it was last run, and when what it says last changed; see `moment`. */
  private readonly ranAt: Float64Array;
  private readonly changedAt: Float64Array;
  private active: Uint8Array;
  private next: Uint8Array;

  constructor(
    private readonly world: CycleWorld,
    private readonly fns: ArrayLike<number>,
    private readonly places: ReadonlyMap<number, number>,
    private readonly earlier: EarlierRun | null,
    /** By place: what it said earlier is of no use. */
    private readonly dirty: Uint8Array,
  ) {
    const n = fns.length;
    this.lookedAt = new Int32Array(n).fill(-1);
    this.now = new Array(n);
    this.differs = new Uint8Array(n);
    this.results = new Array(n);
    this.ranAt = new Float64Array(n);
    this.changedAt = new Float64Array(n);
    this.active = dirty.slice();
    this.next = new Uint8Array(n);
    this.lastRound = earlier?.lastRound ?? -1;
  }

  /** What a member says at this point; undefined: it is none. */
  summaryOf(fn: number): Summary | undefined {
    const at = this.places.get(fn);
    return at === undefined ? undefined : this.summaryAt(at);
  }

  /** Rejects with the signal's reason when it is stopped; then nothing is to be made of it. */
  async solve(pauses: Pauses): Promise<void> {
    const n = this.fns.length;
    for (this.round = 0; this.round < MOST_ROUNDS; this.round++) {
      let news = false;
      for (this.here = 0; this.here < n; this.here++) {
        if (this.active[this.here] === 0) continue;
        this.active[this.here] = 0;
        if (pauses.due) await pauses.take();
        if (await this.look(this.here, pauses.signal)) news = true;
      }
      [this.active, this.next] = [this.next, this.active];
      if (news) this.lastRound = Math.max(this.lastRound, this.round);
      else if (this.round > this.lastRound) break;
    }
    this.closeHistories();
  }

  /** Results of the members that have another one than earlier, or may have. Null: there is none. */
  *made(): IterableIterator<[fn: number, result: FnResult | null]> {
    for (let i = 0; i < this.fns.length; i++) {
      const result = this.results[i];
      if (result !== undefined) yield [this.fns[i], result];
    }
  }

  /** The member's turn in this round; true when it says something new. */
  private async look(at: number, signal?: AbortSignal): Promise<boolean> {
    const { world, fns, round, earlier } = this;
    const fn = fns[at];
    const before = this.summaryAt(at);
    let follows = earlier !== null && this.dirty[at] === 0;
    if (follows) for (const callee of world.edgesOf(fn)) if (this.differsNow(callee)) follows = false;
    let now: Summary;
    if (follows) {
      now = this.saidThen(at, round);
      this.results[at] = undefined;
    } else if (this.results[at] === undefined || this.heardNews(at)) {
      if (!world.hasFacts(fn)) await this.fetchFacts(at, signal);
      const result = world.run(fn);
      this.results[at] = result;
      this.ranAt[at] = this.moment(round, at);
      now = result?.summary ?? world.initial(fn);
    } else now = this.now[at]!;
    const isNew = !sameSummary(before, now);
    // What says the same is kept once.
    const { [at]: result } = this.results;
    if (!isNew && result) {
      now = before;
      result.summary = before;
    }
    if (isNew) this.changedAt[at] = this.moment(round, at);
    this.note(at, round, now);
    this.now[at] = now;
    this.lookedAt[at] = round;
    if (earlier === null) {
      this.next[at] = 1;
      return isNew;
    }
    const differs =
      this.dirty[at] === 1 && earlier.said(fn) === undefined
        ? false
        : !sameSummary(now, this.saidThen(at, round));
    this.differs[at] = differs ? 1 : 0;
    if (!follows || differs) this.next[at] = 1;
    if (differs)
      for (const user of world.usersOf(fn)) {
        const place = this.places.get(user);
        if (place !== undefined) (place > at ? this.active : this.next)[place] = 1;
      }
    return isNew;
  }

  /** Facts of all whose turn comes soon are asked for together. */
  private async fetchFacts(at: number, signal?: AbortSignal): Promise<void> {
    const wanted = [this.fns[at]];
    for (let i = 0; i < this.fns.length; i++)
      if ((this.active[i] === 1 || this.next[i] === 1) && !this.world.hasFacts(this.fns[i]))
        wanted.push(this.fns[i]);
    await this.world.fetchFacts(wanted, signal);
  }

  /** A number for each turn of each round, in their order. */
  private moment(round: number, at: number): number {
    return round * this.fns.length + at + 1;
  }

  /** The last round in which a member has had its turn. */
  private latest(at: number): number {
    return at < this.here ? this.round : this.round - 1;
  }

  private summaryAt(at: number): Summary {
    const latest = this.latest(at);
    if (latest < 0) return this.world.initial(this.fns[at]);
    return this.lookedAt[at] === latest ? this.now[at]! : this.saidThen(at, latest);
  }

  private saidThen(at: number, round: number): Summary {
    return lastOf(this.earlier?.said(this.fns[at]), round)?.summary ?? this.world.initial(this.fns[at]);
  }

  private differsNow(fn: number): boolean {
    const at = this.places.get(fn);
    return at !== undefined && this.differs[at] === 1 && this.lookedAt[at] === this.latest(at);
  }

  /** Whether a function that it called when it was last run has said something new since. */
  private heardNews(at: number): boolean {
    const since = this.ranAt[at];
    for (const fn of this.results[at]?.callees ?? []) {
      const callee = this.places.get(fn);
      if (callee === undefined) continue;
      if (this.changedAt[callee] > since) return true;
      // Since it was last looked at it says what it said earlier.
      const said = lastOf(this.earlier?.said(fn), this.latest(callee));
      if (said && said.round > this.lookedAt[callee] && this.moment(said.round, callee) > since) return true;
    }
    return false;
  }

  private note(at: number, round: number, now: Summary): void {
    const fn = this.fns[at];
    const said = this.earlier?.said(fn) ?? [];
    let history = this.histories.get(fn);
    if (!history) {
      history = [];
      this.histories.set(fn, history);
    }
    for (const s of said) if (s.round > this.lookedAt[at] && s.round < round) history.push(s);
    const last = history.at(-1)?.summary ?? this.world.initial(fn);
    if (!sameSummary(last, now)) history.push({ round, summary: now });
  }

  /** After its last look a member has said what it said earlier. */
  private closeHistories(): void {
    for (const [fn, history] of this.histories)
      for (const s of this.earlier?.said(fn) ?? [])
        if (s.round > this.lookedAt[this.places.get(fn)!]) history.push(s);
  }
}

/** What was said last by the end of a round. */
function lastOf(said: readonly Said[] | undefined, round: number): Said | undefined {
  if (said) for (let i = said.length - 1; i >= 0; i--) if (said[i].round <= round) return said[i];
  return undefined;
}
