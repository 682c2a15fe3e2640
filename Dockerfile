# Rowbeat without the embedded Postgres: DATABASE_URL is required.
#   docker build -t rowbeat .
#   docker run -e DATABASE_URL=postgres://user:password@host/database -p 3000:3000 rowbeat

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# The programs of the embedded Postgres are optional packages; nothing that is left needs an install script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:24-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000
WORKDIR /app
COPY --from=packages /app/node_modules ./node_modules
COPY package.json ./
COPY migrations ./migrations
COPY docs/errors.md ./docs/errors.md
COPY src ./src
USER node
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "src/main.ts", "healthcheck"]
ENTRYPOINT ["node", "src/main.ts"]
CMD ["start"]
