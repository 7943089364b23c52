/** A statement and its parameters. Values never become part of the text. */
export interface Sql {
  readonly text: string;
  readonly values: readonly unknown[];
}

const isSql = (value: unknown): value is Sql =>
  typeof value === 'object' && value !== null && 'text' in value && 'values' in value;

/**
 * Builds a statement from a template. An interpolated `Sql` becomes part of the statement, everything else a parameter:
 * sql`select * from runs where id = ${id} ${filter}`.
 */
export const sql = (strings: TemplateStringsArray, ...parts: readonly unknown[]): Sql => {
  const values: unknown[] = [];
  let text = strings[0] ?? '';
  parts.forEach((part, i) => {
    if (isSql(part)) {
      text += part.text.replace(/\$(\d+)/g, (_, n: string) => `$${Number(n) + values.length}`);
      values.push(...part.values);
    } else {
      values.push(part);
      text += `$${values.length}`;
    }
    text += strings[i + 1] ?? '';
  });
  return { text, values };
};

/** Joins conditions with `and`; none is `true`. */
export const all = (conditions: readonly Sql[]): Sql =>
  conditions.length === 0 ? sql`true` : conditions.reduce((left, right) => sql`${left} and ${right}`);
