"""Records of results are what JSON can say."""

import json

from vae_runtime.live.result_records import drift_record, result_record, top_records
from vae_runtime.live.stream import StreamResult, StreamScorer


def test_a_result_without_a_number_is_null():
    result = StreamResult(0, 7, None, float("inf"), 0.01, True, True)
    record = result_record(result, None)
    assert json.loads(json.dumps(record, allow_nan=False))["score"] is None
    assert "drift" not in record


def test_features_are_named_where_asked_for(table):
    x = table.x[:3]
    assert top_records(table.runner, x, 0) == [None] * 3
    tops = top_records(table.runner, x, 2)
    assert [len(top) for top in tops] == [2, 2, 2]
    names = table.runner.manifest.model.feature_names
    assert {each["feature"] for top in tops for each in top} <= {*names}


def test_drift_is_told_with_its_row(table):
    result = StreamResult(0, 7, None, 1.0, 0.5, False, True)
    record = drift_record(StreamScorer(table.runner), result, "noon")
    assert record == {"drift": {"row": 7, "since": None, "time": "noon"}}
