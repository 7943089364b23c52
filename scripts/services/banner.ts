export interface ReadyFacts {
  readonly elapsedMs: number;
  readonly apiUrl: string;
  /** `null` when another Temporal server was given without the address of its Web UI. */
  readonly temporalUiUrl: string | null;
  readonly dataDir: string;
  readonly database: string;
  /** One line: the model and whether it can be used. */
  readonly model: string;
  readonly admin: { readonly email: string | null; readonly newPassword: string | null };
}

/** The one message that a ready instance prints: where everything is, and how to stop. */
export const renderBanner = (facts: ReadyFacts): string => {
  const { email, newPassword } = facts.admin;
  const rows: [string, string | null][] = [
    ['API', facts.apiUrl],
    ['Docs', `${facts.apiUrl}/docs`],
    ['Site', `${facts.apiUrl}/posts`],
    ['Temporal UI', facts.temporalUiUrl],
    ['Database', facts.database],
    ['Data', `${facts.dataDir} (logs in logs/)`],
    ['Model', facts.model],
    ['Administrator', email],
    ['Password', newPassword && `${newPassword}   (shown only this once: keep it)`],
  ];
  const lines = rows.flatMap(([label, value]) => (value === null ? [] : [`  ${label.padEnd(15)}${value}`]));
  return `\nTaskloom is ready (${(facts.elapsedMs / 1000).toFixed(1)} s)\n\n${lines.join('\n')}\n\nPress Ctrl-C to stop.\n`;
};
