"""A library keeps what was added, finds it, and forgets what was deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import EgmaError, LibraryError
from egma.index import Filters, IndexPolicy, ReportIndex, ReportRecord
from egma.testing.models import tiny_engine
from tests.index.conftest import REPORTS, unit_vectors

SMALL = IndexPolicy(flat_up_to=500, least_rows=50)


def ids_of(hits) -> list[str]:
    return [hit.id for hit in hits]


def search_all(folder: Path) -> None:
    with ReportIndex.open(folder, create=False) as index:
        index.search(unit_vectors(1)[0], 200)


def exact(vectors: np.ndarray, query: np.ndarray, k: int) -> list[str]:
    return [f"r{row}" for row in np.argsort(-(vectors @ query), kind="stable")[:k]]


def test_the_nearest_records_come_first_with_their_cosines(tmp_path: Path) -> None:
    vectors = unit_vectors(300)
    with egma.ReportIndex.open(tmp_path / "lib") as index:
        index.add([f"r{row}" for row in range(300)], vectors, [{"text": f"Report {row}."} for row in range(300)])
        assert len(index) == 300 and "r7" in index and "r300" not in index
        for query in unit_vectors(5, seed=1):
            hits = index.search(query, 10)
            assert ids_of(hits) == exact(vectors, query, 10)
            wanted = np.sort(vectors @ query)[::-1][:10]
            assert np.allclose([hit.score for hit in hits], wanted, atol=1e-6)
        assert hits[0].text == f"Report {hits[0].id[1:]}."


def test_many_questions_give_a_list_each(tmp_path: Path) -> None:
    vectors = unit_vectors(20)
    with ReportIndex.open(tmp_path) as index:
        index.add([f"r{row}" for row in range(20)], vectors)
        found = index.search(vectors[:3], 2)
        assert [hits[0].id for hits in found] == ["r0", "r1", "r2"]
        assert index.search(np.zeros((0, 16)), 2) == []


def test_vectors_are_compared_by_direction_whatever_their_length(tmp_path: Path) -> None:
    with ReportIndex.open(tmp_path) as index:
        index.add(["x", "y"], [[10.0, 0.0], [0.1, 0.1]], ["one", "two"])
        (hit,) = index.search([3.0, 3.0], 1)
        assert (hit.id, round(hit.score, 5)) == ("y", 1.0)


def test_what_was_added_is_there_after_opening_again_and_after_a_copy(tmp_path: Path) -> None:
    vectors = unit_vectors(80)
    with ReportIndex.open(tmp_path / "lib", policy=SMALL) as index:
        record = {"text": "FINDINGS: Clear.", "view": "PA", "sex": "female", "age": "063Y", "date": "20130801", "n": 1}
        index.add([f"r{row}" for row in range(80)], vectors, [record] * 80)
        index.catch_up()
    shutil.copytree(tmp_path / "lib", tmp_path / "moved")
    shutil.rmtree(tmp_path / "lib")
    with ReportIndex.open(tmp_path / "moved", create=False) as index:
        assert index.get(["r5"])["r5"] == ReportRecord(
            "FINDINGS: Clear.", view="PA", sex="F", age=63.0, date="2013-08-01", source="", extra={"n": 1}
        )
        assert ids_of(index.search(vectors[5], 3)) == exact(vectors, vectors[5], 3)
        assert list(index) == [f"r{row}" for row in range(80)]
        assert np.allclose(index.vectors_of(["r9"])["r9"], vectors[9])


def test_an_id_that_is_there_is_replaced_and_update_wants_it_there(tmp_path: Path) -> None:
    vectors = unit_vectors(4)
    with ReportIndex.open(tmp_path) as index:
        index.add(["a", "b"], vectors[:2], ["old words", "other words"])
        index.update(["a"], vectors[2:3], ["new words"])
        assert len(index) == 2
        (hit,) = index.search(vectors[2], 1)
        assert (hit.id, hit.text) == ("a", "new words")
        assert index.search_text(None, '"old words"') == []
        with pytest.raises(LibraryError, match="no record 'c' to update"):
            index.update(["c"], vectors[3:], ["words"])


def test_deleted_records_are_never_shown_whatever_the_index_file_holds(tmp_path: Path) -> None:
    vectors = unit_vectors(120)
    with ReportIndex.open(tmp_path, policy=SMALL) as index:
        index.add([f"r{row}" for row in range(120)], vectors, ["Words of a report."] * 120)
        index.catch_up()
        near = ids_of(index.search(vectors[0], 60))
        assert index.delete([*near, "unknown"]) == 60
        left = ids_of(index.search(vectors[0], 100))
        assert len(left) == 60 and not set(left) & set(near)
        space = index.stats().spaces["records"]
        assert (space.indexed, space.tombstones, space.vectors) == (120, 60, 60)
        index.compact()
        space = index.stats().spaces["records"]
        assert (space.indexed, space.tombstones, space.vectors) == (60, 0, 60)
        assert ids_of(index.search(vectors[0], 100)) == left


def test_a_row_number_is_never_given_to_another_record(tmp_path: Path) -> None:
    vectors = unit_vectors(100)
    with ReportIndex.open(tmp_path, policy=SMALL) as index:
        index.add([f"r{row}" for row in range(100)], vectors)
        index.catch_up()
        index.delete([f"r{row}" for row in range(100)])
        index.add(["new"], -vectors[:1])
        assert ids_of(index.search(vectors[0], 10)) == ["new"]


@pytest.mark.parametrize(
    ("policy", "kind"),
    [
        (IndexPolicy(flat_up_to=5000), "flat"),
        (IndexPolicy(flat_up_to=100), "ivf-sq8"),
        (IndexPolicy(flat_up_to=100, memory_bytes=1), "ivf-pq"),
    ],
    ids=["flat", "inverted", "quantised"],
)
def test_every_kind_of_index_says_its_recall_and_reaches_it(tmp_path: Path, policy: IndexPolicy, kind: str) -> None:
    centres = unit_vectors(40, 32, seed=3)
    vectors = np.repeat(centres, 50, axis=0) + 0.15 * unit_vectors(2000, 32, seed=4)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    with ReportIndex.open(tmp_path, policy=policy) as index:
        index.add([f"r{row}" for row in range(2000)], vectors)
        index.catch_up()
        space = index.stats().spaces["records"]
        assert (space.kind, space.indexed, space.waiting) == (kind, 2000, 0)
        assert space.recall is not None and space.recall >= 0.95 and "2,000 vectors" in space.reason
        queries = np.concatenate([vectors[::100], centres[:20]])
        found = [set(ids_of(index.search(query, 10))) for query in queries]
        recall = np.mean([len(near & set(exact(vectors, query, 10))) / 10 for near, query in zip(found, queries)])
        assert recall >= 0.95


def test_what_waits_behind_the_index_is_searched_exactly(tmp_path: Path) -> None:
    vectors = unit_vectors(700)
    with ReportIndex.open(tmp_path, policy=IndexPolicy(flat_up_to=100, least_rows=10_000)) as index:
        index.add([f"r{row}" for row in range(600)], vectors[:600])
        index.catch_up()
        index.add([f"r{row}" for row in range(600, 700)], vectors[600:])
        assert index.stats().spaces["records"].waiting == 100
        assert [index.search(vectors[row], 1)[0].id for row in (600, 650, 699)] == ["r600", "r650", "r699"]


def test_an_index_is_extended_in_the_background_and_trained_again_when_it_doubles(tmp_path: Path) -> None:
    vectors = unit_vectors(1200)
    with ReportIndex.open(tmp_path, policy=IndexPolicy(flat_up_to=300, least_rows=50)) as index:
        for start in range(0, 1200, 100):
            index.add([f"r{row}" for row in range(start, start + 100)], vectors[start : start + 100])
        index.catch_up()
        space = index.stats().spaces["records"]
        assert (space.kind, space.indexed, space.waiting) == ("ivf-sq8", 1200, 0)
        assert len(list(tmp_path.glob("*.faiss"))) == 1


def test_filters_narrow_a_search_by_vector_exactly(tmp_path: Path) -> None:
    vectors = unit_vectors(200)
    facts = [
        {
            "view": "PA" if row % 2 else "AP",
            "age": row,
            "sex": "F" if row % 3 else "M",
            "date": f"2013-01-{row % 28 + 1:02}",
        }
        for row in range(200)
    ]
    with ReportIndex.open(tmp_path, policy=SMALL) as index:
        index.add([f"r{row}" for row in range(200)], vectors, facts)
        index.catch_up()
        filters = Filters(view=("pa",), age=(40, 80), sex=("M",), date=("2013-01-05", "2013-01-20"))
        wanted = {f"r{row}" for row in range(40, 81) if row % 2 and row % 3 == 0 and 5 <= row % 28 + 1 <= 20}
        assert wanted and set(ids_of(index.search(vectors[0], 100, filters))) == wanted
        assert index.search(vectors[0], 5, Filters(view=("lateral",))) == []
        facets = index.facets()
        assert facets.view == {"AP": 100, "PA": 100} and facets.age == (0.0, 150.0)


@pytest.mark.parametrize("share", [2, 30, 300], ids=["half", "a thirtieth", "a three-hundredth"])
def test_a_filter_costs_an_inverted_index_no_recall(tmp_path: Path, share: int) -> None:
    vectors = unit_vectors(6000, 32, seed=5)
    policy = IndexPolicy(flat_up_to=100)
    with ReportIndex.open(tmp_path, policy=policy) as index, pytest.MonkeyPatch.context() as patch:
        patch.setattr("egma.index.spaces._EXACT_ROWS", 0)  # as in a large library: through the index, not row by row
        index.add(
            [f"r{row}" for row in range(6000)], vectors, [{"sex": "F" if row % share else "M"} for row in range(6000)]
        )
        index.catch_up(labels=False)
        recalls = []
        for query in unit_vectors(30, 32, seed=6):
            truth = [f"r{row}" for row in np.argsort(-(vectors @ query)) if row % share == 0][:10]
            recalls.append(len(set(truth) & set(ids_of(index.search(query, 10, Filters(sex=("m",)))))) / 10)
        assert np.mean(recalls) >= 0.95


def test_what_passed_a_filter_before_is_right_after_every_change(tmp_path: Path) -> None:
    vectors = unit_vectors(40)
    women, effusion = Filters(sex=("F",)), Filters(finding=("effusion",))

    def facts(row: int) -> dict[str, str]:
        return {"sex": "F" if row % 2 else "M", "text": "Small effusion." if row % 5 == 0 else "Clear lungs."}

    def check(there: set[int]) -> None:
        for filters, passes in ((women, lambda row: row % 2), (effusion, lambda row: row % 5 == 0)):
            found = set(ids_of(index.search(vectors[0], 100, filters)))
            assert found == {f"r{row}" for row in there if passes(row)}

    with ReportIndex.open(tmp_path, policy=SMALL) as index:
        index.add([f"r{row}" for row in range(20)], vectors[:20], [facts(row) for row in range(20)])
        check(set(range(20)))
        index.add([f"r{row}" for row in range(20, 40)], vectors[20:], [facts(row) for row in range(20, 40)])
        check(set(range(40)))
        index.delete([f"r{row}" for row in range(10)])
        index.catch_up()  # the words are read now
        check(set(range(10, 40)))
        index.update(["r10", "r11"], vectors[10:12], [facts(11), facts(10)])  # they change places
        assert {"r10"} == {"r10", "r11"} & set(ids_of(index.search(vectors[0], 100, women)))
        assert {"r11"} == {"r10", "r11"} & set(ids_of(index.search(vectors[0], 100, effusion)))


def test_findings_are_read_from_the_words_of_records_that_came_with_vectors(tmp_path: Path) -> None:
    with ReportIndex.open(tmp_path) as index:
        index.add(list(REPORTS), unit_vectors(5), list(REPORTS.values()))
        found = index.search(unit_vectors(1)[0], 5, Filters(finding=("effusion",)))
        assert ids_of(found) == ["b"] and found[0].findings == ("Cardiomegaly", "Effusion")
        index.catch_up()
        assert ids_of(index.search(unit_vectors(1)[0], 5, Filters(without=("Effusion",)))) == ["a"]
        assert index.facets().finding["Pneumothorax"] == 1


def test_another_model_is_refused_by_name_with_the_command_that_helps(library: ReportIndex) -> None:
    other = tiny_engine(seed=1)
    with pytest.raises(LibraryError, match=r"not with tiny .* python -m egma index reembed .*library"):
        library.search_text(other, "effusion")
    with pytest.raises(LibraryError, match="reembed"):
        library.add_reports(other, ["z"], ["words"])
    with pytest.raises(LibraryError, match="16 numbers, this library's vectors have 32"):
        library.search(unit_vectors(1)[0], 1)
    assert len(library) == 5


def test_a_library_embedded_again_answers_the_other_model(library: ReportIndex) -> None:
    from egma.index.reembed import reembed_library

    other = tiny_engine(seed=1)
    calls: list[int] = []
    assert not reembed_library(library, other, should_stop=lambda: True)
    with pytest.raises(LibraryError, match="reembed"):
        library.search_text(other, "effusion")
    assert reembed_library(library, other, on_progress=lambda done, total, text: calls.append(done))
    assert calls[-1] == library.stats().sentences
    (hit,) = library.search_text(other, "Large left pleural effusion.", 1)
    assert (hit.id, round(hit.cosine or 0, 4)) == ("b", 1.0)
    assert library.stats().model_hash == other.checkpoint.hash


def test_given_vectors_of_nobody_are_searched_by_words_alone(tmp_path: Path, engine) -> None:
    with ReportIndex.open(tmp_path) as index:
        index.add(list(REPORTS), unit_vectors(5, 32), list(REPORTS.values()))
        (hit, *_) = index.search_text(engine, "left pleural effusion", 3)
        assert hit.id == "b" and hit.cosine is None and hit.place == (None, 1)


def test_vectors_stamped_with_their_checkpoint_are_searched_by_meaning(tmp_path: Path, engine) -> None:
    texts = ["left pleural effusion", "rib fracture"]
    with ReportIndex.open(tmp_path) as index:
        index.add(["f1", "f2"], engine.embed_texts(texts), [{}, {}], model=engine.checkpoint)
        (hit, *_) = index.search_text(engine, texts[1], 2)
        assert hit.id == "f2" and hit.place == (1, None)


BAD = {
    "an id twice": (["a", "a"], unit_vectors(2), ["x", "y"], "stands twice"),
    "an empty id": ([" "], unit_vectors(1), ["x"], "1 to 200"),
    "an id with a line break": (["a\nb"], unit_vectors(1), ["x"], "printable"),
    "too few vectors": (["a", "b"], unit_vectors(1), ["x", "y"], "shape"),
    "too few records": (["a", "b"], unit_vectors(2), ["x"], "2 ids came with 1 records"),
    "not a number": (["a"], np.full((1, 4), np.nan), ["x"], "row 0 has no direction"),
    "infinite": (["a"], np.full((1, 4), np.inf), ["x"], "no direction"),
    "no length": (["a"], np.zeros((1, 4)), ["x"], "no direction"),
    "one number": (["a"], np.float32(1), ["x"], "shape"),
    "words for vectors": (["a"], [["x"]], ["x"], "array of numbers"),
    "a huge report": (["a"], unit_vectors(1), ["x " * 40_000], "80,000 characters"),
    "a record of no kind": (["a"], unit_vectors(1), [7], "record a: wanted a text"),
    "facts that are no JSON": (["a"], unit_vectors(1), [{"when": object()}], "JSON"),
    "one text for ids": ("abc", unit_vectors(3), None, "list of ids"),
}


@pytest.mark.parametrize("case", BAD, ids=str)
def test_a_bad_addition_is_one_sentence_and_changes_nothing(tmp_path: Path, case: str) -> None:
    ids, vectors, records, sentence = BAD[case]
    with ReportIndex.open(tmp_path) as index:
        index.add(["kept"], unit_vectors(1), ["kept"])
        before = index.generation
        with pytest.raises(LibraryError, match=sentence):
            index.add(ids, vectors, records)
        assert (len(index), index.generation) == (1, before)


def test_vectors_of_another_width_are_refused(tmp_path: Path) -> None:
    with ReportIndex.open(tmp_path) as index:
        index.add(["a"], unit_vectors(1, 16))
        with pytest.raises(LibraryError, match="have 16 numbers, got 8"):
            index.add(["b"], unit_vectors(1, 8))


@pytest.mark.parametrize("k", [0, -1, 1.5, True, 10_000], ids=str)
def test_k_out_of_range_is_one_sentence(library: ReportIndex, k) -> None:
    with pytest.raises(LibraryError, match="1 to 1000"):
        library.search_text(None, "effusion", k)


def test_a_missing_library_and_a_closed_one_are_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="no report library was found in 'nothing'"):
        ReportIndex.open(tmp_path / "nothing", create=False)
    index = ReportIndex.open(tmp_path / "lib")
    index.close()
    index.close()
    with pytest.raises(LibraryError, match="was closed"):
        len(index)


@pytest.mark.parametrize("damage", ["garbage", "cut", "another database", "another format"])
def test_a_damaged_database_is_one_sentence(tmp_path: Path, damage: str) -> None:
    import sqlite3

    with ReportIndex.open(tmp_path / "lib") as index:
        index.add([f"r{row}" for row in range(200)], unit_vectors(200), ["Words."] * 200)
    path = tmp_path / "lib" / "store.sqlite"
    if damage == "garbage":
        path.write_bytes(b"not a database" * 1000)
    elif damage == "cut":
        path.write_bytes(path.read_bytes()[:40_000])
    elif damage == "another database":
        path.unlink()
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE other (x)")
        connection.close()
    else:
        connection = sqlite3.connect(path)
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
        connection.commit()
        connection.close()
    with pytest.raises(EgmaError, match=r"damaged|not a report library|format 99") as caught:
        search_all(tmp_path / "lib")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["garbage", "cut", "flipped", "missing", "another's"])
def test_a_damaged_index_file_costs_nothing_and_is_built_again(tmp_path: Path, damage: str) -> None:
    vectors = unit_vectors(400)
    with ReportIndex.open(tmp_path / "lib", policy=IndexPolicy(flat_up_to=100, least_rows=50)) as index:
        index.add([f"r{row}" for row in range(400)], vectors)
        index.catch_up()
    (path,) = (tmp_path / "lib").glob("records-*.faiss")
    data = bytearray(path.read_bytes())
    if damage == "garbage":
        path.write_bytes(b"x" * len(data))
    elif damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "flipped":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    elif damage == "missing":
        path.unlink()
    else:
        import faiss

        other = faiss.IndexIDMap2(faiss.IndexFlatIP(16))
        other.add_with_ids(vectors[::-1].copy(), np.arange(1, 401))
        faiss.write_index(other, str(path))
    with ReportIndex.open(tmp_path / "lib", policy=IndexPolicy(flat_up_to=100, least_rows=50)) as index:
        for row in (0, 7, 399):
            assert ids_of(index.search(vectors[row], 5)) == exact(vectors, vectors[row], 5)
        assert "not used" in index.notes()[0] and "not used" in index.stats().spaces["records"].reason
        index.catch_up()
        assert index.stats().spaces["records"].kind == "ivf-sq8" and index.notes() == []
        assert ids_of(index.search(vectors[3], 1)) == ["r3"]


def test_a_reader_mends_a_small_index_file_and_leaves_the_right_to_write(tmp_path: Path) -> None:
    vectors = unit_vectors(100)
    with ReportIndex.open(tmp_path) as index:
        index.add([f"r{row}" for row in range(100)], vectors)
        index.catch_up()
    (path,) = tmp_path.glob("records-*.faiss")
    path.write_bytes(path.read_bytes()[:-7])
    with ReportIndex.open(tmp_path) as reader, ReportIndex.open(tmp_path) as writer:
        assert ids_of(reader.search(vectors[3], 3)) == exact(vectors, vectors[3], 3)
        assert "built again" in reader.notes()[0]
        assert reader.stats().spaces["records"].kind == "flat" and not path.exists()
        writer.add(["new"], -vectors[3:4])
        assert ids_of(reader.search(-vectors[3], 1)) == ["new"]
