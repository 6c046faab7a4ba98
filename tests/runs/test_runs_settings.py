"""A person's settings: defaults, one sentence for each mistake, and nobody else's file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from acceltui.recipe.errors import RecipeError
from acceltui.runs.settings import Notify, Settings, load_settings, settings_path

Write = Callable[[str], Path]
EVERYTHING = """\
glyphs: ascii
low_bandwidth: true
notify: {bell: false, osc9: true, hook: 'notify-send "$ACCEL_MESSAGE"', on: [crash]}
keys: {switch: S, stop: ctrl+x}
"""


def test_without_a_file_there_are_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert settings_path() == tmp_path / "accel" / "settings.yaml"
    assert load_settings() == Settings()


@pytest.mark.parametrize("text", ["", "\n# glyphs: ascii\n\n  # none yet\n", "{}"])
def test_a_file_may_say_nothing(write_settings: Write, text: str) -> None:
    write_settings(text)
    assert load_settings() == Settings()


def test_everything_can_be_set(write_settings: Write) -> None:
    write_settings(EVERYTHING)
    hook = 'notify-send "$ACCEL_MESSAGE"'
    assert load_settings() == Settings(
        glyphs="ascii",
        low_bandwidth=True,
        notify=Notify(bell=False, osc9=True, hook=hook, on=["crash"]),
        keys={"switch": "S", "stop": "ctrl+x"},
    )


@pytest.mark.parametrize("elsewhere", ["config", ""], ids=["relative", "empty"])
def test_a_folder_that_is_not_absolute_is_not_meant(monkeypatch: pytest.MonkeyPatch, elsewhere: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", elsewhere)
    monkeypatch.setenv("HOME", "/home/somebody")
    assert settings_path() == Path("/home/somebody/.config/accel/settings.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("\nglyph: ascii", ":2:1: glyph: unknown key; did you mean glyphs?"),
        ("notify: {bel: true}", ":1:10: notify.bel: unknown key; did you mean bell?"),
        ("hook: make noise", ":1:1: hook: unknown key here; did you mean notify.hook?"),
        ("notify: 3", ":1:9: notify: 3 is not a map; its keys are bell, osc9, hook, on"),
        ("glyphs: brail", ":1:9: glyphs: 'brail' is not one of: auto, braille, block, ascii; did you mean braille?"),
        ("notify: {bell: yes}", ":1:16: notify.bell: 'yes' is not true or false; write true"),
        ("notify: {on: [finsh]}", ":1:15: notify.on.0: 'finsh' is not one of: finish, crash, switch; "),
        ("keys: {stop: 1}", ':1:14: keys.stop: 1 is not text; put it in quotes: "1"'),
        ("keys: {stop: a, stop: b}", ":1:17: keys.stop: given twice, first on line 1; keep one of them"),
        ("[1]", ":1:1: not a map of settings; the keys are glyphs, theme, low_bandwidth, notify, keys"),
        ("glyphs: [", ": not valid YAML"),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(write_settings: Write, text: str, problem: str) -> None:
    file = write_settings(text)
    with pytest.raises(RecipeError) as caught:
        load_settings()
    assert str(caught.value).startswith(str(file))
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_all_mistakes_come_at_once(write_settings: Write) -> None:
    write_settings("glyphs: none\nnotify: {osc9: 1}\nkey: {}\n")
    with pytest.raises(RecipeError) as caught:
        load_settings()
    assert [line.split(":")[1] for line in str(caught.value).splitlines()] == ["1", "2", "3"]


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_others_may_write_is_refused(write_settings: Write, what: str, mode: int) -> None:
    file = write_settings(EVERYTHING)
    place = file if what == "file" else file.parent
    place.chmod(mode | (0o111 if what == "folder" else 0))
    with pytest.raises(RecipeError, match=f"others may write it.*`chmod go-w {place}` ends that"):
        load_settings()


def test_a_link_to_ones_own_file_is_followed_and_its_place_is_judged(write_settings: Write, tmp_path: Path) -> None:
    file = write_settings("")
    elsewhere = tmp_path / "dotfiles"
    elsewhere.mkdir(mode=0o700)
    (elsewhere / "accel.yaml").write_text("glyphs: block")
    file.unlink()
    file.symlink_to(elsewhere / "accel.yaml")
    assert load_settings().glyphs == "block"
    elsewhere.chmod(0o777)
    with pytest.raises(RecipeError, match="others may write its folder"):
        load_settings()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_user_s_file_is_refused(write_settings: Write) -> None:
    file = write_settings(EVERYTHING)
    os.chown(file, 65534, 65534)
    with pytest.raises(RecipeError, match="it belongs to another user"):
        load_settings()


@pytest.mark.parametrize("kind", ["folder", "pipe", "circle"])
def test_what_is_no_file_is_one_sentence(write_settings: Write, kind: str) -> None:
    file = write_settings("")
    file.unlink()
    match kind:
        case "folder":
            file.mkdir()
        case "pipe":
            os.mkfifo(file)
        case "circle":
            file.symlink_to(file)
    with pytest.raises(RecipeError, match=f"{file}: cannot be used: "):
        load_settings()
