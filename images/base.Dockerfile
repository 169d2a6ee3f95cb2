# The base image where a registry answers: the official Node image and the packages of packages.txt.
# Where none does, src/images/bootstrap.ts makes the same from apt's own sources.
FROM node:24-bookworm-slim
COPY packages.txt /tmp/packages.txt
RUN apt-get update \
  && apt-get install --yes --no-install-recommends $(sed 's/#.*//' /tmp/packages.txt) \
  && rm -rf /var/lib/apt/lists/* /tmp/packages.txt
LABEL bottle.role=image
