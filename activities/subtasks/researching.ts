import { textAt, type JsonObject } from '../../domain/json.ts';
import { workerPrincipal } from '../../domain/identity/principal.ts';
import { isHeld, type Held } from '../../domain/runs/held.ts';
import { findingsByRule, findingsPrompt, keepFindings } from '../../domain/subtasks/research.ts';
import { ANSWER_PATH } from '../../domain/subtasks/subtask.ts';
import { listSources, storeSources } from '../../store/research/sources.repository.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { RESEARCH_PATH, resultOf } from '../content/round.ts';
import { askModel } from '../models/model-step.ts';
import { workStep } from '../models/work-step.ts';
import type { ResearchQuery } from '../research/research.ts';
import type { ActivityDeps } from '../runtime.ts';
import { ableModel, modelOfSubtask, readRequest, unlessUseless } from './request.ts';

interface Found extends JsonObject {
  readonly sources: number;
  /** Why there are none, or what was left out. */
  readonly note: string | null;
}

interface Findings extends JsonObject {
  readonly findings: string;
  /** `provider:name`, or `rule`. */
  readonly findings_by: string;
}

const DONE = { to: 95 };

const byModel = (deps: ActivityDeps, input: RunInput): Promise<Findings | Held> =>
  askModel<Findings>(deps, input, async (tx) => {
    const [request, sources, model] = await Promise.all([
      readRequest(tx, input.run_id),
      listSources(tx, input.run_id),
      modelOfSubtask(deps, tx),
    ]);
    return {
      path: ANSWER_PATH,
      title: 'Findings',
      model,
      prompt: findingsPrompt(textAt(request, 'topic'), sources),
      progress: DONE,
      question: {
        form: 'text',
        keep: (text) => {
          const findings = keepFindings(text, sources);
          return findings === undefined ? undefined : { findings, findings_by: model.model.id };
        },
      },
    };
  });

const byRule = (deps: ActivityDeps, input: RunInput): Promise<Findings | Held> =>
  workStep<Findings, Findings, Findings>(deps, input, {
    plan: async (tx) => {
      const sources = await listSources(tx, input.run_id);
      const found = await resultOf<Found>(tx, input, RESEARCH_PATH);
      const findings = sources.length > 0 ? findingsByRule(sources) : (found?.note ?? 'no sources');
      const context = { findings, findings_by: 'rule' };
      return { path: ANSWER_PATH, title: 'Findings', inputs: context, context };
    },
    work: async (findings) => findings,
    store: async (_tx, findings) => findings,
    progress: DONE,
  });

/** The steps of a research subtask. */
export const createResearchSubtask = (deps: ActivityDeps) => ({
  /** Looks for sources and keeps them with the run. */
  findSources: (input: RunInput): Promise<Found | Held> =>
    workStep<ResearchQuery, Awaited<ReturnType<typeof deps.research.search>>, Found>(deps, input, {
      plan: async (tx) => {
        const { topic, depth, sources } = (await readRequest(tx, input.run_id)) as unknown as {
          topic: string;
          depth: ResearchQuery['depth'];
          sources: NonNullable<ResearchQuery['kinds']>;
        };
        const context = { topic, keyword: null, depth, kinds: sources };
        return { path: RESEARCH_PATH, title: 'Research', inputs: context, context };
      },
      work: async (query, signal) => deps.research.search(query, signal),
      store: async (tx, { sources, note }) => {
        await storeSources(tx, input.run_id, sources);
        return { sources: sources.length, note };
      },
      progress: { to: 50 },
    }),

  /** Says what the sources say: in the model's words where it is able, else in their own. */
  reportFindings: async (input: RunInput): Promise<{ findings_by: string } | Held> => {
    const able = await deps.store.read(workerPrincipal(input.workspace_id), async (db) => {
      const [sources, model] = await Promise.all([listSources(db, input.run_id), ableModel(deps, db)]);
      return sources.length > 0 && model !== null;
    });
    const summary = able ? await unlessUseless(byModel(deps, input)) : null;
    const made = summary ?? (await byRule(deps, input));
    return isHeld(made) ? made : { findings_by: made.findings_by };
  },
});
