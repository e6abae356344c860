"""A network as PyTorch exports it after quantization-aware training: float weights through Q and DQ per channel, activations per tensor."""
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
import pytest

from test_modes import call, optimized, run, session


class Trained:
    def __init__(self):
        self.random, self.weights, self.nodes = np.random.default_rng(0), [], []

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), name))

    def fake(self, name, scale, zero, **axis):
        self.weight(name + '_s', np.asarray(scale, np.float32))
        self.weight(name + '_z', zero)
        self.nodes.append(helper.make_node('QuantizeLinear', [name, name + '_s', name + '_z'], [name + '_Q'], name=name + '/Q', **axis))
        self.nodes.append(helper.make_node('DequantizeLinear', [name + '_Q', name + '_s', name + '_z'], [name + '_DQ'], name=name + '/DQ', **axis))
        return name + '_DQ'

    def activation(self, name, scale, zero):
        return self.fake(name, scale, np.uint8(zero))

    def conv(self, x, name, inputs, outputs):
        array = self.random.normal(0, .2, (outputs, inputs, 3, 3)).astype(np.float32)
        self.weight(name + '.w', array)
        self.weight(name + '.b', self.random.normal(0, .1, outputs).astype(np.float32))
        weight = self.fake(name + '.w', np.abs(array).reshape(outputs, -1).max(1) / 127, np.zeros(outputs, np.int8), axis=0)
        return self.call('Conv', [x, weight, name + '.b'], name, pads=[1, 1, 1, 1])

    def call(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def model(self):
        x = self.activation('x', 2 / 255, 128)
        self.call('Relu', [self.conv(x, 'c1', 3, 16)], 'r1')
        r1 = self.activation('r1', .013, 0)
        self.conv(r1, 'c2', 16, 16)
        self.call('Relu', [self.call('Add', [self.activation('c2', .02, 120), r1], 's')], 'r2')
        flat = self.call('Flatten', [self.call('GlobalAveragePool', [self.activation('r2', .021, 0)], 'p')], 'f')
        self.weight('fc.w', self.random.normal(0, .2, (10, 16)).astype(np.float32))
        self.call('Gemm', [flat, 'fc.w'], 'y', transB=1)  # the head was left out of the training
        values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (('x', [1, 3, 16, 16]), ('y', [1, 10]))]
        graph = helper.make_graph(self.nodes, 'trained', values[:1], values[1:], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)], ir_version=8)


@pytest.fixture
def trained(tmp_path):
    onnx.save(Trained().model(), tmp_path / 'trained.onnx')
    return tmp_path / 'trained.onnx'


@pytest.fixture
def feeds():
    return [{'x': np.random.default_rng(i).uniform(-1, 1, (1, 3, 16, 16)).astype(np.float32)} for i in range(8)]


def parameters(path):
    """Scale and zero point of every Q and DQ of an activation, in the graph's order."""
    graph = onnx.load(path).graph
    arrays = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    return [(node.op_type, float(arrays[node.input[1]]), int(arrays[node.input[2]])) for node in graph.node
            if node.op_type in ('QuantizeLinear', 'DequantizeLinear') and node.input[0] not in arrays and arrays[node.input[1]].size == 1]


def test_kept_to_the_bit(qtool, trained, feeds, tmp_path):
    call(qtool, 'quantize', trained, '-o', tmp_path / 'int8.onnx')  # no samples: there is nothing to calibrate
    assert parameters(tmp_path / 'int8.onnx') == parameters(trained)
    before, after = session(trained), session(tmp_path / 'int8.onnx')
    own = run(qtool, tmp_path / 'int8.onnx', feeds, tmp_path, 'y')
    for feed, mine in zip(feeds, own):
        want = before.run(None, feed)[0]
        assert np.array_equal(want, after.run(None, feed)[0])
        np.testing.assert_allclose(mine, want, atol=.02)  # a code or two of 255
    graph = onnx.load(tmp_path / 'int8.onnx').graph
    assert {i.name for i in graph.initializer} <= {name for node in graph.node for name in node.input}
    assert optimized(tmp_path / 'int8.onnx', tmp_path)['QLinearConv'] == 2
    assert (tmp_path / 'int8.onnx').stat().st_size < .5 * trained.stat().st_size


def test_completed_when_asked(qtool, trained, feeds, tmp_path):
    (tmp_path / 'samples').mkdir()
    for i, feed in enumerate(feeds):
        np.save(tmp_path / f'samples/{i}.npy', feed['x'])
    call(qtool, 'quantize', trained, tmp_path / 'samples', '--complete', '-o', tmp_path / 'int8.onnx')
    kept = [each for each in parameters(tmp_path / 'int8.onnx') if each in parameters(trained)]
    assert set(parameters(trained)) <= set(kept)
    found = optimized(tmp_path / 'int8.onnx', tmp_path)
    assert found['QGemm'] == 1 and found['Gemm'] == 0
    before, after = session(trained), session(tmp_path / 'int8.onnx')
    for feed in feeds:
        np.testing.assert_allclose(after.run(None, feed)[0], before.run(None, feed)[0], atol=.03)


def test_models_of_operators_on_codes_run_and_are_shown(qtool, tmp_path):
    """QOperator form, as ONNX Runtime writes it: QLinearConv, QLinearMatMul, ..."""
    quantization = pytest.importorskip('onnxruntime.quantization')
    import tasklib
    task = 'glyph-resnet8'
    feeds = [feed for _, feed in tasklib.samples(task, 'calib', 8)]

    class Reader(quantization.CalibrationDataReader):
        left = list(feeds)

        def get_next(self):
            return self.left.pop() if self.left else None

    path = tmp_path / 'qoperator.onnx'
    quantization.quantize_static(tasklib.model_path(task), str(path), Reader(), quant_format=quantization.QuantFormat.QOperator)
    shown = call(qtool, 'print', path).stdout.decode()
    assert 'QLinearConv' in shown and 'QLinearConv' in call(qtool, 'inspect', path).stdout.decode()
    after, name = session(path), onnx.load(path).graph.output[0].name
    tested = [feed for _, feed in tasklib.samples(task, 'test', 8)]
    for feed, own in zip(tested, run(qtool, path, tested, tmp_path, name)):
        want = after.run(None, feed)[0]
        assert np.abs(own - want).max() <= .05 * np.abs(want).max()
