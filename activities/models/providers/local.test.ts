import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from '@jest/globals';
import { loadConfig } from '../../../platform/config.ts';
import { generateText, type Generated, type Model } from '../model.ts';
import { generateStructured } from '../structured.ts';
import { failureOf, NOTHING_CONFIGURED } from '../subject.testsuite.ts';
import { createModels, type Models } from '../registry.ts';
import { createLocalModel } from './local.ts';

const CACHE = loadConfig().cacheDir;
const WEIGHTS = join(CACHE, 'models', 'smollm2-135m-instruct-q4_1.gguf');
const withWeights = existsSync(WEIGHTS) ? describe : describe.skip;
/** Answered with more numbers than the limit allows: at 130 tokens/s, 1,800 of them take over 13 s. */
const ENDLESS = 'Count from 1 to 1000: 1, 2, 3, 4, 5,';
const ENDLESS_TOKENS = 1800;
const AT_ONCE_MS = 6_000;
/** Longer than the child says nothing between two signs of life. */
const QUIET_MS = 2_500;

/** A registry with the local model alone; `pids` collects the children that it starts. */
const localModels = (localPath: string | null = null): { registry: Models; pids: number[] } => {
  const pids: number[] = [];
  const settings = { ...NOTHING_CONFIGURED, chosen: 'local', localPath };
  const info = (fields: object): void => void ('pid' in fields && pids.push(Number(fields.pid)));
  const registry = createModels(
    { cacheDir: CACHE, environment: 'production', models: settings },
    { log: { info, warn: () => undefined } },
  );
  return { registry, pids };
};

interface Asking {
  prompt: string;
  onDelta?: (text: string) => void;
  signal?: AbortSignal;
  maxOutputTokens?: number;
  idleMs?: number;
}
const ask = (
  model: Model,
  { prompt, onDelta = () => undefined, signal, maxOutputTokens = 40, idleMs = 60_000 }: Asking,
): Promise<Generated> =>
  generateText(model, {
    system: 'Be brief.',
    prompt,
    maxOutputTokens,
    idleMs,
    signal: signal ?? new AbortController().signal,
    onDelta,
  });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const gone = async (pid: number): Promise<void> => {
  while (isAlive(pid)) await delay(10);
};

withWeights(`the local model (skipped when its weights are not at ${WEIGHTS})`, () => {
  const shared = localModels();
  afterAll(() => shared.registry.close());

  test('writes text with counted tokens, and the same text for the same prompt', async () => {
    const model = await shared.registry.resolve();
    expect(model).toMatchObject({ id: 'local:smollm2-135m', quality: 'demo' });
    expect(model.price).toEqual({ inputPerMtok: 0, outputPerMtok: 0 });
    const deltas: string[] = [];
    const first = await ask(model, { prompt: 'Explain rain.', onDelta: (text) => deltas.push(text) });
    expect(deltas.join('')).toBe(first.text);
    expect(deltas.length).toBeGreaterThan(3);
    expect(first.usage.inputTokens).toBeGreaterThan(10);
    expect(first.usage.outputTokens).toBeGreaterThan(3);
    expect(first.usage.outputTokens).toBeLessThanOrEqual(40);
    expect((await ask(model, { prompt: 'Explain rain.' })).text).toBe(first.text);
  });

  test('answers concurrent calls in turn from one child, and goes on after one of them is aborted', async () => {
    const model = await shared.registry.resolve();
    const order: string[] = [];
    const stop = new AbortController();
    const reason = new Error('stopped');
    const aborted = ask(model, {
      prompt: ENDLESS,
      maxOutputTokens: ENDLESS_TOKENS,
      signal: stop.signal,
      onDelta: () => stop.abort(reason),
    });
    const second = ask(model, { prompt: 'Explain snow.' }).then(() => order.push('second'));
    const third = ask(model, { prompt: 'Explain hail.' }).then(() => order.push('third'));
    await expect(aborted).rejects.toBe(reason);
    const abortedMs = performance.now();
    await Promise.all([second, third]);
    expect(order).toEqual(['second', 'third']);
    expect(performance.now() - abortedMs).toBeLessThan(AT_ONCE_MS);
    expect(shared.pids.length).toBe(1);
  });

  test('does not take a wait in line for silence', async () => {
    const model = await shared.registry.resolve();
    const stop = new AbortController();
    const reason = new Error('long enough');
    const startedMs = performance.now();
    const onDelta = (): void => {
      if (performance.now() - startedMs > 2 * QUIET_MS) stop.abort(reason);
    };
    const ahead = generateStructured(model, {
      system: '',
      prompt: 'Write down numbers.',
      maxOutputTokens: ENDLESS_TOKENS,
      schema: {
        type: 'array',
        minItems: 100,
        items: {
          type: 'object',
          properties: {
            number: { type: 'integer' },
            square: { type: 'integer' },
            even: { type: 'boolean' },
          },
          required: ['number', 'square', 'even'],
        },
      },
      parse: (answer) => answer,
      signal: stop.signal,
      onDelta,
    });
    const waiting = ask(model, { prompt: 'Explain mist.', idleMs: QUIET_MS });
    await expect(ahead).rejects.toBe(reason);
    const { text, latencyMs } = await waiting;
    expect(text).not.toBe('');
    expect(latencyMs).toBeGreaterThan(QUIET_MS);
  });

  test('gives up an engine that hangs', async () => {
    const { registry, pids } = localModels();
    const onDelta = (): void => void process.kill(pids[0] ?? 0, 'SIGSTOP');
    const call = ask(await registry.resolve(), { prompt: 'Tell a story.', idleMs: QUIET_MS, onDelta });
    expect(await failureOf(call)).toMatchObject({ type: 'model_stalled', nonRetryable: false });
    await registry.close();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('holds its answer to a schema', async () => {
    const model = await shared.registry.resolve();
    expect(model.abilities).toEqual(['structured_output']);
    const { value, calls } = await generateStructured(model, {
      system: 'Be brief.',
      prompt: 'Name a drink and say whether it is served hot.',
      maxOutputTokens: 100,
      schema: {
        type: 'object',
        properties: { drink: { type: 'string', maxLength: 30 }, hot: { type: 'boolean' } },
        required: ['drink', 'hot'],
        additionalProperties: false,
      },
      parse: (answer) => answer as { drink: string; hot: boolean },
      signal: new AbortController().signal,
    });
    expect(value).toEqual({ drink: expect.any(String), hot: expect.any(Boolean) });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.usage.outputTokens).toBeGreaterThan(5);
  });

  test('rejects a schema that it cannot hold to', async () => {
    const call = generateStructured(await shared.registry.resolve(), {
      system: '',
      prompt: 'Write down numbers.',
      maxOutputTokens: 100,
      schema: { type: 'array', items: { type: 'integer' }, minItems: 100_000 },
      parse: (answer) => answer,
      signal: new AbortController().signal,
    });
    expect(await failureOf(call)).toMatchObject({ type: 'model_rejected', nonRetryable: true });
  });

  test('rejects a prompt that its context cannot hold, and says how long it is', async () => {
    const failure = await failureOf(ask(await shared.registry.resolve(), { prompt: 'word '.repeat(3000) }));
    expect(failure).toMatchObject({ type: 'model_rejected', nonRetryable: true });
    expect(failure.message).toMatch(/3\d\d\d tokens.*2048/);
  });

  test('says what to change when the weights are broken', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'taskloom-weights-'));
    const localPath = join(folder, 'broken.gguf');
    writeFileSync(localPath, 'not a model');
    const { registry } = localModels(localPath);
    const failure = await failureOf(ask(await registry.resolve(), { prompt: 'x' }));
    expect(failure).toMatchObject({ type: 'model_not_configured', nonRetryable: true });
    expect(failure.message).toContain('TASKLOOM_MODEL_PATH');
    await registry.close();
    rmSync(folder, { recursive: true });
  });

  test('fails the call in flight as unavailable when the child dies, and answers the next from a new one', async () => {
    const { registry, pids } = localModels();
    const model = await registry.resolve();
    const onDelta = (): void => void process.kill(pids[0] ?? 0, 'SIGKILL');
    const failure = await failureOf(ask(model, { prompt: 'Tell a story.', onDelta }));
    expect(failure).toMatchObject({ type: 'model_unavailable', nonRetryable: false });
    expect((await ask(model, { prompt: 'Explain hail.' })).text).not.toBe('');
    expect(pids).toHaveLength(2);
    await registry.close();
    expect(pids.filter(isAlive)).toEqual([]);
  });

  test('stops the child when nobody has asked for a while, and starts another for the next call', async () => {
    const pids: number[] = [];
    const info = (fields: object): void => void ('pid' in fields && pids.push(Number(fields.pid)));
    const log = { info, warn: () => undefined };
    const { language, close } = createLocalModel({ name: 'x', weightsPath: WEIGHTS, log, idleMs: 1 });
    const model: Model = { ...(await shared.registry.resolve()), language };
    await ask(model, { prompt: 'Explain fog.' });
    await gone(pids[0] ?? 0);
    expect((await ask(model, { prompt: 'Explain fog.' })).text).not.toBe('');
    expect(pids).toHaveLength(2);
    await close();
  });

  test('leaves no child behind when the worker is killed in the middle of an answer', async () => {
    const script = `
        import { createLocalModel } from ${JSON.stringify(new URL('./local.ts', import.meta.url).href)};
        const info = ({ pid }) => console.log(pid);
        const { language } = createLocalModel({ name: 'x', weightsPath: ${JSON.stringify(WEIGHTS)}, log: { info } });
        const prompt = [{ role: 'user', content: [{ type: 'text', text: ${JSON.stringify(ENDLESS)} }] }];
        const { stream } = await language.doStream({ prompt, maxOutputTokens: ${ENDLESS_TOKENS} });
        for await (const part of stream) if (part.type === 'text-delta') console.log('writing');`;
    const worker = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let printed = '';
    let killedMs = 0;
    for await (const chunk of worker.stdout) {
      printed += String(chunk);
      if (killedMs > 0 || !printed.includes('writing')) continue;
      worker.kill('SIGKILL');
      killedMs = performance.now();
    }
    await gone(Number.parseInt(printed, 10));
    expect(performance.now() - killedMs).toBeLessThan(AT_ONCE_MS);
    if (worker.exitCode === null && worker.signalCode === null) await once(worker, 'exit');
    expect(worker.signalCode).toBe('SIGKILL');
  });
});
