#!/usr/bin/env python3
"""Writes testdata/fuzz/onnx: small models that between them use every kind of thing the reader of models reads. Needs PyPI package onnx;
run in the repository's root after editing."""
import pathlib
import onnx
from onnx import helper, parser, TensorProto

OUT = pathlib.Path('testdata/fuzz/onnx')
TEXTS = {
    'weights': '''<ir_version: 8, opset_import: ["" : 17], producer_name: "test", metadata_props: ["key" : "value"]>
        g (float[N, 3] x) => (float[N, 2] y) <float[3, 2] w = {1, 2, 3, 4, 5, 6}, int8[2] b = {1, -2}, float[N, 2] m> {
          m = MatMul(x, w)
          y = Clip(m, , )
        }''',
    'bodies': '''<ir_version: 8, opset_import: ["" : 17]>
        g (float[2] x, bool c) => (float[2] y) {
          h = Constant <value = float[2] {1, 2}> ()
          y = If (c) <then_branch = t () => (float[2] a) { a = Add(x, h) },
                      else_branch = e () => (float[2] b) <float[2] w = {3, 4}> { b = Clip <min = -1.5, axes = [1, 2], names = ["n"]> (w) }>
        }''',
    'functions': '''<ir_version: 10, opset_import: ["" : 21, "m" : 1]>
        g (float[2] x) => (float[2] y) { t = m.Twice(x) y = m.Outer <a = 0.5> (t) }
        <domain: "m", opset_import: ["" : 21]> Twice (u) => (v) { v = Add(u, u) }
        <domain: "m", opset_import: ["" : 21, "m" : 1]> Outer <a>(u) => (v) { t = m.Twice(u) v = LeakyRelu <alpha : float = @a> (t) }''',
}


def old():
    """IR 3: the weight is an input too."""
    model = parser.parse_model('<ir_version: 3, opset_import: ["" : 7]> g (float[2] x, float[2] w) => (float[2] y) { y = Add(x, w) }')
    model.graph.initializer.append(helper.make_tensor('w', TensorProto.FLOAT, [2], [1, 2]))
    return model


def types():
    """Weights of the newer and narrower types, raw and typed, one sparse, one in a file that is not there."""
    model = parser.parse_model('<ir_version: 10, opset_import: ["" : 21]> g (float[2] x) => (float[2] y) { y = Relu(x) }')
    for code in (TensorProto.INT4, TensorProto.UINT8, TensorProto.BOOL, TensorProto.FLOAT16, TensorProto.FLOAT8E4M3FN):
        model.graph.initializer.append(helper.make_tensor(f'typed{code}', code, [3], [1, 0, 1]))
        model.graph.initializer.append(TensorProto(name=f'raw{code}', data_type=code, dims=[1], raw_data=b'\1' * (2 if code == 10 else 1)))
    model.graph.initializer.append(helper.make_tensor('text', TensorProto.STRING, [1], [b'abc']))
    values = helper.make_tensor('sparse', TensorProto.FLOAT, [1], [1])
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, helper.make_tensor('', TensorProto.INT64, [1], [2]), [8]))
    return model



def main():
    OUT.mkdir(parents=True, exist_ok=True)
    models = {name: parser.parse_model(text) for name, text in TEXTS.items()} | {'old': old(), 'types': types()}
    for name, model in models.items():
        onnx.save(model, OUT / f'{name}.onnx')


if __name__ == '__main__':
    main()
