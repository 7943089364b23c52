import { readFileSync } from 'node:fs';
import { parseCorrections, type ModelCorrection } from '../domain/models/corrections.ts';

/**
 * Reads what an installation says about models: prices, and corrections of what their providers say.
 * @throws Error that names the setting, the file, the entry and the field.
 */
export const readModelsFile = (file: string): ModelCorrection[] => {
  try {
    return parseCorrections(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`TASKLOOM_MODELS_FILE (${file}): ${(error as Error).message}`, { cause: error });
  }
};
