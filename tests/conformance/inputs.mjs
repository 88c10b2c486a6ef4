// What the checks look at, and the small helpers that they share.
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The GraphQL address of a running server; without it the checks that need one are skipped. */
export const url = process.env.CONCERT_URL;
/** The schema that is checked, as the product prints it. */
export const schemaPath = resolve(process.env.CONCERT_SCHEMA ?? here('../../schema.graphql'));
/** The text whose ```graphql blocks must be valid operations. */
export const readmePath = resolve(process.env.CONCERT_README ?? here('../../README.md'));

export const schemaText = () => readFileSync(schemaPath, 'utf8');

/** A folder that sees this package's modules and is gone when the test `t` ends. */
export function scratch(t) {
  const folder = mkdtempSync(join(tmpdir(), 'concert-conformance-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  symlinkSync(here('node_modules'), join(folder, 'node_modules'), 'dir');
  return folder;
}

/** Runs a module's own command with Node; answers its exit code and all that it printed. */
export function command(module, args, cwd) {
  return new Promise((done) => {
    const options = { cwd, timeout: 300_000, maxBuffer: 64 * 1024 * 1024 };
    execFile(process.execPath, [here(`node_modules/${module}`), ...args], options, (error, stdout, stderr) => {
      done({ code: error ? (error.code ?? 1) : 0, output: `${stdout}${stderr}`.trim() });
    });
  });
}
