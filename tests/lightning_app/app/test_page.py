"""The page in a real browser, with a real sound."""

import pytest
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import look


@pytest.fixture
def page(chromium, served):
    """The page, with its shelf filled."""
    chromium.get_log("browser")
    look(chromium, served, 1200, 900)
    until(chromium, lambda: len(chromium.find_elements(By.CSS_SELECTOR, "#shelf .tile")) >= 4)
    return chromium


def until(browser, true, seconds=60):
    WebDriverWait(browser, seconds).until(lambda _: true())


def made(page):
    """The titles of what the model has made."""
    return [tile.get_attribute("data-title") for tile in page.find_elements(By.CSS_SELECTOR, "#made .tile")]


def press(page, role, number):
    page.find_elements(By.CSS_SELECTOR, f'#shelf [data-role="{role}"]')[number].send_keys(Keys.ENTER)


def test_own_sound_is_swapped_and_played(page, two_notes):
    before = len(page.find_elements(By.CSS_SELECTOR, "#shelf .tile"))
    page.find_element(By.ID, "files").send_keys(str(two_notes))
    until(page, lambda: len(made(page)) == 1)
    assert made(page) == [f"{two_notes.name}, reconstructed"]
    assert len(page.find_elements(By.CSS_SELECTOR, "#shelf .tile")) == before + 1

    press(page, "target", 0)
    until(page, lambda: len(made(page)) == 3)
    target = page.find_element(By.CSS_SELECTOR, "#shelf .caption").text
    assert made(page)[1:] == [f"{two_notes.name}, as {target}", f"{target}, as {two_notes.name}"]

    page.find_elements(By.CSS_SELECTOR, "#made .tile")[1].click()
    until(page, lambda: page.execute_script("const a = document.querySelector('audio'); return a.currentTime > 0.2"))
    duration, error = page.execute_script("const a = document.querySelector('audio'); return [a.duration, a.error]")
    assert duration == pytest.approx(4.0, abs=0.1)
    assert error is None
    assert page.get_log("browser") == []


def test_keyboard_alone(page):
    press(page, "source", 1)
    until(page, lambda: len(made(page)) == 1)

    tile = page.find_element(By.CSS_SELECTOR, "#made .tile")
    tile.send_keys(Keys.SPACE)
    until(page, lambda: page.execute_script("return !document.querySelector('audio').paused"))
    tile.send_keys(Keys.ESCAPE)
    until(page, lambda: page.execute_script("return document.querySelector('audio').paused"))


def test_what_cannot_be_read_is_said(page, tmp_path):
    (tmp_path / "notes.wav").write_text("only words")

    page.find_element(By.ID, "files").send_keys(str(tmp_path / "notes.wav"))

    until(page, lambda: "notes.wav is no audio that can be read" in page.find_element(By.ID, "said").text)


def test_microphone(page):
    """Chromium's stand-in for a microphone beeps."""
    before = len(page.find_elements(By.CSS_SELECTOR, "#shelf .tile"))
    record = page.find_element(By.ID, "record")
    record.click()
    until(page, lambda: record.text == "Stop")
    page.execute_async_script("setTimeout(arguments[0], 1500)")
    record.click()

    until(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "#shelf .tile")) == before + 1)
    assert page.find_elements(By.CSS_SELECTOR, "#shelf .caption")[-1].text == "recording 1"


def test_narrow_screen(page, served):
    look(page, served, 360, 740)
    until(page, lambda: len(page.find_elements(By.CSS_SELECTOR, "#shelf .tile")) >= 4)
    press(page, "source", 0)
    until(page, lambda: len(made(page)) == 1)

    assert page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
    pictures = page.find_elements(By.CSS_SELECTOR, "img")
    assert pictures and all(picture.get_attribute("alt").startswith("spectrogram of ") for picture in pictures)
