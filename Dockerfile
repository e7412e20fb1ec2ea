# One image for workers, hooks and the command line: `docker run IMAGE status`, `docker run IMAGE worker`.
# `--build-arg EXTRAS=[encryption,web]` adds what the sandbox needs. Nothing here needs the network at run time
# but Redis and Gameball.

# Debian slim, since pycurl's wheels are for glibc. A digest (python@sha256:…) pins it for good.
ARG PYTHON_IMAGE=python:3.13-slim-trixie

# Everything is downloaded here, as wheels, each checked against its hash. It changes only with the lock.
FROM ${PYTHON_IMAGE} AS wheels
WORKDIR /build
COPY requirements-runtime.lock ./
RUN pip download --no-cache-dir --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement requirements-runtime.lock --dest /wheels

# From here on without an index: what was not checked above cannot come in, the build backend included.
FROM wheels AS build
ARG EXTRAS="[encryption]"
ENV PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml README.md LICENSE ./
COPY shipper shipper
COPY workers workers
# The wheel just built and the checked ones are all there is to choose from, so there is nothing to pin.
# hadolint ignore=DL3013
RUN pip wheel --no-deps --wheel-dir /wheels . \
    && python -m venv --without-pip /opt/shipper \
    && pip --python /opt/shipper/bin/python install "gameball-shipper${EXTRAS}"

FROM ${PYTHON_IMAGE} AS runtime
LABEL org.opencontainers.image.title="gameball-shipper" \
      org.opencontainers.image.description="Send events to Gameball from Celery workers without losing one" \
      org.opencontainers.image.licenses="MIT"
RUN groupadd --gid 10001 shipper \
    && useradd --uid 10001 --gid shipper --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin shipper
COPY --from=build /opt/shipper /opt/shipper
# Bytecode is compiled above; the file system may be read-only.
ENV PATH=/opt/shipper/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Empty, so that nothing in the current folder can stand in for a module of ours.
WORKDIR /srv
USER 10001:10001
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=60s --retries=3 CMD ["shipper", "health"]
ENTRYPOINT ["shipper"]
CMD ["worker"]
