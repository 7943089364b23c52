import { selectedModel } from '../../../store/models/selection.ts';
import { MODEL_COLUMNS, type ModelRow } from '../../../store/models/model.rows.ts';
import { sql, type Reader } from '../../../store/store.ts';
import { defineHandlers } from '../../http/operation.ts';
import { loadSpec } from '../../http/spec.ts';
import type { Ability, ConfiguredAbilities } from './abilities.ts';
import { readTools, type Need } from './tools.ts';

export interface ToolDeps {
  readonly abilities: ConfiguredAbilities;
}

const HERE: Ability = { available: true, reason: null };

/** The model that writes for this workspace, as far as the catalogue knows it. */
const writingModel = async (db: Reader, { model }: ConfiguredAbilities): Promise<ModelRow | undefined> => {
  const id = (await selectedModel(db)) ?? model;
  return id === null
    ? undefined
    : db.maybe<ModelRow>(sql`select ${MODEL_COLUMNS} from models m where m.id = ${id}`);
};

const ofModel = (model: ModelRow | undefined): Record<'writing' | 'judging', Ability> => {
  if (!model) return { writing: HERE, judging: HERE };
  const why = model.available ? null : `${model.id} is away: ${model.reason ?? 'nobody said why'}`;
  const alone = model.quality === 'demo' ? `${model.id} is for demonstration` : null;
  const without = why ?? alone;
  return {
    writing: { available: model.available, reason: why },
    judging: { available: true, reason: without === null ? null : `By code alone, as ${without}` },
  };
};

export const toolHandlers = ({ abilities }: ToolDeps) => {
  const tools = readTools(loadSpec());
  return defineHandlers({
    listTools: async (_input, ctx) => {
      const model = await ctx.read((db) => writingModel(db, abilities));
      const known: Record<Need, Ability> = { ...abilities, ...ofModel(model) };
      // Reasons name settings and addresses of the installation.
      const mayKnowWhy = ctx.principal.scopes.has('models:read');
      return {
        tools: tools.map(({ need, ...tool }) => {
          const { available, reason } = need === null ? HERE : known[need];
          return { ...tool, available, reason: mayKnowWhy ? reason : null };
        }),
      };
    },
  });
};
