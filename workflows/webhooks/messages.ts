/** What carries an endpoint's messages is started with: ids, never what is sent or where. */
export interface WebhookInput {
  readonly endpoint_id: string;
  readonly workspace_id: string;
  /** Counts how often the endpoint has become active: an older one has nothing left to do. */
  readonly generation: number;
}

export interface PlanInput extends WebhookInput {
  /** Messages that are on their way. */
  readonly busy: readonly string[];
  /** How many may be. */
  readonly at_once: number;
}

export interface MessageInput extends WebhookInput {
  readonly message_id: string;
}
