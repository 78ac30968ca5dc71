"""Report formats: one a file, named as ``--format`` names them; they turn results into text and do nothing else."""
