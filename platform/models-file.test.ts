import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { toConfig } from './config.ts';
import { readEnv } from './env.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'taskloom-models-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const load = (text: string) => {
  const modelsFile = join(folder, 'models.json');
  writeFileSync(modelsFile, text);
  return toConfig({ ...readEnv(), dataDir: folder, modelsFile }).models.corrections;
};

describe('the models file', () => {
  test('gives prices in micro-dollars and what it corrects', () => {
    const entries = [
      {
        id: 'anthropic:claude-x',
        input_usd_per_mtok: 3,
        output_usd_per_mtok: 0.25,
        context_window: 200_000,
        max_output_tokens: 64_000,
        abilities: ['tools', 'vision'],
        quality: 'standard',
        title: 'Claude X',
      },
      { id: 'openai:org/llama3:8b' },
    ];
    expect(load(JSON.stringify(entries))).toEqual([
      {
        id: 'anthropic:claude-x',
        price: { inputPerMtok: 3_000_000, outputPerMtok: 250_000 },
        contextWindow: 200_000,
        maxOutputTokens: 64_000,
        abilities: ['tools', 'vision'],
        quality: 'standard',
        title: 'Claude X',
      },
      { id: 'openai:org/llama3:8b' },
    ]);
  });

  test.each([
    ['{"id":"a:b"}', 'must hold a list'],
    ['[7]', 'entry 1 must be an object'],
    ['[{}]', 'entry 1, field "id": is missing'],
    ['[{"id":"a"}]', 'entry 1 (a), field "id": must be "provider:name", but is "a"'],
    ['[{"id":"a:b"},{"id":"a:b"}]', 'entry 2 (a:b), field "id": entry 1 has it already'],
    ['[{"id":"a:b","price":3}]', 'entry 1 (a:b), field "price": is not known'],
    ['[{"id":"a:b","input_usd_per_mtok":3}]', 'entry 1 (a:b), field "output_usd_per_mtok": is missing'],
    ['[{"id":"a:b","output_usd_per_mtok":3}]', 'entry 1 (a:b), field "input_usd_per_mtok": is missing'],
    [
      '[{"id":"a:b","input_usd_per_mtok":"3","output_usd_per_mtok":3}]',
      'field "input_usd_per_mtok": must be dollars per million tokens, like 3 or 0.25, but is "3"',
    ],
    ['[{"id":"a:b","input_usd_per_mtok":-1,"output_usd_per_mtok":3}]', 'but is -1'],
    ['[{"id":"a:b","context_window":1.5}]', 'field "context_window": must be a whole number of tokens'],
    ['[{"id":"a:b","abilities":["magic"]}]', 'field "abilities": must be a list of structured_output'],
    ['[{"id":"a:b","quality":"good"}]', 'field "quality": must be demo or standard, but is "good"'],
    ['[{"id":"a:b","title":" "}]', 'field "title": must be a text'],
    ['[{', 'JSON'],
  ])('that holds %s is refused with the setting, the file and what is wrong', (text, message) => {
    expect(() => load(text)).toThrow(message);
    expect(() => load(text)).toThrow(`TASKLOOM_MODELS_FILE (${join(folder, 'models.json')})`);
  });

  test('that is not there is refused by its name', () => {
    const modelsFile = join(folder, 'nowhere.json');
    expect(() => toConfig({ ...readEnv(), dataDir: folder, modelsFile })).toThrow(
      /TASKLOOM_MODELS_FILE .*nowhere/,
    );
  });
});
