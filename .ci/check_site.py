"""Checks of the built site in a headless browser; `.ci/site` calls this script.

    python .ci/check_site.py BROWSER

Every page at two widths: nothing is cut, nothing is loaded from elsewhere, the console
has no error, axe finds nothing serious. Then: search, the interactive figure, sortable
tables, copied code.
"""

import functools
import http.server
import json
import sys
import threading
from pathlib import Path

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, sync_playwright

ROOT = Path(__file__).parents[1]
SITE = ROOT / "doc" / "_build" / "html"
sys.path.insert(0, str(ROOT / "doc"))

import explorer  # noqa: E402

WIDE, NARROW = 1300, 400
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# The page, and tables that their container neither shows whole nor scrolls.
CUT = """() => {
  const found = [];
  const root = document.documentElement;
  if (root.scrollWidth > window.innerWidth + 1)
    found.push(`the page is ${root.scrollWidth} px wide`);
  for (const box of document.querySelectorAll("main, main div, main article"))
    if (/^bd-/.test(box.className) && box.scrollWidth > box.clientWidth + 1)
      found.push(`${box.className} is ${box.scrollWidth} px wide`);
  for (const table of document.querySelectorAll("article table")) {
    if (!table.offsetParent) continue;
    let box = table.parentElement;
    while (box && !["auto", "scroll"].includes(getComputedStyle(box).overflowX)
           && box.tagName !== "ARTICLE") box = box.parentElement;
    const hidden = table.getBoundingClientRect().right
      - box.getBoundingClientRect().right;
    const scrolls = box.tagName !== "ARTICLE";
    if (hidden > 2 && (!scrolls || window.innerWidth > 1000))
      found.push(`${Math.round(hidden)} px of a table are cut: `
                 + table.textContent.trim().slice(0, 40));
  }
  return found;
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server that prints nothing."""

    def log_message(self, *args):
        """Print nothing."""


class Server(http.server.ThreadingHTTPServer):
    """A server whose visitors may leave before they have everything."""

    def handle_error(self, request, client_address):
        """Print nothing: a page that misses something has a fault."""


class Checks:
    """The browser's page, and what was found wrong."""

    def __init__(self, page, address):
        self.page, self.address, self.where = page, address, ""
        self.faults = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.fault(f"script error: {error}"))
        page.on("response", self._response)
        page.context.route("**/*", self._route)

    def fault(self, text):
        """Note a fault of the present page."""
        self.faults.append(f"{self.where}: {text}")

    def expect(self, condition, text):
        """Note a fault where the condition does not hold."""
        if not condition:
            self.fault(text)

    def open(self, name, width=WIDE):
        """Go to a page of the site."""
        self.where = name
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.goto(f"{self.address}/{name}")

    def _console(self, message):
        # What is not found has a fault of its own, with its address.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.fault(f"console: {message.text}")

    def _response(self, response):
        if response.status >= 400:
            self.fault(f"{response.status}: {response.url}")

    def _route(self, route):
        url = route.request.url
        if url.startswith((self.address, "data:", "blob:")):
            route.continue_()
        else:
            self.fault(f"asks another machine for {url}")
            route.abort()


def check_pages(checks):
    """Every page: width, console, network, accessibility."""
    axe = Axe()
    for path in sorted(SITE.rglob("*.html")):
        name = path.relative_to(SITE).as_posix()
        if name.startswith("_"):
            continue
        checks.open(name)
        for fault in checks.page.evaluate(CUT):
            checks.fault(f"at {WIDE} px, {fault}")
        options = {"resultTypes": ["violations"], "preload": False}
        for violation in axe.run(checks.page, options=options).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                node = violation["nodes"][0]
                text = f"{violation['id']}: {node['html'][:160]}"
                if node.get("any"):
                    text += f" ({node['any'][0]['message'][:160]})"
                checks.fault(text)
        checks.page.set_viewport_size({"width": NARROW, "height": 900})
        for fault in checks.page.evaluate(CUT):
            checks.fault(f"at {NARROW} px, {fault}")


def check_search(checks):
    """Names that users look for lead to the reference first."""
    for word in ("landmarks", "predict_interval"):
        checks.open(f"search.html?q={word}")
        first = checks.page.locator("#search-results li a").first
        first.wait_for()
        # Results come in one by one, in order.
        address = first.get_attribute("href")
        checks.expect(
            address.startswith("generated/sklearn_msk."), f"first is {address}"
        )


def check_explorer(checks):
    """Keys move the figure, and it shows what Python computes."""
    page = checks.page
    for width in (WIDE, NARROW):
        checks.open("index.html", width)
        canvas = page.locator('canvas[data-picture="model"]')
        status = page.locator(".explorer-status")

        def state(canvas=canvas, status=status):
            return canvas.evaluate("canvas => canvas.toDataURL()"), status.inner_text()

        for name, key in (
            ("k", "ArrowLeft"),
            ("steps", "ArrowLeft"),
            ("g", "ArrowDown"),
            ("problem", "ArrowDown"),
        ):
            before = state()
            page.locator(f'.explorer [name="{name}"]').focus()
            page.keyboard.press(key)
            after = state()
            checks.expect(before[0] != after[0], f"{name} does not change the picture")
            checks.expect(before[1] != after[1], f"{name} does not change the text")

    text = (SITE / "_static" / "explorer_data.js").read_text(encoding="utf-8")
    problems = json.loads(text.removeprefix("window.explorerData=").strip("; \n"))
    for name, packed in problems["problems"].items():
        for g, k, steps in (
            ("identity", 0, 1000),
            ("flatten", 50, 10),
            ("power", 20, 100),
            ("lift", 5, 1),
            ("flatten", 20, np.inf),
        ):
            found = page.evaluate(
                "([name, g, k, steps]) => Array.from(window.explorer.evaluate("
                "window.explorer.data.problems[name], g, k, steps))",
                [name, g, k, "limit" if np.isinf(steps) else steps],
            )
            expected = explorer.evaluate(packed, g, k, steps)
            checks.expect(
                np.allclose(found, expected, rtol=0, atol=1e-9 * packed["spread"]),
                f"{name}, {g}, k = {k}, {steps} steps: Python has other values",
            )


def check_tables(checks):
    """Press the head of a column: the numbers are sorted."""
    checks.open("benchmarks.html")
    checks.page.evaluate(
        "document.querySelectorAll('details').forEach(d => d.open = 1)"
    )
    table = checks.page.locator("table.sortable").first
    table.locator("th button").nth(1).click()
    values = table.locator("tbody td:nth-child(2)").all_inner_texts()
    numbers = [float(value) for value in values]
    checks.expect(numbers == sorted(numbers), "the numbers are not sorted")


def check_copy(checks):
    """Copy a block of code: no prompts come along."""
    checks.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    checks.open("tour.html")
    block = checks.page.locator("div.highlight", has_text=">>>").first
    block.hover()
    block.locator("button.copybtn").click()
    copied = checks.page.evaluate("navigator.clipboard.readText()")
    checks.expect(copied and ">>>" not in copied, f"copied: {copied[:80]}")


def main():
    """Run the checks and say what is wrong."""
    if not (SITE / "index.html").exists():
        sys.exit(f"There is no site in {SITE.relative_to(ROOT)}: run sphinx first.")
    handler = functools.partial(Quiet, directory=SITE)
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(
                executable_path=sys.argv[1], args=FLAGS
            )
        except Error as error:
            reason = str(error).splitlines()[0]
            print(f"The site was not checked in a browser: {reason}", file=sys.stderr)
            return
        page = browser.new_page()
        page.set_default_timeout(20_000)
        checks = Checks(page, f"http://127.0.0.1:{server.server_port}")
        for check in (
            check_pages,
            check_search,
            check_explorer,
            check_tables,
            check_copy,
        ):
            try:
                check(checks)
            except Error as error:
                checks.fault(f"{check.__name__}: {str(error)[:300]}")
        browser.close()
    for fault in dict.fromkeys(checks.faults):
        print(fault)
    if checks.faults:
        sys.exit(1)
    print("The site was checked in a browser.")


if __name__ == "__main__":
    main()
