import { BUILT_IN_ROLES } from '../domain/identity/principal.ts';
import { listOperations, type SpecDocument, type SpecOperation } from '../api/http/spec.ts';

/** The roles of a fresh server, in the order of the table's columns. */
export const ROLES = ['admin', 'editor', 'viewer'] as const;

/** Whether everybody may; some say more to those who have a scope. */
export const isOpen = ({ facts, operation }: SpecOperation): boolean =>
  !facts.isPrivate || (operation.security ?? []).some((way) => Object.keys(way).length === 0);

/** What an operation asks for, in words. */
const needs = (operation: SpecOperation): string => {
  const scopes = operation.scopes.map((scope) => `\`${scope}\``).join(' ');
  if (isOpen(operation)) return scopes === '' ? 'nothing' : `nothing; says more with ${scopes}`;
  return scopes === '' ? 'a sign-in' : scopes;
};

const may = (role: (typeof ROLES)[number], operation: SpecOperation): boolean =>
  isOpen(operation) ||
  operation.scopes.every((scope) => (BUILT_IN_ROLES[role] as readonly string[]).includes(scope));

const row = (operation: SpecOperation): string => {
  const { facts, path } = operation;
  const cells = [
    `\`${facts.method} ${path}\``,
    `\`${facts.id}\``,
    needs(operation),
    ...ROLES.map((role) => (may(role, operation) ? '✓' : '')),
  ];
  return `| ${cells.join(' | ')} |`;
};

const HEAD = `# Who may do what

Generated from \`openapi.yaml\` and the roles of a fresh server by \`npm run spec\`; \`test/api/permissions.test.ts\` asks the
running server for every line. Roles are data: an administrator makes others, of any scopes. Rights over the whole server
(\`users:*\`, \`roles:*\` and the like) count only for those who are signed in to its first workspace.
`;

/** The table of operations and roles, as Markdown. */
export const renderPermissions = (spec: SpecDocument): string => {
  const operations = listOperations(spec);
  const tags = [...new Set(operations.map(({ operation }) => operation.tags?.[0] ?? ''))];
  const tables = tags.map((tag) => {
    const rows = operations.filter(({ operation }) => (operation.tags?.[0] ?? '') === tag).map(row);
    return [
      `## ${tag}`,
      '',
      `| request | operation | needs | ${ROLES.join(' | ')} |`,
      `|---|---|---|${ROLES.map(() => ':-:').join('|')}|`,
      ...rows,
    ].join('\n');
  });
  return `${HEAD}\n${tables.join('\n\n')}\n`;
};
