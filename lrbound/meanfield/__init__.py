"""The mean-field solver: kernels forward, gradients backward, the Fisher matrix's largest eigenvalue."""
