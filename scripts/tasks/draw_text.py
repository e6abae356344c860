"""Draws the samples of ppocr-cls and ppocr-det: lines of made-up words over coloured noise, by the font that Pillow brings."""
import csv, json, os, random
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SYLLABLES = 'ba be bor ca den dri el fa fen ga gor ha il jo ka ler li ma mor na nel o pa per qui ra ros sa sen ta tor u va ven wa xi yo za'.split()


def words(rng):
    """One to three words or numbers."""
    text = [''.join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 4))) if rng.random() < .8 else str(rng.randrange(10000)) for _ in range(rng.randint(1, 3))]
    return rng.choice([str.lower, str.title, str.upper])(' '.join(text))


def colours(rng):
    """Background and ink, far apart in brightness."""
    light, dark = [tuple(rng.randint(lo, lo + 90) for _ in range(3)) for lo in (165, 0)]
    return (light, dark) if rng.random() < .6 else (dark, light)


def paper(width, height, colour, rng):
    noise = np.random.RandomState(rng.randrange(2 ** 31)).randn(height, width, 3) * rng.uniform(2, 14)
    return Image.fromarray(np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8))


def text_line(rng, ink, size, image, at):
    """Writes a line; its box (x0, y0, x1, y1)."""
    draw, font, text = ImageDraw.Draw(image), ImageFont.load_default(size), words(rng)
    draw.text(at, text, fill=ink, font=font)
    return list(draw.textbbox(at, text, font=font))


def direction_sample(rng):
    """A picture of 192x48 and whether its line stands on its head."""
    size, (back, ink) = rng.randint(24, 32), colours(rng)
    wide = paper(640, 48, back, rng)
    box = text_line(rng, ink, size, wide, (8, rng.randint(2, 8)))
    line, turned = wide.crop((0, 0, min(640, int(box[2]) + 8), 48)), rng.randrange(2)
    if turned:
        line = line.rotate(180)
    if line.width > 192:
        line = line.resize((192, 48), Image.BILINEAR)
    image = Image.new('RGB', (192, 48), (128, 128, 128))
    image.paste(line, (0, 0))
    return image, turned


def page_sample(rng):
    """A picture of 320x320 and the boxes of its lines."""
    back, ink = colours(rng)
    image, boxes, y = paper(320, 320, back, rng), [], rng.randint(6, 30)
    while True:
        size = rng.randint(13, 28)
        if y + size > 300:
            return image, boxes
        x = rng.randint(8, 60)
        box = text_line(rng, ink, size, image, (x, y))
        boxes.append([int(v) for v in (box[0], box[1], min(box[2], 319), box[3])])
        y += size + rng.randint(16, 40)


def draw(folder, split, count, sample, seed):
    os.makedirs(f'{folder}/{split}', exist_ok=True)
    rng, truth = random.Random(seed), {}
    for i in range(count):
        image, truth[f'{i:04d}'] = sample(rng)
        image.save(f'{folder}/{split}/{i:04d}.jpg', quality=85)
    return truth


def write_preprocess(folder, color, mean, std):
    with open(folder + '/preprocess.json', 'w') as f:
        json.dump({'color': color, 'scale': 1 / 255, 'mean': mean, 'std': std, 'layout': 'NCHW'}, f, indent=1)


def draw_directions(folder, calibration=64, test=400):
    draw(folder, 'calib', calibration, direction_sample, 1)
    truth = draw(folder, 'test', test, direction_sample, 2)
    write_preprocess(folder, 'bgr', [.5] * 3, [.5] * 3)
    with open(folder + '/labels.csv', 'w', newline='') as f:
        csv.writer(f).writerows([('file', 'label'), *((stem + '.jpg', turned) for stem, turned in truth.items())])


def draw_pages(folder, calibration=64, test=40):
    draw(folder, 'calib', calibration, page_sample, 1)
    truth = draw(folder, 'test', test, page_sample, 2)
    write_preprocess(folder, 'rgb', [.485, .456, .406], [.229, .224, .225])
    with open(folder + '/boxes.json', 'w') as f:
        json.dump(truth, f)
