# The program's image: the locked dependencies and the wheel, run by a user without rights.

FROM python:3.11.13-slim-bookworm AS build
WORKDIR /build
COPY requirements.lock ./
# The whole lock, since it is what pins the tool that builds the wheel.
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements.lock
COPY pyproject.toml ./
COPY producer/ producer/
COPY schemas/ schemas/
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheel .

FROM python:3.11.13-slim-bookworm
COPY requirements-runtime.lock /tmp/requirements-runtime.lock
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r /tmp/requirements-runtime.lock \
  && rm /tmp/requirements-runtime.lock
COPY --from=build /wheel/ /tmp/wheel/
RUN pip install --no-cache-dir --no-deps --no-index /tmp/wheel/*.whl && rm -r /tmp/wheel
RUN useradd --system --create-home --home-dir /var/lib/openai-compliance openai-compliance
USER openai-compliance
WORKDIR /var/lib/openai-compliance
# Threads come and go with partitions, and by default glibc keeps memory for up to eight a core.
ENV OPENAI_COMPLIANCE_STATE_DIRECTORY=/var/lib/openai-compliance/state \
    MALLOC_ARENA_MAX=2 \
    PYTHONUNBUFFERED=1
ENTRYPOINT ["openai-compliance"]
