import type { OpenAPIV3 } from 'express-openapi-validator/dist/framework/types.js';
import type { components } from '../../generated/openapi.d.ts';
import type { OperationId } from '../../http/operation.ts';
import { listOperations, type SpecDocument, type SpecOperation } from '../../http/spec.ts';

type Field = components['schemas']['ToolField'];
type SchemaName = keyof components['schemas'];

/** What a tool depends on besides the database. */
export type Need = 'research' | 'images' | 'writing' | 'judging';

interface Declared {
  readonly name: string;
  readonly description: string;
  /** How it is run alone; its request and its answer say what it takes and gives. */
  readonly operation?: OperationId;
  /** Where no operation says it. */
  readonly inputs?: SchemaName;
  readonly outputs?: SchemaName;
  readonly need?: Need;
}

/** The steps that runs are made of. What they take and give stands in the spec alone. */
const DECLARED: readonly Declared[] = [
  {
    name: 'content_analyzer',
    description: 'Measures what is written for a task (workflow_type analysis); changes nothing',
    operation: 'processTask',
  },
  {
    name: 'researcher',
    description: 'Looks for sources of a topic and says what they say, with citations',
    operation: 'runResearchSubtask',
    need: 'research',
  },
  {
    name: 'writer',
    description: 'Writes a text with the model, section by section where it has to',
    operation: 'runCreativeSubtask',
    need: 'writing',
  },
  {
    name: 'editor',
    description: 'Checks grammar, facts and formatting of a text',
    operation: 'runQaSubtask',
    need: 'judging',
  },
  {
    name: 'judge',
    description: 'Scores a draft and says what the next revision is to change',
    inputs: 'QualityRules',
    outputs: 'Judgement',
    need: 'judging',
  },
  {
    name: 'illustrator',
    description: 'Makes images: by the image model, else as title cards',
    operation: 'runImagesSubtask',
    need: 'images',
  },
  {
    name: 'formatter',
    description:
      'Brings a Markdown text into Markdown, HTML or reStructuredText, for a blog, documentation or mail',
    operation: 'runFormatSubtask',
  },
  {
    name: 'approver',
    description: 'Asks people, and goes on with what they decide',
    operation: 'decideApproval',
  },
  {
    name: 'publisher',
    description: 'Puts approved content on the site',
    operation: 'approveContent',
    outputs: 'Post',
  },
];

export interface Tool extends Omit<components['schemas']['Tool'], 'available' | 'reason'> {
  readonly need: Need | null;
}

type Schema = Record<string, unknown>;

const isSchema = (value: unknown): value is Schema => typeof value === 'object' && value !== null;

/** A schema with its reference followed, and what stands beside the reference. */
const resolved = (spec: SpecDocument, schema: Schema): Schema => {
  const [only] = Array.isArray(schema['allOf']) ? (schema['allOf'] as Schema[]) : [];
  if (only) return { ...resolved(spec, only), ...schema, allOf: undefined };
  const ref = schema['$ref'];
  if (typeof ref !== 'string') return schema;
  const name = ref.split('/').at(-1) ?? '';
  return resolved(spec, (spec.components?.schemas as Record<string, Schema> | undefined)?.[name] ?? {});
};

const typeOf = (spec: SpecDocument, schema: Schema): string => {
  const found = resolved(spec, schema);
  const choices = found['oneOf'] ?? found['anyOf'];
  if (Array.isArray(choices)) return choices.map((choice) => typeOf(spec, choice as Schema)).join(' | ');
  const type = found['type'] as string | readonly string[] | undefined;
  const types = typeof type === 'string' ? [type] : (type ?? ['any']);
  const named = types.map((one) =>
    one === 'array' && isSchema(found['items']) ? `array of ${typeOf(spec, found['items'])}` : one,
  );
  return named.join(' | ');
};

const enumOf = (spec: SpecDocument, schema: Schema): string[] | undefined => {
  const found = resolved(spec, schema);
  const values = found['enum'];
  if (Array.isArray(values)) return values.filter((value): value is string => typeof value === 'string');
  return isSchema(found['items']) ? enumOf(spec, found['items']) : undefined;
};

const fieldsOf = (spec: SpecDocument, schema: Schema | undefined): Field[] => {
  const { properties, required = [] } = resolved(spec, schema ?? {}) as {
    properties?: Record<string, Schema>;
    required?: readonly string[];
  };
  return Object.entries(properties ?? {}).map(([name, property]) => {
    const values = enumOf(spec, property);
    const description = resolved(spec, property)['description'];
    return {
      name,
      type: typeOf(spec, property),
      required: required.includes(name),
      ...(values ? { enum: values } : {}),
      description: typeof description === 'string' ? description : null,
    };
  });
};

const jsonOf = (content: unknown): Schema | undefined =>
  (content as Record<string, { schema?: Schema }> | undefined)?.['application/json']?.schema;

const requestOf = ({ operation }: SpecOperation): Schema | undefined =>
  jsonOf((operation.requestBody as OpenAPIV3.RequestBodyObject | undefined)?.content);

const answerOf = ({ operation, facts }: SpecOperation): Schema | undefined =>
  jsonOf(
    (operation.responses?.[String(facts.successStatus)] as OpenAPIV3.ResponseObject | undefined)?.content,
  );

const named = (name: SchemaName | undefined): Schema | undefined =>
  name && { $ref: `#/components/schemas/${name}` };

/** The tools with what they take and give, read from the spec. @throws Error when it lacks an operation that a tool names. */
export const readTools = (spec: SpecDocument): Tool[] => {
  const operations = new Map(listOperations(spec).map((one) => [one.facts.id, one]));
  return DECLARED.map(({ name, description, operation: id, inputs, outputs, need = null }) => {
    const operation = id && operations.get(id);
    if (id && !operation) throw new Error(`The tool ${name} names ${id}, which the spec lacks`);
    return {
      name,
      description,
      inputs: fieldsOf(spec, named(inputs) ?? (operation && requestOf(operation))),
      outputs: fieldsOf(spec, named(outputs) ?? (operation && answerOf(operation))),
      operation: operation ? `${operation.facts.method} ${operation.path}` : null,
      need,
    };
  });
};
