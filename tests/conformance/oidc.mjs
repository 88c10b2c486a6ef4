// Access tokens of another identity provider: a real issuer in a process of its own, and a server that believes it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const binary = process.env.CONCERT_BIN;
const skip = binary ? false : 'CONCERT_BIN is not set';
// How often Concert asks an issuer for its keys at most, milliseconds; it lets clocks differ by as much.
const PAUSE = 30_000;

const freePort = async () => {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
};

const key = (kind, kid) => {
  const options = kind === 'ec' ? { namedCurve: 'P-256' } : { modulusLength: 2048 };
  const { privateKey } = generateKeyPairSync(kind, options);
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: kind === 'ec' ? 'ES256' : 'RS256' };
};

// The line of a process that says it is ready.
const ready = (child, pattern) =>
  new Promise((resolve, reject) => {
    let text = '';
    const heard = (data) => {
      text += data;
      if (pattern.test(text)) resolve();
    };
    child.stdout.on('data', heard);
    child.stderr.on('data', heard);
    child.on('exit', (code) => reject(new Error(`ended with ${code}: ${text}`)));
  });

const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const decoded = (part) => JSON.parse(Buffer.from(part, 'base64url'));

describe('another identity provider', { skip }, () => {
  let home, issuer, issuerPort, log = '';
  const servers = [];
  const handed = [];
  const keys = [key('ec', 'first'), key('rsa', 'second')];

  const startIssuer = async (with_keys) => {
    const script = fileURLToPath(new URL('issuer.mjs', import.meta.url));
    issuer = spawn(process.execPath, [script, String(issuerPort), JSON.stringify(with_keys)]);
    await ready(issuer, /listening as/);
  };
  const stop = async (child) => {
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.removeAllListeners('exit');
    const gone = once(child, 'exit');
    child.kill();
    await gone;
  };
  const startServer = async (env) => {
    const port = await freePort();
    const server = spawn(binary, ['serve'], { env: { ...env, CONCERT_LISTEN: `127.0.0.1:${port}` } });
    const hear = (data) => (log += data);
    server.stdout.on('data', hear);
    server.stderr.on('data', hear);
    servers.push({ server, port });
    await ready(server, /serving/);
  };
  const token = async (client, resource = 'urn:concert') => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', resource });
    const authorization = `Basic ${Buffer.from(`${client}:${client}-secret`).toString('base64')}`;
    const answer = await fetch(`http://127.0.0.1:${issuerPort}/token`, { method: 'POST', body, headers: { authorization } });
    const said = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(said));
    handed.push(said.access_token);
    return said.access_token;
  };
  const ask = async (bearer, { port } = servers[0]) => {
    const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify({ query: '{ viewer { kind account { email } } }' }),
    });
    return { status: answer.status, authenticate: answer.headers.get('www-authenticate'), ...(await answer.json()) };
  };
  const isAda = (answer, what) =>
    assert.deepEqual(
      answer.data?.viewer,
      { kind: 'PERSON', account: { email: 'ada@example.org' } },
      `${what ?? ''} ${JSON.stringify(answer)}`,
    );
  const isRefused = (answer, what) => {
    assert.equal(answer.status, 401, what);
    assert.match(answer.authenticate, /^Bearer/, what);
    assert.equal(answer.data, undefined, what);
    assert.equal(answer.errors[0].extensions.code, 'UNAUTHENTICATED', what);
  };

  before(async () => {
    home = mkdtempSync(join(tmpdir(), 'concert-oidc-'));
    issuerPort = await freePort();
    await startIssuer(keys);
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: `sqlite://${join(home, 'c.db')}`,
      CONCERT_OIDC_ISSUERS: `http://127.0.0.1:${issuerPort}=concert`,
      CONCERT_LOG: 'debug',
    };
    const made = spawnSync(binary, ['user', 'create', '--name', 'Ada', 'ada@example.org'], {
      env,
      input: 'correct horse battery staple\n',
    });
    assert.equal(made.status, 0, String(made.stderr));
    // Two replicas: what one of them has asked the issuer for does not keep the other waiting.
    await startServer(env);
    await startServer(env);
  });
  after(async () => {
    await Promise.all([issuer, ...servers.map(({ server }) => server)].map(stop));
    if (home) rmSync(home, { recursive: true, force: true });
  });

  test('whoever it has signed in is who has the account', async () => {
    isAda(await ask(await token('ada')));
    isAda(await ask(await token('ada', 'urn:concert:rsa')));
  });

  test('a token for somebody else is refused, and never taken for nobody', async () => {
    isRefused(await ask(await token('stranger')), 'nobody was invited by that address');
    isRefused(await ask(await token('unverified')), 'a new subject whose address is not made sure of');
    isRefused(await ask(await token('ada', 'urn:another')), 'another audience');
  });

  test('a token that is not as it was issued is refused', async () => {
    const good = await token('ada');
    const [head, claims, signature] = good.split('.');
    const [, others] = (await token('stranger')).split('.');
    isRefused(await ask(`${good.slice(0, -4)}AAAA`), 'another signature');
    isRefused(await ask([head, others, signature].join('.')), 'other claims');
    isRefused(await ask(`${encoded({ ...decoded(head), alg: 'none' })}.${claims}.`), 'unsigned');
    // The public key, which everybody has, as if it were a secret (RFC 8725, section 2.1).
    for (const [kid, n] of [['first', 0], ['second', 1]]) {
      const { d, p, q, dp, dq, qi, ...jwk } = keys[n];
      const open = createPublicKey({ key: jwk, format: 'jwk' });
      const secrets = [open.export({ type: 'spki', format: 'pem' }), open.export({ type: 'spki', format: 'der' }), JSON.stringify(jwk)];
      for (const secret of secrets) {
        const said = `${encoded({ ...decoded(head), alg: 'HS256', kid })}.${claims}`;
        isRefused(await ask(`${said}.${createHmac('sha256', secret).update(said).digest('base64url')}`), 'a public key as a secret');
      }
    }
    isAda(await ask(good));
  });

  // One wait for all that time decides, for it is the longest part of the whole.
  test('time ends a token, an outage ends nothing, and new keys are fetched', async () => {
    const [here, there] = servers;
    const short = await token('ada', 'urn:concert:short');
    const [before_outage, also] = [await token('ada'), await token('ada')];
    isAda(await ask(short, there), 'short-lived, but not over');
    isAda(await ask(await token('ada'), there));
    await sleep(PAUSE + 2_000);
    isRefused(await ask(short, there), 'over');

    await stop(issuer);
    const [head, claims, signature] = before_outage.split('.');
    const unknown = `${encoded({ ...decoded(head), kid: 'unknown' })}.${claims}.${signature}`;
    isRefused(await ask(unknown, here), 'a key that cannot be asked for');
    assert.match(log, /the keys of an issuer cannot be fetched/);
    isAda(await ask(before_outage, here), 'never seen before, of a key that is known');

    await startIssuer([key('ec', 'third'), key('rsa', 'fourth')]);
    const fresh = await token('ada');
    assert.equal(decoded(fresh.split('.')[0]).kid, 'third');
    // Its keys were asked for a moment ago: whoever makes up key ids cannot have them asked for again and again.
    isRefused(await ask(fresh, here), 'a key that is not asked for yet');
    isAda(await ask(fresh, there), 'a new key is fetched');
    isRefused(await ask(also, there), 'a key that was withdrawn');
  });

  test('nothing that lets anybody in is in the log', () => {
    assert.match(log, /somebody was not believed why="a token of another provider/);
    for (const secret of handed) assert.ok(!log.includes(secret.slice(-40)), 'a token');
    assert.ok(!log.includes('horse battery'), 'the password');
  });
});
