/** The statements that close a workspace table: only rows of the transaction's workspace exist for `taskloom_app`. */
export const isolate = (table: string, grants = 'select, insert, update, delete'): string[] => [
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  // A subselect, so that the setting is read once a statement and not once a row.
  `create policy workspace on ${table} to taskloom_app
     using (workspace_id = (select current_workspace())) with check (workspace_id = (select current_workspace()))`,
  `create policy system on ${table} to taskloom_system using (true) with check (true)`,
  `grant ${grants} on ${table} to taskloom_app`,
  `grant select, insert, update, delete on ${table} to taskloom_system`,
];

/** The statements that close a table altogether to `taskloom_app`: only the system's role, and its functions, see it. */
export const systemOnly = (table: string): string[] => [
  `alter table ${table} enable row level security`,
  `alter table ${table} force row level security`,
  `create policy system on ${table} to taskloom_system using (true) with check (true)`,
  `grant select, insert, update, delete on ${table} to taskloom_system`,
];

/** A function that `app` may call before a workspace is known; it runs as `taskloom_system` and returns one row at most. */
export const asSystem = (signature: string): string[] => [
  `alter function ${signature} owner to taskloom_system`,
  `revoke all on function ${signature} from public`,
  `grant execute on function ${signature} to taskloom_app, taskloom_system`,
];

/** Roles of a database that is older than these scopes; a fresh one has them already. */
export const grantScope = (scope: string, roles: string): string =>
  `update roles set scopes = scopes || array['${scope}'] where name in (${roles}) and not scopes @> array['${scope}']`;
