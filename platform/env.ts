/**
 * The only place that reads `process.env`: names and types, no defaults, no decisions (those are in config.ts).
 * An empty variable counts as unset, as `docker compose` passes unset variables as empty strings.
 */
const text = (name: string): string | undefined => process.env[name]?.trim() || undefined;

const integer = (name: string): number | undefined => {
  const value = text(name);
  if (value === undefined) return undefined;
  if (!/^\d+$/.test(value)) throw new Error(`${name} must be a whole number, but is "${value}"`);
  return Number(value);
};

const flag = (name: string): boolean | undefined => {
  const value = text(name);
  if (value === undefined) return undefined;
  if (/^(1|true|on|yes)$/i.test(value)) return true;
  if (/^(0|false|off|no)$/i.test(value)) return false;
  throw new Error(`${name} must be true or false, but is "${value}"`);
};

const list = (name: string): string[] | undefined =>
  text(name)
    ?.split(',')
    .map((item) => item.trim())
    .filter(Boolean);

const readLimits = () => ({
  trustedProxies: list('TASKLOOM_TRUSTED_PROXIES'),
  rateLimitPerMinute: integer('TASKLOOM_RATE_LIMIT_PER_MINUTE'),
  rateLimitPerHour: integer('TASKLOOM_RATE_LIMIT_PER_HOUR'),
  rateLimits: list('TASKLOOM_RATE_LIMITS'),
});

/** Those that may sign people in for this server. */
const readProviders = () => ({
  githubClientId: text('TASKLOOM_GITHUB_CLIENT_ID'),
  githubClientSecret: text('TASKLOOM_GITHUB_CLIENT_SECRET'),
  githubUrl: text('TASKLOOM_GITHUB_URL'),
  githubRedirectUrl: text('TASKLOOM_GITHUB_REDIRECT_URL'),
  githubCodeOnly: flag('TASKLOOM_GITHUB_CODE_ONLY'),
  googleClientId: text('TASKLOOM_GOOGLE_CLIENT_ID'),
  googleClientSecret: text('TASKLOOM_GOOGLE_CLIENT_SECRET'),
  googleIssuer: text('TASKLOOM_GOOGLE_ISSUER'),
  oidcIssuer: text('TASKLOOM_OIDC_ISSUER'),
  oidcClientId: text('TASKLOOM_OIDC_CLIENT_ID'),
  oidcClientSecret: text('TASKLOOM_OIDC_CLIENT_SECRET'),
  oidcName: text('TASKLOOM_OIDC_NAME'),
});

export type Env = ReturnType<typeof readEnv>;

/** Who may come in, and how people are told. */
const readAccess = () => ({
  adminEmail: text('TASKLOOM_ADMIN_EMAIL'),
  adminPassword: text('TASKLOOM_ADMIN_PASSWORD'),
  accessTokenSeconds: integer('TASKLOOM_ACCESS_TOKEN_SECONDS'),
  signInDays: integer('TASKLOOM_SIGN_IN_DAYS'),
  captcha: flag('TASKLOOM_CAPTCHA'),
  registration: text('TASKLOOM_REGISTRATION'),
  smtpUrl: text('TASKLOOM_SMTP_URL'),
  mailFrom: text('TASKLOOM_MAIL_FROM'),
  corsOrigins: list('TASKLOOM_CORS_ORIGINS'),
});

/** @returns every setting as given, `undefined` where it was not. @throws Error naming a malformed variable. */
export const readEnv = () => ({
  ...readAccess(),
  environment: text('TASKLOOM_ENV'),
  host: text('TASKLOOM_HOST'),
  port: integer('TASKLOOM_PORT'),
  publicUrl: text('TASKLOOM_PUBLIC_URL'),
  dataDir: text('TASKLOOM_DATA_DIR'),
  cacheDir: text('TASKLOOM_CACHE_DIR'),
  secretKey: text('TASKLOOM_SECRET_KEY'),
  logLevel: text('TASKLOOM_LOG_LEVEL'),
  ...readProviders(),
  bodyLimitBytes: integer('TASKLOOM_BODY_LIMIT_BYTES'),
  validateResponses: flag('TASKLOOM_VALIDATE_RESPONSES'),
  ...readLimits(),
  siteWorkspace: text('TASKLOOM_SITE_WORKSPACE'),
  eventRetentionDays: integer('TASKLOOM_EVENT_RETENTION_DAYS'),
  databaseUrl: text('DATABASE_URL'),
  databaseAppUrl: text('TASKLOOM_DATABASE_APP_URL'),
  databaseSystemUrl: text('TASKLOOM_DATABASE_SYSTEM_URL'),
  temporalUiUrl: text('TASKLOOM_TEMPORAL_UI_URL'),
  temporalBinary: text('TASKLOOM_TEMPORAL_BINARY'),
  temporalAddress: text('TEMPORAL_ADDRESS'),
  queuePrefix: text('TASKLOOM_QUEUE_PREFIX'),
  queues: list('TASKLOOM_QUEUES'),
  model: text('TASKLOOM_MODEL'),
  modelPath: text('TASKLOOM_MODEL_PATH'),
  modelsFile: text('TASKLOOM_MODELS_FILE'),
  modelInputPrice: text('TASKLOOM_MODEL_INPUT_USD_PER_MTOK'),
  modelOutputPrice: text('TASKLOOM_MODEL_OUTPUT_USD_PER_MTOK'),
  anthropicApiKey: text('ANTHROPIC_API_KEY'),
  anthropicBaseUrl: text('ANTHROPIC_BASE_URL'),
  openaiApiKey: text('OPENAI_API_KEY'),
  openaiBaseUrl: text('OPENAI_BASE_URL'),
  googleApiKey: text('GOOGLE_GENERATIVE_AI_API_KEY'),
  googleBaseUrl: text('GOOGLE_GENERATIVE_AI_BASE_URL'),
  ollamaHost: text('OLLAMA_HOST'),
  modelIdleSeconds: integer('TASKLOOM_MODEL_IDLE_SECONDS'),
  embeddings: flag('TASKLOOM_EMBEDDINGS'),
  imageModel: text('TASKLOOM_IMAGE_MODEL'),
  imagePrice: text('TASKLOOM_IMAGE_USD'),
  imageBaseUrl: text('TASKLOOM_IMAGE_BASE_URL'),
  imageApiKey: text('TASKLOOM_IMAGE_API_KEY'),
  files: text('TASKLOOM_FILES'),
  filesBucket: text('TASKLOOM_FILES_BUCKET'),
  awsAccessKeyId: text('AWS_ACCESS_KEY_ID'),
  awsSecretAccessKey: text('AWS_SECRET_ACCESS_KEY'),
  awsSessionToken: text('AWS_SESSION_TOKEN'),
  awsRegion: text('AWS_REGION'),
  awsS3Url: text('AWS_ENDPOINT_URL_S3'),
  googleCredentialsFile: text('GOOGLE_APPLICATION_CREDENTIALS'),
  googleStorageUrl: text('STORAGE_EMULATOR_HOST'),
  outgoingAllow: list('TASKLOOM_OUTGOING_ALLOW'),
  webhookTimeScale: text('TASKLOOM_WEBHOOK_TIME_SCALE'),
  research: text('TASKLOOM_RESEARCH'),
  tavilyApiKey: text('TAVILY_API_KEY'),
  braveApiKey: text('BRAVE_SEARCH_API_KEY'),
  searxngUrl: text('SEARXNG_URL'),
  wikipediaUrl: text('TASKLOOM_WIKIPEDIA_URL'),
});
