"""Every built-in backend: its file loads in ONNX Runtime (openvino's in OpenVINO too), and both keep the task's metric."""
import numpy as np
import onnx
import pytest

import score, tasklib
from conftest import fetched
from test_main_job import call, data_of, metric

BACKENDS = ['x86', 'x86-avx2', 'arm', 'fbgemm', 'qnnpack', 'tensorrt', 'openvino', 'native']
TASKS = ['glyph-resnet8', 'glyph-mobilenetv2', 'bytes-transformer']
POINT = .01


@pytest.fixture(scope='module')
def made(qtool, tmp_path_factory):
    files = {}

    def make(task, backend):
        if (task, backend) not in files:
            path = tmp_path_factory.mktemp(task) / f'{backend}.onnx'
            folder, steps = data_of(task)
            fetched(folder + '/calib')
            call(qtool, 'quantize', tasklib.model_path(task), folder + '/calib', *steps, '--backend', backend, '-o', path)
            files[task, backend] = str(path)
        return files[task, backend]
    return make


@pytest.fixture(scope='module')
def before():
    scores = {}

    def of(task):
        if task not in scores:
            scores[task] = metric(tasklib.score(task, score.outputs_of(tasklib.model_path(task), task)))
        return scores[task]
    return of


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('backend', BACKENDS)
def test_metric_in_both_runtimes(qtool, made, before, task, backend, tmp_path):
    path = made(task, backend)
    folder, steps = data_of(task)
    ort = metric(tasklib.score(task, score.outputs_of(path, task)))
    call(qtool, 'run', path, folder + '/test', *steps, '-o', tmp_path)
    name = onnx.load(path).graph.output[0].name
    own = metric(tasklib.score(task, {f.stem: np.load(f)[name] for f in tmp_path.glob('*.npz')}))
    print(f'{task} {backend}: float {before(task)}, ONNX Runtime {ort}, qtool {own}')
    assert ort >= before(task) - POINT and own >= before(task) - POINT


@pytest.mark.parametrize('task', TASKS)
@pytest.mark.parametrize('backend', ['x86', 'openvino'])
def test_metric_in_openvino(made, before, task, backend):
    pytest.importorskip('openvino')
    found = metric(tasklib.score(task, score.outputs_of(made(task, backend), task, 'openvino')))
    assert found >= before(task) - POINT


def initializers(path):
    return {i.name: onnx.numpy_helper.to_array(i) for i in onnx.load(path).graph.initializer}


def zero_points(path):
    """Of the activations: what the QuantizeLinear nodes are given."""
    arrays = initializers(path)
    return [arrays[node.input[2]] for node in onnx.load(path).graph.node if node.op_type == 'QuantizeLinear']


def test_tensorrt_is_symmetric_and_has_codes_in_front_of_layers_alone(made):
    path = made('glyph-resnet8', 'tensorrt')
    assert all(zero.dtype == np.int8 and zero == 0 for zero in zero_points(path))
    graph = onnx.load(path).graph
    makers = {output: node.op_type for node in graph.node for output in node.output}
    convs = [node for node in graph.node if node.op_type == 'Conv' and makers.get(node.input[1]) == 'DequantizeLinear']
    assert convs and all(makers[node.input[0]] == 'DequantizeLinear' and node.input[2] not in makers for node in convs)
    for node in graph.node:  # residual additions: one branch as the convolution gives it
        if node.op_type == 'Add':
            assert [makers[name] for name in node.input].count('DequantizeLinear') == 1


def test_arm_is_signed_and_avx2_leaves_room_for_two_products(made):
    assert all(zero.dtype == np.int8 for zero in zero_points(made('glyph-resnet8', 'arm')))
    codes = [a for a in initializers(made('glyph-resnet8', 'x86-avx2')).values() if a.dtype == np.int8 and a.size > 64]
    assert codes and max(int(np.abs(a.astype(int)).max()) for a in codes) <= 64


def scales(path):
    arrays = initializers(path)
    return [float(arrays[node.input[1]]) for node in onnx.load(path).graph.node if node.op_type == 'QuantizeLinear']


def test_fbgemm_uses_seven_bits_and_qnnpack_no_small_scale(made):
    seven, eight = (scales(made('glyph-resnet8', backend)) for backend in ('fbgemm', 'x86'))
    assert seven[0] > 1.9 * eight[0]
    assert min(scales(made('glyph-resnet8', 'qnnpack'))) >= 2. ** -12
