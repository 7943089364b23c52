import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { NAMES, runBench } from '../test/bench/bench.ts';
import { runPart } from '../test/bench/child.ts';
import { openPart } from '../test/bench/parts.ts';
import { renderTable } from '../test/bench/table.ts';

const USAGE = `npm run bench -- [--only NAME …] [--rounds 3] [--rows 1000000] [--json FILE]

  --only    one of ${NAMES.join(', ')}; may be given again; everything without it
  --rounds  how often ours and its floor take turns, after one round of warm-up
  --rows    rows of the large lists
  --json    also write the results to this file

Ends with 1 when something could not be measured. Goals that are missed are only said in the table.`;

const whole = (name: string, value: string): number => {
  if (!/^[1-9]\d*$/.test(value)) throw new Error(`--${name} must be a whole number, but is "${value}"`);
  return Number(value);
};

const readOptions = () => {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '3' },
      rows: { type: 'string', default: '1000000' },
      json: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const unknown = values.only.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new Error(`--only ${unknown}: use one of ${NAMES.join(', ')}`);
  return {
    help: values.help,
    only: values.only,
    rounds: whole('rounds', values.rounds),
    rows: whole('rows', values.rows),
    json: values.json,
  };
};

const main = async (): Promise<number> => {
  const { help, json, ...options } = readOptions();
  if (help) {
    console.log(USAGE);
    return 0;
  }
  const closers: (() => Promise<void>)[] = [];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      console.error(`${signal}: ending all processes …`);
      void Promise.allSettled(closers.map((close) => close())).finally(() => process.exit(1));
    });
  const beganAt = Date.now();
  const { results, failed } = await runBench({
    ...options,
    note: (line) => console.error(`${((Date.now() - beganAt) / 1_000).toFixed(0).padStart(5)} s  ${line}`),
    onClose: (close) => void closers.push(close),
  });
  console.log(renderTable(results));
  if (json !== undefined) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model ?? null, node: process.version };
    const report = { at: new Date(beganAt).toISOString(), machine, failed, results };
    writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  }
  if (failed.length > 0) console.error(`bench: could not be measured: ${failed.join(', ')}`);
  return failed.length > 0 ? 1 : 0;
};

const [command, part = '', settings = '{}'] = process.argv.slice(2);
try {
  if (command === 'part') await runPart(() => openPart(part, JSON.parse(settings)));
  else process.exit(await main());
} catch (error) {
  console.error(`bench: ${(error as Error).stack ?? String(error)}`);
  process.exit(1);
}
