"""Runs a PyTorch model once, without values, and notes every operation that it asks of torch."""

from __future__ import annotations

import copy
import inspect
import os
import random
import sys
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from lrbound.importing.frames import is_own, last_frames, own_frames
from lrbound.importing.graph import INPUT, Call, Constant, Graph, ParameterRef, Ref
from lrbound.importing.moments import parameter, sampling_step
from lrbound.importing.refusal import ModelError, Origin, Reason, Untranslatable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from lrbound.importing.graph import Parameter, Shape

BATCH = 2
"""Samples of the run: the smallest batch that a normaliser over flat features takes."""
OWN_ACTIVATIONS = "lrbound.activations"
OWN = ("lrbound.normalizers", "lrbound.blocks", OWN_ACTIVATIONS)
"""Modules of these packages are one operation each, whatever they compute inside."""
RANDOM_MODULES = {"StochasticDepth": ("torchvision.", "lrbound."), "DropPath": ("timm.",)}
"""So are these of other packages, which draw random numbers: by class, the packages that have them."""
WRAPPERS = ("OptimizedModule", "DataParallel", "DistributedDataParallel")
"""Classes of torch around a model."""
MOVES = ("to", "cpu", "cuda")
"""Operations that ask for a device."""
NEEDS_VALUES = ("meta tensor", "Meta tensor", "meta device", "with meta", "_local_scalar_dense", "data-dependent")
"""What torch's messages say where an operation asks for the values of a tensor that has none."""


def record(model: nn.Module, input_shape: Sequence[int]) -> Graph:
    """Run a model's forward pass on tensors without values and return what it computed.

    Parameters
    ----------
    model : torch.nn.Module
        Left as it is: a copy without values runs, in the mode (training or not) of each module; a model that is in
        evaluation mode as a whole is read as in training.
    input_shape : sequence of int
        Of one sample.

    Returns
    -------
    Graph

    Raises
    ------
    ModelError
        Where the model's own code fails on this input.
    Untranslatable
        Where the forward pass depends on values, on random numbers, or on the state it leaves behind.
    """
    shape = tuple(input_shape)
    for wrapper in ("_orig_mod", "module"):  # of torch.compile, of data-parallel training
        inner = getattr(model, wrapper, None)
        if isinstance(inner, nn.Module) and type(model).__name__ in WRAPPERS:
            model = inner
    if isinstance(model, torch.jit.ScriptModule):
        text = "a compiled TorchScript module cannot be read; give the Python module that it was made from"
        raise Untranslatable([Reason(Origin("", type(model).__name__), text)])
    lazy = [name for name, p in model.named_parameters() if isinstance(p, nn.parameter.UninitializedParameter)]
    if lazy:
        text = (
            "its parameters have no shape before the first batch (LazyLinear and the like); run the model on one first"
        )
        raise Untranslatable([Reason(Origin(name.rpartition(".")[0]), text) for name in lazy])
    notes = []
    if not model.training:
        notes.append("the model is in evaluation mode; it is read as in training, with batch statistics and dropout")
    blank = _without_values(model)
    if not model.training:
        blank.train()
    state = _random_state()
    first = _Recorder(blank)
    first.run(shape)
    draws = state != _random_state()
    second = _Recorder(blank, watch=draws)
    second.run(shape)
    reasons = [*first.reasons]
    if draws:
        text = "the forward pass draws random numbers outside torch's layers, so that it differs from run to run"
        where = second.draws or Origin("", type(model).__name__)
        reasons.append(Reason(where, f"{text}; give the module without them"))
    elif (first.calls, first.outputs) != (second.calls, second.outputs):
        text = "two runs of the forward pass computed different things; a spec describes one that is always the same"
        reasons.append(Reason(Origin("", type(model).__name__), text))
    parameters = {name: _parameter(name, tensor) for name, tensor in model.named_parameters()}
    return Graph(
        type(model).__name__,
        shape,
        BATCH,
        tuple(first.calls),
        tuple(first.outputs),
        parameters,
        tuple(notes),
        tuple(reasons),
    )


def _parameter(name: str, tensor: Tensor) -> Parameter:
    shape, trained = tuple(tensor.shape), tensor.requires_grad
    if tensor.is_meta:
        return parameter(name, shape, None, trained=trained)
    sample = tensor.detach().reshape(-1)[:: sampling_step(shape)]
    return parameter(name, shape, sample.float().cpu().numpy(), trained=trained)


def _without_values(model: nn.Module) -> nn.Module:
    """Return a copy whose parameters, buffers and other tensors have shapes but no values."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for tensor in (*module.parameters(recurse=False), *module.buffers(recurse=False), *vars(module).values()):
            if isinstance(tensor, nn.Parameter):
                memo[id(tensor)] = nn.Parameter(torch.empty_like(tensor, device="meta"), tensor.requires_grad)
            elif isinstance(tensor, Tensor) and tensor.grad_fn is None:
                memo[id(tensor)] = torch.empty_like(tensor, device="meta")
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        summary = " ".join(str(error).split()) or type(error).__name__
        raise ModelError(
            f"error: the model cannot be copied with copy.deepcopy, which reading it needs: {summary}"
        ) from error


class _Recorder(TorchFunctionMode):
    """Notes the calls of one run; with ``watch``, which module draws random numbers in Python."""

    def __init__(self, model: nn.Module, *, watch: bool = False) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.outputs: list[tuple[str, Ref | None]] = []
        self.reasons: list[Reason] = []
        self.draws: Origin | None = None
        """The innermost module whose forward pass drew random numbers."""
        self._model = model
        self._watch = watch
        self._names = {id(tensor): name for name, tensor in model.named_parameters()}
        self._buffers = {id(tensor): name for name, tensor in model.named_buffers()}
        self._makers: dict[int, str] = {}
        # the tensors are kept, so that no identity is used twice
        self._values: dict[int, tuple[Tensor, int, Ref]] = {}
        self._others: list[Tensor] = []
        self._stack: list[Origin] = []

    def run(self, shape: Shape) -> None:
        """Run the model on a batch of samples of ``shape``."""
        dtypes = [p.dtype for p in self._model.parameters() if p.dtype.is_floating_point]
        sample = torch.empty((BATCH, *shape), device="meta", dtype=dtypes[0] if dtypes else torch.float32)
        self._values[id(sample)] = (sample, sample._version, INPUT)
        hooks = list(self._hook_modules())
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad(), torch.device("meta"), self:
                output = self._model(sample)
        except Exception as error:
            raise self._explain(error, shape) from error
        finally:
            for undo in hooks:
                undo()
        for label, tensor in _tensors_of(output):
            value = self._values.get(id(tensor))
            self.outputs.append((label, None if value is None else value[2]))

    def __torch_function__(self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation; note it where a tensor that counts goes in and a tensor comes out."""
        del types
        kwargs = kwargs or {}
        inputs = list(_tensors((*args, *kwargs.values())))
        counts = any(id(tensor) in self._values or id(tensor) in self._names for tensor in inputs)
        op = _name(func)
        if not counts or op.startswith("new_") or op.endswith("_like"):
            result = func(*args, **kwargs)
            # what is computed from random numbers is random
            maker = next((name for tensor in inputs if _draws(name := self._makers.get(id(tensor), ""))), op)
            for tensor in _tensors((result,)):
                self._makers.setdefault(id(tensor), maker)
                self._makers[id(tensor)] = maker if _draws(maker) else self._makers[id(tensor)]
                self._others.append(tensor)
            return result
        given = tuple(self._plain(value) for value in args), {k: self._plain(v) for k, v in kwargs.items()}
        versions = [tensor._version for tensor in inputs]
        result = _batch_normalised(args, kwargs) if op == "batch_norm" else None
        result = _moved(args, kwargs) if op in MOVES else result
        result = func(*args, **kwargs) if result is None else result
        made = list(_tensors((result,)))
        changed = [t for t, version in zip(inputs, versions, strict=True) if t._version != version]
        made += [t for t in changed if id(t) in self._values and all(t is not other for other in made)]
        if made:
            self._note(op, given, made)
        return result

    def _note(self, op: str, given: tuple[tuple[Any, ...], dict[str, Any]], made: list[Tensor]) -> None:
        origin = self._stack[-1] if self._stack else Origin()
        origin = Origin(origin.path, origin.module, _line())
        shapes = tuple(tuple(tensor.shape) for tensor in made)
        for part, tensor in enumerate(made):
            self._values[id(tensor)] = (tensor, tensor._version, Ref(len(self.calls), part))
        self.calls.append(Call(op, *given, shapes, origin, torch.is_grad_enabled()))

    def _plain(self, value: Any) -> Any:
        """Return an argument with its tensors replaced by what they are."""
        if isinstance(value, Tensor):
            return self._reference(value)
        if isinstance(value, tuple | list):
            return tuple(self._plain(item) for item in value)
        return value if isinstance(value, bool | int | float | str | None) else repr(value)

    def _reference(self, tensor: Tensor) -> Ref | ParameterRef | Constant:
        if id(tensor) in self._values:
            _, version, ref = self._values[id(tensor)]
            if tensor._version != version:
                origin = self._stack[-1] if self._stack else Origin()
                text = "a tensor is read after a view of it was changed in place; write the operation out of place"
                self.reasons.append(Reason(Origin(origin.path, origin.module, _line()), text))
            return ref
        if id(tensor) in self._names:
            return ParameterRef(self._names[id(tensor)])
        return Constant(tuple(tensor.shape), self._makers.get(id(tensor), self._buffers.get(id(tensor), "")))

    def _hook_modules(self) -> Iterator[Callable[[], None]]:
        """Follow which module is running; yield what takes the following back."""
        for path, module in self._model.named_modules():
            home, name = type(module).__module__, type(module).__name__
            if home.startswith((*OWN, *RANDOM_MODULES.get(name, ("\n",)))):
                yield self._replace(path, module)
                continue
            origin = Origin(path, type(module).__name__)
            yield self._follow(origin, module)

    def _follow(self, origin: Origin, module: nn.Module) -> Callable[[], None]:
        states: list[Any] = []

        def enter(*_: object) -> None:
            self._stack.append(origin)
            if self._watch:
                states.append(_random_state())

        def leave(*_: object) -> None:
            self._stack.pop()
            if self._watch and states.pop() != _random_state() and self.draws is None:
                self.draws = origin

        before, after = module.register_forward_pre_hook(enter), module.register_forward_hook(leave)

        def undo() -> None:
            before.remove()
            after.remove()

        return undo

    def _replace(self, path: str, module: nn.Module) -> Callable[[], None]:
        """Let one of this package's own modules stand for itself as one call."""
        home, name = type(module).__module__, type(module).__name__
        origin = Origin(path, name)
        op = home.rpartition(".")[2] if home.startswith(OWN_ACTIVATIONS) else name

        def forward(x: Tensor) -> Tensor:
            with torch._C.DisableTorchFunction():
                result = x.clone()
            scalars = {k: v for k, v in vars(module).items() if isinstance(v, bool | int | float | str)}
            tensors = {name: self._plain(p) for name, p in module.named_parameters(recurse=False)}
            inner = {name: self._function(child, x) for name, child in vars(module).items() if name == "activation"}
            inner |= {name: self._function(child, x) for name, child in module.named_children()}
            self._stack.append(origin)
            self._note(op, ((self._plain(x),), {**scalars, **tensors, **inner}), [result])
            self._stack.pop()
            return result

        module.forward = forward
        return lambda: delattr(module, "forward")

    def _function(self, function: Callable[[Tensor], object], x: Tensor) -> str:
        """Return the name of the only operation of a function of single values; its own if there are others."""
        before = len(self.calls)
        function(x)
        ops = [call.op for call in self.calls[before:]]
        del self.calls[before:]
        return ops[0] if len(ops) == 1 else repr(function)

    def _explain(self, error: Exception, shape: Shape) -> Exception:
        """Return what to raise for what the model raised."""
        where = self._stack[-1] if self._stack else Origin("", type(self._model).__name__)
        frames = own_frames(error)
        message = " ".join(str(error).split())
        if any(word in message for word in NEEDS_VALUES):
            line = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""
            text = (
                "the forward pass asks for the values of a tensor (an if, a loop or .item() on data); a spec describes a "
                "network that computes the same for every input"
            )
            at = f"; see {line}: {frames[-1].line}" if frames else ""
            return Untranslatable([*self.reasons, Reason(where, text + at)])
        given = ",".join(map(str, shape))
        head = f"error: the model's own code failed in {where} on an input of shape {[BATCH, *shape]}:"
        return ModelError(f"{head}\n{last_frames(error)}\nis --input {given} what it takes?")


def _batch_normalised(args: Any, kwargs: Any) -> Tensor | None:
    """Return the result of batch norm, whose rules for tensors without values are slow; None where torch may object."""
    x, *others = _tensors((*args, *kwargs.values()))
    channels = x.shape[1] if x.dim() > 1 else 0
    if x.numel() <= channels or any(tuple(other.shape) != (channels,) for other in others):
        return None
    with torch._C.DisableTorchFunction():
        return x.clone()


def _moved(args: Any, kwargs: Any) -> Tensor:
    """Return what moving a tensor to a device gives where no tensor has values: a copy, of another type if that is asked for."""
    x, *others = args
    asked = [*others, *kwargs.values()]
    types = [a.dtype if isinstance(a, Tensor) else a for a in asked if isinstance(a, Tensor | torch.dtype)]
    with torch._C.DisableTorchFunction():
        return x.to(types[0]) if types and types[0] != x.dtype else x.clone()


def _name(func: Callable[..., Any]) -> str:
    """Return the name of an operation, without the marks of operators, in-place forms and attributes."""
    name: str = getattr(func, "__name__", type(func).__name__)
    if name in ("__get__", "__set__"):
        name = getattr(getattr(func, "__self__", None), "__name__", name)
    if name.startswith("__"):
        name = name.strip("_")
        return name[1:] if name in ("iadd", "radd", "imul", "rmul", "isub", "itruediv") else name
    return name.rstrip("_")


def _tensors(values: Any) -> Iterator[Tensor]:
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, tuple | list):
            yield from _tensors(value)


def _tensors_of(output: Any, label: str = "") -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors that a model returns, each with its key, attribute or place."""
    if isinstance(output, Tensor):
        yield label or "output", output
        return
    items: Any = ()
    if isinstance(output, dict):
        items = output.items()
    elif hasattr(output, "_asdict"):
        items = output._asdict().items()
    elif isinstance(output, tuple | list):
        items = ((f"output {index}", item) for index, item in enumerate(output))
    elif hasattr(output, "__dict__"):
        items = vars(output).items()
    for key, item in items:
        yield from _tensors_of(item, str(key))


def _draws(op: str) -> bool:
    return op in ("bernoulli", "rand", "randn", "uniform", "normal", "randint", "randperm", "rand_like", "randn_like")


def _random_state() -> tuple[Any, ...]:
    """Return the states of the generators that Python code draws from."""
    numpy = sys.modules.get("numpy")
    legacy = () if numpy is None else numpy.random.get_state()
    return (random.getstate(), *map(str, legacy))


def _line() -> str:
    """Return file and line in the model's own code."""
    frame = inspect.currentframe()
    while frame is not None and not is_own(frame.f_code.co_filename):
        frame = frame.f_back
    return "" if frame is None else f"{os.path.basename(frame.f_code.co_filename)}:{frame.f_lineno}"
