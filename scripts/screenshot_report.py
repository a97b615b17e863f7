"""Makes the README's picture of a report: ``python scripts/screenshot_report.py runs/demo/report.html OUT.png``."""

import base64
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser import chromium, look

WIDTH, HEIGHT = 1200, 830


def main(page: Path, out: Path) -> None:
    """Pictures the page from where one can listen, in a wide window."""
    with chromium() as browser:
        look(browser, page, WIDTH, HEIGHT)
        top = browser.execute_script(
            "return document.querySelector('main section[id^=run-]').getBoundingClientRect().top + window.scrollY"
        )
        clip = {"x": 0, "y": top + 1, "width": WIDTH, "height": HEIGHT, "scale": 1}
        taken = browser.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip, "captureBeyondViewport": True})
    out.write_bytes(base64.b64decode(taken["data"]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
