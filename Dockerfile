# The service as an image: one program on a slim Debian, run by a user who owns nothing but /data.
#
#   docker build -t pg-service .                                    for production
#   docker build -t pg-service:sandbox --target sandbox .           for trials: with the sandbox gateway,
#   docker run --rm -p 127.0.0.1:9000:9000 pg-service:sandbox       the simulator and the demo
#   docker build -t pg-service-migration --target migration .       for the container of DIGIT's charts that migrates
#
# Both Debians are the same: the program is linked against its OpenSSL and zlib.

FROM rust:1.95.0-slim-bookworm AS source
RUN apt-get update \
    && apt-get install -y --no-install-recommends g++ libssl-dev make pkg-config zlib1g-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .

# The caches are not part of the image, so the program is copied out of them in the same step.
FROM source AS build-production
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked --package pg-service --no-default-features --features jemalloc \
    && install -D --mode 755 target/dist/pg-service /out/pg-service

FROM source AS build-sandbox
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --profile dist --locked --package pg-service --no-default-features --features jemalloc,sandbox \
    && install -D --mode 755 target/dist/pg-service /out/pg-service

FROM debian:12.11-slim AS base
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libssl3 tzdata zlib1g \
    && rm -rf /var/lib/apt/lists/* \
    && install --directory --owner 10001 --group 10001 --mode 700 /data
COPY --chmod=755 deploy/docker/healthcheck /usr/local/bin/healthcheck

# Kubernetes can only tell that a number is not root.
USER 10001:10001
# Every interface of the container: from outside nothing is reachable but the port that is published.
ENV SERVER_ADDRESS=0.0.0.0 \
    PG_SERVICE_DATA_DIR=/data \
    PG_SERVICE_LOG_FORMAT=json
EXPOSE 9000
# The embedded database. With PostgreSQL nothing is written here.
VOLUME ["/data"]
# Whether it lives, not whether its database does: restarting the service would not bring that back.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["healthcheck", "/health/liveness"]
# SIGTERM lets running requests finish within `server.shutdown-wait-secs`.
STOPSIGNAL SIGTERM
ENTRYPOINT ["pg-service"]

FROM base AS sandbox
COPY --from=build-sandbox /out/pg-service /usr/local/bin/pg-service

FROM base AS production
COPY --from=build-production /out/pg-service /usr/local/bin/pg-service

# Takes the variables of Flyway's image: DB_URL, FLYWAY_USER, FLYWAY_PASSWORD.
FROM production AS migration
HEALTHCHECK NONE
ENTRYPOINT ["pg-service", "migrate", "--flyway"]

# What is built where no target is named.
FROM production
