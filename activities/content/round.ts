import { optimisationRequest } from '../../domain/content/analysis.ts';
import type { Brief } from '../../domain/content/prompts.ts';
import { parametersOf, readStart, type PipelineParameters } from '../../domain/content/pipeline.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { sql, type Reader } from '../../store/store.ts';
import type { RoundInput } from '../../workflows/content/messages.ts';

/** What one round of writing works from. */
export interface Round {
  /** Names the round's steps: `0` for the first draft, else the approval that asked for changes. */
  readonly key: string;
  /** Which revision of the round's text this is, from 0. */
  readonly pass: number;
  readonly ownerId: string | null;
  readonly taskId: string | null;
  readonly contentId: string | null;
  readonly brief: Brief;
  readonly title: string;
  readonly tags: readonly string[];
  readonly feedback: string | null;
  readonly parameters: PipelineParameters;
  /** `provider:name` that the workspace selected for writing. */
  readonly selectedModel: string | null;
}

/** The round's steps, apart from those of other rounds; those of further passes over its text carry the pass. */
export const pathsOf = ({ key, pass }: Pick<Round, 'key' | 'pass'>) => {
  const here = pass === 0 ? key : `${key}.${pass}`;
  return {
    outline: `outline.${key}`,
    section: (index: number): string => `draft.${here}/${index}`,
    compose: `compose.${here}`,
    verdict: `verdict.${here}`,
    judge: `judge.${here}`,
    describe: `describe.${key}`,
    finish: `finish.${key}`,
  };
};

/** Whether a path is one of a round's, whatever the pass. */
export const inRound = (step: 'draft' | 'compose', { key }: Pick<Round, 'key'>) => {
  const [first, later] = [`${step}.${key}`, `${step}.${key}.`];
  return step === 'draft' ? { first: `${first}/`, later } : { first, later };
};

export const RESEARCH_PATH = 'research';
export const IMAGE_PATH = 'image';

/** What is kept of a written section. */
export interface SectionResult extends JsonObject {
  readonly heading: string;
  readonly text: string;
  /** `provider:name`. */
  readonly model: string;
}

/** What the judge stores for the pass that follows. */
export interface JudgeResult extends JsonObject {
  readonly revision: number;
  readonly score: number;
  readonly passed: boolean;
  readonly basis: string;
  readonly notes: readonly { readonly text: string; readonly section: number | null }[];
  readonly revise: readonly number[];
  /** Why nothing was compared with the posts that exist; null when it was. */
  readonly not_compared: string | null;
}

interface RoundRow {
  readonly subject_id: string;
  readonly owner_id: string | null;
  readonly input: JsonObject;
  readonly topic: string;
  readonly primary_keyword: string | null;
  readonly target_audience: string | null;
  readonly category: string | null;
  readonly metadata: JsonObject;
  readonly content_id: string | null;
  readonly selected_model: string | null;
  /** The last request for changes of this attempt. */
  readonly request: { readonly id: string; readonly feedback: string | null } | null;
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === 'string' && value.trim() ? value : null;

const titleFor = (task: Pick<RoundRow, 'topic' | 'metadata'>): string => {
  const given = textOf(task.metadata['title']);
  return given ?? task.topic.charAt(0).toLocaleUpperCase('en') + task.topic.slice(1);
};

const tagsFor = (task: Pick<RoundRow, 'metadata' | 'primary_keyword'>): string[] => {
  const given = task.metadata['tags'];
  const tags = Array.isArray(given)
    ? given.filter((tag): tag is string => typeof tag === 'string' && tag.trim() !== '')
    : [];
  return tags.length > 0 || !task.primary_keyword ? tags : [task.primary_keyword];
};

/** Reads the brief, and for a later round what the last approval asked to change. */
export const readRound = async (db: Reader, input: Omit<RoundInput, 'workspace_id'>): Promise<Round> => {
  const row = await db.one<RoundRow>(
    sql`select r.subject_id, r.owner_id, r.input, t.topic, t.primary_keyword, t.target_audience, t.category, t.metadata, t.content_id,
               (select model_id from model_selections where purpose = 'writing') as selected_model,
               (select json_build_object('id', a.id, 'feedback', a.feedback) from approvals a
                 where a.run_id = r.id and a.attempt = r.attempt and a.kind = 'content' and a.status = 'changes_requested'
                 order by a.created_at desc limit 1) as request
          from runs r join tasks t on t.id = r.subject_id where r.id = ${input.run_id}`,
  );
  const request = input.round === 0 ? null : row.request;
  return {
    key: request?.id ?? String(input.round),
    pass: input.pass ?? 0,
    ownerId: row.owner_id,
    taskId: row.subject_id,
    contentId: row.content_id,
    brief: {
      topic: row.topic,
      primaryKeyword: row.primary_keyword,
      targetAudience: row.target_audience,
      category: row.category,
      style: textOf(row.metadata['style']),
      tone: textOf(row.metadata['tone']),
    },
    title: titleFor(row),
    tags: tagsFor(row),
    feedback:
      request?.feedback ??
      (readStart(row.input) === 'optimize' ? optimisationRequest(row.primary_keyword) : null),
    parameters: parametersOf(row.input),
    selectedModel: row.selected_model,
  };
};

/** The stored result of a step of this attempt, or of an earlier one that this attempt uses. */
export const resultOf = async <Result>(
  db: Reader,
  input: { run_id: string; attempt: number },
  path: string,
): Promise<Result | undefined> => {
  const row = await db.maybe<{ result: Result }>(
    sql`select result from run_steps
         where run_id = ${input.run_id} and attempt = ${input.attempt} and path = ${path} and status = 'completed'
         order by finished_at desc limit 1`,
  );
  return row?.result;
};
