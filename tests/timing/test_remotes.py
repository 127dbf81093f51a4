"""Recorders on other machines: every edge of theirs arrives through a real sshd, whatever happens to the way there."""

import asyncio
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from appliance.errors import InvalidInput, NotFound, NotReady
from tests.timing.loop_time import loop_time
from tests.timing.recorder_process import RecorderProcess
from tests.timing.remote_box import Following, RemoteBox, place, press, remote_box
from tests.timing.sshd import Sshd, needs_sshd
from timing.remotes import NewRemote

pytestmark = needs_sshd

SOME = NewRemote(name="Left track", host="127.0.0.1", username="pi", port=9)


# The way stands


async def test_edges_arrive_through_ssh_in_order(box: RemoteBox, sshd: Sshd, recorder: RecorderProcess) -> None:
    link = await box.paired(sshd, recorder)
    await press(recorder, 2)
    async with Following(link) as seen:
        await seen.edges(4)
        await press(recorder, 3)
        assert await seen.edges(10) == list(range(1, 11))
        assert box.remotes.link(link.remote_id).problem is None


async def test_two_recorders_are_followed_at_once(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess, tmp_path: Path
) -> None:
    (tmp_path / "pi-2").mkdir()
    async with RecorderProcess(tmp_path / "pi-2") as second:
        with Sshd(tmp_path / "sshd-2") as other:
            left, right = await box.paired(sshd, recorder, "Left"), await box.paired(other, second, "Right")
            async with Following(left) as seen_left, Following(right) as seen_right:
                await asyncio.gather(press(recorder, 5), press(second, 3))
                assert await seen_left.edges(10) == list(range(1, 11))
                assert await seen_right.edges(6) == list(range(1, 7))
                sshd.kill()
                await box.shut(left.remote_id)
                await press(second, 1)
                assert await seen_right.edges(8) == list(range(1, 9))
                assert box.remotes.link(right.remote_id).is_open


async def test_test_goes_all_the_way_to_the_recorder(box: RemoteBox, sshd: Sshd, recorder: RecorderProcess) -> None:
    link = await box.paired(sshd, recorder)
    tested = await box.remotes.test(link.remote_id)
    assert [line.line for line in tested.hello.lines] == [17, 27]
    assert 0 <= tested.answer_ms < 5_000


# The way breaks


async def test_sshd_killed_again_and_again_loses_and_repeats_no_edge(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.paired(sshd, recorder)
    async with Following(link) as seen:
        for times in range(1, 5):
            await seen.until(lambda times=times: seen.link_ups == times)  # type: ignore[misc]
            pressing = asyncio.create_task(press(recorder, 5))
            await seen.edges(len(seen.numbers) + 1)
            sshd.kill()
            await pressing
            assert (await box.shut(link.remote_id)).problem
            await press(recorder, 2)
            sshd.start()
        assert await seen.edges(4 * 14) == list(range(1, 57))


async def test_pulled_cable_is_noticed_within_four_seconds_and_costs_no_edge(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.paired(sshd, recorder)
    async with Following(link) as seen, loop_time() as time:
        await press(recorder, 2)
        await seen.edges(4)
        sshd.freeze()
        try:
            pulled_s = time.lived_s
            await press(recorder, 5)
            broken = await box.shut(link.remote_id)
            assert time.lived_s - pulled_s < 4
            assert broken.problem == "The connection to 127.0.0.1 broke. It is made again by itself."
            assert len(seen.numbers) == 4
            await press(recorder, 5)
        finally:
            sshd.thaw()
        await seen.edges(24)
        await press(recorder, 1)
        assert await seen.edges(26) == list(range(1, 27))


async def test_machine_that_stays_silent_is_said_and_met_once_it_is_back(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timing.remote_ssh.CONNECT_S", 0.3)
    sshd.freeze()
    try:
        link = await box.remotes.add(place(sshd, recorder), "test")
        assert await box.problem(link.remote_id, "does not answer") == (
            "127.0.0.1 does not answer. Check its power, its cable, and that it is in this box's network."
        )
        monkeypatch.setattr("timing.remote_ssh.CONNECT_S", 6.0)
    finally:
        sshd.thaw()
    await box.until(lambda: box.remotes.link(link.remote_id).seen_fingerprint == sshd.fingerprint)


async def test_recorder_killed_behind_a_good_connection_is_said_and_followed_again(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.paired(sshd, recorder)
    async with Following(link) as seen:
        await press(recorder, 1)
        await seen.edges(2)
        await recorder.end(9)
        problem = await box.problem(link.remote_id, "no recorder answers")
        assert f"127.0.0.1 is reached, but no recorder answers at {recorder.socket} there." in problem
        assert f"sudo adduser {sshd.user} trackside" in problem
        assert box.remotes.link(link.remote_id).is_open
        with pytest.raises(NotReady, match="no recorder answers"):
            await box.remotes.test(link.remote_id)
        await recorder.start()
        await box.until(lambda: box.remotes.link(link.remote_id).problem is None)
        await press(recorder, 1)
        # A recorder that was killed notes a blind spot, which has a number too.
        numbers = await seen.edges(4)
        assert numbers == list(range(1, len(numbers) + 1))


async def test_no_ssh_server_at_all_is_said_with_what_to_do(box: RemoteBox) -> None:
    link = await box.remotes.add(SOME, "test")
    assert await box.problem(link.remote_id, "nothing answers") == (
        "127.0.0.1 is on, but nothing answers at its port 9. Switch SSH on there: sudo systemctl enable --now ssh."
    )


async def test_network_that_is_not_there_is_said(box: RemoteBox) -> None:
    # A link-local address without its interface leads nowhere on any machine.
    link = await box.remotes.add(NewRemote(name="Far", host="fe80::1", username="pi"), "test")
    problem = await box.problem(link.remote_id, "cannot be reached")
    assert problem == (
        "fe80::1 cannot be reached: Invalid argument. Check its power, its cable, and that it is in this box's network."
    )


async def test_name_of_no_machine_is_said_with_what_to_do(box: RemoteBox) -> None:
    link = await box.remotes.add(NewRemote(name="Gone", host="no-such-machine.invalid", username="pi"), "test")
    problem = await box.problem(link.remote_id, "No machine is called no-such-machine.invalid")
    assert "use the address that `hostname -I` prints" in problem


async def test_something_that_is_no_ssh_server_is_said(box: RemoteBox) -> None:
    async def web(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        link = await box.remotes.add(NewRemote(name="Web", host="127.0.0.1", username="pi", port=port), "test")
        assert "127.0.0.1 cut the connection off" in await box.problem(link.remote_id, "cut the connection off")


async def test_local_socket_refuses_at_once_while_ssh_is_down(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.paired(sshd, recorder)
    sshd.kill()
    await box.shut(link.remote_id)
    async with loop_time() as time:
        with pytest.raises(OSError):
            await asyncio.open_unix_connection(str(link.socket_path))
    assert time.lived_s < 1


# What is kept, and where


async def test_recorder_is_followed_again_after_the_box_restarted(
    sshd: Sshd, recorder: RecorderProcess, tmp_path: Path
) -> None:
    async with remote_box(tmp_path / "box") as box:
        link = await box.paired(sshd, recorder, "Piste gauche 左")
        key = (tmp_path / "box/ssh.key").read_bytes()
    async with remote_box(tmp_path / "box") as box:
        again = await box.open(link.remote_id)
        assert (again.name, again.fingerprint) == ("Piste gauche 左", sshd.fingerprint)
        assert (tmp_path / "box/ssh.key").read_bytes() == key
        await press(recorder, 1)
        async with Following(again) as seen:
            assert await seen.edges(2) == [1, 2]


async def test_key_and_socket_are_closed_to_others(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess, tmp_path: Path
) -> None:
    link = await box.paired(sshd, recorder)
    assert stat.S_IMODE((tmp_path / "box/ssh.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(link.socket_path.stat().st_mode) == 0o600
    assert stat.S_IMODE(link.socket_path.parent.stat().st_mode) == 0o700


async def test_long_data_directory_gets_sockets_elsewhere(
    sshd: Sshd, recorder: RecorderProcess, tmp_path: Path
) -> None:
    long = tmp_path / ("a-very-long-name-" * 8)
    async with remote_box(long) as box:
        link = await box.paired(sshd, recorder)
        assert len(str(link.socket_path)) < 107
        assert stat.S_IMODE(link.socket_path.parent.stat().st_mode) == 0o700
        await press(recorder, 1)
        async with Following(link) as seen:
            assert await seen.edges(2) == [1, 2]
    assert not link.socket_path.parent.exists()


def test_ssh_is_not_loaded_before_there_is_a_recorder_to_reach(tmp_path: Path) -> None:
    code = (
        "import asyncio, sys, pathlib\n"
        "from tests.timing.remote_box import remote_box\n"
        "async def main():\n"
        "    async with remote_box(pathlib.Path(sys.argv[1])) as box:\n"
        "        assert box.remotes.links() == []\n"
        "        print('asyncssh' in sys.modules, 'timing.remotes' in sys.modules)\n"
        "asyncio.run(main())\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "box")], capture_output=True, text=True, check=True
    )
    assert told.stdout == "False True\n"
    assert not (tmp_path / "box/ssh.key").exists()


async def test_changed_place_keeps_the_host_key_and_the_local_socket(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.paired(sshd, recorder)
    new = place(sshd, recorder, "Right track")
    changed = await box.remotes.change(
        link.remote_id, NewRemote(name=new.name, host="localhost", port=new.port, username=new.username,
                                  remote_socket=new.remote_socket), "test"
    )  # fmt: skip
    assert (changed.name, changed.host, changed.fingerprint) == ("Right track", "localhost", link.fingerprint)
    again = await box.open(link.remote_id)
    assert again.socket_path == link.socket_path
    await press(recorder, 1)
    async with Following(again) as seen:
        assert await seen.edges(2) == [1, 2]


async def test_removed_recorder_is_let_go(box: RemoteBox, sshd: Sshd, recorder: RecorderProcess) -> None:
    link = await box.paired(sshd, recorder)
    await box.remotes.remove(link.remote_id)
    assert box.remotes.links() == []
    with pytest.raises(OSError):
        await asyncio.open_unix_connection(str(link.socket_path))
    with pytest.raises(NotFound):
        box.remotes.link(link.remote_id)


async def test_same_recorder_twice_is_refused(box: RemoteBox) -> None:
    await box.remotes.add(SOME, "test")
    with pytest.raises(InvalidInput, match="called Left track already") as refused:
        await box.remotes.add(NewRemote(name="LEFT TRACK", host="other", username="pi"), "test")
    assert refused.value.field == "name"
    with pytest.raises(InvalidInput, match="That is the recorder Left track") as refused:
        await box.remotes.add(NewRemote(name="New", host="127.0.0.1", username="pi", port=9), "test")
    assert refused.value.field == "host"
    assert len(box.remotes.links()) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "),
        ("name", "x" * 41),
        ("name", "two\nlines"),
        ("host", ""),
        ("host", "pi@track"),
        ("host", "a b"),
        ("username", "-oProxyCommand=x"),
        ("username", "Jürgen"),
        ("port", 0),
        ("port", 65_536),
        ("remote_socket", "run/timing.sock"),
        ("remote_socket", '/run/"]:*",x'),
        ("remote_socket", "/" + "x" * 107),
    ],
)
async def test_place_that_is_none_says_which_field(box: RemoteBox, field: str, value: object) -> None:
    fields = {"name": "Left track", "host": "192.168.1.20", "username": "pi", field: value}
    with pytest.raises(InvalidInput) as refused:
        await box.remotes.add(NewRemote(**fields), "test")  # type: ignore[arg-type]
    assert refused.value.field == field
    assert box.remotes.links() == []


@pytest.mark.parametrize("host", ["192.168.1.20", "track-2.local", "fe80::1%eth0", "größe.local"])
async def test_places_of_every_kind_are_taken(box: RemoteBox, host: str) -> None:
    link = await box.remotes.add(NewRemote(name=" Piste 左 ", host=f" {host} ", username="pi"), "test")
    assert (link.name, link.host, link.port, link.remote_socket) == (
        "Piste 左", host, 22, "/run/trackside/timing.sock",
    )  # fmt: skip
