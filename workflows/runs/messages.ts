/** What every run's workflow is started with: ids, never documents. */
export interface RunInput {
  readonly run_id: string;
  readonly workspace_id: string;
  readonly attempt: number;
}
