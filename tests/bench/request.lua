-- Posts one GraphQL query again and again. BENCH_QUERY is the file with the query, BENCH_VARIABLES a file with JSON objects
-- of variables, one a line, of which every request takes one at random. BENCH_TOKEN, if it is set, says who asks.

local function read(name)
  local file = assert(io.open(assert(os.getenv(name), name), "r"))
  local text = file:read("*a")
  file:close()
  return text
end

local bodies = {}
local threads = 0

function setup(thread)
  thread:set("seed", threads)
  threads = threads + 1
end

function init()
  math.randomseed(os.time() * 16 + seed)
  local query = read("BENCH_QUERY"):gsub("%s+", " "):gsub('"', '\\"')
  local headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/graphql-response+json" }
  local token = os.getenv("BENCH_TOKEN")
  if token then
    headers["Authorization"] = "Bearer " .. token
  end
  for variables in read("BENCH_VARIABLES"):gmatch("[^\n]+") do
    local body = '{"query":"' .. query .. '","variables":' .. variables .. "}"
    bodies[#bodies + 1] = wrk.format("POST", "/graphql", headers, body)
  end
end

function request()
  return bodies[math.random(#bodies)]
end
