"""`tetrad demo`: the whole of it in a minute, against a real service in a process of its own.

Nothing here is staged: the service is `tetrad serve` over a data folder, the fleet speaks HTTP, the
answers are verified by the SDK against the pinned genesis, and the audit is the one that anybody
can run. Each line stands for what has just happened; a step that fails ends the demonstration with
exit code 1.
"""

from __future__ import annotations

import asyncio
import secrets
import tempfile
import time
from itertools import count
from pathlib import Path

import orjson

from identity.disclosure import NUMBER, open_disclosure
from identity.errors import Gone, NotFound, TetradError
from registry.audit import audit
from registry.evidence import check_evidence
from registry.rules import RuleBook
from resolver.client import AsyncClient, Resolved
from resolver.demo.meeting import IMPOSTORS, gather, meet
from resolver.demo.showing import Showing, insist
from resolver.folder import DataFolder
from resolver.schemes import SCHEMES
from resolver.simulator.fleet import Device
from resolver.simulator.hostile import created
from resolver.simulator.life import happen, happened
from resolver.simulator.lying.lies import LIES
from resolver.simulator.lying.scenes import World
from resolver.simulator.lying.stage import play
from resolver.simulator.lying.watching import NOTHING
from resolver.simulator.lying.witness import LoopbackWitness
from resolver.simulator.process import ServiceProcess
from resolver.simulator.run import Progress, Simulation, silent
from resolver.simulator.signing import Signed
from resolver.simulator.wire import Wire
from resolver.verifier import verify_absence

NEXT = ". .venv/bin/activate && tetrad serve --data ./city"
LONGEST = 600.0
"""Seconds after which the demonstration gives up."""

_LOOKUPS = 20
"""Private codes and numbers that are looked up: the service counts such questions."""
_BEYOND_ATTACKS = 1_000
"""Numbers after the fleet's own that the attacks may use."""
_NAMED = ("stolen code", "cloned key", "foreign prefix")
"""Attacks that are told of by name, after the forged registration."""


def run_demo(
    devices: int = 200,
    workers: int = 4,
    *,
    keep: Path | None = None,
    as_json: bool = False,
    progress: Progress = silent,
) -> int:
    """Plays the demonstration; the exit code is 0 when every step went as it should.

    `keep` is a folder for the ledger, which must be free; without it the ledger is gone afterwards.
    """
    demo = Demonstration(devices, workers, progress, quiet=as_json)
    try:
        with tempfile.TemporaryDirectory(prefix="tetrad-demo-") as folder:
            asyncio.run(demo.play(keep or Path(folder) / "city"))
    except (TetradError, RuntimeError, TimeoutError) as error:
        if isinstance(error, TetradError):
            problem = error.problem()
        else:
            problem = {"detail": str(error) or type(error).__name__, "code": "demo"}
        demo.failed(problem)
        return 1
    demo.done(NEXT)
    return 0


class Demonstration(Showing):
    """One showing."""

    def __init__(self, devices: int, workers: int, progress: Progress, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._devices = devices
        self._workers = workers
        self._progress = progress

    async def play(self, data: Path) -> None:
        """Everything, over a ledger in `data`. Raises what goes wrong."""
        async with asyncio.timeout(LONGEST):
            with tempfile.TemporaryDirectory(prefix="tetrad-demo-") as folder:
                await self._serve(data, Path(folder))
                self._meet()
                await self._lie(Path(folder) / "lie")
            self._audit(data)

    async def _serve(self, data: Path, folder: Path) -> None:
        with (
            LoopbackWitness(folder / "witness", time.time) as self._witness,
            ServiceProcess(data) as service,
        ):
            self._policy = folder / "policy"
            self._policy.write_text(self._witness.policy)
            async with Wire(service.url, self._workers) as wire:
                self.show(
                    "started",
                    f"service started: SQLite on disk, {service.url}, {self.seconds:.1f} s",
                    seconds=round(self.seconds, 2),
                )
                await self._against(service, wire)

    async def _against(self, service: ServiceProcess, wire: Wire) -> None:
        self._run = Simulation(
            wire,
            self._devices,
            seed=secrets.randbelow(2**32),
            workers=self._workers,
            keep=True,
            progress=self._progress,
        )
        await self._register()
        async with AsyncClient(service.url, trust=self._run.trust) as client:
            self._client = client
            await self._resolve()
            await self._miss()
            await self._disclose()
            await self._live()
            await self._attack()
            self._scene = await gather(self._run, client, self._devices + _BEYOND_ATTACKS)
            await self._restart(service)
        await self._cosign(service.url)

    async def _register(self) -> None:
        run = self._run
        await run.begin()
        await run.found()
        operator, ledger = run.fleet.operator, run.trust.ledger
        self.show("pinned", f"genesis pinned: {ledger}", ledger=ledger)
        self.show("admitted", f"organization admitted: {operator.name}", did=operator.did)
        blocks = list(run.fleet.blocks(self._devices))
        few = ", ".join(f"{scheme}:{prefix}" for scheme, prefix in blocks[:3])
        self.show(
            "granted",
            f"{len(blocks)} prefixes granted: {few} …",
            prefixes=[":".join(block) for block in blocks],
        )
        await run.register()
        summary = run.summary
        insist(summary.devices == self._devices, f"{summary.devices} devices were registered")
        self.show(
            "registered",
            f"{summary.devices} devices registered over HTTP: {summary.rate:.0f}/s, every receipt "
            "verified",
            devices=summary.devices,
            rate=round(summary.rate, 1),
            profiles=dict(summary.profiles),
        )

    async def _resolve(self) -> None:
        """Every printed code, and some of what is only committed to."""
        plain = [one for one in self._run.devices if not SCHEMES.is_committed(one.code.scheme)]
        began = time.perf_counter()
        for device in plain:
            found = await self._client.resolve(device.code.value, scheme=device.code.scheme)
            insist(found.did == device.party.did, "a code led to another device")
            insist(found.status == "active", "a device is not active")
            insist(not found.asserted, "an answer rests on the registry's word")
        rate = len(plain) / (time.perf_counter() - began)
        self.show(
            "resolved",
            f"{len(plain)} codes resolved and proved: every answer verified against the pinned "
            "genesis",
            codes=len(plain),
            rate=round(rate, 1),
        )

    async def _miss(self) -> None:
        """A code under the operator's prefixes that nobody has registered."""
        free = (self._run.fleet.device(n).code for n in count(self._devices))
        code = next(one for one in free if not SCHEMES.is_committed(one.scheme))
        try:
            await self._client.resolve(code.value, scheme=code.scheme)
        except NotFound as missing:
            proof = missing.members.get("proof")
        else:
            raise RuntimeError("a code that nobody registered leads to a device")
        key = ("code", code.scheme, code.value)
        verify_absence(proof, self._client.trust.pinned, key)
        size = len(orjson.dumps(proof))
        absent = "a code that nobody registered: its absence proved in"
        self.show("absent", f"{absent} {size:,} bytes, verified offline", bytes=size)

    async def _disclose(self) -> None:
        """Numbers, which only who holds their disclosure can ask for."""
        numbered = [one for one in self._run.devices if one.number][:_LOOKUPS]
        for device in numbered:
            disclosures = self._run.kept[device.n].signed.disclosures
            found = await self._by_number(device, disclosures)
            insist(found.did == device.party.did, "a number led to another device")
        self.show(
            "disclosed",
            f"{len(numbered)} numbers resolved by disclosure: SIM, IMSI, IPv6 …, none of them on "
            "the ledger in clear",
            numbers=len(numbered),
        )

    async def _by_number(self, device: Device, disclosures: list[str]) -> Resolved:
        """The device on which a number is active, found by the disclosure of it."""
        opened = {one.name: one for one in map(open_disclosure, disclosures)}
        scheme = device.number.scheme if device.number else ""
        return await self._client.resolve(scheme=scheme, disclosure=opened[NUMBER].encoded)

    async def _by_code(self, device: Device, *, tombstones: bool = False) -> Resolved:
        code = device.code
        return await self._client.resolve(code.value, scheme=code.scheme, tombstones=tombstones)

    async def _happen(self, event: str, device: Device) -> Signed:
        """Sends what happens to a device, and verifies its receipt."""
        signed = happen(self._run.fleet, device, event, created())
        await self._run.insist(signed)
        happened(self._run.fleet, device, event, signed)
        return signed

    async def _live(self) -> None:
        """One device each is rotated, rebound, suspended and revoked."""
        able = [
            one
            for one in sorted(self._run.devices, key=lambda device: device.n)
            if one.number and not SCHEMES.is_committed(one.code.scheme)
        ]
        rotated, rebound, suspended, revoked = able[:4] if len(able) >= 4 else 4 * able[:1]
        before = rotated.party.key.public.multikey
        await self._happen("rotate", rotated)
        keys = (await self._by_code(rotated)).device["keys"]
        insist(keys == [rotated.party.key.public.multikey] != [before], "the key is the old one")
        old = self._run.kept[rebound.n].signed.disclosures
        signed = await self._happen("rebind", rebound)
        insist(
            (await self._by_number(rebound, signed.disclosures)).did == rebound.party.did,
            "the new number does not lead to its device",
        )
        try:
            await self._by_number(rebound, old)
            insist(False, "the old number still leads to the device")
        except NotFound:
            pass
        self.show(
            "changed",
            "a key rotated to the one committed to; a SIM replaced: its old number leads nowhere",
        )
        await self._happen("suspend", suspended)
        insist((await self._by_code(suspended)).status == "suspended", "not shown as suspended")
        await self._happen("revoke", revoked)
        try:
            await self._by_code(revoked)
            insist(False, "a revoked device resolves as if it were none")
        except Gone as gone:
            status = gone.status
        tombstone = await self._by_code(revoked, tombstones=True)
        insist(tombstone.status == "revoked", "not shown as revoked")
        self.show(
            "ended",
            f"a device suspended: resolves as SUSPENDED; a device revoked: {status}, with a proved "
            "tombstone",
        )

    async def _attack(self) -> None:
        """Every attack of the simulator, the forged registration first."""
        await self._run.attack()
        played = {one.name: one for one in self._run.summary.attacks}
        broken = [f"{one.name}: {one.got}" for one in played.values() if not one.held]
        insist(not broken, f"attacks got another answer than they must: {'; '.join(broken)}")
        forged = played["forged signature"]
        self.show(
            "forged",
            f"forged registration refused: {forged.got} (as it should be)",
            mark="✗",
            code=forged.got,
        )
        few = ", ".join(f"{name} ({played[name].got})" for name in _NAMED)
        self.show(
            "attacks",
            f"{len(played) - 1} other attacks failed as they should, among them\n    {few} …",
            mark="✗",
            attacks={one.name: one.got for one in played.values()},
        )

    async def _restart(self, service: ServiceProcess) -> None:
        """The service stops, starts again with a witness, and serves every receipt."""
        self._witness.know(*self._run.trust.log_keys)
        await asyncio.to_thread(service.restart, "--witnesses", str(self._policy))
        for kept in self._run.kept.values():
            served, _ = await self._client.receipt(kept.did, kept.signed.operation)
            insist(served.index == kept.entry, "a receipt is served for another place")
        count = len(self._run.kept)
        self.show(
            "restarted",
            f"service restarted: {count} receipts served again, each verified",
            receipts=count,
        )

    async def _cosign(self, url: str) -> None:
        """A client asks for the witness, whose time dates what it is shown."""
        trust = self._run.trust.asking(self._witness.policy)
        async with AsyncClient(url, trust=trust) as client:
            note = await client.checkpoint()
            age = client.flows.dated(trust.pinned.open(note))
        insist(age.by == "witnesses", "no witness dates the checkpoint")
        self.show(
            "cosigned",
            f"cosigned by 1 witness: checkpoint {age.seconds} s old by its clock",
            age=age.seconds,
        )

    def _meet(self) -> None:
        """Two devices, and impostors, with nothing but what they keep: no service runs."""
        met = meet(self._scene)
        self.show(
            "met",
            f"service stopped: two devices authenticated each other, {met.bytes:,} bytes in three "
            "messages",
            one=met.one,
            other=met.other,
            transcript=met.transcript,
            bytes=met.bytes,
        )
        few = ", ".join(f"{name} ({met.refused[name]})" for name in IMPOSTORS)
        self.show(
            "impostors",
            f"{len(met.refused)} impostors refused by the devices, among them\n    {few} …",
            mark="✗",
            attacks=met.refused,
        )

    async def _lie(self, folder: Path) -> None:
        """Another registry forks its ledger, and is caught."""
        lie = next(one for one in LIES if one.proved == "fork")
        world = World.build(int(time.time()))
        played = await asyncio.to_thread(play, lie, world, folder)
        caught = {who: code for who, code in played.caught.items() if code != NOTHING}
        insist(caught == lie.caught, f"a lie was caught otherwise than it must: {caught}")
        trust = played.trust
        check_evidence(played.evidence, trust.ledger, trust.open)
        self.show(
            "lied",
            f"a lying registry showed two histories: caught by the client "
            f"({caught['client that remembers']}), the\n    witness and the monitor, evidence kept "
            "and proved (as it should be)",
            mark="✗",
            caught=caught,
        )

    def _audit(self, data: Path) -> None:
        """Re-hashes and replays the whole ledger, and compares the database with it."""
        folder = DataFolder.open(data)
        began = time.perf_counter()
        try:
            audited = audit(
                folder.store,
                RuleBook(SCHEMES),
                genesis=self._run.trust.ledger,
                stored=folder.store,
                progress=self._progress("entries"),
            )
        finally:
            folder.close()
        seconds = time.perf_counter() - began
        self.show(
            "audited",
            f"ledger audited: every entry re-hashed and replayed, all {audited.size} of them in "
            f"{seconds:.1f} s",
            entries=audited.size,
            root=audited.root.hex(),
            operations=audited.operations,
        )
