"""Puts a sandbox together: state folder, shared runtime, the world and the vendors that were asked for.

Opening sockets and serving is runner.py's.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from pathlib import Path

from filelock import FileLock, Timeout

from .core.context import SandboxContext
from .core.errors import SandboxError
from .core.simulation import Progress, Simulation
from .core.vendor import VendorSandbox
from .core.world.generator import Size
from .core.world.world import World

VENDORS = ("salesforce", "netsuite", "stripe")

DEFAULT_SIZE = Size(seed=7, customers=2_000, invoices=20_000)


@dataclass(frozen=True)
class Options:
    """What to run. `size` None keeps the world that is there.

    A vendor is a name of VENDORS or a dotted module path, whose module exports `build`. Ports: 0 is any free port;
    with `base_port` the control port has it and the vendors follow in order; `ports` names single ones.
    """

    state_dir: Path
    size: Size | None = DEFAULT_SIZE
    vendors: tuple[str, ...] = VENDORS
    base_port: int = 0
    ports: dict[str, int] = field(default_factory=dict)
    live: float | None = None
    fresh: bool = False


def take_folder(state_dir: Path) -> FileLock:
    """Locks the state folder for this process; the lock goes with the process. Raises SandboxError when taken."""
    state_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(state_dir / "sandbox.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise SandboxError(f"a sandbox already runs on {state_dir}; stop it or give another state folder") from error
    return lock


def open_simulation(options: Options, progress: Progress) -> Simulation:
    """Opens the world of the folder, or seeds it: at first use, after an interrupted seeding, or when `fresh`.

    Raises SandboxError when another world lives there than the one asked for.
    """
    world = World(options.state_dir)
    if world.seeded and not options.fresh:
        _same_world(world, options)
        simulation = _assemble(world, options, world.size.seed)
        simulation.recover()
        return simulation
    world.store.close()
    if options.size is None:
        raise SandboxError(f"there is no world in {options.state_dir}; give its seed, customers and invoices")
    _clear(options.state_dir)
    simulation = _assemble(World(options.state_dir), options, options.size.seed)
    simulation.seed(options.size, progress)
    # seeding takes a while; the world begins when it is done
    simulation.context.clock.start_over()
    return simulation


def _same_world(world: World, options: Options) -> None:
    if options.size is not None and options.size != world.size:
        raise SandboxError(
            f"{options.state_dir} holds another world ({world.size}) than asked for ({options.size});"
            " start afresh or give another state folder"
        )
    missing = [name for name in options.vendors if name not in world.store.get("vendors", [])]
    if missing:
        raise SandboxError(f"the world of {options.state_dir} was seeded without {', '.join(missing)}; start afresh")


def _assemble(world: World, options: Options, seed: int) -> Simulation:
    context = SandboxContext.open(options.state_dir, seed)
    simulation = Simulation(context, world, [_build(name, context) for name in options.vendors])
    world.store.put(vendors=sorted({*world.store.get("vendors", []), *options.vendors}))
    return simulation


def _build(name: str, context: SandboxContext) -> VendorSandbox:
    path = name if "." in name else f"arsync_pipelines.sandbox.{name}"
    try:
        module = importlib.import_module(path)
    except ModuleNotFoundError as error:
        if error.name != path:
            raise
        raise SandboxError(f"there is no sandbox vendor {name!r}; known: {', '.join(VENDORS)}") from error
    vendor: VendorSandbox = module.build(context)
    return vendor


def _clear(state_dir: Path) -> None:
    """Removes every trace of a world but the secrets, which configurations may already name."""
    for pattern in ("*.db", "*.db-wal", "*.db-shm", "clock.json", "sandbox.json"):
        for path in state_dir.glob(pattern):
            path.unlink()
