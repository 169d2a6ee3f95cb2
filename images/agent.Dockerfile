# The agent image: the base with a user of its own and nothing that could raise rights.
ARG BASE
FROM ${BASE}
COPY agent/prepare.sh /tmp/prepare.sh
RUN sh /tmp/prepare.sh && rm /tmp/prepare.sh
COPY agent/demo-agent.mjs /opt/bottle/demo-agent.mjs
# What an agent installs for itself goes into its home: the rest of the file system is read-only.
ENV HOME=/home/agent \
  LANG=C.UTF-8 \
  NPM_CONFIG_PREFIX=/home/agent/.local \
  PIP_BREAK_SYSTEM_PACKAGES=1 \
  PIP_DISABLE_PIP_VERSION_CHECK=1 \
  PATH=/home/agent/.local/bin:/usr/local/bin:/usr/bin:/bin
LABEL bottle.role=image
USER agent
WORKDIR /workspace
CMD ["bash"]
