# One image for every process; the command decides which it is: api (default), worker or migrate.
# A tag may be moved to other bytes: name the base by its digest, as the README says.
ARG NODE_IMAGE=node:26-slim
FROM ${NODE_IMAGE} AS dependencies
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY apps/api/package.json apps/api/
COPY apps/lettergate/package.json apps/lettergate/
COPY apps/worker/package.json apps/worker/
COPY bench/package.json bench/
COPY faults/package.json faults/
COPY packages/config/package.json packages/config/
COPY packages/contracts/package.json packages/contracts/
COPY packages/core/package.json packages/core/
COPY packages/db/package.json packages/db/
COPY packages/egress/package.json packages/egress/
COPY packages/providers/package.json packages/providers/
COPY packages/queue/package.json packages/queue/
# Neither the project's own Node nor the embedded Postgres: the image has the one, a server brings the other.
RUN npm ci --omit=dev --omit=optional --ignore-scripts --no-audit --no-fund

FROM ${NODE_IMAGE}
ENV NODE_ENV=production NODE_COMPILE_CACHE=/tmp/node-compile-cache LETTERGATE_ENV=production API_HOST=0.0.0.0 API_PORT=3000
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY apps apps
COPY packages packages
COPY docs docs
USER node
EXPOSE 3000
# The worker answers the same path on WORKER_METRICS_PORT; see docker-compose.yml.
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.API_PORT + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "apps/api/src/main.ts"]
