import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { readCompose } from './compose/model.ts';
import { composeProblems, dockerfileProblems } from './compose/rules.ts';

/** Holds docker-compose.yml and the Dockerfile against the rules of scripts/compose/rules.ts. */

const path = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));
const read = (name: string): string => readFileSync(path(name), 'utf8');

const manifest = JSON.parse(read('package.json')) as {
  version: string;
  dependencies: Record<string, string>;
};
const source = read('docker-compose.yml');
const compose = readCompose(source);
const files = Array.isArray(compose)
  ? []
  : Object.values(compose.configs ?? {}).flatMap(({ file }) => file ?? []);

const problems = [
  ...composeProblems(source, manifest.version).map((problem) => `docker-compose.yml: ${problem}`),
  ...files
    .filter((file) => !existsSync(path(file)))
    .map((file) => `docker-compose.yml: there is no file ${file}`),
  ...dockerfileProblems(read('Dockerfile'), manifest.dependencies['node'] ?? '').map(
    (problem) => `Dockerfile: ${problem}`,
  ),
];
const count = Array.isArray(compose) ? 0 : Object.keys(compose.services).length;
process.stdout.write(
  problems.length === 0 ? `${count} services keep the rules\n` : `${problems.join('\n')}\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
