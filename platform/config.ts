import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readEnv, type Env } from './env.ts';

const ENVIRONMENTS = ['development', 'production', 'test'] as const;

/** Printed in a reference document, so known to everyone: never a key. */
const PRINTED_SECRET = 'development-secret-key-change-in-production';

export type Config = ReturnType<typeof toConfig>;

const oneOf = <T extends string>(name: string, value: string, allowed: readonly T[]): T => {
  const found = allowed.find((item) => item === value);
  if (!found) throw new Error(`${name} must be one of ${allowed.join(', ')}, but is "${value}"`);
  return found;
};

/** Micro-dollars per million tokens from a decimal price in dollars; `null` when no price was configured. */
const price = (name: string, usd: string | undefined): number | null => {
  if (usd === undefined) return null;
  if (!/^\d+(\.\d+)?$/.test(usd))
    throw new Error(`${name} must be a price in dollars like 3 or 0.25, but is "${usd}"`);
  return Math.round(Number(usd) * 1_000_000);
};

/** The master key: given, else generated once into the data directory, readable by its owner alone. */
const secretKey = (given: string | undefined, dataDir: string): Buffer => {
  if (given !== undefined) {
    if (given === PRINTED_SECRET)
      throw new Error(
        'TASKLOOM_SECRET_KEY is the example secret of a published document: choose your own, e.g. with `openssl rand -hex 32`',
      );
    if (given.length < 32)
      throw new Error(
        'TASKLOOM_SECRET_KEY must have at least 32 characters, e.g. from `openssl rand -hex 32`',
      );
    return Buffer.from(given);
  }
  const file = join(dataDir, 'secret.key');
  mkdirSync(dataDir, { recursive: true });
  if (!existsSync(file)) {
    try {
      writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return Buffer.from(readFileSync(file, 'utf8').trim());
};

/** A key for one purpose, derived from the master key, so that no two uses share one. */
export const deriveKey = (master: Buffer, purpose: string): Buffer =>
  createHmac('sha256', master).update(`taskloom/${purpose}`).digest();

const databaseUrls = (env: Env, master: Buffer) => {
  const owner = env.databaseUrl ?? null;
  const as = (role: 'app' | 'system'): string | null => {
    if (owner === null) return null;
    const url = new URL(owner);
    url.username = `taskloom_${role}`;
    url.password = deriveKey(master, `database/${role}`).toString('hex');
    return url.href;
  };
  return { owner, app: env.databaseAppUrl ?? as('app'), system: env.databaseSystemUrl ?? as('system') };
};

/**
 * Gives every setting its default and checks those that depend on each other.
 * @throws Error that names the variable to change.
 */
export const toConfig = (env: Env) => {
  const environment = oneOf('TASKLOOM_ENV', env.environment ?? 'development', ENVIRONMENTS);
  const dataDir = resolve(env.dataDir ?? '.data');
  const cacheDir = resolve(env.cacheDir ?? join(homedir(), '.cache', 'taskloom'));
  const host = env.host ?? '127.0.0.1';
  const port = env.port ?? 8080;
  const master = secretKey(env.secretKey, dataDir);
  return {
    environment,
    dataDir,
    cacheDir,
    http: {
      host,
      port,
      publicUrl: (env.publicUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`).replace(
        /\/$/,
        '',
      ),
      corsOrigins: env.corsOrigins ?? [],
      bodyLimitBytes: env.bodyLimitBytes ?? 1_000_000,
      validateResponses: env.validateResponses ?? environment !== 'production',
    },
    secretKey: master,
    accessTokenSeconds: env.accessTokenSeconds ?? 900,
    admin: { email: env.adminEmail ?? null, password: env.adminPassword ?? null },
    logLevel: env.logLevel ?? (environment === 'test' ? 'warn' : 'info'),
    database: databaseUrls(env, master),
    temporal: {
      uiUrl: env.temporalUiUrl ?? null,
      binary: env.temporalBinary ?? null,
      queuePrefix: env.queuePrefix ?? '',
      /** Queues that a worker serves; all when `null`. */
      queues: env.queues ?? null,
    },
    siteWorkspace: env.siteWorkspace ?? 'default',
    eventRetentionDays: env.eventRetentionDays ?? 30,
    models: {
      chosen: env.model ?? null,
      localPath: env.modelPath ?? null,
      inputPrice: price('TASKLOOM_MODEL_INPUT_USD_PER_MTOK', env.modelInputPrice),
      outputPrice: price('TASKLOOM_MODEL_OUTPUT_USD_PER_MTOK', env.modelOutputPrice),
      anthropic: { apiKey: env.anthropicApiKey ?? null, baseUrl: env.anthropicBaseUrl ?? null },
      openai: { apiKey: env.openaiApiKey ?? null, baseUrl: env.openaiBaseUrl ?? null },
    },
  };
};

/** The configuration of this process, from its environment. */
export const loadConfig = (): Config => toConfig(readEnv());
