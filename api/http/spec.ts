import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { OpenAPIV3 } from 'express-openapi-validator/dist/framework/types.js';
import { parse } from 'yaml';
import type { OperationFacts } from './adapt.ts';

const SPEC_FILE = fileURLToPath(new URL('../../openapi.yaml', import.meta.url));

export type SpecDocument = OpenAPIV3.DocumentV3_1;
const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

export interface SpecOperation {
  readonly facts: OperationFacts;
  readonly path: string;
  readonly scopes: readonly string[];
  readonly operation: OpenAPIV3.OperationObject;
}

/** The bundled specification as it is committed. */
export const readSpecText = (): string => readFileSync(SPEC_FILE, 'utf8');

/** The bundled specification, a fresh copy each time: the validator changes the one it is given. */
export const loadSpec = (): SpecDocument => parse(readSpecText()) as SpecDocument;

const hasIdempotencyKey = (operation: OpenAPIV3.OperationObject): boolean =>
  (operation.parameters ?? []).some(
    (parameter) => '$ref' in parameter && parameter.$ref.endsWith('/IdempotencyKey'),
  );

const toFacts = (
  method: string,
  operation: OpenAPIV3.OperationObject & { operationId: string },
): OperationFacts => ({
  id: operation.operationId,
  method: method.toUpperCase(),
  successStatus: Number(
    Object.keys(operation.responses ?? {}).find((status) => /^2\d\d$/.test(status)) ?? 200,
  ),
  isPrivate: (operation.security ?? []).length > 0,
  isIdempotent: hasIdempotencyKey(operation),
  crossesWorkspaces: (operation as { 'x-crosses-workspaces'?: boolean })['x-crosses-workspaces'] === true,
  takesKeys: (operation.security ?? []).some((requirement) => 'apiKey' in requirement),
});

/** Every operation of the specification, with the facts that the adapter and the tests go by. */
export const listOperations = (spec: SpecDocument): SpecOperation[] =>
  Object.entries(spec.paths ?? {}).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = (item as Record<string, OpenAPIV3.OperationObject | undefined>)[method];
      if (!operation?.operationId) return [];
      const scopes = (operation.security ?? []).flatMap((requirement) => requirement['bearer'] ?? []);
      return [
        {
          path,
          operation,
          scopes,
          facts: toFacts(method, { ...operation, operationId: operation.operationId }),
        },
      ];
    }),
  );

/**
 * A copy in which operations name no API keys. The header `X-API-Key` has become `Authorization` before the validator looks
 * (`acceptKeyHeader`); with both named, it would authorize twice and report the wrong refusal.
 */
export const withoutKeys = (spec: SpecDocument): SpecDocument => {
  const copy = structuredClone(spec);
  for (const { operation } of listOperations(copy))
    if (operation.security)
      operation.security = operation.security.filter((requirement) => !('apiKey' in requirement));
  return copy;
};

/** A copy without the words for people: validators compile faster, and each holds the whole document. */
export const withoutWords = <T>(node: T): T => {
  if (Array.isArray(node)) return node.map(withoutWords) as T;
  if (node === null || typeof node !== 'object') return node;
  // A property that happens to be called "description" is a schema, not a text.
  const entries = Object.entries(node).filter(
    ([key, value]) => !((key === 'description' || key === 'summary') && typeof value === 'string'),
  );
  return Object.fromEntries(
    entries.map(([key, value]) => [key, key === 'responses' ? keepDescriptions(value) : withoutWords(value)]),
  ) as T;
};

/** OpenAPI requires each response to have a description. */
const keepDescriptions = (responses: unknown): unknown =>
  Object.fromEntries(
    Object.entries(responses as Record<string, Record<string, unknown>>).map(([status, response]) => [
      status,
      '$ref' in response ? response : { ...withoutWords(response), description: '' },
    ]),
  );
