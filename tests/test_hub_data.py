"""`--data hf://user/name`: the same recordings as from a folder; archives of strangers do no harm."""

import io
import stat
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
import soundfile
from huggingface_hub import HfApi
from hypothesis import given
from hypothesis import strategies as st

from genre_models.training import archive, commands
from genre_models.training.archive import Member, unpack
from genre_models.training.files import DataError
from genre_models.training.gtzan import Recording, index
from genre_models.training.hub_data import fetch, parse
from tests.hub_server import Server
from tests.hub_store import Hub

GENRES = ("blues", "rock")
REPO = "ada/tunes"


def write_clip(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.random.default_rng(len(path.name)).normal(0, 0.1, 400), 22_050)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two genres, clips and excerpts, and who plays them."""
    folder, rows = tmp_path / "data", ["track\tartist"]
    for genre in GENRES:
        for kind, number in (("clips", 0), ("clips", 1), ("excerpts", 2)):
            write_clip(folder / kind / genre / f"{genre}.{number:05}.flac")
            rows.append(f"{genre}.{number:05}\t{genre}-{number}")
    (folder / "artists.tsv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def upload(folder: Path, repo: str = REPO, private: bool = False) -> None:
    HfApi().create_repo(repo, repo_type="dataset", private=private, exist_ok=True)
    HfApi().upload_folder(repo_id=repo, repo_type="dataset", folder_path=folder)


def told(folder: Path) -> list[tuple[str, ...]]:
    """What an index says of each recording, but for where it lies."""

    def facts(one: Recording) -> tuple[str, ...]:
        return (one.path.name, one.track, one.genre, str(one.artist), one.kind)

    return [facts(one) for one in index(folder)]


def packed(data: Path, path: Path) -> Path:
    """The clips of `data` as data sets are often packed, on a Mac too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as file:
            for clip in data.glob("clips/*/*.flac"):
                file.write(clip, f"genres/{clip.parent.name}/{clip.name}")
        return path
    with tarfile.open(path, "w:gz") as file:
        file.add(data / "clips", "genres")
        for name in ("genres/blues/._blues.00000.flac", "genres/notes.txt", "__MACOSX/genres/rock/x.wav"):
            file.addfile(tarfile.TarInfo(name), io.BytesIO())
    return path


def test_a_data_set_on_the_hub_is_indexed_as_the_folder_is(hub: Hub, data: Path) -> None:
    upload(data)
    fetched = fetch(parse(f"hf://{REPO}"))
    assert told(fetched.folder) == told(data)
    assert fetched.uri.revision == hub.repos["dataset", REPO].find("main")
    hub.requests.clear()
    assert fetch(fetched.uri) == fetched
    assert not hub.requests, "what is pinned and cached needs no Hub"


@pytest.mark.parametrize("name", ["data/genres.tar.gz", "genres.zip"])
def test_an_archive_is_unpacked_once(hub: Hub, data: Path, tmp_path: Path, name: str) -> None:
    packed(data, tmp_path / "repo" / name)
    upload(tmp_path / "repo")
    fetched = fetch(parse(f"hf://{REPO}"))
    files = {path: path.stat().st_mtime_ns for path in fetched.folder.rglob("*") if path.is_file()}
    assert sorted(path.name for path in files) == sorted(path.name for path in data.glob("clips/*/*.flac"))
    assert [one[:3] for one in told(fetched.folder)] == [one[:3] for one in told(data) if one[4] == "clip"]
    assert fetch(parse(f"hf://datasets/{REPO}")) == fetched
    assert {path: path.stat().st_mtime_ns for path in files} == files


def test_a_revision_pins_the_data(hub: Hub, data: Path) -> None:
    upload(data)
    HfApi().create_tag(REPO, tag="v1", repo_type="dataset")
    before = told(data)
    write_clip(data / "clips" / "rock" / "rock.00009.flac")
    upload(data)
    assert told(fetch(parse(f"hf://{REPO}@v1")).folder) == before
    assert told(fetch(parse(f"hf://{REPO}")).folder) == told(data) != before


def test_of_several_collections_one_has_to_be_named(hub: Hub, tmp_path: Path) -> None:
    for part in ("train", "test"):
        write_clip(tmp_path / "repo" / part / "blues" / f"{part}.wav")
    upload(tmp_path / "repo")
    with pytest.raises(DataError, match="several collections: add /folder for one of test, train"):
        fetch(parse(f"hf://{REPO}"))
    assert [one[1] for one in told(fetch(parse(f"hf://{REPO}/train")).folder)] == ["train"]


def test_without_the_hub_the_cache_answers(
    hub: Hub, hub_server: Server, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(data)
    fetched = fetch(parse(f"hf://{REPO}"))
    hub_server.stop()
    assert fetch(parse(f"hf://{REPO}")) == fetched
    with pytest.raises(DataError, match="cannot be reached"):
        fetch(parse("hf://ada/others"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    assert fetch(parse(f"hf://{REPO}")) == fetched
    with pytest.raises(DataError, match="HF_HUB_OFFLINE"):
        fetch(parse("hf://ada/others"))


def test_what_the_hub_refuses_is_said_in_a_sentence(
    hub: Hub, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (data / "clips").rename(data / "songs")
    (data / "excerpts").rename(data / "bits")
    for kind in ("songs", "bits"):
        for genre in GENRES:
            (data / kind / genre).rename(data / kind / f"{genre}_music")
    upload(data)
    with pytest.raises(DataError, match="no folder named after a genre"):
        fetch(parse(f"hf://{REPO}"))
    with pytest.raises(DataError, match="no branch, tag or commit v9"):
        fetch(parse(f"hf://{REPO}@v9"))
    upload(data, "ada/secret", private=True)
    monkeypatch.delenv("HF_TOKEN")
    for name in ("ada/secret", "ada/nothing"):
        with pytest.raises(DataError, match=f"no data set {name} on the Hub that you may read"):
            fetch(parse(f"hf://{name}"))
    hub.down = 500
    with pytest.raises(DataError, match="ada/secret"):
        fetch(parse("hf://ada/secret"))


@pytest.mark.parametrize("text", ["hf://", "hf://gtzan", "hf://spaces/a/b", "hf://a/b@", "hf://a/b/../c"])
def test_what_is_no_address_of_data_is_refused(text: str) -> None:
    with pytest.raises(DataError, match=r"write hf://user/name@revision"):
        parse(text)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"hf://{REPO}", "No recording could be read"),
        ("hf://ada/none", "no data set"),
        ("hf://x", "write hf://"),
    ],
)
def test_train_py_takes_the_address_and_says_what_is_wrong_in_one_line(
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    address: str,
    said: str,
) -> None:
    for genre in GENRES:
        (tmp_path / "repo" / genre).mkdir(parents=True)
        (tmp_path / "repo" / genre / "broken.wav").write_bytes(b"RIFF but no more")
    upload(tmp_path / "repo")
    arguments = ["genre", "--data", address, "--cache", str(tmp_path / "cache")]
    monkeypatch.setattr(sys, "argv", ["train.py", *arguments])
    with pytest.raises(SystemExit) as stopped:
        commands.main()
    printed = capsys.readouterr()
    assert stopped.value.code == 2
    assert said in printed.err.splitlines()[-1]
    commit = hub.repos["dataset", REPO].find("main")
    assert (f"hf://datasets/{REPO}@{commit}" in printed.out) == (address == f"hf://{REPO}")


# Archives -------------------------------------------------------------------------------------------------


def tar(path: Path, *infos: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for info in infos:
            file.addfile(info, io.BytesIO(bytes(info.size)))
    return path


def named(name: str, kind: bytes = tarfile.REGTYPE, target: str = "", size: int = 3) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    info.size = size if kind == tarfile.REGTYPE else 0
    return info


def zipped(path: Path, name: str, mode: int = stat.S_IFREG) -> Path:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(info, b"/etc/passwd")
    return path


def cut_short(path: Path) -> Path:
    whole = tar(path, named("a.wav", size=9_000)).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def no_archive(path: Path) -> Path:
    path.write_text("words")
    return path


HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "up.tar.gz": (lambda path: tar(path, named("good/../../evil.wav")), "outside its folder"),
    "root.tar.gz": (lambda path: tar(path, named("/evil.wav")), "outside its folder"),
    "up.zip": (lambda path: zipped(path, "../evil.wav"), "outside its folder"),
    "windows.tar.gz": (lambda path: tar(path, named("..\\evil.wav")), "outside its folder"),
    "drive.tar.gz": (lambda path: tar(path, named("C:/evil.wav")), "outside its folder"),
    "link.tar.gz": (lambda path: tar(path, named("a.wav", tarfile.SYMTYPE, "/etc/passwd")), "no plain file"),
    "hard.tar.gz": (lambda path: tar(path, named("a.wav", tarfile.LNKTYPE, "../b.wav")), "no plain file"),
    "device.tar.gz": (lambda path: tar(path, named("a.wav", tarfile.CHRTYPE)), "no plain file"),
    "link.zip": (lambda path: zipped(path, "a.wav", stat.S_IFLNK), "no plain file"),
    "twice.tar.gz": (lambda path: tar(path, named("a.wav"), named("a.wav")), "a file twice"),
    "bomb.tar.gz": (lambda path: tar(path, named("a.wav", size=30_000)), "far more than music can"),
    "hidden_bomb.tar.gz": (lambda path: tar(path, named("a.bin", size=30_000)), "far more than music can"),
    "short.tar.gz": (cut_short, "damaged"),
    "text.zip": (no_archive, "damaged"),
    "text.tar": (no_archive, "damaged"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LEAST_ROOM", 20_000)
    make, said = HOSTILE[name]
    path, target = make(tmp_path / name), tmp_path / "below" / "target"
    with pytest.raises(DataError, match=said) as raised:
        unpack(path, target)
    assert name in str(raised.value)
    outside = [p for p in tmp_path.rglob("*") if p != path and target not in (p, *p.parents)]
    assert outside in ([], [tmp_path / "below"])
    assert not any(p.is_symlink() for p in tmp_path.rglob("*"))


@given(st.text(alphabet=st.sampled_from("ab./\\:~ \0"), max_size=12) | st.text())
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    target = Path("/target/of/it")
    try:
        place = Member(name, 0, None).place()
    except DataError:
        return
    assert target in (path := (target / place).resolve()).parents or path == target


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MOST_MEMBERS", 2)
    names = [named(f"{i}.wav") for i in range(3)]
    unpack(tar(tmp_path / "two.tar.gz", *names[:2]), tmp_path / "two")
    with pytest.raises(DataError, match="far more"):
        unpack(tar(tmp_path / "three.tar.gz", *names), tmp_path / "three")
