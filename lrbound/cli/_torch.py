"""The verbs that need PyTorch say so in one line."""

from __future__ import annotations

from lrbound.cli.exit import refuse


def require_torch(verb: str) -> None:
    """End the command with status 2 where PyTorch cannot be imported."""
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise refuse(f"lrbound {verb} needs PyTorch: pip install 'lrbound[torch]'") from error
