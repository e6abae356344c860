"""A float16 model quantizes like its float32 original and keeps the type of its inputs and outputs."""
import json, subprocess
import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.transformers.float16 import convert_float_to_float16

import tasklib


def test_half_precision_model(qtool, tmp_path):
    task = tasklib.data_path('glyph-resnet8')
    half = convert_float_to_float16(onnx.load(tasklib.model_path('glyph-resnet8')))
    onnx.save(half, tmp_path / 'half.onnx')
    done = subprocess.run([qtool, 'quantize', tmp_path / 'half.onnx', f'{task}/calib', '--preprocess', f'{task}/preprocess.json',
                           '-o', tmp_path / 'int8.onnx', '--json'], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [w for w in json.loads(done.stdout)['warnings'] if w['kind'] == 'widened'], 'said once'
    session = ort.InferenceSession(str(tmp_path / 'int8.onnx'), providers=['CPUExecutionProvider'])
    assert session.get_inputs()[0].type == session.get_outputs()[0].type == 'tensor(float16)'
    right = total = 0
    labels = dict(line.split(',') for line in open(f'{task}/labels.csv').read().split()[1:])
    for stem, feed in tasklib.samples('glyph-resnet8', 'test', 200):
        logits = session.run(None, {name: value.astype(np.float16) for name, value in feed.items()})[0]
        right += int(logits.argmax()) == int(labels[next(k for k in labels if k.startswith(stem + '.'))])
        total += 1
    assert right / total > .95
