// Relay's compiler over one operation for every connection of the schema, written from the schema itself.
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { buildSchema, getNamedType, isInterfaceType, isNonNullType, isObjectType, isScalarType, isSpecifiedScalarType } from 'graphql';
import { command, schemaPath, schemaText, scratch } from './inputs.mjs';

const capital = (name) => name[0].toUpperCase() + name.slice(1);
const isRequired = (argument) => isNonNullType(argument.type) && argument.defaultValue === undefined;
const isNode = (type) => type.getInterfaces().some((one) => one.name === 'Node');
const isConnection = (field) => isObjectType(getNamedType(field.type)) && /Connection$/.test(getNamedType(field.type).name);

/** Every field that answers a connection, with the type that it stands on. */
function connections(schema) {
  const types = Object.values(schema.getTypeMap()).filter((type) => isObjectType(type) || isInterfaceType(type));
  return types
    .filter((type) => !type.name.startsWith('__'))
    .flatMap((type) => Object.values(type.getFields()).filter(isConnection).map((field) => ({ type, field })));
}

/**
 * The shortest way from a root to `goal`: the fields to go through, each with its arguments. A Node is reached by its id.
 */
function wayTo(schema, goal) {
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()].filter(Boolean);
  const ways = roots.map((root) => ({ root, type: root, steps: [] }));
  const met = new Set(roots);
  for (const way of ways) {
    if (way.type === goal) return way;
    for (const field of Object.values(way.type.getFields())) {
      const next = getNamedType(field.type);
      if (!isObjectType(next) && !isInterfaceType(next)) continue;
      // An interface stands for each of its types.
      const reached = isInterfaceType(next) ? [next, ...schema.getPossibleTypes(next)] : [next];
      for (const type of reached.filter((one) => !met.has(one))) {
        met.add(type);
        ways.push({ ...way, type, steps: [...way.steps, { field, on: type === next ? null : type.name }] });
      }
    }
  }
  throw new Error(`${goal.name} cannot be reached from a root`);
}

/** One operation, in a module named after it as Relay asks, that pages through `field` of `type`. */
function moduleFor(schema, { type, field }) {
  const name = `${capital(type.name)}${capital(field.name)}`;
  const { root, steps } = wayTo(schema, type);
  const variables = [];
  /** Writes required arguments as variables, and those that page as given. */
  const call = (one, paging = []) => {
    const required = one.args.filter(isRequired).map((argument) => {
      const variable = `${argument.name}${variables.length}`;
      variables.push(`$${variable}: ${argument.type}`);
      return `${argument.name}: $${variable}`;
    });
    const all = [...required, ...paging];
    return one.name + (all.length > 0 ? `(${all.join(', ')})` : '');
  };
  const page = `@connection(key: "${name}_${field.name}") { edges { cursor node { __typename } } pageInfo { hasNextPage endCursor } }`;

  let body;
  let fragment = '';
  if ((type === root && root === schema.getQueryType()) || isNode(type)) {
    // As a frontend writes it: a fragment that fetches its next page by itself.
    const own = field.args.filter(isRequired).map((argument) => `${argument.name}: { type: "${argument.type}" }`);
    const given = field.args.filter(isRequired).map((argument) => `${argument.name}: $${argument.name}`);
    const args = [...own, 'first: { type: "Int" }', 'after: { type: "String" }'].join(', ');
    const passed = field.args.filter(isRequired).map((argument) => {
      variables.push(`$own_${argument.name}: ${argument.type}`);
      return `${argument.name}: $own_${argument.name}`;
    });
    fragment = `graphql\`fragment ${name}_page on ${type.name} @argumentDefinitions(${args}) @refetchable(queryName: "${name}NextQuery") {
      ${field.name}(${[...given, 'first: $first', 'after: $after'].join(', ')}) ${page}
    }\`;\n`;
    // The alias: what `node` finds may be of another type, and Relay wants that to be seen.
    const alias = steps.length > 0 ? '@alias ' : '';
    body = `...${name}_page ${alias}@arguments(${[...passed, 'first: 10'].join(', ')})`;
  } else {
    body = `${call(field, ['first: 10'])} ${page}`;
  }
  for (const { field: step, on } of steps.toReversed()) {
    body = `${call(step, isConnection(step) ? ['first: 1'] : [])} { ${on ? `... on ${on} { ${body} }` : body} }`;
  }
  const kind = root === schema.getQueryType() ? 'query' : root === schema.getMutationType() ? 'mutation' : 'subscription';
  const declared = variables.length > 0 ? `(${variables.join(', ')})` : '';
  const text = `import { graphql } from 'relay-runtime';
${fragment}graphql\`${kind} ${name}${capital(kind)}${declared} { ${body} }\`;\n`;
  return { name, text };
}

test('relay-compiler takes one operation for every connection', async (t) => {
  const schema = buildSchema(schemaText());
  const modules = connections(schema).map((connection) => moduleFor(schema, connection));
  assert.notEqual(modules.length, 0, 'the schema has no connection');
  t.diagnostic(`${modules.length} connections`);

  const folder = scratch(t);
  mkdirSync(join(folder, 'src'));
  mkdirSync(join(folder, 'generated'));
  for (const { name, text } of modules) writeFileSync(join(folder, 'src', `${name}.ts`), text);
  writeFileSync(join(folder, 'schema.graphql'), schemaText());
  const scalars = Object.values(schema.getTypeMap()).filter((type) => isScalarType(type) && !isSpecifiedScalarType(type));
  writeFileSync(
    join(folder, 'relay.config.json'),
    JSON.stringify({
      src: './src',
      schema: './schema.graphql',
      artifactDirectory: './generated',
      language: 'typescript',
      customScalarTypes: Object.fromEntries(scalars.map((type) => [type.name, 'string'])),
    }),
  );
  const { code, output } = await command('relay-compiler/cli.js', ['relay.config.json', '--noWatchman'], folder);
  assert.equal(code, 0, output);
  const counted = [...output.matchAll(/(\d+) (reader|normalization|operation text)/g)].map((one) => one[0]);
  t.diagnostic(counted.join(', '));
});
