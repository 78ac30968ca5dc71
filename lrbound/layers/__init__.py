"""The layers that a spec may name: one module each."""
