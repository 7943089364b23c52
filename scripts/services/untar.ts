const BLOCK_BYTES = 512;

const field = (block: Buffer, from: number, bytes: number): string =>
  block
    .toString('latin1', from, from + bytes)
    .replace(/\0.*$/s, '')
    .trim();

/**
 * The content of the member with this name in an unpacked tar archive; short names and sizes up to 8 GB are enough
 * here. The caller verifies the content's hash.
 * @throws Error when there is no such member.
 */
export const untarMember = (tar: Buffer, name: string): Buffer => {
  for (let at = 0; at + BLOCK_BYTES <= tar.length;) {
    const header = tar.subarray(at, at + BLOCK_BYTES);
    const member = field(header, 0, 100);
    if (member === '') break;
    const bytes = Number.parseInt(field(header, 124, 12) || '0', 8);
    const from = at + BLOCK_BYTES;
    if (member.replace(/^\.\//, '') === name) return tar.subarray(from, from + bytes);
    at = from + Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
  }
  throw new Error(`no member ${name} in the archive`);
};
