#!/bin/sh
# Makes the environment of the interoperability checks: setup.sh FOLDER [PYTHON]. About 3 GB; llama.cpp is compiled here,
# which takes 20 to 40 minutes on one core.
set -eu
folder=$1
python=${2:-python3}
"$python" -m venv "$folder"
pip="$folder/bin/pip"
"$pip" install torch==2.13.* --index-url https://download.pytorch.org/whl/cpu || "$pip" install torch==2.13.*
"$pip" install transformers==5.24.* tokenizers==0.23.* safetensors==0.8.* gguf==0.19.* numpy==2.4.* accelerate==1.15.*
"$pip" install "mlx[cpu]==0.32.4" mlx-lm==0.32.2 compressed-tensors==0.20.0
# gptqmodel's own list asks for a newer torch and torchao; these are what its imports need
"$pip" install wheel setuptools threadpoolctl==3.8.* device-smi==0.5.7 pypcre==0.6.4 tokenicer==0.0.14 logbar==0.4.15 \
  defuser==0.0.28 dill==0.4.* protobuf pillow
BUILD_CUDA_EXT=0 "$pip" install --no-build-isolation --no-deps gptqmodel==7.7.0
CMAKE_ARGS="-DLLAVA_BUILD=OFF" "$pip" install llama-cpp-python==0.3.36
"$folder/bin/python" -c "import torch, transformers, mlx_lm, compressed_tensors, llama_cpp, gguf; print('ready')"
