# Debian's RabbitMQ. Like the official image, it creates the account that the two variables name.
FROM debian:bookworm-slim
RUN printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d \
    && chmod 755 /usr/sbin/policy-rc.d \
    && apt-get update \
    && apt-get install --yes --no-install-recommends rabbitmq-server \
    && rm -rf /var/lib/apt/lists/* \
    && rabbitmq-plugins enable --offline rabbitmq_management
CMD ["sh", "-c", "printf 'default_user = %s\\ndefault_pass = %s\\n' \"$RABBITMQ_DEFAULT_USER\" \"$RABBITMQ_DEFAULT_PASS\" >/etc/rabbitmq/rabbitmq.conf && exec rabbitmq-server"]
