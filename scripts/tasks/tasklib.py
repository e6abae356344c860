"""Reads a task folder the way qtool does: samples -> feeds, labels -> score."""
import csv, glob, json, os
import numpy as np

TASKS = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../testdata/tasks'))
CACHE = os.environ.get('QTOOL_TASKS', os.path.expanduser('~/.cache/qtool-tasks'))  # what fetch.py brought


def folder_of(task):
    return f'{TASKS}/{task}' if os.path.exists(f'{TASKS}/{task}') else f'{CACHE}/{task}'


def model_path(task):
    own = f'{folder_of(task)}/model.onnx'
    return own if os.path.exists(own) else f'{CACHE}/models/{task}.onnx'


def data_path(task):
    """The folder with calib/, test/ and the labels: the task's own, the one its file `data` names, or among the fetched."""
    own = folder_of(task)
    if os.path.exists(own + '/data'):
        return data_path(open(own + '/data').read().strip())
    return own if os.path.exists(own + '/test') else f'{CACHE}/{task}'


def has_labels(task):
    return any(os.path.exists(f'{data_path(task)}/{name}') for name in ('labels.csv', 'boxes.json'))


def read_sample(path, prep, names):
    if path.endswith('.npz'):
        with np.load(path) as z:
            return {k: z[k] for k in z.files}
    if path.endswith('.npy'):
        return {names[0]: np.load(path)}
    from PIL import Image
    image = np.asarray(Image.open(path).convert('L' if prep['color'] == 'gray' else 'RGB')).astype(np.float32)
    if image.ndim == 2:
        image = image[..., None]
    if prep['color'] == 'bgr':
        image = image[..., ::-1]
    image = (image * prep['scale'] - np.array(prep['mean'], np.float32)) / np.array(prep['std'], np.float32)
    return {names[0]: np.ascontiguousarray(image.transpose(2, 0, 1)[None]).astype(np.float32)}


def input_names(model):
    import onnx
    graph = onnx.load(model, load_external_data=False).graph
    weights = {t.name for t in graph.initializer}
    return [i.name for i in graph.input if i.name not in weights]


def samples(task, split, limit=None):
    """Yields (stem, feed) in name order."""
    folder = data_path(task)
    prep = json.load(open(folder + '/preprocess.json')) if os.path.exists(folder + '/preprocess.json') else None
    names = input_names(model_path(task))
    files = sorted(f for f in glob.glob(f'{folder}/{split}/*') if f.rsplit('.', 1)[1] in ('png', 'jpg', 'npy', 'npz'))
    for f in files[:limit]:
        yield os.path.splitext(os.path.basename(f))[0], read_sample(f, prep, names)


def box_f1(outputs, truth):
    """F1 of text boxes: connected regions of the probability map over 0.3 against the drawn boxes, IoU >= 0.5."""
    from scipy import ndimage
    hit = extra = missed = 0
    for stem, boxes in truth.items():
        regions = []
        for s in ndimage.find_objects(ndimage.label(outputs[stem][0, 0] > .3)[0]):
            y0, y1, x0, x1 = s[0].start, s[0].stop, s[1].start, s[1].stop
            if (y1 - y0) * (x1 - x0) >= 30:
                grow = .2 * (y1 - y0) + 1
                regions.append((x0 - grow, y0 - grow, x1 + grow, y1 + grow))
        used = set()
        for b in boxes:
            best, which = 0, None
            for j, r in enumerate(regions):
                w, h = min(b[2], r[2]) - max(b[0], r[0]), min(b[3], r[3]) - max(b[1], r[1])
                if j not in used and w > 0 and h > 0:
                    iou = w * h / ((b[2] - b[0]) * (b[3] - b[1]) + (r[2] - r[0]) * (r[3] - r[1]) - w * h)
                    if iou > best:
                        best, which = iou, j
            if best >= .5:
                used.add(which)
                hit += 1
            else:
                missed += 1
        extra += len(regions) - len(used)
    return 2 * hit / (2 * hit + extra + missed)


def score(task, outputs, reference=None):
    """outputs: stem -> first output array. reference: the float model's, for tasks without labels."""
    folder = data_path(task)
    if os.path.exists(folder + '/boxes.json'):
        return {'f1': round(box_f1(outputs, json.load(open(folder + '/boxes.json'))), 4)}
    if os.path.exists(folder + '/labels.csv'):
        rows = list(csv.DictReader(open(folder + '/labels.csv')))
        right = [int(outputs[os.path.splitext(r['file'])[0]].argmax()) == int(r['label']) for r in rows]
        return {'top1': round(float(np.mean(right)), 4)}
    cos = [float((a * b).sum() / (np.linalg.norm(a) * np.linalg.norm(b) + 1e-30))
           for a, b in ((outputs[k].astype(np.float64).ravel(), reference[k].astype(np.float64).ravel()) for k in reference)]
    return {'max_abs': round(max(float(np.abs(outputs[k] - reference[k]).max()) for k in reference), 5),
            'cosine': round(float(np.mean(cos)), 6)}
