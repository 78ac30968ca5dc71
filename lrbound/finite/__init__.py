"""What the leading order in the width misses: the spread of the spectrum at finite batch, width and number of outputs.

A stage of its own on top of :mod:`lrbound.meanfield`, one effect a file:

    wishart     what a chain of finite layers does to the C x C Gram matrix of the outputs' gradients
    outputs     the coherent direction times the best combination of outputs (branch ``co``)
    localised   one sample's own Gram matrix, the best sample of the batch (branch ``lo``)
    bulk        the delocalised edge of the complement of the coherent direction (branch ``de``)
    combine     the branches meet
    softmax     cross-entropy in each branch
    interval    where 90 % of single initialisations fall

They read a :class:`~lrbound.finite.profile.Profile`, numbers by layer, and nothing else.
"""
