#!/usr/bin/env python3
"""table.py QTOOL [--write] [TASK...]    qtool's default options against the peers of peers.py and the race of race.py, as Markdown tables.
--write: the summary of all tasks also replaces docs/performance.md and the table in README.md.

Exit 1 where qtool's metric is more than half a point below float (by its own engine or ONNX Runtime's), its file is larger than that of
ONNX Runtime's u8s8 per-channel quantizer, or a command failed."""
import json, os, re, subprocess, sys, tempfile, time
import tasklib

HERE = os.path.dirname(os.path.abspath(__file__))
TASKS = ['glyph-resnet8', 'glyph-mobilenetv2', 'vad-lstm-if', 'bytes-transformer', 'ppocr-cls', 'ppocr-det',
         'topo-resnet50', 'topo-squeezenet', 'topo-densenet121', 'topo-inception_v1', 'topo-shufflenet']
THREADS = (1, 2)
ROOT = os.path.dirname(os.path.dirname(HERE))
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


def markdown(columns, rows):
    lines = ['| ' + ' | '.join(columns) + ' |', '|' + '---|' * len(columns)]
    return '\n'.join(lines + ['| ' + ' | '.join(str(row.get(c, '')) for c in columns) + ' |' for row in rows]) + '\n'


def best(race, names):
    """The fastest of these contenders: microseconds and name."""
    return min(((race[name], name) for name in names if race.get(name)), default=(None, None))


def summary(task, rows, races):
    """One row of the summary: accuracy and size, then int8 and float latency beside the fastest peer's for each number of threads."""
    by_peer = {row['peer']: row for row in rows}
    shown = lambda name: f"{metric(by_peer[name])}, {by_peer[name]['file_kb']} KiB" if metric(by_peer.get(name, {})) is not None else ''
    row = {'model': task, 'float': metric(by_peer['float']) if 'float' in by_peer else '', 'qtool int8': shown('qtool'), 'ONNX Runtime min-max': shown(SIZE_PEER)}
    for threads, race in races.items():
        suffix = f' ({threads}T)'
        for kind, peers in (('int8', ('ort-int8', 'openvino-int8', 'xnnpack-int8')), ('float', ('ort-float', 'openvino-float'))):
            own, (peer, name) = race.get('qtool-' + kind), best(race, peers)
            if own and peer:
                row[kind + suffix] = f"{own:.0f} / {peer:.0f} {name.split('-')[0]} = {peer / own:.2f}x"
    return row


def table(qtool, task):
    """Prints one task's tables; returns its row of the summary and what is wrong with it."""
    with tempfile.TemporaryDirectory() as tmp:
        int8 = tmp + '/int8.onnx'
        rows = qtool_rows(qtool, task, int8, tmp + '/out') + json_lines(['peers.py', task, '--out', tmp])
        for row in rows:
            row['metric'] = metric(row) if metric(row) is not None else row.get('failed', '')[:60]
        print(markdown(['task', 'peer', 'metric', 'file_kb', 'seconds', 'peak_mb'], rows), flush=True)
        races = {}
        for threads in THREADS:
            race = json_lines(['race.py', task, '--qtool', qtool, int8, '--rounds', '5', '--threads', str(threads), *peer_models(task, tmp)])
            print(markdown(['contender', 'median_us', 'times_qtool_int8'], race), flush=True)
            races[threads] = {line['contender']: line.get('median_us') for line in race}
    return summary(task, rows, races), list(complaints(rows))


def peer_models(task, folder):
    """Options of race.py: the int8 files that peers made, where they succeeded."""
    files = {'--ort': f'{folder}/{task}-{SIZE_PEER}.onnx', '--openvino': f'{folder}/{task}-nncf-onnx.onnx', '--tflite': f'{tasklib.folder_of(task)}/int8.tflite'}
    return [word for option, path in files.items() if os.path.exists(path) for word in (option, path)]


def cpu():
    found = re.search(r'^model name\s*: (.*)$', open('/proc/cpuinfo').read(), re.M)
    return f"{found.group(1) if found else 'unknown CPU'}, {os.cpu_count()} cores"


def write(rows):
    """docs/performance.md and the README's table."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    with open(ROOT + '/docs/performance.md', 'w') as file:
        file.write('# Performance\n\nWritten by `scripts/peers --write`; run it to have the numbers of your machine. Accuracy is top1, F1 (ppocr-det) or cosine '
                   'to float (models\nwithout labels). Latency: microseconds, medians of rounds in turns, qtool / the fastest peer = speed-up, with 1 and 2 threads.\n'
                   'int8 peers: ONNX Runtime on its own min-max file, OpenVINO on NNCF\'s, XNNPACK on an int8 .tflite of the glyph models.\n\n'
                   f'This machine: {cpu()}.\n\n' + markdown(columns, rows))
    readme = open(ROOT + '/README.md').read()
    short = [c for c in columns if '(2T)' not in c]
    begin, end = '<!-- scripts/peers --write -->\n', '<!-- end -->'
    before, rest = readme.split(begin)
    with open(ROOT + '/README.md', 'w') as file:
        file.write(before + begin + markdown(short, rows) + end + rest.split(end, 1)[1])


def main(qtool, arguments):
    names = [word for word in arguments if word != '--write']
    rows, found = [], []
    for task in names or [t for t in TASKS if have(t)]:
        try:
            row, wrong = table(os.path.abspath(qtool), task)
            rows.append(row)
            found += wrong
        except (RuntimeError, LookupError) as error:
            found.append(f'{task}: {error}')
    print(markdown(list(dict.fromkeys(key for row in rows for key in row)), rows))
    if '--write' in arguments and rows:
        write(rows)
    print('\n'.join(found))
    return bool(found)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))
