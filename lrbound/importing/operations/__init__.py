"""Operations on tensors that become layers: one file a family, found by name.

A family says in ``names`` which operations it takes and in ``lower`` what they become; a new one is a new file here.
"""
