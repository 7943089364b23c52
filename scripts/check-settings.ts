import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const read = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), 'utf8');

interface Compose {
  readonly services: Readonly<
    Record<string, { readonly build?: unknown; readonly environment?: Readonly<Record<string, unknown>> }>
  >;
}

/** Names that the platform reads, from the calls in platform/env.ts. */
const readSettings = (): Set<string> =>
  new Set(
    [...read('platform/env.ts').matchAll(/\b(?:text|integer|flag|list)\('([A-Z][A-Z0-9_]*)'\)/g)].map(
      (match) => match[1] ?? '',
    ),
  );

/** Names in .env.example, set or commented out. */
const readExample = (): Set<string> =>
  new Set([...read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]*)=/gm)].map((match) => match[1] ?? ''));

/** What docker-compose.yml gives to our own services, and what it takes from the operator's environment. */
const readCompose = (): { given: Set<string>; taken: Set<string> } => {
  const source = read('docker-compose.yml');
  const compose = parse(source, { merge: true }) as Compose;
  const ours = Object.values(compose.services).filter((service) => service.build !== undefined);
  return {
    given: new Set(ours.flatMap((service) => Object.keys(service.environment ?? {}))),
    taken: new Set([...source.matchAll(/\$\{([A-Z][A-Z0-9_]*)/g)].map((match) => match[1] ?? '')),
  };
};

const settings = readSettings();
const example = readExample();
const { given, taken } = readCompose();

/** One line for each name that is in none of the other sets. */
const missing = (names: Set<string>, others: readonly Set<string>[], complaint: string): string[] =>
  [...names]
    .filter((name) => !others.some((other) => other.has(name)))
    .map((name) => `${name}: ${complaint}`);

const problems = [
  ...missing(given, [settings], 'docker-compose.yml sets it, but platform/env.ts does not read it'),
  ...missing(taken, [example], 'docker-compose.yml needs it, but .env.example does not name it'),
  ...missing(settings, [example], 'platform/env.ts reads it, but .env.example does not name it'),
  ...missing(example, [settings, taken], '.env.example names it, but nothing reads it'),
];
if (settings.size === 0) problems.push('no settings were found: has platform/env.ts changed its form?');
process.stdout.write(
  problems.length === 0 ? `${settings.size} settings agree\n` : `${problems.join('\n')}\n`,
);
process.exitCode = problems.length === 0 ? 0 : 1;
