"""Questions about many predictions at once: sweeps, inverses, comparisons. Pure functions; nothing here prints."""
