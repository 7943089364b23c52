import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePorts } from './ports.ts';

const PORT_NAMES = ['postgres', 'temporal', 'temporalUi', 'temporalMetrics'] as const;

export type EmbeddedPorts = Record<(typeof PORT_NAMES)[number], number>;

const readJson = (path: string): Record<string, unknown> => {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
};

const writeJson = (path: string, value: unknown): void => {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${path}.new`, path);
};

/** Ports for the embedded servers: those of the last start where still free, as operators bookmark the Web UI. */
export const choosePorts = async (dataDir: string): Promise<EmbeddedPorts> => {
  const file = join(dataDir, 'ports.json');
  const before = readJson(file);
  const wishes = PORT_NAMES.map((name) => (typeof before[name] === 'number' ? before[name] : undefined));
  const [postgres = 0, temporal = 0, temporalUi = 0, temporalMetrics = 0] = await findFreePorts(wishes);
  const ports = { postgres, temporal, temporalUi, temporalMetrics };
  writeJson(file, ports);
  return ports;
};

/** The ports of the last start, as far as there was one. */
export const recallPorts = (dataDir: string): Partial<EmbeddedPorts> => readJson(join(dataDir, 'ports.json'));

/** The administrator's e-mail address, remembered from the first start; the password is not kept. */
export const rememberAdminEmail = (dataDir: string, email: string): void =>
  writeJson(join(dataDir, 'administrator.json'), { email });

/** @returns the remembered address, `null` before the first start. */
export const recallAdminEmail = (dataDir: string): string | null => {
  const { email } = readJson(join(dataDir, 'administrator.json'));
  return typeof email === 'string' ? email : null;
};
