"""`trackside serve` over its own Unix socket, asked by processes of other users: the group is the login."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from appliance.ids import new_id
from tests.appliance.other_user import CREW, MEMBER, PRIMARY, ROOT, STRANGER, Answer, User, as_user, ask
from tests.appliance.test_supervisor import TRACKSIDE, Serve, wait_for

PASSWORD = "seven brave hedgehogs"
GAMES = User(5, (60, CREW))
"""A user with a name on every Debian."""

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="becoming other users needs root"),
    pytest.mark.timeout(120),
]


class LocalBox(Serve):
    """A box with a socket in a directory made for the group CREW."""

    def __init__(self, place: Path, *arguments: str) -> None:
        self.path = place / "run" / "api.sock"
        self.path.parent.mkdir()
        os.chown(self.path.parent, 0, CREW)
        self.path.parent.chmod(0o2750)
        data = place / "data"
        data.mkdir(mode=0o700)
        (data / "trackside.toml").write_text(f'api_socket = "{self.path}"\n')
        for name, role in (("boss", "admin"), ("racer", "racer")):
            command = [*TRACKSIDE, "user", "add", name, "--role", role, "--password-stdin", "--data", str(data)]
            subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True)
        super().__init__(data, *arguments)
        wait_for(self.is_up, "the first answer")

    def tcp(self, target: str, headers: Mapping[str, str]) -> int:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{target}", headers=dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code

    def login_of(self, user: User, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask(user, self.path, "/api/session", headers=named)

    def token(self, name: str) -> str:
        body = {"username": name, "password": PASSWORD}
        answer = ask(ROOT, self.path, "/api/session", "POST", body=body)
        assert answer.status == 201
        return str(answer.json["token"])

    def health(self) -> dict[str, str]:
        headers = {"authorization": f"Bearer {self.token_by_tcp('boss')}"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/health", headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            check: dict[str, str] = json.load(answer)["checks"]["local_login"]
            return check

    def token_by_tcp(self, name: str) -> str:
        body = json.dumps({"username": name, "password": PASSWORD}).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/api/session", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(json.load(answer)["token"])


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that other users can reach."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def box() -> Iterator[LocalBox]:
    """One box for all tests that only ask it."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    box = LocalBox(path)
    yield box
    box.sweep()
    shutil.rmtree(path)


@pytest.fixture
def own_box(place: Path) -> Iterator[LocalBox]:
    """A box to be stopped and killed."""
    box = LocalBox(place)
    yield box
    box.sweep()


@pytest.mark.parametrize(
    ("user", "name"),
    [(ROOT, "root"), (MEMBER, "#45001"), (PRIMARY, "#45002"), (GAMES, "games")],
    ids=["root", "member", "primary group", "with a name"],
)
def test_the_group_is_the_login(box: LocalBox, user: User, name: str) -> None:
    answer = box.login_of(user)
    assert answer.status == 200
    assert answer.json == {"person_id": f"unix:{name}", "username": f"{name} (on the box)", "roles": ["operator"]}


def test_a_stranger_cannot_even_connect(box: LocalBox) -> None:
    with pytest.raises(PermissionError):
        box.login_of(STRANGER)


def test_a_stranger_is_nobody_even_where_somebody_has_opened_the_file(box: LocalBox) -> None:
    box.path.chmod(0o666)
    box.path.parent.chmod(0o2755)
    try:
        assert box.login_of(STRANGER).status == 401
        assert ask(STRANGER, box.path, "/api/events").status == 200, "what is public is public"
    finally:
        box.path.parent.chmod(0o2750)
        box.path.chmod(0o660)


@pytest.mark.parametrize(
    "headers",
    [
        {"trackside.local_peer": "root"},
        {"x-forwarded-for": "unix:0", "x-remote-user": "root"},
        {"host": "localhost", "x-real-ip": "127.0.0.1"},
        {"forwarded": "for=unix:root;proto=http"},
    ],
    ids=str,
)
def test_no_header_makes_a_tcp_client_one_of_the_crew(box: LocalBox, headers: dict[str, str]) -> None:
    assert box.tcp("/api/session", headers) == 401
    assert box.tcp("/api/races", headers) == 401


def test_a_token_speaks_before_the_group(box: LocalBox) -> None:
    racer = box.token("racer")
    assert box.login_of(ROOT, authorization=f"Bearer {racer}").json["username"] == "racer"
    assert ask(ROOT, box.path, "/api/races", headers={"authorization": f"Bearer {racer}"}).status == 403
    assert box.login_of(MEMBER, authorization=f"Bearer {box.token('boss')}").json["roles"] == ["admin", "racer"]


@pytest.mark.parametrize("sent", ["Bearer wrong", "Bearer ", "Basic cm9vdDo=", "nonsense"], ids=str)
def test_whoever_tries_to_be_somebody_else_and_fails_is_nobody(box: LocalBox, sent: str) -> None:
    assert box.login_of(ROOT, authorization=sent).status == 401


@pytest.mark.parametrize(
    "header",
    ["forwarded", "x-forwarded-for", "X-Forwarded-Proto", "x-forwarded-host", "Via", "x-real-ip", "cf-connecting-ip"],
)
def test_what_a_proxy_passes_on_is_nobodys(box: LocalBox, header: str) -> None:
    for value in ("127.0.0.1", ""):
        assert ask(MEMBER, box.path, "/api/session", headers={header: value}).status == 401
        assert ask(ROOT, box.path, "/api/events", "POST", headers={header: value}, body={"name": "No"}).status == 401


@pytest.mark.parametrize("header", ["origin", "referer", "sec-fetch-site", "cookie"])
def test_what_a_browser_sends_came_through_a_proxy(box: LocalBox, header: str) -> None:
    assert ask(MEMBER, box.path, "/api/session", headers={header: "http://box/"}).status == 401


def test_a_proxy_that_speaks_http_1_0_behind_itself_is_nobody(box: LocalBox) -> None:
    assert ask(MEMBER, box.path, "/api/session", version=10).status == 401


@pytest.mark.parametrize("host", ["box", "trackside.local:8080", "evil.example", "[::1]", "unix"])
def test_the_host_header_is_no_matter(box: LocalBox, host: str) -> None:
    assert box.login_of(MEMBER, host=host).status == 200


def test_a_session_cookie_speaks_for_its_owner_and_needs_the_pages_token_to_write(box: LocalBox) -> None:
    cookie = {"cookie": f"trackside={box.token('boss')}"}
    assert ask(MEMBER, box.path, "/api/session", headers=cookie).json["username"] == "boss"
    refused = ask(MEMBER, box.path, "/api/events", "POST", headers=cookie, body={"name": "Cup"})
    assert refused.status == 403
    assert refused.json["message"] == "This form is too old, or it came from another site."
    for wrong in ("trackside=wrong", "trackside="):
        assert ask(ROOT, box.path, "/api/session", headers={"cookie": wrong}).status == 401


def test_pages_are_for_accounts(box: LocalBox) -> None:
    found = {page: ask(MEMBER, box.path, page).status for page in ("/", "/sign-in", "/badge", "/staff", "/me")}
    assert found == {"/": 200, "/sign-in": 200, "/badge": 200, "/staff": 303, "/me": 303}
    form = ask(MEMBER, box.path, "/sign-in")
    token = re.search(r'name="_csrf" value="([^"]+)"', form.text)
    assert token
    signed_in = ask(
        MEMBER,
        box.path,
        "/sign-in",
        "POST",
        headers={"content-type": "application/x-www-form-urlencoded", "cookie": f"csrftoken={token[1]}"},
        body=f"_csrf={token[1]}&username=boss&password={PASSWORD.replace(' ', '+')}",
    )
    assert (signed_in.status, signed_in.headers["location"]) == (303, "/staff")
    session = signed_in.headers["set-cookie"].partition(";")[0]
    assert ask(MEMBER, box.path, "/staff/events", headers={"cookie": session}).status == 200


def test_old_clients_without_a_host_get_a_page(box: LocalBox) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(str(box.path))
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"


def test_an_admins_work_is_not_the_groups(box: LocalBox) -> None:
    for method, target, body in (
        ("GET", "/api/people", None),
        ("POST", "/api/people", {"username": "mallory", "password": PASSWORD, "roles": ["admin"]}),
        ("POST", "/api/racers", {"username": "anna"}),
    ):
        assert ask(ROOT, box.path, target, method, body=body).status == 403


def test_a_race_run_on_the_box_itself_says_who_did_it(box: LocalBox) -> None:
    def call(method: str, target: str, body: object = None, status: int = 200, **headers: str) -> object:
        answer = ask(GAMES, box.path, target, method, headers=headers, body=body)
        assert answer.status == status, answer.text
        return answer.json

    admin = f"Bearer {box.token('boss')}"
    racer = call("POST", "/api/racers", {"username": "anna"}, 201, authorization=admin)
    event = call("POST", "/api/events", {"name": "Cup"}, 201)
    assert isinstance(racer, dict)
    assert isinstance(event, dict)
    new = {"event_id": event["event_id"], "track_id": "1", "racer_id": racer["racer_id"]}
    queued = call("POST", f"/api/events/{event['event_id']}/tracks/1/queue", {"racer_id": racer["racer_id"]}, 201)
    assert isinstance(queued, dict)
    race = call("POST", "/api/races", new, 201)
    assert isinstance(race, dict)
    for kind in ("start", "lap", "end", "submit"):
        call("POST", f"/api/races/{race['race_id']}/actions", {"action_id": new_id(), "kind": kind})
    trail = call("GET", f"/api/races/{race['race_id']}/trail")
    assert isinstance(trail, list)
    assert {line["actor"] for line in trail} == {"games (on the box)"}
    session = {"cookie": f"trackside={box.token('boss')}"}
    assert "games (on the box)" in ask(ROOT, box.path, f"/staff/races/{race['race_id']}", headers=session).text
    assert call("PATCH", f"/api/racers/{racer['racer_id']}", {"country": "SE"}, 200)
    boss = ask(ROOT, box.path, "/api/session", headers={"authorization": admin}).json["person_id"]
    staff = call("PATCH", f"/api/racers/{boss}", {"username": "mallory"}, 403)
    assert staff == {"message": "boss is staff.", "remedy": "Ask an admin to change it."}


def test_wrong_passwords_count_for_the_user_who_tried(box: LocalBox) -> None:
    body = {"username": "racer", "password": "wrong"}
    statuses = []
    for _ in range(12):  # The first block lasts a second only, which a busy machine may need for a try.
        statuses.append(ask(MEMBER, box.path, "/api/session", "POST", body=body).status)
        if statuses[-1] == 429:
            break
    assert (statuses[:5], statuses[-1]) == ([401] * 5, 429)
    assert ask(PRIMARY, box.path, "/api/session", "POST", body=body).status == 401
    assert box.token("racer")
    assert box.token_by_tcp("racer")


def streamed(path: Path, target: str, wanted: bytes, times: int) -> bytes:
    """What comes over a stream until it has said something often enough."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(30)
        sock.connect(str(path))
        sock.sendall(f"GET {target} HTTP/1.1\r\nhost: box\r\n\r\n".encode())
        said = b""
        while said.count(wanted) < times:
            more = sock.recv(4096)
            assert more, said
            said += more
    return said


def test_streams_run_over_the_socket_for_as_long_as_the_connection_lasts(box: LocalBox) -> None:
    event = ask(ROOT, box.path, "/api/events", "POST", body={"name": "Stream"}).json["event_id"]
    as_user(MEMBER, streamed, box.path, f"/api/events/{event}/live", b"event: snapshot", 1)
    said = as_user(MEMBER, streamed, box.path, f"/api/events/{event}/tracks/1/live", b"event: beat", 3)
    assert b"#45001 (on the box)" in said


def test_health_and_doctor_tell_who_needs_no_password(box: LocalBox) -> None:
    sentence = f"{box.path}: root, the user who runs the box and the group {CREW}."
    assert box.health() == {"ok": True, "message": f"Without a password at {sentence}", "remedy": ""}
    command = [*TRACKSIDE, "doctor", "--quick", "--data", str(box.data)]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert f"without a password at {sentence}" in " ".join(said.split())


def test_a_restarted_server_has_the_same_socket(own_box: LocalBox) -> None:
    server, before = own_box.server(), own_box.path.stat()
    os.kill(server, signal.SIGKILL)
    assert own_box.login_of(MEMBER).status == 200, "the question waited for the next server"
    assert own_box.server(other_than=server) != server
    after = own_box.path.stat()
    assert (after.st_ino, after.st_mode, after.st_gid) == (before.st_ino, before.st_mode, CREW)


def test_a_killed_box_is_followed_by_one_with_a_socket_of_its_own(own_box: LocalBox) -> None:
    own_box.process.kill()
    own_box.process.wait()
    assert stat.S_ISSOCK(own_box.path.stat().st_mode), "nobody was left to remove it"
    own_box.start()
    wait_for(own_box.is_up, "the second box")
    assert own_box.login_of(MEMBER).status == 200


def test_a_box_that_stops_takes_its_socket_along(own_box: LocalBox) -> None:
    assert own_box.end(signal.SIGTERM) == 0
    assert not own_box.path.exists()


def test_a_socket_deleted_by_somebody_stops_no_race(own_box: LocalBox) -> None:
    own_box.path.unlink()
    server = own_box.server()
    os.kill(server, signal.SIGKILL)
    own_box.server(other_than=server)
    assert own_box.health()["message"] == f"{own_box.path} was deleted."


def test_a_second_box_leaves_the_first_ones_socket_alone(box: LocalBox, place: Path) -> None:
    second = Serve.__new__(LocalBox)
    second.path, before = box.path, box.path.stat().st_ino
    data = place / "data"
    data.mkdir()
    (data / "trackside.toml").write_text(f'api_socket = "{box.path}"\n')
    Serve.__init__(second, data)
    try:
        wait_for(second.is_up, "the second box")
        log = second.log.read_text()
        assert f"supervisor: local_login off reason='Another Trackside already listens at {box.path}.'" in log
        assert second.end(signal.SIGTERM) == 0
        assert box.path.stat().st_ino == before
        assert box.login_of(MEMBER).status == 200
    finally:
        second.sweep()


@pytest.mark.parametrize("what", ["file", "link", "long"])
def test_a_box_without_a_local_login_runs_and_says_why(place: Path, what: str) -> None:
    path = place / ("x" * 120 if what == "long" else "api.sock")
    if what == "file":
        path.write_text("mine")
    elif what == "link":
        path.symlink_to(place / "nothing")
    data = place / "data"
    data.mkdir()
    command = [*TRACKSIDE, "user", "add", "boss", "--role", "admin", "--password-stdin", "--data", str(data)]
    subprocess.run(command, input=PASSWORD, text=True, check=True, capture_output=True)
    (data / "trackside.toml").write_text(f'api_socket = "{path}"\n')
    box = Serve.__new__(LocalBox)
    Serve.__init__(box, data)
    try:
        wait_for(box.is_up, "the box")
        check = box.health()
        assert check["ok"]
        reason = "is too long for a socket." if what == "long" else "is not a socket."
        assert check["message"] == f"The login on the box itself is off: {path} {reason}"
        assert "api_socket in trackside.toml" in check["remedy"]
        if what == "file":
            assert path.read_text() == "mine"
    finally:
        box.sweep()


def test_the_socket_of_a_box_of_ones_own_is_ones_own(place: Path) -> None:
    data = place / "data"
    box = Serve(data)
    try:
        wait_for(box.is_up, "the box")
        found = (data / "api.sock").stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (0, 0o600)
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert as_user(ROOT, os.path.exists, str(data / "api.sock"))
        assert not as_user(MEMBER, os.path.exists, str(data / "api.sock"))
    finally:
        box.sweep()
