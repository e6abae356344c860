"""testdata/data/written.npz holds the bytes that data_tests expects of our writer: here numpy reads them."""
import pathlib
import numpy as np

FILE = pathlib.Path(__file__).resolve().parents[2] / 'testdata/data/written.npz'


def test_numpy_reads_what_we_write():
    with np.load(FILE) as z:
        content = {name: z[name] for name in z.files}
    assert content['x'].tolist() == [[1, 2], [3, 4]] and content['x'].dtype == np.float32
    assert content['a/b:0'].tolist() == [-1, 0, 1] and content['a/b:0'].dtype == np.int64
    assert content['flag'].tolist() == [True, False]
    assert content['none'].shape == (0, 3)
    assert content['é'] == 0.5 and content['é'].shape == ()


def test_types_that_numpy_lacks_are_unsigned_integers_with_their_onnx_type():
    with np.load(FILE) as z:
        content = {name: z[name] for name in z.files}
    assert {name: str(content[name + '__dtype']) for name in ('b', 'i4', 'u4', 'f8')} == {
        'b': 'BFLOAT16', 'i4': 'INT4', 'u4': 'UINT4', 'f8': 'FLOAT8E4M3FN'}
    assert content['b'].dtype == np.uint16 and content['b'].tolist() == [0x3f80, 0xc000]
    assert content['i4'].dtype == np.uint8 and content['i4'].tolist() == [15, 7, 8]  # -1, 7, -8
    assert content['u4'].tolist() == [15, 1] and content['f8'].tolist() == [0x88, 1]
