-- wrk: sends the lines of a file in turn (method, path, bearer token or "-", body or "-", and where there is one the tag
-- for If-None-Match, separated by tabs; a body that is no JSON object is a form) and tells the outcome as one JSON line.
local lines, at = {}, 0

function init(args)
  for line in io.lines(args[1]) do
    local method, path, token, body, tag = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$")
    local form = body:sub(1, 1) ~= "{"
    local headers = { ["Content-Type"] = form and "application/x-www-form-urlencoded" or "application/json" }
    if tag ~= "" then headers["If-None-Match"] = tag end
    if token ~= "-" then headers["Authorization"] = "Bearer " .. token end
    lines[#lines + 1] = wrk.format(method, path, headers, body ~= "-" and body or nil)
  end
end

function request()
  at = at % #lines + 1
  return lines[at]
end

function done(summary, latency, _)
  local errors = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"seconds":%.6f,"bytes":%d,"p50_ms":%.3f,"p99_ms":%.3f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status + errors.connect + errors.read + errors.write + errors.timeout))
end
