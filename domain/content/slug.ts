const MAX_LENGTH = 80;

/** A path segment from a title: ASCII where a letter has an ASCII form, other scripts kept, never empty. */
export const slugify = (title: string): string => {
  const slug = title
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{N}]+/gu, '-')
    .slice(0, MAX_LENGTH)
    .replace(/^-+|-+$/g, '');
  return slug || 'post';
};

/** The n-th candidate for a title whose slug is taken: `name`, `name-2`, `name-3`… */
export const slugCandidate = (base: string, n: number): string => (n === 1 ? base : `${base}-${n}`);
