"""The main job on real models: what qtool writes is right in ONNX Runtime and OpenVINO, and the same however it is made."""
import json, os, subprocess
import numpy as np
import onnx, onnxruntime
import pytest

import score, tasklib
from conftest import digest, fetched

SHIPPED = ['glyph-resnet8', 'glyph-mobilenetv2']
FETCHED = ['ppocr-cls', 'ppocr-det']
LIMIT = {'ppocr-det': 16}


def call(qtool, *args, **kwargs):
    return subprocess.run([qtool, *map(str, args)], check=True, capture_output=True, **kwargs)


def data_of(task):
    folder = tasklib.data_path(task)
    steps = folder + '/preprocess.json'
    return folder, ['--preprocess', steps] if os.path.exists(steps) else []


@pytest.fixture(scope='module')
def made(qtool, tmp_path_factory):
    """int8 file of a task with default options, made once by prepare, calibrate and convert."""
    files = {}

    def make(task):
        if task not in files:
            out = tmp_path_factory.mktemp(task)
            model = fetched(tasklib.model_path(task))
            folder, steps = data_of(task)
            call(qtool, 'prepare', model, '-o', out / 'prepared.onnx')
            call(qtool, 'calibrate', out / 'prepared.onnx', folder + '/calib', *steps, '--limit', LIMIT.get(task, 64), '-o', out / 'stats.json')
            call(qtool, 'convert', out / 'prepared.onnx', '--stats', out / 'stats.json', '-o', out / 'int8.onnx')
            files[task] = out
        return files[task]
    return make


def same(path, want):
    """Whether the file holds these bytes (a bare == of long bytes makes pytest print a difference, for minutes)."""
    return bool(path.read_bytes() == want)


def metric(scored):
    return next(iter(scored.values()))


@pytest.mark.parametrize('task', SHIPPED + FETCHED)
def test_accuracy_in_both_runtimes(qtool, made, task, tmp_path):
    folder, steps = data_of(task)
    path = str(made(task) / 'int8.onnx')
    before = metric(tasklib.score(task, score.outputs_of(tasklib.model_path(task), task)))
    call(qtool, 'run', path, folder + '/test', *steps, '-o', tmp_path)
    name = onnx.load(path).graph.output[0].name
    own = metric(tasklib.score(task, {f.stem: np.load(f)[name] for f in tmp_path.glob('*.npz')}))
    ort = metric(tasklib.score(task, score.outputs_of(path, task)))
    assert own >= before - .005
    assert abs(ort - own) <= .005


@pytest.mark.parametrize('task', SHIPPED + FETCHED)
def test_onnx_runtime_keeps_no_float_product(made, task, tmp_path):
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / 'optimized.onnx')
    options.log_severity_level = 3
    onnxruntime.InferenceSession(str(made(task) / 'int8.onnx'), options, providers=['CPUExecutionProvider'])
    kinds = [node.op_type for node in onnx.load(tmp_path / 'optimized.onnx').graph.node]
    assert [k for k in kinds if k in ('Conv', 'FusedConv', 'Gemm', 'FusedGemm', 'MatMul', 'FusedMatMul')] == []


@pytest.mark.parametrize('task', SHIPPED)
def test_written_files_are_valid(made, task):
    for file in ('prepared.onnx', 'int8.onnx'):
        onnx.checker.check_model(str(made(task) / file), full_check=True)
    assert {o.domain for o in onnx.load(made(task) / 'int8.onnx').opset_import} == {''}


def test_prepared_model_computes_as_before(made):
    model, prepared = tasklib.model_path('glyph-resnet8'), str(made('glyph-resnet8') / 'prepared.onnx')
    want, found = score.outputs_of(model, 'glyph-resnet8'), score.outputs_of(prepared, 'glyph-resnet8')
    assert max(np.abs(want[k] - found[k]).max() for k in want) < 1e-3


def test_same_bytes_by_pipe_and_in_one_process(qtool, made, tmp_path):
    folder, steps = data_of('glyph-resnet8')
    model = tasklib.model_path('glyph-resnet8')
    line = ' '.join(['set -o pipefail;', qtool, 'prepare', model, '-o - |', qtool, 'calibrate -', folder + '/calib', *steps, '--limit 64 -o - |',
                     qtool, 'convert - -o', str(tmp_path / 'pipe.onnx')])
    subprocess.run(['bash', '-c', line], check=True, capture_output=True)
    call(qtool, 'quantize', model, folder + '/calib', *steps, '--limit', 64, '-o', tmp_path / 'one.onnx')
    want = digest(made('glyph-resnet8') / 'int8.onnx')
    assert digest(tmp_path / 'pipe.onnx') == want
    assert digest(tmp_path / 'one.onnx') == want


def test_statistics_do_not_depend_on_threads_or_shards(qtool, made, tmp_path):
    folder, steps = data_of('glyph-resnet8')
    prepared = made('glyph-resnet8') / 'prepared.onnx'

    def collect(name, *more):
        call(qtool, 'calibrate', prepared, folder + '/calib', *steps, '--limit', 12, '-o', tmp_path / name, *more)
        return tmp_path / name
    want = digest(collect('one.json', '--threads', 1))
    assert digest(collect('two.json', '--threads', 2)) == want
    shards = [collect(f'shard{i}.json', '--shard', f'{i}/3') for i in range(3)]
    call(qtool, 'merge', *reversed(shards), '-o', tmp_path / 'merged.json')
    assert digest(tmp_path / 'merged.json') == want


def test_resume_gives_the_same_bytes(qtool, made, tmp_path):
    folder, steps = data_of('glyph-resnet8')
    args = ['calibrate', made('glyph-resnet8') / 'prepared.onnx', folder + '/calib', *steps]
    call(qtool, *args, '--limit', 10, '-o', tmp_path / 'whole.json')
    call(qtool, *args, '--limit', 4, '-o', tmp_path / 'part.json')
    call(qtool, *args, '--limit', 10, '--resume', '-o', tmp_path / 'part.json')
    assert digest(tmp_path / 'part.json') == digest(tmp_path / 'whole.json')


def test_eval_is_a_gate(qtool, made):
    folder, steps = data_of('glyph-resnet8')
    args = ['eval', made('glyph-resnet8') / 'int8.onnx', folder + '/test', *steps, '--labels', folder + '/labels.csv', '--metric', 'top1',
            '--baseline', tasklib.model_path('glyph-resnet8'), '--json', '--max-drop']
    passed = json.loads(call(qtool, *args, '0.005').stdout)
    assert passed['value'] >= passed['baseline'] - .005
    assert subprocess.run([qtool, *map(str, args), '-1'], capture_output=True).returncode == 1


@pytest.mark.parametrize('task', SHIPPED)
def test_nearly_all_macs_run_in_int8(qtool, made, task):
    folder, steps = data_of(task)
    told = json.loads(call(qtool, 'bench', made(task) / 'int8.onnx', '--data', folder + '/calib', *steps, '--profile', '--json', '--seconds', '0.1').stdout)
    assert told['int8_mac_share'] >= .95


def test_quantizes_inside_the_branches_of_an_if(qtool, made):
    path = made('vad-lstm-if') / 'int8.onnx'
    float_feeds = list(tasklib.samples('vad-lstm-if', 'test', 8))
    before = onnxruntime.InferenceSession(tasklib.model_path('vad-lstm-if'), providers=['CPUExecutionProvider'])
    after = onnxruntime.InferenceSession(str(path), providers=['CPUExecutionProvider'])
    for _, feed in float_feeds:
        a, b = before.run(None, feed)[0].ravel(), after.run(None, feed)[0].ravel()
        assert a @ b / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30) > .99
    branches = [attribute.g for node in onnx.load(path).graph.node for attribute in node.attribute if attribute.HasField('g')]
    assert any(node.op_type == 'QuantizeLinear' for branch in branches for node in branch.node)  # a branch never taken stays float, and is said
