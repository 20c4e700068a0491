# Builds a container with the command ssltoolbox; docs/cluster.md says how to run it.
ARG BASE=python:3.11-slim
FROM ${BASE}

# The index that torch comes from; without it pip's own, whose wheels work with and without a GPU.
ARG TORCH_INDEX=""
ARG EXTRAS="video"

# Python of a Linux distribution refuses to install beside its own packages, even in a container.
ENV PIP_NO_CACHE_DIR=1 PIP_BREAK_SYSTEM_PACKAGES=1 PYTHONUNBUFFERED=1
RUN python3 -m pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} torch torchvision

WORKDIR /opt/ssltoolbox
COPY . .
RUN python3 -m pip install ".[${EXTRAS}]" && ssltoolbox plugins list --strict

WORKDIR /work
# The first process of a container gets the signals of the scheduler.
ENTRYPOINT ["ssltoolbox"]
