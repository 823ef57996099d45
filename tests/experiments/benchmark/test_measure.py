"""What the last line says."""

from experiments.benchmark import measure


def test_the_last_line_has_all_keys_and_none_for_what_was_not_measured():
    found = measure.last_line({"vs_lab_b32": [1.0, 3.0, 2.0], "something else": [4.0]})
    assert set(found) == {
        *("resident_ratio_b32", "streaming_ratio_b32", "vs_lab_b32", "sampler_vs_lab"),
        *("resampling_55k_s", "rss_400k_gb", "vs_torch_b128", "faces_per_core_s"),
    }
    assert {name: value for name, value in found.items() if value is not None} == {"vs_lab_b32": 2.0}
