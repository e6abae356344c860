#!/usr/bin/env python3
"""table.py QTOOL [TASK...]    qtool's default options against the peers of peers.py and the race of race.py, as Markdown tables.

Exit 1 where qtool's metric is more than half a point below float (by its own engine or ONNX Runtime's), its file is larger than that of
ONNX Runtime's u8s8 per-channel quantizer, or a command failed."""
import json, os, subprocess, sys, tempfile, time
import tasklib

HERE = os.path.dirname(os.path.abspath(__file__))
TASKS = ['glyph-resnet8', 'glyph-mobilenetv2', 'vad-lstm-if', 'bytes-transformer', 'ppocr-cls', 'ppocr-det']
SIZE_PEER = 'ort-minmax-u8s8-channel'


def have(task):
    return os.path.exists(tasklib.model_path(task)) and os.path.isdir(tasklib.data_path(task) + '/test')


def measured(command):
    """Runs a command: seconds and peak memory in MB."""
    begin = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise RuntimeError(f"{' '.join(command)}: status {os.waitstatus_to_exitcode(status)}")
    return round(time.time() - begin, 2), usage.ru_maxrss // 1024


def json_lines(command):
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=HERE)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{')]


def preprocess(task):
    path = tasklib.data_path(task) + '/preprocess.json'
    return ['--preprocess', path] if os.path.exists(path) else []


def qtool_rows(qtool, task, int8, folder):
    data = tasklib.data_path(task)
    seconds, memory = measured([qtool, 'quantize', tasklib.model_path(task), data + '/calib', *preprocess(task), '-o', int8])
    measured([qtool, 'run', int8, data + '/test', *preprocess(task), '-o', folder])
    own = json_lines(['score.py', task, folder])[0]
    base = {'task': task, 'file_kb': os.path.getsize(int8) // 1024, 'seconds': seconds, 'peak_mb': memory}
    return [{**base, 'peer': 'qtool', **own}] + [{**base, 'peer': f'qtool file in {engine}', **json_lines(['score.py', task, '--onnx', int8, '--engine', engine])[0]}
                                                 for engine in ('ort', 'openvino')]


def metric(row):
    return next((row[key] for key in ('top1', 'f1', 'cosine') if key in row), None)


def complaints(rows):
    by_peer = {row['peer']: row for row in rows}
    least = (metric(by_peer['float']) if 'float' in by_peer else 1.0) - 0.005
    for name in ('qtool', 'qtool file in ort'):
        if metric(by_peer[name]) < least:
            yield f"{by_peer[name]['task']}: {name}: {metric(by_peer[name])} is more than 0.005 below float"
    size = by_peer.get(SIZE_PEER, {}).get('file_kb')
    if size and by_peer['qtool']['file_kb'] > size:
        yield f"{by_peer['qtool']['task']}: {by_peer['qtool']['file_kb']} KiB is larger than {SIZE_PEER}'s {size} KiB"


def print_table(columns, rows):
    print('|', ' | '.join(columns), '|\n|' + '---|' * len(columns))
    for row in rows:
        print('|', ' | '.join(str(row.get(c, '')) for c in columns), '|')
    print(flush=True)


def table(qtool, task):
    with tempfile.TemporaryDirectory() as tmp:
        int8 = tmp + '/int8.onnx'
        rows = qtool_rows(qtool, task, int8, tmp + '/out') + json_lines(['peers.py', task, '--out', tmp])
        for row in rows:
            row['metric'] = metric(row) if metric(row) is not None else row.get('failed', '')[:60]
        race = json_lines(['race.py', task, '--qtool', qtool, int8, '--rounds', '5', *peer_models(task, tmp)])
    print_table(['task', 'peer', 'metric', 'file_kb', 'seconds', 'peak_mb'], rows)
    print_table(['contender', 'median_us', 'times_qtool_int8'], race)
    return list(complaints(rows))


def peer_models(task, folder):
    """Options of race.py: the int8 files that peers made, where they succeeded."""
    files = {'--ort': f'{folder}/{task}-{SIZE_PEER}.onnx', '--openvino': f'{folder}/{task}-nncf-onnx.onnx', '--tflite': f'{tasklib.folder_of(task)}/int8.tflite'}
    return [word for option, path in files.items() if os.path.exists(path) for word in (option, path)]


def main(qtool, tasks):
    found = []
    for task in tasks or [t for t in TASKS if have(t)]:
        try:
            found += table(os.path.abspath(qtool), task)
        except (RuntimeError, LookupError) as error:
            found.append(f'{task}: {error}')
    print('\n'.join(found))
    return bool(found)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))
