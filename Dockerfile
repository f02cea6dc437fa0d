# syntax=docker/dockerfile:1
# One image for every command of healthbook; `serve` unless told another (worker, migrate, import, ...).

FROM python:3.11-slim AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app

# The locked dependencies first: they change seldom, so the layer is made once.
COPY requirements.lock ./
RUN python -m venv /venv \
    && /venv/bin/pip install --require-hashes -r requirements.lock

# In place, as in a checkout: migrations and pyproject.toml are read from beside the code.
COPY pyproject.toml README.md ./
COPY api api
COPY auth auth
COPY cli cli
COPY domain domain
COPY migrations migrations
COPY notifications notifications
RUN /venv/bin/pip install --no-deps --no-build-isolation --editable . \
    && /venv/bin/python -m compileall -q /app


FROM python:3.11-slim

ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /app

# Owned by root: the process can read its code and change none of it.
COPY --from=build /venv /venv
COPY --from=build /app /app
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin healthbook

USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/livez', timeout=2)"]

ENTRYPOINT ["healthbook"]
CMD ["serve", "--host", "0.0.0.0"]
