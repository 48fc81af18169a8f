"""What is known against the packages that a wheel brings: clean, explained, vulnerable, or not known at all."""

from audit import Audit, exceptions, judged

KNOWN = {"id": "PYSEC-2026-1", "aliases": ["CVE-2026-1"], "fix_versions": ["2.0"], "description": "..."}
CLEAN = {"name": "click", "version": "8.1", "vulns": []}
WRONG = {"name": "jinja2", "version": "1.0", "vulns": [KNOWN]}
SKIPPED = {"name": "numpy", "skip_reason": "Dependency not found on PyPI and could not be audited: numpy (2.4)"}


def test_what_is_known_fails_unless_it_is_explained_by_any_of_its_names() -> None:
    line = "jinja2 1.0: PYSEC-2026-1, mended in 2.0"
    assert judged([CLEAN, WRONG], {}) == Audit(("click 8.1", "jinja2 1.0"), (), (line,), ())
    for name in ("PYSEC-2026-1", "CVE-2026-1"):
        assert judged([WRONG], {name: "no template of others"}).accepted == (f"{line}: no template of others",)
        assert judged([WRONG], {name: "no template of others"}).vulnerable == ()


def test_an_exception_for_what_is_not_found_fails() -> None:
    assert judged([CLEAN], {"CVE-2020-1": "old"}).vulnerable == ("CVE-2020-1 is in audit.toml, and found no more",)


def test_what_could_not_be_looked_up_is_said_and_clears_no_exception() -> None:
    audit = judged([CLEAN, SKIPPED], {"CVE-2020-1": "old"})
    assert (audit.asked, audit.not_asked, audit.vulnerable) == (("click 8.1",), ("numpy",), ())
    assert list(audit.lines()) == ["audit: 1 packages were looked up, 1 could not be", "  nothing is known of numpy"]


def test_every_exception_has_a_reason() -> None:
    assert all(exceptions().values())
