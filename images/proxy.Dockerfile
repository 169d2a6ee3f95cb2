# The proxy image: Node, the libraries that it needs, roots, busybox for the relay, and our source. No package manager.
ARG BASE
FROM ${BASE} AS parts
COPY proxy/collect.sh /tmp/collect.sh
RUN sh /tmp/collect.sh /out

FROM scratch
COPY --from=parts /out /
RUN ["/usr/local/bin/node", "-e", "for (const [path, mode] of [['/run/bottle', 0o700], ['/var/log/bottle', 0o755]]) { fs.mkdirSync(path, { recursive: true }); fs.chmodSync(path, mode); fs.chownSync(path, 1337, 1337); }"]
ENV NODE_ENV=production NODE_COMPILE_CACHE=/opt/bottle/compiled
COPY opt /opt/bottle/proxy
COPY proxy/compile.mjs /opt/bottle/compile.mjs
RUN ["/usr/local/bin/node", "--disable-warning=ExperimentalWarning", "/opt/bottle/compile.mjs"]
LABEL bottle.role=image
WORKDIR /
USER 1337:1337
ENTRYPOINT ["/usr/local/bin/node", "--disable-warning=ExperimentalWarning", "--disable-sigusr1", "/opt/bottle/proxy/src/main.ts"]
