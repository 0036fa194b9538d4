-- wrk script: a 2.3 kB message to TO. KEY is the API key, or KEYS a file of keys that are used at random; COUNT ends the run after so many
-- answers.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("KEY") or "key")
local words = string.rep("lorem ipsum dolor ", 60)
local to = os.getenv("TO") or ""
if to == "" then to = "user@example.net" end
wrk.body = '{"from":"app@acme.example","to":["' .. to .. '"],"subject":"Hello from the gateway","text":"'
  .. words .. '","html":"<p>' .. words .. '</p>","tags":["receipt"]}'

local keys = os.getenv("KEYS") or ""
if keys ~= "" then
  local requests = {}
  init = function()
    for key in io.lines(keys) do
      wrk.headers["Authorization"] = "Bearer " .. key
      requests[#requests + 1] = wrk.format()
    end
  end
  request = function()
    return requests[math.random(#requests)]
  end
end

local count = tonumber(os.getenv("COUNT") or "0")
if count > 0 then
  local answers = 0
  response = function()
    answers = answers + 1
    if answers == count then
      wrk.thread:stop()
      -- wrk itself sleeps until its time is over; whoever reads this may interrupt it.
      io.write("ENOUGH\n")
      io.flush()
    end
  end
end

-- One line that the caller can read, whatever this version of wrk prints for people.
done = function(summary, latency)
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
