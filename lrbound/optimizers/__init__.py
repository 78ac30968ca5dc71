"""The optimisers that a spec may name: one module each."""
