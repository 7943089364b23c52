import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';

const END_OF_DIRECTORY = 0x06054b50;
const DIRECTORY_ENTRY = 0x02014b50;
const LOCAL_ENTRY = 0x04034b50;
const END_OF_DIRECTORY_BYTES = 22;
const LONGEST_COMMENT_BYTES = 65_535;

const inflate = promisify(inflateRaw);

const findEndOfDirectory = (zip: Buffer): number => {
  const first = Math.max(0, zip.length - END_OF_DIRECTORY_BYTES - LONGEST_COMMENT_BYTES);
  for (let at = zip.length - END_OF_DIRECTORY_BYTES; at >= first; at--) {
    if (zip.readUInt32LE(at) === END_OF_DIRECTORY) return at;
  }
  throw new Error('not a zip file');
};

interface Entry {
  readonly name: string;
  readonly method: number;
  readonly packedBytes: number;
  readonly localAt: number;
}

function* entries(zip: Buffer): Generator<Entry> {
  const end = findEndOfDirectory(zip);
  let at = zip.readUInt32LE(end + 16);
  for (let left = zip.readUInt16LE(end + 10); left > 0; left--) {
    if (zip.readUInt32LE(at) !== DIRECTORY_ENTRY) throw new Error('the zip file is damaged');
    const nameBytes = zip.readUInt16LE(at + 28);
    yield {
      name: zip.toString('utf8', at + 46, at + 46 + nameBytes),
      method: zip.readUInt16LE(at + 10),
      packedBytes: zip.readUInt32LE(at + 20),
      localAt: zip.readUInt32LE(at + 42),
    };
    at += 46 + nameBytes + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
}

/**
 * The content of the first member whose name ends so. Reads what wheels hold: stored and deflated members of zip
 * files under 4 GB. The caller verifies the content's hash, so no checksum is computed here.
 * @throws Error when there is no such member or the file is damaged.
 */
export const unzipMember = async (zip: Buffer, nameEnding: string): Promise<Buffer> => {
  for (const entry of entries(zip)) {
    if (!entry.name.endsWith(nameEnding)) continue;
    if (zip.readUInt32LE(entry.localAt) !== LOCAL_ENTRY) throw new Error('the zip file is damaged');
    // The lengths in the local header may differ from those in the directory.
    const from =
      entry.localAt + 30 + zip.readUInt16LE(entry.localAt + 26) + zip.readUInt16LE(entry.localAt + 28);
    const packed = zip.subarray(from, from + entry.packedBytes);
    if (entry.method === 0) return packed;
    if (entry.method === 8) return inflate(packed);
    throw new Error(`${entry.name} is packed by a method that is not supported (${entry.method})`);
  }
  throw new Error(`no member ending in ${nameEnding} in the zip file`);
};
