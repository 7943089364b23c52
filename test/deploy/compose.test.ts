import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { composeProblems, dockerfileProblems } from '../../scripts/compose/rules.ts';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const COMPOSE = read('docker-compose.yml');
const DOCKERFILE = read('Dockerfile');
const { version, dependencies } = JSON.parse(read('package.json'));

/** The file with one thing changed; fails when there was nothing to change. */
const damage = (source: string, from: string | RegExp, to: string): string => {
  const damaged = source.replace(from, to);
  expect(damaged).not.toBe(source);
  return damaged;
};

test('the files of this project keep the rules', () => {
  expect(composeProblems(COMPOSE, version)).toEqual([]);
  expect(dockerfileProblems(DOCKERFILE, dependencies.node)).toEqual([]);
});

test.each<[string, string | RegExp, string, string]>([
  [
    'an image without a version',
    'postgres:18.4-bookworm',
    'postgres',
    'postgres: the image postgres is not pinned',
  ],
  [
    'the newest image, whichever it is',
    'ui:2.54.1',
    'ui:latest',
    'temporal-ui: the image temporalio/ui:latest',
  ],
  [
    'a major version',
    'postgres:18.4-bookworm',
    'postgres:18',
    'postgres: the image postgres:18 is not pinned',
  ],
  [
    'an image of another version of ours',
    'taskloom:0.2.0',
    'taskloom:0.0.9',
    'api: its image must be taskloom:',
  ],
  ['a literal secret', /\$\{TASKLOOM_SECRET_KEY:[^}]*\}/, 'abc', 'api: TASKLOOM_SECRET_KEY holds a secret'],
  [
    'a default for a secret',
    /\$\{POSTGRES_PASSWORD:\?set POSTGRES_PASSWORD, [^}]*\}/,
    '${POSTGRES_PASSWORD:-x}',
    'postgres: POSTGRES_PASSWORD holds',
  ],
  [
    'a password in an address',
    /taskloom:\$\{[^}]*\}@/,
    'taskloom:abc@',
    'migrate: DATABASE_URL holds a password',
  ],
  [
    'a name that is misspelt',
    'restart: unless-stopped',
    'restrat: unless-stopped',
    'postgres: restrat is no attribute',
  ],
  ['a top-level name that is misspelt', '\nvolumes:', '\nvolume:', 'volume is no top-level element'],
  [
    'a part that is waited for and not there',
    'temporal-setup: { condition',
    'temporal-set: { condition',
    'worker: depends on temporal-set, which there is not',
  ],
  [
    'a condition that is none',
    'service_healthy',
    'service_well',
    'temporal-schema: waits for postgres with the condition service_well',
  ],
  [
    'health that nobody checks',
    / {4}healthcheck:\n +# Over TCP[\s\S]*?retries: 10\n/,
    '',
    'temporal-schema: postgres has no health check',
  ],
  [
    'a volume that nobody declares',
    '  postgres-data: {}\n',
    '',
    'postgres: the volume postgres-data is not declared',
  ],
  ['a network that nobody declares', '  outside: {}\n', '', 'api: the network outside is not declared'],
  [
    'a declared volume that nobody uses',
    '  postgres-data: {}\n',
    '  postgres-data: {}\n  other: {}\n',
    'the volume other is declared',
  ],
  [
    'a config that nobody declares',
    /  temporal-setup: \{ file.*\n/,
    '',
    'temporal-setup: the config temporal-setup is not declared',
  ],
  [
    'an inline config in a read-only part',
    'file: deploy/temporal/setup.sh',
    "content: 'x'",
    'temporal-setup: is read-only, so an inline config',
  ],
  ['a missing limit', 'memory: 768m, ', '', 'api: has no limit of memory'],
  ['capabilities', '  cap_drop: [ALL]\n', '', 'worker: keeps capabilities'],
  ['new privileges', 'no-new-privileges:true', 'seccomp:unconfined', 'postgres: may gain privileges'],
  ['logs without an end', 'max-size: 20m, ', '', 'api: writes logs without an end'],
  [
    'a port for everybody',
    "'127.0.0.1:8233:8080'",
    "'8233:8080'",
    'temporal-ui: publishes 8233:8080 on every address',
  ],
  [
    'a port on an internal network',
    'networks: [internal, outside]\n    healthcheck:\n      test: [CMD, wget',
    'networks: [internal]\n    healthcheck:\n      test: [CMD, wget',
    'temporal-ui: publishes a port, but is on internal',
  ],
  [
    'the Docker socket',
    '- taskloom-data:/data',
    '- /var/run/docker.sock:/x\n    - taskloom-data:/data',
    'api: is given the Docker socket',
  ],
  ['a job that is restarted for ever', 'restart: on-failure:3', 'restart: always', 'migrate: works once'],
  [
    'a shutdown that is cut off',
    'stop_grace_period: 20s',
    'stop_grace_period: 10s',
    'worker: is killed before',
  ],
  ['a file system that can be written', '  read_only: true\n  tmpfs', '  tmpfs', 'api: is not read-only'],
  [
    'a number where a text is needed',
    "SQL_PORT: '5432'",
    'SQL_PORT: 5432',
    'temporal-schema: SQL_PORT must be a text',
  ],
  [
    'the short form of an environment',
    /environment: \*settings\n    # With/,
    'environment: [A=1]\n    # With',
    'api: environment is not of the form',
  ],
  [
    'a name that is given twice',
    '  postgres-data: {}\n',
    '  postgres-data: {}\n  postgres-data: {}\n',
    'not YAML',
  ],
])('%s is found', (_what, from, to, problem) => {
  const problems = composeProblems(damage(COMPOSE, from, to), version);
  expect(problems).toContainEqual(expect.stringContaining(problem));
});

test.each<[string, string | RegExp, string, string]>([
  ['another Node', 'FROM node:24.21.0-', 'FROM node:24.1.0-', 'the version in package.json'],
  ['a Node without a version', /node:24\.21\.0-bookworm-slim/g, 'node:lts', 'FROM node:lts'],
  ['root', 'USER node\n', '', 'runs as root'],
  ['root by number', 'USER node\n', 'USER 0:0\n', 'runs as root'],
  ['no health check', /^HEALTHCHECK.*$/m, '', 'has no HEALTHCHECK'],
  ['a secret', 'USER node', 'ENV TASKLOOM_SECRET_KEY=abc\nUSER node', 'holds a secret'],
])('%s in the Dockerfile is found', (_what, from, to, problem) => {
  const problems = dockerfileProblems(damage(DOCKERFILE, from, to), dependencies.node);
  expect(problems).toContainEqual(expect.stringContaining(problem));
});
