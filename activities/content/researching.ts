import { parametersOf, PROGRESS } from '../../domain/content/pipeline.ts';
import type { Held } from '../../domain/runs/held.ts';
import { storeSources } from '../../store/research/sources.repository.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { workStep } from '../models/work-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import { readRound, RESEARCH_PATH } from './round.ts';

/** What a run's research found; the sources themselves lie in their table. */
export type ResearchAnswer = { readonly sources: number; readonly note: string | null };

/** The pipeline's step that looks for sources. */
export const createResearchActivities = (deps: ActivityDeps) => ({
  /** Looks for sources of what the brief is about. Where there are none, the answer says why, and the run goes on. */
  research: (input: RunInput): Promise<ResearchAnswer | Held> =>
    workStep(deps, input, {
      plan: async (tx, run) => {
        const { brief } = await readRound(tx, { ...input, round: 0 });
        const { research } = parametersOf(run.input);
        const depth = research === 'none' ? 'moderate' : research;
        const query = { topic: brief.topic, keyword: brief.primaryKeyword ?? null, depth };
        return { path: RESEARCH_PATH, title: 'Research', inputs: query, context: query };
      },
      work: async (query, signal) => deps.research.search(query, signal),
      store: async (tx, { sources, note }) => {
        await storeSources(tx, input.run_id, sources);
        return { sources: sources.length, note };
      },
      note: ({ sources, note }) => note ?? (sources === 1 ? '1 source' : `${sources} sources`),
      progress: { to: PROGRESS.researched },
    }),
});
