"""The schema is true: schemathesis asks every call what the schema promises, as every role, and finds nothing."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.permissions import Role
from tests.plugins_ci import in_ci
from tests.timing.recorder_process import RecorderProcess
from tests.web.conftest import ANONYMOUS, Site
from timing.structs import Event
from web.house import House

LOOKS = {
    ANONYMOUS: ["--phases", "fuzzing", "--max-examples", "3"],
    Role.RACER.value: ["--phases", "fuzzing", "--max-examples", "3"],
    Role.OPERATOR.value: ["--phases", "fuzzing,stateful", "--max-examples", "8"],
    Role.ADMIN.value: ["--phases", "coverage,fuzzing,stateful", "--max-examples", "12"],
}
"""How hard each role looks: whoever is let in nowhere needs few tries."""
RULES_NO_SCHEMA_CAN_SAY = {
    "POST /api/session": "a name with its password, or a badge, and never both",
    "POST /api/events": "a lap-count race is ranked by best lap; a track once only",
    "PATCH /api/events/{event_id}": "as above",
    "POST /api/racers": "names, and passwords that anybody would try",
    "PATCH /api/racers/{racer_id}": "names",
    "POST /api/people": "names, and passwords that anybody would try",
    "PUT /api/people/{person_id}/password": "passwords that anybody would try",
    "POST /api/races": "an event, a track and a racer that exist",
    "POST /api/races/{race_id}/actions": "which fields a kind needs; a racer and a track that exist",
    "POST /api/events/{event_id}/crossings/{recorder_id}/{edge_seq}/give": "a race that exists",
    "POST /api/racers/{racer_id}/merge": "a racer who exists, and is not the same one",
    "POST /api/events/{event_id}/tracks/{track_id}/queue": "a racer who exists",
    "POST /api/queue/{queue_id}/prepare": "a car and a model that exist",
    "POST /api/uploads": "a file that may be a model, of a racer who exists; 413 says in words what is too large",
    "PATCH /api/models/{model_id}": "names",
    "PUT /api/uploads/{upload_id}": "a digest in hex, which a header of null is not",
    "POST /api/cars": "an address of a car, what its sticker says, and a fleet that exists",
    "PATCH /api/cars/{car_id}": "names",
    "POST /api/cars/found": "an address of a car",
    "POST /api/cars/commands": "cars and a fleet that exist, at least one, and the fields that the verb needs",
    "POST /api/cars/stop": "an event and a track that exist",
    "PUT /api/fleets/{fleet_id}/cars": "cars that exist",
    "POST /api/fleets": "names that can be printed, and that no other fleet has",
    "PATCH /api/fleets/{fleet_id}": "as above",
    "POST /api/pushes": "cars and models that exist",
    "POST /api/logs": "a race that exists, or a car with a recording, and never both",
}
"""There, 400 is a right answer to a body that fits the schema; everywhere else it is a fault."""
RIGHT_ANSWERS = '["2xx", "400", "401", "403", "404", "409", "413", "429"]'
SAYS_MORE = {("put", "/api/uploads/{upload_id}", "409"): "WrongOffsetProblem"}
"""The one shape, and beside it what a program needs to go on."""
ENDLESS = ("/api/events/{event_id}/live", "/api/events/{event_id}/tracks/{track_id}/live", "/api/strips/check")
"""Never end, so nothing that waits for an answer's end can ask them; tests/web/test_*live.py do."""
ENDS_THE_SESSION = "DELETE /api/session"


@pytest.fixture
async def recorder(tmp_path: Path, house: House) -> AsyncIterator[RecorderProcess]:
    """A recorder with simulated strips where the house looks for it: without one, health is rightly 503."""
    process = RecorderProcess(tmp_path, data=tmp_path)
    process.socket = house.settings.recorder_socket
    async with process:
        yield process


@pytest.mark.longest
@pytest.mark.timeout(600)
@pytest.mark.parametrize("role", list(reversed(LOOKS)))
async def test_schemathesis_finds_nothing(
    recorder: RecorderProcess, site: Site, event: Event, role: str, tmp_path: Path
) -> None:
    async with asyncio.timeout(20):
        while (await site.send(ANONYMOUS, "GET", "/api/health")).status_code != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    arguments = ["run", f"{site.url}/schema/openapi.json", "--checks", "all", *LOOKS[role]]
    arguments += [f"--exclude-path={path}" for path in ENDLESS]
    arguments += ["--exclude-name", ENDS_THE_SESSION]
    arguments += ["--no-color", "--warnings", "off"]
    if in_ci():  # As Hypothesis does by itself there: what it finds by luck is found on our machines, not at a landing.
        arguments += ["--generation-deterministic"]
    if role != ANONYMOUS:
        arguments += ["--header", f"Authorization: Bearer {site.tokens[role]}"]
    (tmp_path / "schemathesis.toml").write_text(
        "".join(
            f'[[operations]]\ninclude-name = "{name}"\n'
            f"checks.positive_data_acceptance.expected-statuses = {RIGHT_ANSWERS}\n"
            for name in RULES_NO_SCHEMA_CAN_SAY
        )
    )
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).parent / "schemathesis"), *arguments,
        cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    tried = re.search(r"(\d+) generated, \1 passed", output.decode())
    assert tried is not None, output.decode()
    assert int(tried[1]) > 80, "schemathesis hardly tried"


async def test_the_schema_is_openapi_3_1_and_needs_no_other_site(site: Site) -> None:
    for address in ("/schema", "/schema/openapi.json"):
        answer = await site.send(ANONYMOUS, "GET", address)
        assert answer.status_code == 200
        assert answer.json()["openapi"].startswith("3.1")
        assert "cdn" not in answer.text
        assert "https://" not in answer.text


async def test_every_call_documents_its_refusals_in_the_one_shape(site: Site) -> None:
    schema = (await site.send(ANONYMOUS, "GET", "/schema/openapi.json")).json()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            refusals = {status for status in operation["responses"] if status.startswith("4")}
            assert "400" in refusals, (method, path)
            for status in refusals:
                content = operation["responses"][status]["content"]["application/json"]
                shape = SAYS_MORE.get((method, path, status), "Problem")
                assert content["schema"] == {"$ref": f"#/components/schemas/{shape}"}, (method, path, status)
            if operation.get("security"):
                assert {"401"} <= refusals, (method, path)
