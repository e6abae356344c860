"""Wrapped regions: one opaque call in the prepared model, which ONNX Runtime runs; untouched nodes in the converted one."""
import json
import numpy as np
import onnx
from onnx import numpy_helper, parser
import pytest

import tasklib
from conftest import digest
from test_modes import VAD, call, cosine, session

NET = '''<ir_version: 8, opset_import: ["": 17]> g (float[1,3,16,16] x) => (float[1,4] y, float[1,8,16,16] c) {
[s0] a = Conv<pads=[1,1,1,1]>(x, w0)
[s1] b = Relu(a)
[m0] c = Conv<pads=[1,1,1,1]>(b, w1)
[m1] d = Sigmoid(c)
[m2] e = Mul(c, d)
[m3] f = Conv<pads=[1,1,1,1]>(e, w2)
[m4] h = Relu(f)
[h0] p = GlobalAveragePool(h)
[h1] q = Flatten(p)
[h2] y = Gemm(q, w3) }'''
NAMES = {'s': '/stem/', 'm': '/mid/block/', 'h': '/head/'}
MIDDLE = ['/mid/block/m0', '/mid/block/m1', '/mid/block/m2', '/mid/block/m3', '/mid/block/m4']
# expression -> the regions, each the nodes inside
FORMS = {'^/mid/': [MIDDLE], 're:^/mid/block/': [MIDDLE], 'b..h': [MIDDLE], 'name:/mid/block/m3': [['/mid/block/m3']],
         'type:Conv': [['/stem/s0'], ['/mid/block/m0'], ['/mid/block/m3']], 'type:ai.onnx.Sigmoid': [['/mid/block/m1']],
         're:/m(0|2|3)$': [['/mid/block/m0'], ['/mid/block/m2', '/mid/block/m3']],  # m1 reads m0 and is read by m2: cut there
         'x..y': [['/stem/s0', '/stem/s1', *MIDDLE, '/head/h0', '/head/h1', '/head/h2']]}


@pytest.fixture
def net(tmp_path):
    model = parser.parse_model(NET)
    rng = np.random.default_rng(0)
    for name, shape in {'w0': (8, 3, 3, 3), 'w1': (8, 8, 3, 3), 'w2': (8, 8, 3, 3), 'w3': (8, 4)}.items():
        model.graph.initializer.append(numpy_helper.from_array(rng.normal(0, .2, shape).astype(np.float32), name))
    for node in model.graph.node:
        node.name = NAMES[node.name[0]] + node.name
    (tmp_path / 'samples').mkdir()
    for i in range(4):
        np.save(tmp_path / f'samples/{i}.npy', rng.normal(0, 1, (1, 3, 16, 16)).astype(np.float32))
    onnx.save(model, tmp_path / 'net.onnx')
    return tmp_path / 'net.onnx'


def bare(node):
    return node.op_type, list(node.input)[1:], [a.SerializeToString() for a in node.attribute]


@pytest.mark.parametrize('form', FORMS)
def test_one_opaque_node_that_runs_and_comes_back_as_it_was(qtool, net, tmp_path, form):
    told = call(qtool, 'prepare', net, '--wrap', form, '-o', tmp_path / 'prepared.onnx', '--explain').stdout.decode()
    prepared, before = onnx.load(tmp_path / 'prepared.onnx'), {node.name: node for node in onnx.load(net).graph.node}
    regions = [[node.name for node in f.node] for f in prepared.functions if f.domain == 'qtool.wrapped']
    assert regions == FORMS[form]
    assert [node.op_type for node in prepared.graph.node if node.domain == 'qtool.wrapped'] == [f'Wrapped_{i}' for i in range(len(regions))]
    table = call(qtool, 'print', tmp_path / 'prepared.onnx').stdout.decode()
    for region in regions:
        name = region[0] + ('..' + region[-1] if len(region) > 1 else '')
        assert len([line for line in told.splitlines() if line.split()[:1] == [name] and 'it is wrapped' in line]) == 1
        assert not [line for line in told.splitlines() if len(region) > 1 and line.split()[:1] == [region[0]]]
    assert table.count('Wrapped_') == len(regions)
    x = {'x': np.load(tmp_path / 'samples/0.npy')}
    want, found = session(net).run(None, x), session(tmp_path / 'prepared.onnx').run(None, x)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(want, found))

    call(qtool, 'quantize', net, tmp_path / 'samples', '--wrap', form, '-o', tmp_path / 'one.onnx')
    call(qtool, 'calibrate', tmp_path / 'prepared.onnx', tmp_path / 'samples', '-o', tmp_path / 'stats.json')
    call(qtool, 'convert', tmp_path / 'prepared.onnx', '--stats', tmp_path / 'stats.json', '-o', tmp_path / 'int8.onnx')
    assert digest(tmp_path / 'one.onnx') == digest(tmp_path / 'int8.onnx')
    converted = onnx.load(tmp_path / 'int8.onnx')
    onnx.checker.check_model(converted, full_check=True)
    assert not converted.functions and {o.domain for o in converted.opset_import} == {''}
    after = {node.name: node for node in converted.graph.node}
    for name in sum(regions, []):
        assert bare(after[name]) == bare(before[name])
    assert cosine(want[0], session(tmp_path / 'int8.onnx').run(None, x)[0]) > .99


@pytest.mark.parametrize('mode', ['static', 'dynamic', 'weight-only'])
def test_a_wrapped_if_keeps_its_branches_to_the_byte(qtool, tmp_path, mode):
    source, data = tasklib.model_path(VAD), [tasklib.data_path(VAD) + '/calib'] if mode == 'static' else []
    call(qtool, 'prepare', source, '--mode', mode, '--wrap', 'type:If', '-o', tmp_path / 'prepared.onnx')
    call(qtool, 'quantize', source, *data, '--mode', mode, '--wrap', 'type:If', '-o', tmp_path / 'int8.onnx')
    feed = next(feed for _, feed in tasklib.samples(VAD, 'test', 1))
    want = session(source).run(None, feed)
    for path in ('prepared.onnx', 'int8.onnx'):
        for a, b in zip(want, session(tmp_path / path).run(None, feed)):
            np.testing.assert_allclose(a, b, atol=1e-5)
    assert [node.op_type for node in onnx.load(tmp_path / 'prepared.onnx').graph.node if node.domain == 'qtool.wrapped'] == ['Wrapped_0']
    branches = [node for node in onnx.load(tmp_path / 'int8.onnx').graph.node if node.op_type == 'If']
    assert len(branches) == 1
    assert not [node for body in branches[0].attribute for node in body.g.node if node.op_type in ('QuantizeLinear', 'DequantizeLinear', 'MatMulInteger')]


def test_the_plan_as_json_has_one_node_a_region(qtool, net, tmp_path):
    plan = json.loads(call(qtool, 'prepare', net, '--wrap', '^/mid/', '-o', tmp_path / 'p.onnx', '--json').stdout)['plan']
    wrapped = [node for node in plan['nodes'] if node['target'].startswith('qtool.wrapped.')]
    assert [(node['node'], node['decision'], node['reasons']) for node in wrapped] == [(f'{MIDDLE[0]}..{MIDDLE[-1]}', 'float', ['it is wrapped'])]
    assert not {'d', 'e', 'f'} & {tensor['tensor'] for tensor in plan['tensors']}


def test_inspect_counts_what_is_in_functions(qtool, net, tmp_path):
    call(qtool, 'prepare', net, '--wrap', '^/mid/', '-o', tmp_path / 'p.onnx')
    counts = [json.loads(call(qtool, 'inspect', path, '--json').stdout)['macs'] for path in (net, tmp_path / 'p.onnx')]
    assert counts[0] == counts[1] == 16 * 16 * 8 * 9 * (3 + 8 + 8) + 32
