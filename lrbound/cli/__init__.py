"""The command line: one verb a file; everything that is not a verb is named in ``app.HELPERS``."""
