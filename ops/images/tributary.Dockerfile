# The program, by hand and as what each service is made of. The repository is the context:
#   docker build -f ops/images/tributary.Dockerfile .
ARG BASE=docker.io/library/node:24-bookworm-slim

FROM ${BASE} AS build
WORKDIR /opt/tributary
COPY package.json package-lock.json ./
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# The image has a Node of its own.
RUN node gateway/console/build.ts && npm prune --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/node-linux-* node_modules/node-bin-*

FROM ${BASE}
ARG VERSION
ARG REVISION
LABEL org.opencontainers.image.title="tributary" org.opencontainers.image.licenses="Apache-2.0" org.opencontainers.image.version="${VERSION}" org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/tributary /opt/tributary
RUN ln -s /opt/tributary/gateway/cli.ts /usr/local/bin/tributary && mkdir /data && chown 1000:1000 /data
ENV NODE_ENV=production HUB_DATA=/data
WORKDIR /config
VOLUME /data
USER 1000:1000
ENTRYPOINT ["tributary"]
CMD ["help"]
