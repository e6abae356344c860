#!/usr/bin/env python3
"""Holds `qtool debug` against a measured truth: of a task's network with coarse weights (per tensor, codes -7..7), the report's first five
nodes left float must lower the mean squared error of the outputs by at least 80 % of what greedy selection lowers it (five rounds, each
trying every node). On all test samples that takes minutes; the tests do it on a few (tests/interop/test_debug_truth.py).

    sensitivity_truth.py TASK [--qtool build/release/qtool] [--limit N] [--work DIR]
"""
import argparse, json, os, subprocess, sys, tempfile
import tasklib

ROUNDS, LEAST = 5, .8
ACTIVATION = {'observer': 'minmax', 'dtype': 'uint8', 'qscheme': 'per_tensor_affine'}
WEIGHT = {'observer': 'minmax', 'dtype': 'int8', 'qscheme': 'per_tensor_symmetric', 'quant_min': -7, 'quant_max': 7}


class Experiment:
    def __init__(self, task, qtool, limit, work):
        self.qtool, self.work = os.path.abspath(qtool), work
        self.model, folder = tasklib.model_path(task), tasklib.data_path(task)
        self.steps = ['--preprocess', folder + '/preprocess.json', *(['--limit', str(limit)] if limit else [])]
        self.calib, self.test = folder + '/calib', folder + '/test'
        self.run('prepare', self.model, '--qconfig', self.qconfig([]), '-o', 'prepared.onnx')
        self.run('calibrate', 'prepared.onnx', self.calib, *self.steps, '-o', 'stats.json')

    def run(self, *args):
        done = subprocess.run([self.qtool, *args, '--log-level', 'error'], cwd=self.work, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f'{" ".join(args)}: {done.stderr}')
        return done.stdout

    def qconfig(self, floats):
        path = os.path.join(self.work, 'q.json')
        with open(path, 'w') as file:
            json.dump({'global': {'activation': ACTIVATION, 'weight': WEIGHT}, 'module_name': {name: None for name in floats}}, file)
        return path

    def convert(self, floats):
        self.run('convert', 'prepared.onnx', '--stats', 'stats.json', '--qconfig', self.qconfig(floats), '-o', 'int8.onnx')

    def error(self, floats):
        self.convert(floats)
        told = self.run('eval', 'int8.onnx', self.test, *self.steps, '--metric', 'mse', '--baseline', self.model, '--json')
        return json.loads(told)['value']

    def report(self):
        self.convert([])
        self.run('debug', self.model, 'int8.onnx', self.test, *self.steps, '-o', 'report.json')
        with open(os.path.join(self.work, 'report.json')) as file:
            nodes = [node for node in json.load(file)['nodes'] if node['rank'] and node['editable']]
        return [node['name'] for node in sorted(nodes, key=lambda node: node['rank'])]


def greedy(experiment, nodes):
    chosen, best = [], None
    for _ in range(ROUNDS):
        errors = {name: experiment.error(chosen + [name]) for name in nodes if name not in chosen}
        name = min(errors, key=errors.get)
        chosen.append(name)
        best = errors[name]
        print(f'greedy: {name} -> {best:.4g}', flush=True)
    return best


def share_of_greedy(experiment, task):
    nodes = experiment.report()
    before, after = experiment.error([]), experiment.error(nodes[:ROUNDS])
    print(f'{task}: error {before:.4g}, with {", ".join(nodes[:ROUNDS])} float {after:.4g}', flush=True)
    best = greedy(experiment, nodes)
    share = (before - after) / (before - best)
    print(f'{task}: the report lowers the error by {before - after:.4g}, greedy selection by {before - best:.4g}: {100 * share:.0f} %')
    return share


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('task')
    parser.add_argument('--qtool', default='build/release/qtool')
    parser.add_argument('--limit', type=int, help='samples (default: all)')
    parser.add_argument('--work')
    args = parser.parse_args()
    experiment = Experiment(args.task, args.qtool, args.limit, args.work or tempfile.mkdtemp())
    return share_of_greedy(experiment, args.task) < LEAST


if __name__ == '__main__':
    sys.exit(main())
