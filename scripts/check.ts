import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const BIN = join(ROOT, 'node_modules', '.bin');
const FOLDERS = [
  'api',
  'workflows',
  'activities',
  'worker',
  'domain',
  'store',
  'platform',
  'scripts',
  'test',
];

interface Step {
  readonly name: string;
  /** Path of a JavaScript or TypeScript program, and its arguments. */
  readonly command: readonly string[];
  /** What to do about a failure, where a command repairs it. */
  readonly remedy?: string;
}

const tool = (name: string): string => join(BIN, name);

/** Cheapest first. */
const STEPS: readonly Step[] = [
  { name: 'settings', command: [join(ROOT, 'scripts', 'check-settings.ts')] },
  { name: 'compose', command: [join(ROOT, 'scripts', 'check-compose.ts')] },
  { name: 'lint', command: [tool('oxlint'), '--type-aware', '--format=stylish'] },
  {
    name: 'format',
    command: [tool('prettier'), '--check', '--log-level=warn', '.'],
    remedy: 'node_modules/.bin/prettier --write .',
  },
  {
    name: 'spec freshness',
    command: [join(ROOT, 'scripts', 'spec.ts'), '--check'],
    remedy: 'node scripts/launch.mjs spec',
  },
  { name: 'spec rules', command: [tool('redocly'), 'lint', '--format=stylish', 'openapi.yaml'] },
  {
    name: 'imports',
    command: [
      tool('depcruise'),
      '--config=.dependency-cruiser.cjs',
      ...FOLDERS.filter((name) => existsSync(join(ROOT, name))),
    ],
  },
  { name: 'unused code', command: [tool('knip'), '--treat-config-hints-as-errors'] },
  { name: 'types', command: [tool('tsc'), '--noEmit'] },
];

/** Runs one program on this Node, as the tools' own `#!/usr/bin/env node` may find an older one. */
const run = (step: Step): Promise<{ ok: boolean; output: string }> =>
  new Promise((resolve) => {
    const env = {
      ...process.env,
      PATH: `${BIN}${delimiter}${process.env['PATH'] ?? ''}`,
      REDOCLY_TELEMETRY: 'off',
      REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
    };
    const child = spawn(process.execPath, step.command, {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', (error) => resolve({ ok: false, output: error.message }));
    child.once('close', (code) => resolve({ ok: code === 0, output }));
  });

const seconds = (sinceMs: number): string => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

const beganAt = performance.now();
const failed: string[] = [];
for (const step of STEPS) {
  const stepBeganAt = performance.now();
  const { ok, output } = await run(step);
  const mark = ok ? styleText('green', 'ok  ') : styleText('red', 'FAIL');
  process.stdout.write(`${mark}  ${step.name.padEnd(15)} ${seconds(stepBeganAt)}\n`);
  if (ok) continue;
  failed.push(step.name);
  process.stdout.write(`${output.trim()}\n${step.remedy ? `Repair it with: ${step.remedy}\n` : ''}\n`);
}
process.stdout.write(
  failed.length === 0
    ? `All ${STEPS.length} checks passed in ${seconds(beganAt)}\n`
    : `${failed.length} of ${STEPS.length} checks failed in ${seconds(beganAt)}: ${failed.join(', ')}\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
