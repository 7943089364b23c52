import type { RoutableModel } from '../../domain/models/route.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import { MODEL_COLUMNS, type ModelRow } from './model.rows.ts';
import { readSpeeds } from './speed.ts';

/** The whole catalogue as `route` takes it, with the speeds that this workspace measured. */
export const readRoutableModels = async (db: Reader): Promise<RoutableModel[]> => {
  const [models, speeds] = await Promise.all([
    db.many<ModelRow>(sql`select ${MODEL_COLUMNS} from models m order by m.id`),
    readSpeeds(db),
  ]);
  return models.map((model) => ({
    id: model.id,
    available: model.available,
    reason: model.reason,
    abilities: model.abilities,
    quality: model.quality,
    price:
      model.input_price === null || model.output_price === null
        ? null
        : { inputPerMtok: model.input_price, outputPerMtok: model.output_price },
    tokensPerSecond: speeds.get(model.id) ?? null,
  }));
};
