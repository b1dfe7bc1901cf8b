"""Reading and writing: safetensors, checkpoints, files that appear whole or not at all, the cache of built data."""
