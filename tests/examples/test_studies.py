"""The studies of the papers' claims at reduced size: each shows the direction of its claim."""

from __future__ import annotations

import importlib
import math
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

FOLDER = Path(__file__).parents[2] / "examples" / "studies"
NAMES = sorted(path.stem for path in FOLDER.glob("*[0-9]*.py"))
README = (FOLDER.parent / "README.md").read_text()


@pytest.fixture
def study(monkeypatch):
    """Import a study by its name."""
    monkeypatch.syspath_prepend(FOLDER)
    return importlib.import_module


def by(rows, *keys):
    """Return the rows by the values of some of their attributes."""
    return {tuple(getattr(row, key) for key in keys) if len(keys) > 1 else getattr(row, keys[0]): row for row in rows}


def test_without_batch_norm_deep_nets_grow_and_need_small_rates_and_one_batch_norm_helps(study):
    bjorck = study("bjorck2018")

    rows, curves = bjorck.run(blocks=(1, 6), steps=12, seeds=1, rates=(1e-5, 1e-2), curve_blocks=4)
    found = by(rows, "variant", "blocks")

    def growth(variant: str, value: str) -> float:
        return getattr(found[variant, 6], value)[0] / getattr(found[variant, 1], value)[0]

    assert growth("none", "activations") > 3 * growth("BN", "activations")
    assert growth("none", "gradients") > 10 * growth("BN", "gradients")
    for rate in ("boundary", "prediction"):
        none, last, every = (getattr(found[variant, 6], rate) for variant in ("none", "last BN", "BN"))
        assert none < getattr(found["none", 1], rate) / 30
        assert last > 30 * none
        assert every > 30 * none
    losses = {curve.variant: curve.losses for curve in curves}
    assert losses["none"][1] == math.inf
    assert losses["BN"][1] < 0.5 * losses["BN"][0]
    assert losses["last BN"][1] < 0.5 * losses["last BN"][0]
    assert "diverges from" in bjorck.report(rows, curves)


def test_a_smaller_gamma_reaches_a_lower_loss(study):
    wei = study("wei2019")

    rows = wei.run(gammas=(0.5, 1.0, 4.0), rates=(0.003, 0.01, 0.03, 0.1), epochs=2, seeds=1)
    best = [row.at_best()[0] for row in rows]

    assert best[0] < 0.9 * best[1]
    assert best[1] < 0.9 * best[2]
    assert rows[0].prediction.max_learning_rate > 10 * rows[2].prediction.max_learning_rate
    assert [line.split()[1] for line in wei.report(rows).splitlines()[2:]] == ["0.5", "1", "4"]


def test_cross_iteration_statistics_and_training_are_closer_to_those_of_a_large_batch(study):
    yao = study("yao2020_cbn")

    rows = yao.run(batches=(2,), epochs=1, steps=20, seeds=1)
    found = by(rows, "name", "batch")
    bn, cbn, large = found["BN", 2], found["CBN", 2], found["BN", 64]

    assert cbn.mean_errors[0] < 0.75 * bn.mean_errors[0]
    assert cbn.std_errors[0] < 0.75 * bn.std_errors[0]
    assert cbn.accuracies[0] > bn.accuracies[0] + 0.2
    assert abs(cbn.accuracies[0] - large.accuracies[0]) < abs(bn.accuracies[0] - large.accuracies[0])
    assert bn.prediction is None
    assert "| - " in yao.report(rows).splitlines()[2]


def test_instance_enhancement_suffers_less_from_noise_in_the_statistics(study):
    liang = study("liang2020_iebn")

    noises, rows = liang.run(noises=(0.0, 1.0), seeds=1)
    accuracy = {row.name: [values[0] for values in row.accuracies] for row in rows}

    assert min(values[0] for values in accuracy.values()) > 0.85
    assert accuracy["IEBN"][1] > accuracy["BN"][1] + 0.15
    assert accuracy["IEBN"][1] > accuracy["BN, gamma 0.27"][1]
    assert len(liang.report(noises, rows).splitlines()) == 5


def test_noise_of_strength_zero_is_batch_norm_and_evaluation_has_none(study):
    import torch

    noisy = study("liang2020_iebn").NoisyStatistics
    x, norm = torch.randn(16, 3, 4, 4), torch.nn.BatchNorm2d(3)
    torch.nn.init.normal_(norm.weight)

    with noisy(0.0, 0):
        still = norm(x)
    torch.testing.assert_close(still, norm(x))
    with noisy(1.0, 0):
        assert not torch.allclose(norm(x), still, atol=0.1)
        within = norm.eval()(x)
    torch.testing.assert_close(within, norm(x))


def test_batch_group_norm_is_accurate_at_batch_two_and_stable(study):
    zhou = study("zhou2020_bgn")

    batches, rows = zhou.run(batches=(2, 16), epochs=1, seeds=1)
    bn, bgn = ([values[0] for values in row.accuracies] for row in rows)

    assert bgn[0] > bn[0] + 0.3
    assert abs(bgn[1] - bgn[0]) < 0.5 * abs(bn[1] - bn[0])
    assert rows[0].predictions[0] is None
    assert rows[1].predictions[0] < rows[1].predictions[1]
    assert len(zhou.report(batches, rows).splitlines()) == 6


def test_proxy_norm_neither_collapses_nor_loses_the_variability_of_instances(study):
    labatie = study("labatie2021_proxy")

    rates, found = labatie.run(depth=12, channels=32, blocks=1, rates=(0.01,), steps=5, seeds=2)
    rows = by(found, "name")
    last = {name: [depths[-1] for depths in row.powers] for name, row in rows.items()}

    assert min(p.constant for p in last["LN"]) > 0.7
    assert max(p.instance for p in last["IN"]) < 1e-4
    for name in ("BN", "LN + PN"):
        assert max(p.constant for p in last[name]) < 0.2
        assert min(p.instance for p in last[name]) > 0.01
    constants = statistics.mean(p.constant for p in rows["LN"].powers[0][:3])
    assert constants < last["LN"][0].constant
    assert "LN + PN" in labatie.report(rates, found)


@pytest.mark.parametrize("name", NAMES)
def test_every_study_has_its_command_and_its_picture_in_the_readme(name):
    assert f"python examples/studies/{name}.py" in README
    assert f"](studies/{name}.png)" in README
    assert (FOLDER / f"{name}.png").is_file()


def test_there_are_six_studies():
    assert len(NAMES) == 6


def test_the_command_prints_its_table_and_draws(tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("study.py", "zhou2020_bgn.py"):
        shutil.copy(FOLDER / name, tmp_path)
    script = tmp_path / "zhou2020_bgn.py"
    text = script.read_text()
    for full, reduced in (
        ("BATCHES = (2, 4, 8, 16, 64)", "BATCHES = (64,)"),
        ("EPOCHS, SEEDS = 4, 5", "EPOCHS, SEEDS = 1, 1"),
    ):
        assert full in text
        text = text.replace(full, reduced)
    script.write_text(text)

    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False, timeout=300)

    assert done.returncode == 0, done.stderr
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines()[2:]] == ["BN", "BGN"]
    assert done.stderr.endswith(f"2/2\nwrote {tmp_path / 'zhou2020_bgn.png'}\n")
    assert (tmp_path / "zhou2020_bgn.png").read_bytes().startswith(b"\x89PNG")
