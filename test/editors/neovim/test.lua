-- The language server in Neovim, headless: diagnostics with all steps, edits of the buffer, hover, a quick fix.
-- Run by run.mjs with the workspace, the server's command and what is expected in LOCKCTX_TEST (JSON).

local given = vim.json.decode(vim.env.LOCKCTX_TEST)
local failed = 0

local function check(name, run)
  local ok, err = pcall(run)
  if ok then
    print('ok   ' .. name)
  else
    failed = failed + 1
    print('FAIL ' .. name .. ': ' .. tostring(err))
  end
end

local function wait(what, condition, ms)
  if not vim.wait(ms or given.timeout, condition, 20) then error('timed out waiting for ' .. what) end
end

vim.cmd('edit ' .. given.root .. '/' .. given.file)
local buffer = vim.api.nvim_get_current_buf()
local status
-- How often diagnostics were published, and how often when the buffer was last edited: what is shown of before is no answer.
local publications, edited = 0, 0
local publish = vim.lsp.handlers['textDocument/publishDiagnostics']
local client_id = vim.lsp.start_client({
  name = 'lockctx',
  cmd = given.command,
  root_dir = given.root,
  settings = { lockctx = vim.empty_dict() },
  handlers = {
    ['lockctx/status'] = function(_, params) status = params end,
    ['textDocument/publishDiagnostics'] = function(err, params, ...)
      if params.uri == vim.uri_from_bufnr(buffer) then publications = publications + 1 end
      return publish(err, params, ...)
    end,
  },
})
vim.lsp.buf_attach_client(buffer, client_id)

-- As soon as something was published after the edit.
local function answered(what, condition)
  wait(what, function() return publications > edited and condition() end)
  edited = publications
end

-- The finding at the line of the expected call.
local function at(needle)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
    if line:find(needle, 1, true) then return number - 1 end
  end
  error('no line with ' .. needle)
end

local function found()
  for _, d in ipairs(vim.diagnostic.get(buffer)) do
    if d.source == 'lockctx' and d.message:find(given.message, 1, true) and d.lnum == given.line() then return d end
  end
end
-- JSON cannot say which of several equal lines: the first one after a marker.
given.line = function()
  local from = at(given.after)
  local lines = vim.api.nvim_buf_get_lines(buffer, from, -1, false)
  for i, line in ipairs(lines) do
    if line:find(given.call, 1, true) then return from + i - 1 end
  end
end

check('the finding is there without a save or a question', function()
  wait('the diagnostic', function() return found() ~= nil end)
end)

check('it has all its steps, numbered', function()
  local related = found().user_data.lsp.relatedInformation
  local n = #given.steps
  for i, step in ipairs(given.steps) do
    local message = related[i].message
    assert(message:find('^' .. i .. '/' .. n .. ' '), message)
    assert(message:find(step, 1, true), message .. ' does not say ' .. step)
  end
end)

check('the server says that it is ' .. given.health, function()
  -- The first findings come before the whole tree is read.
  wait('status', function() return status and status.health == given.health end)
end)

check('hover says the context and how the callee may sleep', function()
  local params = { textDocument = vim.lsp.util.make_text_document_params(buffer),
    position = { line = found().lnum, character = found().col } }
  local result = vim.lsp.buf_request_sync(buffer, 'textDocument/hover', params, given.timeout)
  local text = result[client_id].result.contents.value
  for _, word in ipairs(given.hover) do assert(text:find(word, 1, true), text) end
end)

check('moving the call behind the unlock clears it, undo brings it back', function()
  local line = found().lnum
  local lines = vim.api.nvim_buf_get_lines(buffer, line, line + 2, false)
  edited = publications
  vim.api.nvim_buf_set_lines(buffer, line, line + 2, false, { lines[2], lines[1] })
  answered('no diagnostic', function()
    for _, d in ipairs(vim.diagnostic.get(buffer)) do
      if d.lnum == line or d.lnum == line + 1 then return false end
    end
    return true
  end)
  vim.cmd('silent undo')
  answered('the diagnostic again', function() return found() ~= nil end)
end)

check('the suppression is offered, applied, and clears it', function()
  local d = found()
  local params = vim.lsp.util.make_given_range_params({ d.lnum + 1, d.col }, { d.lnum + 1, d.col }, buffer, 'utf-16')
  params.context = { diagnostics = { d.user_data.lsp } }
  local response = vim.lsp.buf_request_sync(buffer, 'textDocument/codeAction', params, given.timeout)[client_id]
  local chosen
  for _, action in ipairs(response.result) do
    if action.title:find('Suppress', 1, true) then chosen = action end
  end
  assert(chosen, vim.inspect(response.result))
  vim.lsp.util.apply_workspace_edit(chosen.edit, 'utf-16')
  local comment = vim.api.nvim_buf_get_lines(buffer, d.lnum, d.lnum + 1, false)[1]
  assert(comment:find('lockctx-ignore ' .. given.rule, 1, true), comment)
  answered('no diagnostic', function() return found() == nil end)
  vim.cmd('silent undo')
  answered('the diagnostic again', function() return found() ~= nil end)
end)

check('the chain is given as commit message text', function()
  local d = found()
  local response = vim.lsp.buf_request_sync(buffer, 'workspace/executeCommand',
    { command = 'lockctx.copyChain', arguments = { { uri = vim.uri_from_bufnr(buffer), line = d.lnum } } }, given.timeout)
  local text = response[client_id].result
  assert(text:find('//sleep', 1, true), text)
end)

check('text beyond ASCII before the call moves nothing', function()
  local line = found().lnum
  local text = vim.api.nvim_buf_get_lines(buffer, line, line + 1, false)[1]
  local indent = text:match('^%s*')
  local wide = indent .. '/* é€😀 */ ' .. text:sub(#indent + 1)
  vim.api.nvim_buf_set_lines(buffer, line, line + 1, false, { wide })
  answered('the diagnostic behind it', function()
    local d = found()
    -- Neovim counts bytes
    return d ~= nil and d.col == wide:find(given.call, 1, true) - 1
  end)
  vim.cmd('silent undo')
end)

check('the server ends when it is told to', function()
  local client = vim.lsp.get_client_by_id(client_id)
  vim.cmd('silent edit!')
  client.stop()
  wait('its end', function() return client.is_stopped() end, given.timeout)
end)

vim.cmd(failed == 0 and 'qall!' or 'cquit!')
