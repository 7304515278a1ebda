# The command line on a CPU, with the built-in encoder (linux/amd64): it needs no network and no home.
#
#   docker build -t labeler .
#   docker run --rm --user "$(id -u)" -v "$PWD:/data" labeler label reviews.csv --run runs/reviews
#   docker run --rm -v "$PWD:/data:ro" -p 8000:8000 -e LABELER_TOKEN labeler serve --run runs/reviews --host 0.0.0.0
#
# Torch comes with the libraries of GPUs unless pip is told where its CPU wheels are, with the options that
# PyTorch's own page on installation names:
#   docker build --build-arg PIP_OPTIONS="..." -t labeler .
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG PIP_OPTIONS=""
ENV PATH=/venv/bin:$PATH \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    LABELER_CACHE=/var/cache/labeler
WORKDIR /src
COPY . .
RUN python -m venv /venv \
    && pip install $PIP_OPTIONS -c constraints.txt ".[llm,postgres]"
WORKDIR /
RUN python -c "from labeler.models.embedded.model import embedded_folder; print(embedded_folder())" \
    && chmod -R a+rwX /var/cache/labeler

FROM python:${PYTHON}-slim
COPY --from=build /venv /venv
COPY --from=build /var/cache/labeler /var/cache/labeler
RUN useradd --no-create-home --uid 1000 labeler \
    && install --directory --owner labeler /data
# HF_HUB_OFFLINE=0 lets it fetch models from the hub; HOME and USER serve any --user.
ENV PATH=/venv/bin:$PATH \
    LABELER_CACHE=/var/cache/labeler \
    HF_HUB_OFFLINE=1 \
    HOME=/tmp \
    USER=labeler \
    PYTHONUNBUFFERED=1
USER labeler
WORKDIR /data
VOLUME /data
EXPOSE 8000
ENTRYPOINT ["labeler"]
CMD ["--help"]
