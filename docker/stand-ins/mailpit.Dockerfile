# A mail server that prints the mail that it receives; it has no web page.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3-aiosmtpd \
    && rm -rf /var/lib/apt/lists/* \
    && printf '#!/bin/sh\nexec python3 -c "import smtplib; smtplib.SMTP(\\"127.0.0.1\\", 1025).noop()"\n' >/mailpit \
    && chmod 755 /mailpit
CMD ["python3", "-u", "-m", "aiosmtpd", "-n", "-c", "aiosmtpd.handlers.Debugging", "-l", "0.0.0.0:1025"]
