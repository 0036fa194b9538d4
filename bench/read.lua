-- wrk script: GETs of random paths out of the file PATHS. KEY is the API key.
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("KEY") or "key")
local paths = {}
for line in io.lines(os.getenv("PATHS")) do paths[#paths + 1] = line end
math.randomseed(1)

request = function()
  return wrk.format("GET", paths[math.random(#paths)])
end

-- One line that the caller can read, whatever this version of wrk prints for people.
done = function(summary, latency)
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"p50Ms":%f,"p99Ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
