"""From curvature to learning rates."""
