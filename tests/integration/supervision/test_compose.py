"""``docker/compose.yaml`` and what lies beside it: complete, locked in, no secret in sight, on metrics that exist.

What an engine makes of it is seen by starting it; this is what can be read.
"""

import json
import re
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from apps.management.adapters.on_demand_programs import RESEARCH
from apps.management.queries import firm_gauges
from tests.support.house_settings import house_settings
from tests.support.running_firm import ROOT
from tradinghq.management.commands.prepare import METRICS
from tradinghq.supervision.house_programs import (
    CONTAINER_LOOPS,
    CORE_LOOPS,
    CORE_TEAMS,
    EXECUTION,
    EXECUTION_LOOPS,
    GUARD_LOOPS,
    INFERENCE_LOOPS,
    inference_programs,
)

DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
STACK = yaml.safe_load((DOCKER / "servers" / "stack.yaml").read_text())
HOUSE = {"prepare", "web", "beat", "core", "fleet", "execution", "guard", "research", "inference"}
KEYS_ONLY_IN = {"prepare", "execution"}
GRAFANA = DOCKER / "compose" / "grafana"


def words(service: str, option: str) -> list[str]:
    command = SERVICES[service]["command"]
    return command[command.index(option) + 1].split(",")


def networks_of(service: str) -> set[str]:
    return set(SERVICES[service]["networks"])


def sources(service: str) -> list[str]:
    return [volume.rsplit(":/", 1)[0] for volume in SERVICES[service].get("volumes", [])]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_locked_in(name):
    one = SERVICES[name]
    assert one["cap_drop"] == ["ALL"]
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert one["read_only"] is True
    assert one["mem_limit"]
    assert one["pids_limit"] > 0
    assert "privileged" not in one
    assert "network_mode" not in one
    assert ":latest" not in one["image"]
    assert ":" in one["image"]


@pytest.mark.parametrize("name", sorted(HOUSE))
def test_the_houses_own_run_as_a_user_without_rights_from_images_of_ours(name):
    assert SERVICES[name]["user"] == "10000:10000"
    assert SERVICES[name]["image"].startswith("tradinghq-")


def test_the_engine_is_reached_by_the_fleet_alone_and_only_through_the_proxy():
    assert [name for name in SERVICES if any("docker.sock" in one for one in sources(name))] == ["engine-proxy"]
    assert [name for name in SERVICES if "engine" in networks_of(name)] == ["fleet", "engine-proxy"]
    assert networks_of("engine-proxy") == {"engine"}
    assert COMPOSE["networks"]["engine"]["internal"] is True
    assert [name for name in SERVICES if "DOCKER_HOST" in SERVICES[name].get("environment", {})] == ["fleet"]


def test_who_has_a_way_out_needs_it_and_servers_have_none():
    assert {name for name in SERVICES if networks_of(name) & {"outside", "desk"}} == {
        "core",
        "execution",
        "front",
        "grafana",
    }
    for name in ("inner", "engine", "agents", "front"):
        assert COMPOSE["networks"][name]["internal"] is True
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}
    assert published == {"front": ["${HQ_FRONT:-127.0.0.1}:443:443"], "grafana": ["127.0.0.1:3000:3000"]}


def test_exchange_keys_can_be_opened_by_the_executor_alone():
    assert {name for name in SERVICES if "pgp_passphrase" in SERVICES[name].get("secrets", [])} == KEYS_ONLY_IN
    assert {name for name in SERVICES if "home" in sources(name)} == KEYS_ONLY_IN


def test_every_loop_and_every_queue_of_the_house_is_carried_once():
    loops = [name for one in SERVICES.values() for name in one.get("environment", {}).get("HQ_LOOPS", "").split(",")]
    assert sorted(name for name in loops if name) == sorted(
        (*CORE_LOOPS, *CONTAINER_LOOPS, *EXECUTION_LOOPS, *INFERENCE_LOOPS, *GUARD_LOOPS)
    )
    workers = ("core", "fleet", "execution", "research")
    queues = [queue for name in workers for queue in words(name, "--queues")]
    assert sorted(queues) == sorted((*CORE_TEAMS, EXECUTION, RESEARCH))
    for name in ("core", "fleet", "execution"):
        assert words(name, "--include") == [
            "workers.worker_loops",
            *(f"workers.{one}" for one in words(name, "--queues")),
        ]
    assert SERVICES["execution"]["environment"]["HQ_LOOPS"].split(",")[0] == "leadership"


def test_the_worker_with_networks_is_started_on_demand_and_serves_the_device_that_it_says():
    one = SERVICES["inference"]
    assert (one["profiles"], one["image"].split(":")[0]) == (["neural"], "tradinghq-inference")
    (program,) = inference_programs(house_settings(devices=(one["environment"]["HQ_DEVICE"],)))
    assert one["command"] == ["python", *program.argv[1:]]
    for name in ("HQ_DEVICE", "HQ_PROCESS", "HQ_LOOPS"):
        assert one["environment"][name] == program.environment[name]


def test_every_setting_is_one_that_the_house_reads():
    read = "".join(
        path.read_text() for folder in ("tradinghq", "apps", "workers") for path in (ROOT / folder).rglob("*.py")
    )
    for name in HOUSE:
        for setting in SERVICES[name]["environment"]:
            if setting not in {"PROMETHEUS_MULTIPROC_DIR", "DOCKER_HOST", "NUMBA_CACHE_DIR"}:
                assert f'"{setting.removesuffix("_FILE")}"' in read, setting


@pytest.mark.parametrize("name", STACK["services"])
def test_a_server_that_firms_share_is_locked_in_and_publishes_nothing(name):
    one = STACK["services"][name]
    assert one["user"] == "10002:10002"
    assert (one["read_only"], one["cap_drop"], list(one["networks"])) == (True, ["ALL"], ["servers"])
    assert one["deploy"]["resources"]["limits"].keys() == {"memory", "pids"}
    assert "ports" not in one
    assert one["image"].startswith("${HQ_SERVERS_IMAGE:?")
    assert one["environment"].keys() == {"NAME", "ETCD", "POSTGRES"}
    assert STACK["networks"]["servers"] | {"internal": True, "attachable": True} == STACK["networks"]["servers"]


def test_every_server_is_on_a_host_of_its_own_kind_and_known_by_its_name():
    names = [name for kind in ("ETCD", "POSTGRES") for name in STACK["x-names"][kind].split()]
    assert [*names, "front"] == list(STACK["services"])
    for name in names:
        one = STACK["services"][name]
        host = name.rpartition("-")[2]
        assert one["environment"]["NAME"] == name
        assert one["deploy"]["placement"]["constraints"] == [f"node.labels.tradinghq-{host} == yes"]
        assert f"{name}:/data" in one["volumes"]
    for name, secret in STACK["secrets"].items():
        assert secret == {"file": f"../secrets/{name}"}


def test_a_firm_on_shared_servers_has_all_but_the_database_of_its_own():
    shared = yaml.load((DOCKER / "compose.shared.yaml").read_text(), _Merged)
    assert shared["services"].pop("postgres") is None
    assert shared["services"].keys() == HOUSE
    assert {tuple(one["networks"]) for one in shared["services"].values()} == {("servers",)}
    assert shared["networks"]["servers"]["name"] == STACK["networks"]["servers"]["name"]


class _Merged(yaml.SafeLoader):
    """Reads a file that compose lays over another one: what is reset is None, what is overridden is itself."""


_Merged.add_constructor("!reset", lambda *_: None)
_Merged.add_constructor("!override", lambda loader, node: loader.construct_mapping(node, deep=True))


def test_no_secret_is_in_an_environment_or_an_argument():
    for name, one in SERVICES.items():
        for setting, value in one.get("environment", {}).items():
            if (
                re.search("PASSWORD|SECRET|PASSPHRASE|DATABASE|(^|_)REDIS_URL", setting)
                and setting != "HQ_AGENT_REDIS_URL"
            ):
                assert value.startswith("/run/secrets/"), f"{name} {setting}"
    assert not re.search(r"://[^/\s]*:[^/\s]*@", (DOCKER / "compose.yaml").read_text())
    for name, one in COMPOSE["secrets"].items():
        assert one == {"file": f"./secrets/{name}"}


def test_every_named_part_is_there():
    for one in SERVICES.values():
        assert set(one.get("secrets", [])) <= COMPOSE["secrets"].keys()
        assert set(one["networks"]) <= COMPOSE["networks"].keys()
        assert set(one.get("depends_on", {})) <= SERVICES.keys()
        for volume in one.get("volumes", []):
            source = volume.split(":")[0]
            assert source in COMPOSE["volumes"] or source.startswith("$") or (DOCKER / source).exists(), source
    folders = {
        one["environment"]["PROMETHEUS_MULTIPROC_DIR"].rsplit("/", 1)[1]
        for name, one in SERVICES.items()
        if name in HOUSE - {"prepare", "web"}
    }
    assert folders == set(METRICS)


def test_secrets_are_made_once_and_fit_together(tmp_path):
    script = tmp_path / "make-secrets"
    script.write_text((DOCKER / "make-secrets").read_text())
    made = [_made(script) for _ in range(2)]
    assert made[0] == made[1]
    secrets = made[0]
    assert secrets.keys() == COMPOSE["secrets"].keys()
    password = re.fullmatch(r"redis://:([0-9a-f]{48})@redis:6379/0\n", secrets["redis_url"])[1]
    assert secrets["redis_config"].startswith(f"requirepass {password}\n")
    assert "maxmemory-policy noeviction" in secrets["redis_config"]
    for name, role in (("database_url", "hq_app"), ("database_owner_url", "hq_owner")):
        assert re.fullmatch(rf"postgresql://{role}:[0-9a-f]{{48}}@postgres:5432/tradinghq\n", secrets[name])
    assert len(set(secrets.values())) == len(secrets)
    folder = tmp_path / "secrets"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}


def _made(script: Path) -> dict[str, str]:
    subprocess.run(["sh", str(script)], check=True, capture_output=True)
    return {path.name: path.read_text() for path in (script.parent / "secrets").iterdir()}


def test_secrets_never_enter_the_repository_or_an_image():
    assert "/docker/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    kept_out = (ROOT / ".dockerignore").read_text().splitlines()
    assert kept_out.index("docker/secrets") > kept_out.index("!docker")
    assert not [line for line in kept_out if "secrets" in line and line[0] == "!"]


@pytest.mark.django_db
def test_dashboards_and_alerts_ask_for_metrics_that_there_are(clean_redis):
    source = "".join(
        path.read_text() for folder in ("tradinghq", "apps", "workers") for path in (ROOT / folder).rglob("*.py")
    )
    boards = [json.loads(path.read_text()) for path in (GRAFANA / "dashboards").glob("*.json")]
    asked = [target["expr"] for board in boards for panel in board["panels"] for target in panel["targets"]]
    rules = yaml.safe_load((DOCKER / "compose" / "prometheus" / "alerts.yml").read_text())
    asked += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    names = {name.removesuffix("_bucket") for expression in asked for name in re.findall(r"hq_[a-z_]+", expression)}
    assert len(names) > 15
    assert [name for name in sorted(names) if f'"{name}"' not in source] == []
    assert {board["uid"] for board in boards} == {"tradinghq-firm", "tradinghq-work"}


@pytest.mark.django_db
def test_the_firm_tells_its_gauges(clean_redis):
    from tests.support.trading_desk import open_desk

    open_desk()
    told = {metric.name: [(sample.labels, sample.value) for sample in metric.samples] for metric in firm_gauges()}
    assert told["hq_trading_state"] == [({}, 0)]
    assert told["hq_equity"] == [({"account": "paper"}, 1000.0)]
    assert (told["hq_orders_unknown"], told["hq_order_unknown_age_seconds"]) == ([({}, 0)], [({}, 0.0)])
    assert told["hq_lease_held"] == [({}, 1)]
    assert sorted(labels["severity"] for labels, _ in told["hq_incidents_open"]) == ["critical", "notice", "warning"]
