import { randomUUID } from 'node:crypto';
import { STATUS_CODES, type Server } from 'node:http';
import type { components } from '../generated/openapi.d.ts';

/** What Node's parser refuses before there is a request: too many headers, or no HTTP at all. */
const REFUSALS: Readonly<Record<string, { status: number; code: string; detail: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'headers_too_large',
    detail: 'The address and the headers together are larger than this server takes.',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'request_timeout',
    detail: 'The request did not arrive in time.',
  },
};
const MALFORMED = { status: 400, code: 'malformed_request', detail: 'This is not a valid HTTP request.' };

/** Answers such requests in the one error body too; the connection ends, as nobody knows where the next one begins. */
export const answerUnreadable = (server: Server): void => {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const { status, code, detail } = REFUSALS[error.code ?? ''] ?? MALFORMED;
    const body: components['schemas']['Problem'] = {
      type: code,
      title: STATUS_CODES[status] ?? 'Refused',
      status,
      detail,
      instance: '/',
      error: code,
      error_code: code,
      code,
      timestamp: new Date().toISOString(),
      request_id: randomUUID(),
    };
    const text = JSON.stringify(body);
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n${text}`,
    );
  });
};
