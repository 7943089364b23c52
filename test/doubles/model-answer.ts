/** What the model double says when no test tells it: a text, or a value of the schema that a request names. */
import { scriptedAnswer } from '../../activities/models/providers/scripted.ts';
import type { RequestBody } from './wire.ts';

interface Schema {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maximum?: number;
  readonly enum?: readonly unknown[];
}

const IN_WORDS = /satisfies this JSON Schema, and with nothing else:\n(\{.*\})$/m;

const at = (value: unknown, ...path: string[]): unknown =>
  path.reduce<unknown>(
    (found, key) => (typeof found === 'object' && found !== null ? Reflect.get(found, key) : undefined),
    value,
  );

/** The schema that a request asks for: in its vendor's field, or in words. */
const schemaOf = (prompt: string, body: RequestBody): Schema | undefined => {
  const field =
    at(body, 'response_format', 'json_schema', 'schema') ??
    at(body, 'output_config', 'format', 'schema') ??
    at(body, 'generationConfig', 'responseSchema') ??
    body['format'];
  if (typeof field === 'object' && field !== null) return field;
  const words = IN_WORDS.exec(prompt)?.[1];
  return words === undefined ? undefined : (JSON.parse(words) as Schema);
};

/** A value of a schema: the best mark, the shortest list. */
const valueOf = (schema: Schema, text: string): unknown => {
  if (schema.enum) return schema.enum[0];
  const type = typeof schema.type === 'string' ? schema.type : schema.type?.[0];
  if (type === 'object')
    return Object.fromEntries(
      Object.entries(schema.properties ?? {}).map(([name, inner]) => [name, valueOf(inner, text)]),
    );
  if (type === 'array')
    return Array.from({ length: schema.minItems ?? 0 }, () => valueOf(schema.items ?? {}, text));
  if (type === 'integer' || type === 'number') return schema.maximum ?? 1;
  return type === 'boolean' ? true : text;
};

/** Deterministic, and like no other prompt's. */
export const modelAnswer = (prompt: string, body: RequestBody): string => {
  const schema = schemaOf(prompt, body);
  const text = scriptedAnswer(prompt);
  return schema ? JSON.stringify(valueOf(schema, text.slice(0, 100))) : text;
};
