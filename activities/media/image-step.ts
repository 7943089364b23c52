import { ApplicationFailure } from '@temporalio/common';
import type { JsonObject } from '../../domain/json.ts';
import type { Held } from '../../domain/runs/held.ts';
import { storeImage, type ImageRow, type NewImage } from '../../store/media/images.repository.ts';
import type { Progress, Usage } from '../../store/runs/steps.ts';
import { sql, type Reader, type Writer } from '../../store/store.ts';
import type { RunInput } from '../../workflows/runs/messages.ts';
import { workStep } from '../models/work-step.ts';
import type { ActivityDeps } from '../runtime.ts';
import type { ImageModel } from './image-model.ts';
import { makeImage, type ImageWish, type MadeImages } from './make-image.ts';
import { writeImageFiles } from './store-images.ts';

/** What a step of a run is to draw. */
export interface ImageOrder {
  readonly path: string;
  /** For people, while it runs. */
  readonly title: string;
  /** What the images depend on, besides the model. */
  readonly inputs: JsonObject;
  /** `null`: none is wanted. */
  readonly wish: Omit<ImageWish, 'siteName' | 'mayPaint'> | null;
}

export interface ImageWork<Result extends JsonObject> {
  readonly order: (tx: Reader) => Promise<ImageOrder>;
  /** @param note why there are title cards although a model is configured; null otherwise. */
  readonly answer: (rows: readonly ImageRow[], note: string | null) => Result;
  /** What those who watch are told of it. */
  readonly note?: (result: Result) => string | null;
  readonly progress: Progress;
}

/** The model that may be asked, or what stands in its way; neither where none is configured. */
interface Chosen {
  readonly model: ImageModel | null;
  readonly obstacle: string | null;
}

const chooseImageModel = async (deps: ActivityDeps, isLimited: boolean): Promise<Chosen> => {
  try {
    const model = await deps.imageModels.resolve();
    if (!model || !isLimited || model.price !== null) return { model, obstacle: null };
    const obstacle = `${model.id} has no configured price, so no budget can pay for it: set TASKLOOM_IMAGE_USD`;
    return { model: null, obstacle };
  } catch (error) {
    if (error instanceof ApplicationFailure) return { model: null, obstacle: error.message };
    throw error;
  }
};

const priceOf = ({ price }: ImageModel, { count = 1 }: Pick<ImageWish, 'count'>): number =>
  (price ?? 0) * count;

interface Plan {
  readonly path: string;
  readonly wish: ImageWish | null;
  readonly chosen: Chosen;
}

interface Drawn {
  readonly plan: Plan;
  readonly made: MadeImages | null;
  readonly ready: readonly NewImage[];
  readonly latencyMs: number;
}

/** What a call of the model books, also one of no use; a title card of its own costs nothing. */
const usageOf = ({ made, latencyMs }: Drawn): Usage[] => {
  if (!made?.paid) return [];
  const { model, costMicros, inDoubt } = made.paid;
  const { provider, name } = model;
  return [
    {
      provider,
      model: name,
      tokensIn: 0,
      tokensOut: 0,
      tokensCached: 0,
      costMicros,
      latencyMs: inDoubt ? null : latencyMs,
      inDoubt,
    },
  ];
};

const draw = async (
  deps: ActivityDeps,
  { run_id: runId, workspace_id: workspaceId }: RunInput,
  plan: Plan,
  signal: AbortSignal,
): Promise<Drawn> => {
  const { wish, path: stepPath } = plan;
  if (wish === null) return { plan, made: null, ready: [], latencyMs: 0 };
  const beganAt = performance.now();
  const made = await makeImage(deps, wish, signal);
  const { prompt, style } = wish;
  const place = { workspaceId, runId, stepPath, contentId: null, prompt, style };
  const ready = await writeImageFiles(deps.files, place, made.images);
  return { plan, made, ready, latencyMs: Math.round(performance.now() - beganAt) };
};

const storeAll = async (tx: Writer, ready: readonly NewImage[]): Promise<ImageRow[]> => {
  const rows: ImageRow[] = [];
  for (const image of ready) rows.push(await storeImage(tx, image));
  return rows;
};

/**
 * A step of a run that makes images: paid for in advance, by the configured model, else as title cards; files first, then
 * rows. A step that is repeated finds what it made.
 */
export const imageStep = <Result extends JsonObject>(
  deps: ActivityDeps,
  input: RunInput,
  task: ImageWork<Result>,
): Promise<Result | Held> =>
  workStep<Plan, Drawn, Result>(deps, input, {
    plan: async (tx, _run, { isLimited }) => {
      const [{ path, title, inputs, wish }, chosen, site] = await Promise.all([
        task.order(tx),
        chooseImageModel(deps, isLimited),
        tx.one<{ name: string }>(sql`select name from workspaces`),
      ]);
      const { model } = chosen;
      const whole = wish && { ...wish, siteName: site.name, mayPaint: model !== null };
      return {
        path,
        title,
        inputs: wish === null ? inputs : { ...inputs, model: model?.id ?? null },
        ...(wish !== null && model
          ? {
              paid: {
                provider: model.provider,
                name: model.name,
                amount: isLimited ? priceOf(model, wish) : null,
              },
            }
          : {}),
        context: { path, wish: whole, chosen },
      };
    },
    work: (plan, signal) => draw(deps, input, plan, signal),
    store: async (tx, { made, ready, plan }) => {
      const rows = await storeAll(tx, ready);
      return task.answer(rows, made && (made.note ?? plan.chosen.obstacle));
    },
    note: (result) => task.note?.(result) ?? null,
    usage: usageOf,
    progress: task.progress,
  });
