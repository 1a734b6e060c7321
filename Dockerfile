# The program `orderflow`. Needs BuildKit, the default since Docker 23.

FROM rust:1.95-bookworm AS builder
WORKDIR /src
COPY . .
# Cache mounts keep the build output between builds. They are not part of a layer, so the program is copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package orderflow \
    && cp target/release/orderflow /usr/local/bin/orderflow

FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin orderflow \
    && install --directory --owner orderflow --group orderflow /data /account
COPY --from=builder /usr/local/bin/orderflow /usr/local/bin/orderflow
# A numeric user lets Kubernetes verify that it is not root. New volumes on /data and /account take over the owner of the folder.
USER 10001
ENV ORDERFLOW_DATA_DIR=/data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s CMD ["orderflow", "health", "--ready"]
ENTRYPOINT ["orderflow"]
