const MAX_LENGTH = 80;

/** A path segment from a title: ASCII where a letter has an ASCII form, other scripts kept, never empty. */
export const slugify = (title: string): string => {
  const words = title
    .normalize('NFKD')
    // Accents on Latin letters only: elsewhere marks are part of the letter.
    .replace(/(\p{Script=Latin})\p{M}+/gu, '$1')
    .normalize('NFC')
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, '-');
  // By code points, so that no character is cut in half.
  const slug = Array.from(words)
    .slice(0, MAX_LENGTH)
    .join('')
    .replace(/^-+|-+$/g, '');
  return slug || 'post';
};

/** The n-th candidate for a title whose slug is taken: `name`, `name-2`, `name-3`… */
export const slugCandidate = (base: string, n: number): string => (n === 1 ? base : `${base}-${n}`);
