/**
 * What a path knows of the values stored in places: a persistent array over the places of one run, in chunks. Copies share
 * chunks until one of them writes, so that two paths that parted a moment ago are compared by what differs between them.
 */

const BITS = 3;
const CHUNK = 1 << BITS;
const ABSENT = -1;
const EMPTY_CHUNK: readonly number[] = new Array<number>(CHUNK).fill(ABSENT);
const NO_CHUNKS: readonly (readonly number[])[] = [];

/** Numbers for the places that the paths of one run assign, in order of first assignment. */
export class Places {
  private slots = new Int32Array(64);
  /** Slot → place. */
  readonly places: number[] = [];

  /** The place's slot, -1 when no path has assigned it. */
  find(place: number): number {
    return place < this.slots.length ? this.slots[place] - 1 : -1;
  }

  slot(place: number): number {
    if (place >= this.slots.length) {
      const wider = new Int32Array(Math.max(this.slots.length * 2, place + 64));
      wider.set(this.slots);
      this.slots = wider;
    }
    if (this.slots[place] === 0) this.slots[place] = this.places.push(place);
    return this.slots[place] - 1;
  }
}

export class Environment {
  private constructor(
    private readonly numbers: Places,
    private chunks: readonly (readonly number[])[],
  ) {}

  static empty(places: Places): Environment {
    return new Environment(places, NO_CHUNKS);
  }

  clone(): Environment {
    return new Environment(this.numbers, this.chunks);
  }

  /** Value stored in a place, 0 when it is not known; undefined when the path has not assigned it. */
  get(place: number): number | undefined {
    const slot = this.numbers.find(place);
    if (slot < 0) return undefined;
    const chunk = this.chunks[slot >> BITS];
    if (chunk === undefined) return undefined;
    const v = chunk[slot & (CHUNK - 1)];
    return v === ABSENT ? undefined : v;
  }

  set(place: number, value: number): void {
    const slot = this.numbers.slot(place);
    const n = slot >> BITS;
    const old = this.chunks[n] ?? EMPTY_CHUNK;
    if (old[slot & (CHUNK - 1)] === value) return;
    const chunk = old.slice();
    chunk[slot & (CHUNK - 1)] = value;
    this.put(n, chunk);
  }

  private put(n: number, chunk: readonly number[]): void {
    const chunks = this.chunks.slice();
    while (chunks.length < n) chunks.push(EMPTY_CHUNK);
    chunks[n] = chunk;
    this.chunks = chunks;
  }

  /** Whether nothing was assigned in one that was not in the other since they were one. */
  same(other: Environment): boolean {
    return this.chunks === other.chunks;
  }

  /** Throws away all values; true if there were any. */
  forgetAll(): boolean {
    let any = false;
    this.chunks.forEach((chunk, n) => {
      if (!chunk.some((v) => v > 0)) return;
      any = true;
      this.put(
        n,
        chunk.map((v) => (v === ABSENT ? ABSENT : 0)),
      );
    });
    return any;
  }

  /** All places that were assigned, with their values. */
  each(tell: (place: number, value: number) => void): void {
    const { chunks } = this;
    for (let n = 0; n < chunks.length; n++) {
      const chunk = chunks[n];
      for (let i = 0; i < CHUNK; i++)
        if (chunk[i] !== ABSENT) tell(this.numbers.places[n * CHUNK + i], chunk[i]);
    }
  }

  /**
   * Joins another path's values into these; true if anything was lost. `initial` is what a place holds that a path has not
   * assigned (a parameter's own value; 0: nothing known), `joined` makes one value of two.
   */
  join(
    other: Environment,
    initial: (place: number) => number,
    joined: (place: number, mine: number, theirs: number) => number,
  ): boolean {
    if (this.chunks === other.chunks) return false;
    let changed = false;
    const count = Math.max(this.chunks.length, other.chunks.length);
    for (let n = 0; n < count; n++) {
      const mine = this.chunks[n] ?? EMPTY_CHUNK;
      const theirs = other.chunks[n] ?? EMPTY_CHUNK;
      if (mine === theirs) continue;
      let next: number[] | null = null;
      for (let i = 0; i < CHUNK; i++) {
        const x = mine[i];
        const y = theirs[i];
        if (x === y) continue;
        const place = this.numbers.places[n * CHUNK + i];
        const start = x === ABSENT || y === ABSENT ? initial(place) : 0;
        const v = x === ABSENT ? start : x;
        const u = joined(place, v, y === ABSENT ? start : y);
        if (u !== v || (x === ABSENT && u === 0)) changed = true;
        if (u !== x) {
          next ??= mine.slice();
          next[i] = u;
        }
      }
      if (next) this.put(n, next);
    }
    return changed;
  }
}
