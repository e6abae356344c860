#!/usr/bin/env python3
"""Puts what is too large to ship, or not ours to ship, into $QTOOL_TASKS (default ~/.cache/qtool-tasks):

ppocr-det, ppocr-cls   models/: real OCR models (Apache-2.0) out of the PyPI package rapidocr-onnxruntime; samples drawn by draw_text.py
topo-*                 models/: full-size architectures with random weights, made from the light models of the PyPI package onnx:
                       only for time and memory, never for accuracy; with calib/ (16) and test/ (32) of seeded noise beside them
bytes-transformer      its samples: 512 bytes out of files of 16 kinds found on this machine (so the float metric varies a little
                       between machines: measure it beside the int8 one)
nodes                  the ONNX project's operator tests out of the PyPI package onnx (node_suite.py)

Needs: python3 with pip, numpy, onnx and pillow.
"""
import csv, glob, os, random, subprocess, sys, tempfile, zipfile
import numpy as np, onnx
from onnx import numpy_helper, version_converter

import draw_text, node_suite
from tasklib import CACHE
OUT = CACHE + '/models'
KINDS = 'py h js json html xml md pl so pyc png gz rst yaml mo go'.split()
PPOCR = {'ppocr-det': 'ch_PP-OCRv4_det_infer.onnx', 'ppocr-cls': 'ch_ppocr_mobile_v2.0_cls_infer.onnx'}
TOPO = ['resnet50', 'squeezenet', 'densenet121', 'inception_v1', 'shufflenet']


def fetch_ppocr():
    if all(os.path.exists(f'{OUT}/{t}.onnx') for t in PPOCR):
        return
    with tempfile.TemporaryDirectory() as tmp:
        # Only the models inside matter, so any Python will do.
        subprocess.check_call([sys.executable, '-m', 'pip', 'download', '-q', '--no-deps', '--ignore-requires-python', '-d', tmp, 'rapidocr-onnxruntime==1.4.4'])
        with zipfile.ZipFile(glob.glob(tmp + '/*.whl')[0]) as wheel:
            for task, name in PPOCR.items():
                with open(f'{OUT}/{task}.onnx', 'wb') as f:
                    f.write(wheel.read('rapidocr_onnxruntime/models/' + name))


def make_ppocr_samples():
    if not os.path.exists(CACHE + '/ppocr-cls/labels.csv'):
        draw_text.draw_directions(CACHE + '/ppocr-cls')
    if not os.path.exists(CACHE + '/ppocr-det/boxes.json'):
        draw_text.draw_pages(CACHE + '/ppocr-det')


def random_weight(shape, op, index, rng):
    if op == 'Conv' and index == 1:
        return rng.randn(*shape) * np.sqrt(2 / np.prod(shape[1:]))
    if op in ('Gemm', 'MatMul') and len(shape) == 2:
        return rng.randn(*shape) * np.sqrt(1 / max(shape))
    if op == 'BatchNormalization':
        centre = {1: 1.0, 2: 0.0, 3: 0.0, 4: 1.0}[index]
        return np.abs(centre + .1 * rng.randn(*shape)) if index == 4 else centre + .1 * rng.randn(*shape)
    if op == 'Unsqueeze':
        return np.ones(shape)
    return rng.randn(*shape) * .01


def make_topology(name):
    path = f'{OUT}/topo-{name}.onnx'
    if os.path.exists(path):
        return
    light = os.path.join(os.path.dirname(onnx.__file__), 'backend/test/data/light', f'light_{name}.onnx')
    model, rng = onnx.load(light), np.random.RandomState(0)
    graph = model.graph
    shapes = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    use = {}
    for node in graph.node:
        for i, value in enumerate(node.input):
            use.setdefault(value, (node.op_type, i))
    kept, weights = [], {}
    for node in graph.node:
        if node.op_type != 'ConstantOfShape':
            kept.append(node)
            continue
        shape = [int(v) for v in shapes[node.input[0]]]
        weights[node.output[0]] = random_weight(shape, *use[node.output[0]], rng).astype(np.float32)
    if kept[-1].op_type == 'Softmax':
        kept[-2].output[0] = kept[-1].output[0]
        kept.pop()
    del graph.node[:]
    graph.node.extend(kept)
    graph.initializer.extend(numpy_helper.from_array(v, k) for k, v in weights.items())
    used = {value for node in graph.node for value in node.input}
    for field in (graph.initializer, graph.input):
        items = [x for x in field if x.name in used]
        del field[:]
        field.extend(items)
    names = {t.name for t in graph.initializer}
    inputs = [x for x in graph.input if x.name not in names]
    del graph.input[:]
    graph.input.extend(inputs)
    model.ir_version = 8
    onnx.save(version_converter.convert_version(model, 13), path)


def make_topology_samples(name):
    folder = f'{CACHE}/topo-{name}'
    if os.path.exists(folder + '/test/0031.npy'):
        return
    graph = onnx.load(f'{OUT}/topo-{name}.onnx').graph
    shape = [d.dim_value or 1 for d in graph.input[0].type.tensor_type.shape.dim]
    for split, count, seed in (('calib', 16, 0), ('test', 32, 1000)):
        os.makedirs(f'{folder}/{split}', exist_ok=True)
        for i in range(count):
            rng, image = np.random.RandomState(seed + i), np.zeros(shape, np.float32)
            for cells in (4, 16, 56):  # noise at three scales, like a picture's spectrum
                image[0] += np.kron(rng.randn(shape[1], cells, cells), np.ones((1, shape[2] // cells, shape[3] // cells)))
            np.save(f'{folder}/{split}/{i:04d}.npy', image.astype(np.float32))


def make_bytes_samples(calibration=128, test=600):
    folder = CACHE + '/bytes-transformer'
    if os.path.exists(folder + '/labels.csv'):
        return
    rng, files = random.Random(7), {}
    for kind in KINDS:
        found = subprocess.run(['find', '/usr', os.path.expanduser('~'), '-xdev', '-type', 'f', '-name', '*.' + kind, '-size', '+2k'],
                               capture_output=True, text=True, errors='replace').stdout.splitlines()
        files[kind] = rng.sample(sorted(found), min(300, len(found)))
    rows = []
    for split, count in (('calib', calibration), ('test', test)):
        os.makedirs(f'{folder}/{split}', exist_ok=True)
        for i in range(count):
            kind = rng.choice([k for k in KINDS if len(files[k]) > 20])
            with open(rng.choice(files[kind]), 'rb') as f:
                data = f.read(400000)
            start = rng.randrange(max(1, len(data) - 512))
            window = np.full((1, 512), 256, np.int64)
            window[0, :len(data[start:start + 512])] = np.frombuffer(data[start:start + 512], np.uint8)
            np.save(f'{folder}/{split}/{i:04d}.npy', window)
            if split == 'test':
                rows.append((f'{i:04d}.npy', KINDS.index(kind)))
    with open(folder + '/labels.csv', 'w', newline='') as f:
        csv.writer(f).writerows([('file', 'label'), *rows])


if __name__ == '__main__':
    os.makedirs(OUT, exist_ok=True)
    make_bytes_samples()
    fetch_ppocr()
    make_ppocr_samples()
    if not os.path.exists(CACHE + '/nodes/tolerance.csv'):
        node_suite.write(CACHE + '/nodes')
    for topology in TOPO:
        make_topology(topology)
        make_topology_samples(topology)
    print('\n'.join(sorted(os.listdir(OUT))))
