"""Samples from files, block by block: one format a file."""
