/** Flow facts of one function: see `syntax/flow*.ts` for how they are made. (Filled in below by the engine.) */
export interface FlowFacts {
  /** Interned strings of this function. */
  names: string[];
  code: Int32Array;
}
