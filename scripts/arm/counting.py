"""What scripts/arm/costs and tests/arm share: levels, the counting plugin, and whole models."""
import os, re, subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LEVELS = {'baseline': 'cortex-a57', 'dotprod': 'neoverse-n1', 'i8mm': 'max,sve=off,sme=off'}
GROWTH = 0.02
# Million instructions of one inference in ONNX Runtime 1.30 for arm64 at the three levels (its second run, one thread), the better of its
# u8 and s8 files; and the shape of the input.
MODELS = {
    'glyph-mobilenetv2': ((7.22, 3.96, 3.77), '1x1x28x28'), 'glyph-resnet8': ((12.42, 4.96, 4.71), '1x1x28x28'),
    'topo-squeezenet': ((117.1, 54.3, 44.7), '1x3x224x224'), 'topo-resnet50': ((1224, 475, 396), '1x3x224x224'),
}
MODEL_COUNTS = os.path.join(ROOT, 'tests/arm/model_counts.tsv')


class NoPlugins(Exception):
    """This qemu-aarch64 loads none."""


def plugin(folder):
    library = os.path.join(folder, 'insncount.so')
    subprocess.run(['gcc', '-O2', '-fPIC', '-shared', '-o', library, os.path.join(ROOT, 'scripts/arm/insncount.c')], check=True)
    return library


def run_counted(command, library, cpu, root):
    """What the program printed, and {mark: instructions since the mark before}."""
    done = subprocess.run(['qemu-aarch64', '-L', root, '-cpu', cpu, '-plugin', library + ',top=0', *map(str, command)],
                          capture_output=True, text=True)
    if done.returncode != 0:
        last = done.stderr.strip()[-500:]
        raise NoPlugins(last) if 'plugin' in done.stderr else RuntimeError(last)
    return done.stdout, {int(mark): int(n) for mark, n in re.findall(r'mark (\d+): insns (\d+)', done.stderr)}


def quantize(qtool, model, data, out):
    """The int8 file of a task, made by this machine's qtool. `data`: the task's folder with calib/."""
    steps = data + '/preprocess.json'
    prep = ['--preprocess', steps] if os.path.exists(steps) else []
    subprocess.run([str(qtool), 'quantize', model, data + '/calib', *prep, '--limit', '16', '-o', str(out)], check=True, capture_output=True)


def count_model(program, model, task, library, cpu, root):
    """Instructions of one inference, the third."""
    return run_counted([program, model, MODELS[task][1]], library, cpu, root)[1][1]


def accepted(path):
    """{row: {level: count}}"""
    with open(path) as file:
        lines = [line.rstrip('\n').split('\t') for line in file][1:]
    return {name: dict(zip(LEVELS, map(int, counts))) for name, *counts in lines}


def write_accepted(path, rows):
    with open(path, 'w') as file:
        file.write('\t'.join(['row', *LEVELS]) + '\n')
        for name, counts in rows.items():
            file.write('\t'.join([name, *(str(counts[level]) for level in LEVELS)]) + '\n')
