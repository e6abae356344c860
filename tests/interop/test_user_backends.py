"""A user's own backend and observers, as docs/backends.md and docs/qconfig.md tell: what is decided, what is refused, and that it is said."""
import json, re, subprocess
import numpy as np
import onnx
from onnx import numpy_helper, parser
import pytest

from conftest import ROOT, digest
from test_modes import call, operators

LINEAR_CONV = '''<ir_version: 8, opset_import: ["": 17]> g (float[1,3,8,8] x) => (float[1,4,6,6] y) {
[linear] a = MatMul(x, w0)
[bias] b = Add(a, b0)
[conv] c = Conv(b, w1)
[relu] d = Relu(c)
[sigmoid] y = Sigmoid(d) }'''
SEVEN_BITS = {'global': {'activation': {'observer': 'minmax', 'dtype': 'uint8', 'quant_max': 127, 'eps': 2. ** -12},
                         'weight': {'observer': 'per_channel_minmax', 'dtype': 'int8', 'qscheme': 'per_channel_symmetric'}}}
ACTIVATION_OBSERVERS = ['minmax', 'moving_average_minmax', 'histogram', 'percentile', 'entropy', 'mse', 'octav']


@pytest.fixture
def net(tmp_path):
    model, rng = parser.parse_model(LINEAR_CONV), np.random.default_rng(0)
    for name, shape in {'w0': (8, 8), 'b0': (8,), 'w1': (4, 3, 3, 3)}.items():
        model.graph.initializer.append(numpy_helper.from_array(rng.normal(0, .2, shape).astype(np.float32), name))
    onnx.save(model, tmp_path / 'net.onnx')
    (tmp_path / 'samples').mkdir()
    for i in range(6):
        np.save(tmp_path / f'samples/{i}.npy', rng.standard_t(3, (1, 3, 8, 8)).astype(np.float32))
    return tmp_path / 'net.onnx'


def told(qtool, *args):
    return subprocess.run([qtool, *map(str, args)], check=True, capture_output=True, text=True).stderr.splitlines()


def written(path, content):
    path.write_text(json.dumps(content))
    return path


def backend_of(constraint, **types):
    config = {'input': {'dtype': 'uint8', **constraint}, 'output': 'uint8', 'weight': 'int8', 'bias': 'int32', **types}
    return {'name': 'mine', 'patterns': [{'pattern': 'Conv', 'dtype_configs': [config]}]}


def test_the_walk_through_of_the_guide(qtool, net, tmp_path):
    example = re.search(r'```json\n(.*?)```', (ROOT / 'docs/backends.md').read_text(), re.S).group(1)
    assert len(example.splitlines()) < 30
    (tmp_path / 'mine.json').write_text(example)
    call(qtool, 'config', 'check', tmp_path / 'mine.json')
    config = written(tmp_path / 'q.json', SEVEN_BITS)
    call(qtool, 'quantize', net, tmp_path / 'samples', '--backend', tmp_path / 'mine.json', '--qconfig', config, '-o', tmp_path / 'int8.onnx')
    made = onnx.load(tmp_path / 'int8.onnx')
    assert operators(made.graph)['QuantizeLinear'] == 3  # x, between linear and conv, behind relu: one pair each
    makers = {output: node.op_type for node in made.graph.node for output in node.output}
    behind = {node.op_type: [makers.get(name) for name in node.input[:2]] for node in made.graph.node}
    assert behind['MatMul'] == behind['Conv'] == ['DequantizeLinear', 'DequantizeLinear']
    reasons = [line for line in told(qtool, 'prepare', net, '--backend', tmp_path / 'mine.json', '-o', tmp_path / 'p.onnx') if 'left float: linear' in line]
    assert len(reasons) == 1 and 'quant_max 255' in reasons[0] and '127' in reasons[0] and 'eps' in reasons[0]


@pytest.mark.parametrize('side', ['input', 'output', 'weight'])
def test_a_scale_above_the_backends_bound_leaves_the_call_float_and_is_said(qtool, net, tmp_path, side):
    bounded = {'dtype': 'int8' if side == 'weight' else 'uint8', 'scale_max_upper_bound': 2. ** -14}
    backend = written(tmp_path / 'b.json', backend_of({}, **{side: bounded}))
    lines = told(qtool, 'quantize', net, tmp_path / 'samples', '--backend', backend, '--qconfig', 'x86', '-o', tmp_path / 'int8.onnx')
    said = [line for line in lines if 'left float: conv' in line]
    assert len(said) == 1 and re.search(r'has scale [0-9.e-]+, above the backend\'s scale_max_upper_bound 6.1035156e-05', said[0])
    assert operators(onnx.load(tmp_path / 'int8.onnx').graph)['QuantizeLinear'] == 0
    wide = written(tmp_path / 'wide.json', backend_of({}, **{side: {**bounded, 'scale_max_upper_bound': 1e6}}))
    call(qtool, 'quantize', net, tmp_path / 'samples', '--backend', wide, '--qconfig', 'x86', '-o', tmp_path / 'int8.onnx')
    assert operators(onnx.load(tmp_path / 'int8.onnx').graph)['QuantizeLinear'] == 2


@pytest.mark.parametrize('constraint', [{'scale_exact_match': .5}, {'zero_point_exact_match': 3}, {'scale_min_lower_bound': .01}, {'quant_min_lower_bound': 5},
                                        {'quant_max_upper_bound': 127}, {'scale_max_upper_bound': 1e-9}])
def test_each_constraint_is_held_and_named(qtool, net, tmp_path, constraint):
    backend = written(tmp_path / 'b.json', backend_of(constraint))
    lines = [line for line in told(qtool, 'prepare', net, '--backend', backend, '--qconfig', 'x86', '-o', tmp_path / 'p.onnx') if 'left float: conv' in line]
    assert len(lines) == 1 and next(iter(constraint)) in lines[0]
    strict = subprocess.run([qtool, 'prepare', net, '--backend', backend, '--qconfig', 'x86', '--strict', '-o', tmp_path / 's.onnx'], capture_output=True)
    assert strict.returncode == 1


def test_a_pattern_over_an_operator_nobody_knows_is_a_warning(qtool, net, tmp_path):
    backend = backend_of({})
    backend['patterns'].append({'pattern': 'Relu(Cnov(?x, ?w), ...)', 'fused_module': 'ConvRelu'})
    lines = told(qtool, 'prepare', net, '--backend', written(tmp_path / 'b.json', backend), '--qconfig', 'x86', '-o', tmp_path / 'p.onnx')
    assert [line for line in lines if '/patterns/1: matches nothing, no operator is called "Cnov", did you mean "Conv"?' in line]
    for name in json.loads(call(qtool, 'config', 'list', '--json').stdout)['backends']:
        assert not [line for line in told(qtool, 'prepare', net, '--backend', name, '-o', tmp_path / 'p.onnx') if 'no operator is called' in line]


@pytest.mark.parametrize('observer', ['histogram', 'minmax'])
def test_one_calibration_for_every_observer(qtool, net, tmp_path, observer):
    """Whatever the qconfig names, also by shards; and each observer gives what calibration for it alone gives."""
    def config(name):
        return written(tmp_path / f'{name}.json', {'global': {**SEVEN_BITS['global'], 'activation': {'observer': name, 'dtype': 'uint8'}}})
    call(qtool, 'prepare', net, '--qconfig', config(observer), '-o', tmp_path / 'p.onnx')
    for shard in (0, 1):
        call(qtool, 'calibrate', tmp_path / 'p.onnx', tmp_path / 'samples', '--any-observer', '--shard', f'{shard}/2', '-o', tmp_path / f'{shard}.json')
    call(qtool, 'merge', tmp_path / '1.json', tmp_path / '0.json', '-o', tmp_path / 'stats.json')
    call(qtool, 'calibrate', tmp_path / 'p.onnx', tmp_path / 'samples', '--any-observer', '-o', tmp_path / 'whole.json')
    assert digest(tmp_path / 'stats.json') == digest(tmp_path / 'whole.json')
    for name in ACTIVATION_OBSERVERS:
        call(qtool, 'convert', tmp_path / 'p.onnx', '--stats', tmp_path / 'stats.json', '--observer', name, '-o', tmp_path / 'one.onnx')
        call(qtool, 'quantize', net, tmp_path / 'samples', '--qconfig', config(name), '-o', tmp_path / 'own.onnx')
        one, own = ({i.name: numpy_helper.to_array(i) for i in onnx.load(tmp_path / f).graph.initializer} for f in ('one.onnx', 'own.onnx'))
        assert one.keys() == own.keys() and all(np.array_equal(one[key], own[key]) for key in one), name


def test_shards_without_the_extremes_of_each_sample_do_not_make_a_moving_average(qtool, net, tmp_path):
    call(qtool, 'prepare', net, '-o', tmp_path / 'p.onnx')
    for shard, more in ((0, ['--any-observer']), (1, [])):
        call(qtool, 'calibrate', tmp_path / 'p.onnx', tmp_path / 'samples', *more, '--shard', f'{shard}/2', '-o', tmp_path / f'{shard}.json')
    for order in (('0', '1'), ('1', '0')):
        call(qtool, 'merge', *(tmp_path / f'{shard}.json' for shard in order), '-o', tmp_path / 'stats.json')
        ran = subprocess.run([qtool, 'convert', tmp_path / 'p.onnx', '--stats', tmp_path / 'stats.json', '--observer', 'moving_average_minmax', '-o', tmp_path / 'o.onnx'],
                             capture_output=True, text=True)
        assert ran.returncode == 3 and '--any-observer' in ran.stderr
