# syntax=docker/dockerfile:1
# docker buildx build --platform linux/amd64,linux/arm64 -t sluice .
ARG NODE=node:24-slim

# Runs on the builder's own platform: the native modules carry prebuilt binaries for all of them, so nothing is emulated.
FROM --platform=$BUILDPLATFORM ${NODE} AS packages
WORKDIR /opt/sluice
COPY package.json package-lock.json ./
# `--omit=dev` leaves out the pinned `node` too: this image brings its own.
# The compiler comes in as a peer of the units library, which never loads it: 30 MB less.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/typescript node_modules/@typescript
RUN install -d -m 0700 /empty/lib/sluice && install -d /empty/etc/sluice

FROM ${NODE}
ENV NODE_ENV=production SLUICE_CONFIG=/etc/sluice/sluice.yaml
WORKDIR /opt/sluice
COPY --from=packages /opt/sluice/node_modules ./node_modules
# .dockerignore lets in what runs, and nothing else.
COPY . .
COPY --from=packages /empty/etc/sluice /etc/sluice
COPY --from=packages --chown=1000:1000 /empty/lib/sluice /var/lib/sluice
# The number, not the name, so that an orchestrator can see that it is not root.
USER 1000:1000
VOLUME /var/lib/sluice
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s CMD ["node", "agent/main.ts", "status", "--check"]
# A small nursery for new objects: readings live shortly, and it saves some 50 MB.
ENTRYPOINT ["node", "--max-semi-space-size=1", "agent/main.ts"]
CMD ["run"]
