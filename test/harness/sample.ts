import type { OpenAPIV3 } from 'express-openapi-validator/dist/framework/types.js';
import { loadSpec, type SpecOperation } from '../../api/http/spec.ts';

type Schema = Record<string, any>; // eslint-disable-line @typescript-eslint/no-explicit-any -- a schema of any shape

const spec = loadSpec() as unknown as Schema;
export const UNKNOWN_ID = '0190163d-8694-739b-aea5-966c26f8ad90';

export const resolve = (schema: Schema): Schema => {
  let found = schema;
  while (found['$ref'])
    found = String(found['$ref'])
      .split('/')
      .slice(1)
      .reduce((node, key) => node[key], spec);
  return found;
};

const text = (schema: Schema): string => {
  if (schema['format'] === 'uuid') return UNKNOWN_ID;
  if (schema['format'] === 'date-time') return '2030-01-01T00:00:00Z';
  if (schema['format'] === 'uri') return 'https://example.com/picture.png';
  if (String(schema['pattern'] ?? '').includes('@')) return 'somebody@example.com';
  return schema['maxLength'] === undefined || schema['maxLength'] > 6 ? 'sample' : 's';
};

/** A value that the schema accepts, with every property that it names. */
export const sample = (schema: Schema): unknown => {
  const s = resolve(schema);
  if (s['enum']) return s['enum'][0];
  for (const key of ['allOf', 'oneOf', 'anyOf']) if (s[key]) return sample(s[key][0]);
  const type = Array.isArray(s['type']) ? s['type'][0] : s['type'];
  if (type === 'object')
    return Object.fromEntries(
      Object.entries((s['properties'] ?? {}) as Schema).map(([name, value]) => [name, sample(value)]),
    );
  if (type === 'array') return [sample(s['items'])];
  if (type === 'integer' || type === 'number') return Math.max(s['minimum'] ?? 1, 1);
  if (type === 'boolean') return s['default'] ?? true;
  return text(s);
};

/** The JSON body that an operation accepts; `undefined` for one without a body. */
export const sampleBody = ({ operation }: SpecOperation): Schema | undefined => {
  const body = operation.requestBody as OpenAPIV3.RequestBodyObject | undefined;
  const schema = body?.content['application/json']?.schema;
  return schema ? (sample(schema) as Schema) : undefined;
};

const UNKNOWN_NUMBER = '900000000000001';

/** Whether the operation's ids are numbers. */
const isNumbered = ({ operation }: SpecOperation): boolean =>
  ((operation.parameters ?? []) as Schema[])
    .map(resolve)
    .some((parameter) => parameter['in'] === 'path' && resolve(parameter['schema'])['type'] === 'integer');

/** The operation's address with ids that nobody has. */
export const samplePath = (operation: SpecOperation): string =>
  operation.path
    .replace(/\{slug\}/, 'nothing-here')
    .replace(/\{[^}]+\}/g, isNumbered(operation) ? UNKNOWN_NUMBER : UNKNOWN_ID);

/** Copies of a value in which one text each is another. */
export const withEachText = (value: unknown, other: string): unknown[] => {
  if (typeof value === 'string') return [other];
  if (Array.isArray(value))
    return value.flatMap((item, i) => withEachText(item, other).map((changed) => value.with(i, changed)));
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, item]) =>
    withEachText(item, other).map((changed) => ({ ...value, [key]: changed })),
  );
};

/** Whether a property of an operation's body may be of any type: then its handler says what is wrong. */
const mayBeAnything = (operation: SpecOperation, key: string): boolean => {
  const body = operation.operation.requestBody as { content: Record<string, { schema: Schema }> };
  const property = resolve(body.content['application/json']?.schema ?? {})['properties']?.[key];
  return property !== undefined && Object.keys(resolve(property)).every((word) => word === 'description');
};

/** Copies of an operation's body in which one property each has a type that it must not have. */
export const withEachTypeWrong = (operation: SpecOperation, value: Schema): Schema[] =>
  Object.keys(value)
    .filter((key) => !mayBeAnything(operation, key))
    .map((key) => ({
      ...value,
      [key]: typeof value[key] === 'object' ? 7 : { unexpected: ['x'] },
    }));
