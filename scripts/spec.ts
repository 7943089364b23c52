import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse, stringify } from 'yaml';
import type { SpecDocument } from '../api/http/spec.ts';
import { renderPermissions } from './permissions.ts';
import { isForKeys } from '../domain/identity/api-key.ts';

/** One bundle and one file of types out of one file per family: `npm run spec`; with `--check`, only compares. */

type Node = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- a document of any shape

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const FOLDER = join(ROOT, 'api/spec');
const BUNDLE = join(ROOT, 'openapi.yaml');
const TYPES = join(ROOT, 'api/generated/openapi.d.ts');
const PERMISSIONS = join(ROOT, 'docs/permissions.md');
const HEADER = '# Bundled from api/spec by `npm run spec`. Edit those files, never this one.\n';
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

const ref = (kind: string, name: string): Node => ({ $ref: `#/components/${kind}/${name}` });

/** Every list answers in one body: `items`, the document's own key for them, and where one is. */
const expandPage = (page: Node): Node => ({
  type: 'object',
  required: [
    'items',
    'total',
    'total_is_capped',
    'offset',
    'skip',
    'limit',
    'has_more',
    'next_cursor',
    'links',
    ...(page['key'] ? [page['key']] : []),
  ],
  properties: {
    items: { type: 'array', items: ref('schemas', page['of']) },
    ...(page['key']
      ? {
          [page['key']]: {
            type: 'array',
            items: ref('schemas', page['of']),
            description: 'The same as `items`.',
          },
        }
      : {}),
    ...page['properties'],
    total: ref('schemas', 'Count'),
    total_is_capped: {
      type: 'boolean',
      description: 'True when there are more than `total`: filtered totals are counted up to 10,000.',
    },
    offset: ref('schemas', 'Count'),
    skip: ref('schemas', 'Count'),
    limit: { type: 'integer' },
    has_more: { type: 'boolean' },
    next_cursor: { type: ['string', 'null'] },
    links: ref('schemas', 'PageLinks'),
  },
});

/** Closed objects can't be combined with `allOf`, so an extension repeats what it extends. */
const expandExtension = (schemas: Node, extension: Node): Node => {
  const base = schemas[extension['of']];
  return {
    ...base,
    required: [...base.required, ...extension['required']],
    properties: { ...base.properties, ...extension['properties'] },
  };
};

/** An object lists all that it may hold, unless it says otherwise: unknown fields are refused, never dropped. */
const closeObjects = (node: unknown): void => {
  if (Array.isArray(node)) return node.forEach(closeObjects);
  if (node === null || typeof node !== 'object') return;
  const schema = node as Node;
  const isObject =
    schema['type'] === 'object' || (Array.isArray(schema['type']) && schema['type'].includes('object'));
  if (isObject && schema['properties'] && schema['additionalProperties'] === undefined)
    schema['additionalProperties'] = false;
  Object.values(schema).forEach(closeObjects);
};

/**
 * An API key does what its scopes say. Without scopes an operation is about the signed-in person, and no key may call it:
 * `x-api-keys: true` says otherwise.
 */
const withKeys = (operation: Node): Node[] | undefined => {
  const security: Node[] | undefined = operation['security'];
  const scopes: string[] | undefined = security?.find((requirement) => requirement['bearer'])?.['bearer'];
  const takesKeys = scopes?.length ? scopes.every(isForKeys) : operation['x-api-keys'] === true;
  return security && scopes && takesKeys ? [...security, { apiKey: scopes }] : security;
};

/** What an operation costs its caller, where it does not say so itself. */
const limitClass = (method: string, secured: boolean): string =>
  !secured ? 'public' : method === 'get' ? 'read' : 'write';

const RATE_HEADERS = [
  'X-RateLimit-Limit',
  'X-RateLimit-Remaining',
  'X-RateLimit-Reset',
  'RateLimit',
  'RateLimit-Policy',
];

/** Every answer of a limited operation says what is left. */
const withRateHeaders = (response: Node): Node =>
  response['$ref']
    ? response
    : {
        ...response,
        headers: {
          ...response['headers'],
          ...Object.fromEntries(RATE_HEADERS.map((name) => [name, ref('headers', name)])),
        },
      };

const mapValues = (node: Node, change: (value: Node) => Node): Node =>
  Object.fromEntries(Object.entries(node).map(([key, value]) => [key, change(value)]));

/** What every operation answers beside what it declares. */
const completeOperation = (method: string, operation: Node, validationStatus: number): Node => {
  const secured = (operation['security'] ?? []).length > 0;
  const idempotent = method === 'post' && secured && operation['x-idempotent'] !== false;
  const { 'x-idempotent': _, 'x-api-keys': __, ...rest } = operation;
  const limited: string = operation['x-limit-class'] ?? limitClass(method, secured);
  const isLimited = limited !== 'free';
  return {
    ...rest,
    security: withKeys(operation),
    'x-limit-class': limited,
    ...(idempotent
      ? { parameters: [...(operation['parameters'] ?? []), ref('parameters', 'IdempotencyKey')] }
      : {}),
    responses: {
      ...(isLimited ? mapValues(operation['responses'], withRateHeaders) : operation['responses']),
      [validationStatus]: operation['responses'][validationStatus] ?? ref('responses', 'Invalid'),
      ...(secured ? { 401: ref('responses', 'Unauthenticated'), 403: ref('responses', 'Forbidden') } : {}),
      ...(isLimited ? { 429: ref('responses', 'TooManyRequests') } : {}),
      default: ref('responses', 'Problem'),
    },
  };
};

const addFamily = (bundle: Node, name: string, family: Node): void => {
  bundle['tags'].push(...(family['tags'] ?? []));
  for (const [path, item] of Object.entries((family['paths'] ?? {}) as Node)) {
    if (bundle['paths'][path]) throw new Error(`${name} declares ${path}, which another family has declared`);
    bundle['paths'][path] = Object.fromEntries(
      Object.entries(item as Node).map(([key, value]) => [
        key,
        (METHODS as readonly string[]).includes(key)
          ? completeOperation(key, value, family['x-validation-status'])
          : value,
      ]),
    );
  }
  for (const [kind, entries] of Object.entries((family['components'] ?? {}) as Node))
    for (const [key, value] of Object.entries(entries as Node)) {
      if (bundle['components'][kind]?.[key])
        throw new Error(`${name} declares ${kind}/${key}, which another family has declared`);
      (bundle['components'][kind] ??= {})[key] = value;
    }
};

const load = (file: string): Node => parse(readFileSync(join(FOLDER, file), 'utf8'), { merge: true });

/** The whole specification out of `api/spec/*.yaml`. @throws Error when two families declare the same thing. */
const bundleSpec = (): string => {
  const { components, ...head } = load('common.yaml');
  const bundle: Node = { ...head, tags: [], paths: {}, components };
  for (const file of readdirSync(FOLDER).toSorted())
    if (file.endsWith('.yaml') && file !== 'common.yaml') addFamily(bundle, file, load(file));
  bundle['components']['responses'] = mapValues(components['responses'], withRateHeaders);
  const { schemas } = bundle['components'];
  for (const [name, schema] of Object.entries(schemas as Node)) {
    if (schema['x-page']) schemas[name] = expandPage(schema['x-page']);
    if (schema['x-extends']) schemas[name] = expandExtension(schemas, schema['x-extends']);
  }
  closeObjects(schemas);
  return HEADER + stringify(bundle, { lineWidth: 120, aliasDuplicateObjects: false });
};

const generateTypes = (specFile: string, typesFile: string): void => {
  execFileSync(
    process.execPath,
    [
      join(ROOT, 'node_modules/openapi-typescript/bin/cli.js'),
      specFile,
      '-o',
      typesFile,
      '--root-types',
      '--root-types-no-schema-prefix',
    ],
    // Its own folder, because the generator would take the linter's configuration in the root for its own.
    { stdio: ['ignore', 'ignore', 'inherit'], cwd: dirname(typesFile) },
  );
};

const check = (): void => {
  const folder = mkdtempSync(join(tmpdir(), 'taskloom-spec-'));
  const fresh = bundleSpec();
  const specFile = resolve(folder, 'openapi.yaml');
  const typesFile = resolve(folder, 'openapi.d.ts');
  writeFileSync(specFile, fresh);
  generateTypes(specFile, typesFile);
  const stale = [
    ...(readFileSync(BUNDLE, 'utf8') === fresh ? [] : ['openapi.yaml']),
    ...(readFileSync(TYPES, 'utf8') === readFileSync(typesFile, 'utf8')
      ? []
      : ['api/generated/openapi.d.ts']),
    ...(readFileSync(PERMISSIONS, 'utf8') === renderPermissions(parse(fresh) as SpecDocument)
      ? []
      : ['docs/permissions.md']),
  ];
  if (stale.length === 0) return;
  console.error(`${stale.join(' and ')} do not fit api/spec: run \`npm run spec\` and commit the result.`);
  process.exitCode = 1;
};

if (process.argv.includes('--check')) check();
else {
  writeFileSync(BUNDLE, bundleSpec());
  generateTypes(BUNDLE, TYPES);
  writeFileSync(PERMISSIONS, renderPermissions(parse(readFileSync(BUNDLE, 'utf8')) as SpecDocument));
  console.log('openapi.yaml, api/generated/openapi.d.ts and docs/permissions.md are fresh.');
}
