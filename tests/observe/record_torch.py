"""Writes testdata/observe/torch.json: what torch.ao's observers make of the values of tests/observe/values.h.

Needs PyTorch with torch.ao; run by hand when a row is added:  python3 tests/observe/record_torch.py > testdata/observe/torch.json
"""
import json
import math

import numpy
import torch
from torch.ao.quantization import observer as observers

COUNT, BATCHES = 8000, 4


def uniform(seed, count):
    """The values of Random in values.h: 24 bits of a linear congruential generator, in [0, 1)."""
    state, out = seed, []
    for _ in range(count):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out.append((state >> 40) / 2**24)
    return out


def bell(seed, count):
    u = uniform(seed, 12 * count)
    return [sum(u[12 * i:12 * i + 12]) - 6 for i in range(count)]


def outliers(seed):
    values = bell(seed, COUNT)
    values[17], values[4711], values[7000] = 60.0, -45.0, 55.0
    return values


KINDS = {
    "uniform": lambda: [2 * u - 1 for u in uniform(1, COUNT)],
    "bell": lambda: bell(2, COUNT),
    "relu": lambda: [max(v, 0.0) for v in bell(3, COUNT)],
    "heavy": lambda: [a * b * c for a, b, c in zip(bell(4, COUNT), bell(5, COUNT), bell(6, COUNT))],
    "heavy_relu": lambda: [max(a * b * c, 0.0) for a, b, c in zip(bell(7, COUNT), bell(8, COUNT), bell(9, COUNT))],
    "outliers": lambda: outliers(10),
    "shifted": lambda: [v * 0.25 + 3.0 for v in bell(11, COUNT)],
    "negative": lambda: [-v * v - 0.125 for v in bell(12, COUNT)],
    "tiny": lambda: [v * 2.0**-40 for v in bell(13, COUNT)],
}
SCHEMES = {
    "u8_affine": dict(dtype=torch.quint8, qscheme=torch.per_tensor_affine),
    "u8_reduced": dict(dtype=torch.quint8, qscheme=torch.per_tensor_affine, reduce_range=True),
    "s8_symmetric": dict(dtype=torch.qint8, qscheme=torch.per_tensor_symmetric, quant_min=-127, quant_max=127),
    "u4_affine": dict(dtype=torch.quint8, qscheme=torch.per_tensor_affine, quant_min=0, quant_max=15),
}


def batches(values):
    return torch.tensor(numpy.array(values, dtype=numpy.float64).astype(numpy.float32)).chunk(BATCHES)


def observed(cls, values, **options):
    observer = cls(**options)
    for batch in batches(values):
        observer(batch)
    scale, zero_point = observer.calculate_qparams()
    return {"lo": float(observer.min_val), "hi": float(observer.max_val), "scale": float(scale), "zero_point": int(zero_point)}


def per_channel(values, **options):
    observer = observers.PerChannelMinMaxObserver(ch_axis=0, **options)
    observer(torch.cat(batches(values)).reshape(8, -1))
    scale, zero_point = observer.calculate_qparams()
    return {"lo": observer.min_val.tolist(), "hi": observer.max_val.tolist(), "scale": scale.tolist(), "zero_point": zero_point.tolist()}


def main():
    rows = []
    for kind, make in KINDS.items():
        values = make()
        for scheme, options in SCHEMES.items():
            row = {"values": kind, "scheme": scheme}
            row["minmax"] = observed(observers.MinMaxObserver, values, **options)
            row["moving_average_minmax"] = observed(observers.MovingAverageMinMaxObserver, values, **options)
            row["histogram"] = observed(observers.HistogramObserver, values, **options)
            if scheme == "s8_symmetric":
                row["per_channel_minmax"] = per_channel(values, **{**options, "qscheme": torch.per_channel_symmetric})
            rows.append(row)
    assert all(math.isfinite(row["histogram"]["scale"]) for row in rows)
    lines = ",\n".join(json.dumps(row) for row in rows)
    print(f'{{"torch": "{torch.__version__.split("+")[0]}", "rows": [\n{lines}\n]}}')


main()
