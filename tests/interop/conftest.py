"""Interop tests: what qtool writes, in other people's runtimes. Run in .deps/venv (scripts/setup --python) by scripts/test."""
import hashlib, os, pathlib, sys
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / 'scripts/tasks'))


@pytest.fixture(scope='session')
def qtool():
    """The program under test: $QTOOL, else that of preset release or dev."""
    for path in (os.environ.get('QTOOL'), ROOT / 'build/release/qtool', ROOT / 'build/dev/qtool'):
        if path and os.path.exists(path):
            return str(path)
    pytest.fail('no qtool: build it, or set QTOOL')


def fetched(path):
    """A file that set-up fetches: its absence is a failure in CI, a skip with the reason elsewhere."""
    if os.path.exists(path):
        return path
    reason = f'{path} is not there: run scripts/tasks/fetch.py'
    pytest.fail(reason) if os.environ.get('CI') == 'true' else pytest.skip(reason)


def digest(path):
    """Files are compared by digest: pytest would take hours to show how two large ones differ."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()
