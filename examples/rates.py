# ruff: noqa: INP001 - a script
"""The benchmark of rates: the best rate and the boundary of trained networks, beside the predictions and range tests.

    python examples/rates.py                 train what is missing, rewrite the table in examples/README.md
    python examples/rates.py --look          only the half of the cells that a rule may be made with
    python examples/rates.py --recommend     train at the recommended rates of today, for their exact regret
    python examples/rates.py --score-only    train nothing

Results are kept in examples/results/rates/, one line for each cell and seed, so that what was stopped goes on where it was.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rate_benchmark.main import main

if __name__ == "__main__":
    main(sys.argv[1:], Path(__file__).parent)
