"""TensorFlow is set up once, before any test may import it."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("DVC_NO_ANALYTICS", "1")
# Many tests compare bits, and a GPU rounds a product by what is multiplied beside it; CUDA_VISIBLE_DEVICES=0 tries one.
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# There, what imports TensorFlow without ``runtime.start_tensorflow`` should multiply 32 bits all the same.
os.environ.setdefault("NVIDIA_TF32_OVERRIDE", "0")
