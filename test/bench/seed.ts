import pg from 'pg';
import { DEFAULT_POLICY } from '../../domain/approvals/approval.ts';

/** Tables with rows of their own, in the order in which they are filled. */
const TABLES = [
  'tasks',
  'runs',
  'run_steps',
  'models',
  'usage_ledger',
  'approvals',
  'content_items',
  'content_revisions',
  'posts',
  'streams',
  'events',
  'counters',
] as const;

/** What becomes of every twentieth row and the two after it; the others are completed, approved and published. */
const FATES = {
  task: [`'failed'`, `'cancelled'`, `'active'`, `'completed'`],
  run: [`'failed'`, `'cancelled'`, `'waiting'`, `'completed'`],
  approval: [`'rejected'`, `'cancelled'`, `'open'`, `'approved'`],
  content: [`'rejected'`, `'draft'`, `'in_review'`, `'published'`],
} as const;

const fate = (of: keyof typeof FATES): string => {
  const [first, second, third, rest] = FATES[of];
  return `case i % 20 when 0 then ${first} when 1 then ${second} when 2 then ${third} else ${rest} end`;
};

const IS_LIVE = 'i % 20 = 2';
const IS_PUBLISHED = 'i % 20 > 2';
/** In the order of their numbers, like the UUIDs that the API gives. */
const id = (kind: number): string =>
  `('0190' || lpad(to_hex(i), 8, '0') || '70008000' || lpad('${kind}', 12, '0'))::uuid`;
const TASK = id(1);
/** The task with the number 1. */
export const FIRST_TASK = '01900000-0001-7000-8000-000000000001';
/** Its run. */
export const FIRST_RUN = '01900000-0001-7000-8000-000000000002';
const RUN = id(2);
const CONTENT = id(4);
const AT = `now() - interval '20 minutes' - interval '20 days' * (($1::int - i)::float8 / $1::int)`;
/** Between one and eighteen minutes, in no order. */
const TOOK = `interval '1 second' * (60 + (i % 1009) * 719 % 1009)`;
/** Each run's steps with the part of its time that each began and ended at. */
const STEPS = `(values ('outline.0', 0, 0.1), ('draft.0/0', 0.1, 0.9), ('compose.0', 0.9, 1)) as step(path, since, until)`;
const TEXT = `repeat('A sentence as long as sentences are. ', 10)`;
const WORKSPACE = '(select workspace_id from memberships limit 1)';
const PERSON = '(select user_id from memberships limit 1)';

/** As many as a few providers list, however long an installation has been used. */
const MODELS = 200;

const FILL = [
  `insert into tasks (id, workspace_id, created_by, task_name, topic, primary_keyword, status, content_id, created_at, updated_at, completed_at)
   select ${TASK}, ${WORKSPACE}, ${PERSON}, 'Task ' || i, 'Topic ' || i, 'keyword', ${fate('task')}, ${CONTENT}, ${AT}, ${AT}, ${AT}
     from generate_series(1, $1::int) i`,
  `insert into runs (id, workspace_id, kind, subject_type, subject_id, owner_id, status, progress, input, created_at, updated_at, started_at, finished_at)
   select ${RUN}, ${WORKSPACE}, 'content', 'task', ${TASK}, ${PERSON}, ${fate('run')}, 75, '{"start": "brief"}', ${AT}, ${AT}, ${AT},
          case when ${IS_LIVE} then null else ${AT} + ${TOOK} end
     from generate_series(1, $1::int) i`,
  `insert into run_steps (run_id, workspace_id, path, digest, attempt, status, result, started_at, finished_at)
   select ${RUN}, ${WORKSPACE}, step.path, 'digest', 1, 'completed', '{"from_model": 1}',
          ${AT} + ${TOOK} * step.since, ${AT} + ${TOOK} * step.until
     from generate_series(1, $1::int) i, ${STEPS}`,
  `insert into models (id, provider, name, title, abilities, quality, available)
   select 'scripted:' || name, 'scripted', name, name, '{}', 'demo', true
     from (select case i when 1 then 'instant' else 'model-' || i end as name from generate_series(1, ${MODELS}) i where $1::int > 0) as named`,
  `insert into usage_ledger (workspace_id, run_id, step_path, attempt, provider, model, tokens_in, tokens_out, latency_ms, at)
   select ${WORKSPACE}, ${RUN}, 'draft.0/0', 1, 'scripted', 'instant', 100, 200, 1000 + i % 1009, ${AT}
     from generate_series(1, $1::int) i`,
  `insert into approvals (id, workspace_id, kind, run_id, attempt, step_path, subject_type, subject_id, revision, status, shown, policy, created_at, updated_at, decided_at)
   select ${id(3)}, ${WORKSPACE}, 'content', ${RUN}, 1, 'approval.1', 'content', ${CONTENT}, 1, ${fate('approval')},
          '{"title": "A title", "excerpt": "A few words"}', '${JSON.stringify(DEFAULT_POLICY)}', ${AT}, ${AT}, case when ${IS_LIVE} then null else ${AT} + ${TOOK} end
     from generate_series(1, $1::int) i`,
  `insert into content_items (id, workspace_id, created_by, task_id, status, revision, published_revision, created_at, updated_at)
   select ${CONTENT}, ${WORKSPACE}, ${PERSON}, ${TASK}, ${fate('content')}, 1, case when ${IS_PUBLISHED} then 1 end, ${AT}, ${AT}
     from generate_series(1, $1::int) i`,
  `insert into content_revisions (workspace_id, item_id, number, title, body, excerpt, author_kind, author_model, run_id, step_path, created_at)
   select ${WORKSPACE}, ${CONTENT}, 1, 'Title ' || i, ${TEXT}, 'A few words', 'model', 'scripted:instant', ${RUN}, 'compose.0', ${AT}
     from generate_series(1, $1::int) i`,
  `insert into posts (id, workspace_id, content_id, revision, title, slug, body, excerpt, published_at, updated_at)
   select ${id(5)}, ${WORKSPACE}, ${CONTENT}, 1, 'Title ' || i, 'title-' || i, ${TEXT}, 'A few words', ${AT}, ${AT}
     from generate_series(1, $1::int) i where ${IS_PUBLISHED}`,
  `insert into streams (stream, workspace_id, last_seq) select 'run:' || ${RUN}, ${WORKSPACE}, 1 from generate_series(1, $1::int) i`,
  `insert into events (stream, seq, pos, type, payload, workspace_id, at)
   select 'run:' || ${RUN}, 1, i, 'run.completed', '{"status": "completed"}', ${WORKSPACE}, ${AT} from generate_series(1, $1::int) i`,
  `insert into counters (workspace_id, kind, status, slot, n)
   select workspace_id, 'task', status, 0, count(*) from tasks where $1::int > 0 group by 1, 3 union all
   select workspace_id, 'run/content', status, 0, count(*) from runs group by 1, 3 union all
   select workspace_id, 'approval/content', status, 0, count(*) from approvals group by 1, 3 union all
   select workspace_id, 'content', status, 0, count(*) from content_items group by 1, 3`,
  `update event_log set last_pos = $1::int`,
];

/** Indexes that no constraint needs: filling is faster without them. */
const LOOSE_INDEXES = `
  select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as definition from pg_index
   where indrelid::regclass::text = any($1)
     and not exists (select 1 from pg_constraint where conindid = indexrelid)
     and not exists (select 1 from pg_inherits where inhrelid = indexrelid)`;

/** Fills a migrated, empty database with so many rows of everything that is listed, as if it had been used for weeks. */
export const seed = async (url: string, rows: number): Promise<void> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(
      `set session_replication_role = replica; set synchronous_commit = off; set maintenance_work_mem = '256MB'`,
    );
    const loose = await client.query<{ name: string; definition: string }>(LOOSE_INDEXES, [TABLES]);
    for (const { name } of loose.rows) await client.query(`drop index ${name}`);
    for (const statement of FILL) await client.query(statement, [rows]);
    // PostgreSQL describes a partitioned table's index without those of its partitions.
    for (const { definition } of loose.rows) await client.query(definition.replace(' ON ONLY ', ' ON '));
    for (const table of TABLES) await client.query(`vacuum (analyze) ${table}`);
  } finally {
    await client.end();
  }
};
