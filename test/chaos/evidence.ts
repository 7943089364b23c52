import { createHash } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { inWords } from '../../activities/models/structured.ts';
import { outlinePrompt, sectionPrompt, type Brief, type Prompt } from '../../domain/content/prompts.ts';
import { SEO_SCHEMA, seoPrompt } from '../../domain/content/seo.ts';

/** A step of a pipeline that asks the model, with what the database knows of it. */
export interface ModelStep {
  readonly runId: string;
  readonly path: string;
  readonly status: string;
  readonly calls: number;
  readonly inDoubt: number;
  /** The digest under which the vendor logs its call. */
  readonly promptSha256: string;
  /** When its answer was committed, by PostgreSQL's own record; `null` when it never was. */
  readonly committedAt: number | null;
  /** Rows in the usage ledger: answers that were booked, and calls whose answer was lost. */
  readonly booked: number;
  readonly bookedInDoubt: number;
}

export interface RunFacts {
  readonly id: string;
  readonly topic: string;
  readonly status: string;
  readonly attempt: number;
  readonly inDoubt: number;
  readonly error: unknown;
  readonly currentStep: string | null;
  readonly createdAt: number;
  readonly finishedAt: number | null;
  readonly posts: number;
}

/** What is left when all is over, read with a superuser's eyes. */
export interface Evidence {
  readonly runs: readonly RunFacts[];
  readonly tasks: number;
  readonly steps: readonly ModelStep[];
  readonly outbox: readonly { workflow_id: string; kind: string; last_error: string | null }[];
  readonly openWorkflows: readonly string[];
  /** Sentences on totals, events and approvals that don't add up. */
  readonly books: readonly string[];
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** As the double does it: system text and message, one line each. */
const vendorDigest = ({ system, prompt }: Prompt): string => sha256(`${system}\n${prompt}`);

const RUNS = `
  select r.id, t.topic, r.status, r.attempt, r.in_doubt as "inDoubt", r.error, r.current_step as "currentStep",
         extract(epoch from r.created_at)::float8 * 1000 as "createdAt",
         extract(epoch from r.finished_at)::float8 * 1000 as "finishedAt",
         (select count(*)::int from posts p join content_items c on c.id = p.content_id where c.task_id = t.id) as posts
    from runs r join tasks t on t.id = r.subject_id and r.subject_type = 'task' order by r.created_at`;

const STEPS = `
  select s.run_id as "runId", s.path, s.status, s.calls, s.in_doubt as "inDoubt", t.topic, o.result as outline, v.title, v.body,
         l.booked, l.lost as "bookedInDoubt", l.committed_at as "committedAt"
    from run_steps s join runs r on r.id = s.run_id join tasks t on t.id = r.subject_id
    left join run_steps o on o.run_id = s.run_id and o.path = 'outline.0' and o.status = 'completed'
    left join content_items c on c.task_id = t.id
    left join content_revisions v on v.item_id = c.id and v.number = 1
    cross join lateral (
      select count(*) filter (where not in_doubt)::int as booked, count(*) filter (where in_doubt)::int as lost,
             extract(epoch from min(pg_xact_commit_timestamp(u.xmin)) filter (where not in_doubt))::float8 * 1000 as committed_at
        from usage_ledger u where u.run_id = s.run_id and u.step_path = s.path) l
   where s.path like 'outline.%' or s.path like 'draft.%' or s.path like 'describe.%'`;

interface StepRow extends Omit<ModelStep, 'promptSha256'> {
  readonly topic: string;
  readonly outline: { readonly headings: string[] } | null;
  /** Of the text as it was composed; null before. */
  readonly title: string | null;
  readonly body: string | null;
}

/** The prompt that a step's rows lead to, made again. */
const promptOf = ({ path, topic, outline, title, body }: StepRow): Prompt => {
  const brief: Brief = { topic };
  if (path.startsWith('outline')) return outlinePrompt(brief);
  if (path.startsWith('draft'))
    return sectionPrompt({ brief, headings: outline?.headings ?? [], index: Number(path.split('/')[1]) });
  const prompt = seoPrompt(title ?? '', body ?? '', null);
  return { ...prompt, system: `${prompt.system}\n\n${inWords(SEO_SCHEMA)}` };
};

const toStep = (row: StepRow): ModelStep => {
  const { topic: _topic, outline: _outline, title: _title, body: _body, ...step } = row;
  return { ...step, promptSha256: vendorDigest(promptOf(row)) };
};

/** Each finds what must not be: a row is a sentence. */
const BOOKS = [
  `select 'total ' || kind || '/' || status || ' is ' || sum(n) || ', but ' || coalesce(max(real), 0) || ' rows say so' as line
     from counters c left join lateral (
       select count(*) as real from runs r where c.kind = 'run/' || r.kind and r.status = c.status) r on true
    where kind like 'run/%' group by kind, status having sum(n) <> coalesce(max(real), 0)`,
  `select 'total task/' || status || ' is ' || sum(n) || ', but ' || max(real) || ' rows say so' as line
     from counters c cross join lateral (select count(*) as real from tasks t where t.status = c.status) t
    where kind = 'task' group by status having sum(n) <> max(real)`,
  `select 'total ' || kind || '/' || status || ' is ' || sum(n) || ', but ' || coalesce(max(real), 0) || ' rows say so' as line
     from counters c left join lateral (
       select count(*) as real from approvals a where c.kind = 'approval/' || a.kind and a.status = c.status) a on true
    where kind like 'approval/%' group by kind, status having sum(n) <> coalesce(max(real), 0)`,
  `select 'total post/published is ' || coalesce(sum(n), 0) || ', but there are ' || (select count(*) from posts) || ' posts' as line
     from counters where kind = 'post' having coalesce(sum(n), 0) <> (select count(*) from posts)`,
  `select 'stream ' || stream || ' has ' || count(*) || ' events, but ends at ' || max(seq) as line
     from events group by stream having count(*) <> max(seq) or count(distinct seq) <> count(*)`,
  `select count(*) || ' events have no position' as line from events where pos is null having count(*) > 0`,
  `select 'positions are not unique or have gaps: ' || count(*) || ' events, last ' || max(pos) as line
     from events having count(*) <> max(pos) or count(distinct pos) <> count(*)`,
  `select 'run ' || run_id || ' was told ' || type || ' ' || count(*) || ' times' as line
     from (select payload->>'run_id' as run_id, type from events
            where type in ('run.completed', 'run.started', 'approval.requested', 'approval.decided')) e
    group by run_id, type having count(*) > 1`,
  `select 'content ' || c.id || ' has ' || count(*) || ' revisions' as line
     from content_items c join content_revisions v on v.item_id = c.id
     join runs r on r.subject_id = c.task_id and r.status = 'completed' group by c.id having count(*) <> 2`,
  `select 'run ' || r.id || ' has ' || count(i.id) || ' pictures' as line
     from runs r left join images i on i.run_id = r.id where r.status = 'completed'
    group by r.id having count(i.id) <> case r.input->'parameters'->>'image' when 'none' then 0 else 1 end`,
  `select 'step ' || s.path || ' of run ' || s.run_id || ' is ' || s.status || ' for ever' as line
     from run_steps s join runs r on r.id = s.run_id where r.status = 'completed' and s.status <> 'completed'`,
  `select 'task ' || t.id || ' has ' || count(*) || ' contents' as line
     from tasks t join content_items c on c.task_id = t.id group by t.id having count(*) > 1`,
  `select 'run ' || r.id || ' has tokens ' || r.tokens_in + r.tokens_out || ', but its ledger says ' || l.tokens as line
     from runs r cross join lateral (
       select coalesce(sum(tokens_in + tokens_out), 0) as tokens from usage_ledger u where u.run_id = r.id) l
    where r.tokens_in + r.tokens_out <> l.tokens`,
];

const openWorkflows = async (address: string): Promise<string[]> => {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    const found: string[] = [];
    for await (const { workflowId } of client.workflow.list({ query: `ExecutionStatus = 'Running'` }))
      found.push(workflowId);
    return found;
  } finally {
    await connection.close();
  }
};

/** Reads all that the verdict needs, from the database and from Temporal. */
export const gatherEvidence = async (databaseUrl: string, temporalAddress: string): Promise<Evidence> => {
  const db = new pg.Client({ connectionString: databaseUrl });
  await db.connect();
  try {
    const rows = async <Row extends object>(text: string): Promise<Row[]> => (await db.query<Row>(text)).rows;
    const books: string[] = [];
    for (const text of BOOKS) for (const { line } of await rows<{ line: string }>(text)) books.push(line);
    const [tasks] = await rows<{ n: number }>('select count(*)::int as n from tasks');
    return {
      runs: await rows<RunFacts>(RUNS),
      tasks: tasks?.n ?? 0,
      steps: (await rows<StepRow>(STEPS)).map(toStep),
      outbox: await rows('select workflow_id, kind, last_error from outbox'),
      openWorkflows: await openWorkflows(temporalAddress),
      books,
    };
  } finally {
    await db.end();
  }
};
