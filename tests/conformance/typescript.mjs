// A typed client of the README's queries: every ```graphql block through graphql-codegen and the strictest TypeScript.
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Kind, buildSchema, isScalarType, isSpecifiedScalarType, parse, print, validate } from 'graphql';
import { command, readmePath, schemaPath, schemaText, scratch } from './inputs.mjs';

/** The executable documents of a text's ```graphql blocks, each with the line that it starts on. */
function documents(text) {
  const blocks = [...text.matchAll(/^```graphql[^\n]*\n([\s\S]*?)^```/gm)];
  return blocks
    .map((block) => ({ line: text.slice(0, block.index).split('\n').length + 1, document: parse(block[1]) }))
    .filter(({ document }) => document.definitions.some((one) => one.kind === Kind.OPERATION_DEFINITION));
}

/** Gives every operation a name of its own: a text may show the same name twice, or none. */
function named({ document, line }) {
  let count = 0;
  const definitions = document.definitions.map((one) => {
    if (one.kind !== Kind.OPERATION_DEFINITION) return one;
    count += 1;
    const value = `${one.name?.value ?? 'Unnamed'}_Line${line}_${count}`;
    return { ...one, name: { kind: Kind.NAME, value } };
  });
  return { ...document, definitions };
}

const operationNames = (document) =>
  document.definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION).map((one) => one.name.value);

/** Lines that use one operation's types, and refuse to compile if they are `any`. */
const use = (name) =>
  ['ResultOf', 'VariablesOf']
    .map((kind) => `checked.push(true satisfies Typed<${kind}<typeof generated.${name}Document>>);`)
    .join('\n');

test("the README's queries make a strictly typed client", async (t) => {
  const schema = buildSchema(schemaText());
  const blocks = documents(readFileSync(readmePath, 'utf8'));
  assert.notEqual(blocks.length, 0, 'the README shows no query');
  for (const { document, line } of blocks) {
    const errors = validate(schema, document).map((error) => error.message);
    assert.equal(errors.length, 0, `the block on line ${line} of the README: ${errors.join('\n')}`);
  }
  const queries = blocks.map(named);
  const names = queries.flatMap(operationNames);
  t.diagnostic(`${blocks.length} blocks, ${names.length} operations`);

  const folder = scratch(t);
  const write = (name, content) => writeFileSync(join(folder, name), content);
  queries.forEach((document, index) => write(`query${index}.graphql`, print(document)));
  const scalars = Object.values(schema.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
  write(
    'codegen.json',
    JSON.stringify({
      schema: schemaPath,
      documents: './query*.graphql',
      generates: {
        './generated.ts': {
          plugins: ['typescript', 'typescript-operations', 'typed-document-node'],
          config: {
            strictScalars: true,
            scalars: Object.fromEntries(scalars.map((type) => [type.name, 'string'])),
            enumsAsTypes: true,
            namingConvention: 'keep',
            useTypeImports: true,
          },
        },
      },
    }),
  );
  const codegen = await command('@graphql-codegen/cli/cjs/bin.js', ['--config', 'codegen.json'], folder);
  assert.equal(codegen.code, 0, codegen.output);

  // Each document's result and variables are used, and are something else than `any`.
  write(
    'client.ts',
    `import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import * as generated from './generated';
type Typed<T> = 0 extends 1 & T ? false : true;
export const checked: true[] = [];
${names.map(use).join('\n')}
`,
  );
  write(
    'tsconfig.json',
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        noUncheckedIndexedAccess: true,
        exactOptionalPropertyTypes: true,
        target: 'es2022',
        module: 'esnext',
        moduleResolution: 'bundler',
        types: [],
      },
      files: ['client.ts'],
    }),
  );
  const tsc = await command('typescript/bin/tsc', ['--project', 'tsconfig.json'], folder);
  assert.equal(tsc.code, 0, tsc.output);
});
