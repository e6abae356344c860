"""The report's first five nodes against greedy selection, measured by running every file."""
import pytest

import sensitivity_truth
import tasklib
from conftest import fetched


@pytest.mark.parametrize('task, limit', [('glyph-mobilenetv2', 16)])
def test_the_first_five_nodes_are_those_that_matter(qtool, task, limit, tmp_path):
    fetched(tasklib.model_path(task))
    experiment = sensitivity_truth.Experiment(task, qtool, limit, str(tmp_path))
    assert sensitivity_truth.share_of_greedy(experiment, task) >= sensitivity_truth.LEAST
