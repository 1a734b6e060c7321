# Debian's Caddy.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends caddy wget \
    && rm -rf /var/lib/apt/lists/*
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
