"""perf/schedule_data.py: which questions the runs are asked, and the clips that take long to read."""

from __future__ import annotations

from vreason.benchmarks import load_samples
from vreason.video import VideoConfig, read_video


def test_each_repeat_has_other_questions_each_about_another_clip():
    """No question is in two sets, and no clip twice in one, also where a set goes on from the last clip to the first."""
    from schedule_data import question_sets

    sets = question_sets(5, 6)  # eight clips
    assert [6] * 5 == [len({sample.video for sample in each}) for each in sets]
    assert 30 == len({sample.sample_id for each in sets for sample in each})
    assert 8 == len({sample.video for each in sets for sample in each})


def test_questions_begin_anew_when_all_were_asked():
    """With one clip, of four questions, the fifth repeat asks the first question again."""
    from schedule_data import question_sets

    (one, two, *_, again) = question_sets(5, 2)
    assert one != two
    assert [2] * 3 == [len(each) for each in (one, two, again)]


def test_rows_are_read_back_as_the_same_questions(tmp_path):
    """A config that names the file asks what was written into it."""
    from schedule_data import question_sets, write_rows

    (samples,) = question_sets(1, 3)
    assert samples == list(load_samples(str(write_rows(tmp_path / "rows.jsonl", samples))))


def test_long_clips_are_real(tmp_path):
    """Each is a file of its own, of the length asked for, 1280 x 720, and 16 different frames of it can be read."""
    from schedule_data import long_clips

    samples = long_clips(tmp_path, 2, 1)
    assert 2 == len({sample.video for sample in samples}) == len({sample.sample_id for sample in samples})
    for sample in samples:
        frames = read_video(sample.video, VideoConfig(nframes=16))
        assert (16, 720, 1280, 3) == frames.pixels.shape
        assert (25, 1.0) == (frames.total_frames, round(frames.duration, 2))
        assert (frames.pixels[0] != frames.pixels[1]).any()
