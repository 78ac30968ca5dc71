"""The benchmark of rates: cells, their data, what is measured of each, and how predictions score."""
