"""The container files say what the programs understand, and give a broken-in process little to work with."""

import re
from pathlib import Path

import pytest

from tests.composed import OURS, ROOT, here, read_services
from workflows.settings import Settings

SERVICES = read_services()
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
SETUP = (ROOT / "setup.sh").read_text(encoding="utf-8")


def test_every_part_that_was_promised_is_there() -> None:
    assert set(SERVICES) == {"postgres", "redis", "mail", *OURS}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_neither_write_its_system_nor_gain_rights(name: str) -> None:
    settings = SERVICES[name].settings
    assert settings["read_only"] is True
    assert settings["cap_drop"] == ["ALL"]
    assert settings["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in settings
    assert set(settings.get("cap_add", [])) <= ({"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"})


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"postgres"}))
def test_a_service_does_not_run_as_root(name: str) -> None:
    assert SERVICES[name].settings["user"].split(":")[0] == "10001"


def test_doors_open_to_this_host_only() -> None:
    ports = [port for service in SERVICES.values() for port in service.settings.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_databases_are_out_of_reach_from_outside() -> None:
    for name in ("postgres", "redis"):
        assert SERVICES[name].settings["networks"] == ["inside"]


@pytest.mark.parametrize("name", OURS)
def test_secrets_come_by_file_and_stand_in_no_environment(name: str) -> None:
    environment = SERVICES[name].environment
    assert not {"VASTINE_DATABASE_URL", "VASTINE_BROKER_URL", "VASTINE_SECRET_KEY"} & set(environment)
    assert not [value for value in environment.values() if re.search(r"://[^/]*:[^/]*@", value)]


@pytest.mark.parametrize("name", OURS)
def test_the_environment_is_one_that_settings_accept(name: str, tmp_path: Path) -> None:
    (tmp_path / "database_url").write_text("postgresql://vastine:pw-of-a-test@postgres/vastine", encoding="utf-8")
    (tmp_path / "broker_url").write_text("redis://:pw-of-a-test@redis:6379/0", encoding="utf-8")
    environment = SERVICES[name].environment
    values = here(environment.values(), {"/run/secrets": str(tmp_path)})
    settings = Settings.from_environ(dict(zip(environment, values, strict=True)))
    assert settings.mode == "trial"
    assert not settings.embedded


@pytest.mark.parametrize("name", ["portal", "console", "postgres", "redis", "mail"])
def test_who_others_wait_for_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name].settings["healthcheck"]["test"]


@pytest.mark.parametrize("name", ["portal", "console"])
def test_the_health_check_asks_the_port_that_the_command_opens(name: str) -> None:
    port = SERVICES[name].command[-1]
    assert SERVICES[name].health_address == f"http://127.0.0.1:{port}/healthz"
    assert SERVICES[name].settings["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_image_enforces_hashes_and_runs_as_nobody_in_particular() -> None:
    installs = re.findall(r"pip install (.*)", DOCKERFILE)
    assert installs
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in installs)
    assert re.findall(r"(?m)^USER (.*)$", DOCKERFILE) == ["$VASTINE_UID:$VASTINE_GID"]
    assert re.findall(r"(?m)^ARG VASTINE_[UG]ID=(.*)$", DOCKERFILE) == ["10001", "10001"]


@pytest.mark.parametrize("name", OURS)
def test_a_process_runs_as_who_owns_the_data_folder_of_its_image(name: str) -> None:
    settings = SERVICES[name].settings
    arguments = settings["build"]["args"]
    assert settings["user"] == f"{arguments['VASTINE_UID']}:{arguments['VASTINE_GID']}"


def test_the_image_and_the_set_up_install_the_same_system_packages() -> None:
    listed = re.search(r"(?m)^readonly RUN_PACKAGES=\((.*)\)$", SETUP)
    assert listed is not None
    assert all(package in DOCKERFILE for package in listed[1].split())


def test_everything_the_image_copies_passes_the_ignore_file() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8")
    for line in re.findall(r"(?m)^COPY (?!--from)(.*)$", DOCKERFILE):
        for source in line.split()[:-1]:
            assert f"!{source}\n" in ignored
