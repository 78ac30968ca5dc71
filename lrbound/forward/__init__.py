"""Kernels from the input to the outputs."""
