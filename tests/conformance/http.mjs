// GraphQL over HTTP: the audits of `graphql-http`. What the specification demands or advises must pass; what it merely
// permits is told.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { serverAudits } from 'graphql-http';
import { url } from './inputs.mjs';

const audits = serverAudits({ url: url ?? 'http://127.0.0.1:0/graphql' });
const strength = (audit) => audit.name.split(' ')[0];
const binding = audits.filter((audit) => ['MUST', 'SHOULD'].includes(strength(audit)));
const optional = audits.filter((audit) => strength(audit) === 'MAY');

const skip = url ? false : 'CONCERT_URL is not set';

describe('GraphQL over HTTP', () => {
  // A later version of the package with other audits is looked at before it counts.
  test('there are 61 audits, 36 of them binding', () => {
    assert.equal(audits.length, 61);
    assert.equal(binding.length, 36);
    assert.equal(binding.length + optional.length, audits.length);
  });

  for (const audit of binding) {
    test(`${audit.name} (${audit.id})`, { skip }, async () => {
      const result = await audit.fn();
      assert.equal(result.status, 'ok', `${result.reason} (HTTP ${result.response?.status})`);
    });
  }

  test('what the specification permits', { skip }, async (t) => {
    for (const audit of optional) {
      const result = await audit.fn();
      t.diagnostic(`${result.status === 'ok' ? 'yes' : 'no '} ${audit.name} (${audit.id})`);
    }
  });
});
