import json

import torch

from ray_pipeline.training.curves import RunningMeans


def test_numbers_that_are_none_do_not_count_and_a_mean_of_none_is_left_out() -> None:
    means = RunningMeans()
    for norm, rest in ((torch.inf, torch.inf), (2.0, torch.nan), (4.0, -torch.inf)):
        means.add({"norm": torch.tensor(norm), "rest": torch.tensor(rest)})
    taken = means.take()
    assert taken == {"norm": 3.0}
    assert json.loads(json.dumps(taken, allow_nan=False)) == taken
    assert means.take() == {}
