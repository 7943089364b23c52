/** Tokens that the local model is given room for, prompt and answer together. */
export const LOCAL_CONTEXT_TOKENS = 2048;
