/** From our values to protocol values: findings to diagnostics, fixes to code actions, sites to locations. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  type CodeAction,
  CodeActionKind,
  type Diagnostic,
  type DiagnosticRelatedInformation,
  DiagnosticSeverity,
  type Location,
  type Range,
  type SnippetTextEdit,
  type TextDocumentEdit,
  type TextEdit,
} from "vscode-languageserver";
import { stepsOf } from "../findings/steps.js";
import type { Confidence, Finding, FindingPath, Site } from "../findings/types.js";
import { REASON_WORDS } from "../findings/words.js";
import type { Fix, FixEdit } from "../fixes/types.js";
import { fromBytes, type TextPositions } from "./positions.js";

/** What the bridge asks of the tree that a value belongs to. */
export interface Place {
  root: string;
  positionsOf(file: string): TextPositions | null;
  /** Address and version of an open document, as its client spelled it. */
  openDocument(file: string): { uri: string; version: number } | null;
}

const SEVERITY: Record<Confidence, DiagnosticSeverity> = {
  high: DiagnosticSeverity.Error,
  medium: DiagnosticSeverity.Warning,
  low: DiagnosticSeverity.Information,
};

/** Identifies the finding behind a diagnostic when the client hands it back. */
export interface DiagnosticData {
  fingerprint: string;
}

export function toUri(place: Place, file: string): string {
  return place.openDocument(file)?.uri ?? pathToFileURL(join(place.root, file)).href;
}

export function toRange(place: Place, site: Site): Range {
  const positions = place.positionsOf(site.file);
  if (positions) return positions.rangeOf(site.offset, site.endOffset);
  const start = { line: 0, character: 0 };
  return { start, end: start };
}

export function toLocation(place: Place, site: Site): Location {
  return { uri: toUri(place, site.file), range: toRange(place, site) };
}

function messageOf(finding: Finding): string {
  const notes: string[] = [];
  const reasons = finding.reasons.map((reason) => REASON_WORDS[reason]);
  if (reasons.length > 0) notes.push(`${finding.confidence} confidence: ${reasons.join("; ")}`);
  const condition = finding.paths[0]?.condition;
  if (condition && !finding.message.includes(condition)) notes.push(`condition: ${fromBytes(condition)}`);
  return [fromBytes(finding.message), ...notes].join("\n");
}

/** The chain as numbered steps, all of them and in order, for clients sort what has no number. */
function relatedInformation(place: Place, finding: Finding): DiagnosticRelatedInformation[] {
  const related: DiagnosticRelatedInformation[] = [];
  const [first, ...others] = finding.paths;
  if (!first) return related;
  const steps = stepsOf(finding, first);
  for (const [i, step] of steps.entries()) {
    related.push({
      location: toLocation(place, step.site),
      message: `${i + 1}/${steps.length} ${fromBytes(step.text)}`,
    });
  }
  for (const [i, path] of others.entries()) {
    related.push({ location: toLocation(place, path.sleep), message: otherPath(path, i + 2) });
  }
  return related;
}

function otherPath(path: FindingPath, number: number): string {
  const condition = path.condition ? `; condition: ${path.condition}` : "";
  const names = path.chain.map((step) => step.function).join(" → ");
  return fromBytes(`path ${number}: ${names} → ${path.sleep.call}(): ${path.sleep.reason}${condition}`);
}

export function toDiagnostic(
  place: Place,
  finding: Finding,
  options: { rulePage?: string | undefined; relatedInformation: boolean; codeDescription: boolean },
): Diagnostic {
  const data: DiagnosticData = { fingerprint: finding.fingerprint };
  const diagnostic: Diagnostic = {
    range: toRange(place, finding),
    severity: SEVERITY[finding.confidence],
    code: finding.rule,
    source: "lockctx",
    message: messageOf(finding),
    data,
  };
  if (options.codeDescription && options.rulePage) diagnostic.codeDescription = { href: options.rulePage };
  if (options.relatedInformation) diagnostic.relatedInformation = relatedInformation(place, finding);
  else diagnostic.message += `\n${stepLines(place, finding).join("\n")}`;
  return diagnostic;
}

/** The numbered steps as text, for clients without related information. */
function stepLines(place: Place, finding: Finding): string[] {
  const steps = stepsOf(finding);
  return steps.map((step, i) => {
    const line = (place.positionsOf(step.site.file)?.lineAt(step.site.offset) ?? 0) + 1;
    return fromBytes(`${i + 1}/${steps.length} ${step.site.file}:${line} ${step.text}`);
  });
}

export function toCodeAction(
  place: Place,
  fix: Fix,
  diagnostic: Diagnostic | undefined,
  options: { documentChanges: boolean; snippets: boolean },
): CodeAction {
  const action: CodeAction = { title: fix.title, kind: CodeActionKind.QuickFix };
  if (diagnostic) action.diagnostics = [diagnostic];
  if (fix.applicability === "sketch") {
    // Shown greyed, with what keeps it from being an edit.
    const why = fix.missing?.join("; ");
    action.disabled = { reason: fromBytes(why ? `a sketch only: ${why}` : "a sketch only: see lockctx fix") };
    return action;
  }
  const files = [...new Set(fix.edits.map((edit) => edit.file))];
  const editsOf = (file: string): FixEdit[] => fix.edits.filter((edit) => edit.file === file);
  if (options.documentChanges) {
    action.edit = {
      documentChanges: files.map((file): TextDocumentEdit => {
        const version = place.openDocument(file)?.version ?? null;
        return {
          textDocument: { uri: toUri(place, file), version },
          edits: editsOf(file).map((edit) =>
            options.snippets && edit.placeholder ? toSnippetEdit(place, edit) : toTextEdit(place, edit),
          ),
        };
      }),
    };
  } else {
    action.edit = {
      changes: Object.fromEntries(
        files.map((file) => [toUri(place, file), editsOf(file).map((edit) => toTextEdit(place, edit))]),
      ),
    };
  }
  return action;
}

function toTextEdit(place: Place, edit: FixEdit): TextEdit {
  return { range: toRange(place, edit), newText: fromBytes(edit.text) };
}

function toSnippetEdit(place: Place, edit: FixEdit): SnippetTextEdit {
  const { start, end } = edit.placeholder!;
  const escaped = (text: string): string => fromBytes(text).replace(/[\\$}]/g, "\\$&");
  const value = `${escaped(edit.text.slice(0, start))}\${1:${escaped(edit.text.slice(start, end))}}${escaped(edit.text.slice(end))}`;
  return { range: toRange(place, edit), snippet: { kind: "snippet", value } };
}
