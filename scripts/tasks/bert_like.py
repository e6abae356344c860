#!/usr/bin/env python3
"""A BERT-like encoder with what breaks int8 in such networks: additive masks, exploded LayerNorm and GELU, channels twenty times the others.

    bert_like.py OUT             writes OUT/model.onnx, OUT/calib/*.npz, OUT/test/*.npz
    bert_like.py OUT --compare [--qtool build/release/qtool]   also quantizes it with default settings and with NNCF, and holds both to float

6 layers, 384 wide, 12 heads, 128 tokens, weights N(0, 0.05), gains of 4 fixed channels of every LayerNorm 20, mask -10000 on the last 40
tokens; all from seed 0. The measure is the cosine of the outputs of the tokens that are not masked, mean over the inputs."""
import argparse, os, subprocess, sys
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LAYERS, WIDTH, HEADS, TOKENS, MASKED, WORDS, SAMPLES = 6, 384, 12, 128, 40, 1000, 64
OUTLIERS, TIMES = (17, 101, 202, 333), 20
LEAST, MARGIN, FLOAT_MACS = .99, .003, .1


class Writer:
    def __init__(self):
        self.random, self.nodes, self.weights = np.random.default_rng(0), [], []

    def weight(self, name, array):
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def normal(self, name, *shape):
        return self.weight(name, self.random.normal(0, .05, shape).astype(np.float32))

    def scalar(self, value):
        name = f'c{value}'
        if name not in {w.name for w in self.weights}:
            self.weight(name, np.array(value, np.float32))
        return name

    def call(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name + '/' + op, **attributes))
        return name

    def linear(self, x, inputs, outputs, name):
        product = self.call('MatMul', [x, self.normal(name + '.weight', inputs, outputs)], name + '.product')
        return self.call('Add', [product, self.normal(name + '.bias', outputs)], name)

    def layer_norm(self, x, name):
        gain = np.ones(WIDTH, np.float32)
        gain[list(OUTLIERS)] = TIMES
        mean = self.call('ReduceMean', [x], name + '.mean', axes=[-1])
        centred = self.call('Sub', [x, mean], name + '.centred')
        square = self.call('Pow', [centred, self.scalar(2.)], name + '.square')
        variance = self.call('ReduceMean', [square], name + '.variance', axes=[-1])
        spread = self.call('Sqrt', [self.call('Add', [variance, self.scalar(1e-5)], name + '.shifted')], name + '.spread')
        scaled = self.call('Mul', [self.call('Div', [centred, spread], name + '.unit'), self.weight(name + '.gain', gain)], name + '.scaled')
        return self.call('Add', [scaled, self.weight(name + '.shift', np.zeros(WIDTH, np.float32))], name)

    def gelu(self, x, name):
        error = self.call('Erf', [self.call('Div', [x, self.scalar(1.4142135)], name + '.divided')], name + '.error')
        product = self.call('Mul', [x, self.call('Add', [error, self.scalar(1.)], name + '.plus')], name + '.product')
        return self.call('Mul', [product, self.scalar(.5)], name)

    def heads(self, x, name, permutation):
        return self.call('Transpose', [self.call('Reshape', [x, 'split'], name + '.split')], name + '.heads', perm=permutation)

    def attention(self, x, mask, name):
        q = self.heads(self.linear(x, WIDTH, WIDTH, name + '.query'), name + '.query', [0, 2, 1, 3])
        k = self.heads(self.linear(x, WIDTH, WIDTH, name + '.key'), name + '.key', [0, 2, 3, 1])
        v = self.heads(self.linear(x, WIDTH, WIDTH, name + '.value'), name + '.value', [0, 2, 1, 3])
        scores = self.call('Div', [self.call('MatMul', [q, k], name + '.scores'), self.scalar((WIDTH / HEADS) ** .5)], name + '.scaled')
        shares = self.call('Softmax', [self.call('Add', [scores, mask], name + '.masked')], name + '.shares', axis=-1)
        mixed = self.call('Transpose', [self.call('MatMul', [shares, v], name + '.mixed')], name + '.turned', perm=[0, 2, 1, 3])
        return self.linear(self.call('Reshape', [mixed, 'joined'], name + '.joined'), WIDTH, WIDTH, name + '.output')

    def layer(self, x, mask, name):
        attended = self.layer_norm(self.call('Add', [self.attention(x, mask, name + '.attention'), x], name + '.sum1'), name + '.norm1')
        wide = self.gelu(self.linear(attended, WIDTH, 4 * WIDTH, name + '.up'), name + '.gelu')
        return self.layer_norm(self.call('Add', [self.linear(wide, 4 * WIDTH, WIDTH, name + '.down'), attended], name + '.sum2'), name + '.norm2')

    def model(self):
        self.weight('split', np.array([1, TOKENS, HEADS, WIDTH // HEADS]))
        self.weight('joined', np.array([1, TOKENS, WIDTH]))
        hidden = self.call('Gather', [self.normal('words.weight', WORDS, WIDTH), 'ids'], 'words')
        x = self.layer_norm(self.call('Add', [hidden, self.normal('positions.weight', 1, TOKENS, WIDTH)], 'embedded'), 'embedding')
        keep = self.call('Unsqueeze', [self.call('Cast', ['mask'], 'kept', to=TensorProto.FLOAT), self.weight('axes', np.array([1, 2]))], 'kept4')
        mask = self.call('Mul', [self.call('Sub', [self.scalar(1.), keep], 'dropped'), self.scalar(-10000.)], 'additive')
        for i in range(LAYERS):
            x = self.layer(x, mask, f'layer{i}')
        self.call('Identity', [x], 'output')
        ids = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, TOKENS]) for name in ('ids', 'mask')]
        graph = helper.make_graph(self.nodes, 'encoder', ids, [helper.make_tensor_value_info('output', TensorProto.FLOAT, [1, TOKENS, WIDTH])], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid('', 14)], ir_version=8)


def feeds(split):
    random = np.random.default_rng({'calib': 1, 'test': 2}[split])
    mask = np.ones((1, TOKENS), np.int64)
    mask[:, -MASKED:] = 0
    return [{'ids': random.integers(0, WORDS, (1, TOKENS)), 'mask': mask} for _ in range(SAMPLES)]


def write(folder):
    os.makedirs(folder, exist_ok=True)
    onnx.save(Writer().model(), f'{folder}/model.onnx')
    for split in ('calib', 'test'):
        os.makedirs(f'{folder}/{split}', exist_ok=True)
        for i, feed in enumerate(feeds(split)):
            np.savez(f'{folder}/{split}/{i:02}.npz', **feed)


def outputs(path):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.log_severity_level = 3
    session = ort.InferenceSession(path, options, providers=['CPUExecutionProvider'])
    return np.stack([session.run(None, feed)[0][0, :TOKENS - MASKED] for feed in feeds('test')])


def cosine(a, b):
    """Mean over the inputs."""
    a, b = (x.reshape(len(x), -1).astype(float) for x in (a, b))
    return float(((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).mean())


def by_nncf(folder):
    import nncf
    quantized = nncf.quantize(onnx.load(f'{folder}/model.onnx'), nncf.Dataset(feeds('calib')), model_type=nncf.ModelType.TRANSFORMER, subset_size=SAMPLES)
    onnx.save(quantized, f'{folder}/nncf.onnx')


def by_qtool(folder, qtool):
    subprocess.run([qtool, 'quantize', f'{folder}/model.onnx', f'{folder}/calib', '-o', f'{folder}/int8.onnx', '--log-level', 'error'], check=True)


def float_share(path, qtool):
    """Share of the multiply-adds that qtool computes in float."""
    import json
    ran = subprocess.run([qtool, 'bench', path, '--json', '--profile', '--seconds', '1', '--data', os.path.dirname(path) + '/test'], check=True, capture_output=True, text=True)
    return 1 - json.loads(ran.stdout)['int8_mac_share']


def compare(folder, qtool):
    by_qtool(folder, qtool)
    by_nncf(folder)
    real = outputs(f'{folder}/model.onnx')
    own, peer = (cosine(real, outputs(f'{folder}/{name}.onnx')) for name in ('int8', 'nncf'))
    share = float_share(f'{folder}/int8.onnx', qtool)
    print(f'cosine to float: qtool {own:.4f}, NNCF {peer:.4f}; {100 * share:.1f} % of the multiply-adds float')
    return own < LEAST or own < peer - MARGIN or share > FLOAT_MACS


if __name__ == '__main__':
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('out')
    parser.add_argument('--compare', action='store_true')
    parser.add_argument('--qtool', default='build/release/qtool')
    args = parser.parse_args()
    write(args.out)
    sys.exit(compare(args.out, args.qtool) if args.compare else 0)
