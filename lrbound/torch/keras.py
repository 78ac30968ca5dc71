"""``LRBoundCallback`` for Keras 3: ``model.fit(..., callbacks=[LRBoundCallback(batch_size=32)])``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from keras.callbacks import Callback

from lrbound.errors import Refused
from lrbound.explore.statistics import statistics
from lrbound.fields import params
from lrbound.importing.keras import parse_keras
from lrbound.importing.translate import translate
from lrbound.optimizers import OPTIMIZERS
from lrbound.torch.learning_rate import answer, checked
from lrbound.torch.settings import Group, named
from lrbound.torch.verdict import Action, RateCheck, checked_action

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOSSES = {
    "categorical_crossentropy": "cross_entropy",
    "sparse_categorical_crossentropy": "cross_entropy",
    "mean_squared_error": "mse",
    "mse": "mse",
    "binary_crossentropy": "binary_cross_entropy",
}
"""What a spec calls the losses of Keras."""
IGNORED = ("name", "learning_rate", "ema_momentum", "loss_scale_factor", "use_ema", "ema_overwrite_frequency")
"""Settings of Keras' optimisers that change no step at the start."""


class LRBoundCallback(Callback):  # type: ignore[misc]
    """Checks the learning rate before the first step; a model that has been trained already is left alone.

    The architecture and its initialisers are read from ``model.to_json()``, whatever backend Keras runs on.

    Parameters
    ----------
    batch_size : int
        What ``fit`` is given; Keras does not tell callbacks.
    data : array (n, ...), optional
        What the model is trained on; without it samples are taken as white, of mean square 1.
    action : {"warn", "raise", "log"}
        See :func:`lrbound.torch.check`.

    Attributes
    ----------
    result : RateCheck or None
        What was found.
    """

    def __init__(self, batch_size: int, data: NDArray[Any] | None = None, *, action: Action = "warn") -> None:
        super().__init__()
        checked_action(action)
        self.result: RateCheck | None = None
        self._batch_size, self._data, self._action = batch_size, data, action

    def on_train_begin(self, logs: Any = None) -> None:
        """Check the rate of the model's optimiser."""
        del logs
        if int(self.model.optimizer.iterations) > 0:
            return
        self.result = checked(self._rates, self._action)

    def _rates(self) -> RateCheck:
        model = self.model
        translation = translate(parse_keras(model.to_json(), model.name))
        group = Group(0, optimizer_of(model.optimizer))
        found = None if self._data is None else statistics(channels_first(self._data), "the data")
        return answer(
            translation, [group], loss_of(model.loss, translation.network.training.loss.kind), self._batch_size, found
        )


def channels_first(data: NDArray[Any]) -> NDArray[Any]:
    """Return samples with their last axis as the first."""
    return data.transpose(0, -1, *range(1, data.ndim - 1))


def optimizer_of(optimizer: Any) -> Any:
    """Return an optimiser of Keras in the words of a spec.

    Raises
    ------
    Refused
        Where it, or a setting of it, is not known.
    """
    members = {member.torch_class: member for member in map(OPTIMIZERS.get, OPTIMIZERS.names()) if member.torch_class}
    kind = type(optimizer).__name__
    if kind not in members:
        raise Refused(f"there is no theory for the optimizer {kind}; known are {', '.join(members)}")
    config = {key: value for key, value in optimizer.get_config().items() if value is not None and key not in IGNORED}
    own = params(members[kind])
    other = [f"{key}={value!r}" for key, value in config.items() if key not in own]
    if other:
        raise Refused(f"there is no theory for {kind} with {', '.join(other)}; leave it out to be answered")
    rate = float(optimizer.learning_rate)
    return named({**config, "name": members[kind].__module__.rpartition(".")[2], "learning_rate": rate})


def loss_of(given: Any, implied: str) -> str:
    """Return the name in a spec of a loss of Keras, by its name or object; ``implied`` is what the model's output says."""
    name = given if isinstance(given, str) else getattr(given, "name", getattr(given, "__name__", type(given).__name__))
    found = LOSSES.get(name)
    if found is None:
        raise Refused(f"the loss {name} is none of {', '.join(LOSSES)}")
    logits = getattr(given, "_fn_kwargs", {}).get("from_logits", False)
    if found not in ("mse", implied) and not logits:
        raise Refused(f"{name} takes probabilities and the model does not end in a softmax; give it from_logits=True")
    return found
