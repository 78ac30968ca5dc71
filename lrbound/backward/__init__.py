"""Gradients from the outputs to the input, on the graph that the forward sweep has left."""
