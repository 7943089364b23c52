import { APICallError } from '@ai-sdk/provider';

/** What a vendor's error says, whether it was an HTTP answer or an event inside a stream that had begun with 200. */
export interface VendorFacts {
  status: number | undefined;
  code: string | undefined;
  headers: Readonly<Record<string, string | undefined>> | undefined;
  /** A wait that the body asks for, in milliseconds. */
  delayMs: number | undefined;
}

const fieldOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;

/** A field of an unknown value, where it is a text. */
export const textField = (value: unknown, name: string): string | undefined => {
  const field = fieldOf(value, name);
  return typeof field === 'string' ? field : undefined;
};

const numberField = (value: unknown, name: string): number | undefined => {
  const field = fieldOf(value, name);
  return typeof field === 'number' ? field : undefined;
};

/** Google explains its errors in a list (google.rpc.ErrorInfo, google.rpc.RetryInfo). */
const detailsOf = (error: unknown): unknown[] => {
  const details = fieldOf(error, 'details');
  return Array.isArray(details) ? details : [];
};

const first = <T>(values: readonly (T | undefined)[]): T | undefined =>
  values.find((value) => value !== undefined);

const codeOf = (error: unknown): string | undefined =>
  first(detailsOf(error).map((detail) => textField(detail, 'reason'))) ??
  textField(error, 'code') ??
  textField(error, 'type') ??
  textField(error, 'status');

/** `"17.5s"`, as Google writes a duration, in milliseconds. */
const delayOf = (error: unknown): number | undefined => {
  const text = first(detailsOf(error).map((detail) => textField(detail, 'retryDelay')));
  const seconds = /^(\d+(?:\.\d+)?)s$/.exec(text ?? '')?.[1];
  return seconds === undefined || Number(seconds) === 0 ? undefined : Math.ceil(Number(seconds) * 1000);
};

const statusInside = (error: unknown): number | undefined => {
  const code = numberField(error, 'statusCode') ?? numberField(error, 'code');
  return code !== undefined && code >= 400 && code < 600 ? code : undefined;
};

/** The body of an answer that no schema of the SDK knew. */
const parsedBody = (text: string | undefined): unknown => {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Reads status, code, headers and wait from whatever the AI SDK or a provider threw. */
export const vendorFacts = (error: unknown): VendorFacts => {
  if (APICallError.isInstance(error)) {
    // The SDK keeps only the fields that its schema names: the wait is in the body alone.
    const body =
      fieldOf(parsedBody(error.responseBody), 'error') ?? fieldOf(error.data, 'error') ?? error.data;
    return {
      status: error.statusCode,
      code: codeOf(body),
      headers: error.responseHeaders,
      delayMs: delayOf(body),
    };
  }
  const data = fieldOf(error, 'data');
  return {
    status: statusInside(error),
    code: codeOf(error),
    headers: undefined,
    delayMs: delayOf(data) ?? delayOf(error),
  };
};
