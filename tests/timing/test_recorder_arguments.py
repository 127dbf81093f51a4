"""What a recorder is told on its command line: lines, names, a script of hits."""

import pytest
from recorder_process import MS, RecorderProcess, connected


async def test_script_is_played(tmp_path):
    script = tmp_path / "script.txt"
    script.write_text("# a lap\n\n0 17 5 1\n1060 27   # the second strip\n60 17 5\n")
    async with (
        RecorderProcess(tmp_path, "--lines", "17,27", "--script", str(script)) as recorder,
        connected(recorder.socket) as client,
    ):
        client.hello(0)
        edges = await client.edges(8)
    presses = [edge for edge in edges if edge["edge"] == "active"]
    assert [edge["line"] for edge in presses] == [17, 17, 17, 27]
    assert presses[3]["at_ns"] - presses[2]["at_ns"] == pytest.approx(1_000 * MS, abs=900 * MS)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("0 17\nsoon 17\n", "Line 2 of the script"),
        ("0 5\n", "line 5 does not exist; there are 17, 27"),
        ("0 17 0\n", "Line 1 of the script"),
        ("0\n", "Line 1 of the script"),
        ("0 17 5 5 5\n", "Line 1 of the script"),
        ("999999999999 17\n", "more than a week"),
    ],
)
async def test_wrong_script_is_refused_by_its_line(tmp_path, text, complaint):
    script = tmp_path / "script.txt"
    script.write_text(text)
    recorder = RecorderProcess(tmp_path, "--lines", "17,27", "--script", str(script))
    assert await recorder.start() == ""
    assert await recorder.ended() == 1
    assert complaint in recorder.stderr
    assert "Traceback" not in recorder.stderr


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--lines", "17,17"), "names a line twice"),
        (("--lines", "17,x"), "not a list of numbers"),
        (("--lines", "17,27", "--names", "left"), "2 lines and 1 names"),
        (("--script", "/nowhere"), "cannot be read"),
    ],
)
async def test_wrong_arguments_are_refused_with_a_remedy(tmp_path, arguments, complaint):
    recorder = RecorderProcess(tmp_path, *arguments)
    assert await recorder.start() == ""
    assert await recorder.ended() == 1
    assert complaint in recorder.stderr
    assert "Traceback" not in recorder.stderr


async def test_lines_have_the_names_they_were_given(tmp_path):
    arguments = ("--lines", "5,6", "--names", "left, right")
    async with RecorderProcess(tmp_path, *arguments) as recorder, connected(recorder.socket) as client:
        client.hello(0)
        assert (await client.next())["lines"] == [{"line": 5, "name": "left"}, {"line": 6, "name": "right"}]
