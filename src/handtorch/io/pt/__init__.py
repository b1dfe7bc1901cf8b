"""PyTorch's own files: a zip archive of a pickle and of the bytes of each storage, and the older format before it.

``archive`` is the zip, ``pickling`` and ``unpickling`` are the pickle, ``allowed`` says what a pickle may build,
``storages`` is what tensors are built on, ``writing``, ``reading`` and ``legacy`` put them together.
"""
