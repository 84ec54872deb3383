#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""viommu viot, run as a program: what it prints, its exit status, files of
every kind, and whether iasl means the same by a table.
"""
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import textwrap
import time

sys.dont_write_bytecode = True
import ktap     # noqa: E402

HERE = pathlib.Path(__file__).resolve().parent
FIXTURES = HERE.parent / "fixtures"
PAGE = HERE.parents[1] / "Documentation/admin-guide/viommu.rst"
Q35 = FIXTURES / "viot-q35.bin"
SCRATCH = tempfile.TemporaryDirectory()
WORK = pathlib.Path(SCRATCH.name)

GOOD = b"iommu a pci 0000:00:02.0\npci 0000:00 endpoint 0 behind a\n"
BROKEN = GOOD + b"pci 0000:00:03.0 endpoint 3 behind a\nbroken\n"


def viommu(*args, stdin=b""):
    """Run it; a sanitizer that has something to say is no status of its own."""
    done = subprocess.run([os.environ["VIOMMU"], *map(str, args)], input=stdin,
                          capture_output=True, check=False, timeout=60)
    if done.returncode not in (0, 1, 2):
        raise AssertionError(f"{args}: {done.returncode}\n{done.stderr.decode()}")
    return done


def viot(*args, status=0, stdin=b""):
    """Run "viommu viot", expect its status, return its output."""
    done = viommu("viot", *args, stdin=stdin)
    if done.returncode != status:
        raise AssertionError(f"{args}: {done.returncode}, not {status}: "
                             f"{(done.stdout + done.stderr).decode()}")
    # Whoever says nothing does not help: trouble has a reason.
    assert status != 2 or done.stderr, args
    return done.stdout.decode()


def equal(left, right):
    if left != right:
        raise AssertionError(f"\n{left}\nis not\n{right}")


def made(name, spec):
    """The path of the table that a description gives."""
    path = WORK / name
    viot("build", "-", "-o", path, stdin=spec)
    return path


# ---- what it prints -----------------------------------------------------

Q35_TEXT = """\
VIOT revision 0, 136 bytes, checksum good, 4 nodes
OEM "BOCHS", table "BXPC" revision 1, made by "BXPC" revision 0x1

IOMMU 0000:00:02.0 (PCI, node 48)
  PCI functions                endpoint IDs = BDFs       node
  0000:00:00.0 - 0000:01:1f.7  0x0 - 0x1ff                 64
  0000:40:00.0 - 0000:41:1f.7  0x4000 - 0x41ff             88
  0000:c0:00.0 - 0000:c0:1f.7  0xc000 - 0xc0ff            112
  Of these, 0000:00:02.0 is the IOMMU itself: not translated.

Nothing else is behind an IOMMU.

0 errors, 0 warnings, 0 notes
"""


def test_text_of_qemus_table():
    equal(viot(Q35), Q35_TEXT)


def test_the_page_shows_what_is_printed():
    assert textwrap.indent(Q35_TEXT, "    ").replace("    \n", "\n") in PAGE.read_text()


def test_the_page_describes_a_table_that_can_be_built():
    _, _, rest = PAGE.read_text().partition("For example::\n")
    lines = rest.splitlines()
    end = next(i for i, line in enumerate(lines) if re.match(r"\S", line))
    spec = textwrap.dedent("\n".join(lines[:end]))
    assert "iommu main" in spec, spec
    viot("--lint", made("page", spec.encode()))


def test_text_is_sorted():
    spec = (b"iommu b pci 0001:00:02.0\niommu a pci 0000:00:02.0\n"
            b"pci 0002:00 - 0003:00 endpoint 0 behind a\n"
            b"pci 0001:00:03.0 endpoint 0x18 behind b\npci 0000:90 behind a\n"
            b"mmio 0x2000 endpoint 2 behind a\nmmio 0x1000 endpoint 1 behind a\n"
            b"pci 0000:10 behind a\niommu c mmio 0x3000\n")
    text = viot(made("sorted", spec))
    equal(re.findall(r"^(?:IOMMU|  [0-9]).*", text, re.M), [
        "IOMMU 0000:00:02.0 (PCI, node 64)",
        "  0000:10:00.0 - 0000:10:1f.7  0x1000 - 0x10ff            200",
        "  0000:90:00.0 - 0000:90:1f.7  0x9000 - 0x90ff            128",
        "  0002:00:00.0 - 0002:00:1f.7  0x0 - 0xff                  80",
        "  0003:00:00.0 - 0003:00:1f.7  0x10000 - 0x100ff           80",
        "  0x1000                       0x1                        176",
        "  0x2000                       0x2                        152",
        "IOMMU 0001:00:02.0 (PCI, node 48)",
        "  0001:00:03.0                 0x18                       104",
        "IOMMU 0x3000 (MMIO, node 224)"])
    equal(text.count("= BDFs"), 1)
    equal(text.count("  Nothing is behind it.\n"), 1)


def test_text_has_findings():
    text = viot(made("broken", BROKEN))
    assert ("1 error, 0 warnings, 0 notes:\n"
            "  at 88 (PCI 0000:00:03.0 - 0000:00:03.0, endpoint 0x3): error: the range "
            "overlaps with that of another node; node ignored; the other: at 64 "
            "(PCI 0000:00:00.0 - 0000:00:1f.7, endpoint 0x0)\n") in text, text


def test_lint():
    equal(viot("--lint", Q35), f"{Q35}: 0 errors, 0 warnings, 0 notes\n")
    path = made("lint", BROKEN + b"node 9\nmmio 4 endpoint 4 output 7\nchecksum 1\n"
                b"iommu b pci 0000:00:02.0\n")
    lines = viot("--lint", path, status=1).splitlines()
    equal([re.sub(r": [^:;]*(;[^:;]*)?(; the other: .*|; output_node .*)?$", r"\2",
                  line.removeprefix(f"{path}: ")) for line in lines[:-1]],
          ["at 9 (header): error",
           "at 88 (PCI 0000:00:03.0 - 0000:00:03.0, endpoint 0x3): error"
           "; the other: at 64 (PCI 0000:00:00.0 - 0000:00:1f.7, endpoint 0x0)",
           "at 112 (type 9): note",
           "at 116 (MMIO 0x4, endpoint 0x4): error; output_node is 7",
           "at 140 (IOMMU 0000:00:02.0): warning; the other: at 48 (IOMMU 0000:00:02.0)"])
    equal(lines[-1], f"{path}: 3 errors, 1 warning, 1 note")


def test_json_of_qemus_table():
    def bus(node, first, last):
        return {"node": node, "first": f"0000:{first:02x}:00.0",
                "last": f"0000:{last:02x}:1f.7", "segment_first": 0,
                "segment_last": 0, "bdf_first": first << 8,
                "bdf_last": last << 8 | 0xff, "endpoint_first": first << 8}

    equal(json.loads(viot("--json", Q35)), {
        "table": {
            "signature": "VIOT", "length": 136, "revision": 0, "checksum": 0x9a,
            "checksum_good": True, "oem_id": "BOCHS ",
            "oem_table_id": "BXPC    ", "oem_revision": 1,
            "creator_id": "BXPC", "creator_revision": 1, "node_count": 4,
            "node_offset": 48},
        "decoded": True,
        "iommus": [{"node": 48, "kind": "pci", "function": "0000:00:02.0",
                    "pci": [bus(64, 0, 1), bus(88, 0x40, 0x41),
                            bus(112, 0xc0, 0xc0)],
                    "mmio": []}],
        "findings": []})


def test_json_of_findings():
    path = made("json", BROKEN + b"mmio 4 endpoint 4 output 7\n")
    findings = json.loads(viot("--json", path))["findings"]
    equal([(f["severity"], f["code"], f["offset"], f["other"]) for f in findings],
          [("error", "PCI_OVERLAP", 88, 64), ("error", "BAD_OUTPUT", 112, 7)])
    assert all(f["text"] for f in findings)
    viot("--json", "--lint", path, status=1)


def test_json_of_what_is_no_table():
    equal(json.loads(viot("--json", "-", status=1, stdin=b"VIOT"))["table"], None)
    noise = bytes(255 - i for i in range(100))
    read = json.loads(viot("--json", "-", status=1, stdin=noise))
    equal((read["decoded"], read["iommus"]), (False, []))
    equal([f["code"] for f in read["findings"]], ["BAD_SIGNATURE"])


def test_find():
    path = made("find", GOOD + b"iommu b mmio 0x9000\npci 0001:00 - 0003:00 behind b\n"
                b"mmio 0x4000 endpoint 7 behind b\n")
    equal(viot("--find", "0000:00:1f.7", path),
          "0000:00:1f.7: endpoint 0xff of IOMMU 0000:00:02.0\n")
    equal(viot("--find=0002:00:00.1", path),
          "0002:00:00.1: endpoint 0x20001 of IOMMU 0x9000\n")
    equal(viot("-f", "0x4000", path), "0x4000: endpoint 0x7 of IOMMU 0x9000\n")
    for nothing in "0000:00:02.0", "0000:01:00.0", "0x4001", "0x9000":
        equal(viot("-f", nothing, path, status=1), f"{nothing}: not translated\n")
    for wrong in "eth0", "0000:00", "0000:00:20.0", "":
        viot("-f", wrong, path, status=2)


def test_spec_there_and_back():
    for table in FIXTURES.glob("viot-*.bin"):
        equal(made("again", viot("--spec", table).encode()).read_bytes(),
              table.read_bytes())


# ---- exit status, files of every kind -----------------------------------

def test_exit_status():
    broken, note = made("status", BROKEN), made("note", GOOD + b"node 9\n")
    for args, status in (
            (["--help"], 0), (["build", "--help"], 0), ([Q35], 0),
            (["--lint", Q35], 0), (["--lint", note], 0), ([broken], 0),
            (["--lint", broken], 1), (["--json", broken], 0),
            (["--spec", broken], 0), ([PAGE], 1), (["--lint", PAGE], 1),
            (["--spec", PAGE], 0),
            (["--what", Q35], 2), ([Q35, Q35], 2), (["--find"], 2),
            (["--spec", "--json", Q35], 2), (["--find", "1", "--lint", Q35], 2),
            ([WORK / "nothing"], 2), ([WORK], 2), (["build"], 2),
            (["build", Q35], 2), (["build", "-o", "x"], 2),
            (["build", Q35, Q35, "-o", WORK / "x"], 2),
            (["build", Q35, "-o", WORK / "x"], 1),
            (["build", WORK, "-o", WORK / "x"], 2),
            (["build", WORK / "nothing", "-o", WORK / "x"], 2)):
        viot(*args, status=status)


def test_the_program_itself():
    for args, status in (([], 2), (["--help"], 0), (["help"], 0),
                         (["help", "viot"], 0), (["help", "what"], 2),
                         (["what"], 2), (["--version"], 0)):
        equal(viommu(*args).returncode, status)
    equal(viommu("help", "viot").stdout, viommu("viot", "--help").stdout)
    assert re.fullmatch(rb"viommu \d+\.\d+\n", viommu("--version").stdout)


def test_empty_and_short():
    text = viot("-", status=1)
    assert "0 bytes, too few for a VIOT" in text and "1 error" in text, text
    for cut in 1, 35, 36, 47:
        viot("--lint", "-", status=1, stdin=Q35.read_bytes()[:cut])
        viot("--spec", "-", status=1, stdin=Q35.read_bytes()[:cut])


def test_input_in_bits():
    with subprocess.Popen([os.environ["VIOMMU"], "viot", "-"],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
        for byte in Q35.read_bytes():
            os.write(p.stdin.fileno(), bytes([byte]))
            time.sleep(0.001)
        p.stdin.close()
        equal(p.stdout.read().decode(), Q35_TEXT)


def test_without_a_file():
    ours = pathlib.Path("/sys/firmware/acpi/tables/VIOT")
    if ours.exists():
        print("# this machine has a VIOT")
        assert viot() == viot(ours)
    else:
        viot(status=2)


def test_too_large():
    viot("/dev/zero", status=2)
    viot("build", "/dev/zero", "-o", WORK / "x", status=2)
    path = WORK / "large"
    with path.open("wb") as large:
        large.truncate(16 << 20)
    viot(path, status=1)
    with path.open("ab") as large:
        large.write(b"\0")
    viot(path, status=2)


def test_output_that_cannot_be_written():
    for option in "--json", "--lint", "--spec":
        with open("/dev/full", "wb") as full:
            done = subprocess.run([os.environ["VIOMMU"], "viot", option, Q35],
                                  stdout=full, stderr=subprocess.PIPE, check=False)
        equal(done.returncode, 2)
        assert b"No space left" in done.stderr
    for output in "/dev/full", WORK, WORK / "none/x":
        viot("build", "-", "-o", output, status=2, stdin=GOOD)


def test_build_to_standard_output():
    done = viommu("viot", "build", "-", "-o", "-", stdin=GOOD)
    equal(done.stdout, made("file", GOOD).read_bytes())


def test_a_bad_description_leaves_the_output_alone():
    path = made("keep", GOOD)
    done = viommu("viot", "build", "-", "-o", path, stdin=b"what\n")
    equal((done.returncode, done.stderr), (1, b"-:1: error: there is no statement what\n"))
    equal(path.read_bytes(), made("other", GOOD).read_bytes())


# ---- what iasl says -----------------------------------------------------

# Fields of each type of node: name, bytes.
FIELDS = {
    1: (("Endpoint start", 4), ("PCI Segment start", 2), ("PCI Segment end", 2),
        ("PCI BDF start", 2), ("PCI BDF end", 2), ("Output node", 2),
        ("Reserved", 6)),
    2: (("Endpoint", 4), ("Base address", 8), ("Output node", 2), ("Reserved", 6)),
    3: (("PCI Segment", 2), ("PCI BDF number", 2), ("Reserved", 8)),
    4: (("Reserved", 4), ("Base address", 8)),
}
LENGTH = {1: 24, 2: 24, 3: 16, 4: 16}


def iasl(*args):
    done = subprocess.run(["iasl", *map(str, args)], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    complaints = re.findall(r"^.*(?:[Ee]rror|[Ww]arning).*$", done.stdout, re.M)
    complaints = [c for c in complaints if "0 Errors, 0 Warnings" not in c]
    if done.returncode or complaints:
        raise AssertionError(done.stdout)


def compiled(dsl):
    iasl("-p", WORK / "compiled", dsl)
    return WORK / "compiled.aml"


def disassembled(table):
    path = WORK / "disassembled.aml"
    path.write_bytes(pathlib.Path(table).read_bytes())
    iasl("-p", WORK / "disassembled", "-d", path)
    return (WORK / "disassembled.dsl").read_text()


def nodes_of(dsl):
    """Nodes as iasl writes them: [{name: number}], with their offsets."""
    header, nodes, offset = {}, [], 48
    text = re.sub(r"/\*.*?\*/", "", dsl, flags=re.S)
    for name, value in re.findall(r"^\[[^]]*\]\s*(.*?) : (\S+)", text, re.M):
        if name == "Type":
            nodes.append({})
        fields = nodes[-1] if nodes else header
        if not value.startswith('"'):
            fields[name] = int(value, 16)
    for node in nodes:
        node["offset"] = offset
        offset += node["Length"]
    equal(header["Node count"], len(nodes))
    equal(header["Node offset"], 48)
    return nodes


def function(segment, bdf):
    return f"{segment:04x}:{bdf >> 8:02x}:{bdf >> 3 & 31:02x}.{bdf & 7}"


def meaning(nodes):
    """What viommu --json should say of nodes that are all good."""
    iommus = {}
    for n in nodes:
        if n["Type"] == 3:
            iommus[n["offset"]] = {"kind": "pci", "function": function(
                n["PCI Segment"], n["PCI BDF number"])}
        elif n["Type"] == 4:
            iommus[n["offset"]] = {"kind": "mmio", "address": hex(n["Base address"])}
    for offset, iommu in iommus.items():
        mine = [n for n in nodes if n.get("Output node") == offset]
        iommu["node"] = offset
        iommu["pci"] = [{
            "node": n["offset"], "segment_first": n["PCI Segment start"],
            "segment_last": n["PCI Segment end"], "bdf_first": n["PCI BDF start"],
            "bdf_last": n["PCI BDF end"], "endpoint_first": n["Endpoint start"],
            "first": function(n["PCI Segment start"], n["PCI BDF start"]),
            "last": function(n["PCI Segment end"], n["PCI BDF end"]),
        } for n in mine if n["Type"] == 1]
        iommu["mmio"] = [{
            "node": n["offset"], "address": hex(n["Base address"]),
            "endpoint": n["Endpoint"]} for n in mine if n["Type"] == 2]
    return list(iommus.values())


def by_node(iommus):
    for iommu in iommus:
        for kind in "pci", "mmio":
            iommu[kind].sort(key=lambda endpoint: endpoint["node"])
    return sorted(iommus, key=lambda iommu: iommu["node"])


def expect_same_meaning(table, nodes):
    viot("--lint", table)
    read = json.loads(viot("--json", table))
    equal(read["findings"], [])
    equal(by_node(read["iommus"]), by_node(meaning(nodes)))


def test_iasl_compiles_and_we_read():
    dsls = list(FIXTURES.glob("viot-*.dsl"))
    assert dsls
    for dsl in dsls:
        expect_same_meaning(compiled(dsl), nodes_of(dsl.read_text()))


def test_we_read_qemus_tables_as_iasl_does():
    for table in FIXTURES.glob("viot-*.bin"):
        expect_same_meaning(table, nodes_of(disassembled(table)))


def random_nodes(rng):
    """Good nodes in any order: no bus and no address twice, all IDs small."""
    nodes = []
    buses, pages = rng.sample(range(256), 12), rng.sample(range(1, 10000), 12)
    for i in range(rng.randrange(1, 12)):
        kind = rng.randrange(1, 5) if i else rng.randrange(3, 5)
        node = dict.fromkeys(dict(FIELDS[kind]), 0)
        node.update({"Type": kind, "Length": LENGTH[kind]})
        if kind == 1:
            first, last = sorted((rng.randrange(256), rng.randrange(256)))
            node["PCI Segment start"] = rng.randrange(0x8000)
            node["PCI Segment end"] = node["PCI Segment start"] + rng.choice((0, 0, 9))
            node["PCI BDF start"] = buses[i] << 8 | first
            node["PCI BDF end"] = buses[i] << 8 | last
            node["Endpoint start"] = rng.randrange(1 << 31)
        elif kind == 2:
            node["Endpoint"] = rng.randrange(1 << 32)
            node["Base address"] = pages[i] << rng.randrange(40)
        elif kind == 3:
            node["PCI Segment"] = rng.randrange(0x10000)
            node["PCI BDF number"] = buses[i] << 8 | rng.randrange(256)
        else:
            node["Base address"] = (pages[i] << rng.randrange(40)) + 1
        nodes.append(node)
    rng.shuffle(nodes)
    offset = 48
    for node in nodes:
        node["offset"] = offset
        offset += node["Length"]
    iommus = [n["offset"] for n in nodes if n["Type"] >= 3]
    for node in nodes:
        if "Output node" in node:
            node["Output node"] = rng.choice(iommus)
    return nodes


def spec_of(nodes):
    lines = []
    for n in nodes:
        output = f"behind i{n['Output node']}" if "Output node" in n else ""
        if n["Type"] == 1:
            lines.append("pci " + function(n["PCI Segment start"], n["PCI BDF start"])
                         + " - " + function(n["PCI Segment end"], n["PCI BDF end"])
                         + f" endpoint {n['Endpoint start']} {output}")
        elif n["Type"] == 2:
            lines.append(f"mmio {n['Base address']:#x} endpoint {n['Endpoint']} {output}")
        elif n["Type"] == 3:
            lines.append(f"iommu i{n['offset']} pci "
                         + function(n["PCI Segment"], n["PCI BDF number"]))
        else:
            lines.append(f"iommu i{n['offset']} mmio {n['Base address']}")
    return "\n".join(lines).encode()


def dsl_of(nodes):
    head = (FIXTURES / "viot-mixed.dsl").read_text().partition(" : 01 [PCI Range]")[0]
    head = head.rpartition("\n")[0]
    lines = [re.sub(r"(Node count : )\w+", rf"\g<1>{len(nodes):04X}", head)]
    for n in nodes:
        lines += [f"[0001] Type : {n['Type']:02X}", "[0001] Reserved : 00",
                  f"[0002] Length : {n['Length']:04X}"]
        lines += [f"[{size:04}] {name} : {n[name]:0{2 * size}X}"
                  for name, size in FIELDS[n["Type"]]]
    return "\n".join(lines) + "\n"


def test_random_tables_mean_the_same_to_iasl():
    rng = random.Random(1)
    for _ in range(25):
        nodes = random_nodes(rng)
        table = made("random", spec_of(nodes))
        equal(nodes_of(disassembled(table)), nodes)
        dsl = WORK / "random.dsl"
        dsl.write_text(dsl_of(nodes))
        theirs = compiled(dsl)
        # All but who has made it, and so the checksum.
        equal(theirs.read_bytes()[36:], table.read_bytes()[36:])
        expect_same_meaning(theirs, nodes)


if __name__ == "__main__":
    ktap.main(globals())
