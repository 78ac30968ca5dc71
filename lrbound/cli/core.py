"""What the verbs ask of the library, with its errors turned into exit statuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lrbound.cli.exit import refuse

if TYPE_CHECKING:
    from lrbound.cli.options import Override, SpecOptions
    from lrbound.network import Network
    from lrbound.prediction import Prediction


def load_network(spec: str, options: SpecOptions, *more: Override) -> Network:
    """Read a spec, with further changes; a bad one ends the command with every error that it has."""
    from lrbound.spec import SpecError, load

    overrides = [*options.overrides, *more]
    try:
        return load(spec, overrides=overrides)
    except SpecError as error:
        raise refuse(str(error)) from error
    except OSError as error:
        raise refuse(f"{spec}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise refuse(f"{spec}: not a text file in UTF-8") from error


def load_network_or_model(
    verb: str, spec: str, options: SpecOptions, shape: str | None, arguments: list[str] | None
) -> Network:
    """Read a spec, or where ``spec`` is MODULE:OBJECT the model that it names; its code runs in that case alone."""
    from lrbound.cli._model import is_model, read_model

    if not is_model(spec):
        if spec.endswith(".py"):
            raise refuse(f"error: {spec} is Python code; name the model in it, or what makes one: {spec}:OBJECT")
        if shape is not None or arguments:
            raise refuse(
                f"error: --input and --arg belong to a model, MODULE:OBJECT; {spec} is a spec, which says it all"
            )
        return load_network(spec, options)
    translation = read_model(verb, spec, shape, arguments)
    from lrbound.spec import SpecError, parse

    try:
        return parse(translation.text, source=spec, overrides=options.overrides)
    except SpecError as error:
        raise refuse(str(error)) from error


def predict_network(network: Network, options: SpecOptions, spec: str, full_batch: int | None = None) -> Prediction:
    """Predict; a network that the method cannot do ends the command with the reason."""
    from lrbound.errors import Refused
    from lrbound.predictor import predict

    try:
        return predict(network, method=options.method, batch_statistics=options.batch_statistics, full_batch=full_batch)
    except Refused as error:
        from lrbound.cli._model import is_model

        # the places of a model are those of a spec that nobody sees
        raise refuse(f"error: {error}" if is_model(spec) else error.told("<stdin>" if spec == "-" else spec)) from error
