"""From the layers' parts to the largest eigenvalue of the curvature."""
