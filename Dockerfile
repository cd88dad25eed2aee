# pydream without a compiler, a checkout or root: models and results are in what is mounted.
#
#     docker build --tag pydream .
#     docker run --rm --network none --volume "$PWD:/work" --volume pydream-models:/models pydream dream in.jpg -o out.png
#
# A folder that is mounted at /work has to be writable by the container's user: `--user "$(id -u):$(id -g)"`.
FROM python:3.13-slim AS build
WORKDIR /source
COPY . .
# The compiler is Debian's and goes with this stage, so its version is not part of the image.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/* \
    && pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.13-slim
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl \
    && rm -rf /wheels \
    && useradd --uid 10001 --no-create-home --home-dir /tmp dreamer \
    && mkdir /models /work \
    && chown dreamer /models /work
# `pydream models fetch` writes to the cache, `pydream models add` to the data.
ENV XDG_CACHE_HOME=/models/cache \
    XDG_DATA_HOME=/models/data
VOLUME /models
WORKDIR /work
USER 10001
ENTRYPOINT ["pydream"]
CMD ["--help"]
