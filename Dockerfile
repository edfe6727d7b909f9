# Not Alpine: Temporal's native core needs glibc.
FROM node:22-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci --loglevel=error
COPY . .
RUN node scripts/build.mjs \
  && npm prune --omit=dev --loglevel=error \
  # The core comes with the programs of five platforms, 30 MB each; one of them is this image's.
  && find node_modules/@temporalio/core-bridge/releases -mindepth 1 -maxdepth 1 -type d ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -r {} + \
  && rm -rf node_modules/@temporalio/core-bridge/sdk-core

FROM node:22-bookworm-slim
# The core wants the list of certificate authorities even where no TLS is used.
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates && rm -rf /var/lib/apt/lists/*
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /build/package.json /build/LICENSE* ./
COPY --from=build /build/node_modules node_modules
COPY --from=build /build/dist dist
COPY --from=build /build/bin bin
USER node
CMD ["node", "bin/zhangshi.mjs", "worker"]
