#!/usr/bin/env python3
"""Writes testdata/data: small samples, and what NumPy and Pillow make of them. Run again only to add cases; needs numpy and pillow.

    images/NAME.{png,jpg,bmp}   pictures of each kind that lib/data decodes
    images/expected.npz         NAME.ext/L and NAME.ext/RGB: Pillow's convert() of each
    resize/expected.npz         FILTER_HxW_MODE: Pillow's resize of source.png
    preprocess/NAME.json        with preprocess/expected.npz: NAME, the tensor computed by NumPy from source.png
    npy/NAME.npy, npz/*.npz     arrays 0, 1, 2, ... of each type, order and format version"""
import json, os, shutil, struct, zlib
import numpy as np
from PIL import Image

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'testdata', 'data')


def folder(name):
    path = os.path.join(ROOT, name)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def picture(height, width):
    """Smooth shades with sharp edges and some noise: resampling and JPEG have something to do."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    noise = np.random.RandomState(1).rand(height, width, 3) * 40
    rgb = np.stack([127 + 120 * np.sin(x / 3), 255 * y / height, 255.0 * ((x + y) % 8 < 4)], -1) + noise - 20
    return np.clip(rgb, 0, 255).astype(np.uint8)


def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))


def png(height, width, depth, color, rows, interlace=0, extra=b''):
    """Pillow cannot write these: 2-bit grey, 16-bit RGB, grey with alpha of 16 bits, Adam7."""
    header = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0, interlace)
    return b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header) + extra + chunk(b'IDAT', zlib.compress(b''.join(b'\0' + r for r in rows))) + chunk(b'IEND', b'')


def adam7(image):
    rows = []
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
        rows += [r.tobytes() for r in image[y0::dy, x0::dx]] if image[:, x0::dx].size else []
    return png(image.shape[0], image.shape[1], 8, 2, rows, interlace=1)


def top_down_bmp(image):
    height, width, _ = image.shape
    stride = (width * 3 + 3) // 4 * 4
    rows = b''.join(r[:, ::-1].tobytes().ljust(stride, b'\0') for r in image)
    return b'BM' + struct.pack('<IHHI', 54 + len(rows), 0, 0, 54) + struct.pack('<IiiHHIIiiII', 40, width, -height, 1, 24, 0, len(rows), 0, 0, 0, 0) + rows


def bmp565(image):
    height, width, _ = image.shape
    codes = (image[..., 0].astype(np.uint16) >> 3 << 11) | (image[..., 1].astype(np.uint16) >> 2 << 5) | (image[..., 2] >> 3)
    stride = (width * 2 + 3) // 4 * 4
    rows = b''.join(r.astype('<u2').tobytes().ljust(stride, b'\0') for r in codes[::-1])
    return (b'BM' + struct.pack('<IHHI', 66 + len(rows), 0, 0, 66) + struct.pack('<IiiHHIIiiII', 40, width, height, 1, 16, 3, len(rows), 0, 0, 0, 0)
            + struct.pack('<III', 0xf800, 0x7e0, 0x1f) + rows)


def images():
    path = folder('images')
    rgb = picture(13, 19)
    color = Image.fromarray(rgb)
    gray = color.convert('L')
    alpha = Image.fromarray(np.arange(13 * 19, dtype=np.uint8).reshape(13, 19))
    rgba, la = color.copy(), gray.copy()
    rgba.putalpha(alpha)
    la.putalpha(alpha)
    palette = color.quantize(16)
    save = lambda name, image, **options: image.save(f'{path}/{name}', **options)
    save('rgb.png', color)
    save('rgba.png', rgba)
    save('gray.png', gray)
    save('gray_alpha.png', la)
    save('one_bit.png', gray.convert('1'))
    save('palette.png', palette)
    save('palette_transparent.png', palette, transparency=3)
    save('gray_transparent.png', gray, transparency=100)
    rows = lambda array: [r.tobytes() for r in array]
    with open(f'{path}/two_bits.png', 'wb') as f:
        f.write(png(5, 8, 2, 0, rows(np.arange(10, dtype=np.uint8).reshape(5, 2) * 27)))
    with open(f'{path}/rgb16.png', 'wb') as f:
        f.write(png(13, 19, 16, 2, rows((rgb.astype('>u2') << 8) + 200)))
    with open(f'{path}/adam7.png', 'wb') as f:
        f.write(adam7(rgb))
    with open(f'{path}/adam7_tiny.png', 'wb') as f:
        f.write(adam7(rgb[:3, :2]))
    save('444.jpg', color, quality=90, subsampling=0)
    save('420.jpg', color, quality=75, subsampling=2)
    save('422.jpg', color, quality=80, subsampling=1)
    save('gray.jpg', gray, quality=80)
    save('progressive.jpg', color, quality=80, progressive=True)
    save('cmyk.jpg', color.convert('CMYK'), quality=90)
    save('rgb.bmp', color)
    save('gray.bmp', gray)
    save('palette.bmp', palette)
    save('one_bit.bmp', gray.convert('1'))
    save('rgba.bmp', rgba)
    for name, data in (('top_down.bmp', top_down_bmp(rgb)), ('565.bmp', bmp565(rgb))):
        with open(f'{path}/{name}', 'wb') as f:
            f.write(data)
    expected = {f'{name}/{mode}': np.asarray(Image.open(f'{path}/{name}').convert(mode)) for name in sorted(os.listdir(path)) for mode in ('L', 'RGB')}
    np.savez_compressed(f'{path}/expected.npz', **expected)
    # Pillow clips 16-bit grey to 255; lib/data keeps the high byte, as Pillow does for 16-bit RGB
    Image.fromarray((np.asarray(gray).astype(np.uint16) << 8) + 77).save(f'{path}/gray16.png')


FILTERS = {'bilinear': Image.BILINEAR, 'bicubic': Image.BICUBIC, 'area': Image.BOX}


def resizes():
    path = folder('resize')
    source = Image.fromarray(picture(37, 53))
    source.save(f'{path}/source.png')
    expected = {}
    for name, kind in FILTERS.items():
        for height, width in ((37, 53), (10, 14), (37, 20), (11, 53), (50, 70), (1, 1), (64, 9), (36, 54), (3, 120)):
            for mode in ('L', 'RGB'):
                expected[f'{name}_{height}x{width}_{mode}'] = np.asarray(source.convert(mode).resize((width, height), kind))
    np.savez_compressed(f'{path}/expected.npz', **expected)


def preprocessed(steps, image):
    image = image.convert('L' if steps['color'] == 'gray' else 'RGB')
    kind = FILTERS[steps.get('interpolation', 'bilinear')]
    if 'resize' in steps:
        image = image.resize(steps['resize'][::-1], kind)
    if 'short_side' in steps:
        width, height = image.size
        short = steps['short_side']
        image = image.resize((short, int(short * height / width)) if width <= height else (int(short * width / height), short), kind)
    x = np.asarray(image)
    x = x[..., None] if x.ndim == 2 else x
    if 'crop' in steps:
        height, width = steps['crop']
        top, left = round((x.shape[0] - height) / 2), round((x.shape[1] - width) / 2)
        x = x[top:top + height, left:left + width]
    if steps['color'] == 'bgr':
        x = x[..., ::-1]
    x = x.astype(np.float32)
    if 'pad' in steps:
        height, width, value = steps['pad']
        top, left = (height - x.shape[0]) // 2, (width - x.shape[1]) // 2
        x = np.pad(x, ((top, height - top - x.shape[0]), (left, width - left - x.shape[1]), (0, 0)), constant_values=value)
    x = (x * steps.get('scale', 1) - np.array(steps.get('mean', 0), np.float32)) / np.array(steps.get('std', 1), np.float32)
    return x.transpose(2, 0, 1) if steps.get('layout', 'NCHW') == 'NCHW' else x


def preprocesses():
    path = folder('preprocess')
    imagenet = {'scale': 1 / 255, 'mean': [0.485, 0.456, 0.406], 'std': [0.229, 0.224, 0.225]}
    cases = {'plain': {'color': 'rgb'},
             'imagenet': {'color': 'rgb', 'short_side': 20, 'crop': [17, 16], **imagenet, 'layout': 'NCHW'},
             'bgr': {'color': 'bgr', 'resize': [12, 18], 'interpolation': 'area', **imagenet, 'layout': 'NHWC'},
             'gray': {'color': 'gray', 'resize': [28, 28], 'interpolation': 'bicubic', 'scale': 1 / 255, 'mean': [0.25], 'std': [0.25]},
             'pad': {'color': 'rgb', 'short_side': 9, 'pad': [14, 16, 114.5], 'scale': 1 / 127.5, 'mean': 1},
             'crop_then_pad': {'color': 'gray', 'crop': [30, 50], 'pad': [33, 50, 7], 'layout': 'NHWC'}}
    source = Image.open(f'{ROOT}/resize/source.png')
    expected = {}
    for name, steps in cases.items():
        with open(f'{path}/{name}.json', 'w') as f:
            json.dump(steps, f, indent=1)
            f.write('\n')
        expected[name] = np.ascontiguousarray(preprocessed(steps, source)).astype(np.float32)
    np.savez_compressed(f'{path}/expected.npz', **expected)


def arrays():
    path = folder('npy')
    counted = lambda shape, kind: np.arange(int(np.prod(shape))).reshape(shape).astype(kind)
    for kind in ('f4', 'f8', 'f2', 'i1', 'i2', 'i4', 'i8', 'u1', 'u2', 'u4', 'u8'):
        np.save(f'{path}/{kind}.npy', counted((2, 3, 4), kind))
    np.save(f'{path}/bool.npy', counted((2, 3, 4), 'i4') % 2 == 1)
    np.save(f'{path}/fortran.npy', np.asfortranarray(counted((2, 3, 4), 'f4')))
    np.save(f'{path}/fortran_i2.npy', np.asfortranarray(counted((5, 7), 'i2')))
    np.save(f'{path}/scalar.npy', np.float32(7))
    np.save(f'{path}/empty.npy', np.zeros((0, 3), 'f4'))
    np.save(f'{path}/one_dim.npy', counted((5,), 'f4'))
    for version in (1, 2, 3):
        with open(f'{path}/version_{version}.npy', 'wb') as f:
            np.lib.format.write_array(f, counted((2, 3, 4), 'f4'), version=(version, 0))
    np.save(f'{path}/refused_big_endian.npy', counted((3,), '>f4'))
    np.save(f'{path}/refused_structured.npy', np.zeros(2, [('a', 'f4')]))
    np.save(f'{path}/refused_object.npy', np.array([None]), allow_pickle=True)
    np.save(f'{path}/refused_text.npy', np.array(['ab']))
    path = folder('npz')
    content = {'x': counted((2, 3, 4), 'f4'), 'path/to:0': counted((3,), 'i8'), 'b': counted((9,), 'u2'), 'b__dtype': np.array('BFLOAT16')}
    np.savez(f'{path}/stored.npz', **content)
    np.savez_compressed(f'{path}/deflated.npz', **content)
    np.savez_compressed(f'{path}/zeros.npz', x=np.zeros((1, 64, 64), 'f4'))


if __name__ == '__main__':
    images()
    resizes()
    preprocesses()
    arrays()
