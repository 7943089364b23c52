/** A Markdown text as a tree of what it means: no HTML, no references, and no address that a browser would run. */

export type Inline =
  | { readonly kind: 'text' | 'code'; readonly text: string }
  | { readonly kind: 'em' | 'strong' | 'del'; readonly children: readonly Inline[] }
  | {
      readonly kind: 'link';
      readonly href: string;
      readonly title: string;
      readonly children: readonly Inline[];
    }
  | { readonly kind: 'image'; readonly src: string; readonly alt: string; readonly title: string }
  | { readonly kind: 'break' };

export interface Heading {
  readonly kind: 'heading';
  readonly depth: number;
  readonly children: readonly Inline[];
}

export interface ListItem {
  /** Whether a task is done; `null` for what is no task. */
  readonly done: boolean | null;
  readonly blocks: readonly Block[];
}

export type Cell = readonly Inline[];

export type Block =
  | Heading
  | { readonly kind: 'paragraph'; readonly children: readonly Inline[] }
  | { readonly kind: 'code'; readonly lang: string; readonly text: string }
  | { readonly kind: 'quote'; readonly blocks: readonly Block[] }
  | {
      readonly kind: 'list';
      readonly start: number | null;
      readonly loose: boolean;
      readonly items: readonly ListItem[];
    }
  | {
      readonly kind: 'table';
      readonly align: readonly ('left' | 'center' | 'right' | null)[];
      readonly header: readonly Cell[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly kind: 'rule' };

export const textNode = (text: string): Inline => ({ kind: 'text', text });

/** Neighbouring texts are one, so that what they spell together is seen. */
export const joined = (inlines: readonly Inline[]): Inline[] => {
  const result: Inline[] = [];
  for (const inline of inlines) {
    const last = result.at(-1);
    if (inline.kind === 'text' && last?.kind === 'text')
      result[result.length - 1] = textNode(last.text + inline.text);
    else if (inline.kind !== 'text' || inline.text !== '') result.push(inline);
  }
  return result;
};

/** The words of inline content, pictures by their description. */
export const plainText = (inlines: readonly Inline[]): string =>
  inlines
    .map((inline) => {
      if (inline.kind === 'break') return ' ';
      if (inline.kind === 'image') return inline.alt;
      return 'children' in inline ? plainText(inline.children) : inline.text;
    })
    .join('');

/** Every heading, those inside quotes and lists too, in their order. */
export const headingsIn = (blocks: readonly Block[]): Heading[] =>
  blocks.flatMap((block) => {
    if (block.kind === 'heading') return [block];
    if (block.kind === 'quote') return headingsIn(block.blocks);
    return block.kind === 'list' ? block.items.flatMap((item) => headingsIn(item.blocks)) : [];
  });
