"""Real networks from a spec, and what they measure. Modules that import torch are imported only where it is needed."""
