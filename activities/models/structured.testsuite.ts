import { describe, expect, test } from '@jest/globals';
import { jsonSchema, streamText, type ToolSet } from 'ai';
import { at, benchOf, failureOf, kindOf, never, type Subject } from './subject.testsuite.ts';
import { generateStructured } from './structured.ts';

const SCHEMA = {
  type: 'object',
  properties: { title: { type: 'string' }, score: { type: 'integer' } },
  required: ['title', 'score'],
  additionalProperties: false,
} as const;
const VALUE = { title: 'Tea', score: 7 };
const GOOD = JSON.stringify(VALUE);
const BAD = JSON.stringify({ title: 'Tea', score: 'seven' });

interface Verdict {
  title: string;
  score: number;
}
const parse = (value: unknown): Verdict | undefined => {
  const verdict = value as Verdict;
  return verdict.score <= 10 ? verdict : undefined;
};

const TOOLS: ToolSet = {
  weather: {
    description: 'The weather of a place',
    inputSchema: jsonSchema({
      type: 'object',
      properties: { place: { type: 'string' } },
      required: ['place'],
      additionalProperties: false,
    }),
  },
};

/** Values by schema and calls of tools, over the wire of the provider. */
export const structuredConformance = (name: string, subject: Subject): void => {
  describe(`${name}: values and tools`, () => {
    const bench = benchOf(subject);
    const ask = (onCall?: () => void) =>
      generateStructured(bench.model, {
        system: 'Be strict.',
        prompt: 'Judge tea.',
        maxOutputTokens: 100,
        schema: SCHEMA,
        parse,
        signal: never(),
        ...(onCall ? { onCall } : {}),
      });
    const answer = (text: string): void => bench.double.next({ kind: 'text', text });

    test('holds the model to a schema, or asks for it in words', async () => {
      answer(GOOD);
      const { value, calls } = await ask();
      expect(value).toEqual(VALUE);
      expect(calls).toHaveLength(1);
      const [call] = bench.double.calls;
      if (!call) throw new Error('no call');
      if (subject.schema) {
        expect(bench.model.abilities).toContain('structured_output');
        expect(subject.schema(call)).toMatchObject({
          properties: SCHEMA.properties,
          required: ['title', 'score'],
        });
        expect(call.prompt).not.toContain('JSON Schema');
      } else {
        expect(bench.model.abilities).not.toContain('structured_output');
        expect(call.prompt).toContain(JSON.stringify(SCHEMA));
      }
    });

    test('shows the model its errors once, and counts both calls', async () => {
      answer(BAD);
      answer(GOOD);
      const { value, calls } = await ask();
      expect(value).toEqual(VALUE);
      expect(calls.map(({ usage }) => usage.outputTokens)).toEqual(
        [BAD, GOOD].map((text) => Math.ceil(text.length / 4)),
      );
      expect(bench.double.calls[1]?.prompt).toContain(BAD);
      expect(bench.double.calls[1]?.prompt).toContain('score must be integer');
    });

    test.each([
      ['is no JSON', 'I would rather not.', 'not JSON'],
      ['does not fit', BAD, 'score must be integer'],
      ['makes no sense', JSON.stringify({ title: 'Tea', score: 99 }), 'make no sense'],
    ])('gives up after a second answer that %s', async (_what, text, said) => {
      answer(text);
      answer(text);
      let counted = 0;
      const failure = await failureOf(ask(() => (counted += 1)));
      expect(kindOf(failure, subject)).toEqual({ type: 'model_rejected', retryable: false });
      expect(failure.message).toContain(said);
      expect(counted).toBe(2);
      expect(bench.double.calls).toHaveLength(2);
    });

    test('does not repair what the vendor refused', async () => {
      bench.double.next({ kind: 'status', status: 400, message: 'no such schema' });
      expect(kindOf(await failureOf(ask()), subject).type).toBe('model_rejected');
      expect(bench.double.calls).toHaveLength(1);
    });

    test('calls a tool, and gives its result back', async () => {
      bench.double.next({ kind: 'tool', text: 'Let me see.', name: 'weather', input: { place: 'Oslo' } });
      bench.double.next({ kind: 'text', text: 'It rains.' });
      const { model } = bench;
      const first = streamText({ model: model.language, prompt: 'And Oslo?', tools: TOOLS });
      const [call] = await first.toolCalls;
      expect(call).toMatchObject({ toolName: 'weather', input: { place: 'Oslo' } });
      expect(await first.finishReason).toBe('tool-calls');
      expect(JSON.stringify(bench.double.calls[0]?.body)).toContain('The weather of a place');

      const { toolCallId = '' } = call ?? {};
      const output = { type: 'text' as const, value: 'rain, 4 degrees' };
      const second = streamText({
        model: model.language,
        tools: TOOLS,
        messages: [
          { role: 'user', content: 'And Oslo?' },
          ...(await first.response).messages,
          { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName: 'weather', output }] },
        ],
      });
      expect(await second.text).toBe('It rains.');
      const told = bench.double.calls[1];
      expect(JSON.stringify(told && subject.toolResult(told))).toContain('rain, 4 degrees');
      expect(at(told?.body, 'model') ?? told?.path).toContain(model.name);
    });
  });
};
