import { oneShots, readCompose, type Compose, type Service } from './model.ts';

/** The attributes of the Compose Specification, as far as this project may come to use them: anything else is a slip. */
const TOP_LEVEL = ['name', 'services', 'volumes', 'networks', 'configs', 'secrets'];
const OF_A_SERVICE =
  `build cap_add cap_drop command configs cpus depends_on deploy dns entrypoint environment env_file expose extra_hosts healthcheck
   hostname image init labels logging mem_limit networks pids_limit platform ports profiles read_only restart secrets
   security_opt shm_size stop_grace_period stop_signal sysctls tmpfs ulimits user volumes working_dir`.split(
    /\s+/,
  );
const CONDITIONS = ['service_started', 'service_healthy', 'service_completed_successfully'];

/** A secret is named by the operator and never has a default; what may be missing is empty. */
const TAKEN = /^\$\{[A-Z_]+(:\?[^}]+|:-)\}$/;
const SECRET_NAME = /(PASSWORD|PWD|SECRET|SECRET_KEY|TOKEN|API_KEY|CREDENTIALS)$/;
const PASSWORD_IN_ADDRESS = /:\/\/[^/@\s]*:([^@\s]*)@/;

type Rule = (name: string, service: Service, compose: Compose) => (string | false | undefined)[];

const undeclared = (kind: string, wanted: readonly string[], declared: object | undefined): string[] =>
  wanted.filter((one) => !(one in (declared ?? {}))).map((one) => `${kind} ${one} is not declared`);

const isPinned = (image: string): boolean =>
  /^[a-z0-9./-]+(:[0-9]+\/[a-z0-9./-]+)?:v?\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?$/.test(image);

const references: Rule = (name, service, { services, volumes, networks, configs }) => [
  ...Object.entries(service.depends_on ?? {}).flatMap(([needed, { condition }]) => [
    !(needed in services) && `depends on ${needed}, which there is not`,
    needed === name && 'depends on itself',
    !CONDITIONS.includes(condition ?? '') && `waits for ${needed} with the condition ${String(condition)}`,
    condition === 'service_healthy' && !services[needed]?.healthcheck && `${needed} has no health check`,
  ]),
  ...undeclared(
    'the volume',
    (service.volumes ?? [])
      .map((volume) => volume.split(':')[0] ?? '')
      .filter((source) => !/^[./]/.test(source)),
    volumes,
  ),
  ...undeclared('the network', service.networks ?? [], networks),
  ...undeclared(
    'the config',
    (service.configs ?? []).map(({ source }) => source),
    configs,
  ),
  (service.networks ?? []).length === 0 && 'is on no network of its own choice',
  // Published ports do not work on an internal network alone.
  service.ports !== undefined &&
    (service.networks ?? []).every((network) => networks?.[network]?.internal === true) &&
    'publishes a port, but is on internal networks only',
  service.read_only === true &&
    (service.configs ?? []).some(({ source }) => configs?.[source]?.content !== undefined) &&
    'is read-only, so an inline config can not be put into it',
];

const hardening: Rule = (_name, service) => [
  service.image === undefined || !isPinned(service.image)
    ? `the image ${String(service.image)} is not pinned to a version`
    : false,
  !service.cap_drop?.includes('ALL') && 'keeps capabilities: cap_drop must name ALL',
  !service.security_opt?.includes('no-new-privileges:true') && 'may gain privileges: no-new-privileges',
  service.privileged !== undefined && 'is privileged',
  ...['cpus', 'memory', 'pids'].map(
    (limit) =>
      service.deploy?.resources?.limits?.[limit] === undefined && `has no limit of ${limit} under deploy`,
  ),
  service.logging?.options?.['max-size'] === undefined && 'writes logs without an end: logging max-size',
  ...(service.ports ?? []).map(
    (port) => !port.startsWith('127.0.0.1:') && `publishes ${port} on every address of the machine`,
  ),
  ...(service.volumes ?? []).map(
    (volume) => volume.includes('docker.sock') && 'is given the Docker socket, and so the machine',
  ),
];

const life: Rule = (name, service, compose) => {
  const isOnce = oneShots(compose).has(name);
  return [
    isOnce &&
      !/^(no|on-failure(:\d+)?)$/.test(service.restart ?? '') &&
      'works once: it must restart on failure only',
    !isOnce && service.restart !== 'unless-stopped' && 'must restart unless it is stopped',
    !isOnce && service.healthcheck?.test === undefined && 'has no health check',
    !isOnce && service.healthcheck?.start_period === undefined && 'has no start_period in its health check',
    service.build !== undefined &&
      Number.parseInt(service.stop_grace_period ?? '0', 10) < 15 &&
      'is killed before its shutdown can end: stop_grace_period',
    service.build !== undefined && service.read_only !== true && 'is not read-only',
    service.build !== undefined && service.init !== true && 'has no init, so nothing collects ended children',
  ];
};

const secrets: Rule = (_name, service) =>
  Object.entries(service.environment ?? {}).flatMap(([key, value]) => {
    const inAddress = PASSWORD_IN_ADDRESS.exec(String(value))?.[1];
    return [
      SECRET_NAME.test(key) && !TAKEN.test(String(value)) && `${key} holds a secret, or a default for one`,
      inAddress !== undefined && !TAKEN.test(inAddress) && `${key} holds a password`,
      typeof value !== 'string' && `${key} must be a text in quotes`,
    ];
  });

const names: Rule = (_name, service) =>
  Object.keys(service).map((key) => !OF_A_SERVICE.includes(key) && `${key} is no attribute of a service`);

const RULES = [names, references, hardening, life, secrets];

const unused = ({ services, volumes, networks, configs }: Compose): string[] => {
  const all = Object.values(services);
  const left = (kind: string, declared: object | undefined, taken: readonly string[]): string[] =>
    Object.keys(declared ?? {})
      .filter((one) => !taken.includes(one))
      .map((one) => `the ${kind} ${one} is declared, but nobody uses it`);
  return [
    ...left(
      'volume',
      volumes,
      all.flatMap((service) => (service.volumes ?? []).map((volume) => volume.split(':')[0] ?? '')),
    ),
    ...left(
      'network',
      networks,
      all.flatMap((service) => service.networks ?? []),
    ),
    ...left(
      'config',
      configs,
      all.flatMap((service) => (service.configs ?? []).map(({ source }) => source)),
    ),
  ];
};

/** What is wrong with a Compose file, one sentence each. @param version of this Taskloom, which is that of its image. */
export const composeProblems = (source: string, version: string): string[] => {
  const compose = readCompose(source);
  if (Array.isArray(compose)) return compose;
  return [
    ...Object.keys(compose)
      .filter((key) => !TOP_LEVEL.includes(key) && !key.startsWith('x-'))
      .map((key) => `${key} is no top-level element`),
    ...Object.entries(compose.services).flatMap(([name, service]) => [
      ...RULES.flatMap((rule) => rule(name, service, compose))
        .filter((problem) => typeof problem === 'string')
        .map((problem) => `${name}: ${problem}`),
      ...(service.build !== undefined && service.image !== `taskloom:${version}`
        ? [`${name}: its image must be taskloom:${version}`]
        : []),
    ]),
    ...unused(compose),
  ];
};

/** What is wrong with the Dockerfile, one sentence each. @param node the version of Node that the project runs on. */
export const dockerfileProblems = (source: string, node: string): string[] => {
  const lines = source.replaceAll('\\\n', ' ').split('\n');
  const bases = lines.flatMap((line) => /^FROM (\S+)/.exec(line)?.[1] ?? []);
  const last = lines.slice(lines.findLastIndex((line) => line.startsWith('FROM ')));
  const user = last.findLast((line) => line.startsWith('USER '))?.slice(5);
  return [
    ...bases
      .filter((base) => !base.startsWith(`node:${node}-`) || !isPinned(base))
      .map((base) => `FROM ${base}: must be node:${node}-…, the version in package.json`),
    ...(user === undefined || /^(root|0)(:|$)/.test(user) ? ['runs as root: USER'] : []),
    ...(last.some((line) => line.startsWith('HEALTHCHECK ')) ? [] : ['has no HEALTHCHECK']),
    ...lines
      .filter((line) => /^(ENV|ARG) .*(PASSWORD|SECRET|TOKEN|API_KEY)\S*=\S/.test(line))
      .map((line) => `holds a secret: ${line}`),
  ];
};
