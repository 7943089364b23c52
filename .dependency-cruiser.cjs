// Who may import whom: the table of ARCHITECTURE.md as rules. `import type` is free where a rule says "value".
const value = { dependencyTypesNot: ['type-only'] };
const folders = (...names) => names.map((name) => `^${name}/`);
/** What a workflow family shows to others: messages and ids, and which queue runs what. */
const CONTRACTS = ['^workflows/[^/]+/messages\\.ts$', '^workflows/queues\\.ts$'];
const OTHERS = '^(api|workflows|activities|worker|domain|store|platform|console|scripts|test)/';

/** A folder may import itself, the folders named here, and packages. */
const mayImport = (from, ...allowed) => ({
  name: `${from}-imports`,
  comment: `${from}/ may import ${[from, ...allowed].join(', ')} and packages`,
  severity: 'error',
  from: { path: `^${from}/`, pathNot: '\\.test(suite)?\\.ts$' },
  to: { path: OTHERS, pathNot: folders(from, ...allowed), ...value },
});

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependencies',
      comment: 'what runs in production must not need a package that only development installs',
      severity: 'error',
      from: {
        path: folders('api', 'workflows', 'activities', 'worker', 'domain', 'store', 'platform'),
        pathNot: '\\.test(suite)?\\.ts$',
      },
      to: { dependencyTypes: ['npm-dev'], ...value },
    },
    {
      name: 'domain-is-pure',
      comment: 'domain/ imports nothing but domain/: no packages, no clock, no I/O',
      severity: 'error',
      from: { path: '^domain/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^domain/' },
    },
    mayImport('platform', 'domain'),
    mayImport('store', 'domain', 'platform'),
    {
      name: 'workflows-are-deterministic',
      comment:
        'workflows/ imports workflows, domain and the two Temporal packages of the sandbox; activities only as types',
      severity: 'error',
      from: { path: '^workflows/', pathNot: '\\.test\\.ts$' },
      to: {
        pathNot: [...folders('workflows', 'domain'), 'node_modules/@temporalio/(workflow|common)/'],
        ...value,
      },
    },
    {
      name: 'workflows-know-types-of-activities-only',
      severity: 'error',
      from: { path: '^workflows/', pathNot: '\\.test\\.ts$' },
      to: { path: folders('api', 'worker', 'store', 'platform', 'scripts', 'test') },
    },
    mayImport('activities', 'domain', 'store', 'platform'),
    {
      name: 'activities-know-no-workflow-bodies',
      comment: 'even as types: only messages and queues',
      severity: 'error',
      from: { path: '^activities/', pathNot: '\\.test\\.ts$' },
      to: { path: folders('workflows', 'api'), pathNot: CONTRACTS },
    },
    {
      name: 'vendors-only-under-providers',
      severity: 'error',
      from: { path: '^activities/', pathNot: ['/providers/', '\\.test\\.ts$'] },
      to: { path: 'node_modules/(@ai-sdk/(?!provider)|node-llama-cpp)', ...value },
    },
    {
      name: 'vendors-only-in-activities',
      severity: 'error',
      from: { path: folders('api', 'workflows', 'worker', 'domain', 'store', 'platform') },
      to: { path: 'node_modules/(@ai-sdk/|node-llama-cpp|ai/)', ...value },
    },
    {
      name: 'worker-hosts',
      comment: 'worker/ bundles workflows by path, so it imports only their messages and queues',
      severity: 'error',
      from: { path: '^worker/', pathNot: '\\.test\\.ts$' },
      to: {
        path: OTHERS,
        pathNot: [...folders('worker', 'activities', 'store', 'platform', 'domain'), ...CONTRACTS],
        ...value,
      },
    },
    {
      name: 'api-answers',
      comment: 'api/ imports domain, store, platform and the messages and queues of workflows',
      severity: 'error',
      from: { path: '^api/', pathNot: '\\.test\\.ts$' },
      to: {
        path: OTHERS,
        pathNot: [...folders('api', 'domain', 'store', 'platform'), ...CONTRACTS],
        ...value,
      },
    },
    {
      name: 'api-never-imports-activities',
      severity: 'error',
      from: { path: '^api/', pathNot: '\\.test\\.ts$' },
      to: { path: folders('activities', 'worker') },
    },
    {
      name: 'features-stay-apart',
      comment: 'a feature reaches another only through domain, store or api/http',
      severity: 'error',
      from: { path: '^api/features/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^api/features/([^/]+)/', pathNot: '^api/features/$1/' },
    },
    {
      name: 'handlers-stay-in-their-workspace',
      comment: 'the store across workspaces is for the composition root alone',
      severity: 'error',
      from: { path: '^api/', pathNot: ['^api/context\\.ts$', '\\.test\\.ts$'] },
      to: { path: '^store/(system|spine|outbox/|setup/people)', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-imports-the-tools',
      severity: 'error',
      from: { pathNot: ['^(scripts|test)/', '\\.test(suite)?\\.ts$'] },
      to: { path: folders('scripts', 'test') },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
};
