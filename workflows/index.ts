/** The bundle's entry: every workflow that a worker can carry. */
export { contentAnalysis } from './content/content-analysis.ts';
export { contentPipeline } from './content/content-pipeline.ts';
export { produceContent } from './content/produce-content.ts';
export { runSubtask } from './subtasks/run-subtask.ts';
export { deliverWebhooks } from './webhooks/deliver-webhooks.ts';
