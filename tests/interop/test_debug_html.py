"""The page of `qtool debug --html` in Chromium: opens fast, sorts, filters, opens nodes, and shows the numbers of the JSON."""
import json, math, os, re, shutil, subprocess, time, urllib.parse
import onnx
import pytest
from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

import tasklib
from conftest import fetched

FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--window-size=1280,900']
HOSTILE = '</script><img src=x onerror="window.broken=1"><!--\'"&lt;{{report}}'


def report_of(qtool, model, data, out, limit=4):
    """(report.html, its JSON) of `model` quantized by `data`."""
    steps = ['--preprocess', data + '/preprocess.json'] if os.path.exists(data + '/preprocess.json') else []
    call = lambda *args: subprocess.run([qtool, *map(str, args)], check=True, capture_output=True)
    call('quantize', model, data + '/calib', *steps, '--limit', limit, '-o', out / 'int8.onnx')
    call('debug', model, out / 'int8.onnx', data + '/calib', *steps, '--limit', limit, '-o', out / 'report.json', '--html', out / 'report.html')
    return out / 'report.html', json.loads((out / 'report.json').read_text())


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    chromium, driver = shutil.which('chromium'), shutil.which('chromedriver')
    if not chromium or not driver:
        reason = 'no chromium and chromedriver: run scripts/setup --python'
        pytest.fail(reason) if os.environ.get('CI') == 'true' else pytest.skip(reason)
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in [*FLAGS, f'--user-data-dir={tmp_path_factory.mktemp("chromium")}']:
        options.add_argument(flag)
    options.set_capability('goog:loggingPrefs', {'browser': 'ALL'})
    opened = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    yield opened
    opened.quit()


@pytest.fixture(scope='module')
def made(qtool, tmp_path_factory):
    return report_of(qtool, tasklib.model_path('glyph-resnet8'), tasklib.data_path('glyph-resnet8'), tmp_path_factory.mktemp('page'))


class Page:
    def __init__(self, browser, path):
        self.browser = browser
        browser.get('about:blank')
        begin = time.monotonic()
        browser.get('file://' + str(path))
        self.seconds = time.monotonic() - begin

    def find(self, css):
        return self.browser.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def go(self, address):
        self.browser.execute_script('location.hash = arguments[0]', address)
        self.until(lambda: self.find('body').get_attribute('data-view') == address.split('/')[0])

    def go_to_node(self, name):
        self.go('node/' + urllib.parse.quote(name, safe=''))
        self.until(lambda: self.find('#node h1').text == name)

    def until(self, what):
        """Waits for `what`; an element that the page replaces while it is read is read again."""
        WebDriverWait(self.browser, 10, ignored_exceptions=[StaleElementReferenceException]).until(lambda _: what())

    def press(self, *keys):
        self.browser.switch_to.active_element.send_keys(*keys)

    def names(self):
        """Names of the rows seen, top to bottom."""
        return self.browser.execute_script("return [...document.querySelectorAll('#nodes tbody tr')].filter(r => !r.hidden).map(r => r.dataset.id)")

    def complaints(self):
        return [entry for entry in self.browser.get_log('browser') if entry['level'] in ('SEVERE', 'WARNING')]


@pytest.fixture
def page(browser, made):
    opened = Page(browser, made[0])
    yield opened
    assert opened.complaints() == []


def number(text):
    """A number read back from the page: "12.3 dB", "4.5 %", "exact", "–"."""
    if text in ('–', 'exact'):
        return None
    return float(text.split()[0].lstrip('<'))


def is_near(text, value, factor=1, digits=3):
    if value is None:
        return number(text) is None
    return math.isclose(number(text), value * factor, rel_tol=10 ** -digits, abs_tol=.051 if text.endswith((' dB', ' %')) else 1e-12)


def ranked(report):
    return [n['name'] for n in sorted((n for n in report['nodes'] if n['rank']), key=lambda n: n['rank'])]


def worst(report):
    return next(n for n in report['nodes'] if n['rank'] == 1)


def with_weights(report):
    return next(n for n in report['nodes'] if n['weights'] and n['isolated'])


def test_holds_exactly_the_json(page, made):
    assert json.loads(page.find('#report').get_attribute('textContent')) == made[1]


def test_one_file_that_asks_for_nothing_else(page):
    assert page.browser.execute_script("return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith('data:'))") == []


def test_overview_tells_the_outputs(page, made):
    network = made[1]['network']
    for key, factor in (('sqnr_db', 1), ('cosine', 1), ('same_top', 100), ('max_error', 1), ('mean_error', 1), ('mse', 1)):
        assert is_near(page.find(f'[data-key="network.{key}"]').text, network[key], factor), key
    assert made[1]['verdict'] in page.find('#verdict').text
    assert [a.text for a in page.all('.worst .head > a')] == ranked(made[1])[:5]


def test_table_sorts(page, made):
    page.go('nodes')
    assert page.names()[:len(ranked(made[1]))] == ranked(made[1])
    head = page.find('#nodes th[data-key=isolated] button')
    loss = {n['name']: n['isolated'] and (math.inf if n['isolated']['sqnr_db'] is None else n['isolated']['sqnr_db']) for n in made[1]['nodes']}
    head.click()
    up = [loss[name] for name in page.names() if loss[name] is not None]
    assert up == sorted(up) and page.find('#nodes th[data-key=isolated]').get_attribute('aria-sort') == 'ascending'
    head.click()
    assert [loss[name] for name in page.names() if loss[name] is not None] == sorted(up, reverse=True)


def test_table_searches_and_filters(page, made):
    page.go('nodes')
    nodes = made[1]['nodes']
    wanted = worst(made[1])['name']
    page.find('#search').send_keys(wanted)
    assert wanted in page.names() and len(page.names()) < len(nodes)
    page.find('#search').send_keys(' no such node')
    assert page.names() == [] and page.find('#count').text.startswith('0 of')
    page.find('#search').clear()
    page.find('#search').send_keys(' ')
    Select(page.all('#nodes select')[0]).select_by_value('Conv')
    assert sorted(page.names()) == sorted(n['name'] for n in nodes if n['op'] == 'Conv')
    Select(page.all('#nodes select')[0]).select_by_value('')
    Select(page.all('#nodes select')[1]).select_by_value('quantized')
    assert len(page.names()) == sum(n['quantized'] for n in nodes)


def test_node_shows_the_numbers_of_the_json(page, made):
    with_cause = next((n for n in made[1]['nodes'] if n['causes']), worst(made[1]))
    for node in (worst(made[1]), with_weights(made[1]), with_cause):
        page.go_to_node(node['name'])
        text = lambda key: page.find(f'#node [data-key="{key}"]').text
        for loss in ('isolated', 'cumulative'):
            for key, value in (node[loss] or {}).items():
                assert is_near(text(f'{loss}.{key}'), value), (loss, key)
        for i, weight in enumerate(node['weights']):
            for key, value in (weight['loss'] or {}).items():
                assert is_near(text(f'weights.{i}.{key}'), value), (weight['name'], key)
        parameters = node['activation']['parameters']
        if parameters:
            assert text('activation.parameters.dtype') == parameters['dtype']
            assert int(text('activation.parameters.zero_point')) == parameters['zero_point']
            for key in ('scale', 'lo', 'hi'):
                assert is_near(text(f'activation.parameters.{key}'), parameters[key]), key
        assert is_near(text('activation.clipped_above'), node['activation']['clipped_above'], 100)
        assert [c.text for c in page.all('.cause .rule code')] == [c['rule'] for c in node['causes']]
        assert [c.text.lower() for c in page.all('.cause h3')] == [c['text'].lower() for c in node['causes']]
        if node['leave_one_out']:
            assert is_near(text('leave_one_out.gain'), node['leave_one_out']['gain'], 100)


def test_node_draws_what_the_json_holds(page, made):
    node = with_weights(made[1])
    page.go_to_node(node['name'])
    assert len(page.all('#node .plot circle')) == sum(None not in pair for pair in node['activation']['scatter'])
    assert len(page.all('#node .part .range')) == sum(len(weight['channels']) for weight in node['weights'])
    assert len(page.all('#node .plot .area')) == 1


def test_graph_colours_zooms_and_opens_nodes(page, made):
    page.go('graph')
    assert len(page.all('#graph .box')) == len(made[1]['nodes'])
    edges = {(a['name'], b['name']) for a in made[1]['nodes'] for b in made[1]['nodes'] if a is not b and set(a['outputs']) & set(b['inputs'])}
    assert len(page.all('#graph .edge')) == len(edges)
    where = lambda: page.find('.network > g').get_attribute('transform')
    first = where()
    page.find('[title="Zoom in (+)"]').click()
    assert where() != first
    hot = page.find('#graph .box.current')
    losses = [n['isolated']['sqnr_db'] for n in made[1]['nodes'] if n['isolated'] and n['isolated']['sqnr_db'] is not None]
    share = (40 - worst(made[1])['isolated']['sqnr_db']) / (40 - min(10, *losses))  # from 40 dB on all is good, at 10 dB red
    assert abs(float(hot.get_attribute('style').split('--heat:')[1].strip(' ;%')) - 100 * min(1, max(0, share))) < 1
    hot.click()
    page.until(lambda: page.find('#node h1').text == worst(made[1])['name'])


def test_samples_show_the_numbers_of_the_json(page, made):
    page.go('samples')
    rows = {row.find_element(By.CSS_SELECTOR, '[data-key=id]').text: row for row in page.all('#samples tbody tr')}
    assert sorted(rows) == sorted(sample['id'] for sample in made[1]['samples'])
    for sample in made[1]['samples']:
        for key in ('sqnr_db', 'cosine', 'max_error', 'mean_error'):
            assert is_near(rows[sample['id']].find_element(By.CSS_SELECTOR, f'[data-key={key}]').text, sample[key]), key


def test_keyboard_alone(page, made):
    order = ranked(made[1])
    page.press('2')
    page.until(lambda: page.find('body').get_attribute('data-view') == 'nodes')
    page.press('/')
    assert page.browser.switch_to.active_element.get_attribute('id') == 'search'
    page.press(Keys.ESCAPE)
    page.press('j')
    page.press('j')
    page.press('k')
    page.press('j', Keys.ENTER)
    page.until(lambda: page.find('#node h1').text == order[1])
    page.press(']')
    page.until(lambda: page.find('#node h1').text == order[2])
    page.press('[')
    page.until(lambda: page.find('#node h1').text == order[1])
    page.press('g')
    page.until(lambda: page.find('.box.current title').get_attribute('textContent').startswith(order[1]))
    before = page.find('.network > g').get_attribute('transform')
    page.press('+')
    page.press(Keys.ARROW_RIGHT)
    assert page.find('.network > g').get_attribute('transform') != before
    page.press(Keys.ENTER)
    page.until(lambda: page.find('#node h1').text == order[1])
    page.press(Keys.ESCAPE)
    page.until(lambda: page.find('body').get_attribute('data-view') == 'nodes')
    page.until(lambda: page.browser.switch_to.active_element.text == order[1])
    page.press('?')
    assert page.find('#help').is_displayed()
    page.press(Keys.ESCAPE)
    assert not page.find('#help').is_displayed()


def test_dark_mode(page):
    back = lambda: page.browser.execute_script('return getComputedStyle(document.body).backgroundColor')
    scheme = lambda name: page.browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'features': [{'name': 'prefers-color-scheme', 'value': name}]})
    scheme('light')
    light = back()
    scheme('dark')
    dark = back()
    scheme('')
    brightness = lambda colour: sum(map(float, re.findall(r'[\d.]+', colour)[:3]))
    assert brightness(dark) < 150 < 600 < brightness(light)


def test_prints_with_its_tables(page):
    assert len(page.browser.print_page()) > 10000
    assert page.all('#nodes tbody tr') and page.all('#samples tbody tr')


def renamed(model, out):
    """The model with a hostile name for a node and for a tensor."""
    proto = onnx.load(model)
    node = next(n for n in proto.graph.node if n.op_type == 'Conv')
    node.name, old = HOSTILE, node.output[0]
    for each in proto.graph.node:
        for names in (each.input, each.output):
            for i, name in enumerate(names):
                if name == old:
                    names[i] = HOSTILE + old
    onnx.save(proto, out)
    return out


def test_hostile_names_stay_text(browser, qtool, tmp_path):
    data = tasklib.data_path('glyph-resnet8')
    path, report = report_of(qtool, renamed(tasklib.model_path('glyph-resnet8'), tmp_path / 'model.onnx'), data, tmp_path)
    named = [node['name'] for node in report['nodes'] if '<img' in node['name']]
    assert named
    page = Page(browser, path)
    assert json.loads(page.find('#report').get_attribute('textContent')) == report
    for view in ('overview', 'nodes', 'graph', 'samples'):
        page.go(view)
    for name in named:
        page.go_to_node(name)
    assert page.all('img') == [] and browser.execute_script('return window.broken') is None
    assert page.complaints() == []


def test_thousand_nodes(browser, made, tmp_path):
    path, report = made
    nodes = []
    for copy in range(math.ceil(1000 / len(report['nodes']))):
        for node in json.loads(json.dumps(report['nodes'])):
            for key in ('inputs', 'outputs'):
                node[key] = [f'{copy}/{name}' for name in node[key]]
            node['inputs'] += [f'{copy - 1}/{report["nodes"][-1]["outputs"][0]}'] if node['op'] == 'Input' and copy else []
            nodes.append({**node, 'name': f'{copy}/{node["name"]}', 'rank': node['rank'] and len(nodes) + 1})
    text = json.dumps({**report, 'nodes': nodes[:1000]}).replace('<', '\\u003c')
    html = re.sub(r'(<script id="report"[^>]*>).*?(</script>)', lambda m: m[1] + text + m[2], path.read_text(), count=1, flags=re.S)
    (tmp_path / 'large.html').write_text(html)
    page = Page(browser, tmp_path / 'large.html')
    assert page.seconds < 2
    begin = time.monotonic()
    page.go('nodes')
    page.go('graph')
    assert len(page.all('#graph .box')) == 1000
    assert time.monotonic() - begin < 10
    assert page.complaints() == []


def test_ppocr_det_is_small_and_opens_fast(browser, qtool, tmp_path):
    path, report = report_of(qtool, fetched(tasklib.model_path('ppocr-det')), tasklib.data_path('ppocr-det'), tmp_path, limit=16)
    assert path.stat().st_size < 5e6
    page = Page(browser, path)
    assert page.seconds < 2
    page.go('graph')
    assert len(page.all('#graph .box')) == len(report['nodes'])
    page.go_to_node(worst(report)['name'])
    assert page.complaints() == []
