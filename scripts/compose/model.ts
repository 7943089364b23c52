import { parse } from 'yaml';

export type Fields = Readonly<Record<string, unknown>>;

/** What the rules look at; anything else of a service is only known by its name. */
export interface Service extends Fields {
  readonly image?: string;
  readonly build?: unknown;
  readonly environment?: Fields;
  readonly depends_on?: Readonly<Record<string, { readonly condition?: string }>>;
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly ports?: readonly string[];
  readonly healthcheck?: { readonly test?: unknown; readonly start_period?: string };
  readonly deploy?: { readonly resources?: { readonly limits?: Fields } };
  readonly logging?: { readonly options?: Fields };
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly restart?: string;
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly stop_grace_period?: string;
}

export interface Compose extends Fields {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes?: Fields;
  readonly networks?: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly configs?: Readonly<Record<string, { readonly file?: string; readonly content?: string }>>;
}

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const EACH_IS_A_LIST = ['volumes', 'networks', 'configs', 'ports', 'cap_drop', 'security_opt'];
const EACH_IS_A_MAP = ['environment', 'depends_on', 'healthcheck', 'deploy', 'logging'];

/** The long forms, and only they: one way to write a thing. */
const misshapen = (services: Fields): string[] =>
  Object.entries(services).flatMap(([name, service]) => {
    if (!isFields(service)) return [`${name}: is no map`];
    return [
      ...EACH_IS_A_LIST.filter((key) => key in service && !Array.isArray(service[key])),
      ...EACH_IS_A_MAP.filter((key) => key in service && !isFields(service[key])),
    ].map((key) => `${name}: ${key} is not of the form that this project uses`);
  });

/** Reads a Compose file, with its anchors and merges. @returns it, or sentences on why it can't be read. */
export const readCompose = (source: string): Compose | string[] => {
  let value: unknown;
  try {
    value = parse(source, { merge: true });
  } catch (error) {
    return [`not YAML: ${(error as Error).message.split('\n')[0]}`];
  }
  if (!isFields(value) || !isFields(value['services'])) return ['there are no services'];
  const problems = misshapen(value['services']);
  return problems.length > 0 ? problems : (value as unknown as Compose);
};

/** Those whose end others wait for: they do their work once. */
export const oneShots = ({ services }: Compose): Set<string> =>
  new Set(
    Object.values(services).flatMap(({ depends_on: needs = {} }) =>
      Object.keys(needs).filter((name) => needs[name]?.condition === 'service_completed_successfully'),
    ),
  );
