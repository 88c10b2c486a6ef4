// Kills a server again and again while figures are pushed and files are imported, and counts afterwards: what was acknowledged is
// there, once; of what was not, all or nothing; what is sent again converges; jobs go on and lose no row.
//
//   node tests/crash/run.mjs [--binary target/debug/concert] [--rounds 100] [--seconds 900] [--cut]
//
// With --cut the server goes on, and PostgreSQL ends all its connections instead (psql is needed): what fails is BUSY, and sent again.
// DATABASE_URL names the database, which must be empty; an SQLite file in a temporary folder if it is unset. The server listens on
// the loopback address and is killed by its own process id. Ends with 0 if nothing was lost, doubled or half written.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const { values: options } = parseArgs({
  options: {
    binary: { type: 'string', default: 'target/debug/concert' },
    rounds: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '900' },
    cut: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const deadline = Date.now() + Number(options.seconds) * 1000;
const home = mkdtempSync(join(tmpdir(), 'concert-crash-'));
const token = 'a-token-for-the-crash-test';
const clients = ['a', 'b', 'c', 'd'];
const batch = 50;
// Several steps of an import.
const fileRows = 60_000;
// One for every file: days end with today.
const files = Array.from({ length: Math.ceil(rounds / 5) }, (_, number) => `files-${number}`);

let server;
let address;

const freePort = async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

const start = async () => {
  const port = await freePort();
  address = `http://127.0.0.1:${port}`;
  const env = {
    PATH: process.env.PATH,
    DATABASE_URL: process.env.DATABASE_URL ?? `sqlite://${join(home, 'crash.db')}`,
    CONCERT_LISTEN: `127.0.0.1:${port}`,
    CONCERT_ADMIN_TOKEN: token,
    CONCERT_LOG: 'warn',
  };
  server = spawn(resolve(options.binary), ['serve'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  for (;;) {
    assert.equal(server.exitCode, null, 'the server did not start');
    const ready = await fetch(`${address}/readyz`).catch(() => null);
    if (ready?.status === 200) return;
    await pause(20);
  }
};
const cut = () => {
  const others = 'SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  execFileSync('psql', [process.env.DATABASE_URL, '-qAtX', '-c', others]);
};
const kill = async () => {
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
};

const ask = async (query, variables) => {
  const answer = await fetch(`${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await answer.json();
  if (errors) throw Object.assign(new Error(JSON.stringify(errors)), { code: errors[0].extensions.code });
  return data;
};
// Whatever is BUSY is tried again, for ten seconds.
const patiently = async (work) => {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (error.code !== 'BUSY' || tries >= 200) throw error;
      await pause(50);
    }
  }
};
const make = async (noun, input) => {
  const kind = noun[0].toUpperCase() + noun.slice(1);
  const query = `mutation($input: ${kind}CreateInput!) { made: ${noun}Create(input: $input) { it: ${noun} { id } userErrors { path message } } }`;
  const { made } = await ask(query, { input });
  assert.deepEqual(made.userErrors, [], noun);
  return made.it.id;
};
const english = (text) => ({ sourceLanguage: 'en', translations: [{ language: 'en', text }] });

const build = async () => {
  const network = await make('network', { slug: 'net', name: english('Net'), startsOn: '2000-01-01' });
  for (const slug of [...clients, ...files]) {
    const codes = [{ scheme: 'crash:code', code: slug }];
    const community = await make('community', { slug, name: english(slug), kind: 'OTHER', country: 'CA', codes });
    await make('membership', { network, community, joinedOn: '2020-01-01' });
  }
  await make('source', { key: 'survey', name: english('Survey') });
  const indicator = await make('indicator', { code: 'homes', kind: 'POPULATION', name: english('Homes') });
  await make('indicatorVersion', {
    indicator,
    measure: 'COUNT',
    unit: english('homes'),
    decimals: 0,
    countsPersons: false,
    polarity: 'HIGHER_IS_BETTER',
    frequency: 'DAY',
    additivity: 'SUM',
    effectiveFrom: '1400-01-01',
  });
};

// A day of its own for every row.
const day = (number) => new Date(Date.UTC(1500, 0, 1) + number * 86_400_000).toISOString().slice(0, 10);

const state = Object.fromEntries(clients.map((client) => [client, { next: 0, known: 0, open: [] }]));
const jobs = [];
let uploads = 0;
let acknowledged = 0;
let unanswered = 0;
let repeated = 0;

const push = async (client, first) => {
  const rows = Array.from({ length: batch }, (_, place) => ({
    communityCode: { scheme: 'crash:code', code: client },
    indicator: 'homes',
    sourceKey: 'survey',
    period: day(first + place),
    value: first + place,
  }));
  const query = `mutation($input: ObservationsPushInput!) { pushed: observationsPush(input: $input) { created unchanged repeated kept rejectedRows { index code message } userErrors { message } } }`;
  const { pushed } = await ask(query, { input: { rows, mode: 'ATOMIC', idempotencyKey: `${client}-${first}` } });
  assert.deepEqual([pushed.rejectedRows, pushed.userErrors], [[], []]);
  // Whether this call recorded it or an earlier one whose answer was lost: all of it was new then.
  assert.deepEqual([pushed.created, pushed.unchanged, pushed.kept], [batch, 0, true], JSON.stringify(pushed));
  if (pushed.repeated) repeated += 1;
};

// One client, until the server is gone.
const load = async (client, gone) => {
  const own = state[client];
  while (!gone.now) {
    const first = own.next;
    own.next += batch;
    try {
      await push(client, first);
      own.known += batch;
      acknowledged += 1;
    } catch (error) {
      if (error.code === 'ERR_ASSERTION') throw error;
      own.open.push(first);
      unanswered += 1;
      if (!options.cut) return;
      assert.equal(error.code, 'BUSY', error.message);
    }
  }
};
const upload = async () => {
  const slug = files[uploads];
  uploads += 1;
  const rows = Array.from({ length: fileRows }, (_, place) => `${slug},${day(place)},${place}`);
  const query = 'format=tidy&network=net&source=survey&indicator=homes&codeScheme=crash:code';
  const answer = await fetch(`${address}/imports?${query}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: `areacd,period,observation\n${rows.join('\n')}\n`,
  }).catch(() => null);
  if (answer?.status === 202 || answer?.status === 200) jobs.push((await answer.json().catch(() => ({}))).id);
};

// How many figures a community has, and how many of them were revised.
const counted = async (slug) => {
  const query = 'query($slug: String!) { community(slug: $slug) { series { nodes { observations { totalCount } } } } }';
  const { community } = await patiently(() => ask(query, { slug }));
  return community.series.nodes.reduce((sum, series) => sum + series.observations.totalCount, 0);
};
const settle = async () => {
  for (const client of clients) {
    const own = state[client];
    const there = await counted(client);
    const more = there - own.known;
    assert.ok(more >= 0, `${client}: ${-more} acknowledged figures are lost`);
    assert.equal(more % batch, 0, `${client}: ${more % batch} figures of half a push`);
    assert.ok(more <= own.open.length * batch, `${client}: ${more} figures that nobody sent`);
    for (const first of own.open.splice(0)) {
      await patiently(() => push(client, first));
      own.known += batch;
    }
    assert.equal(await counted(client), own.known, `${client}: sent again, it is all there once`);
  }
};
const finish = async () => {
  const query = 'query($id: ID!) { importJob(id: $id) { state counts { read created updated unchanged rejected } failure { code message } } }';
  let rows = 0;
  for (const id of jobs.filter(Boolean)) {
    for (;;) {
      const { importJob: job } = await patiently(() => ask(query, { id }));
      assert.ok(job, 'an acknowledged job is lost');
      if (job.state === 'SUCCEEDED') {
        assert.deepEqual(job.counts, { read: fileRows, created: fileRows, updated: 0, unchanged: 0, rejected: 0 });
        rows += fileRows;
        break;
      }
      assert.ok(['QUEUED', 'RUNNING'].includes(job.state), JSON.stringify(job));
      assert.ok(Date.now() < deadline, 'jobs do not end in time');
      await pause(200);
    }
  }
  let there = 0;
  for (const slug of files) there += await counted(slug);
  // A file whose upload was kept and whose answer was lost is imported as well: whole.
  assert.ok(there >= rows && there % fileRows === 0, `${there} figures of ${rows} in files`);
  return there;
};

let done = 0;
try {
  await start();
  await build();
  while (done < rounds && Date.now() < deadline) {
    const gone = { now: false };
    const running = clients.map((client) => load(client, gone));
    if (done % 5 === 0) running.push(upload());
    await pause(30 + Math.random() * (options.cut ? 2000 : 500));
    if (options.cut) cut();
    else await kill();
    gone.now = true;
    await Promise.all(running);
    done += 1;
    if (!options.cut) await start();
    await settle();
  }
  const inFiles = await finish();
  const figures = clients.reduce((sum, client) => sum + state[client].known, 0);
  console.log(
    `${done} times ${options.cut ? 'cut off' : 'killed'}; ${acknowledged} pushes acknowledged, ${unanswered} unanswered and sent again (${repeated} had been kept); ` +
      `${figures} figures pushed and ${inFiles} imported by ${jobs.length} jobs, each there once`,
  );
} finally {
  if (server?.exitCode === null && server.signalCode === null) await kill();
  rmSync(home, { recursive: true, force: true });
}
