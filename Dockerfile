# Two stages: the first builds wheels of everything pinned in constraints.txt, the second holds nothing but Python,
# those packages and a user without rights.
FROM python:3.13-slim AS build
WORKDIR /src
COPY constraints.txt pyproject.toml README.md manifest.yml ./
COPY bot bot
RUN pip wheel --no-cache-dir --wheel-dir /wheels -c constraints.txt '.[postgres]'

FROM python:3.13-slim
RUN useradd --system --no-create-home unitbot && install --directory --owner=unitbot /data
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --no-index --find-links /wheels 'unitbot[postgres]' && rm -r /wheels
USER unitbot
# The database lives here; everything else may be read-only.
WORKDIR /data
VOLUME /data
EXPOSE 3000
ENTRYPOINT ["unitbot"]
CMD ["run"]
