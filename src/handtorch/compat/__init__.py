"""What lets a program that was written for PyTorch run unchanged: the names ``torch`` and ``torchvision``, and
PyTorch's machinery for devices, compilers and processes as it behaves on a machine that has only a CPU.
"""
