import { optimisationRequest } from '../../domain/content/analysis.ts';
import type { Brief } from '../../domain/content/prompts.ts';
import { readParameters, readStart } from '../../domain/content/pipeline.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import type { RunRow } from '../../store/runs/run.rows.ts';
import { sql, type Reader } from '../../store/store.ts';

/** What one round of writing works from. */
export interface Round {
  /** Names the round's steps: `0` for the first draft, else the approval that asked for changes. */
  readonly key: string;
  readonly taskId: string | null;
  readonly contentId: string | null;
  readonly brief: Brief;
  readonly title: string;
  readonly tags: readonly string[];
  readonly feedback: string | null;
  /** `provider:name` as asked for; `null` for the configured one. */
  readonly modelId: string | null;
}

export const outlinePath = (round: Round): string => `outline.${round.key}`;

/** What the paths of a round's sections begin with; the section's number follows. */
export const sectionPrefix = (round: Round): string => `draft.${round.key}/`;

/** What is kept of a written section. */
export interface SectionResult extends JsonObject {
  readonly heading: string;
  readonly text: string;
  /** `provider:name`. */
  readonly model: string;
}

interface TaskRow {
  readonly topic: string;
  readonly primary_keyword: string | null;
  readonly target_audience: string | null;
  readonly category: string | null;
  readonly metadata: JsonObject;
  readonly content_id: string | null;
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === 'string' && value.trim() ? value : null;

const titleFor = (task: TaskRow): string => {
  const given = textOf(task.metadata['title']);
  return given ?? task.topic.charAt(0).toLocaleUpperCase('en') + task.topic.slice(1);
};

const tagsFor = (task: TaskRow): string[] => {
  const given = task.metadata['tags'];
  const tags = Array.isArray(given)
    ? given.filter((tag): tag is string => typeof tag === 'string' && tag.trim() !== '')
    : [];
  return tags.length > 0 || !task.primary_keyword ? tags : [task.primary_keyword];
};

/** Reads the brief, and for a later round what the last approval asked to change. */
export const readRound = async (db: Reader, run: RunRow, round: number): Promise<Round> => {
  const task = await db.one<TaskRow>(
    sql`select topic, primary_keyword, target_audience, category, metadata, content_id from tasks where id = ${run.subject_id}`,
  );
  const request =
    round === 0
      ? undefined
      : await db.maybe<{ id: string; feedback: string | null }>(
          sql`select id, feedback from approvals
               where run_id = ${run.id} and attempt = ${run.attempt} and status = 'changes_requested'
               order by created_at desc limit 1`,
        );
  return {
    key: request?.id ?? String(round),
    taskId: run.subject_id,
    contentId: task.content_id,
    brief: {
      topic: task.topic,
      primaryKeyword: task.primary_keyword,
      targetAudience: task.target_audience,
      category: task.category,
      style: textOf(task.metadata['style']),
      tone: textOf(task.metadata['tone']),
    },
    title: titleFor(task),
    tags: tagsFor(task),
    feedback:
      request?.feedback ??
      (readStart(run.input) === 'optimize' ? optimisationRequest(task.primary_keyword) : null),
    modelId: readParameters((run.input['parameters'] ?? {}) as JsonObject).model,
  };
};
