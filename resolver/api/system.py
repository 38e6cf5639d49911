"""What machines ask of a service: who it is, how it is, and its figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import orjson
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from identity.disclosure import MAX_DISCLOSURE_BYTES
from identity.errors import LedgerStopped
from identity.operation import MAX_OPERATION_BYTES, MAX_PROOFS
from registry.checking import MAX_DISCLOSURES
from resolver.api.problems import problem_response
from resolver.api.requests import query
from resolver.api.responses import json_response
from resolver.service import Service

ENDPOINTS = {
    "operations": "/v1/operations",
    "prepare": "/v1/operations/prepare",
    "resolve": "/v1/resolve",
    "devices": "/v1/devices",
    "organizations": "/v1/organizations",
    "grants": "/v1/grants",
    "nodes": "/v1/nodes",
    "registry": "/v1/registry",
    "identifiers": "/1.0/identifiers/",
    "things": "/things",
    "shells": "/lookup/shellsByAssetLink",
    "checkpoint": "/checkpoint",
    "tiles": "/tile/",
    "events": "/v1/events",
    "entries": "/v1/ledger/entries/",
    "proofs": "/v1/ledger/proofs/",
    "keys": "/v1/ledger/keys",
    "challenges": "/v1/challenges",
    "authentications": "/v1/authentications",
    "introspections": "/v1/introspections",
    "openapi": "/openapi.json",
}


def installed_version() -> str:
    """The version of this distribution; "0" where it runs from a folder of sources."""
    try:
        return version("tetrad")
    except PackageNotFoundError:
        return "0"


class SystemEndpoints:
    """Description, health and metrics of one service."""

    def __init__(
        self, service: Service, statuses: Counter[int], further: Sequence[Collector] = ()
    ) -> None:
        """`statuses` counts the answers that were given, by their status; `further` figures are
        shown beside the service's own."""
        self._service = service
        self._registry = CollectorRegistry()
        for figures in (Figures(service, statuses), *further):
            self._registry.register(figures)

    def routes(self) -> list[BaseRoute]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/.well-known/tetrad", self.description),
            Route("/healthz", self.health),
            Route("/readyz", self.readiness),
            Route("/metrics", self.metrics),
        ]

    async def description(self, request: Request) -> Response:
        """All that a client needs to pin this ledger and to talk to the service."""
        query(request.scope, ())
        return json_response(orjson.dumps(describe(self._service)))

    async def health(self, request: Request) -> Response:
        """The process is alive."""
        query(request.scope, ())
        return json_response(b'{"status":"ok"}')

    async def readiness(self, request: Request) -> Response:
        """Operations are taken and published, or why not."""
        query(request.scope, ())
        if not self._service.ready:
            failure = self._service.failure
            return problem_response(failure or LedgerStopped("the service is stopping"))
        return json_response(orjson.dumps({"status": "ready", **standing(self._service)}))

    async def metrics(self, request: Request) -> Response:
        """Figures in the text format of Prometheus."""
        query(request.scope, ())
        return Response(generate_latest(self._registry), 200, {}, CONTENT_TYPE_LATEST)


def standing(service: Service) -> dict[str, Any]:
    """What is published, and how the witnesses stand: a witness that fails holds up nothing, but it
    does not go unnoticed."""
    current = service.publication.current
    shown: dict[str, Any] = {"published": None}
    if current is not None:
        shown["published"] = {"size": current.size, "seconds": max(0, service.now - current.time)}
    if service.publication.failures:
        shown["staticFiles"] = {"failures": service.publication.failures}
    if service.witnesses is not None:
        shown["quorum"] = service.publication.cosigned
        shown["witnesses"] = [asdict(one) for one in service.witnesses.figures()]
    return shown


def describe(service: Service) -> dict[str, Any]:
    """The content of /.well-known/tetrad."""
    genesis: dict[str, Any] = service.site.genesis
    settings = service.settings
    size = service.reader.head().size
    log = service.reader.log_keys(size)
    return {
        "ledger": service.ledger_hash,
        "label": service.label,
        "authority": f"did:tetrad:{service.label}:{service.ledger_hash}",
        "origin": genesis["body"]["origin"],
        "mode": genesis["body"]["mode"],
        "genesis": genesis,
        "log": {"vkey": log[0], "vkeys": log},
        "policy": service.reader.registry(size)["policy"],
        "witnesses": service.witnesses.policy.format() if service.witnesses else "",
        "versions": {"tetrad": installed_version(), "format": genesis["body"]["format"]},
        "schemes": list(service.schemes.names()),
        "limits": {
            "operationBytes": MAX_OPERATION_BYTES,
            "disclosures": MAX_DISCLOSURES,
            "disclosureBytes": MAX_DISCLOSURE_BYTES,
            "proofs": MAX_PROOFS,
            "bodyBytes": settings.body_bytes,
            "batchLines": settings.batch_lines,
            "batchBytes": settings.batch_bytes,
            "pageRows": settings.page_rows,
            "lookupsPerMinute": settings.lookups,
            "absencesPerDay": settings.absences,
        },
        "endpoints": ENDPOINTS,
    }


class Figures(Collector):
    """Reads the service's figures when they are asked for; nothing is counted twice."""

    def __init__(self, service: Service, statuses: Counter[int]) -> None:
        self._service = service
        self._statuses = statuses

    def collect(self) -> Iterator[Metric]:
        """The metrics as they stand."""
        writer, store = self._service.writer, self._service.store
        figures = writer.figures
        answers = CounterMetricFamily("tetrad_answers", "Answers by status", labels=["status"])
        for status, count in sorted(self._statuses.items()):
            answers.add_metric([str(status)], count)
        yield answers
        operations = CounterMetricFamily(
            "tetrad_operations", "Operations by what became of them", labels=["outcome"]
        )
        for outcome in ("accepted", "repeated", "refused"):
            operations.add_metric([outcome], getattr(figures, outcome))
        yield operations
        yield CounterMetricFamily("tetrad_commits", "Commits", value=figures.commits)
        yield CounterMetricFamily("tetrad_commit_seconds", "In commits", value=figures.seconds)
        yield GaugeMetricFamily("tetrad_queue", "Operations that wait", value=writer.waiting)
        yield GaugeMetricFamily(
            "tetrad_ready", "Takes operations and publishes them", value=self._service.ready
        )
        yield from self._published()
        head = store.head()
        yield GaugeMetricFamily("tetrad_entries", "Entries", value=head.size if head else 0)
        subjects = GaugeMetricFamily("tetrad_subjects", "What is registered", labels=["kind"])
        for kind in ("device", "organization", "grant"):
            subjects.add_metric([kind], store.count(kind))
        yield subjects

    def _published(self) -> Iterator[Metric]:
        """What is shown, and who has cosigned it."""
        publication, witnesses = self._service.publication, self._service.witnesses
        yield GaugeMetricFamily("tetrad_published", "Entries published", value=publication.size)
        yield CounterMetricFamily(
            "tetrad_static_failures", "Static files not written", value=publication.failures
        )
        if witnesses is None:
            return
        yield GaugeMetricFamily(
            "tetrad_quorum", "What is published meets the policy", value=publication.cosigned
        )
        behind = GaugeMetricFamily(
            "tetrad_witness_behind", "Entries not cosigned", labels=["witness"]
        )
        failures = CounterMetricFamily(
            "tetrad_witness_failures", "Answers of no use", labels=["witness", "reason"]
        )
        for one in witnesses.figures():
            behind.add_metric([one.name], one.behind)
            for reason, count in sorted(one.failures.items()):
                failures.add_metric([one.name, reason], count)
        yield behind
        yield failures
