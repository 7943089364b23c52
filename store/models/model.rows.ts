import type { Ability, Quality } from '../../domain/models/catalogue.ts';
import type { PriceSource } from '../../domain/models/price.ts';
import { sql } from '../sql.ts';

/** One model of the catalogue. Prices are micro-dollars per million tokens. */
export interface ModelRow {
  readonly id: string;
  readonly provider: string;
  readonly name: string;
  readonly title: string;
  readonly context_window: number | null;
  readonly max_output_tokens: number | null;
  readonly abilities: Ability[];
  readonly quality: Quality;
  readonly input_price: number | null;
  readonly output_price: number | null;
  readonly price_source: PriceSource | null;
  readonly size_bytes: number | null;
  readonly parameters: number | null;
  readonly quantization: string | null;
  readonly available: boolean;
  /** For those who run the installation: it may name addresses and settings. */
  readonly reason: string | null;
  readonly first_seen_at: Date;
  readonly last_seen_at: Date;
}

export const MODEL_COLUMNS = sql`m.id, m.provider, m.name, m.title, m.context_window, m.max_output_tokens, m.abilities, m.quality,
  m.input_price, m.output_price, m.price_source, m.size_bytes, m.parameters, m.quantization, m.available, m.reason,
  m.first_seen_at, m.last_seen_at`;
