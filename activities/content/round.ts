import { optimisationRequest } from '../../domain/content/analysis.ts';
import type { Brief } from '../../domain/content/prompts.ts';
import { readParameters, readStart } from '../../domain/content/pipeline.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { sql, type Reader } from '../../store/store.ts';
import type { RoundInput } from '../../workflows/content/messages.ts';

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

interface RoundRow {
  readonly subject_id: string;
  readonly input: JsonObject;
  readonly topic: string;
  readonly primary_keyword: string | null;
  readonly target_audience: string | null;
  readonly category: string | null;
  readonly metadata: JsonObject;
  readonly content_id: string | null;
  /** The last request for changes of this attempt. */
  readonly request: { readonly id: string; readonly feedback: string | null } | null;
}

const textOf = (value: Json | undefined): string | null =>
  typeof value === 'string' && value.trim() ? value : null;

const titleFor = (task: Pick<RoundRow, 'topic' | 'primary_keyword' | 'metadata'>): string => {
  const given = textOf(task.metadata['title']);
  return given ?? task.topic.charAt(0).toLocaleUpperCase('en') + task.topic.slice(1);
};

const tagsFor = (task: Pick<RoundRow, 'topic' | 'primary_keyword' | 'metadata'>): string[] => {
  const given = task.metadata['tags'];
  const tags = Array.isArray(given)
    ? given.filter((tag): tag is string => typeof tag === 'string' && tag.trim() !== '')
    : [];
  return tags.length > 0 || !task.primary_keyword ? tags : [task.primary_keyword];
};

/** Reads the brief, and for a later round what the last approval asked to change. */
export const readRound = async (db: Reader, input: RoundInput): Promise<Round> => {
  const row = await db.one<RoundRow>(
    sql`select r.subject_id, r.input, t.topic, t.primary_keyword, t.target_audience, t.category, t.metadata, t.content_id,
               (select json_build_object('id', a.id, 'feedback', a.feedback) from approvals a
                 where a.run_id = r.id and a.attempt = r.attempt and a.status = 'changes_requested'
                 order by a.created_at desc limit 1) as request
          from runs r join tasks t on t.id = r.subject_id where r.id = ${input.run_id}`,
  );
  const request = input.round === 0 ? null : row.request;
  return {
    key: request?.id ?? String(input.round),
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
    modelId: readParameters((row.input['parameters'] ?? {}) as JsonObject).model,
  };
};
