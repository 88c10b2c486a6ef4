// Access tokens of another identity provider: a real issuer in a process of its own, and a server that believes it.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const binary = process.env.CONCERT_BIN;
const skip = binary ? false : 'CONCERT_BIN is not set';
const home = mkdtempSync(join(tmpdir(), 'concert-oidc-'));

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

describe('another identity provider', { skip }, () => {
  let issuer, server, issuerPort, port;
  const keys = [key('ec', 'first'), key('rsa', 'second')];

  const startIssuer = async (with_keys) => {
    const script = fileURLToPath(new URL('issuer.mjs', import.meta.url));
    issuer = spawn(process.execPath, [script, String(issuerPort), JSON.stringify(with_keys)]);
    await ready(issuer, /listening as/);
  };
  const stop = async (child) => {
    if (!child || child.exitCode !== null) return;
    child.removeAllListeners('exit');
    child.kill();
    await once(child, 'exit');
  };
  const token = async (client, resource = 'urn:concert') => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', resource });
    const authorization = `Basic ${Buffer.from(`${client}:${client}-secret`).toString('base64')}`;
    const answer = await fetch(`http://127.0.0.1:${issuerPort}/token`, { method: 'POST', body, headers: { authorization } });
    const said = await answer.json();
    assert.equal(answer.status, 200, JSON.stringify(said));
    return said.access_token;
  };
  const ask = async (bearer) => {
    const answer = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) },
      body: JSON.stringify({ query: '{ viewer { kind account { email } } }' }),
    });
    return { status: answer.status, authenticate: answer.headers.get('www-authenticate'), ...(await answer.json()) };
  };
  const isAda = (answer) =>
    assert.deepEqual(answer.data?.viewer, { kind: 'PERSON', account: { email: 'ada@example.org' } }, JSON.stringify(answer));
  const isRefused = (answer) => {
    assert.equal(answer.status, 401);
    assert.match(answer.authenticate, /^Bearer/);
    assert.equal(answer.data, undefined);
    assert.equal(answer.errors[0].extensions.code, 'UNAUTHENTICATED');
  };

  before(async () => {
    issuerPort = await freePort();
    port = await freePort();
    await startIssuer(keys);
    const env = {
      PATH: process.env.PATH,
      DATABASE_URL: `sqlite://${join(home, 'c.db')}`,
      CONCERT_LISTEN: `127.0.0.1:${port}`,
      CONCERT_OIDC_ISSUERS: `http://127.0.0.1:${issuerPort}=concert`,
      CONCERT_LOG: 'info',
    };
    const made = spawnSync(binary, ['user', 'create', '--name', 'Ada', 'ada@example.org'], {
      env,
      input: 'correct horse battery staple\n',
    });
    assert.equal(made.status, 0, String(made.stderr));
    server = spawn(binary, ['serve'], { env });
    await ready(server, /serving/);
  });
  after(async () => {
    await stop(server);
    await stop(issuer);
    rmSync(home, { recursive: true, force: true });
  });

  test('whoever it has signed in is who has the account', async () => {
    isAda(await ask(await token('ada')));
    isAda(await ask(await token('ada', 'urn:concert:rsa')));
  });

  test('a token for somebody else is refused, and never taken for nobody', async () => {
    isRefused(await ask(await token('stranger')));
    isRefused(await ask(await token('ada', 'urn:another')));
    const good = await token('ada');
    isRefused(await ask(`${good.slice(0, -4)}AAAA`));
    const [head, , signature] = good.split('.');
    const [, claims] = (await token('stranger')).split('.');
    isRefused(await ask([head, claims, signature].join('.')));
  });

  test('without an address that it has made sure of nobody is linked', async () => {
    isRefused(await ask(await token('unverified')));
  });

  test('while it is away, its keys are believed that were known before; other keys are not', async () => {
    const before = await token('ada');
    isAda(await ask(before));
    await stop(issuer);
    isAda(await ask(before));
    await startIssuer([key('ec', 'third'), key('rsa', 'fourth')]);
    // Its keys were asked for a moment ago: whoever makes up key ids cannot have them asked for again and again.
    isRefused(await ask(await token('ada')));
    isAda(await ask(before));
  });
});
