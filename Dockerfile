# Two stages: the first builds wheels of everything pinned in constraints.txt, the second holds nothing but Python,
# those packages and a user without rights.
FROM python:3.13-slim AS build
WORKDIR /src
COPY constraints.txt pyproject.toml README.md manifest.yml ./
COPY bot bot
RUN pip wheel --no-cache-dir --wheel-dir /wheels -c constraints.txt '.[postgres]'

FROM python:3.13-slim
RUN useradd --system --uid 999 --no-create-home unitbot && install --directory --owner=unitbot /data
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels 'unitbot[postgres]' && rm -r /wheels
# By number: Kubernetes' `runAsNonRoot` cannot tell who a name is.
USER 999
# The database lives here; everything else may be read-only.
WORKDIR /data
VOLUME /data
EXPOSE 3000
# Alive, not ready: where Stora or Slack is down, a restart mends nothing. `PORT` as the bot itself reads it.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["python", "-c", "import os, urllib.request as r; \
r.build_opener(r.ProxyHandler({})).open('http://127.0.0.1:' + (os.environ.get('PORT') or '3000') + '/healthz', timeout=4)"]
ENTRYPOINT ["unitbot"]
CMD ["run"]
