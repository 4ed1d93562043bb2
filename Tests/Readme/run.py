#!/usr/bin/env python3
"""Compiles and runs the programs of README.md as they are printed there, with an echo server running.

The C program is linked by the `cc` command and by the CMake lines of the README, against the library installed in --prefix;
the Swift program is a package that depends on this one by path. Each must print `hello`. In that package is examples/swift too: the
client for wss:// prints `hello` once it has named its TLS. Ends with a line
`N passed, M failed, K skipped`. scripts/test_readme calls it.
"""

import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Support"))
from programs import (
    EXAMPLES,
    ROOT,
    ProgramError,
    Server,
    end_on_sigterm,
    free_port,
    python_environment,
)

WORK = ROOT / "build" / "readme"
TIMEOUT = 900

CMAKE_HEAD = "cmake_minimum_required(VERSION 3.25)\nproject(hello LANGUAGES C)\n"

SWIFT_MANIFEST = """// swift-tools-version:6.1
import PackageDescription

let package = Package(
  name: "hello",
  dependencies: [{dependency}],
  targets: [
    .executableTarget(name: "hello", dependencies: [{product}]),
    .executableTarget(name: "wss_client", dependencies: [{product}]),
  ]
)
"""


def fenced_blocks(text):
    """The fenced blocks with a language: language -> text. Each language is there once."""
    blocks = {}
    for language, block in re.findall(r"^```(\w+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        if language in blocks:
            raise ProgramError(f"README.md has two blocks of {language}; the test knows one")
        blocks[language] = block
    return blocks


def printed(text, pattern):
    """What the README says literally; the test uses these words, so that they stay true."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ProgramError(f"README.md no longer says anything like {pattern}")
    return found.group(0)


def run(command, folder, environment, shell=False):
    """Runs one step in a folder and returns its output."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            shell=shell,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramError(f"{command}: {error}") from None
    if done.returncode != 0:
        raise ProgramError(f"{command}: status {done.returncode}\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


class Reader:
    """Somebody who follows the README step by step."""

    def __init__(self, readme, prefix, secure):
        self.text = readme
        self.secure = secure
        self.blocks = fenced_blocks(readme)
        self.prefix = prefix
        pkgconfig = next(prefix.rglob("wsswift.pc")).parent
        self.c_environment = dict(
            os.environ,
            PKG_CONFIG_PATH=str(pkgconfig),
            LD_LIBRARY_PATH=str(pkgconfig.parent),
            CMAKE_PREFIX_PATH=str(prefix),
        )

    def folder(self, name, files):
        """A fresh folder with the given files."""
        folder = WORK / name
        for file, text in files.items():
            path = folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return folder

    def c_by_pkg_config(self):
        folder = self.folder("pkg-config", {"hello.c": self.blocks["c"]})
        run(printed(self.text, r"^cc hello\.c .*$"), folder, self.c_environment, shell=True)
        return run(["./hello"], folder, self.c_environment)

    def c_by_cmake(self):
        folder = self.folder("cmake", {"hello.c": self.blocks["c"], "CMakeLists.txt": CMAKE_HEAD + self.blocks["cmake"]})
        run(["cmake", "-S", ".", "-B", "build"], folder, self.c_environment)
        run(["cmake", "--build", "build"], folder, self.c_environment)
        return run(["build/hello"], folder, self.c_environment)

    def python(self):
        folder = self.folder("python", {"hello.py": self.blocks["python"]})
        return run([sys.executable, "hello.py"], folder, python_environment())

    def swift_package(self):
        """The package with all programs in Swift, beside this one under its own name."""
        dependency = printed(self.text, r'\.package\(path: "\.\./wsswift"\)')
        product = printed(self.text, r'\.product\(name: "WSSwift", package: "wsswift"\)')
        manifest = SWIFT_MANIFEST.format(dependency=dependency, product=product)
        example = ROOT.joinpath("examples/swift/wss_client.swift").read_text(encoding="utf-8")
        files = {"Sources/hello/main.swift": self.blocks["swift"], "Sources/wss_client/main.swift": example}
        folder = self.folder("swift/hello", {"Package.swift": manifest, **files})
        neighbour = folder.parent / "wsswift"
        if not neighbour.is_symlink():
            neighbour.symlink_to(ROOT)
        return folder

    def swift(self):
        return run(["swift", "run", "--quiet", "hello"], self.swift_package(), dict(os.environ))

    def swift_over_tls(self):
        url, ca = self.secure
        command = ["swift", "run", "--quiet", "wss_client", "--ca", ca, url, "hello"]
        heading, _, output = run(command, self.swift_package(), dict(os.environ)).partition("\n")
        return output if heading == "TLSv1.3, CN=good" else heading


def choose_port(readme):
    """The README with a port that can be used: the printed one, or another when somebody has that."""
    port = int(re.search(r"ws://127\.0\.0\.1:(\d+)", readme).group(1))
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return readme, port
        except OSError:
            other = free_port()
    print(f"port {port} is taken; the programs run with {other} instead")
    return readme.replace(f"127.0.0.1:{port}", f"127.0.0.1:{other}"), other


def try_step(step):
    """True when the program prints hello and nothing else."""
    try:
        output = step()
    except (ProgramError, KeyError) as error:
        print(f"not ok {step.__name__}: {error}")
        return False
    if output != "hello\n":
        print(f"not ok {step.__name__}: printed {output!r} instead of hello")
        return False
    print(f"ok {step.__name__}")
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prefix", required=True, type=Path, help="where the library is installed")
    parser.add_argument("--only", metavar="STEP", help="one step, such as c_by_pkg_config")
    options = parser.parse_args()
    end_on_sigterm()
    for name in ("pkg-config", "cmake", "python"):
        shutil.rmtree(WORK / name, ignore_errors=True)
    readme, port = choose_port(ROOT.joinpath("README.md").read_text(encoding="utf-8"))
    certificates = WORK / "certificates"
    subprocess.run([HERE.parent / "Support" / "make_certificates", certificates], check=True)
    identity = ["--certificate", certificates / "good.pem", "--key", certificates / "good.key"]
    passed = failed = 0
    try:
        plain = Server([EXAMPLES / "echo_blocking", "--port", str(port)], WORK / "server.log")
        with plain, Server([EXAMPLES / "echo_blocking", *identity], WORK / "secure.log") as secure:
            reader = Reader(readme, options.prefix, (secure.url, str(certificates / "ca.pem")))
            for step in (reader.c_by_pkg_config, reader.c_by_cmake, reader.python, reader.swift, reader.swift_over_tls):
                if options.only not in (None, step.__name__):
                    continue
                good = try_step(step)
                passed, failed = passed + good, failed + (not good)
    except ProgramError as error:
        print(f"not ok: {error}")
        failed += 1
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
