/** A row that may hang below another one. */
export interface TreeRow {
  readonly id: string;
  readonly parent_id: string | null;
}

export type TreeNode<Item> = Item & { readonly children: TreeNode<Item>[] };

/**
 * Hangs rows below their parents, in the order in which they come.
 * @param view how a row is shown, without its children. Rows whose parent is not among them are roots.
 */
export const toTree = <Row extends TreeRow, Item>(
  rows: readonly Row[],
  view: (row: Row) => Item,
): TreeNode<Item>[] => {
  const nodes = new Map(rows.map((row) => [row.id, { ...view(row), children: [] as TreeNode<Item>[] }]));
  const roots: TreeNode<Item>[] = [];
  for (const row of rows) {
    const node = nodes.get(row.id);
    if (!node) continue;
    const parent = row.parent_id === null ? undefined : nodes.get(row.parent_id);
    (parent?.children ?? roots).push(node);
  }
  return roots;
};
