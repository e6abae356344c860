"""The tasks that ship: complete, read as qtool reads them, scored as they should be."""
import csv, os
import numpy as np
import pytest
import tasklib

SHIPPED = ['glyph-resnet8', 'glyph-mobilenetv2', 'vad-lstm-if']


@pytest.mark.parametrize('task', SHIPPED)
def test_shipped_task_is_complete(task):
    assert os.path.exists(tasklib.model_path(task))
    for split in ('calib', 'test'):
        assert len(list(tasklib.samples(task, split))) >= 32


@pytest.mark.parametrize('task', SHIPPED)
def test_samples_fit_the_model(task):
    import onnxruntime
    session = onnxruntime.InferenceSession(tasklib.model_path(task), providers=['CPUExecutionProvider'])
    _, feed = next(tasklib.samples(task, 'test', 1))
    assert all(np.isfinite(output).all() for output in session.run(None, feed))


def test_labels_name_exactly_the_test_samples():
    rows = list(csv.DictReader(open(tasklib.data_path('glyph-resnet8') + '/labels.csv')))
    assert [r['file'] for r in rows] == sorted(os.listdir(tasklib.data_path('glyph-resnet8') + '/test'))


def test_mobilenet_shares_the_pictures_of_resnet():
    assert tasklib.data_path('glyph-mobilenetv2') == tasklib.data_path('glyph-resnet8')


def test_an_image_becomes_a_normalized_tensor(tmp_path):
    from PIL import Image
    Image.fromarray(np.array([[0, 255]], np.uint8)).save(tmp_path / 'a.png')
    prep = {'color': 'gray', 'scale': 1 / 255, 'mean': [0.25], 'std': [0.5]}
    feed = tasklib.read_sample(str(tmp_path / 'a.png'), prep, ['x'])
    assert feed['x'].tolist() == [[[[-0.5, 1.5]]]]


def test_top1_counts_the_right_answers():
    rows = list(csv.DictReader(open(tasklib.data_path('glyph-resnet8') + '/labels.csv')))
    right = {os.path.splitext(r['file'])[0]: np.eye(48)[int(r['label'])] for r in rows}
    assert tasklib.score('glyph-resnet8', right) == {'top1': 1.0}
    wrong = {stem: -output for stem, output in right.items()}
    assert tasklib.score('glyph-resnet8', wrong) == {'top1': 0.0}


def test_cosine_of_equal_and_of_turned_outputs():
    reference = {'0': np.array([1.0, 0.0])}
    assert tasklib.score('vad-lstm-if', reference, reference) == {'max_abs': 0.0, 'cosine': 1.0}
    assert tasklib.score('vad-lstm-if', {'0': np.array([0.0, 1.0])}, reference) == {'max_abs': 1.0, 'cosine': 0.0}


def test_box_f1_of_hit_missed_and_extra():
    probability = np.zeros((1, 1, 40, 80), np.float32)
    probability[0, 0, 4:14, 4:34] = 1
    hit = [1, 1, 37, 17]
    assert tasklib.box_f1({'0': probability}, {'0': [hit]}) == 1
    assert tasklib.box_f1({'0': probability}, {'0': [hit, [50, 20, 70, 35]]}) == pytest.approx(2 / 3)
    assert tasklib.box_f1({'0': probability}, {'0': [[50, 20, 70, 35]]}) == 0


def test_float_accuracy_of_the_shipped_models():
    import score
    for task, least in (('glyph-resnet8', 0.95), ('glyph-mobilenetv2', 0.91)):
        assert tasklib.score(task, score.outputs_of(tasklib.model_path(task), task))['top1'] >= least


def test_node_suite_is_whole():
    from conftest import fetched
    rows = list(csv.reader(open(fetched(tasklib.CACHE + '/nodes/tolerance.csv'))))
    assert len(rows) > 1500
    assert all(os.path.exists(f'{tasklib.CACHE}/nodes/{name}/model.onnx') for name, _, _ in rows)


@pytest.mark.parametrize('task, least', [('ppocr-cls', 0.85), ('ppocr-det', 0.95)])
def test_fetched_models_read_the_samples_drawn_for_them(task, least):
    import score
    from conftest import fetched
    for path in (tasklib.model_path(task), tasklib.data_path(task) + '/test'):
        fetched(path)
    assert list(tasklib.score(task, score.outputs_of(tasklib.model_path(task), task)).values())[0] >= least
