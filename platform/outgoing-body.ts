import { pipeline, type Readable, type Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip } from 'node:zlib';
import { OutgoingRefused } from './outgoing-refused.ts';

export interface Body {
  readonly body: Buffer;
  readonly truncated: boolean;
  text(): string;
}

const decoderOf = (encoding: string | undefined): Transform | null => {
  const name = encoding?.trim().toLowerCase() ?? '';
  if (name === '' || name === 'identity') return null;
  if (name === 'gzip' || name === 'x-gzip') return createGunzip();
  if (name === 'br') return createBrotliDecompress();
  throw new OutgoingRefused('unreachable', 'The answer is compressed in a way that was not asked for');
};

const META_CHARSET = /<meta\b[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})/i;

/** Text in the character set of the header, else of an HTML page's beginning, else UTF-8. */
const decode = (body: Buffer, contentType: string): string => {
  const declared = /charset\s*=\s*"?([\w-]{1,40})/i.exec(contentType)?.[1];
  const inPage = /html/i.test(contentType)
    ? META_CHARSET.exec(body.toString('latin1', 0, 2048))?.[1]
    : undefined;
  try {
    return new TextDecoder(declared ?? inPage ?? 'utf-8').decode(body);
  } catch {
    return new TextDecoder().decode(body);
  }
};

/** Compressed bytes are counted too: an archive of nothing could go on for ever. */
const decompressed = (source: Readable, decoder: Transform, maxBytes: number, tooLarge: Error): Readable => {
  let taken = 0;
  source.on('data', (chunk: Buffer) => {
    taken += chunk.length;
    if (taken > maxBytes) decoder.destroy(tooLarge);
  });
  // The reader of the last stream gets the error; without a callback it would be thrown as well.
  return pipeline(source, decoder, () => {});
};

/**
 * Reads a body up to a number of bytes, counted after decompression.
 * @throws OutgoingRefused too_large when more came and `overflow` says so.
 */
export const readBody = async (
  source: Readable,
  headers: Readonly<Record<string, string>>,
  { maxBytes, overflow }: { maxBytes: number; overflow: 'refuse' | 'truncate' },
): Promise<Body> => {
  const tooLarge = new OutgoingRefused('too_large', `The answer is larger than ${maxBytes} bytes`);
  const decoder = decoderOf(headers['content-encoding']);
  const stream = decoder ? decompressed(source, decoder, maxBytes, tooLarge) : source;
  const chunks: Buffer[] = [];
  let size = 0;
  let truncated = false;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxBytes) throw tooLarge;
    }
  } catch (error) {
    if (error !== tooLarge || overflow === 'refuse') throw error;
    truncated = true;
  }
  const body = Buffer.concat(chunks).subarray(0, maxBytes);
  return { body, truncated, text: () => decode(body, headers['content-type'] ?? '') };
};
