# Two images from one file:
#   docker build --target server  -t awooop-server .     PostgreSQL 15 with the extension
#   docker build --target gateway -t awooop-gateway .    the HTTP gateway
# `cargo xtask image-check` runs these steps without a container engine. It reads what stands here: FROM, ARG, ENV,
# WORKDIR, COPY, RUN (shell form), USER, EXPOSE, VOLUME, STOPSIGNAL, HEALTHCHECK and ENTRYPOINT.

FROM rust:1.95-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends clang libclang-dev libssl-dev pkg-config postgresql-server-dev-15 \
    && rm -rf /var/lib/apt/lists/*
# The version of the crate pgrx in Cargo.toml. A layer of its own: it changes more rarely than the sources.
ARG CARGO_PGRX=0.18.1
RUN cargo install cargo-pgrx --version ${CARGO_PGRX} --locked
WORKDIR /src
COPY . .
# pgrx's build scripts watch the file in PGRX_HOME.
ENV PGRX_HOME=/pgrx PGRX_PG_CONFIG_PATH=/usr/bin/pg_config
RUN mkdir -p /pgrx && echo '[configs]' > /pgrx/config.toml && echo 'pg15 = "/usr/bin/pg_config"' >> /pgrx/config.toml
RUN cargo pgrx package --package pg_awooop --pg-config /usr/bin/pg_config \
        --no-default-features --features pg15 --out-dir /out/extension
RUN cargo build --release --locked --package awooop-gateway \
    && install -D --mode=755 target/release/awooop-gateway /out/gateway/awooop-gateway

# A first start makes the cluster: AWOOOP_SUPERUSER_PASSWORD and AWOOOP_GATEWAY_PASSWORD (or ..._FILE with the path of a
# file) set the passwords of the roles postgres and awooop_gateway. The data lives in the volume, beside it the keyring
# that signs checkpoints of audit logs and contracts, made where there is none: AWOOOP_KEYRING_FILE names another,
# AWOOOP_NAME what the installation is called in checkpoints.
FROM debian:bookworm-slim AS server
# No cluster of the package's own making: this image makes its cluster in the volume.
RUN mkdir -p /etc/postgresql-common/createcluster.d \
    && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.d/awooop.conf \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/*
COPY --from=build /out/extension/ /
COPY xtask/image/start-server /usr/local/bin/start-server
RUN install -d --owner=postgres --group=postgres --mode=700 /var/lib/postgresql/data \
    && install -d --owner=postgres --group=postgres --mode=2775 /var/run/postgresql
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
ENV PGDATA=/var/lib/postgresql/data/awooop LANG=C.UTF-8
VOLUME /var/lib/postgresql/data
EXPOSE 5432
USER postgres
# PostgreSQL's fast shutdown: SIGTERM would wait for the last client.
STOPSIGNAL SIGINT
HEALTHCHECK --start-period=60s CMD psql --no-psqlrc --quiet --dbname=awooop --command="select awooop.health()" > /dev/null
ENTRYPOINT ["/usr/local/bin/start-server"]

# Needs AWOOOP_DATABASE_URL; `docker run awooop-gateway --help` lists the rest.
FROM debian:bookworm-slim AS gateway
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin awooop
COPY --from=build /out/gateway/awooop-gateway /usr/local/bin/awooop-gateway
ENV AWOOOP_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER awooop
ENTRYPOINT ["/usr/local/bin/awooop-gateway"]
