"""Activations, one file each; the name of the module is the name in a spec."""
