import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { Router, type Request, type Response } from 'express';
import { sendAnswer, sendPackageFile } from './answer.ts';
import { html, type Html } from './page.ts';

const require = createRequire(import.meta.url);
const SWAGGER = dirname(require.resolve('swagger-ui-dist/package.json'));
const REDOC = dirname(require.resolve('redoc/bundles/redoc.standalone.js'));
const versionOf = (name: string): string => (require(`${name}/package.json`) as { version: string }).version;
const SWAGGER_VERSION = versionOf('swagger-ui-dist');
const REDOC_VERSION = versionOf('redoc');

/**
 * Both tools set styles by script, and ReDoc searches in a worker made from a blob. Images stay here: ReDoc would load its
 * maker's logo from the network.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  'worker-src blob:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const SPEC_PATH = '/api/v1/openapi.json';

const SWAGGER_SCRIPT = `window.ui = SwaggerUIBundle({
  url: '${SPEC_PATH}',
  dom_id: '#docs',
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: 'none',
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: 'none',
});
`;

const REDOC_SCRIPT = `const sans = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif';
const mono = 'ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace';
Redoc.init(
  '${SPEC_PATH}',
  {
    hideHostname: true,
    theme: {
      colors: { primary: { main: '#0d5c63' } },
      typography: { fontFamily: sans, headings: { fontFamily: sans }, code: { fontFamily: mono } },
    },
  },
  document.getElementById('docs'),
);
`;

const STYLE = `body { margin: 0; background: #fff; }
noscript { display: block; padding: 2rem; font: 1rem/1.5 system-ui, sans-serif; }
.swagger-ui .info { margin: 2rem 0; }
`;

interface DocsPage {
  readonly title: string;
  readonly styles: readonly string[];
  readonly scripts: readonly string[];
}

const renderDocs = ({ title, styles, scripts }: DocsPage): Html =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <link rel="icon" type="image/svg+xml" href="/posts/icon.svg" />
        ${styles.map((href) => html`<link rel="stylesheet" href="${href}" />`)}
      </head>
      <body>
        <noscript
          >This page needs JavaScript. The same facts as a file:
          <a href="/openapi.yaml">openapi.yaml</a></noscript
        >
        <div id="docs"></div>
        ${scripts.map((src) => html`<script src="${src}"></script>`)}
      </body>
    </html> `;

const SWAGGER_PAGE = renderDocs({
  title: 'Taskloom API',
  styles: [`/docs/assets/swagger-ui.css?v=${SWAGGER_VERSION}`, '/docs/assets/docs.css'],
  scripts: [`/docs/assets/swagger-ui-bundle.js?v=${SWAGGER_VERSION}`, '/docs/assets/swagger.js'],
}).markup;

const REDOC_PAGE = renderDocs({
  title: 'Taskloom API reference',
  styles: ['/docs/assets/docs.css'],
  scripts: [`/docs/assets/redoc.standalone.js?v=${REDOC_VERSION}`, '/docs/assets/redoc.js'],
}).markup;

export interface DocsOptions {
  /** The specification as an object; asked once, when somebody first wants it. */
  readonly specJson: () => object;
  /** The same as YAML; asked once. */
  readonly specYaml: () => string;
}

const once = (make: () => string): (() => string) => {
  let made: string | undefined;
  return () => (made ??= make());
};

/**
 * The API's documentation: `/docs` (Swagger UI), `/redoc` (ReDoc), and the specification as JSON and YAML. Everything comes
 * from this server: nothing is loaded from elsewhere. Public, like the specification itself.
 * @throws Error when swagger-ui-dist or redoc is not installed.
 */
export const createDocsRouter = ({ specJson, specYaml }: DocsOptions): Router => {
  const router = Router();
  const json = once(() => JSON.stringify(specJson()));
  const yaml = once(specYaml);
  const send = (req: Request, res: Response, type: string, body: string): void =>
    sendAnswer(req, res, { type, body, maxAgeSeconds: 60, policy: POLICY });
  const text = (at: string, type: string, body: () => string): void =>
    void router.get(at, (req, res) => send(req, res, `${type}; charset=utf-8`, body()));
  const file = (folder: string, name: string): void =>
    void router.get(`/docs/assets/${name}`, (_req, res) => sendPackageFile(res, folder, name, POLICY));

  text(SPEC_PATH, 'application/json', json);
  text('/openapi.yaml', 'application/yaml', yaml);
  text('/docs', 'text/html', () => SWAGGER_PAGE);
  text('/redoc', 'text/html', () => REDOC_PAGE);
  text('/docs/assets/swagger.js', 'text/javascript', () => SWAGGER_SCRIPT);
  text('/docs/assets/redoc.js', 'text/javascript', () => REDOC_SCRIPT);
  text('/docs/assets/docs.css', 'text/css', () => STYLE);
  file(SWAGGER, 'swagger-ui.css');
  file(SWAGGER, 'swagger-ui-bundle.js');
  file(REDOC, 'redoc.standalone.js');
  return router;
};
