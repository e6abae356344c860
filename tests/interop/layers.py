"""Small networks, one a layer: what docs/coverage.md and its tests are made of.

A layer that runs on codes of others stands between two convolutions or linear layers. `counts`: the operators that must be int8 for the layer
to be."""
import numpy as np
import onnx
from onnx import numpy_helper, parser

X4, X3, X2 = 'float[1,8,12,12] x', 'float[1,8,64] x', 'float[6,64] x'
CONV, LINEAR = {'w0': (8, 8, 3, 3), 'w1': (8, 8, 3, 3)}, {'w0': (64, 48), 'w1': (48, 64)}


def between_convs(body, opset=17):
    """Conv -> body (a -> b) -> Conv."""
    return X4, f'a = Conv<pads=[1,1,1,1]>(x, w0)\n{body}\ny = Conv<pads=[1,1,1,1]>(b, w1)', CONV, opset


def between_linears(body, opset=17):
    return X2, f'a = MatMul(x, w0)\n{body}\ny = MatMul(b, w1)', LINEAR, opset


def attention():
    project = '\n'.join(f'{n}0 = MatMul(x, w{n})\n{n}1 = Add({n}0, b{n})\n{n}2 = Reshape({n}1, split)\n{n} = Transpose<perm=[{p}]>({n}2)'
                        for n, p in (('q', '0,2,1,3'), ('k', '0,2,3,1'), ('v', '0,2,1,3')))
    return ('float[1,16,64] x', project + '\ns = MatMul(q, k)\np = Softmax(s)\no = MatMul(p, v)\nt = Transpose<perm=[0,2,1,3]>(o)\n'
            'm = Reshape(t, joined)\ny = MatMul(m, wo)',
            {**{f'w{n}': (64, 64) for n in 'qkvo'}, **{f'b{n}': (64,) for n in 'qkv'}, 'split': [1, 16, 4, 16], 'joined': [1, 16, 64]}, 17)


# name -> ((input, body, weights, opset), counts)
LAYERS = {
    'Linear': ((X2, 'a = MatMul(x, w0)\ny = Add(a, b)', {'w0': (64, 48), 'b': (48,)}, 17), ['MatMul', 'Gemm']),
    'Linear (Gemm)': ((X2, 'y = Gemm<transB=1>(x, w0, b)', {'w0': (48, 64), 'b': (48,)}, 17), ['Gemm']),
    'Conv1d': ((X3, 'y = Conv<pads=[1,1]>(x, w0, b)', {'w0': (16, 8, 3), 'b': (16,)}, 17), ['Conv']),
    'Conv2d': ((X4, 'y = Conv<pads=[1,1,1,1]>(x, w0, b)', {'w0': (16, 8, 3, 3), 'b': (16,)}, 17), ['Conv']),
    'Conv2d, depthwise': ((X4, 'y = Conv<pads=[1,1,1,1], group=8>(x, w0, b)', {'w0': (8, 1, 3, 3), 'b': (8,)}, 17), ['Conv']),
    'Conv3d': (('float[1,8,6,6,6] x', 'y = Conv(x, w0, b)', {'w0': (16, 8, 3, 3, 3), 'b': (16,)}, 17), ['Conv']),
    'ConvTranspose2d': ((X4, 'y = ConvTranspose<strides=[2,2]>(x, w0, b)', {'w0': (8, 16, 2, 2), 'b': (16,)}, 17), ['ConvTranspose']),
    'LSTM': (('float[7,2,40] x', 'y = LSTM<hidden_size=24>(x, w, r, b)', {'w': (1, 96, 40), 'r': (1, 96, 24), 'b': (1, 192)}, 17), ['LSTM']),
    'GRU': (('float[7,2,40] x', 'y = GRU<hidden_size=24>(x, w, r, b)', {'w': (1, 72, 40), 'r': (1, 72, 24), 'b': (1, 144)}, 17), ['GRU']),
    'LSTMCell': (('float[2,40] x', 'a = Gemm<transB=1>(x, w, b)\nz = Gemm<transB=1>(h, r, c)\ns = Add(a, z)\ngi, gf, gc, go = Split<axis=1>(s, sizes)\n'
                  'i1 = Sigmoid(gi)\nf1 = Sigmoid(gf)\nc2 = Tanh(gc)\no1 = Sigmoid(go)\nfc = Mul(f1, c0)\nig = Mul(i1, c2)\nc1 = Add(fc, ig)\nt = Tanh(c1)\ny = Mul(o1, t)',
                  {'w': (96, 40), 'r': (96, 24), 'b': (96,), 'c': (96,), 'h': (2, 24), 'c0': (2, 24), 'sizes': [24, 24, 24, 24]}, 17), ['Gemm']),
    'Embedding': (('int64[2,5] x', 'y = Gather(w, x)', {'w': (100, 32)}, 17), ['Gather']),
    'EmbeddingBag': (('int64[2,5] x', 'e = Gather(w, x)\ny = ReduceSum<keepdims=0>(e, axes)', {'w': (100, 32), 'axes': [1]}, 17), ['Gather']),
    'MultiheadAttention': (attention(), ['MatMul', 'Gemm', 'Softmax']),
    'ReLU': (between_convs('b = Relu(a)'), ['Relu', 'Conv']),
    'ReLU6': (between_convs('b = Clip(a, lo, hi)'), ['Clip', 'Conv']),
    'LeakyReLU': (between_convs('b = LeakyRelu<alpha=0.1>(a)'), ['LeakyRelu', 'Conv']),
    'Sigmoid': (between_convs('b = Sigmoid(a)'), ['Sigmoid', 'Conv']),
    'Tanh': (between_convs('b = Tanh(a)'), ['Tanh', 'Conv']),
    'Hardswish': (between_convs('b = HardSwish(a)'), ['HardSwish', 'Conv']),
    'GELU': (between_linears('b = Gelu(a)', 20), ['Gelu', 'MatMul', 'Gemm']),
    'Softmax': (between_linears('b = Softmax(a)'), ['Softmax', 'MatMul', 'Gemm']),
    'LayerNorm': (between_linears('b = LayerNormalization(a, g, n)'), ['LayerNormalization', 'MatMul', 'Gemm']),
    'BatchNorm': (between_convs('b = BatchNormalization(a, g, n, n, g)'), ['BatchNormalization', 'Conv']),
    'MaxPool': (between_convs('b = MaxPool<kernel_shape=[2,2], strides=[2,2]>(a)'), ['MaxPool', 'Conv']),
    'AveragePool': (between_convs('b = AveragePool<kernel_shape=[2,2], strides=[2,2]>(a)'), ['AveragePool', 'Conv']),
    'GlobalAveragePool': (between_convs('p = GlobalAveragePool(a)\nb = Mul(a, p)'), ['GlobalAveragePool', 'Conv', 'Mul']),
    'Add': (between_convs('b = Add(a, x)'), ['Add', 'Conv']),
    'Mul': (between_convs('b = Mul(a, x)'), ['Mul', 'Conv']),
    'Concat': ((X4, 'a = Conv<pads=[1,1,1,1]>(x, w0)\nb = Concat<axis=1>(a, x)\ny = Conv<pads=[1,1,1,1]>(b, w1)', {'w0': (8, 8, 3, 3), 'w1': (8, 16, 3, 3)}, 17), ['Concat', 'Conv']),
    'Resize': (between_convs('b = Resize<mode="nearest">(a, , scales)'), ['Resize', 'Conv']),
    'Reshape, Transpose': (between_linears('t = Transpose(a)\nb = Reshape(t, shape)'), ['Transpose', 'Reshape', 'MatMul', 'Gemm']),
}
EXTRA = {'lo': np.float32(0), 'hi': np.float32(6), 'scales': np.array([1, 1, 2, 2], np.float32), 'shape': np.array([6, 48])}


def weight(name, shape, rng):
    if name in EXTRA:
        return EXTRA[name]
    if isinstance(shape, list):
        return np.array(shape)
    if name == 'g':
        return np.abs(rng.normal(1, .2, shape)).astype(np.float32)
    return rng.normal(0, .2, shape).astype(np.float32)


def model_of(name):
    (source, body, weights, opset), _ = LAYERS[name]
    weights = dict(weights)
    channels = 8 if 'Conv' in body else 48
    for extra in ('g', 'n'):
        if f', {extra}' in body and extra not in weights:
            weights[extra] = (channels,)
    for extra in EXTRA:
        if f', {extra})' in body or f'(a, {extra}, ' in body:
            weights[extra] = ()
    text = f'<ir_version: 8, opset_import: ["": {opset}]> g ({source}) => (float y) {{\n{body}\n}}'
    model = parser.parse_model(text)
    rng = np.random.default_rng(len(name))
    model.graph.initializer.extend(numpy_helper.from_array(np.asarray(weight(n, s, rng)), n) for n, s in weights.items())
    for i, node in enumerate(model.graph.node):
        node.name = f'{node.op_type}_{i}'
    del model.graph.output[:]
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    model.graph.output.extend(v for v in inferred.graph.value_info if v.name == 'y')
    onnx.checker.check_model(model, full_check=True)
    return model


def feeds_of(model, count):
    rng = np.random.default_rng(1)
    x = model.graph.input[0]
    shape = [d.dim_value for d in x.type.tensor_type.shape.dim]
    make = (lambda: rng.integers(0, 100, shape)) if x.type.tensor_type.elem_type == onnx.TensorProto.INT64 else (lambda: rng.normal(0, 1, shape).astype(np.float32))
    return [{x.name: make()} for _ in range(count)]
