/** Each kind of run and what carries it. The workflow's name is that of its exported function. */
export const RUN_KINDS = {
  content: { workflow: 'produceContent', queue: 'control' },
  analysis: { workflow: 'contentAnalysis', queue: 'control' },
  subtask: { workflow: 'runSubtask', queue: 'control' },
} as const;
export type RunKind = keyof typeof RUN_KINDS;
