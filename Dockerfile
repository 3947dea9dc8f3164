# The service in one image, for CPU or for NVIDIA GPUs.
#
#   docker build -t gpt-sovits-ray .
#   docker build -t gpt-sovits-ray:cuda --build-arg BASE=nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04 .
#
#   docker run -p 8000:8000 -e GSV_API_KEY=… --shm-size=2g \
#     -v gsv-data:/srv/data -v gsv-models:/srv/models gpt-sovits-ray
#
# The public registry's torch carries the CUDA libraries and works without a GPU too. For a
# smaller CPU image pass the CPU index that pytorch.org's install page names, as TORCH_INDEX.

ARG BASE=python:3.11-slim-bookworm
FROM ${BASE}

ARG TORCH_INDEX=

RUN apt-get update \
 && apt-get install -y --no-install-recommends ffmpeg tini python3 python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --create-home --uid 10001 gsv

WORKDIR /srv
COPY pyproject.toml constraints.txt README.md LICENSE NOTICE ./
COPY LICENSES LICENSES
COPY ray_pipeline ray_pipeline
COPY serve_app serve_app
RUN python3 -m venv /opt/venv \
 && /opt/venv/bin/pip install --no-cache-dir ${TORCH_INDEX:+--index-url ${TORCH_INDEX}} -c constraints.txt torch \
 && /opt/venv/bin/pip install --no-cache-dir -c constraints.txt '.[postgres,offline]'
COPY serve_config.yaml ./

RUN mkdir -p data models logs run && chown -R gsv:gsv /srv
USER gsv
ENV PATH=/opt/venv/bin:$PATH \
    GSV_DATA_DIR=/srv/data \
    GSV_MODELS_DIR=/srv/models \
    PYTHONUNBUFFERED=1
VOLUME ["/srv/data", "/srv/models"]
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=180s \
  CMD python3 -c "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/live', timeout=4)"

# tini passes signals on and reaps what Ray's processes leave behind.
ENTRYPOINT ["tini", "--"]
CMD ["gsv", "start", "--mode", "production"]
