"""Models that load and cannot run: exit code 3 or 4 and one line that names node and operator."""
import subprocess

import numpy as np
import onnx
import pytest
from onnx import parser

HEAD = '<ir_version: 8, opset_import: ["" : %d]> g '

# name: opset, graph, exit codes allowed, words of the line
CASES = {
    'bias of another length': (13, '(float[1, 3, 8, 8] x) => (y) <float[4, 3, 3, 3] w, float[5] b> { y = Conv(x, w, b) }', 3, ['Conv']),
    'weight of another depth': (13, '(float[1, 3, 8, 8] x) => (y) <float[4, 2, 3, 3] w> { y = Conv(x, w) }', 3, ['Conv']),
    'matrices that do not meet': (13, '(float[1, 4] x) => (y) <float[5, 2] w> { y = MatMul(x, w) }', 3, ['MatMul']),
    'reshape to another size': (13, '(float[1, 4] x) => (y) <int64[2] s = {3, 3}> { y = Reshape(x, s) }', 3, ['Reshape']),
    'shapes that do not broadcast': (13, '(float[1, 4] x) => (y) <float[3] b = {1, 2, 3}> { y = Add(x, b) }', 3, ['Add']),
    'window beyond its input': (13, '(float[1, 1, 4, 4] x) => (y) { y = MaxPool <kernel_shape = [9, 9]> (x) }', 3, ['MaxPool']),
    'no stride': (13, '(float[1, 1, 4, 4] x) => (y) { y = MaxPool <kernel_shape = [2, 2], strides = [0, 1]> (x) }', 3, ['MaxPool']),
    'no group': (13, '(float[1, 3, 8, 8] x) => (y) <float[4, 3, 3, 3] w> { y = Conv <group = 0> (x, w) }', 3, ['Conv']),
    'division by zero': (13, '(float[1, 4] x) => (y) <int64[4] z = {0, 0, 0, 0}> { i = Cast <to = 7> (x)  y = Div(i, z) }', 3, ['Div']),
    'remainder by zero': (13, '(float[1, 4] x) => (y) <int64[4] z = {0, 0, 0, 0}> { i = Cast <to = 7> (x)  y = Mod(i, z) }', 3, ['Mod']),
    'reshape by a zero dimension': (14, '(float[1, 4] x) => (y) <int64[2] s = {0, -1}, float[0, 4] e> { y = Reshape <allowzero = 1> (x, s) }', 3,
                                    ['Reshape']),
    'index out of range': (13, '(float[1, 4] x) => (y) <int64[1] i = {7}> { y = Gather <axis = 1> (x, i) }', 3, ['Gather', '7']),
    'element out of range': (13, '(float[1, 4] x) => (y) <int64[1, 1] i = {-9}> { y = GatherElements <axis = 1> (x, i) }', 3, ['GatherElements', '-9']),
    'axis out of range': (13, '(float[1, 4] x) => (y) { y = Softmax <axis = 5> (x) }', 3, ['Softmax']),
    'a split that is too long': (13, '(float[1, 4] x) => (y, z) <int64[2] s = {3, 3}> { y, z = Split <axis = 1> (x, s) }', 3, ['Split']),
    'a shape of terabytes': (13, '(float[1, 4] x) => (y) <int64[4] s = {100000, 100000, 1000, 4}> { e = Expand(x, s)  y = ReduceSum(e) }', 3, ['Expand']),
    'a constant of terabytes': (13, '(float[1, 4] x) => (y) <int64[3] s = {100000, 100000, 1000}> '
                                    '{ c = ConstantOfShape(s)  r = ReduceSum <keepdims = 0> (c)  y = Add(x, r) }', 3, ['ConstantOfShape']),
    'a loop without end': (13, '(float[1, 4] x) => (float[1, 4] y) <bool t = {1}> '
                               '{ y = Loop <body = b (int64 i, bool c, float[1, 4] v) => (bool d, float[1, 4] w) { d = Identity(c)  w = Neg(v) }> (, t, x) }',
                           4, ['Loop', '--max-loop']),
}


def model_of(opset, graph):
    model = parser.parse_model(HEAD % opset + graph)
    known = {tensor.name for tensor in model.graph.initializer}
    for value in list(model.graph.value_info):  # "<float[4, 3] w>" without values: zeros
        if any(value.name in node.input for node in model.graph.node) and value.name not in known:
            shape = [d.dim_value for d in value.type.tensor_type.shape.dim]
            model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(shape, np.float32), value.name))
            model.graph.value_info.remove(value)
    return model


@pytest.mark.parametrize('engine', ['auto', 'reference'])
@pytest.mark.parametrize('case', CASES)
def test_it_says_which_node(qtool, tmp_path, case, engine):
    opset, graph, code, words = CASES[case]
    model = model_of(opset, graph)
    onnx.save(model, tmp_path / 'bad.onnx')
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    np.save(tmp_path / 'x.npy', np.ones(shape, np.float32))
    command = [qtool, 'run', 'bad.onnx', 'x.npy', '-o', 'out', '--engine', engine, '--memory-limit', '4G', '--max-loop', '1000']
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    errors = [line for line in done.stderr.splitlines() if line.startswith('qtool: error:')]
    assert done.returncode == code and len(errors) == 1, done.stderr
    for word in words + ['node "']:
        assert word in errors[0], errors[0]
