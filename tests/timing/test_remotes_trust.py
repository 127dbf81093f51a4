"""Who is let in where: the other machine's host key, the box's own key and how little it may do, the password."""

import logging
import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest

from appliance.errors import Conflict, InvalidInput, NotReady
from tests.timing.recorder_process import RecorderProcess
from tests.timing.remote_box import Following, RemoteBox, place, press
from tests.timing.sshd import Sshd, needs_root, needs_sshd, temporary_user
from timing.remotes import NewRemote, RemoteLink, SocketSeen

pytestmark = needs_sshd

PASSWORD = "correct horse battery staple é"


# The host key


async def test_nothing_is_signed_in_to_before_a_person_agreed(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.added(sshd, recorder)
    sshd.authorize(await box.remotes.authorized_line(link.remote_id))
    assert link.seen_fingerprint == sshd.fingerprint
    assert not link.is_paired
    assert link.problem == "Left track is not paired yet. Pair it under Recorders."
    with pytest.raises(NotReady, match="not paired yet"):
        await box.remotes.test(link.remote_id)
    assert "Accepted" not in sshd.log


async def test_other_host_key_than_the_one_agreed_to_is_not_taken(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.added(sshd, recorder)
    with pytest.raises(Conflict, match="not the one you agreed to"):
        await box.remotes.trust(link.remote_id, "SHA256:" + "A" * 43, "test")
    assert not box.remotes.link(link.remote_id).is_paired


async def test_changed_host_key_is_said_loudly_and_taken_only_when_a_person_agrees(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.paired(sshd, recorder)
    old = sshd.fingerprint
    sshd.kill()
    sshd.new_host_key()
    sshd.start()
    problem = await box.problem(link.remote_id, "another host key")
    assert problem == (
        f"127.0.0.1 shows another host key than before: {sshd.fingerprint} instead of {old}. Somebody else may be "
        "answering at this address. If its card was flashed anew, pair it again under Recorders."
    )
    changed = box.remotes.link(link.remote_id)
    assert (changed.is_open, changed.fingerprint, changed.seen_fingerprint) == (False, old, sshd.fingerprint)
    assert changed.has_other_key
    signed_in_before = sshd.log.count("Accepted publickey")
    with pytest.raises(NotReady, match="another host key"):
        await box.remotes.test(link.remote_id)
    assert sshd.log.count("Accepted publickey") == signed_in_before

    await box.remotes.trust(link.remote_id, sshd.fingerprint, "test")
    again = await box.open(link.remote_id)
    assert (again.problem, again.fingerprint) == (None, sshd.fingerprint)
    await press(recorder, 1)
    async with Following(again) as seen:
        assert await seen.edges(2) == [1, 2]


# The box's key


async def test_key_that_is_not_installed_is_said_and_taken_once_it_is(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.added(sshd, recorder)
    await box.remotes.trust(link.remote_id, sshd.fingerprint, "test")
    assert await box.problem(link.remote_id, "let this box in") == (
        f"127.0.0.1 does not let this box in as {sshd.user}. Pair it under Recorders, or paste the box's key there."
    )
    sshd.authorize(await box.remotes.authorized_line(link.remote_id))
    assert [line.line for line in (await box.remotes.test(link.remote_id)).hello.lines] == [17, 27]
    assert box.remotes.link(link.remote_id).problem is None


async def test_key_opens_the_recorders_socket_and_nothing_else(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess, tmp_path: Path
) -> None:
    link = await box.paired(sshd, recorder)
    (tmp_path / "other").mkdir()
    async with (
        RecorderProcess(tmp_path / "other") as other,
        asyncssh.connect(
            sshd.host, sshd.port, username=sshd.user, client_keys=[str(tmp_path / "box/ssh.key")],
            known_hosts=None, config=None, agent_path=None,
        ) as connection,
    ):  # fmt: skip
        _, writer = await connection.open_unix_connection(link.remote_socket)
        writer.close()
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection(str(other.socket))
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection(sshd.host, sshd.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("", 0, "127.0.0.1", 9)
        done = await connection.run("echo a shell")
        assert (done.stdout, done.exit_status) == ("", 1)
        with pytest.raises(asyncssh.ChannelOpenError, match="PTY"):
            await connection.run(term_type="xterm")
        with pytest.raises(asyncssh.SFTPError):
            await connection.start_sftp_client()


# The password


class SomebodysPi:
    """An sshd that takes passwords, with a user on it."""

    def __init__(self, sshd: Sshd, user: str, home: Path, recorder: RecorderProcess) -> None:
        self.sshd, self.home, self.recorder = sshd, home, recorder
        sshd.user = user

    @property
    def authorized_keys(self) -> Path:
        return self.home / ".ssh/authorized_keys"

    def let_open(self) -> None:
        """Put the user in the recorder's group, as far as its socket goes."""
        shutil.chown(self.recorder.socket, self.sshd.user)


@pytest.fixture
async def pi(tmp_path: Path) -> AsyncIterator[SomebodysPi]:
    with temporary_user(PASSWORD) as (user, home), Sshd(tmp_path / "pi-ssh", passwords=True, own_keys=False) as sshd:
        # A user who may not look into pytest's directories.
        async with RecorderProcess(home, data=tmp_path / "pi-data") as recorder:
            yield SomebodysPi(sshd, user, home, recorder)


async def pair(box: RemoteBox, pi: SomebodysPi, password: str = PASSWORD) -> tuple[RemoteLink, SocketSeen]:
    link = await box.added(pi.sshd, pi.recorder)
    found = await box.remotes.pair(link.remote_id, password, "test", link.seen_fingerprint)
    return box.remotes.link(link.remote_id), found


@needs_root
async def test_password_installs_the_key_and_edges_arrive(box: RemoteBox, pi: SomebodysPi) -> None:
    pi.let_open()
    link, found = await pair(box, pi)
    assert (found, link.fingerprint) == (SocketSeen.READY, pi.sshd.fingerprint)
    line = pi.authorized_keys.read_text()
    assert line == await box.remotes.authorized_line(link.remote_id) + "\n"
    assert line.startswith("restrict,port-forwarding,permitopen=")
    assert (pi.authorized_keys.stat().st_mode & 0o777, pi.authorized_keys.owner()) == (0o600, pi.sshd.user)
    await press(pi.recorder, 1)
    async with Following(await box.open(link.remote_id)) as seen:
        assert await seen.edges(2) == [1, 2]


@needs_root
async def test_wrong_password_is_said_and_changes_nothing(box: RemoteBox, pi: SomebodysPi) -> None:
    with pytest.raises(InvalidInput, match="does not take this password") as refused:
        await pair(box, pi, "wrong")
    assert refused.value.field == "password"
    assert not pi.authorized_keys.exists()
    assert not box.remotes.links()[0].is_paired


@needs_root
async def test_password_is_not_sent_to_a_machine_with_another_host_key(box: RemoteBox, pi: SomebodysPi) -> None:
    link = await box.added(pi.sshd, pi.recorder)
    agreed = pi.sshd.fingerprint
    pi.sshd.kill()
    pi.sshd.new_host_key()
    pi.sshd.start()
    with pytest.raises(Conflict, match="not the one you agreed to"):
        await box.remotes.pair(link.remote_id, PASSWORD, "test", agreed)
    assert "password" not in pi.sshd.log
    assert not box.remotes.link(link.remote_id).is_paired


@needs_root
async def test_password_is_kept_nowhere(
    box: RemoteBox, pi: SomebodysPi, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncssh").setLevel(logging.DEBUG)
    try:
        await pair(box, pi)
    finally:
        logging.getLogger("asyncssh").setLevel(logging.WARNING)
    assert "recorder_link_saved" in caplog.text
    assert PASSWORD not in caplog.text
    kept = b"".join(path.read_bytes() for path in (tmp_path / "box").rglob("*") if path.is_file())
    assert pi.sshd.user.encode() in kept
    assert PASSWORD.encode() not in kept


@needs_root
async def test_pairing_again_keeps_other_keys_and_ours_once(box: RemoteBox, pi: SomebodysPi) -> None:
    theirs = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHPWEWu85yECrbmtL38wlFua3tBSqxTekCX/aU+dku+w somebody"
    pi.authorized_keys.parent.mkdir(mode=0o700)
    pi.authorized_keys.write_text(theirs)  # the last line has no end
    for path in (pi.authorized_keys.parent, pi.authorized_keys):
        shutil.chown(path, pi.sshd.user)
    link, _ = await pair(box, pi)
    await box.remotes.pair(link.remote_id, PASSWORD, "test")
    ours = await box.remotes.authorized_line(link.remote_id)
    assert pi.authorized_keys.read_text().splitlines() == [theirs, ours]
    assert [path.name for path in pi.authorized_keys.parent.iterdir()] == ["authorized_keys"]


@needs_root
async def test_user_who_may_not_open_the_socket_is_told(box: RemoteBox, pi: SomebodysPi) -> None:
    os.chmod(pi.recorder.socket, 0o600)
    link, found = await pair(box, pi)
    assert found is SocketSeen.CLOSED
    with pytest.raises(NotReady, match="is in the group trackside"):
        await box.remotes.test(link.remote_id)
    pi.let_open()
    assert (await box.remotes.test(link.remote_id)).hello.lines


@needs_root
async def test_recorder_that_does_not_run_yet_is_told(box: RemoteBox, pi: SomebodysPi) -> None:
    await pi.recorder.end()
    _, found = await pair(box, pi)
    assert found is SocketSeen.ABSENT


@needs_root
async def test_home_that_takes_no_key_is_said(box: RemoteBox, pi: SomebodysPi) -> None:
    pi.authorized_keys.parent.mkdir(mode=0o755)  # root's
    link = await box.added(pi.sshd, pi.recorder)
    with pytest.raises(NotReady, match=r"could not be installed: .*Permission denied. Paste the key by hand"):
        await box.remotes.pair(link.remote_id, PASSWORD, "test")
    assert not box.remotes.link(link.remote_id).is_paired


@needs_root
async def test_sshd_that_knows_no_paths_in_permitopen_still_gives_no_shell(
    box: RemoteBox, pi: SomebodysPi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timing.remote_pairing.THIS_SOCKET", 'restrict,not-an-option="[{socket}]"')
    pi.let_open()
    link, found = await pair(box, pi)
    assert found is SocketSeen.READY
    assert pi.authorized_keys.read_text().startswith('restrict,port-forwarding,permitlisten="127.0.0.1:1",command=')
    assert len(pi.authorized_keys.read_text().splitlines()) == 1
    assert (await box.remotes.test(link.remote_id)).hello.lines


@needs_root
async def test_sshd_that_forwards_nothing_says_what_to_set(box: RemoteBox, pi: SomebodysPi) -> None:
    pi.let_open()
    pi.sshd.kill()
    pi.sshd.more = "AllowStreamLocalForwarding no"
    pi.sshd.start()
    link = await box.added(pi.sshd, pi.recorder)
    with pytest.raises(NotReady, match=r"forwards no sockets\. Set AllowStreamLocalForwarding yes"):
        await box.remotes.pair(link.remote_id, PASSWORD, "test")
    assert not box.remotes.link(link.remote_id).is_paired


async def test_machine_that_takes_no_passwords_says_to_paste_the_key(
    box: RemoteBox, sshd: Sshd, recorder: RecorderProcess
) -> None:
    link = await box.remotes.add(place(sshd, recorder), "test")
    with pytest.raises(InvalidInput, match="paste the key instead"):
        await box.remotes.pair(link.remote_id, PASSWORD, "test")


async def test_empty_password_is_asked_for(box: RemoteBox) -> None:
    link = await box.remotes.add(NewRemote(name="Left", host="127.0.0.1", port=9, username="pi"), "test")
    with pytest.raises(InvalidInput, match="Type the password"):
        await box.remotes.pair(link.remote_id, "", "test")
