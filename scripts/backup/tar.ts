import type { Readable } from 'node:stream';

const BLOCK = 512;
/** What a header's octal field holds: 8 GiB. */
const MAX_OCTAL = 0o77777777777;

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

const padding = (bytes: number): Buffer => Buffer.alloc((BLOCK - (bytes % BLOCK)) % BLOCK);

const rawHeader = (name: string, bytes: number, mode: number, type: '0' | 'x', seconds: number): Buffer => {
  const block = Buffer.alloc(BLOCK);
  block.write(name.slice(0, 100), 0, 'utf8');
  block.write(octal(mode, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(Math.min(bytes, MAX_OCTAL), 11), 124);
  block.write(octal(seconds, 11), 136);
  block.write('        ', 148);
  block.write(type, 156);
  block.write('ustar\x0000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)} `, 148);
  return block;
};

/** One line of an extended header: its length counts itself. */
const paxLine = (key: string, value: string): string => {
  const rest = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(rest);
  while (String(length).length + Buffer.byteLength(rest) !== length)
    length = String(length).length + Buffer.byteLength(rest);
  return `${length}${rest}`;
};

/** The header of one member; a name or a size that the old format can't hold goes into an extended one before it. */
export const tarHeader = (member: { name: string; bytes: number; mode?: number; at: Date }): Buffer => {
  const { name, bytes, mode = 0o600 } = member;
  const seconds = Math.floor(member.at.getTime() / 1000);
  const header = rawHeader(name, bytes, mode, '0', seconds);
  const isPlain = /^[\x20-\x7e]{1,100}$/.test(name) && bytes <= MAX_OCTAL;
  if (isPlain) return header;
  const lines = Buffer.from(paxLine('path', name) + paxLine('size', String(bytes)));
  return Buffer.concat([
    rawHeader('PaxHeader', lines.length, 0o600, 'x', seconds),
    lines,
    padding(lines.length),
    header,
  ]);
};

/** What follows a member's content. */
export const tarPadding = padding;

export const TAR_END: Buffer = Buffer.alloc(2 * BLOCK);

/** Takes exact numbers of bytes from a stream. */
class Bytes {
  readonly #source: AsyncIterator<Buffer>;
  #rest: Buffer = Buffer.alloc(0);

  constructor(source: Readable) {
    this.#source = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** Up to `most` bytes, as many as are at hand. @throws when the stream has ended. */
  async some(most: number): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#source.next();
      if (done) throw new Error('the archive ends too early');
      this.#rest = value;
    }
    const taken = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(taken.length);
    return taken;
  }

  async exactly(count: number): Promise<Buffer> {
    const parts: Buffer[] = [];
    for (let left = count; left > 0;) {
      const part = await this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return Buffer.concat(parts);
  }

  /** @throws when anything but zeros follows; a compressed stream checks its sum only at its end. */
  async toTheEnd(): Promise<void> {
    for (let rest = this.#rest; ;) {
      if (rest.some((byte) => byte !== 0)) throw new Error('something follows the end of the archive');
      const { value, done } = await this.#source.next();
      if (done) return;
      rest = value;
    }
  }
}

const text = (block: Buffer, from: number, bytes: number): string =>
  block.toString('utf8', from, from + bytes).replace(/\0.*$/s, '');

const checked = (block: Buffer): Buffer => {
  const copy = Buffer.from(block);
  copy.write('        ', 148);
  const sum = copy.reduce((total, byte) => total + byte, 0);
  if (Number.parseInt(text(block, 148, 8), 8) !== sum) throw new Error('a header of the archive is damaged');
  return block;
};

const parsePax = (lines: string): Map<string, string> =>
  new Map(Array.from(lines.matchAll(/^\d+ (\w+)=(.*)$/gm), (match) => [match[1] ?? '', match[2] ?? '']));

export interface TarMember {
  readonly name: string;
  readonly bytes: number;
  /** The content in pieces; it must be read to its end before the next member. */
  readonly content: AsyncGenerator<Buffer>;
}

async function* piecesOf(source: Bytes, count: number): AsyncGenerator<Buffer> {
  for (let left = count; left > 0;) {
    const piece = await source.some(left);
    left -= piece.length;
    yield piece;
  }
}

/** Reads a member's content to its end, for one that nobody wants. */
export const skip = async (content: TarMember['content']): Promise<void> => {
  while (!(await content.next()).done);
};

/** The members of an archive one after the other. @throws Error when it is cut off or damaged. */
export async function* readTar(stream: Readable): AsyncGenerator<TarMember> {
  const source = new Bytes(stream);
  let pax = new Map<string, string>();
  for (;;) {
    const block = await source.exactly(BLOCK);
    if (block.every((byte) => byte === 0)) return source.toTheEnd();
    checked(block);
    const bytes = Number(pax.get('size') ?? Number.parseInt(text(block, 124, 12), 8));
    const name = pax.get('path') ?? text(block, 0, 100);
    if (text(block, 156, 1) === 'x') {
      pax = parsePax((await source.exactly(bytes)).toString('utf8'));
    } else {
      pax = new Map();
      yield { name, bytes, content: piecesOf(source, bytes) };
    }
    await source.exactly(padding(bytes).length);
  }
}
