"""Dynamic and weight-only models: right in ONNX Runtime and in qtool, with integer products, and smaller."""
import collections, json, os, subprocess
import numpy as np
import onnx, onnxruntime
from onnx import TensorProto, helper, numpy_helper
import pytest

import score, tasklib
from conftest import digest, fetched

BYTES, VAD = 'bytes-transformer', 'vad-lstm-if'
# options, most the metric may fall (top1 of bytes-transformer), most the file may keep of its size
FORMS = {'dynamic': (['--mode', 'dynamic'], .005, .31), 'int8': (['--mode', 'weight-only'], .001, .30),
         'int4': (['--qconfig', 'weight-only-int4'], .01, .20)}


def call(qtool, *args):
    return subprocess.run([qtool, *map(str, args)], check=True, capture_output=True)


def session(path, **settings):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    for key, value in settings.items():
        setattr(options, key, value)
    return onnxruntime.InferenceSession(str(path), options, providers=['CPUExecutionProvider'])


def operators(graph):
    found = collections.Counter()
    for node in graph.node:
        found[node.op_type] += 1
        for attribute in node.attribute:
            if attribute.HasField('g'):
                found += operators(attribute.g)
    return found


def optimized(path, tmp_path):
    session(path, optimized_model_filepath=str(tmp_path / 'optimized.onnx'))
    return operators(onnx.load(tmp_path / 'optimized.onnx').graph)


def run(qtool, model, feeds, folder, name):
    """The output called `name` of qtool's own engine, one a feed."""
    for i, feed in enumerate(feeds):
        os.makedirs(folder / 'in', exist_ok=True)
        np.savez(folder / 'in' / f'{i:04}.npz', **feed)
    call(qtool, 'run', model, folder / 'in', '-o', folder / 'out')
    return [np.load(folder / 'out' / f'{i:04}.npz')[name] for i in range(len(feeds))]


def cosine(a, b):
    a, b = a.ravel().astype(float), b.ravel().astype(float)
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30)


@pytest.fixture(scope='module')
def made(qtool, tmp_path_factory):
    folder, files = tmp_path_factory.mktemp('modes'), {}

    def make(task, form, *more):
        key = '-'.join([task, form, *more]).replace('--', '')
        if key not in files:
            files[key] = folder / f'{key}.onnx'
            call(qtool, 'quantize', tasklib.model_path(task), *FORMS[form][0], *more, '-o', files[key])
        return files[key]
    return make


@pytest.mark.parametrize('form', FORMS)
def test_accuracy_of_a_transformer_in_both_runtimes(qtool, made, form, tmp_path):
    fetched(tasklib.data_path(BYTES) + '/test')
    path, (_, drop, size) = made(BYTES, form), FORMS[form]
    before = tasklib.score(BYTES, score.outputs_of(tasklib.model_path(BYTES), BYTES))['top1']
    ort = tasklib.score(BYTES, score.outputs_of(str(path), BYTES))['top1']
    call(qtool, 'run', path, tasklib.data_path(BYTES) + '/test', '-o', tmp_path)
    name = onnx.load(path).graph.output[0].name
    own = tasklib.score(BYTES, {f.stem: np.load(f)[name] for f in tmp_path.glob('*.npz')})['top1']
    room = 1e-9
    assert own >= before - drop - room and ort >= before - drop - room
    assert path.stat().st_size <= size * os.path.getsize(tasklib.model_path(BYTES))
    onnx.checker.check_model(str(path), full_check=True)
    assert {o.domain for o in onnx.load(path).opset_import} == {''}


def test_onnx_runtime_computes_every_linear_layer_in_int8(made, tmp_path):
    found = optimized(made(BYTES, 'dynamic'), tmp_path)
    assert found['DynamicQuantizeMatMul'] + found['MatMulIntegerToFloat'] == 14
    assert found['Gemm'] == 0 and found['MatMul'] + found['FusedMatMul'] == 6  # scores and values of three attentions: two activations


@pytest.mark.parametrize('backend', ['x86', 'x86-avx2', 'arm', 'fbgemm', 'qnnpack', 'native'])
def test_every_backend_that_lists_it_quantizes_linear_layers_at_run_time(qtool, backend, tmp_path):
    call(qtool, 'quantize', tasklib.model_path(BYTES), '--mode', 'dynamic', '--backend', backend, '-o', tmp_path / 'int8.onnx')
    assert operators(onnx.load(tmp_path / 'int8.onnx').graph)['MatMulInteger'] == 14
    session(tmp_path / 'int8.onnx')


@pytest.mark.parametrize('form,more', [('dynamic', []), ('dynamic', ['--dialect', 'ort']), ('int8', []), ('int4', [])])
def test_lstm_inside_the_branches_of_an_if(qtool, made, form, more, tmp_path):
    path = made(VAD, form, *more)
    before, after = session(tasklib.model_path(VAD)), session(path)
    feeds = [feed for _, feed in tasklib.samples(VAD, 'test', 32)]
    want, found = [before.run(None, feed) for feed in feeds], [after.run(None, feed) for feed in feeds]
    for i in range(len(before.get_outputs())):
        assert cosine(np.stack([w[i] for w in want]), np.stack([f[i] for f in found])) >= .999
    operators_there = optimized(path, tmp_path)
    assert operators_there['DynamicQuantizeLSTM'] == (2 if more else 0)
    name = before.get_outputs()[0].name
    own = run(qtool, path, feeds, tmp_path, name)
    assert cosine(np.stack([w[0] for w in want]), np.stack(own)) >= .999
    assert os.path.getsize(path) < .6 * os.path.getsize(tasklib.model_path(VAD))


@pytest.mark.parametrize('backend', ['x86', 'native'])
def test_an_if_quantized_statically(qtool, backend, tmp_path):
    """Convolutions and Gemm of the branch that ran are int8; the LSTM with native alone, and x86 says so."""
    path, folder = tmp_path / 'int8.onnx', tasklib.data_path(VAD)
    told = call(qtool, 'quantize', tasklib.model_path(VAD), folder + '/calib', '--backend', backend, '-o', path).stderr.decode()
    before, after = session(tasklib.model_path(VAD)), session(path)
    feeds = [feed for _, feed in tasklib.samples(VAD, 'test')]
    want, found = [before.run(None, feed) for feed in feeds], [after.run(None, feed) for feed in feeds]
    for i in range(len(before.get_outputs())):
        assert cosine(np.stack([w[i] for w in want]), np.stack([f[i] for f in found])) >= .999
    name = before.get_outputs()[0].name
    assert cosine(np.stack([w[0] for w in want]), np.stack(run(qtool, path, feeds, tmp_path, name))) >= .999
    taken = next(body.g for node in onnx.load(path).graph.node if node.op_type == 'If' for body in node.attribute if body.name == 'then_branch')
    real = {o for graph in (taken, onnx.load(path).graph) for node in graph.node if node.op_type == 'DequantizeLinear' for o in node.output}
    behind = {node.op_type: all(i in real for i in node.input[1:3]) for node in taken.node if node.op_type in ('Conv', 'Gemm', 'LSTM')}
    assert behind == {'Conv': True, 'Gemm': True, 'LSTM': backend == 'native'}
    assert ('then_branch/a_/l/LSTM: the backend computes it only with dynamic' in told) == (backend == 'x86')


def test_dynamic_recurrences_are_named(made):
    named = {p.key: p.value for p in onnx.load(made(VAD, 'dynamic')).metadata_props}
    assert set(json.loads(named['qtool.dynamic'])) == {'a_/l/LSTM', 'b_/l/LSTM'}


def test_same_bytes_by_three_ways(qtool, made, tmp_path):
    model = tasklib.model_path(BYTES)
    call(qtool, 'prepare', model, '--mode', 'dynamic', '-o', tmp_path / 'prepared.onnx')
    call(qtool, 'convert', tmp_path / 'prepared.onnx', '-o', tmp_path / 'int8.onnx')
    subprocess.run(['bash', '-c', f'set -o pipefail; {qtool} prepare {model} --mode dynamic -o - | {qtool} convert - -o {tmp_path}/pipe.onnx'], check=True, capture_output=True)
    assert digest(tmp_path / 'int8.onnx') == digest(made(BYTES, 'dynamic')) == digest(tmp_path / 'pipe.onnx')
    session(tmp_path / 'prepared.onnx')


@pytest.mark.parametrize('args', [['DATA', '--mode', 'dynamic'], ['--mode', 'dynamic', '--limit', '3'], ['--mode', 'weight-only', '--observer', 'mse'],
                                  ['--mode', 'dynamic', '--qconfig', 'weight-only-int4'], ['--mode', 'static', '--dialect', 'ort'],
                                  ['--mode', 'weight-only', '--dialect', 'ort']])
def test_options_without_meaning_are_wrong_usage(qtool, args, tmp_path):
    result = subprocess.run([qtool, 'quantize', tasklib.model_path(BYTES), *args, '-o', tmp_path / 'out.onnx'], capture_output=True, text=True)
    assert result.returncode == 2 and len(result.stderr.strip().splitlines()) == 1


def random(*shape):
    return np.random.default_rng(len(shape) + sum(shape)).normal(0, .3, shape).astype(np.float32)


def one_layer(node, weights, inputs, outputs=1):
    """A model of one node; its last `outputs` outputs have unknown shapes."""
    values = [helper.make_tensor_value_info(name, TensorProto.INT64 if array.dtype == np.int64 else TensorProto.FLOAT, array.shape)
              for name, array in inputs.items()]
    graph = helper.make_graph([node], 'g', values, [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in node.output if o],
                              [numpy_helper.from_array(array, name) for name, array in weights.items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=8)


LAYERS = {
    'MatMul': (helper.make_node('MatMul', ['x', 'w'], ['y'], name='n'), {'w': random(80, 48)}, {'x': random(2, 5, 80)}),
    'MatMul-3d': (helper.make_node('MatMul', ['x', 'w'], ['y'], name='n'), {'w': random(2, 80, 48)}, {'x': random(2, 5, 80)}),
    'Gemm': (helper.make_node('Gemm', ['x', 'w', 'b'], ['y'], name='n', alpha=.5), {'w': random(80, 48), 'b': random(48)}, {'x': random(5, 80)}),
    'Gemm-transB': (helper.make_node('Gemm', ['x', 'w', 'b'], ['y'], name='n', transB=1), {'w': random(48, 80), 'b': random(48)}, {'x': random(5, 80)}),
    'Gather': (helper.make_node('Gather', ['w', 'i'], ['y'], name='n'), {'w': random(100, 40)}, {'i': np.array([[0, 99, 7]])}),
    'LSTM': (helper.make_node('LSTM', ['x', 'w', 'r', 'b'], ['y', 'h', 'c'], name='n', hidden_size=24, direction='bidirectional'),
             {'w': random(2, 96, 40), 'r': random(2, 96, 24), 'b': random(2, 192)}, {'x': random(7, 3, 40)}),
    'GRU': (helper.make_node('GRU', ['x', 'w', 'r', 'b'], ['y', 'h'], name='n', hidden_size=24, linear_before_reset=1),
            {'w': random(1, 72, 40), 'r': random(1, 72, 24), 'b': random(1, 144)}, {'x': random(7, 3, 40)}),
    'RNN': (helper.make_node('RNN', ['x', 'w', 'r'], ['', 'h'], name='n', hidden_size=24), {'w': random(1, 24, 40), 'r': random(1, 24, 24) * np.float32(.3)},
            {'x': random(7, 3, 40)}),
}
ROWS = {'global': {'activation': {'observer': 'placeholder', 'dtype': 'int8', 'qscheme': 'per_channel_symmetric'},
                   'weight': {'observer': 'per_channel_minmax', 'dtype': 'int8', 'qscheme': 'per_channel_symmetric'}}}
MODES = {'dynamic': ['--mode', 'dynamic'], 'dynamic-ort': ['--mode', 'dynamic', '--dialect', 'ort'], 'int8': ['--mode', 'weight-only'],
         **{f'{kind}-{size}': ['--qconfig', (kind, size)] for kind in ('int4', 'uint4') for size in (32, 64, 128)}}


def qconfig_of(kind, size):
    scheme = 'per_channel_symmetric' if kind == 'int4' else 'per_channel_affine'
    return {'global': {'activation': None, 'weight': {'observer': 'per_channel_minmax', 'dtype': kind, 'qscheme': scheme, 'group_size': size}}}


@pytest.mark.parametrize('opset', [17, 18])
@pytest.mark.parametrize('layer', ['MatMul', 'MatMul-3d', 'Gemm', 'Gemm-transB'])
def test_activations_by_rows(qtool, layer, opset, tmp_path):
    """Rows of very different sizes, one of them zero: each has its own scale, and all keep their digits."""
    node, weights, inputs = LAYERS[layer]
    model = one_layer(node, weights, inputs)
    model.opset_import[0].version = opset
    onnx.save(model, tmp_path / 'float.onnx')
    (tmp_path / 'q.json').write_text(json.dumps(ROWS))
    call(qtool, 'quantize', tmp_path / 'float.onnx', '--qconfig', tmp_path / 'q.json', '-o', tmp_path / 'int8.onnx')
    call(qtool, 'quantize', tmp_path / 'float.onnx', '--mode', 'dynamic', '-o', tmp_path / 'tensor.onnx')
    x = inputs['x'] * np.float32(10.) ** -np.arange(inputs['x'].shape[-2], dtype=np.float32)[:, None]
    x[..., -1, :] = 0
    want, rows, tensor = (session(tmp_path / f'{f}.onnx').run(None, {'x': x})[0] for f in ('float', 'int8', 'tensor'))
    own = run(qtool, tmp_path / 'int8.onnx', [{'x': x}], tmp_path, 'y')[0]
    assert operators(onnx.load(tmp_path / 'int8.onnx').graph)['MatMulInteger'] == 1
    for row in range(want.shape[-2] - 1):
        assert cosine(want[..., row, :], rows[..., row, :]) > .9995 and cosine(want[..., row, :], own[..., row, :]) > .9995
    assert np.isfinite(own).all() and (layer.startswith('Gemm') or cosine(want[..., 3, :], tensor[..., 3, :]) < .99)


@pytest.mark.parametrize('mode', MODES)
@pytest.mark.parametrize('layer', LAYERS)
def test_layers_load_and_agree(qtool, layer, mode, tmp_path):
    node, weights, inputs = LAYERS[layer]
    onnx.save(one_layer(node, weights, inputs), tmp_path / 'float.onnx')
    args = list(MODES[mode])
    if isinstance(args[1], tuple):
        (tmp_path / 'q.json').write_text(json.dumps(qconfig_of(*args[1])))
        args[1] = tmp_path / 'q.json'
    call(qtool, 'quantize', tmp_path / 'float.onnx', *args, '-o', tmp_path / 'int8.onnx')
    name = [o for o in node.output if o][0]
    want, found = (session(tmp_path / f).run([name], inputs)[0] for f in ('float.onnx', 'int8.onnx'))
    own = run(qtool, tmp_path / 'int8.onnx', [inputs], tmp_path, name)[0]
    assert cosine(want, found) > (.98 if '4-' in mode else .999)
    assert cosine(found, own) > .9995
    quantized = not (mode.startswith('dynamic') and layer == 'Gather')
    kinds = {i.data_type for i in onnx.load(tmp_path / 'int8.onnx').graph.initializer}
    wanted = {'int8': TensorProto.INT8, 'dyna': TensorProto.INT8, 'int4': TensorProto.INT4, 'uint': TensorProto.UINT4}[mode[:4]]
    assert (wanted in kinds) == quantized
