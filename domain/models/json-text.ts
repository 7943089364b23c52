const attempt = (text: string): { value: unknown } | undefined => {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
};

/**
 * The JSON value in what a model wrote: the whole text, or what stands in a fence, or what lies between the first
 * bracket and the last one.
 * @returns undefined when there is none
 */
export const jsonIn = (text: string): { value: unknown } | undefined => {
  const fenced = /```(?:json)?\s*\n([\s\S]*?)```/i.exec(text)?.[1];
  const from = text.search(/[{[]/);
  const to = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  return (
    attempt(text) ??
    (fenced === undefined ? undefined : attempt(fenced)) ??
    (from >= 0 && to > from ? attempt(text.slice(from, to + 1)) : undefined)
  );
};
