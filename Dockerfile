# One image for every process: portal, console, worker, beat and the command line.
# The base is named by version; pin it by digest where you build.
FROM python:3.11-slim-bookworm AS built
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PYTHONDONTWRITEBYTECODE=1
RUN python -m venv /opt/vastine
COPY requirements.txt /srv/vastine/
RUN /opt/vastine/bin/pip install --require-hashes --only-binary=:all: -r /srv/vastine/requirements.txt
COPY pyproject.toml requirements.in /srv/vastine/
COPY models /srv/vastine/models
COPY workflows /srv/vastine/workflows
COPY workers /srv/vastine/workers
COPY webhooks /srv/vastine/webhooks
# Editable, as in the work tree: templates and texts are read where they lie, so what was tested is what runs.
# No build isolation: the builder came with the hashes above, and nothing unlocked is fetched.
RUN /opt/vastine/bin/pip install --no-deps --no-build-isolation -e /srv/vastine \
    && /opt/vastine/bin/python -m compileall -q /srv/vastine

FROM python:3.11-slim-bookworm
# Who owns the secret files on the host: they are readable by their owner alone, and the data folder must match.
ARG VASTINE_UID=10001
ARG VASTINE_GID=10001
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --non-unique --gid $VASTINE_GID vastine \
    && useradd --non-unique --uid $VASTINE_UID --gid $VASTINE_GID --no-create-home --home-dir /var/lib/vastine \
        --shell /usr/sbin/nologin vastine \
    && install -d -o $VASTINE_UID -g $VASTINE_GID -m 0700 /var/lib/vastine
COPY --from=built /opt/vastine /opt/vastine
COPY --from=built /srv/vastine /srv/vastine
COPY register /etc/vastine/register
# The root file system is mounted read-only: caches (fonts) go to /tmp, everything that stays to the data folder.
# A plain TERM makes Celery hand unfinished work back at once instead of waiting for it.
ENV PATH=/opt/vastine/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 XDG_CACHE_HOME=/tmp \
    REMAP_SIGTERM=SIGQUIT VASTINE_DATA_DIR=/var/lib/vastine VASTINE_REGISTER=/etc/vastine/register
USER $VASTINE_UID:$VASTINE_GID
WORKDIR /var/lib/vastine
VOLUME /var/lib/vastine
ENTRYPOINT []
CMD ["vastine", "--help"]
