"""docs/coverage.md: layer x mode x engine. Each layer is quantized in each mode and computed by all of qtool's engines and by ONNX Runtime; all
agree with each other and with the float model. What the table says of them is what was found: QTOOL_WRITE_COVERAGE=1 writes it anew."""
import json, os, subprocess
import numpy as np
import onnx, onnxruntime
import pytest

from conftest import ROOT
from layers import LAYERS, feeds_of, model_of

TABLE = ROOT / 'docs/coverage.md'
MODES = {'static': ['--backend', 'x86'], 'native': ['--backend', 'native'], 'dynamic': ['--mode', 'dynamic'], 'int8': ['--mode', 'weight-only'],
         'int4': ['--qconfig', 'weight-only-int4']}
ENGINES = ['onednn', 'arm']
LEAST = {'static': .99, 'native': .99, 'dynamic': .995, 'int8': .999, 'int4': .94}
FOUND = {}
HEAD = """# Coverage

What each kind of layer becomes, per mode, and whether qtool's engines (`onednn` on x86, `arm`) and ONNX Runtime compute it in integers. Made by
`tests/interop/test_coverage.py`: every cell is a small network that was quantized, run by `--engine onednn`, `--engine arm` (on x86 its kernels are the
scalar twins, with the same bits), `--engine reference` and ONNX Runtime, and agreed with the float model. Layers that run on codes of others stand
between two convolutions or linear layers.

| | |
|---|---|
| `int8` | all of the layer is computed on codes |
| `part` | some of it |
| `float` | it stays float, or is computed in float between codes |
| `codes` | weights are stored as codes and computed as floats |
| `-` | no weights of its own |

| layer | static x86: onednn, arm, ONNX Runtime | native: onednn, arm, ONNX Runtime | dynamic: onednn, arm, ONNX Runtime | weight-only int8 | int4 |
|---|---|---|---|---|---|
"""
ON_CODES = {'Relu', 'MaxPool', 'Reshape', 'Transpose', 'Concat', 'Gather', 'Resize', 'Clip'}  # ONNX Runtime runs these on codes under their own name
CONVERSIONS = {'QuantizeLinear', 'DequantizeLinear', 'Transpose', 'Reshape'}
SHARED = {'FusedConv': 'Conv', 'FusedGemm': 'Gemm', 'FusedMatMul': 'MatMul', 'BiasGelu': 'Gelu', 'NhwcMaxPool': 'MaxPool'}


def call(qtool, *args):
    return subprocess.run([qtool, *map(str, args)], check=True, capture_output=True).stdout


def has_weights(layer):
    return not LAYERS[layer][0][1].startswith('a = ') or layer in ('Linear', 'LSTMCell')


def cosine(a, b):
    a, b = a.ravel().astype(float), b.ravel().astype(float)
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30)


def verdict(floats, integers):
    return 'float' if not integers else 'part' if floats else 'int8'


def in_qtool(qtool, path, counts, engine):
    """Steps of the layer's operators in float, and whether any step is int8."""
    steps = json.loads(call(qtool, 'bench', path, '--engine', engine, '--profile', '--json', '--seconds', '0.01'))['nodes']
    return verdict([s for s in steps if s['op'] in counts and s['dtype'] == 'float32'], [s for s in steps if s['dtype'] == 'int8' and s['op'] not in CONVERSIONS])


def in_onnx_runtime(path, counts, alone, tmp_path):
    session(path, tmp_path / 'optimized.onnx')
    graph = onnx.load(tmp_path / 'optimized.onnx').graph
    makers = {o: n.op_type for n in graph.node for o in n.output}
    codes = {o for n in graph.node for o in n.output if n.op_type == 'QuantizeLinear' or n.op_type.startswith(('QLinear', 'QGemm'))}
    floats, integers = [], []
    for node in graph.node:
        kind = SHARED.get(node.op_type, node.op_type)
        if kind in ON_CODES and node.input[0] in codes:
            codes.update(node.output)
        elif kind.startswith(('QLinear', 'QGemm', 'DynamicQuantizeMatMul', 'MatMulInteger', 'DynamicQuantizeLSTM')):
            integers.append(kind)
        elif (kind in counts or not alone and kind not in CONVERSIONS) and makers.get(node.input[0]) != 'QuantizeLinear':
            floats.append(kind)
    return verdict(floats, integers)


def session(path, optimized=None):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if optimized:
        options.optimized_model_filepath = str(optimized)
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


def stored(path):
    small = {onnx.TensorProto.INT8, onnx.TensorProto.INT4}
    return 'codes' if any(i.data_type in small for i in onnx.load(path).graph.initializer) else 'float'


def outputs(qtool, path, folder, engine):
    call(qtool, 'run', path, folder / 'data', '-o', folder / engine, '--engine', engine)
    return np.stack([np.load(f)['y'] for f in sorted((folder / engine).glob('*.npz'))])


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('layer', LAYERS)
def test_layer(qtool, layer, mode, tmp_path):
    model = model_of(layer)
    onnx.save(model, tmp_path / 'float.onnx')
    feeds = feeds_of(model, 8)
    os.mkdir(tmp_path / 'data')
    for i, feed in enumerate(feeds):
        np.savez(tmp_path / 'data' / f'{i}.npz', **feed)
    data = [tmp_path / 'data'] if mode in ('static', 'native') else []
    path = tmp_path / 'int8.onnx'
    call(qtool, 'quantize', tmp_path / 'float.onnx', *data, *MODES[mode], '-o', path)
    before, after = session(tmp_path / 'float.onnx'), session(path)
    want, ort = (np.stack([s.run(None, feed)[0] for feed in feeds]) for s in (before, after))
    for found in [ort, *(outputs(qtool, path, tmp_path, engine) for engine in (*ENGINES, 'reference'))]:
        assert cosine(want, found) >= LEAST[mode]
    FOUND[layer, mode] = told(qtool, layer, mode, path, tmp_path)


def told(qtool, layer, mode, path, tmp_path):
    counts = LAYERS[layer][1]
    if mode not in ('static', 'native') and not has_weights(layer):
        return '-'
    if mode in ('int8', 'int4'):
        return stored(path)
    all = [in_qtool(qtool, path, counts, engine) for engine in ENGINES] + [in_onnx_runtime(path, counts, has_weights(layer), tmp_path)]
    return ', '.join(['codes'] * len(all) if set(all) == {'float'} and stored(path) == 'codes' else all)


def test_the_table_says_what_was_found():
    if len(FOUND) < len(LAYERS) * len(MODES):
        pytest.skip('not every cell was tested')
    if 'avx512_vnni' not in open('/proc/cpuinfo').read() or not onnxruntime.__version__.startswith('1.31.'):
        pytest.skip('the table is that of ONNX Runtime 1.31 and a processor with AVX512-VNNI')
    text = HEAD + ''.join('| ' + ' | '.join([layer, *(FOUND[layer, mode] for mode in MODES)]) + ' |\n' for layer in LAYERS)
    if os.environ.get('QTOOL_WRITE_COVERAGE'):
        TABLE.write_text(text)
    assert bool(TABLE.read_text() == text), 'docs/coverage.md is not what was found: QTOOL_WRITE_COVERAGE=1 writes it anew'
