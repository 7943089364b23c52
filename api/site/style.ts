import { DEFAULT_ACCENT, readableOn, type ColourScheme, type Theme } from '../../domain/settings/theme.ts';

interface Palette {
  readonly paper: string;
  readonly tint: string;
  /** The other colours, as declarations. */
  readonly rest: string;
  /** In the place of the site's own accent. */
  readonly accent: string;
}

const LIGHT: Palette = {
  paper: '#fdfcf9',
  tint: '#f4f1e9',
  rest: '--ink: #23211d; --muted: #6b655b; --line: #e4dfd4; --mark: #fbeab0;',
  accent: DEFAULT_ACCENT,
};
const DARK: Palette = {
  paper: '#16181a',
  tint: '#1e2124',
  rest: '--ink: #dedad1; --muted: #9c968a; --line: #2f3235; --mark: #5a4a12;',
  accent: '#82c6c8',
};

/** The colours of one scheme. An accent that somebody chose stays one that can be read. */
const colours = ({ paper, tint, rest, accent }: Palette, chosen: string): string => {
  const shown = chosen === DEFAULT_ACCENT ? accent : readableOn(chosen, [paper, tint]);
  return `--paper: ${paper}; --tint: ${tint}; --accent: ${shown}; ${rest}`;
};

/** What browsers may choose between, as CSS and HTML say it. */
export const schemesOf = (scheme: ColourScheme): string => (scheme === 'auto' ? 'light dark' : scheme);

const themed = ({ scheme, accent }: Theme): string => {
  const first = `:root { color-scheme: ${schemesOf(scheme)}; ${colours(scheme === 'dark' ? DARK : LIGHT, accent)} }\n`;
  if (scheme !== 'auto') return first;
  return `${first}@media (prefers-color-scheme: dark) { :root { ${colours(DARK, accent)} } }\n`;
};

/** The look of the public site: one file, system fonts, the colours of its theme. */
export const styleSheet = (theme: Theme): string => themed(theme) + STYLE;

const STYLE = `:root {
  /* About 65 characters of the text's own size; in rem, so that header, text and footer agree. */
  --measure: 37rem;
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "URW Palladio L", P052, "Source Serif 4", Georgia, "Noto Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif;
  --mono: ui-monospace, "SF Mono", "Cascadia Code", "JetBrains Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
}
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 1.125rem/1.65 var(--serif); overflow-wrap: break-word; text-rendering: optimizeLegibility;
}
body > header, body > footer, main { width: min(100% - 2.5rem, var(--measure)); margin-inline: auto; }
a { color: var(--accent); text-decoration-thickness: from-font; text-underline-offset: .18em; }
a:hover { text-decoration-thickness: .12em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
main:focus { outline: none; }
.skip { position: absolute; left: 1rem; top: -10rem; padding: .5rem 1rem; background: var(--ink); color: var(--paper); font-family: var(--sans); z-index: 1; }
.skip:focus { top: 1rem; }

header.site { padding-block: 1.75rem 0; font: 600 .95rem/1.4 var(--sans); letter-spacing: .01em; }
header.site a { color: var(--ink); text-decoration: none; }
header.site a:hover { color: var(--accent); }
footer.site {
  display: flex; flex-wrap: wrap; gap: .25rem 1.5rem; justify-content: space-between; margin-top: 4.5rem;
  padding-block: 1.25rem 2.5rem; border-top: 1px solid var(--line); color: var(--muted); font: .875rem/1.6 var(--sans);
}
footer.site p { margin: 0; }
footer.site nav { display: flex; gap: 1.25rem; }
main { padding-top: clamp(2.5rem, 8vw, 4.5rem); min-height: 60vh; }

h1, h2, h3, h4, h5, h6 { line-height: 1.25; text-wrap: balance; font-weight: 600; }
h1 { margin: 0; font-size: clamp(1.9rem, 1.4rem + 2.4vw, 2.75rem); line-height: 1.15; letter-spacing: -.015em; }
.facts { margin: 0; color: var(--muted); font: .875rem/1.5 var(--sans); }
.facts a { color: inherit; }
.facts a:hover { color: var(--accent); }
.facts .in::before { content: "·"; margin-inline: .3em .55em; }
header.post { margin-bottom: 2.25rem; }
header.post h1 { margin-top: .6rem; }
header.list { margin-bottom: 1rem; }
header.list .facts + h1 { margin-top: .4rem; }
.lead { display: block; width: 100%; height: auto; max-height: 28rem; object-fit: cover; border-radius: 6px; margin-bottom: 2.25rem; background: var(--tint); }
.empty { color: var(--muted); }

.shelf ul, .tags { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; margin: 1.25rem 0 0; padding: 0; font: .875rem/1.5 var(--sans); }
.shelf a, .tags a { display: inline-block; padding: .25rem .8rem; border: 1px solid var(--line); border-radius: 2rem; color: var(--muted); text-decoration: none; }
.shelf a:hover, .tags a:hover, .shelf [aria-current] { color: var(--accent); border-color: currentcolor; }
.posts { list-style: none; margin: 0; padding: 0; }
.posts > li { padding-block: 1.75rem; }
.posts > li + li { border-top: 1px solid var(--line); }
.posts h2 { margin: .3rem 0 .45rem; font-size: 1.45rem; letter-spacing: -.008em; }
.posts h2 a { color: inherit; text-decoration: none; }
.posts h2 a:hover { color: var(--accent); }
.excerpt { margin: 0; color: var(--muted); font-size: 1.02rem; line-height: 1.6; }
.pager { display: grid; grid-template-columns: 1fr auto 1fr; gap: 1rem; align-items: baseline; margin-top: 1rem; padding-top: 1.5rem; border-top: 1px solid var(--line); font: .925rem/1.5 var(--sans); }
.pager > :last-child { text-align: end; }
footer.post { margin-top: 3rem; }
footer.post .facts { margin-top: 1.25rem; }

.prose > :first-child { margin-top: 0; }
.prose > :last-child { margin-bottom: 0; }
.prose p, .prose ul, .prose ol, .prose dl, .prose pre, .prose blockquote, .prose figure, .prose .table, .prose details { margin: 0 0 1.25em; }
.prose h2 { margin: 2.4em 0 .6em; font-size: 1.55rem; letter-spacing: -.01em; }
.prose h3 { margin: 2em 0 .5em; font-size: 1.25rem; }
.prose h4, .prose h5, .prose h6 { margin: 1.8em 0 .4em; font-size: 1.05rem; }
.prose h5, .prose h6 { color: var(--muted); }
.prose ul, .prose ol { padding-inline-start: 1.4em; }
.prose li { margin-block: .3em; }
.prose li > ul, .prose li > ol { margin-bottom: .3em; }
.prose li::marker { color: var(--muted); }
.prose li:has(> .task), .prose li:has(> p > .task) { list-style: none; margin-inline-start: -1.4em; }
.task { font-family: var(--sans); color: var(--accent); }
.prose dt { font-weight: 600; }
.prose dd { margin: 0 0 .5em 1.4em; }
.prose blockquote { padding-inline-start: 1.25em; border-inline-start: 3px solid var(--line); color: var(--muted); font-style: italic; }
.prose blockquote em { font-style: normal; }
.prose blockquote > :last-child { margin-bottom: 0; }
.prose code, .prose kbd { font: .84em/1.5 var(--mono); background: var(--tint); border-radius: 4px; padding: .12em .35em; }
.prose kbd { border: 1px solid var(--line); border-bottom-width: 2px; }
.prose pre { overflow-x: auto; padding: 1.1em 1.25em; background: var(--tint); border: 1px solid var(--line); border-radius: 6px; line-height: 1.55; tab-size: 4; direction: ltr; text-align: left; }
.prose pre code { font-size: .84rem; background: none; padding: 0; line-height: inherit; }
.prose img { max-width: 100%; height: auto; border-radius: 6px; }
.prose figcaption { color: var(--muted); font: .875rem/1.5 var(--sans); margin-top: .5em; }
.prose hr { border: 0; margin: 2.75em auto; width: 5rem; border-top: 1px solid var(--muted); opacity: .5; }
.prose mark { background: var(--mark); color: inherit; padding: 0 .15em; }
.prose sub, .prose sup { line-height: 0; }
.prose .table { overflow-x: auto; }
.prose table { border-collapse: collapse; min-width: 100%; font: .925rem/1.5 var(--sans); font-variant-numeric: tabular-nums; }
.prose th, .prose td { padding: .55em .9em; border-bottom: 1px solid var(--line); vertical-align: top; }
.prose th:not([align]), .prose td:not([align]) { text-align: start; }
.prose thead th { border-bottom-color: var(--muted); white-space: nowrap; }
.prose th:first-child, .prose td:first-child { padding-inline-start: 0; }
.prose summary { cursor: pointer; font-weight: 600; }

@media (max-width: 34rem) {
  body { font-size: 1.0625rem; }
  .prose pre { margin-inline: -1.25rem; border-inline: 0; border-radius: 0; }
  .pager { grid-template-columns: 1fr 1fr; }
  .pager .facts { display: none; }
}
@media print {
  .skip, footer.site nav, .pager, .shelf { display: none; }
  body { background: none; color: #000; font-size: 11pt; }
  .prose a { color: inherit; }
}
`;

/** The site's sign: a thread over and under. */
export const ICON = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">
<rect width="32" height="32" rx="7" fill="#0d5c63"/>
<path d="M6 12c5 0 5 8 10 8s5-8 10-8M6 20c5 0 5-8 10-8s5 8 10 8" fill="none" stroke="#fdfcf9" stroke-width="2.6" stroke-linecap="round"/>
</svg>
`;
