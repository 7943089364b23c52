import type { JsonObject } from '../../../domain/json.ts';
import type { Source } from '../../../domain/research/source.ts';
import type { RunRow } from '../../../store/runs/run.rows.ts';
import type { components } from '../../generated/openapi.d.ts';

type Schemas = components['schemas'];
/** What every subtask answers. */
type SubtaskAnswer = Pick<Schemas['ResearchAnswer'], 'status' | 'run_id' | 'run_status' | 'progress'>;

/** A run whose answer is stored but which has not ended is still at work. */
export const subtaskView = (run: RunRow): SubtaskAnswer => ({
  status: run.status === 'completed' ? 'completed' : 'processing',
  run_id: run.id,
  run_status: run.status,
  progress: run.progress,
});

const sourceView = (source: Source): Schemas['ResearchSource'] => ({
  n: source.n,
  title: source.title,
  url: source.url,
  publisher: source.publisher,
  published_at: source.publishedAt,
  passages: [...source.passages],
});

/** What each subtask adds: its stored answer, or nothing yet. @param found what was searched and found */
export const researchView = (
  answer: JsonObject | undefined,
  found: { readonly sources: readonly Source[]; readonly note: string | null },
): Omit<Schemas['ResearchAnswer'], keyof SubtaskAnswer> => {
  const { findings = null, findings_by = null } = (answer ?? {}) as Partial<Schemas['ResearchAnswer']>;
  return { findings, findings_by, sources: found.sources.map(sourceView), note: found.note };
};

export const creativeView = (answer: JsonObject | undefined) => {
  const { content = null, words = null, model = null } = (answer ?? {}) as Partial<Schemas['CreativeAnswer']>;
  return { content, words, model };
};

export const qaView = (answer: JsonObject | undefined) => {
  const found = (answer ?? {}) as Partial<Schemas['QaAnswer']>;
  const { issues = [], quality_score = null, basis = null, unchecked = [] } = found;
  return { issues, quality_score, basis, unchecked };
};

export const imagesView = (answer: JsonObject | undefined) => {
  const { images = [], note = null } = (answer ?? {}) as Partial<Schemas['ImagesAnswer']>;
  return { images, note };
};

export const formatView = (answer: JsonObject | undefined) => {
  const { formatted_content = null, format = null } = (answer ?? {}) as Partial<Schemas['FormatAnswer']>;
  return { formatted_content, format };
};
