# The proxy image: Node, the libraries that it needs, roots, `ip` for the relay, and our source. No shell of its own, no package manager.
ARG BASE
FROM ${BASE} AS parts
COPY proxy/collect.sh /tmp/collect.sh
RUN sh /tmp/collect.sh /out

FROM scratch
COPY --from=parts /out /
RUN ["/usr/local/bin/node", "-e", "for (const [path, mode] of [['/run/bottle', 0o700], ['/var/log/bottle', 0o755]]) { fs.mkdirSync(path, { recursive: true }); fs.chmodSync(path, mode); fs.chownSync(path, 1337, 1337); }"]
COPY opt /opt/bottle/proxy
ENV NODE_ENV=production
LABEL bottle.role=image
VOLUME /run/bottle
WORKDIR /
USER 1337:1337
ENTRYPOINT ["/usr/local/bin/node", "--disable-warning=ExperimentalWarning", "/opt/bottle/proxy/src/main.ts"]
