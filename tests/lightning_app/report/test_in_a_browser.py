"""The page in headless Chromium: it plays, by mouse and by keyboard, on a phone, in the dark and on paper."""

import json

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser import look

# Presses each button, one after the other, and waits until what it plays has moved on.
_PLAY_ALL = """
const done = arguments[0];
const audio = document.querySelector("audio");
(async () => {
  const played = [];
  for (const element of document.querySelectorAll("[data-sound]")) {
    element.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    const since = Date.now();
    while (!(audio.currentTime > 0) && Date.now() - since < 5000) await new Promise((then) => setTimeout(then, 10));
    played.push({ title: element.dataset.title, duration: audio.duration, ready: audio.readyState,
                  time: audio.currentTime, marked: document.querySelectorAll(".playing").length });
  }
  done(played);
})();
"""


def wait(browser, condition):
    return WebDriverWait(browser, 10, poll_frequency=0.05).until(condition)


def playing(browser):
    return browser.execute_script(
        "const audio = document.querySelector('audio'); return !audio.paused && audio.currentTime > 0"
    )


def press(browser, *keys):
    ActionChains(browser).send_keys(*keys).perform()


@pytest.fixture
def opened(chromium, page):
    """Opens the page anew; no console error and no request may have come of the test."""
    chromium.get_log("browser"), chromium.get_log("performance")
    look(chromium, page, 1200, 900)
    yield chromium
    assert chromium.get_log("browser") == []
    messages = [json.loads(entry["message"])["message"] for entry in chromium.get_log("performance")]
    asked = [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]
    assert {url for url in asked if not url.startswith("data:")} == {page.resolve().as_uri()}


def test_every_sound_loads_and_plays_and_one_at_a_time(opened):
    played = opened.execute_async_script(_PLAY_ALL)

    assert len(played) > 40
    for sound in played:
        # A clip is 4 s, a note 0.5 s; MP3 adds at most three of its frames of 1152 samples, at 16 kHz.
        length = 0.5 if "z0 =" in sound["title"] or "z1 =" in sound["title"] else None
        assert any(want <= sound["duration"] < want + 0.25 for want in ([length] if length else [0.5, 4.0])), sound
        assert sound["ready"] >= 2
        assert sound["time"] > 0
        assert sound["marked"] == 1


def test_keyboard_plays_moves_and_stops_in_the_matrix(opened):
    first = opened.find_element(By.CSS_SELECTOR, ".grid thead .tile")
    opened.execute_script("arguments[0].focus()", first)
    press(opened, Keys.ENTER)
    wait(opened, playing)
    assert first.get_attribute("data-title") in opened.find_element(By.CSS_SELECTOR, ".player p").text

    press(opened, Keys.ARROW_DOWN)
    below = opened.switch_to.active_element
    assert below.get_attribute("data-title").endswith("swapped to violin")
    press(opened, Keys.ARROW_RIGHT)
    assert opened.switch_to.active_element.get_attribute("data-title").endswith("swapped to trumpet")
    outline = opened.execute_script("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"

    press(opened, Keys.SPACE)
    wait(opened, playing)
    press(opened, Keys.ESCAPE)
    wait(opened, lambda browser: not playing(browser))
    assert opened.find_elements(By.CSS_SELECTOR, ".playing") == []


def test_tab_reaches_the_map_once_and_arrows_go_from_point_to_point(opened):
    points = opened.find_elements(By.CSS_SELECTOR, ".map .point[tabindex='0']")
    assert len(points) == len(opened.find_elements(By.CSS_SELECTOR, ".map")) == 2
    opened.execute_script("document.querySelector('.map select').focus()")
    press(opened, Keys.TAB)
    start = opened.switch_to.active_element
    assert start.get_attribute("class") == "point"
    for arrow in (Keys.ARROW_LEFT, Keys.ARROW_RIGHT, Keys.ARROW_UP, Keys.ARROW_DOWN):
        press(opened, arrow)
    press(opened, Keys.ENTER)

    wait(opened, playing)
    chosen = opened.switch_to.active_element.get_attribute("data-title")
    assert opened.find_element(By.CSS_SELECTOR, ".map figcaption").text == chosen
    assert opened.find_element(By.CSS_SELECTOR, ".map .point.playing").get_attribute("data-title") == chosen


def test_arrow_right_goes_to_a_point_further_right(opened):
    opened.execute_script("document.querySelector('.map .point').focus()")
    for _ in range(20):
        press(opened, Keys.ARROW_LEFT)
    places = []
    for _ in range(3):
        places.append(opened.execute_script("return document.activeElement.getBoundingClientRect().left"))
        press(opened, Keys.ARROW_RIGHT)
    assert places == sorted(places)
    assert places[0] < places[1]


def test_colours_of_the_map_follow_the_chosen_class(opened):
    def colours():
        return opened.execute_script(
            "return [...document.querySelectorAll('.map')[0].querySelectorAll('.point path')]"
            ".map((path) => path.getAttribute('class'))"
        )

    def classes(name):
        points = opened.find_elements(By.CSS_SELECTOR, ".map")[0].find_elements(By.CSS_SELECTOR, ".point")
        return [f"c{json.loads(point.get_attribute('data-classes'))[name] % 8}" for point in points]

    assert colours() == classes("instrument")
    opened.execute_script(
        "const select = document.querySelector('.map select'); select.value = 'arp_chord2';"
        "select.dispatchEvent(new Event('change'))"
    )
    assert colours() == classes("arp_chord2") != classes("instrument")
    shown = [legend for legend in opened.find_elements(By.CSS_SELECTOR, ".map .legend") if legend.is_displayed()]
    assert shown[0].get_attribute("data-factor") == "arp_chord2"


def test_legend_has_the_classes_that_are_there_and_no_others(opened):
    legend = opened.find_elements(By.CSS_SELECTOR, ".map")[1].find_element(By.CSS_SELECTOR, ".legend")

    assert legend.get_attribute("data-factor") == "family"
    assert legend.text.split() == ["bass"]


def test_slider_plays_and_tells_each_position(opened):
    row = opened.find_element(By.CSS_SELECTOR, ".traversal")
    slider = row.find_element(By.TAG_NAME, "input")
    opened.execute_script("arguments[0].focus()", slider)
    press(opened, Keys.HOME)
    wait(opened, playing)
    told = []
    for _ in range(7):
        (chosen,) = row.find_elements(By.CSS_SELECTOR, ".chosen .tile")
        assert chosen.get_attribute("data-title") == slider.get_attribute("aria-valuetext")
        told.append((int(slider.get_property("value")), chosen.get_attribute("data-title")))
        press(opened, Keys.ARROW_RIGHT)
    assert [number for number, _ in told] == list(range(7))
    places = [float(text.split("= ")[1].split(",")[0]) for _, text in told]
    assert places == sorted(places)


def test_everything_has_a_name_and_every_picture_a_text(opened):
    unnamed = opened.execute_script(
        "return [...document.querySelectorAll('img')].filter((one) => !one.alt || !one.naturalWidth).length"
    )
    assert unnamed == 0
    for element in opened.find_elements(By.CSS_SELECTOR, "button, input, select, svg[role], .point"):
        assert element.accessible_name, element.get_attribute("outerHTML")[:200]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_but_boxes_of_their_own_scrolls_sideways_on_a_phone(opened, page, scheme):
    look(opened, page, 360, 700, scheme)

    assert opened.execute_script("return document.documentElement.scrollWidth") <= 360
    opened.execute_script("document.querySelector('.grid .tile').click()")
    wait(opened, playing)
    assert opened.execute_script("return document.documentElement.scrollWidth") <= 360


def _contrast(browser, selector):
    """The ratio of WCAG 2 between the colour of an element and that of the page."""
    colours = browser.execute_script(
        "return [getComputedStyle(document.querySelector(arguments[0])).color,"
        "getComputedStyle(document.body).backgroundColor]",
        selector,
    )
    luminances = []
    for colour in colours:
        shares = [int(part) / 255 for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
        linear = [share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        luminances.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    dark, light = sorted(luminances)
    return (light + 0.05) / (dark + 0.05), luminances[1]


@pytest.mark.parametrize(
    ("scheme", "media", "bright"), [("light", "", True), ("dark", "", False), ("dark", "print", True)]
)
def test_text_can_be_read_in_the_light_in_the_dark_and_on_paper(opened, page, scheme, media, bright):
    look(opened, page, 1200, 900, scheme, media)

    for selector in ("h1", "main p", ".note", ".scores td", ".caption"):
        contrast, paper = _contrast(opened, selector)
        assert contrast >= 4.5, selector
        assert (paper > 0.5) is bright
    controls = opened.find_elements(By.CSS_SELECTOR, "nav, .truth, input[type=range], .player")
    assert any(control.is_displayed() for control in controls) is (media != "print")
