"""qtool debug: bad input, gates, and files of another quantizer."""
import json, pathlib
import numpy as np
import onnx, onnx.parser
import pytest

from test_bad_input import prepared, refused, run, samples, small  # noqa: F401 (fixtures)


@pytest.fixture
def int8(run, prepared, samples, tmp_path):
    assert run('calibrate', prepared, samples, '-o', 'stats.json').code == 0
    assert run('convert', prepared, '--stats', 'stats.json', '-o', 'int8.onnx').code == 0
    return tmp_path / 'int8.onnx'


def test_a_report(run, small, int8, samples, tmp_path):
    ran = run('debug', small, int8, samples, '--json')
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    assert [sample['id'] for sample in report['samples']] == ['0.npy', '1.npy', '2.npy', '3.npy']
    assert [node['op'] for node in report['nodes'] if node['quantized']] == ['Input', 'MatMul']
    schema = json.loads((pathlib.Path(__file__).parents[2] / 'configs/schema/debug.schema.json').read_text())
    assert set(schema['required']) <= set(report)
    assert set(schema['$defs']['node']['required']) == set(report['nodes'][0])


def test_gates(run, small, int8, samples):
    assert run('debug', small, int8, samples, '--min-cosine', '0.9', '--min-sqnr', '10').code == 0
    assert run('debug', small, int8, samples, '--min-sqnr', '200').code == 1


def test_files_that_do_not_belong_together(run, small, int8, samples, tmp_path):
    text = onnx.load(small)
    text.graph.initializer[0].float_data[:] = [8, -7, 6, -5, 4, -3, 2, -1]
    onnx.save(text, tmp_path / 'other.onnx')
    refused(run('debug', 'other.onnx', int8, samples), 3, 'int8.onnx', 'do not belong together')
    renamed = onnx.load(small)
    renamed.graph.node[0].output[0] = renamed.graph.output[0].name = 'z'
    onnx.save(renamed, tmp_path / 'renamed.onnx')
    refused(run('debug', 'renamed.onnx', int8, samples), 3, 'outputs', 'z')


def test_no_qdq_and_a_quantized_float_model(run, small, int8, samples):
    refused(run('debug', small, small, samples), 3, 'small.onnx', 'QuantizeLinear')
    refused(run('debug', int8, int8, samples), 3, 'float model')


def test_samples_with_nan(run, small, int8, samples):
    np.save(samples / '1.npy', np.array([[1, 2, np.nan, 4]], np.float32))
    ran = run('debug', small, int8, samples, '--json')
    assert ran.code == 0 and 'NaN' in ran.err
    assert len(json.loads(ran.out)['samples']) == 3
    refused(run('debug', small, int8, samples, '--strict'), 3, '1.npy')
    for i in (0, 2, 3):
        np.save(samples / f'{i}.npy', np.full((1, 4), np.nan, np.float32))
    refused(run('debug', small, int8, samples), 3, 'no usable sample')


def test_a_report_that_cannot_be_written(run, small, int8, samples):
    for option, name in (('-o', 'report.json'), ('--html', 'report.html'), ('--write-qconfig', 'q.json'), ('--json', 'report.json')):
        refused(run('debug', small, int8, samples, option, f'no/such/folder/{name}'), 3, 'no/such/folder')
    missing = run('debug', small, int8, 'no-samples', '-o', 'no/such/folder/report.json')  # said before anything else is looked at
    refused(missing, 3, 'no/such/folder')
    refused(run('debug', small, int8, samples, '--json', 'report.txt'), 2, '--json')


def test_forms_of_the_report(run, small, int8, samples, tmp_path):
    printed = run('debug', '--json', small, int8, samples)
    ran = run('debug', small, int8, samples, '-o', 'report.html', '-o', 'one.json', '--json', 'two.json')
    assert ran.code == 0 and 'rank' in ran.out, ran.err
    assert (tmp_path / 'report.html').read_text().startswith('<!')
    one, two = (json.loads((tmp_path / f).read_text()) for f in ('one.json', 'two.json'))
    assert one == two == {key: value for key, value in json.loads(printed.out).items() if key != 'warnings'}


def test_flags_come_back(run, small, int8, samples, tmp_path):
    report = json.loads(run('debug', small, int8, samples, '--json').out)
    for node in report['nodes']:
        node['float'] = node['op'] == 'MatMul'
    (tmp_path / 'edited.json').write_text(json.dumps(report))
    ran = run('debug', small, int8, samples, '--from-report', 'edited.json', '--write-qconfig', 'q.json')
    assert ran.code == 0, ran.err
    name = next(node['name'] for node in report['nodes'] if node['op'] == 'MatMul')
    assert json.loads((tmp_path / 'q.json').read_text())['module_name'] == {name: None}
    assert run('prepare', small, '--qconfig', 'q.json', '-o', 'again.onnx').code == 0
    (tmp_path / 'edited.json').write_text('{"nodes": [{"name": "nobody", "editable": true, "float": true}]}')
    refused(run('debug', small, int8, samples, '--from-report', 'edited.json'), 3, 'nobody')
    (tmp_path / 'edited.json').write_text('[]')
    refused(run('debug', small, int8, samples, '--from-report', 'edited.json'), 3, 'edited.json')


def test_a_file_of_onnx_runtime(run, small, samples, tmp_path):
    quantization = pytest.importorskip('onnxruntime.quantization')

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = [{'x': np.load(f)} for f in sorted(samples.iterdir())]

        def get_next(self):
            return self.left.pop() if self.left else None

    quantization.quantize_static(str(small), str(tmp_path / 'ort.onnx'), Reader(), quant_format=quantization.QuantFormat.QDQ)
    ran = run('debug', small, 'ort.onnx', samples, '--json')
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    weight = next(weight for node in report['nodes'] for weight in node['weights'] if not weight['bias'])
    assert weight['loss']['sqnr_db'] > 30
    assert report['pairing']['int8_alone'] == []


def dense(folder):
    """Three convolutions; the weights of the second all lie close to their largest: two products of it do not fit 16 bits."""
    random = np.random.default_rng(0)
    weights = {'wa': random.uniform(.5, 1, (16, 8, 3, 3)), 'wb': random.uniform(.8, 1, (16, 16, 3, 3)), 'wc': random.normal(0, .2, (8, 16, 1, 1))}
    for name in ('wa', 'wc'):
        weights[name].reshape(len(weights[name]), -1)[:, 1::2] = 0  # no two neighbours
    text = '''<ir_version: 8, opset_import: ["" : 13]> g (float[1, 8, 12, 12] x) => (float[1, 8, 8, 8] y) {
        [a] p = Conv (x, wa)
        pr = Relu (p)
        [b] q = Conv (pr, wb)
        [c] y = Conv (q, wc) }'''
    model = onnx.parser.parse_model(text)
    model.graph.initializer.extend(onnx.numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items())
    onnx.save(model, folder / 'model.onnx')
    (folder / 'in').mkdir()
    for i in range(8):
        np.save(folder / f'in/{i}.npy', np.random.default_rng(i).uniform(0, 1, (1, 8, 12, 12)).astype(np.float32))


@pytest.mark.skipif('avx512' not in open('/proc/cpuinfo').read(), reason='needs an x86 processor that can do without VNNI')
def test_a_saturating_instruction_set(qtool, run, tmp_path, monkeypatch):
    """oneDNN kept to AVX2 adds two products in 16 bits: measured, told, and undone by backend x86-avx2."""
    dense(tmp_path)
    reports = {}
    for backend in ('x86', 'x86-avx2'):
        assert run('quantize', 'model.onnx', 'in', '--backend', backend, '-o', f'{backend}.onnx').code == 0
        for isa in ('default', 'avx2'):
            monkeypatch.setenv('ONEDNN_MAX_CPU_ISA', isa.upper())
            more = ['--isa', 'avx2'] if isa == 'avx2' else []
            ran = run('debug', 'model.onnx', f'{backend}.onnx', 'in', '--json', *more)
            assert ran.code == 0, ran.err
            reports[backend, isa] = json.loads(ran.out)
    sqnr = {key: report['network']['sqnr_db'] for key, report in reports.items()}
    assert sqnr['x86', 'avx2'] < sqnr['x86', 'default'] - 10
    assert abs(sqnr['x86-avx2', 'avx2'] - sqnr['x86-avx2', 'default']) < .1
    first = next(node for node in reports['x86', 'avx2']['nodes'] if node['rank'] == 1)
    assert first['name'] == 'b' and first['causes'][0]['rule'] == 'saturating_products'
    for key in (('x86', 'default'), ('x86-avx2', 'avx2')):
        assert not any(cause['rule'] == 'saturating_products' for node in reports[key]['nodes'] for cause in node['causes'])


@pytest.mark.parametrize('task', ['glyph-mobilenetv2', 'glyph-resnet8'])
def test_onnx_runtimes_file_of_a_real_network(qtool, run, task, tmp_path):
    """Per tensor, s8s8: every convolution has a partner and a weight loss, what could not be paired is listed."""
    quantization = pytest.importorskip('onnxruntime.quantization')
    import tasklib
    feeds = [feed for _, feed in tasklib.samples(task, 'calib', 16)]

    class Reader(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = list(feeds)

        def get_next(self):
            return self.left.pop() if self.left else None

    s8 = quantization.QuantType.QInt8
    quantization.quantize_static(tasklib.model_path(task), str(tmp_path / 'ort.onnx'), Reader(), quant_format=quantization.QuantFormat.QDQ,
                                 per_channel=False, activation_type=s8, weight_type=s8)
    data = tasklib.data_path(task)
    ran = run('debug', tasklib.model_path(task), 'ort.onnx', data + '/test', '--preprocess', data + '/preprocess.json', '--limit', 8, '--json')
    assert ran.code == 0, ran.err
    report = json.loads(ran.out)
    convs = [node for node in report['nodes'] if node['op'] == 'Conv']
    assert len(convs) == sum(node.op_type == 'Conv' for node in onnx.load(tmp_path / 'ort.onnx').graph.node)
    for node in convs:
        assert node['isolated']['sqnr_db'] > 10 and node['weights'][0]['loss']['sqnr_db'] > 20
    assert report['network']['cosine'] > .99
    assert isinstance(report['pairing']['int8_alone'], list) and isinstance(report['pairing']['float_alone'], list)
