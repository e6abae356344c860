"""Files whose weights alone are codes, against ONNX Runtime on the same file: what differs is the order of float sums, and is held to that.

ONNX Runtime turns DequantizeLinear and MatMul into its MatMulNBits, which by default rounds activations to 8 bits: asked for floats
(qdq_matmulnbits_accuracy_level 1) it is held to the sums, by default to the cosine. Sizes are odd on purpose: the last group of a column is shorter, codes of 4 bits end in the midst of a byte."""
import json
import numpy as np
import onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
import pytest

from test_modes import call, cosine, one_layer

EPSILON = 2. ** -24
CODES = {'int8': TensorProto.INT8, 'int4': TensorProto.INT4, 'uint4': TensorProto.UINT4}
# name -> type, group (0: one scale a channel)
FORMS = {'int8-channels': ('int8', 0), **{f'{kind}-groups-{size}': (kind, size) for kind in ('int4', 'uint4') for size in (32, 128)}}
SIZES = [(33, 17), (130, 63), (257, 65), (1001, 7)]  # K, N
ENGINES = ['onednn', 'arm', 'reference']


def random(*shape):
    return np.random.default_rng(sum(shape)).normal(.05, .3, shape).astype(np.float32)


def linear(op, k, n, rows, transposed=0):
    weight, x = random(*((n, k) if transposed else (k, n))), random(rows, k + 1)[:, 1:].copy()
    if op == 'MatMul':
        return helper.make_node('MatMul', ['x', 'w'], ['y'], name='n'), {'w': weight}, {'x': x.reshape(1, rows, k)}
    return helper.make_node('Gemm', ['x', 'w', 'b'], ['y'], name='n', alpha=.5, transB=transposed), {'w': weight, 'b': random(n)}, {'x': x}


def recurrence(op, gates, size, width, both):
    d = 2 if both else 1
    more = {'linear_before_reset': 1} if op == 'GRU' else {}
    node = helper.make_node(op, ['x', 'w', 'r', 'b'], ['y', 'h'], name='n', hidden_size=width, direction='bidirectional' if both else 'forward', **more)
    return node, {'w': random(d, gates * width, size), 'r': random(d, gates * width, width), 'b': random(d, 2 * gates * width)}, {'x': random(5, 3, size)}


def embedding(words, width):
    return helper.make_node('Gather', ['w', 'i'], ['y'], name='n'), {'w': random(words, width)}, {'i': np.array([[0, words - 1, 7], [3, 3, -1]])}


LAYERS = {**{f'MatMul-{k}x{n}-rows-{rows}': lambda k=k, n=n, rows=rows: linear('MatMul', k, n, rows) for k, n in SIZES for rows in (1, 6)},
          **{f'Gemm-{k}x{n}': lambda k=k, n=n: linear('Gemm', k, n, 5) for k, n in SIZES},
          **{f'Gemm-{k}x{n}-transB': lambda k=k, n=n: linear('Gemm', k, n, 5, 1) for k, n in SIZES},
          **{f'Gather-{w}x{d}': lambda w=w, d=d: embedding(w, d) for w, d in [(101, 33), (37, 129)]},
          'LSTM-33': lambda: recurrence('LSTM', 4, 33, 17, False), 'LSTM-41-bidirectional': lambda: recurrence('LSTM', 4, 41, 35, True),
          'GRU-33': lambda: recurrence('GRU', 3, 33, 17, False)}


def qconfig_of(kind, size):
    weight = {'observer': 'per_channel_minmax', 'dtype': kind, 'group_size': size,
              'qscheme': 'per_channel_affine' if kind == 'uint4' else 'per_channel_symmetric'}
    return {'global': {'activation': None, 'weight': weight}}


def quantized(qtool, model, form, folder):
    outputs = {o.name: o for o in onnx.shape_inference.infer_shapes(model, strict_mode=True).graph.output}
    for output in model.graph.output:
        output.CopyFrom(outputs[output.name])
    onnx.save(model, folder / 'float.onnx')
    (folder / 'q.json').write_text(json.dumps(qconfig_of(*FORMS[form])))
    call(qtool, 'quantize', folder / 'float.onnx', '--qconfig', folder / 'q.json', '-o', folder / 'codes.onnx')
    made = onnx.load(folder / 'codes.onnx')
    onnx.checker.check_model(made, full_check=True)
    weights = {i.name: i for i in made.graph.initializer}
    dequantized = [node for node in made.graph.node if node.op_type == 'DequantizeLinear']
    assert dequantized and all(weights[node.input[0]].data_type == CODES[FORMS[form][0]] for node in dequantized)
    if form.startswith('uint4'):
        assert all(len(node.input) == 3 and numpy_helper.to_array(weights[node.input[2]]).any() for node in dequantized)
    return folder / 'codes.onnx', weights, dequantized


def own(qtool, path, feed, engine, folder):
    (folder / 'in').mkdir(exist_ok=True)
    np.savez(folder / 'in/0.npz', **feed)
    call(qtool, 'run', path, folder / 'in', '--engine', engine, '-o', folder / engine)
    return np.load(folder / engine / '0.npz')


def onnx_runtime(path, names, feed, floats=True):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    if floats:
        options.add_session_config_entry('session.qdq_matmulnbits_accuracy_level', '1')
    return dict(zip(names, onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider']).run(names, feed)))


def room(op, feed, weights):
    """Twice what any order of summation may lose: K * 2^-24 of the sum of absolute products. Gates bend that, and their errors return."""
    if op in ('LSTM', 'GRU'):
        return 2e-5
    if op == 'Gather':
        return 0
    w = np.abs(weights['w'])
    products = np.abs(feed['x'].reshape(-1, feed['x'].shape[-1])) @ (w if w.shape[0] == feed['x'].shape[-1] else w.T)
    return 2 * (feed['x'].shape[-1] + 2) * EPSILON * (products.max() + np.abs(weights.get('b', np.zeros(1))).max())


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('layer', LAYERS)
def test_same_sums_as_onnx_runtime(qtool, layer, form, tmp_path):
    node, weights, feed = LAYERS[layer]()
    path, _, _ = quantized(qtool, one_layer(node, weights, feed), form, tmp_path)
    names = [name for name in node.output if name]
    want, usual = (onnx_runtime(path, names, feed, floats) for floats in (True, False))
    least = room(node.op_type, feed, weights)
    for engine in ENGINES:
        found = own(qtool, path, feed, engine, tmp_path)
        for name in names:
            assert found[name].shape == want[name].shape
            assert np.abs(found[name] - want[name]).max() <= least, f'{engine} {name}'
            assert cosine(found[name], usual[name]) > .9995, f'{engine} {name}'


@pytest.mark.parametrize('form', FORMS)
@pytest.mark.parametrize('width', [33, 130])
def test_embedding_bags(qtool, form, width, tmp_path):
    """Gather and ReduceSum, as EmbeddingBag exports."""
    bag, table, indices = 11, random(101, width), np.random.default_rng(0).integers(-101, 101, (4, 11))
    nodes = [helper.make_node('Gather', ['w', 'i'], ['e'], name='gather'), helper.make_node('ReduceSum', ['e', 'axes'], ['y'], name='sum', keepdims=0)]
    graph = helper.make_graph(nodes, 'g', [helper.make_tensor_value_info('i', TensorProto.INT64, indices.shape)],
                              [helper.make_tensor_value_info('y', TensorProto.FLOAT, [4, width])],
                              [numpy_helper.from_array(table, 'w'), numpy_helper.from_array(np.array([1]), 'axes')])
    path, _, _ = quantized(qtool, helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8), form, tmp_path)
    want = onnx_runtime(path, ['y'], {'i': indices})['y']
    most = np.abs(table[indices]).sum(1).max() * 1.2
    for engine in ENGINES:
        assert np.abs(own(qtool, path, {'i': indices}, engine, tmp_path)['y'] - want).max() <= 2 * bag * EPSILON * most, engine
