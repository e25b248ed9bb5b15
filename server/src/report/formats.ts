/** The output formats of the command line, by name. */
import { renderFile } from "./file.js";
import type { Report } from "./report.js";
import { renderText } from "./text.js";

export interface RenderOptions {
  /** For a terminal that shows colours. */
  colors: boolean;
  /** With time and memory, which differ from run to run. */
  phases: boolean;
}

export interface Format {
  name: string;
  summary: string;
  /** The report in pieces. */
  render(report: Report, options: RenderOptions): Iterable<string>;
}

export const FORMATS: readonly Format[] = [
  {
    name: "text",
    summary: "for people, with the chain of each finding",
    render: (...args) => [renderText(...args)],
  },
  {
    name: "json",
    summary: "the findings file (server/schema/findings.schema.json)",
    render: renderFile,
  },
];

export const formatNamed = (name: string): Format | undefined => FORMATS.find((f) => f.name === name);
