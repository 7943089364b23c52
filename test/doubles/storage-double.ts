/**
 * Cloud storages on loopback, as much of their wire as our clients use: S3's REST with path-style addresses, and Google
 * Cloud Storage's JSON API with its multipart uploads.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface KeptObject {
  readonly bytes: Buffer;
  readonly contentType: string;
}

export interface StorageDouble {
  /** `http://127.0.0.1:port`. */
  readonly url: string;
  /** What the bucket holds, by key. */
  readonly objects: ReadonlyMap<string, KeptObject>;
  readonly calls: readonly {
    readonly method: string;
    readonly path: string;
    readonly authorization: string;
  }[];
  /** Answers every following call with this status and code; `undefined` ends it. */
  refuse(refusal: { status: number; code: string } | undefined): void;
  close(): Promise<void>;
}

type Objects = Map<string, KeptObject>;
interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}
/** One vendor's wire: how an object is written, read and refused. */
interface Wire {
  answer(call: Call, objects: Objects, bucket: string, response: ServerResponse): void;
  refuse(status: number, code: string, response: ServerResponse): void;
}

const etagOf = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/** Google's checksum (CRC-32C, big-endian, base64): its client compares it with its own. */
const crc32c = (bytes: Buffer): string => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
  }
  const answer = Buffer.alloc(4);
  answer.writeUInt32BE((crc ^ 0xffffffff) >>> 0);
  return answer.toString('base64');
};

const s3Error = (status: number, code: string, response: ServerResponse): void =>
  void response
    .writeHead(status, { 'content-type': 'application/xml' })
    .end(
      `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${code} by the double</Message></Error>`,
    );

const s3Wire: Wire = {
  refuse: s3Error,
  answer: ({ method, path, headers, body }, objects, bucket, response) => {
    const [, asked = '', ...rest] = path.split('/');
    if (asked !== bucket) return s3Error(404, 'NoSuchBucket', response);
    const key = decodeURIComponent(rest.join('/'));
    if (method === 'PUT') {
      objects.set(key, { bytes: body, contentType: headers['content-type'] ?? 'binary/octet-stream' });
      return void response.writeHead(200, { etag: `"${etagOf(body)}"` }).end();
    }
    if (method === 'DELETE') {
      objects.delete(key);
      return void response.writeHead(204).end();
    }
    const found = objects.get(key);
    if (!found)
      return method === 'HEAD' ? void response.writeHead(404).end() : s3Error(404, 'NoSuchKey', response);
    response.writeHead(200, {
      'content-type': found.contentType,
      'content-length': found.bytes.length,
      etag: `"${etagOf(found.bytes)}"`,
      'last-modified': new Date(0).toUTCString(),
    });
    response.end(method === 'HEAD' ? undefined : found.bytes);
  },
};

const json = (status: number, body: object, response: ServerResponse): void =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));

const gcsError = (status: number, code: string, response: ServerResponse): void =>
  json(
    status,
    { error: { code: status, message: `${code} by the double`, errors: [{ reason: code }] } },
    response,
  );

/** The two parts of a multipart upload: what it is called, and the bytes. */
const partsOf = (
  body: Buffer,
  contentType: string,
): { metadata: { contentType?: string }; bytes: Buffer } => {
  const boundary = /boundary="?([^";]+)/.exec(contentType)?.[1] ?? '';
  const part = (from: number): { content: Buffer; next: number } => {
    const head = body.indexOf('\r\n\r\n', from) + 4;
    const end = body.indexOf(`\r\n--${boundary}`, head);
    return { content: body.subarray(head, end), next: end };
  };
  const first = part(0);
  return {
    metadata: JSON.parse(first.content.toString()) as { contentType?: string },
    bytes: part(first.next + boundary.length).content,
  };
};

const gcsObject = (name: string, { bytes, contentType }: KeptObject): object => ({
  kind: 'storage#object',
  name,
  contentType,
  size: String(bytes.length),
  etag: etagOf(bytes),
  crc32c: crc32c(bytes),
  updated: new Date(0).toISOString(),
});

const gcsWire: Wire = {
  refuse: gcsError,
  answer: ({ method, path, query, headers, body }, objects, bucket, response) => {
    const base = `/storage/v1/b/${bucket}/o`;
    if (method === 'POST' && path === `/upload${base}`) {
      const { metadata, bytes } = partsOf(body, headers['content-type'] ?? '');
      const kept = { bytes, contentType: metadata.contentType ?? 'application/octet-stream' };
      objects.set(query.get('name') ?? '', kept);
      return json(200, gcsObject(query.get('name') ?? '', kept), response);
    }
    if (!path.startsWith(`${base}/`)) return gcsError(404, 'notFound', response);
    const key = decodeURIComponent(path.slice(base.length + 1));
    const found = objects.get(key);
    if (!found) return gcsError(404, 'notFound', response);
    if (method === 'DELETE') {
      objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (query.get('alt') !== 'media') return json(200, gcsObject(key, found), response);
    response.writeHead(200, {
      'content-type': found.contentType,
      'content-length': found.bytes.length,
      'x-goog-hash': `crc32c=${crc32c(found.bytes)}`,
    });
    response.end(found.bytes);
  },
};

/** Starts a storage with one bucket on 127.0.0.1. */
export const startStorageDouble = async (vendor: 's3' | 'gcs', bucket: string): Promise<StorageDouble> => {
  const wire = vendor === 's3' ? s3Wire : gcsWire;
  const objects: Objects = new Map();
  const calls: { method: string; path: string; authorization: string }[] = [];
  let refusal: { status: number; code: string } | undefined;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://double');
    const method = request.method ?? 'GET';
    const body = await buffer(request);
    calls.push({ method, path: pathname, authorization: request.headers.authorization ?? '' });
    if (refusal) return wire.refuse(refusal.status, refusal.code, response);
    wire.answer(
      { method, path: pathname, query: searchParams, headers: request.headers, body },
      objects,
      bucket,
      response,
    );
  };
  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  );
  server.listen(0, '127.0.0.1');
  await new Promise((resolve, reject) => server.once('listening', resolve).once('error', reject));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    calls,
    refuse: (next) => (refusal = next),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
