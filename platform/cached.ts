/** The result of `work`, at most `freshMs` old; callers that come at once share one. A failure is not kept. */
export const cached = <T>(work: () => Promise<T>, freshMs = 5_000): (() => Promise<T>) => {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    if (!last || Date.now() - last.at > freshMs) {
      const value = work();
      last = { at: Date.now(), value };
      value.catch(() => (last = undefined));
    }
    return last.value;
  };
};
