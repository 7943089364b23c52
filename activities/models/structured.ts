import { Ajv, type ValidateFunction } from 'ajv';
import { jsonIn } from '../../domain/models/json-text.ts';
import { callModel, type CallRequest, type Generated, type JsonSchema } from './call.ts';
import { modelFailure } from './errors.ts';
import type { GenerateRequest, Model } from './model.ts';

const MAX_PROBLEM_CHARS = 300;

export interface StructuredRequest<T> extends Omit<GenerateRequest, 'onDelta'> {
  /** Of the answer. Close its objects and cap its texts and lists: cut JSON is no JSON. */
  schema: JsonSchema;
  /** The caller's own rules, once the schema holds; `undefined` refuses the value. */
  parse: (value: unknown) => T | undefined;
  /** Called with each piece of the JSON text of every try. */
  onDelta?: (text: string) => void;
  /** Called after each try that was answered, also when no answer could be used in the end. */
  onCall?: (call: Generated) => void;
}

export interface Structured<T> {
  value: T;
  /** Every call that was made for it, in order: each costs. */
  calls: readonly Generated[];
}

const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false, logger: false });
const validators = new WeakMap<object, ValidateFunction>();

const validatorOf = (schema: JsonSchema): ValidateFunction => {
  const known = validators.get(schema);
  if (known) return known;
  const { $id: _id, ...anonymous } = schema;
  const validator = ajv.compile(anonymous);
  validators.set(schema, validator);
  return validator;
};

type Judged<T> = { value: T } | { problem: string };

const judge = <T>(
  { text, finishReason }: Generated,
  { schema, parse }: Pick<StructuredRequest<T>, 'schema' | 'parse'>,
): Judged<T> => {
  const found = jsonIn(text);
  if (!found)
    return {
      problem:
        finishReason === 'length'
          ? 'it was cut at the limit of output tokens, so it is not JSON: be shorter'
          : 'it is not JSON',
    };
  const validate = validatorOf(schema);
  if (!validate(found.value))
    return {
      problem: ajv.errorsText(validate.errors, { dataVar: 'the answer' }).slice(0, MAX_PROBLEM_CHARS),
    };
  const value = parse(found.value);
  return value === undefined ? { problem: 'it fits the schema, but its values make no sense' } : { value };
};

/** How a schema is asked for of a model that its provider can't hold to it. */
export const inWords = (schema: JsonSchema): string =>
  `Answer with one JSON value that satisfies this JSON Schema, and with nothing else:\n${JSON.stringify(schema)}`;

/**
 * Asks a model for a value of a schema: held to it by its provider where the model is able, else asked in words. What
 * does not fit is shown to the model with its errors once, and then given up.
 * @throws ApplicationFailure of a {@link ModelErrorType}, `model_rejected` when the second answer does not fit either;
 * the signal's reason when it was aborted; what a callback threw
 */
export const generateStructured = async <T>(
  model: Model,
  { prompt, schema, parse, onDelta, onCall, ...request }: StructuredRequest<T>,
): Promise<Structured<T>> => {
  const able = model.abilities.includes('structured_output');
  const call: CallRequest = {
    ...request,
    system: able ? request.system : `${request.system}\n\n${inWords(schema)}`.trim(),
    ...(able ? { schema } : {}),
    messages: [{ role: 'user', content: prompt }],
    onDelta: (text) => onDelta?.(text),
  };
  const calls: Generated[] = [];
  const ask = async (messages: CallRequest['messages']): Promise<Judged<T> & { text: string }> => {
    const answer = await callModel(model, { ...call, messages });
    calls.push(answer);
    onCall?.(answer);
    return { ...judge(answer, { schema, parse }), text: answer.text };
  };

  const first = await ask(call.messages);
  if ('value' in first) return { value: first.value, calls };
  const second = await ask([
    ...call.messages,
    { role: 'assistant', content: first.text },
    {
      role: 'user',
      content: `This answer cannot be used: ${first.problem}. Write the corrected JSON value and nothing else.`,
    },
  ]);
  if ('value' in second) return { value: second.value, calls };
  throw modelFailure(
    'model_rejected',
    `${model.id} gave no answer of the expected form in ${calls.length} tries: ${second.problem}`,
  );
};
