"""Headless Chromium, as tests and the README's screenshot start it: it asks nobody for anything."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
    *("--autoplay-policy=no-user-gesture-required", "--hide-scrollbars"),
    # A stand-in for a microphone, which beeps, and which pages may have without a question.
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
)


def missing() -> str | None:
    """What is not installed; None where all is there."""
    return next((name for name in ("chromium", "chromedriver") if shutil.which(name) is None), None)


@contextmanager
def chromium() -> Iterator[webdriver.Chrome]:
    """Opens a browser that keeps a log of its console and of its requests, and closes it."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with TemporaryDirectory() as profile:
        for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
            options.add_argument(switch)
        # With the path of the driver, Selenium looks for none to download.
        browser = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
        try:
            yield browser
        finally:
            browser.quit()


def look(
    browser: webdriver.Chrome, page: Path | str, width: int, height: int, scheme: str = "light", media: str = ""
) -> None:
    """Opens a page, a file or an address, in a window of a size in pixels.

    The colour scheme is light or dark, the medium the screen or ``print``.
    """
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})
    browser.get(page if isinstance(page, str) else page.resolve().as_uri())
