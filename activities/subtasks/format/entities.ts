/** The named characters that writers of Markdown use, and those that hide an address from a careless check. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  times: '×',
  deg: '°',
  euro: '€',
  pound: '£',
  sect: '§',
  rarr: '→',
  larr: '←',
  colon: ':',
  Tab: '\t',
  NewLine: '\n',
};

const characterAt = (code: number): string =>
  code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : '\ufffd';

/** A text with its character references as characters; names that are not known here stay as they are. */
export const decodeEntities = (text: string): string =>
  text
    .replace(/&#[xX]([0-9a-fA-F]{1,8});/g, (_, hex: string) => characterAt(Number.parseInt(hex, 16)))
    .replace(/&#(\d{1,8});/g, (_, digits: string) => characterAt(Number(digits)))
    .replace(/&([A-Za-z]{2,8});/g, (whole, name: string) => NAMED[name] ?? whole);
