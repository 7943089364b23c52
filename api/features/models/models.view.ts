import type { ModelRow } from '../../../store/models/model.rows.ts';
import type { components } from '../../generated/openapi.d.ts';
import { time, usd } from '../../http/wire.ts';

const maybeUsd = (micros: number | null): number | null => (micros === null ? null : usd(micros));

/** A model as everyone may see it: not why it is away, which names addresses and settings of this installation. */
export const modelView = (model: ModelRow): components['schemas']['Model'] => ({
  id: model.id,
  name: model.title,
  provider: model.provider,
  model: model.name,
  context_window: model.context_window,
  max_output_tokens: model.max_output_tokens,
  pricing: {
    input_usd_per_mtok: maybeUsd(model.input_price),
    output_usd_per_mtok: maybeUsd(model.output_price),
    source: model.price_source,
  },
  abilities: model.abilities,
  quality: model.quality,
  available: model.available,
  size_bytes: model.size_bytes,
  parameters: model.parameters,
  quantization: model.quantization,
});

export const modelInfoView = (model: ModelRow, mayKnowWhy: boolean): components['schemas']['ModelInfo'] => ({
  ...modelView(model),
  ...(mayKnowWhy ? { reason: model.reason } : {}),
  first_seen_at: time(model.first_seen_at),
  last_seen_at: time(model.last_seen_at),
});
