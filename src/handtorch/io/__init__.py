"""Reading and writing tensors: safetensors, checkpoints, and files that appear whole or not at all."""
