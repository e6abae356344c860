"""com.microsoft operators that quantizers and ONNX Runtime's optimizer write: the same values as in ONNX Runtime, in both engines."""
import json, subprocess
import numpy as np
import onnx
import onnxruntime as ort
import pytest
from ml_dtypes import int4, uint4
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

import tasklib

RNG = np.random.RandomState(7)
S, Z = np.float32, np.uint8


def u8(*shape):
    return RNG.randint(0, 256, shape).astype(np.uint8)


def s8(*shape):
    return RNG.randint(-127, 128, shape).astype(np.int8)


def f32(*shape):
    return RNG.randn(*shape).astype(np.float32)


def scale(value):
    return np.array(value, S)


def code4(dtype, *shape):
    return u8(*shape).astype(dtype)


INDICES = np.array([[0, 3, -1], [8, 3, 5]])


def zero(value, dtype=Z):
    return np.array(value, dtype)


# operator, inputs (first: the graph input; the others are weights), attributes
CASES = [
    ('QLinearAdd', [u8(1, 4, 5, 5), scale(.1), zero(100), u8(1, 4, 5, 5), scale(.2), zero(20), scale(.25), zero(90)], {}),
    ('QLinearMul', [u8(1, 4, 5, 5), scale(.02), zero(100), u8(1, 4, 1, 1), scale(.03), zero(20), scale(.05), zero(90)], {}),
    ('QLinearSigmoid', [u8(1, 4, 5), scale(.05), zero(100), scale(1 / 256), zero(0)], {}),
    ('QLinearLeakyRelu', [u8(1, 4, 5), scale(.05), zero(100), scale(.05), zero(10)], {'alpha': .1}),
    ('QLinearSoftmax', [u8(2, 8), scale(.05), zero(100), scale(1 / 256), zero(0)], {'axis': -1, 'opset': 13}),
    ('QLinearAveragePool', [u8(1, 4, 6, 6), scale(.1), zero(100), scale(.1), zero(90)], {'kernel_shape': [2, 2], 'strides': [2, 2]}),
    ('QLinearGlobalAveragePool', [u8(1, 4, 6, 6), scale(.1), zero(100), scale(.1), zero(90)], {}),
    ('QLinearConcat', [scale(.2), zero(90), u8(1, 4, 5), scale(.1), zero(100), u8(1, 3, 5), scale(.2), zero(20)], {'axis': 1}),
    ('QGemm', [u8(3, 8), scale(.1), zero(100), s8(8, 5), scale(.02), zero(0, np.int8), RNG.randint(-99, 99, 5).astype(np.int32), scale(.3), zero(99)], {}),
    ('QGemm', [u8(3, 8), scale(.1), zero(100), s8(5, 8), np.full(5, .02, S), np.zeros(5, np.int8), RNG.randint(-99, 99, 5).astype(np.int32)], {'transB': 1}),
    ('MatMulIntegerToFloat', [u8(3, 8), s8(8, 5), scale(.1), np.full(5, .02, S), zero(100), np.zeros(5, np.int8), f32(5)], {}),
    ('DynamicQuantizeMatMul', [f32(3, 8), s8(8, 5), np.full(5, .02, S), np.zeros(5, np.int8), f32(5)], {}),
    ('MatMulNBits', [f32(3, 64), u8(5, 2, 16), np.abs(f32(10))], {'N': 5, 'K': 64, 'bits': 4, 'block_size': 32}),
    ('MatMulNBits', [f32(3, 64), u8(5, 2, 16), np.abs(f32(10)), u8(5)], {'N': 5, 'K': 64, 'bits': 4, 'block_size': 32}),
    ('MatMulNBits', [f32(3, 64), u8(5, 2, 32), np.abs(f32(10))], {'N': 5, 'K': 64, 'bits': 8, 'block_size': 32}),
    ('MatMulNBits', [f32(2, 3, 80), u8(5, 3, 16), np.abs(f32(15)), u8(10), None, f32(5)], {'N': 5, 'K': 80, 'bits': 4, 'block_size': 32}),
    ('GatherBlockQuantized', [u8(9, 24), INDICES, np.abs(f32(9, 3))], {'bits': 4, 'block_size': 16}),
    ('GatherBlockQuantized', [u8(9, 24), INDICES, np.abs(f32(9, 3)), u8(9, 2)], {'bits': 4, 'block_size': 16}),
    ('GatherBlockQuantized', [u8(9, 24), INDICES, np.abs(f32(9, 1)), u8(9, 1)], {'bits': 8, 'block_size': 32}),
    ('GatherBlockQuantized', [code4(uint4, 9, 40), INDICES, np.abs(f32(9, 3)), code4(uint4, 9, 3)], {'block_size': 16}),
    ('GatherBlockQuantized', [code4(int4, 9, 40), INDICES, np.abs(f32(9, 3))], {'block_size': 16}),
    ('GatherBlockQuantized', [code4(int4, 40, 9), INDICES, np.abs(f32(3, 9)), code4(int4, 3, 9)], {'block_size': 16, 'gather_axis': 1, 'quantize_axis': 0}),
    ('BiasGelu', [f32(3, 8), f32(8)], {}), ('FastGelu', [f32(3, 8)], {}), ('QuickGelu', [f32(3, 8)], {}), ('Gelu', [f32(3, 8)], {}),
    ('FusedMatMul', [f32(2, 3, 8), f32(2, 5, 8)], {'transB': 1, 'alpha': .5}),
    ('SkipLayerNormalization', [f32(1, 3, 8), f32(1, 3, 8), f32(8), f32(8)], {'epsilon': 1e-5}),
]


def model_of(op, inputs, attributes):
    at = {'QLinearConcat': 2, 'GatherBlockQuantized': 1}.get(op, 0)
    names = ['' if value is None else f'i{k}' for k, value in enumerate(inputs)]
    node = helper.make_node(op, names, ['y'], domain='com.microsoft', **attributes)
    weights = [numpy_helper.from_array(value, name) for k, (value, name) in enumerate(zip(inputs, names)) if k != at and name]
    x = helper.make_tensor_value_info(names[at], helper.np_dtype_to_tensor_dtype(inputs[at].dtype), inputs[at].shape)
    codes = op.startswith('QLinear') or (op == 'QGemm' and len(inputs) > 7)
    y = helper.make_tensor_value_info('y', TensorProto.UINT8 if codes else TensorProto.FLOAT, None)
    graph = helper.make_graph([node], 'g', [x], [y], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17), helper.make_opsetid('com.microsoft', 1)], ir_version=8), names[at], inputs[at]


@pytest.mark.parametrize('engine', ['reference', 'auto'])
@pytest.mark.parametrize('case', CASES, ids=[f'{case[0]}-{k}' for k, case in enumerate(CASES)])
def test_same_values_as_onnx_runtime(qtool, tmp_path, case, engine):
    model, name, x = model_of(*case)
    onnx.save(model, tmp_path / 'm.onnx')
    (tmp_path / 'in').mkdir()
    np.savez(tmp_path / 'in/0.npz', **{name: x})
    want = ort.InferenceSession(model.SerializeToString(), providers=['CPUExecutionProvider']).run(None, {name: x})[0]
    done = subprocess.run([qtool, 'run', tmp_path / 'm.onnx', tmp_path / 'in', '-o', tmp_path / 'out', '--engine', engine], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    got = np.load(tmp_path / 'out/0.npz')['y']
    assert got.shape == want.shape and got.dtype == want.dtype
    step = 1 if got.dtype == np.uint8 else 1e-4 * max(1, np.abs(want).max())
    assert np.abs(got.astype(float) - want.astype(float)).max() <= step


def test_a_model_in_qoperator_format_runs_in_int8(qtool, tmp_path):
    """ONNX Runtime's QOperator file of glyph-resnet8: its answers, and its convolutions in int8 here."""
    feeds = [feed for _, feed in tasklib.samples('glyph-resnet8', 'calib', 8)]

    class Reader(CalibrationDataReader):
        rest = iter(feeds)

        def get_next(self):
            return next(self.rest, None)
    path = tmp_path / 'q.onnx'
    quantize_static(tasklib.model_path('glyph-resnet8'), path, Reader(), quant_format=QuantFormat.QOperator, per_channel=True,
                    activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)
    session = ort.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    (tmp_path / 'in').mkdir()
    for i, feed in enumerate(feeds):
        np.savez(tmp_path / f'in/{i}.npz', **feed)
    subprocess.run([qtool, 'run', path, tmp_path / 'in', '-o', tmp_path / 'out'], check=True, capture_output=True)
    name = session.get_outputs()[0].name
    for i, feed in enumerate(feeds):
        want, got = session.run(None, feed)[0], np.load(tmp_path / f'out/{i}.npz')[name]
        assert got.argmax() == want.argmax()
    done = subprocess.run([qtool, 'bench', path, '--data', tmp_path / 'in', '--profile', '--seconds', '.1', '--json'], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)['int8_mac_share'] == 1
