# The Armspan service, for a ClickHouse server: docker build -t armspan .
# Embedded ClickHouse (chDB, 540 MB) is left out. With it: docker build --build-arg OMIT= -t armspan:embedded .
# Everything but /data and /repository may be read-only. What it does is tried by test/compose/dockerfile.test.ts.

FROM node:26.10.0-bookworm-slim AS build
WORKDIR /src
COPY package.json package-lock.json tsconfig.base.json ./
COPY packages packages
# Of the repository's own tools the compiler alone: a fifth of what npm would fetch. Versions stay those of the lock file.
RUN node -e "const { readFileSync, writeFileSync } = require('node:fs'); const manifest = JSON.parse(readFileSync('package.json')); const { typescript, '@types/node': types } = manifest.devDependencies; writeFileSync('package.json', JSON.stringify({ ...manifest, devDependencies: { typescript, '@types/node': types }, optionalDependencies: {} }))"
# Install scripts are of use to developers only. The compiler needs no chDB, which is for glibc alone.
RUN npm ci --libc=musl --ignore-scripts --no-audit --no-fund --include-workspace-root -w armspan
RUN node_modules/.bin/tsc -b packages/cli
ARG OMIT=--omit=optional
RUN npm ci --ignore-scripts --no-audit --no-fund --omit=dev ${OMIT} -w armspan
# Of our own packages what they would publish, where the links of node_modules look for it.
RUN mkdir -p /app && cp -a node_modules /app/ \
	&& for link in node_modules/armspan node_modules/@armspan/*; do \
		folder=packages/$(basename "$(readlink "$link")") \
		&& mkdir -p "/app/$folder" \
		&& (cd "$folder" && npm pack --silent --ignore-scripts) \
		&& tar -xzf "$folder"/*.tgz -C "/app/$folder" --strip-components=1 || exit 1; \
	done

FROM node:26.10.0-bookworm-slim
# The registry is the git program. A mounted repository belongs to somebody else, as a rule.
RUN apt-get update && apt-get install --yes --no-install-recommends git \
	&& rm -rf /var/lib/apt/lists/* \
	&& git config --system --add safe.directory '*' \
	&& install --directory --owner=node --group=node /data /repository
COPY --from=build /app /app
ENV NODE_ENV=production
# The system's file is not read otherwise: the registry sets GIT_CONFIG_NOSYSTEM.
ENV GIT_CONFIG_GLOBAL=/etc/gitconfig
USER node
WORKDIR /data
EXPOSE 4318 7070
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
	CMD ["node", "-e", "fetch('http://127.0.0.1:7070/healthz', { headers: { authorization: `Bearer ${process.env.ARMSPAN_TOKEN}` } }).then(async (answer) => { console.log(await answer.text()); process.exit(answer.ok ? 0 : 1); }, (error) => { console.error(error.cause ?? error); process.exit(1); })"]
ENTRYPOINT ["node", "/app/packages/cli/bin/armspan.js"]
CMD ["up", "--host", "0.0.0.0", "--repository", "/repository", "--data", "/data"]
