;;; test.el --- The language server in Emacs with eglot, in batch  -*- lexical-binding: t -*-

;; Run by run.mjs with the workspace, the server's command and what is expected in LOCKCTX_TEST (JSON).

(require 'package)
(package-initialize)
(require 'eglot)
(require 'flymake)
(require 'json)

(setq eglot-sync-connect 60
      eglot-events-buffer-size 0
      eglot-send-changes-idle-time 0
      create-lockfiles nil
      make-backup-files nil)

(defvar given (json-parse-string (getenv "LOCKCTX_TEST") :object-type 'alist :array-type 'list))
(defun given (key) (alist-get key given))
(defvar failed 0)

(defmacro check (name &rest body)
  (declare (indent 1))
  `(condition-case err
       (progn ,@body (princ (format "ok   %s\n" ,name)))
     (error (setq failed (1+ failed))
            (princ (format "FAIL %s: %S\n" ,name err)))))

(defun wait-for (what condition)
  (let ((deadline (+ (float-time) (/ (given 'timeout) 1000.0))))
    (while (not (funcall condition))
      (when (> (float-time) deadline) (error "Timed out waiting for %s" what))
      (accept-process-output nil 0.05))))

(defun call-position ()
  (save-excursion
    (goto-char (point-min))
    (search-forward (given 'after))
    (search-forward (given 'call))
    (match-beginning 0)))

(defvar published nil "Diagnostics of the last publication.")
(defvar publications 0 "How often diagnostics were published.")
(defvar edited 0 "The same when the buffer was last edited: what is shown of before is no answer.")
(cl-defmethod eglot-handle-notification :before
  (_server (_method (eql textDocument/publishDiagnostics)) &key diagnostics &allow-other-keys)
  (setq publications (1+ publications)
        published (append diagnostics nil)))

(defun answered (what condition)
  "Wait for a publication after the last edit that meets CONDITION."
  (wait-for what (lambda () (and (> publications edited) (funcall condition))))
  (setq edited publications))

(defun at-call (diagnostic)
  (= (plist-get (plist-get (plist-get diagnostic :range) :start) :line)
     (1- (line-number-at-pos (call-position) t))))
(defun found () (seq-find #'at-call published))

(find-file (expand-file-name (given 'file) (given 'root)))
(c-mode)
(let ((contact (given 'command)))
  ;; eglot 1.9 knows a project by version control; this one is the workspace.
  (setq project-find-functions (list (lambda (_dir) (cons 'transient (given 'root)))))
  (eglot '(c-mode) (project-current) 'eglot-lsp-server contact "c"))

(check "the finding is there without a save or a question"
  (wait-for "the diagnostic" #'found))

(check "it has all its steps, numbered, in the message, for eglot has no related information"
  (let ((message (plist-get (found) :message))
        (n (length (given 'steps)))
        (i 0))
    (dolist (step (given 'steps))
      (setq i (1+ i))
      (unless (string-match-p (format "^%d/%d .*%s" i n (regexp-quote step)) message)
        (error "No step %d with %s in %s" i step message)))))

(check "flymake shows it at the call"
  (flymake-start)
  (wait-for "flymake"
            (lambda ()
              (seq-find (lambda (d) (= (flymake-diagnostic-beg d) (call-position)))
                        (flymake-diagnostics)))))

(check "moving the call behind the unlock clears it, undo brings it back"
  (let ((before (buffer-string)))
    (setq edited publications)
    (goto-char (call-position))
    (beginning-of-line)
    (forward-line 1)
    (transpose-lines 1)
    (eglot--signal-textDocument/didChange)
    (answered "no diagnostic" (lambda () (not (found))))
    (erase-buffer)
    (insert before)
    (eglot--signal-textDocument/didChange)
    (answered "the diagnostic again" #'found)))

(check "hover says the context and how the callee may sleep"
  (goto-char (call-position))
  (let* ((answer (jsonrpc-request (eglot-current-server) :textDocument/hover
                                  (eglot--TextDocumentPositionParams)))
         (text (format "%S" answer)))
    (dolist (word (given 'hover))
      (unless (string-match-p (regexp-quote word) text) (error "No %s in %s" word text)))))

(check "the suppression is offered, applied, and clears it"
  (let* ((at (eglot--pos-to-lsp-position (call-position)))
         (actions (jsonrpc-request
                   (eglot-current-server) :textDocument/codeAction
                   (list :textDocument (eglot--TextDocumentIdentifier)
                         :range (list :start at :end at)
                         :context (list :diagnostics (vector (found))))))
         (chosen (seq-find (lambda (a) (string-prefix-p "Suppress" (plist-get a :title))) actions)))
    (unless chosen (error "Offered: %S" actions))
    (eglot--apply-workspace-edit (plist-get chosen :edit))
    (eglot--signal-textDocument/didChange)
    (goto-char (point-min))
    (search-forward (concat "lockctx-ignore " (given 'rule)))
    (answered "no diagnostic" (lambda () (not (found))))))

(check "the server ends when it is told to"
  (let ((process (jsonrpc--process (eglot-current-server))))
    (set-buffer-modified-p nil)
    (eglot-shutdown (eglot-current-server) nil 20)
    (wait-for "its end" (lambda () (not (process-live-p process))))))

(kill-emacs (if (zerop failed) 0 1))
;;; test.el ends here
