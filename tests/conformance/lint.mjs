// The schema against two linters: what a frontend's developer expects of names, descriptions and Relay's connections.
// Rules on alphabetical order stay out: the schema is ordered by meaning.
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import graphqlEslint from '@graphql-eslint/eslint-plugin';
import { ESLint } from 'eslint';
import { buildSchema, isInterfaceType, isObjectType } from 'graphql';
import { command, schemaPath, schemaText } from './inputs.mjs';

/** Every object type that is no Node: values, edges, connections and payloads have no identity of their own. */
function typesWithoutIdentity() {
  const types = Object.values(buildSchema(schemaText()).getTypeMap());
  const isNode = (type) => type.getInterfaces().some((one) => isInterfaceType(one) && one.name === 'Node');
  return types.filter((type) => isObjectType(type) && !isNode(type)).map((type) => type.name);
}

/** The findings of graphql-eslint with these rules, one line each. */
async function eslint(rules) {
  const config = {
    files: ['**/*.graphql'],
    plugins: { '@graphql-eslint': graphqlEslint },
    languageOptions: { parser: graphqlEslint.parser, parserOptions: { graphQLConfig: { schema: schemaPath } } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules,
  };
  const linter = new ESLint({
    cwd: dirname(schemaPath),
    overrideConfigFile: true,
    overrideConfig: [config],
    // A remark in the schema must not switch a rule off.
    allowInlineConfig: false,
  });
  const results = await linter.lintFiles([schemaPath]);
  assert.equal(results.length, 1, 'the schema was not looked at');
  return results[0].messages.map(({ line, column, ruleId, message }) => `${line}:${column} ${ruleId} ${message}`);
}

/** Fails with the first findings; a rule that is broken everywhere would drown the others. */
function none(findings) {
  const seen = {};
  const shown = findings.filter((one) => (seen[one.split(' ')[1]] = (seen[one.split(' ')[1]] ?? 0) + 1) <= 20);
  assert.equal(findings.length, 0, `${findings.length} findings, of each rule the first 20:\n${shown.join('\n')}`);
}

describe('the schema', () => {
  test('follows graphql-eslint schema-recommended', async () => {
    none(
      await eslint({
        ...graphqlEslint.configs['flat/schema-recommended'].rules,
        // Exactly the Nodes carry an id.
        '@graphql-eslint/strict-id-in-types': ['error', { exceptions: { types: typesWithoutIdentity() } }],
      }),
    );
  });

  test('follows graphql-eslint schema-relay', async () => {
    none(
      await eslint({
        ...graphqlEslint.configs['flat/schema-relay'].rules,
        // Lists of values stay lists, and a connection offers its `nodes` beside its edges.
        '@graphql-eslint/relay-edge-types': ['error', { listTypeCanWrapOnlyEdgeType: false }],
      }),
    );
  });

  test('describes everything', async () => {
    none(
      await eslint({
        '@graphql-eslint/require-description': [
          'error',
          {
            types: true,
            rootField: true,
            DirectiveDefinition: true,
            EnumValueDefinition: true,
            FieldDefinition: true,
            InputValueDefinition: true,
          },
        ],
      }),
    );
  });

  test('passes graphql-schema-linter', async () => {
    const leftOut = [
      'enum-values-sorted-alphabetically',
      'input-object-fields-sorted-alphabetically',
      'interface-fields-sorted-alphabetically',
      'type-fields-sorted-alphabetically',
    ].join(',');
    const args = ['--except', leftOut, '--format', 'compact', schemaPath];
    const { code, output } = await command('graphql-schema-linter/lib/cli.js', args, dirname(schemaPath));
    assert.equal(code, 0, output);
  });
});
