import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { loadConfig } from '../platform/config.ts';
import { ADMIN, startWorld, type World } from '../test/chaos/world.ts';

/**
 * `npm run fuzz -- [--examples 20] [--seed N]`: schemathesis against the running server, with the administrator's token and
 * with none. Ends with 1 when it finds an answer that breaks the schema, a 5xx, or a door that opens without credentials.
 */

const VERSION = '4.32.5';
const CHECKS =
  'not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth';
/** They end the token that the fuzzer works with; the last says 503, as documented, where no Ollama runs. */
const LEFT_OUT = ['logout', 'logoutBrief', 'logoutAdmin', 'warmUpOllamaModel'];
/** It would register itself, and make a request that its own generator can't. */
const CONFIG = '[auth]\nauto-signup = false\n';

const { values } = parseArgs({
  options: { examples: { type: 'string', default: '20' }, seed: { type: 'string', default: '1' } },
});

const run = (command: string, args: readonly string[]): void => {
  const { status, error } = spawnSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error || status !== 0)
    throw new Error(
      `\`${command} ${args.join(' ')}\` failed: the fuzzer needs Python 3.10 or newer with venv and pip`,
    );
};

/** The fuzzer in an environment of its own, kept for the next time. */
const ensureFuzzer = (): string => {
  const folder = join(loadConfig().cacheDir, 'fuzz', `schemathesis-${VERSION}`);
  const program = join(folder, 'bin', 'schemathesis');
  if (existsSync(program)) return program;
  console.log(`installing schemathesis ${VERSION} (once, about 10 s) …`);
  mkdirSync(folder, { recursive: true });
  run('python3', ['-m', 'venv', folder]);
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', `schemathesis==${VERSION}`]);
  return program;
};

const signIn = async (apiUrl: string): Promise<string> => {
  const response = await fetch(`${apiUrl}/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ADMIN),
  });
  if (!response.ok) throw new Error(`the administrator could not sign in: ${response.status}`);
  return ((await response.json()) as { access_token: string }).access_token;
};

const fuzz = (program: string, apiUrl: string, token: string | null): Promise<boolean> => {
  const folder = join(loadConfig().cacheDir, 'fuzz');
  const config = join(folder, 'schemathesis.toml');
  writeFileSync(config, CONFIG);
  const args = [
    '--config-file',
    config,
    'run',
    fileURLToPath(new URL('../openapi.yaml', import.meta.url)),
    '--url',
    apiUrl,
    '--checks',
    CHECKS,
    '--phases',
    'coverage,fuzzing',
    '--max-examples',
    values.examples,
    '--seed',
    values.seed,
    '--request-timeout',
    '20',
    '--suppress-health-check',
    'all',
    // Nobody waits half a minute for a run.
    '--header',
    'Prefer: wait=0',
    ...(token === null ? [] : ['--header', `Authorization: Bearer ${token}`]),
    ...LEFT_OUT.flatMap((id) => ['--exclude-operation-id', id]),
  ];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: folder });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code === 0));
  });
};

let world: World | undefined;
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => void Promise.resolve(world?.close(false)).finally(() => process.exit(1)));

try {
  const program = ensureFuzzer();
  console.log('starting PostgreSQL, Temporal, the API and a worker …');
  world = await startWorld((line) => console.log(line));
  console.log('with the administrator’s token:');
  const signedIn = await fuzz(program, world.apiUrl, await signIn(world.apiUrl));
  console.log('without credentials:');
  const anonymous = await fuzz(program, world.apiUrl, null);
  await world.close(!signedIn || !anonymous);
  console.log(signedIn && anonymous ? 'The fuzzer found nothing.' : 'The fuzzer found what is said above.');
  process.exit(signedIn && anonymous ? 0 : 1);
} catch (error) {
  await world?.close(false);
  console.error(`fuzz: ${(error as Error).message}`);
  process.exit(1);
}
