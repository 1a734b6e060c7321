# The folders and variables of Lambda's image for `provided` runtimes; `sam local` adds the Runtime Interface Emulator.
FROM debian:bookworm-slim
ENV PATH=/usr/local/bin:/usr/bin:/bin:/opt/bin \
    LD_LIBRARY_PATH=/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib \
    LAMBDA_TASK_ROOT=/var/task \
    LAMBDA_RUNTIME_DIR=/var/runtime
WORKDIR /var/task
