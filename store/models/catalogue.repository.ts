import type { FedModel } from '../../domain/models/feed.ts';
import { notFound } from '../../domain/errors.ts';
import type { Listing } from '../page.ts';
import { sql } from '../sql.ts';
import type { Reader } from '../store.ts';
import type { SystemStore } from '../system.ts';
import { MODEL_COLUMNS, type ModelRow } from './model.rows.ts';

/** What one provider answered when it was asked for its models. */
export interface ProviderFeed {
  readonly provider: string;
  readonly models: readonly FedModel[];
  /** Why it could not be asked, in words that name what to change; null when `models` is all that it has. */
  readonly reason: string | null;
}

/** So that two workers that refresh at once don't wait for each other in a circle. */
const CATALOGUE_LOCK = 7_205_114_004;

const rowOf = (model: FedModel): object => ({
  id: model.id,
  provider: model.provider,
  name: model.name,
  title: model.title,
  context_window: model.contextWindow,
  max_output_tokens: model.maxOutputTokens,
  abilities: model.abilities,
  quality: model.quality,
  input_price: model.price?.inputPerMtok ?? null,
  output_price: model.price?.outputPerMtok ?? null,
  price_source: model.priceSource,
  size_bytes: model.sizeBytes,
  parameters: model.parameters,
  quantization: model.quantization,
});

const upsert = (models: readonly FedModel[]) =>
  sql`insert into models (id, provider, name, title, context_window, max_output_tokens, abilities, quality, input_price,
                          output_price, price_source, size_bytes, parameters, quantization, available)
      select distinct on (g.id) g.id, g.provider, g.name, g.title, g.context_window, g.max_output_tokens, g.abilities, g.quality,
             g.input_price, g.output_price, g.price_source, g.size_bytes, g.parameters, g.quantization, true
        from jsonb_to_recordset(${JSON.stringify(models.map(rowOf))}::jsonb) as g(id text, provider text, name text, title text,
             context_window bigint, max_output_tokens bigint, abilities text[], quality text, input_price bigint,
             output_price bigint, price_source text, size_bytes bigint, parameters bigint, quantization text)
      on conflict (id) do update
        set title = excluded.title, context_window = excluded.context_window, max_output_tokens = excluded.max_output_tokens,
            abilities = excluded.abilities, quality = excluded.quality, input_price = excluded.input_price,
            output_price = excluded.output_price, price_source = excluded.price_source, size_bytes = excluded.size_bytes,
            parameters = excluded.parameters, quantization = excluded.quantization, available = true, reason = null,
            last_seen_at = now()`;

/** Models that were not listed now stay, unavailable, with the reason of their provider. */
const withdraw = (feeds: readonly ProviderFeed[], seen: readonly string[]) => {
  const reasons = feeds.map(({ provider, reason }) => ({
    provider,
    reason: reason ?? `${provider} no longer lists this model`,
  }));
  return sql`with reasons as (
        select m.id, coalesce(r.reason, m.provider || ' is not configured here any more') as reason
          from models m
          left join jsonb_to_recordset(${JSON.stringify(reasons)}::jsonb) as r(provider text, reason text) using (provider)
         where m.id <> all(${seen}))
      update models m set available = false, reason = r.reason
        from reasons r where m.id = r.id and m.reason is distinct from r.reason`;
};

/**
 * Brings the catalogue to what the providers answered. A model that is listed is available; one that is not, or whose
 * provider could not be asked, becomes unavailable with the reason. Nothing is ever deleted: selections and runs name models.
 */
export const feedCatalogue = (system: SystemStore, feeds: readonly ProviderFeed[]): Promise<void> =>
  system.transaction(async (db) => {
    const models = feeds.flatMap((feed) => (feed.reason === null ? feed.models : []));
    await db.many(sql`select pg_advisory_xact_lock(${CATALOGUE_LOCK})`);
    await db.run(upsert(models));
    await db.run(
      withdraw(
        feeds,
        models.map(({ id }) => id),
      ),
    );
  });

/** All models by provider and id, available or not. */
export const modelListing = (): Listing => ({
  columns: MODEL_COLUMNS,
  from: sql`models m`,
  where: [],
  order: [
    { column: sql`m.provider`, type: 'text', descending: false },
    { column: sql`m.id`, type: 'text', descending: false },
  ],
});

/**
 * The model that a person means by an id (`provider:name`) or by a name alone. Ollama's names go without their `:latest`.
 * A name that several providers have means an available one, of `prefer` first.
 * @throws DomainError not_found.
 */
export const requireModel = async (db: Reader, idOrName: string, prefer = ''): Promise<ModelRow> => {
  const latest = `${idOrName}:latest`;
  const model = await db.maybe<ModelRow>(
    sql`select ${MODEL_COLUMNS} from models m
         where m.id = ${idOrName} or m.name = ${idOrName} or (m.provider = 'ollama' and ${latest} in (m.id, m.name))
         order by (m.id = ${idOrName}) desc, (m.provider = ${prefer}) desc, m.available desc, (m.name = ${idOrName}) desc, m.id
         limit 1`,
  );
  if (!model) throw notFound('model', idOrName);
  return model;
};
