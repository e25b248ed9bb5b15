/**
 * One connection with an editor: its capabilities and settings, the open documents, the trees they belong to, and the
 * diagnostics that were sent. Request handlers get everything from here.
 */
import { dirname, resolve } from "node:path";
import {
  type ClientCapabilities,
  type Connection,
  type Diagnostic,
  MessageType,
  ShowMessageNotification,
  type WorkspaceFolder,
} from "vscode-languageserver";
import type { Finding } from "../findings/types.js";
import { defaultConfig, matchesPath, type ServerConfig } from "./config.js";
import type { ServerDeps, TreeScope } from "./deps.js";
import { DocumentStore, type OpenDocument } from "./documents.js";
import { errorText } from "./exclusive.js";
import { pathOf, relativeTo } from "./fromProto.js";
import type { PositionEncoding } from "./positions.js";
import { indexProgress } from "./progress.js";
import { statusNotification, statusOf } from "./status.js";
import { type Place, toDiagnostic } from "./toProto.js";
import { Tree } from "./tree.js";

const CONFIDENCE_RANK = { high: 2, medium: 1, low: 0 } as const;

export class Session {
  capabilities: ClientCapabilities = {};
  encoding: PositionEncoding = "utf-16";
  config: ServerConfig = defaultConfig();
  folders: WorkspaceFolder[] = [];
  documents = new DocumentStore("utf-16");
  readonly trees = new Map<string, Tree>();
  shuttingDown = false;
  /** No tree is opened before the settings are known. */
  readonly configured: Promise<void>;
  markConfigured!: () => void;

  private readonly opening = new Map<string, Promise<Tree | null>>();
  private readonly published = new Map<string, string>();
  private readonly failures = new Set<string>();

  constructor(
    readonly connection: Connection,
    readonly deps: ServerDeps,
  ) {
    this.configured = new Promise((done) => {
      this.markConfigured = done;
    });
  }

  // --- trees ---------------------------------------------------------------------------------------------------

  /** Root and scope of the tree that a path belongs to. */
  private rootOf(path: string): { root: string; scope: TreeScope } {
    const { root } = this.config;
    const first = this.folders[0] ? pathOf(this.folders[0].uri) : null;
    if (root !== "") {
      const configured = resolve(first ?? "/", root);
      if (path === configured || relativeTo(configured, path) !== null)
        return { root: configured, scope: "kernel" };
    }
    const found = this.deps.findRoot(path);
    if (found !== null) return { root: found, scope: "kernel" };
    for (const folder of this.folders) {
      const folderPath = pathOf(folder.uri);
      if (folderPath !== null && relativeTo(folderPath, path) !== null)
        return { root: folderPath, scope: "folder" };
    }
    return { root: dirname(path), scope: "files" };
  }

  /** Begins to index the kernel trees that the workspace lies in, before any document is open. */
  openWorkspaceTrees(): void {
    let paths = this.folders.map((folder) => pathOf(folder.uri)).filter((path) => path !== null);
    if (this.config.root !== "") paths = [resolve(paths[0] ?? "/", this.config.root)];
    for (const path of paths) {
      const { root, scope } = this.rootOf(path);
      if (scope === "kernel") void this.treeAt(root, scope);
    }
  }

  private treeAt(root: string, scope: TreeScope): Promise<Tree | null> {
    let opening = this.opening.get(root);
    if (!opening) {
      opening = this.openTree(root, scope);
      this.opening.set(root, opening);
    }
    return opening;
  }

  private async openTree(root: string, scope: TreeScope): Promise<Tree | null> {
    try {
      const backend = await this.deps.openTree({ root, scope, contextRoots: this.config.contextRoots });
      const tree = new Tree(root, scope, backend, this.encoding, {
        findings: (t) => {
          this.publish(t);
          this.sendStatus();
        },
        health: () => this.sendStatus(),
        outgrown: (t) => void this.reopenTree(t),
        progress: async () =>
          indexProgress(
            this.connection,
            this.capabilities.window?.workDoneProgress === true,
            `lockctx: indexing ${root}`,
          ),
        log: (message) => this.trace(message),
      });
      this.trees.set(root, tree);
      for (const document of this.documents.all()) {
        const file = relativeTo(root, document.path);
        if (file !== null && this.rootOf(document.path).root === root) tree.setText(file, document.positions);
      }
      void tree.start();
      return tree;
    } catch (error) {
      const message = `${root} cannot be analysed: ${errorText(error)}`;
      this.connection.console.error(message);
      if (!this.failures.has(message)) this.show(MessageType.Error, message);
      this.failures.add(message);
      this.sendStatus();
      return null;
    }
  }

  /** The same without waiting; null also when the tree is not open yet. */
  locateNow(path: string): { tree: Tree; file: string } | null {
    const { root } = this.rootOf(path);
    const tree = this.trees.get(root);
    const file = relativeTo(root, path);
    return tree && file !== null ? { tree, file } : null;
  }

  /** The tree of a document and the document's path in it; null when the tree could not be opened. */
  async locate(path: string): Promise<{ tree: Tree; file: string } | null> {
    await this.configured;
    const { root, scope } = this.rootOf(path);
    const tree = await this.treeAt(root, scope);
    const file = relativeTo(root, path);
    return tree && file !== null ? { tree, file } : null;
  }

  /** The open document behind a request, with its tree; null when there is none. */
  async find(uri: string): Promise<{ tree: Tree; file: string; document: OpenDocument } | null> {
    const document = this.documents.get(uri);
    const located = document ? await this.locate(document.path) : null;
    return document && located ? { ...located, document } : null;
  }

  /** Opens all trees anew, as after a change of settings that decide what a tree is. */
  async reopenTrees(): Promise<void> {
    const old = [...this.trees.values()];
    this.trees.clear();
    this.opening.clear();
    this.failures.clear();
    for (const document of this.documents.all()) void this.locate(document.path);
    this.openWorkspaceTrees();
    await Promise.all(old.map((tree) => tree.dispose()));
  }

  /** Opens one tree anew, as after a checkout; what did not change comes from the cache. */
  private async reopenTree(tree: Tree): Promise<void> {
    if (this.trees.get(tree.root) !== tree) return;
    this.trees.delete(tree.root);
    this.opening.delete(tree.root);
    // First the memory of the old one is given back.
    await tree.dispose();
    void this.treeAt(tree.root, tree.scope);
  }

  /** Closes trees that neither an open document nor a workspace folder needs. */
  closeUnusedTrees(): void {
    for (const [root, tree] of this.trees) {
      if ([...tree.openFiles].length > 0) continue;
      const needed = this.folders.some((folder) => {
        const path = pathOf(folder.uri);
        return path !== null && this.rootOf(path).root === root;
      });
      if (needed || tree.scope !== "files") continue;
      this.trees.delete(root);
      this.opening.delete(root);
      void tree.dispose();
    }
  }

  async dispose(): Promise<void> {
    const trees = [...this.trees.values()];
    this.trees.clear();
    this.opening.clear();
    await Promise.all(trees.map((tree) => tree.dispose()));
  }

  // --- findings ------------------------------------------------------------------------------------------------

  place(tree: Tree): Place {
    return {
      root: tree.root,
      positionsOf: (file) => tree.positionsOf(file),
      openDocument: (file) => this.documents.atPath(resolve(tree.root, file)),
    };
  }

  isShown(finding: Finding): boolean {
    const { minConfidence, paths, exclude } = this.config;
    return (
      finding.suppressed === null &&
      CONFIDENCE_RANK[finding.confidence] >= CONFIDENCE_RANK[minConfidence] &&
      (paths.length === 0 || matchesPath(finding.file, paths)) &&
      !matchesPath(finding.file, exclude)
    );
  }

  shownFindings(tree: Tree, file: string): Finding[] {
    return (tree.findings.get(file) ?? []).filter((finding) => this.isShown(finding));
  }

  toDiagnostic(tree: Tree, finding: Finding): Diagnostic {
    const client = this.capabilities.textDocument?.publishDiagnostics;
    return toDiagnostic(this.place(tree), finding, {
      rulePage: this.deps.rulePage(finding.rule),
      relatedInformation: client?.relatedInformation === true,
      codeDescription: client?.codeDescriptionSupport === true,
    });
  }

  /** Sends the diagnostics of a tree's open files, where they differ from what was sent. */
  publish(tree: Tree): void {
    for (const file of tree.openFiles) {
      // Those of an older text stand at other places in the newest; the analysis that is under way sends them.
      if (tree.isOutdated(file)) continue;
      const document = this.documents.atPath(resolve(tree.root, file));
      // A text that the tree has not got yet has no findings yet.
      if (!document || tree.positionsOf(file) !== document.positions) continue;
      const diagnostics = this.shownFindings(tree, file).map((finding) => this.toDiagnostic(tree, finding));
      this.send(document, diagnostics);
    }
  }

  private send(document: OpenDocument, diagnostics: Diagnostic[]): void {
    const versions = this.capabilities.textDocument?.publishDiagnostics?.versionSupport === true;
    // Sent again for a new version even if equal: a client may drop those of an older one.
    const key = `${document.version} ${JSON.stringify(diagnostics)}`;
    if (this.published.get(document.uri) === key) return;
    this.published.set(document.uri, key);
    const { uri, version } = document;
    void this.connection.sendDiagnostics(versions ? { uri, version, diagnostics } : { uri, diagnostics });
  }

  clearDiagnostics(uri: string): void {
    this.published.delete(uri);
    void this.connection.sendDiagnostics({ uri, diagnostics: [] });
  }

  publishAll(): void {
    for (const tree of this.trees.values()) this.publish(tree);
    this.sendStatus();
  }

  // --- telling -------------------------------------------------------------------------------------------------

  sendStatus(): void {
    if (this.shuttingDown) return;
    let shown = 0;
    let hidden = 0;
    for (const tree of this.trees.values()) {
      for (const findings of tree.findings.values()) {
        for (const finding of findings) {
          if (this.isShown(finding)) shown++;
          else if (finding.suppressed === null) hidden++;
        }
      }
    }
    const status = statusOf(this.trees.values(), { shown, hidden });
    if (this.trees.size === 0 && this.opening.size > 0)
      Object.assign(status, { health: "indexing", message: "Opening" });
    const failure = [...this.failures].pop();
    if (failure && this.trees.size === 0) Object.assign(status, { health: "degraded", message: failure });
    void this.connection.sendNotification(statusNotification, status);
  }

  /** A message for the user. A plain notification: not every client answers a question without buttons. */
  show(type: MessageType, message: string): void {
    void this.connection.sendNotification(ShowMessageNotification.type, {
      type,
      message: `lockctx: ${message}`,
    });
  }

  trace(message: string): void {
    if (this.config.trace.server === "verbose") this.connection.console.log(message);
  }
}
