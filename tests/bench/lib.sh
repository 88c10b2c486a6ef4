# What the benchmarks share: starting and stopping PostgreSQL, Redis and the server, and reading the machine. Sourced, not run.
# Before: `data` (a folder for the database, or nothing), `binary` (the program, or nothing), `redis` (true or false).
# shellcheck shell=bash disable=SC2034,SC2154

# A developer's own settings must not reach what is measured.
unset DATABASE_URL REDIS_URL RUST_LOG "${!CONCERT_@}"

tmp=$(mktemp -d "${TMPDIR:-/tmp}/concert-bench.XXXXXX") || exit 2
# PostgreSQL runs as another user, who has to pass through.
chmod 711 "$tmp"
postgres='' server='' cache='' job=''

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# --- Starting and stopping ----------------------------------------------------------------------------------------------

# Asks a process of ours to end; insists after a minute.
stop() {
  local pid=$1
  kill "-${2:-TERM}" "$pid" 2>/dev/null || return 0
  for _ in {1..600}; do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
}
clean_up() {
  trap - EXIT INT TERM
  [[ -z $job ]] || stop "$job"
  [[ -z $server ]] || stop "$server"
  [[ -z $cache ]] || stop "$cache"
  # INT is PostgreSQL's fast shutdown.
  [[ -z $postgres ]] || stop "$postgres" INT
  rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() {
  local port
  while true; do
    port=$((20000 + RANDOM % 12000))
    answers "$port" || break
  done
  printf '%s' "$port"
}
# Waits up to $1 seconds for a command, unless process $2 ends before.
await() {
  local tenths=$(($1 * 10)) pid=$2
  shift 2
  while ((tenths-- > 0)); do
    "$@" && return 0
    kill -0 "$pid" 2>/dev/null || return 1
    sleep 0.1
  done
  return 1
}

pg_bin=
for folder in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -Vr) "$(pg_config --bindir 2>/dev/null)"; do
  [[ -x $folder/initdb && -x $folder/postgres && -x $folder/pgbench && -x $folder/psql ]] || continue
  (($("$folder/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/') >= 15)) || continue
  pg_bin=$folder && break
done
[[ -n $pg_bin ]] || fail 'install PostgreSQL 15 or newer (Debian: postgresql)'
for tool in wrk curl; do command -v "$tool" >/dev/null || fail "install $tool"; done
! ${redis:-false} || command -v redis-server >/dev/null || fail 'install Redis 7 or newer (Debian: redis-server)'

start_postgres() {
  local owner as_owner=(env) folder=${data:-$tmp/pg}
  mkdir -p "$folder"
  # PostgreSQL refuses to run as root.
  if [[ $EUID -eq 0 ]]; then
    owner=postgres
    id -u postgres >/dev/null 2>&1 || owner=nobody
    chown "$owner" "$folder"
    as_owner=(setpriv "--reuid=$owner" "--regid=$(id -g "$owner")" --clear-groups)
  fi
  if [[ ! -e $folder/data/PG_VERSION ]]; then
    (cd / && "${as_owner[@]}" "$pg_bin/initdb" --pgdata "$folder/data" --username postgres --auth trust --encoding UTF8 \
      --locale C.UTF-8) >"$tmp/pg.log" 2>&1 || return 1
  fi
  pg_port=$(free_port)
  # Durability as it is by default. Replaced, not forked: the process that is stopped at the end is PostgreSQL itself.
  (cd / && exec "${as_owner[@]}" "$pg_bin/postgres" -D "$folder/data" -p "$pg_port" --listen_addresses=127.0.0.1 \
    --unix_socket_directories= --shared_buffers=512MB --max_connections=100 --max_wal_size=4GB) >>"$tmp/pg.log" 2>&1 &
  postgres=$!
  await 120 "$postgres" "$pg_bin/pg_isready" -q -h 127.0.0.1 -p "$pg_port"
}
sql() {
  local database=$1
  shift
  "$pg_bin/psql" -qAtX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$pg_port" -U postgres -d "$database" "$@"
}
start_redis() {
  local port
  port=$(free_port)
  mkdir -p "$tmp/redis"
  redis-server --bind 127.0.0.1 --port "$port" --dir "$tmp/redis" --save '' --appendonly no >"$tmp/redis.log" 2>&1 &
  cache=$!
  redis_url=redis://127.0.0.1:$port
  await 10 "$cache" answers "$port"
}
live() { curl -sf "http://127.0.0.1:$1/livez" >/dev/null; }
# Serves the database $1; sets `server` and `url`.
start_server() {
  local port
  port=$(free_port)
  env "DATABASE_URL=$1" ${redis_url:+"REDIS_URL=$redis_url"} CONCERT_ADMIN_TOKEN=bench-bench-bench-bench \
    "CONCERT_LISTEN=127.0.0.1:$port" "$binary" serve >"$tmp/server.log" 2>&1 &
  server=$!
  url=http://127.0.0.1:$port/graphql
  await 60 "$server" live "$port"
}

# --- Reading the machine ------------------------------------------------------------------------------------------------

# Hundredths of a second of CPU that a process has used, and with `tree` its children too, those that ended included.
cpu() {
  local pid=$1 pids=$1
  [[ ${2:-} != tree ]] || pids="$pid $(cat "/proc/$pid/task/$pid/children")"
  for pid in $pids; do cat "/proc/$pid/stat" 2>/dev/null; done |
    awk -v first="$1" '{ own = $1; sub(/^.*\) /, ""); sum += $12 + $13; if (own == first) sum += $14 + $15 } END { print sum + 0 }'
}
# The most memory that a process has held, MiB.
peak() { awk '/^VmHWM/ { printf "%.0f", $2 / 1024 }' "/proc/$1/status"; }
median() { sort -g | awk '{ v[NR] = $1 } END { if (NR) print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }
# The median of column $2 of the results of $1.
field() { cut -d' ' -f"$2" "$tmp/$1.results" | median; }


# Builds the program if none is named, starts PostgreSQL, and loads what is measured where it is not there yet.
start() {
  if [[ -z $binary ]]; then
    cargo build --release --locked -p api --bin concert || fail 'it does not build'
    binary=${CARGO_TARGET_DIR:-target}/release/concert
  fi
  binary=$(cd "$(dirname "$binary")" && pwd)/$(basename "$binary")
  start_postgres || fail "PostgreSQL did not start: $(tail -n 3 "$tmp/pg.log")"
  redis_url=
  ! ${redis:-false} || start_redis || fail 'Redis did not start'
}
load() {
  [[ $(sql postgres -c "SELECT count(*) FROM pg_database WHERE datname = 'bench'") == 0 ]] || return 0
  echo "loading $communities communities x $indicators indicators x $years years"
  sql postgres -c 'CREATE DATABASE bench'
  DATABASE_URL=postgres://postgres@127.0.0.1:$pg_port/bench CONCERT_LOG=warn "$binary" migrate >/dev/null || fail 'the migration failed'
  sql bench -v "communities=$communities" -v "indicators=$indicators" -v "first=$first" -v "last=$last" -f "$here/data.sql" ||
    fail 'the data could not be loaded'
}
