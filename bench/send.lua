-- wrk script: a 2.3 kB message. KEY is the API key.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. (os.getenv("KEY") or "key")
local words = string.rep("lorem ipsum dolor ", 60)
wrk.body = '{"from":"app@acme.example","to":["user@example.net"],"subject":"Hello from the gateway","text":"'
  .. words .. '","html":"<p>' .. words .. '</p>","tags":["receipt"]}'

-- One line that the caller can read, whatever the version prints for people.
done = function(summary, latency, requests)
  io.write(string.format('RESULT {"requests":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status, summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
