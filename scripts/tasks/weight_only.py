#!/usr/bin/env python3
"""Weights of 8 and 4 bits beside float activations: what they cost in qtool and in ONNX Runtime, on the same files.

    weight_only.py [--qtool build/release/qtool] [--width 2048] [--words 60000] [--rounds 7] [--write]

Models of random weights: six matrices width x width, an embedding bag of 64 of `words` rows, an LSTM of 50 steps. One thread, medians of
rounds in turns. ONNX Runtime by default also quantizes the activations of such products to 8 bits; `exact` is its own float arithmetic
(session.qdq_matmulnbits_accuracy_level 1). The error is the norm of the difference to ONNX Runtime without optimization, by the norm of the
outputs. --write: the table also replaces docs/weight-only.md."""
import argparse, json, os, statistics, subprocess, sys, tempfile, time
import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FORMS = {'float': None, '8 bits': 'weight-only-int8', '4 bits': 'weight-only-int4'}
# A program of its own: memory is counted from the fork on, and this one is large.
PEAK = 'import os, sys; _, status, usage = os.wait4(os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:]), 0); print(usage.ru_maxrss); sys.exit(status != 0)'
LEVEL = 'session.qdq_matmulnbits_accuracy_level'
HEAD = """# Weight-only

Written by `scripts/tasks/weight_only.py --write`; run it to have the numbers of your machine. Weights behind DequantizeLinear stay codes: matrix
products, recurrences and tables read them as they are, in float arithmetic with the bits of the dequantized weights
([architecture.md](architecture.md)). ONNX Runtime, unless told otherwise (`exact`), also rounds the activations of such products to 8 bits, and
widens tables as a whole. Milliseconds of one thread; `error`: relative, to the file computed without optimization; memory: the highest of
`qtool run`.

"""


def normal(random, *shape):
    return (random.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)


def save(path, nodes, inputs, outputs, weights):
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, 'g', [value(*i) for i in inputs], [value(o, 1, None) for o in outputs],
                              [numpy_helper.from_array(array, name) for name, array in weights.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 21)], ir_version=10), path)


def products(path, random, width):
    weights = {f'w{i}': normal(random, width, width) for i in range(6)}
    names = ['x', *(f'y{i}' for i in range(6))]
    save(path, [helper.make_node('MatMul', [names[i], f'w{i}'], [names[i + 1]], name=f'product{i}') for i in range(6)],
         [('x', 1, ['rows', width])], ['y5'], weights)


def bag(path, random, width, words):
    save(path, [helper.make_node('Gather', ['w', 'i'], ['e'], name='embedding'), helper.make_node('ReduceSum', ['e', 'axes'], ['y'], name='bag', keepdims=0)],
         [('i', 7, ['batch', 64])], ['y'], {'w': normal(random, words, width // 4), 'axes': np.array([1])})


def recurrence(path, random, width):
    hidden = width // 4
    save(path, [helper.make_node('LSTM', ['x', 'w', 'r', 'b'], ['y'], name='lstm', hidden_size=hidden)], [('x', 1, ['steps', 'batch', hidden])], ['y'],
         {'w': normal(random, 1, 4 * hidden, hidden), 'r': normal(random, 1, 4 * hidden, hidden), 'b': normal(random, 1, 8 * hidden)})


def session(path, exact=False, optimized=True):
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    if exact:
        options.add_session_config_entry(LEVEL, '1')
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=['CPUExecutionProvider'])


def latency(run):
    run()
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1e3


def qtool_latency(qtool, path, data):
    done = subprocess.run([qtool, 'bench', path, '--data', data, '--threads', '1', '--seconds', '0.3', '--json'], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)['median_us'] / 1e3


def run_once(qtool, path, data, folder):
    """Outputs and peak memory in MB."""
    done = subprocess.run([sys.executable, '-S', '-c', PEAK, qtool, 'run', path, data, '-o', folder], check=True, capture_output=True, text=True)
    return np.load(f'{folder}/x.npz'), int(done.stdout) // 1024


def error(found, wanted):
    return float(np.linalg.norm(found - wanted) / np.linalg.norm(wanted))


def row(qtool, rounds, model, form, path, feed, folder):
    data = f'{folder}/data'
    os.makedirs(data, exist_ok=True)
    np.savez(f'{data}/x.npz', **feed)
    made, memory = run_once(qtool, path, data, f'{folder}/out')
    peers = {'default': session(path), 'exact': session(path, exact=True)}
    wanted = session(path, optimized=False).run(None, feed)[0]
    times = {'qtool': [], **{peer: [] for peer in peers}}
    for _ in range(rounds):
        times['qtool'].append(qtool_latency(qtool, path, data))
        for peer, runs in peers.items():
            times[peer].append(latency(lambda: runs.run(None, feed)))
    ms = {name: statistics.median(values) for name, values in times.items()}
    errors = {'qtool': error(made[made.files[0]], wanted), **{peer: error(runs.run(None, feed)[0], wanted) for peer, runs in peers.items()}}
    cells = [f'{ms[name]:.3g} ({errors[name]:.0e})' for name in ('qtool', 'default', 'exact')]
    return [model, form, f'{os.path.getsize(path) / 1e6:.1f}', str(memory), *cells, f"{ms['default'] / ms['qtool']:.2f}", f"{ms['exact'] / ms['qtool']:.2f}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--qtool', default=f'{ROOT}/build/release/qtool')
    parser.add_argument('--width', type=int, default=2048)
    parser.add_argument('--words', type=int, default=60000)
    parser.add_argument('--rounds', type=int, default=7)
    parser.add_argument('--write', action='store_true')
    options = parser.parse_args()
    random, width = np.random.default_rng(0), options.width
    feeds = {f'six {width} x {width}, rows: {m}': {'x': normal(random, m, width)} for m in (1, 16, 128)}
    feeds['embedding bag'] = {'i': random.integers(0, options.words, (4, 64))}
    feeds |= {f'LSTM, batch: {b}': {'x': normal(random, 50, b, width // 4)} for b in (1, 8)}
    lines = ['| model | weights | file, MB | memory, MB | qtool (error) | ONNX Runtime (error) | its exact (error) | / qtool | exact / qtool |', '|' + '---|' * 9]
    with tempfile.TemporaryDirectory() as folder:
        products(f'{folder}/six.onnx', random, width)
        bag(f'{folder}/embedding.onnx', random, width, options.words)
        recurrence(f'{folder}/LSTM.onnx', random, width)
        for form, qconfig in FORMS.items():
            for model in ('six', 'embedding', 'LSTM'):
                if qconfig:
                    subprocess.run([options.qtool, 'quantize', f'{folder}/{model}.onnx', '--qconfig', qconfig, '-o', f'{folder}/{model}-{form}.onnx'],
                                   check=True, capture_output=True)
        for name, feed in feeds.items():
            for form, qconfig in FORMS.items():
                model = name.split()[0].rstrip(',')
                lines.append('| ' + ' | '.join(row(options.qtool, options.rounds, name, form, f'{folder}/{model}-{form}.onnx' if qconfig else f'{folder}/{model}.onnx', feed,
                                                   f'{folder}/{len(lines)}')) + ' |')
                print(lines[-1], flush=True)
    if options.write:
        with open(f'{ROOT}/docs/weight-only.md', 'w') as file:
            file.write(HEAD + '\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
