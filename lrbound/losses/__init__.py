"""The losses that a spec may name: one module each."""
