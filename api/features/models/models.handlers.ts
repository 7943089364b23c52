import { modelListing, requireModel } from '../../../store/models/catalogue.repository.ts';
import { selectModel } from '../../../store/models/selection.ts';
import { defineHandlers } from '../../http/operation.ts';
import { openList } from '../../http/resource.ts';
import { modelInfoView, modelView } from './models.view.ts';
import { ollamaHandlers, type OllamaDeps } from './ollama.handlers.ts';

export type ModelDeps = OllamaDeps;

/** One catalogue behind three addresses. */
const listAt = (path: string) => {
  const read = openList({ path, view: modelView, listing: () => modelListing() });
  return async (...[input, ctx]: Parameters<typeof read>) => {
    const page = await read(input, ctx);
    return { ...page, models: page.items };
  };
};

const find = (name: string) => (db: Parameters<typeof requireModel>[0]) => requireModel(db, name);

export const modelHandlers = (deps: ModelDeps) => ({
  ...ollamaHandlers(deps),
  ...defineHandlers({
    listModels: listAt('/api/models'),
    listModelsAsList: listAt('/api/models/list'),
    listModelsHyphenated: listAt('/api/models-list'),
    getModel: async ({ params }, ctx) => modelView(await ctx.readOpen(find(params.model_name))),
    getModelInfo: async ({ params }, ctx) =>
      modelInfoView(
        await ctx.readOpen(find(params.model_name)),
        ctx.maybePrincipal?.scopes.has('models:read') ?? false,
      ),
    selectModel: ({ body }, ctx) =>
      ctx.write(async (tx) => {
        const model = await requireModel(tx, body.model, 'ollama');
        const previous = await selectModel(tx, model);
        return {
          model: model.id,
          selected: true,
          purpose: 'writing' as const,
          name: model.title,
          provider: model.provider,
          previous,
        };
      }),
  }),
});
