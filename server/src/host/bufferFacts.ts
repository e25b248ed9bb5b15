/**
 * Facts of unsaved buffers, made on the thread that asks. One function is parsed in less time than a worker needs to be
 * given it, and a worker may be at something that takes long; what is long itself goes to the workers like any file.
 */
import type { PackedHeads } from "../facts/heads.js";
import { unpackHeads } from "../facts/heads.js";
import type { MacroClasses, OutlineOptions } from "../facts/outline.js";
import { outlineBytes } from "../outline/outline.js";
import { createFactTools, type FactTools } from "./factTools.js";
import { failureReason } from "./failure.js";
import { encodeFlows } from "./flowCodec.js";
import { loadParser } from "./loadParser.js";
import { partsOfText } from "./parts.js";
import type { ItemResult } from "./protocol.js";
import type { Sources } from "./sources.js";

/** Larger buffers are outlined by a worker: this takes some 15 ms. */
const MOST_BYTES = 2 << 20;
/** Functions of more text than this in all are parsed by one: a parser that is lost in broken text cannot be stopped. */
const MOST_PARSED = 32 << 10;

export class BufferFacts {
  private tools: FactTools | null = null;
  private loading: Promise<void> | null = null;

  constructor(
    private readonly sources: Sources,
    private readonly options: OutlineOptions,
  ) {}

  /** Null where it is no buffer, or a worker's business. */
  outline(file: string): ItemResult | null {
    const source = this.textOf(file);
    if (source === null || typeof source !== "string") return source;
    try {
      return { outline: outlineBytes(source, file, this.options).slice() };
    } catch (error) {
      return { problem: failureReason(error) };
    }
  }

  /** The same; also null while the parser is being loaded, which it is from the first call on. */
  flows(
    file: string,
    fns: readonly number[],
    heads: PackedHeads | undefined,
    classes: MacroClasses,
  ): ItemResult | null {
    const text = this.textOf(file);
    if (typeof text !== "string" || heads === undefined) return null;
    const list = unpackHeads(heads);
    const bytes = list.reduce((sum, { start, end }) => sum + end - start, 0);
    const partOf = bytes <= MOST_PARSED ? partsOfText(text, list) : null;
    if (!partOf) return null;
    const { tools } = this;
    if (tools === null) {
      void this.prepare();
      return null;
    }
    const { facts, problem } = tools.flowsOfHeads(list, partOf, classes, () => text);
    const flows = encodeFlows(fns, facts);
    return problem === undefined ? { flows } : { flows, problem };
  }

  /** Loads the parser, so that the first edit need not wait for it. */
  prepare(): Promise<void> {
    this.loading ??= loadParser().then(
      (parser) => {
        // The native parser's trees are only given back between turns, which is for workers to see to.
        const tools = createFactTools(this.options, parser);
        if (!tools.turns) this.tools = tools;
      },
      () => {},
    );
    return this.loading;
  }

  private textOf(file: string): string | { problem: string } | null {
    const overlay = this.sources.overlay(file);
    if (overlay === undefined || overlay.length > MOST_BYTES) return null;
    const source = this.sources.read(file);
    return "text" in source ? source.text : source;
  }
}
