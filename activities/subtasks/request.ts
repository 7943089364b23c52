import { ApplicationFailure } from '@temporalio/common';
import type { JsonObject } from '../../domain/json.ts';
import { requestOf } from '../../domain/subtasks/subtask.ts';
import { selectedModel } from '../../store/models/selection.ts';
import { sql, type Reader } from '../../store/store.ts';
import { chooseModel, type ChosenModel } from '../models/choose-model.ts';
import type { ActivityDeps } from '../runtime.ts';

/** What was asked of a subtask, without its text. */
export const readRequest = async (db: Reader, runId: string): Promise<JsonObject> =>
  requestOf(
    (
      await db.one<{ input: JsonObject }>(
        sql`select input - 'material' as input from runs where id = ${runId}`,
      )
    ).input,
  );

/** The model that the workspace selected for writing, else the configured one. @throws ApplicationFailure `model_not_configured`. */
export const modelOfSubtask = async (deps: ActivityDeps, db: Reader): Promise<ChosenModel> =>
  chooseModel(deps.models, db, {
    named: null,
    prefer: null,
    selected: await selectedModel(db, 'writing'),
  });

const isFailure = (error: unknown, type: string): boolean =>
  error instanceof ApplicationFailure && error.type === type;

/** The model where there is one that is able to judge and to summarise; null where code has to do without. */
export const ableModel = async (deps: ActivityDeps, db: Reader): Promise<ChosenModel | null> => {
  try {
    const chosen = await modelOfSubtask(deps, db);
    return chosen.model.quality === 'standard' ? chosen : null;
  } catch (error) {
    if (isFailure(error, 'model_not_configured')) return null;
    throw error;
  }
};

/** What a model answers where code can do without; null when nothing that it wrote was of use. */
export const unlessUseless = async <T>(asked: Promise<T>): Promise<T | null> => {
  try {
    return await asked;
  } catch (error) {
    if (isFailure(error, 'model_rejected')) return null;
    throw error;
  }
};
