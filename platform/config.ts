import { createHmac, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { readEnv, type Env } from './env.ts';
import { parseProxies, rateSettings } from './limit-settings.ts';
import { readModelsFile } from './models-file.ts';
import { parseAllowance } from './outgoing-rules.ts';
import { providerSettings } from './provider-settings.ts';

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

const positive = (name: string, value: number): number => {
  if (value < 1) throw new Error(`${name} must be at least 1, but is "${value}"`);
  return value;
};

/** Who may make an account: nobody but administrators, those who were invited, everybody. */
const REGISTRATIONS = ['off', 'invitation', 'open'] as const;
export type Registration = (typeof REGISTRATIONS)[number];

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

export const RESEARCH_PROVIDERS = ['tavily', 'brave', 'searxng', 'wikipedia'] as const;

const researchSettings = (env: Env) => ({
  chosen: oneOf('TASKLOOM_RESEARCH', env.research ?? 'auto', ['auto', 'none', ...RESEARCH_PROVIDERS]),
  tavily: { apiKey: env.tavilyApiKey ?? null, baseUrl: 'https://api.tavily.com' },
  brave: { apiKey: env.braveApiKey ?? null, baseUrl: 'https://api.search.brave.com' },
  searxng: { baseUrl: env.searxngUrl ?? null },
  wikipedia: { baseUrl: env.wikipediaUrl ?? 'https://en.wikipedia.org' },
});

/** Who may come in, and how people are told. */
const accessSettings = (env: Env) => ({
  accessTokenSeconds: env.accessTokenSeconds ?? 900,
  signInSeconds: positive('TASKLOOM_SIGN_IN_DAYS', env.signInDays ?? 30) * 86_400,
  /** Whether document 004's sign-in asks for one. */
  captcha: env.captcha ?? true,
  registration: oneOf('TASKLOOM_REGISTRATION', env.registration ?? 'off', REGISTRATIONS),
  mail: { smtpUrl: env.smtpUrl ?? null, from: env.mailFrom ?? 'Taskloom <taskloom@localhost>' },
  admin: { email: env.adminEmail ?? null, password: env.adminPassword ?? null },
});

/** The exceptions to the rule for outgoing requests, known to be readable. */
const outgoingAllow = (list: string[]): string[] => {
  parseAllowance(list);
  return list;
};

/** Proxies that are believed, known to be readable. */
const trustedProxies = (list: string[]): string[] => {
  parseProxies(list);
  return list;
};

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

/** How fast webhooks' waiting passes; days of it in seconds are for tests alone. */
const webhookTimeScale = (text: string | undefined, environment: string): number => {
  if (text === undefined) return 1;
  const scale = Number(text);
  if (environment !== 'test' || !(scale > 0 && scale <= 1))
    throw new Error(
      `TASKLOOM_WEBHOOK_TIME_SCALE must be a number above 0 and up to 1, with TASKLOOM_ENV=test, but is "${text}"`,
    );
  return scale;
};

const FILE_DRIVERS = ['fs', 's3', 'gcs'] as const;

const fileStorage = (env: Env, dataDir: string) => {
  const driver = oneOf('TASKLOOM_FILES', env.files ?? 'fs', FILE_DRIVERS);
  if (driver !== 'fs' && env.filesBucket === undefined)
    throw new Error(`TASKLOOM_FILES=${driver} needs the name of a bucket: set TASKLOOM_FILES_BUCKET`);
  for (const [name, url] of [
    ['AWS_ENDPOINT_URL_S3', env.awsS3Url],
    ['STORAGE_EMULATOR_HOST', env.googleStorageUrl],
  ] as const)
    if (url !== undefined && !/^https?:/.test(url))
      throw new Error(`${name} must be an address like https://storage.example.com, but is "${url}"`);
  return {
    driver,
    root: join(dataDir, 'files'),
    bucket: env.filesBucket ?? '',
    s3: {
      endpoint: env.awsS3Url ?? null,
      // A server of one's own rarely has regions, but the signature names one.
      region: env.awsRegion ?? (env.awsS3Url === undefined ? null : 'us-east-1'),
      accessKeyId: env.awsAccessKeyId ?? null,
      secretAccessKey: env.awsSecretAccessKey ?? null,
      sessionToken: env.awsSessionToken ?? null,
    },
    gcs: { endpoint: env.googleStorageUrl ?? null, keyFile: env.googleCredentialsFile ?? null },
  };
};

const modelSettings = (env: Env) => ({
  chosen: env.model ?? null,
  localPath: env.modelPath ?? null,
  inputPrice: price('TASKLOOM_MODEL_INPUT_USD_PER_MTOK', env.modelInputPrice),
  outputPrice: price('TASKLOOM_MODEL_OUTPUT_USD_PER_MTOK', env.modelOutputPrice),
  corrections: env.modelsFile === undefined ? [] : readModelsFile(resolve(env.modelsFile)),
  anthropic: { apiKey: env.anthropicApiKey ?? null, baseUrl: env.anthropicBaseUrl ?? null },
  openai: { apiKey: env.openaiApiKey ?? null, baseUrl: env.openaiBaseUrl ?? null },
  google: { apiKey: env.googleApiKey ?? null, baseUrl: env.googleBaseUrl ?? null },
  ollama: { host: env.ollamaHost ?? null },
  idleMs: positive('TASKLOOM_MODEL_IDLE_SECONDS', env.modelIdleSeconds ?? 60) * 1000,
});

const imageSettings = (env: Env) => ({
  /** `provider:name`; `null` for the title card alone. */
  chosen: env.imageModel === undefined || env.imageModel === 'none' ? null : env.imageModel,
  /** Micro-dollars an image. */
  price: price('TASKLOOM_IMAGE_USD', env.imagePrice),
  openai: { apiKey: env.openaiApiKey ?? null, baseUrl: env.openaiBaseUrl ?? null },
  google: { apiKey: env.googleApiKey ?? null, baseUrl: env.googleBaseUrl ?? null },
  // The key of one server is not shown to another.
  compatible:
    env.imageBaseUrl === undefined
      ? { apiKey: env.openaiApiKey ?? null, baseUrl: env.openaiBaseUrl ?? null }
      : { apiKey: env.imageApiKey ?? null, baseUrl: env.imageBaseUrl },
});

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
      trustedProxies: trustedProxies(env.trustedProxies ?? []),
    },
    rates: rateSettings(env),
    secretKey: master,
    ...accessSettings(env),
    providers: providerSettings(env),
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
    models: modelSettings(env),
    /** Whether the judge compares texts by their meaning. */
    embeddings: env.embeddings ?? true,
    images: imageSettings(env),
    files: fileStorage(env, dataDir),
    outgoing: { allow: outgoingAllow(env.outgoingAllow ?? []) },
    webhooks: { timeScale: webhookTimeScale(env.webhookTimeScale, environment) },
    research: researchSettings(env),
  };
};

/** The configuration of this process, from its environment. */
export const loadConfig = (): Config => toConfig(readEnv());
