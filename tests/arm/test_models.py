"""Whole models on ARM: every level gives the same bytes, those of `--engine arm` on this machine, and the metric of the other engine.
$QTOOL is this machine's qtool, $QTOOL_ARM that for aarch64, run by qemu-user in the root $ARM_ROOT."""
import json, os, pathlib, subprocess, sys
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / 'scripts/arm'), str(ROOT / 'scripts/tasks')]
import counting  # noqa: E402
import tasklib  # noqa: E402

LEVELS = {'neon': 'cortex-a57', 'neondot': 'neoverse-n1', 'neoni8mm': 'max,sve=off,sme=off'}
SAMPLES = {'glyph-resnet8': 3, 'glyph-mobilenetv2': 3, 'bytes-transformer': 1, 'ppocr-cls': 2, 'ppocr-det': 1}
SCORED = ['glyph-resnet8', 'glyph-mobilenetv2']


def call(*command, cpu=None, check=True):
    return subprocess.run([str(part) for part in command], check=check, capture_output=True, text=True, env={**os.environ, **({'QEMU_CPU': cpu} if cpu else {})})


def arm(*args, cpu=LEVELS['neoni8mm'], check=True):
    return call('qemu-aarch64', '-L', os.environ['ARM_ROOT'], os.environ['QTOOL_ARM'], *args, cpu=cpu, check=check)


def here(*args):
    return call(os.environ['QTOOL'], *args)


def data_of(task):
    folder = tasklib.data_path(task)
    if not os.path.exists(folder + '/test') or not os.path.exists(tasklib.model_path(task)):
        pytest.fail(f'{task} is not there') if os.environ.get('CI') == 'true' else pytest.skip(f'{task} is not there: run scripts/tasks/fetch.py')
    steps = folder + '/preprocess.json'
    return folder, ['--preprocess', steps] if os.path.exists(steps) else []


@pytest.fixture(scope='module')
def int8(tmp_path_factory):
    """The int8 file of a task, made on this machine."""
    made = {}

    def make(task):
        if task not in made:
            made[task] = tmp_path_factory.mktemp(task) / 'int8.onnx'
            counting.quantize(os.environ['QTOOL'], tasklib.model_path(task), data_of(task)[0], made[task])
        return made[task]
    return make


def outputs(folder):
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize('task', SAMPLES)
def test_every_level_gives_the_bytes_of_the_scalar_twins(int8, task, tmp_path):
    folder, steps = data_of(task)
    args = ['run', int8(task), folder + '/test', *steps, '--limit', SAMPLES[task], '-o']
    here(*args, tmp_path / 'here', '--engine', 'arm')
    want = outputs(tmp_path / 'here')
    assert len(want) == SAMPLES[task]
    for level, cpu in LEVELS.items():
        assert 'samples on arm' in arm(*args, tmp_path / level, cpu=cpu).stderr
        assert (outputs(tmp_path / level) == want) is True, f'{task} at {level}'


@pytest.mark.parametrize('task', SCORED)
def test_the_metric_is_that_of_the_other_engine(int8, task):
    folder, steps = data_of(task)
    args = ['eval', int8(task), folder + '/test', *steps, '--labels', folder + '/labels.csv', '--metric', 'top1', '--json']
    there, other = (json.loads(run(*args).stdout)['value'] for run in (arm, here))
    assert abs(there - other) <= 0.003, (there, other)


@pytest.fixture(scope='module')
def instructions(int8, tmp_path_factory):
    """Of one inference at each level, counted by the plugin of scripts/arm."""
    library = counting.plugin(tmp_path_factory.mktemp('plugin'))
    program = pathlib.Path(os.environ['QTOOL_ARM']).parent / 'tests/arm/model_costs'

    def count(task):
        try:
            return [counting.count_model(program, int8(task), task, library, cpu, os.environ['ARM_ROOT']) for cpu in counting.LEVELS.values()]
        except counting.NoPlugins:
            pytest.skip('this qemu-aarch64 loads no plugins')
    return count


@pytest.mark.parametrize('task', counting.MODELS)
def test_a_model_executes_fewer_instructions_than_in_onnx_runtime_and_fewer_at_each_level(instructions, task):
    counts = instructions(task)
    before = counting.accepted(counting.MODEL_COUNTS)[task]
    assert counts[0] > counts[1] > counts[2], counts
    assert all(own <= 0.85e6 * other for own, other in zip(counts, counting.MODELS[task][0])), counts
    assert all(own <= (1 + counting.GROWTH) * was for own, was in zip(counts, before.values())), (counts, before)


def test_an_instruction_set_can_only_be_lowered(int8, tmp_path):
    folder, steps = data_of('glyph-resnet8')
    args = ['bench', int8('glyph-resnet8'), '--data', folder + '/calib', *steps, '--profile', '--json', '--isa']
    for level in ('neon', 'neondot'):
        kernels = {node['kernel'] for node in json.loads(arm(*args, level).stdout)['nodes'] if node['op'] == 'Conv'}
        known = {f'gemm_{level}', f'winograd_{level}'}
        assert {kernel.split('+')[0] for kernel in kernels} <= known, kernels
        assert (f'winograd_{level}' in {kernel.split('+')[0] for kernel in kernels}) == (level == 'neon')
    for cpu, asked in (('cortex-a57', 'neondot'), ('neoverse-n1', 'neoni8mm'), ('cortex-a57', 'avx2')):
        refused = arm(*args, asked, cpu=cpu, check=False)
        assert refused.returncode == 4 and 'this processor has only scalar, neon' in refused.stderr, refused
    unknown = arm(*args, 'neon9', check=False)
    assert unknown.returncode == 2 and 'no such instruction set' in unknown.stderr, unknown
