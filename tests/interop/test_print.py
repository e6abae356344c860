"""What print writes is what it claims to be: Python, Graphviz, JSON; config shows the schemas that editors take."""
import ast, json, pathlib, shutil, subprocess
import pytest

import tasklib

ROOT = pathlib.Path(__file__).resolve().parents[2]
TASKS = ['glyph-resnet8', 'bytes-transformer', 'vad-lstm-if']


def printed(qtool, path, form):
    return subprocess.run([qtool, 'print', path, '--format', form], check=True, capture_output=True, text=True).stdout


@pytest.fixture(params=TASKS)
def stages(request, qtool, tmp_path):
    """A model as it came, fused and prepared."""
    model = tasklib.model_path(request.param)
    for command in ('fuse', 'prepare'):
        subprocess.run([qtool, command, model, '-o', tmp_path / f'{command}.onnx'], check=True, capture_output=True)
    return [model, tmp_path / 'fuse.onnx', tmp_path / 'prepare.onnx']


def test_code_is_python(qtool, stages):
    for path in stages:
        tree = ast.parse(printed(qtool, path, 'code'))
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert functions[0].name == 'forward' and len({each.name for each in functions}) == len(functions)
        assigned, read = set(), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Name):
                (assigned if isinstance(node.ctx, ast.Store) else read).add(node.id)
            elif isinstance(node, ast.FunctionDef):
                assigned |= {node.name, *(argument.arg for argument in node.args.args)}
        assert read - assigned <= {'self', 'ai', 'com', 'tensor', 'float', 'getattr'}  # every value is made somewhere


def test_dot_is_graphviz(qtool, stages):
    if not shutil.which('dot'):
        pytest.skip('Graphviz is not installed')
    for path in stages:
        subprocess.run(['dot', '-Tplain', '-o', '/dev/null'], input=printed(qtool, path, 'dot'), check=True, text=True, timeout=300)


def test_dot_is_balanced(qtool, stages):
    for path in stages:
        lines = printed(qtool, path, 'dot').splitlines()
        assert sum(line.rstrip().endswith('{') for line in lines) == sum(line.strip() == '}' for line in lines)
        named = {line.split()[0] for line in lines if '[label=' in line and '->' not in line}
        used = {end for line in lines if '->' in line for end in (line.split()[0], line.split()[2])}
        assert used <= named


@pytest.mark.parametrize('name', ['qconfig.schema', 'backend.schema', 'debug.schema'])
def test_schemas_are_shown(qtool, name):
    shown = subprocess.run([qtool, 'config', 'show', name], check=True, capture_output=True, text=True).stdout
    assert json.loads(shown) == json.loads((ROOT / f'configs/schema/{name}.json').read_text())
    assert name in subprocess.run([qtool, 'config', 'list'], check=True, capture_output=True, text=True).stdout
