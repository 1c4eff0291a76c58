"""The demo's course: sandbox, configuration, main job, proof, summary; then it lives until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from os import environ
from pathlib import Path
from typing import Annotated

import typer

from arsync_pipelines import bootstrap, settings
from arsync_pipelines.cli.console import complain, err, out
from arsync_pipelines.cli.demo.hooks import running_gateway
from arsync_pipelines.cli.demo.world import World, running_world
from arsync_pipelines.cli.runs import require, run_job


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End after the main job; exit 0 only if everything held.")
    ] = False,
    seed: Annotated[int, typer.Option(help="The world's seed: the same seed is the same company.")] = 7,
    customers: Annotated[int, typer.Option(help="Customers in the world.")] = 2000,
    invoices: Annotated[int, typer.Option(help="Invoices in the world.")] = 20_000,
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    directory: Annotated[Path, typer.Option(help="Where everything generated goes; emptied first.")] = Path(
        ".arsync/demo"
    ),
) -> None:
    """Show the main job end to end against the sandboxes."""
    from arsync_pipelines.cli.demo import summary  # these import Dagster and the sandbox: seconds
    from arsync_pipelines.cli.demo.configuration import write_configuration
    from arsync_pipelines.cli.demo.proof import prove

    signal.signal(signal.SIGTERM, _interrupt)  # what was started is ended whichever way the demo is
    folder = directory.resolve()
    shutil.rmtree(folder, ignore_errors=True)
    course = summary.Course({"customers": customers, "invoices": invoices, "seed": seed})
    err.print(f"A company with {customers:,} customers and {invoices:,} invoices is being made ...")
    try:
        with running_world(folder / "sandbox", seed, customers, invoices) as world:
            config = folder / "arsync.toml"
            write_configuration(world, config, folder / "state")
            environ["ARSYNC_CONFIG"] = str(config)
            with running_gateway(world, folder / "state" / "logs" / "gateway.log") as gateway:
                _prepare()
                course.outcome = run_job("sync_ar_job")
                platform = bootstrap.platform()
                course.expectations = summary.expectations(platform)
                require(course.outcome, "the main job")
                require(run_job("prove_reconciliation_job"), "the proof")
                course.proof = prove(platform, world)
                report = summary.make_report(course)
                held = summary.everything_held(report, course.proof)
                summary.write_report(report, folder / "report.json")
                summary.print_summary(report, held)
                if not once:
                    _live(world, port, gateway)
    except BaseException as error:
        course.error = f"{type(error).__name__}: {error}"
        summary.write_report(summary.make_report(course), folder / "report.json")
        raise
    if not held:
        raise typer.Exit(1)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _prepare() -> None:
    """What `arsync init` and `arsync doctor` do: create our objects in the CRM, look at every connection."""
    platform = bootstrap.platform()
    for connection in platform.connections.values():
        if connection.connector.prepare:
            done = connection.connector.prepare(connection.name, connection.options, settings.reveal)
            err.print(f"{connection.name}: {len(done)} objects and fields created in {connection.connector.title}")
    for name in platform.connections:
        for check in platform.source(name).check():
            if check.status == "failed":
                complain(f"{name}: {check.name}: {check.detail} {check.advice}")


def _live(world: World, port: int, gateway: str) -> None:
    """Time passes in the world, Dagster's sensors bring the changes over, until Ctrl-C."""
    world.post("/live", {"rate": 240})
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-h", "127.0.0.1", "-p", str(port)]
    command += ["-w", str(bootstrap.PROJECT_ROOT / "workspace.yaml"), "--log-level", "warning"]
    log = settings.load().state_dir / "logs" / "dagster.log"
    with log.open("a", encoding="utf-8") as lines:
        process = subprocess.Popen(command, start_new_session=True, stdout=lines, stderr=subprocess.STDOUT)
    out.print(f"\nDagster UI     http://127.0.0.1:{port}")
    for name, url in world.urls.items():
        out.print(f"{name:<14} {url}")
    out.print(f"{'gateway':<14} {gateway}/healthz, {gateway}/metrics")
    out.print(f"{'log':<14} {log}")
    out.print("A day passes every six minutes; sensors bring it over. Ctrl-C ends everything.")
    try:
        process.wait()
    except KeyboardInterrupt:
        out.print("ending ...")
    finally:
        os.killpg(process.pid, signal.SIGINT)  # dagster dev ends its own children on this
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
