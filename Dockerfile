# One image for the API, the worker and the command line; what it runs is the command given to it:
#   API     dist/src/main.js (as it is)
#   worker  dist/workers/main.js
#   CLI     dist/src/cli/main.js status …

FROM node:20.20.2-bookworm-slim AS build
WORKDIR /teal
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY src src
COPY workers workers
RUN npx tsc -p tsconfig.json

FROM node:20.20.2-bookworm-slim AS packages
WORKDIR /teal
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev

FROM node:20.20.2-bookworm-slim
ENV NODE_ENV=production TEAL_HOST=0.0.0.0 TEAL_CONFIG=/etc/teal/teal.yaml
WORKDIR /teal
COPY package.json LICENSE ./
COPY --from=packages /teal/node_modules node_modules
COPY --from=build /teal/dist/src dist/src
COPY --from=build /teal/dist/workers dist/workers
USER node
EXPOSE 8080 8081
# Of the API; the worker's is on TEAL_HEALTH_PORT (see compose.yaml).
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD \
  ["node", "-e", "fetch(`http://127.0.0.1:${process.env.TEAL_PORT || 8080}/healthz`).then((a) => process.exit(a.ok ? 0 : 1), () => process.exit(1))"]
# No shell and no init in between: both programs handle SIGTERM themselves and start no children.
ENTRYPOINT ["node", "--enable-source-maps"]
CMD ["dist/src/main.js"]
