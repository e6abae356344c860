"""quickstart_table.py FLOAT INT8 EVAL BENCH: the table of scripts/quickstart. EVAL holds what `eval --json` said of each, BENCH what
`bench INT8 --baseline FLOAT --json` said."""
import json, os, sys


def objects(path):
    decoder, text, found = json.JSONDecoder(), open(path).read(), []
    while text.strip():
        value, end = decoder.raw_decode(text.lstrip())
        found.append(value)
        text = text.lstrip()[end:]
    return found


def main(float_model, int8_model, evals, bench_report):
    accuracy = [e['value'] for e in objects(evals)]
    size = [os.path.getsize(m) / 1024 for m in (float_model, int8_model)]
    bench = json.load(open(bench_report))
    latency = [bench['baseline']['median_us'], bench['median_us']]
    print(f"\n{'':14}{'float':>10}{'int8':>10}{'ratio':>9}")
    for name, form, (a, b) in (('top1', '.4f', accuracy), ('size, KiB', '.1f', size), ('latency, us', '.1f', latency)):
        print(f'{name:14}{a:>10{form}}{b:>10{form}}{b / a:>8.3f}x')


if __name__ == '__main__':
    main(*sys.argv[1:])
