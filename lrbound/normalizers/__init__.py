"""Normalisers of the literature as torch modules, for one's own training: those that torch itself lacks.

All take ``(batch, features)`` or ``(batch, channels, *positions)``, as torch.nn.BatchNorm1d and 2d do together.

| module | statistics over | paper |
|---|---|---|
| RMSNorm | channels and positions of a sample | Zhang and Sennrich 2019 |
| PositionalNorm | channels of a sample, at each position | Li et al. 2019 |
| ChannelNorm | channels of a sample, at each position; gamma and beta are learnt | Liu et al. 2022 |
| BatchGroupNorm | batch, channels of a group, positions | Zhou et al. 2020 |
| CrossIterationBatchNorm | positions and the batches of the last iterations | Yao et al. 2020 |
| InstanceEnhancementBatchNorm | batch and positions; a gate by each sample's mean | Liang et al. 2020 |
| ProxyNorm | none: those of a Gaussian in place of the data | Labatie et al. 2021 |

Torch has the others: BatchNorm1d and 2d, LayerNorm, GroupNorm (with one group: layer norm of images with gamma and beta
per channel), InstanceNorm2d.
"""

from lrbound.normalizers.batch_group_norm import BatchGroupNorm
from lrbound.normalizers.channel_norm import ChannelNorm
from lrbound.normalizers.cross_iteration_batch_norm import CrossIterationBatchNorm
from lrbound.normalizers.initial import initialised
from lrbound.normalizers.instance_enhancement_batch_norm import InstanceEnhancementBatchNorm
from lrbound.normalizers.positional_norm import PositionalNorm
from lrbound.normalizers.proxy_norm import ProxyNorm
from lrbound.normalizers.rms_norm import RMSNorm

__all__ = [
    "BatchGroupNorm",
    "ChannelNorm",
    "CrossIterationBatchNorm",
    "InstanceEnhancementBatchNorm",
    "PositionalNorm",
    "ProxyNorm",
    "RMSNorm",
    "initialised",
]
