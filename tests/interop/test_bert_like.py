"""The BERT-like encoder of scripts/tasks/bert_like.py with default settings, on a few inputs; against NNCF: bert_like.py --compare."""
import bert_like
from test_modes import call


def test_masks_norms_and_outlier_channels_survive_static_int8(qtool, tmp_path, monkeypatch):
    monkeypatch.setattr(bert_like, 'SAMPLES', 6)
    bert_like.write(str(tmp_path))
    call(qtool, 'quantize', tmp_path / 'model.onnx', tmp_path / 'calib', '-o', tmp_path / 'int8.onnx')
    real, found = (bert_like.outputs(str(tmp_path / name)) for name in ('model.onnx', 'int8.onnx'))
    assert bert_like.cosine(real, found) >= bert_like.LEAST
    assert bert_like.float_share(str(tmp_path / 'int8.onnx'), qtool) <= bert_like.FLOAT_MACS
    assert (tmp_path / 'int8.onnx').stat().st_size < .3 * (tmp_path / 'model.onnx').stat().st_size
