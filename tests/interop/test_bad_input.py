"""Bad input: the exit code, one clear line on stderr, and no half-written file."""
import json, os, signal, shutil, subprocess, time
import numpy as np
import onnx
import pytest
from onnx import parser

import tasklib
from conftest import digest

RESNET = tasklib.model_path('glyph-resnet8')
SMALL = '<ir_version: 8, opset_import: ["" : 13]> g (float[1, 4] x) => (float[1, 2] y) <float[4, 2] w = {1, 2, 3, 4, 5, 6, 7, 8}> { y = MatMul(x, w) }'


class Ran:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.errors = [line for line in self.err.splitlines() if line.startswith('qtool: error:')]


@pytest.fixture
def run(qtool, tmp_path):
    def run(*args, **kwargs):
        return Ran(subprocess.run([qtool, *map(str, args)], capture_output=True, text=True, cwd=tmp_path, timeout=120, **kwargs))
    return run


@pytest.fixture
def small(tmp_path):
    path = tmp_path / 'small.onnx'
    onnx.save(parser.parse_model(SMALL), path)
    return path


@pytest.fixture
def prepared(run, small, tmp_path):
    done = run('prepare', small, '-o', 'prepared.onnx')
    assert done.code == 0, done.err
    return tmp_path / 'prepared.onnx'


@pytest.fixture
def samples(tmp_path):
    folder = tmp_path / 'samples'
    folder.mkdir()
    for i in range(4):
        np.save(folder / f'{i}.npy', np.full((1, 4), i + 1, np.float32))
    return folder


def refused(ran, code, *words):
    assert ran.code == code, ran.err
    assert len(ran.errors) == 1, ran.err
    for word in words:
        assert word in ran.errors[0]


def left(folder, *names):
    assert not [f.name for f in folder.iterdir() if f.name in names or '.tmp.' in f.name]


@pytest.mark.parametrize('content', [None, b'', b'not a model at all', os.urandom(5000), open(RESNET, 'rb').read()[:60000]],
                         ids=['missing', 'empty', 'text', 'random', 'truncated'])
@pytest.mark.parametrize('command', ['prepare', 'inspect', 'print', 'run'])
def test_no_model(run, tmp_path, content, command):
    if content is not None:
        (tmp_path / 'bad.onnx').write_bytes(content)
    more = {'prepare': ['-o', 'out.onnx'], 'run': [tmp_path, '-o', 'out']}.get(command, [])
    refused(run(command, 'bad.onnx', *more), 3, 'bad.onnx')
    left(tmp_path, 'out.onnx')


def test_no_usable_sample(run, prepared, tmp_path):
    (tmp_path / 'none').mkdir()
    refused(run('calibrate', prepared, 'none', '-o', 'stats.json'), 3, 'none')
    (tmp_path / 'none/a.npy').write_bytes(b'rubbish')
    refused(run('calibrate', prepared, 'none', '-o', 'stats.json'), 3, 'no usable sample')
    left(tmp_path, 'stats.json')


@pytest.mark.parametrize('array, words', [(np.zeros((1, 5), np.float32), ['1x4', '1x5']), (np.zeros((1, 4), np.complex64), ['x']),
                                          (np.array([[1, 2, np.nan, 4]], np.float32), ['NaN'])], ids=['shape', 'type', 'nan'])
def test_a_sample_that_does_not_fit(run, prepared, samples, tmp_path, array, words):
    np.save(samples / '2.npy', array)
    ran = run('calibrate', prepared, samples, '-o', 'stats.json')
    assert ran.code == 0
    told = [line for line in ran.err.splitlines() if 'sample skipped' in line]
    assert len(told) == 1 and '2.npy' in told[0] and all(word in told[0] for word in words), ran.err
    assert json.loads((tmp_path / 'stats.json').read_text())['samples'] == ['0.npy', '1.npy', '3.npy']
    refused(run('calibrate', prepared, samples, '-o', 'strict.json', '--strict'), 3, '2.npy')
    left(tmp_path, 'strict.json')


def test_statistics_of_another_model(run, prepared, samples, small, tmp_path):
    assert run('calibrate', prepared, samples, '-o', 'stats.json').code == 0
    model = onnx.load(small)
    model.graph.initializer[0].float_data[0] = 9
    onnx.save(model, tmp_path / 'other.onnx')
    assert run('prepare', 'other.onnx', '-o', 'other-prepared.onnx').code == 0
    refused(run('convert', 'other-prepared.onnx', '--stats', 'stats.json', '-o', 'int8.onnx'), 3, 'another model')
    left(tmp_path, 'int8.onnx')


def test_full_disk(run, small):
    refused(run('prepare', small, '-o', '/dev/full'), 3, '/dev/full')


def test_a_full_disk_keeps_the_old_file(qtool, small, tmp_path):
    target = tmp_path / 'out.onnx'
    target.write_bytes(b'old')
    limited = ['bash', '-c', f'ulimit -f 0; trap "" XFSZ; exec {qtool} prepare {small} -o {target}']
    refused(Ran(subprocess.run(limited, capture_output=True, text=True)), 3, 'out.onnx')
    assert target.read_bytes() == b'old'
    left(tmp_path)


def test_wrong_usage(run, small):
    refused(run('convert'), 2)
    refused(run('frobnicate'), 2)
    refused(run('prepare', small, '-o', 'x.onnx', '--backend', 'no-such'), 2, 'no-such')
    refused(run('prepare', small, '-o', '-', '--json'), 2)


def test_twice(run, prepared, samples):
    refused(run('prepare', prepared, '-o', 'x.onnx'), 3, 'prepared model already')
    assert run('calibrate', prepared, samples, '-o', 'stats.json').code == 0
    assert run('convert', prepared, '--stats', 'stats.json', '-o', 'int8.onnx').code == 0
    refused(run('convert', 'int8.onnx', '--stats', 'stats.json', '-o', 'again.onnx'), 3, 'int8.onnx')


def test_an_unknown_operator_cannot_be_run(run, samples, tmp_path):
    onnx.save(parser.parse_model('<ir_version: 8, opset_import: ["" : 13, "me" : 1]> g (float[1, 4] x) => (float[1, 4] y) { [odd] y = me.Foo(x) }'),
              tmp_path / 'unknown.onnx')
    refused(run('run', 'unknown.onnx', samples, '-o', 'out'), 4, 'odd', 'Foo', 'me')
    assert run('prepare', 'unknown.onnx', '-o', 'p.onnx').code == 0


def test_interrupted_calibration_saves_and_resumes(qtool, run, tmp_path):
    folder = tasklib.data_path('glyph-resnet8')
    steps = ['--preprocess', folder + '/preprocess.json']
    many = tmp_path / 'many'
    many.mkdir()
    names = sorted(os.listdir(folder + '/calib'))
    for i in range(3000):
        shutil.copy(f'{folder}/calib/{names[i % len(names)]}', many / f'{i}.png')
    assert run('prepare', RESNET, '-o', 'prepared.onnx').code == 0
    args = [qtool, 'calibrate', 'prepared.onnx', str(many), *steps, '--threads', '2']
    process = subprocess.Popen([*args, '-o', 'part.json'], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    time.sleep(.7)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert 'saved' in process.stderr.read()
    seen = len(json.loads((tmp_path / 'part.json').read_text())['samples'])
    assert 0 < seen < 3000
    left(tmp_path)
    assert subprocess.run([*args, '--resume', '-o', 'part.json'], cwd=tmp_path, capture_output=True).returncode == 0
    assert subprocess.run([*args, '-o', 'whole.json'], cwd=tmp_path, capture_output=True).returncode == 0
    assert digest(tmp_path / 'part.json') == digest(tmp_path / 'whole.json')


def test_strict_makes_a_qconfig_outside_the_backends_constraints_an_error(run, small, tmp_path):
    narrow = {'observer': 'minmax', 'dtype': 'int16', 'qscheme': 'per_tensor_symmetric'}
    (tmp_path / 'q.json').write_text(json.dumps({'global': {'activation': narrow, 'weight': {**narrow, 'dtype': 'int8'}}}))
    told = run('prepare', small, '-o', 'prepared.onnx', '--qconfig', 'q.json')
    assert told.code == 0 and 'int16' in told.err
    refused(run('prepare', small, '-o', 'strict.onnx', '--qconfig', 'q.json', '--strict'), 1, '--strict')
    left(tmp_path, 'strict.onnx')


def test_strict_writes_no_model_when_a_rule_names_no_node(run, small, samples, tmp_path):
    spec = {'activation': {'observer': 'minmax', 'dtype': 'uint8', 'qscheme': 'per_tensor_affine'},
            'weight': {'observer': 'minmax', 'dtype': 'int8', 'qscheme': 'per_tensor_symmetric'}}
    (tmp_path / 'q.json').write_text(json.dumps({'global': spec, 'module_name': {'nowhere': None}}))
    assert run('quantize', small, samples, '-o', 'int8.onnx', '--qconfig', 'q.json').code == 0
    (tmp_path / 'int8.onnx').write_bytes(b'earlier')
    refused(run('quantize', small, samples, '-o', 'int8.onnx', '--qconfig', 'q.json', '--strict'), 1, '--strict')
    assert (tmp_path / 'int8.onnx').read_bytes() == b'earlier'
    refused(run('quantize', small, samples, '-o', 'strict.onnx', '--qconfig', 'q.json', '--strict'), 1, '--strict')
    left(tmp_path, 'strict.onnx')
