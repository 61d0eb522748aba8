# One image for every process: the command says which. Runs as an ordinary user on a read-only root file system.
FROM node:22-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts
COPY . .
RUN node tools/prepare.mjs
# PostgreSQL and Redis have containers of their own here: the embedded ones stay out.
RUN npm prune --ignore-scripts --omit=dev --omit=optional

FROM node:22-bookworm-slim AS runtime
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app/package.json ./
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/prisma/migrations ./prisma/migrations
COPY --from=build /app/bin ./bin
COPY --from=build /app/apps/web/dist ./apps/web/dist
COPY --from=build /app/dist ./dist

# docker build --target collector: the same program beside the tools that read a node. Its user comes from the pod.
FROM runtime AS collector
RUN apt-get update && apt-get install -qy --no-install-recommends conntrack iptables ipset nftables iproute2 procps ulogd2 ulogd2-json \
    && rm -rf /var/lib/apt/lists/*
CMD ["node", "bin/whydrop", "collector"]

FROM runtime
USER node
EXPOSE 4270
CMD ["node", "dist/apps/api/src/main.js"]
