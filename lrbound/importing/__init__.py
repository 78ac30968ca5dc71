"""From a model that somebody has to the spec of it.

The way has one direction: a recorder runs the model once, without values, and notes what it computes
(:mod:`~lrbound.importing.record`); from the plain graph on (:mod:`~lrbound.importing.graph`) nothing needs torch. Its calls
become layers (:mod:`~lrbound.importing.lower` and :mod:`lrbound.importing.operations`, one file a family of operations),
the layers are nested into branches (:mod:`~lrbound.importing.nest`), gates and activations written out by hand are
recognised (:mod:`~lrbound.importing.patterns`), initialisations named (:mod:`~lrbound.importing.inits`), repeats folded
(:mod:`~lrbound.importing.fold`), and the whole is written as YAML (:mod:`~lrbound.importing.write`).
"""
